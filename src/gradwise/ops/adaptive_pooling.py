"""Adaptive pooling: windows chosen such that the output has a given size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gradwise.errors import InputError
from gradwise.ops.windows import check_choice, per_axis

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def adaptive_average_pool(
    x: jax.Array,
    output_size: int | Sequence[int],
    *,
    rank: int = 2,
    data_format: str = "channels_last",
    where: str = "adaptive_average_pool",
) -> jax.Array:
    """Takes the mean of windows that cover each axis evenly.

    Window i of m along an axis of n holds the elements from floor(i n / m) up to, but not with,
    ceil((i + 1) n / m), as in PyTorch and Keras: neighbours share an element where m does not divide n.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        output_size: The output's spatial sizes m, one number or one for each axis.
        rank: The number of spatial axes, 1 to 3.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong.

    Example:
        >>> x = jnp.array([1.0, 2.0, 6.0]).reshape(1, 3, 1)
        >>> adaptive_average_pool(x, 2, rank=1).ravel().tolist()
        [1.5, 4.0]
    """
    return _axis_by_axis(_mean_along, x, output_size, rank, data_format, where)


def adaptive_max_pool(
    x: jax.Array,
    output_size: int | Sequence[int],
    *,
    rank: int = 2,
    data_format: str = "channels_last",
    where: str = "adaptive_max_pool",
) -> jax.Array:
    """Takes the maximum of windows that cover each axis evenly; see `adaptive_average_pool`.

    Of equal maxima the first in row-major order gets the gradient, as in PyTorch.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        output_size: The output's spatial sizes, one number or one for each axis.
        rank: The number of spatial axes, 1 to 3.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong.

    Example:
        >>> x = jnp.array([1.0, 2.0, 6.0]).reshape(1, 3, 1)
        >>> adaptive_max_pool(x, 2, rank=1).ravel().tolist()
        [2.0, 6.0]
    """
    return _axis_by_axis(_max_along, x, output_size, rank, data_format, where)


def _axis_by_axis(
    along: Callable[[jax.Array, int, int], jax.Array],
    x: jax.Array,
    output_size: int | Sequence[int],
    rank: int,
    data_format: str,
    where: str,
) -> jax.Array:
    check_choice(data_format, ("channels_last", "channels_first"), where, "data_format")
    sizes = per_axis(output_size, rank, where, "output_size")
    if x.ndim != rank + 2:
        raise InputError(
            where,
            expected=f"inputs with {rank + 2} axes: batch, {rank} spatial and channels",
            got=x.shape,
            fix="Add the missing axis, for example the channel axis with x[..., None].",
        )
    first = 1 if data_format == "channels_last" else 2
    # The last axis first: the first maximum in row-major order then stays the first.
    for place in reversed(range(rank)):
        if x.shape[first + place] != sizes[place]:
            x = along(x, first + place, sizes[place])
    return x


def _windows(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.arange(m)
    return numbers * n // m, -(-(numbers + 1) * n // m)


def _mean_along(x: jax.Array, axis: int, m: int) -> jax.Array:
    starts, stops = _windows(x.shape[axis], m)
    places = np.arange(x.shape[axis])[:, None]  # [N, 1]
    within = (places >= starts[None]) & (places < stops[None])  # [N, M]
    weights = jnp.asarray(within / (stops - starts)[None], x.dtype)
    # A product with a small matrix: unlike sums over gathered windows, its gradient scatters nothing.
    means = jnp.tensordot(x, weights, ((axis,), (0,)), precision=lax.Precision.HIGHEST)
    return jnp.moveaxis(means, -1, axis)


def _max_along(x: jax.Array, axis: int, m: int) -> jax.Array:
    starts, stops = _windows(x.shape[axis], m)
    longest = int((stops - starts).max())
    # Short windows repeat their last element, which changes neither the maximum nor which one is first.
    places = np.minimum(starts[:, None] + np.arange(longest)[None], stops[:, None] - 1)  # [M, W]
    gathered = jnp.take(x, places, axis=axis)  # [..., M, W, ...]
    first = jnp.argmax(gathered, axis=axis + 1, keepdims=True)
    return jnp.squeeze(jnp.take_along_axis(gathered, first, axis=axis + 1), axis + 1)
