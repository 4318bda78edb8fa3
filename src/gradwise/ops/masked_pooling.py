"""Pooling of sequences some of whose steps do not count."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.ops.pooling import average_pool, max_pool

__all__ = ["masked_average_pool", "masked_max_pool", "pool_mask"]


def pool_mask(
    mask: jax.Array,
    *,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    where: str = "pool_mask",
) -> jax.Array:
    """Tells which windows of a sequence hold at least one step that counts.

    Args:
        mask: bool[B, T]. True where a step counts.
        pool_size: The window.
        strides: The steps of the window; by default its size.
        padding: 'valid' or 'same'.
        where: What to call this op in errors.

    Returns:
        bool[B, OT].

    Raises:
        InputError: A setting is wrong, or the window is longer than the sequence.

    Example:
        >>> pool_mask(jnp.array([[True, False, False, False]])).tolist()
        [[True, False]]
    """
    counts = jnp.asarray(mask).astype(bool).astype(jnp.float32)[..., None]  # [B, T, 1]
    pooled = max_pool(counts, rank=1, pool_size=pool_size, strides=strides, padding=padding, where=where)
    return pooled[..., 0] > 0


def masked_max_pool(
    x: jax.Array,
    mask: jax.Array,
    *,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    where: str = "masked_max_pool",
) -> jax.Array:
    """Takes the maximum of each window of a sequence over the steps that count; 0 where none does.

    Args:
        x: float[B, T, C], or float[B, C, T] for channels_first.
        mask: bool[B, T]. True where a step counts.
        pool_size: The window.
        strides: The steps of the window; by default its size.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors.

    Returns:
        float[B, OT, C], or float[B, C, OT] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is longer than the sequence.

    Example:
        >>> x = jnp.array([[[1.0], [9.0], [7.0], [8.0]]])
        >>> masked_max_pool(x, jnp.array([[True, False, False, False]])).ravel().tolist()
        [1.0, 0.0]
    """
    kept = _along_time(x, mask, data_format, where)
    least = jnp.where(kept, x, -math.inf)
    largest = max_pool(
        least,
        rank=1,
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        where=where,
    )
    counted = pool_mask(mask, pool_size=pool_size, strides=strides, padding=padding, where=where)
    return jnp.where(_along_time(largest, counted, data_format, where), largest, 0)


def masked_average_pool(
    x: jax.Array,
    mask: jax.Array,
    *,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    where: str = "masked_average_pool",
) -> jax.Array:
    """Takes the mean of each window of a sequence over the steps that count; 0 where none does.

    Args:
        x: float[B, T, C], or float[B, C, T] for channels_first.
        mask: bool[B, T]. True where a step counts.
        pool_size: The window.
        strides: The steps of the window; by default its size.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors.

    Returns:
        float[B, OT, C], or float[B, C, OT] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the window is longer than the sequence.

    Example:
        >>> x = jnp.array([[[1.0], [9.0], [7.0], [8.0]]])
        >>> masked_average_pool(x, jnp.array([[True, False, True, True]])).ravel().tolist()
        [1.0, 7.5]
    """
    kept = _along_time(x, mask, data_format, where)

    def pooled(values: jax.Array) -> jax.Array:
        return average_pool(
            values,
            rank=1,
            pool_size=pool_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            where=where,
        )

    # Both means divide by the same number of steps, so their quotient divides by those that count.
    share = pooled(kept.astype(x.dtype))
    counted = share > 0
    return jnp.where(counted, pooled(jnp.where(kept, x, 0)) / jnp.where(counted, share, 1), 0)


def _along_time(x: jax.Array, mask: jax.Array, data_format: str, where: str) -> jax.Array:
    last = data_format == "channels_last"
    sizes = (x.shape[0], x.shape[1 if last else -1])
    if tuple(mask.shape) != sizes:
        raise InputError(
            where,
            expected=f"a mask of shape {sizes}, one truth value for each step",
            got=tuple(mask.shape),
            fix="Check the data format, or drop the mask.",
        )
    return jnp.expand_dims(jnp.asarray(mask).astype(bool), -1 if last else 1)
