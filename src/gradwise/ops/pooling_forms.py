"""The ways to pool on CPU, by slices and selects.

The engine's own gradient of a windowed maximum (select and scatter) runs several times slower there.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.ops.windows import shifted_slices


def _first_maximum(
    x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...]
) -> tuple[jax.Array, jax.Array]:
    # Kept as one byte for each output: the gradient then needs neither input nor output.
    parts = list(shifted_slices(x, window, steps, (1,) * len(window)))
    place = jnp.zeros(parts[0].shape, jnp.int8)
    largest = parts[0]
    for number, part in enumerate(parts[1:], start=1):
        place = jnp.where(part > largest, jnp.int8(number), place)
        largest = jnp.maximum(largest, part)  # unlike a select, this keeps NaN
    return largest, place


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def max_of_windows(x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...]) -> jax.Array:
    """Takes the maximum of windows that may overlap; the gradient goes to the first maximum.

    Args:
        x: float[B, ..., C]. Padded already.
        window: The window's sizes.
        steps: The strides.

    Returns:
        float[B, ..., C].

    Example:
        >>> max_of_windows(jnp.array([[[1.0], [3.0], [2.0]]]), (2,), (1,)).ravel().tolist()
        [3.0, 3.0]
    """
    return _first_maximum(x, window, steps)[0]


@max_of_windows.defjvp
def _max_of_windows_tangent(
    window: tuple[int, ...], steps: tuple[int, ...], primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    output, place = _first_maximum(primals[0], window, steps)
    parts = shifted_slices(tangents[0], window, steps, (1,) * len(window))
    chosen = [jnp.where(place == jnp.int8(number), part, 0) for number, part in enumerate(parts)]
    return output, functools.reduce(jnp.add, chosen)


def max_along_axes(x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...]) -> jax.Array:
    """Does what `max_of_windows` does, one axis after another: 3 + 3 slices for a window of 3 by 3, not 9.

    The last axis goes first, so that among equal maxima the first in row-major order gets the gradient.

    Args:
        x: float[B, ..., C]. Padded already.
        window: The window's sizes.
        steps: The strides.

    Returns:
        float[B, ..., C].

    Example:
        >>> max_along_axes(jnp.arange(12.0).reshape(1, 3, 4, 1), (3, 2), (1, 2)).ravel().tolist()
        [9.0, 11.0]
    """
    for alone, stride in _one_axis_each(window, steps):
        x = max_of_windows(x, alone, stride)
    return x


def sum_along_axes(x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...]) -> jax.Array:
    """Sums windows that may overlap, one axis after another.

    Args:
        x: float[B, ..., C]. Padded already.
        window: The window's sizes.
        steps: The strides.

    Returns:
        float[B, ..., C].

    Example:
        >>> sum_along_axes(jnp.arange(12.0).reshape(1, 3, 4, 1), (3, 2), (1, 2)).ravel().tolist()
        [27.0, 39.0]
    """
    for alone, stride in _one_axis_each(window, steps):
        x = functools.reduce(jnp.add, shifted_slices(x, alone, stride, (1,) * len(window)))
    return x


def _one_axis_each(
    window: tuple[int, ...], steps: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    rank = len(window)
    for axis in reversed(range(rank)):
        if window[axis] != 1 or steps[axis] != 1:
            yield (
                tuple(window[axis] if other == axis else 1 for other in range(rank)),
                tuple(steps[axis] if other == axis else 1 for other in range(rank)),
            )


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def max_of_blocks(x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...]) -> jax.Array:
    """Does what `max_of_windows` does, faster, for windows that do not overlap.

    Args:
        x: float[B, ..., C]. Padded already.
        window: The window's sizes.
        steps: The strides, equal to `window`.

    Returns:
        float[B, ..., C].

    Example:
        >>> max_of_blocks(jnp.array([[[1.0], [3.0], [2.0]]]), (2,), (2,)).ravel().tolist()
        [3.0]
    """
    return functools.reduce(jnp.maximum, shifted_slices(x, window, steps, (1,) * len(window)))


@max_of_blocks.defjvp
def _max_of_blocks_tangent(
    window: tuple[int, ...], steps: tuple[int, ...], primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # Without overlap the transposed rule is one select over the input, where the general one adds up a
    # padded array for each place of the window; a convnet's whole training step gains a third.
    _, place = _first_maximum(primals[0], window, steps)
    rank = len(window)
    within = within_blocks(rank)
    numbers = np.arange(math.prod(window), dtype=np.int8).reshape(
        [1, *itertools.chain.from_iterable((1, f) for f in window), 1]
    )
    chosen = jnp.expand_dims(place, within) == numbers  # [B, OH, PH, OW, PW, C]
    tangent = jnp.sum(jnp.where(chosen, split_blocks(tangents[0], window), 0), axis=within)
    return max_of_blocks(primals[0], window, steps), tangent


def split_blocks(x: jax.Array, window: tuple[int, ...]) -> jax.Array:
    """Splits each spatial axis in two, the block's number and the place in it; a remainder is dropped.

    Args:
        x: float[B, ..., C].
        window: The block's sizes.

    Returns:
        float[B, OH, PH, OW, PW, C] for two spatial axes.

    Example:
        >>> split_blocks(jnp.ones((1, 5, 4, 3)), (2, 2)).shape
        (1, 2, 2, 2, 2, 3)
    """
    counts = [n // f for n, f in zip(x.shape[1:-1], window, strict=True)]
    kept = tuple(slice(0, m * f) for m, f in zip(counts, window, strict=True))
    cropped = x[(slice(None), *kept, slice(None))]
    pairs = itertools.chain.from_iterable(zip(counts, window, strict=True))
    return cropped.reshape(x.shape[0], *pairs, x.shape[-1])  # [B, OH, PH, OW, PW, C]


def within_blocks(rank: int) -> tuple[int, ...]:
    """Gives the axes of the places within a block in what `split_blocks` returns.

    Args:
        rank: The number of spatial axes.

    Returns:
        The axes.

    Example:
        >>> within_blocks(2)
        (2, 4)
    """
    return tuple(range(2, 2 * rank + 1, 2))
