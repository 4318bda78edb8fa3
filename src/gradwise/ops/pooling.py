"""Pooling: the maximum or the mean of each window, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gradwise.errors import InputError
from gradwise.ops.pooling_forms import (
    max_along_axes,
    max_of_blocks,
    split_blocks,
    sum_along_axes,
    within_blocks,
)
from gradwise.ops.windows import (
    channels_to_end,
    channels_to_front,
    check_choice,
    check_window_fits,
    pad_spatial,
    padding_amounts,
    per_axis,
    runs_on_cpu,
)

__all__ = [
    "average_pool",
    "average_pool2d",
    "max_pool",
    "max_pool2d",
]

# The place of the maximum is kept in one byte. An axis with longer windows is rare and goes the engine's way.
MOST_PLACES = 64


def max_pool2d(
    x: jax.Array,
    *,
    pool_size: int | Sequence[int] = (2, 2),
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> jax.Array:
    """Takes the maximum of each window of each image and channel.

    If several values of a window are equal to its maximum, the whole gradient goes to the first of them in
    row-major order, as in PyTorch and TensorFlow. Padding never wins.

    Args:
        x: float[B, H, W, C], or float[B, C, H, W] for channels_first.
        pool_size: The window, one number or (height, width).
        strides: The steps of the window; by default its size, so that windows do not overlap.
        padding: 'valid' drops what does not fill a window; 'same' makes the output ceil(n / s) long.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        float[B, OH, OW, C], or float[B, C, OH, OW] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is larger than the input.

    Example:
        >>> image = jnp.arange(16.0).reshape(1, 4, 4, 1)
        >>> max_pool2d(image)[0, :, :, 0].tolist()
        [[5.0, 7.0], [13.0, 15.0]]
    """
    return max_pool(
        x,
        rank=2,
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        where="max_pool2d",
    )


def average_pool2d(
    x: jax.Array,
    *,
    pool_size: int | Sequence[int] = (2, 2),
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> jax.Array:
    """Takes the mean of each window of each image and channel; padding does not count as values.

    Args:
        x: float[B, H, W, C], or float[B, C, H, W] for channels_first.
        pool_size: The window, one number or (height, width).
        strides: The steps of the window; by default its size, so that windows do not overlap.
        padding: 'valid' drops what does not fill a window; 'same' makes the output ceil(n / s) long.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        float[B, OH, OW, C], or float[B, C, OH, OW] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is larger than the input.

    Example:
        >>> image = jnp.arange(16.0).reshape(1, 4, 4, 1)
        >>> average_pool2d(image)[0, :, :, 0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    return average_pool(
        x,
        rank=2,
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        where="average_pool2d",
    )


def max_pool(
    x: jax.Array,
    *,
    rank: int,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    where: str = "max_pool",
) -> jax.Array:
    """Takes the maximum of each window over one, two or three spatial axes; see `max_pool2d`.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        rank: The number of spatial axes, 1 to 3.
        pool_size: The window, one number or one for each spatial axis.
        strides: The steps of the window; by default its size.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is larger than the input.

    Example:
        >>> max_pool(jnp.array([[[1.0], [3.0], [2.0], [5.0]]]), rank=1).ravel().tolist()
        [3.0, 5.0]
    """
    x, window, steps, pads = _prepare(x, rank, pool_size, strides, padding, data_format, where)
    if runs_on_cpu() and max(window) <= MOST_PLACES:
        padded = pad_spatial(x, pads, -math.inf)
        blocks = window == steps and all(isinstance(n, int) for n in padded.shape[1:-1])
        form = max_of_blocks if blocks and math.prod(window) <= MOST_PLACES else max_along_axes
        output = form(padded, window, steps)
    else:
        output = _reduce_windows(x, -jnp.inf, lax.max, window, steps, pads)
    return channels_to_front(output) if data_format == "channels_first" else output


def average_pool(
    x: jax.Array,
    *,
    rank: int,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    where: str = "average_pool",
) -> jax.Array:
    """Takes the mean of each window over one, two or three spatial axes; see `average_pool2d`.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        rank: The number of spatial axes, 1 to 3.
        pool_size: The window, one number or one for each spatial axis.
        strides: The steps of the window; by default its size.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is larger than the input.

    Example:
        >>> average_pool(jnp.array([[[1.0], [3.0], [2.0]]]), rank=1, padding="same").ravel().tolist()
        [2.0, 2.0]
    """
    x, window, steps, pads = _prepare(x, rank, pool_size, strides, padding, data_format, where)
    sizes = x.shape[1:-1]
    unpadded = padding == "valid" or pads == ((0, 0),) * rank
    if unpadded and window == steps and all(isinstance(n, int) for n in sizes):
        # Block by block: its gradient spreads each value, with no sums over shifted windows.
        output = jnp.mean(split_blocks(x, window), axis=within_blocks(rank))
    else:
        if runs_on_cpu() and max(window) <= MOST_PLACES:
            totals = sum_along_axes(pad_spatial(x, pads), window, steps)
        else:
            totals = _reduce_windows(x, 0.0, lax.add, window, steps, pads)
        output = totals / _counts(x, window, steps, pads) if not unpadded else totals / math.prod(window)
    return channels_to_front(output) if data_format == "channels_first" else output


Pads = tuple[tuple[int, int], ...]


def _prepare(
    x: jax.Array,
    rank: int,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None,
    padding: str,
    data_format: str,
    where: str,
) -> tuple[jax.Array, tuple[int, ...], tuple[int, ...], Pads]:
    check_choice(padding, ("valid", "same"), where, "padding")
    check_choice(data_format, ("channels_last", "channels_first"), where, "data_format")
    window = per_axis(pool_size, rank, where, "pool_size")
    steps = window if strides is None else per_axis(strides, rank, where, "strides")
    if x.ndim != rank + 2:
        raise InputError(
            where,
            expected=f"inputs with {rank + 2} axes: batch, {rank} spatial and channels",
            got=x.shape,
            fix="Add the missing axis, for example the channel axis with x[..., None].",
        )
    if data_format == "channels_first":
        x = channels_to_end(x)
    check_window_fits(x.shape[1:-1], window, steps, padding, where, "window")
    return x, window, steps, padding_amounts(x.shape[1:-1], window, steps, padding)


def _counts(x: jax.Array, window: tuple[int, ...], steps: tuple[int, ...], pads: Pads) -> jax.Array:
    ones = jnp.ones((1, *x.shape[1:-1], 1), x.dtype)
    return _reduce_windows(ones, 0.0, lax.add, window, steps, pads)


def _reduce_windows(
    x: jax.Array,
    start: float,
    combine: Callable[[Any, Any], Any],
    window: tuple[int, ...],
    steps: tuple[int, ...],
    pads: Pads,
) -> jax.Array:
    every_pad = ((0, 0), *pads, (0, 0))
    output: jax.Array = lax.reduce_window(
        x, np.asarray(start, x.dtype), combine, (1, *window, 1), (1, *steps, 1), every_pad
    )
    return output
