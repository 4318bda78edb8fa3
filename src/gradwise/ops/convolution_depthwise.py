"""Convolution of each channel by itself as sums of products, with gradients that run at full speed on CPU."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops.windows import shifted_slices

Axes = tuple[int, ...]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def sum_over_places(x: jax.Array, taps: jax.Array, window: Axes, strides: Axes, dilation: Axes) -> jax.Array:
    """Adds up, over the places in a window, what all windows see there times the weight of that place.

    Automatic differentiation would add one padded array a place for the input's gradient, 10 times as slow
    as sliding the flipped weights over the cotangent. Forward-mode differentiation is refused here.

    Args:
        x: float[B, ..., C]. Padded already.
        taps: float[P, C], the places in row-major order.
        window: The window's sizes without dilation; their product is P.
        strides: The strides.
        dilation: The distance between neighbours within a window.

    Returns:
        float[B, ..., C].

    Example:
        >>> x = jnp.array([1.0, 2.0, 4.0]).reshape(1, 3, 1)
        >>> sum_over_places(x, jnp.array([[-1.0], [1.0]]), (2,), (1,), (1,)).ravel().tolist()
        [1.0, 2.0]
    """
    wide = (1,) * (x.ndim - 1) + (-1,)
    parts = shifted_slices(x, window, strides, dilation)
    products = [part * tap.reshape(wide) for part, tap in zip(parts, taps, strict=True)]
    total: jax.Array = functools.reduce(jnp.add, products)
    return total


def _forward(
    x: jax.Array, taps: jax.Array, window: Axes, strides: Axes, dilation: Axes
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return sum_over_places(x, taps, window, strides, dilation), (x, taps)


def _backward(
    window: Axes, strides: Axes, dilation: Axes, residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, taps = residuals
    amounts = [(0, 0, 0)]
    for size, out, f, s, d in zip(
        x.shape[1:-1], cotangent.shape[1:-1], window, strides, dilation, strict=True
    ):
        amounts.append(((f - 1) * d, size - 1 - (out - 1) * s, s - 1))
    spread = lax.pad(cotangent, lax.full((), 0, dtype=cotangent.dtype), [*amounts, (0, 0, 0)])
    input_gradient = sum_over_places(spread, jnp.flip(taps, 0), window, (1,) * len(window), dilation)
    return input_gradient, _taps_gradient(x, cotangent, window, strides, dilation)


def _taps_gradient(
    x: jax.Array, cotangent: jax.Array, window: Axes, strides: Axes, dilation: Axes
) -> jax.Array:
    # Sample by sample, so that all places find their operands in the processor's cache: up to 6 times as
    # fast as place by place over the whole batch.
    kind = jnp.float32 if x.dtype.itemsize < 4 else x.dtype  # a sum over a batch needs more than 16 bits
    rows = tuple(range(x.ndim - 3))
    start = jnp.zeros((math.prod(window), *cotangent.shape[-2:]), kind)

    def add_sample(total: jax.Array, sample: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        image, gradient = (array.astype(kind) for array in sample)
        parts = shifted_slices(image[None], window, strides, dilation)
        sums = [jnp.sum(part[0] * gradient, rows) for part in parts]  # [P][W, C]
        return total + jnp.stack(sums), None

    total, _ = lax.scan(add_sample, start, (x, cotangent))
    return total.sum(1).astype(x.dtype)


sum_over_places.defvjp(_forward, _backward)
