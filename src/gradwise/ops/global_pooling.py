"""Global pooling: the maximum or the mean of each channel over a whole sequence, image or volume."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.ops.windows import check_choice

__all__ = ["global_average_pool", "global_max_pool"]


def global_average_pool(
    x: jax.Array,
    mask: jax.Array | None = None,
    *,
    data_format: str = "channels_last",
    keepdims: bool = False,
) -> jax.Array:
    """Takes the mean of each channel over all spatial axes.

    Args:
        x: float[B, ..., C], or float[B, C, ...] for channels_first.
        mask: bool[B, ...] over the spatial axes; True where a step counts. By default all do. With none
            that counts the mean is 0.
        data_format: 'channels_last' or 'channels_first'.
        keepdims: Whether the spatial axes stay, with size 1.

    Returns:
        float[B, C].

    Raises:
        InputError: `data_format` is neither, there is no spatial axis, or the mask has another shape.

    Example:
        >>> global_average_pool(jnp.arange(4.0).reshape(1, 2, 2, 1)).tolist()
        [[1.5]]
        >>> global_average_pool(jnp.array([[[2.0], [9.0]]]), jnp.array([[True, False]])).tolist()
        [[2.0]]
    """
    axes = _spatial_axes(x, data_format, "global_average_pool")
    if mask is None:
        return jnp.mean(x, axis=axes, keepdims=keepdims)
    kept = _wide_mask(x, mask, data_format, "global_average_pool")
    total = jnp.sum(jnp.where(kept, x, 0), axis=axes, keepdims=keepdims)
    # At least 1: a sequence with no step gives 0, not NaN, also in the gradient.
    count = jnp.maximum(jnp.sum(kept, axis=axes, keepdims=keepdims, dtype=jnp.int32), 1)
    return total / count.astype(x.dtype)


def global_max_pool(
    x: jax.Array,
    mask: jax.Array | None = None,
    *,
    data_format: str = "channels_last",
    keepdims: bool = False,
) -> jax.Array:
    """Takes the maximum of each channel over all spatial axes; equal maxima share the gradient.

    Args:
        x: float[B, ..., C], or float[B, C, ...] for channels_first.
        mask: bool[B, ...] over the spatial axes; True where a step counts. By default all do. With none
            that counts the maximum is 0.
        data_format: 'channels_last' or 'channels_first'.
        keepdims: Whether the spatial axes stay, with size 1.

    Returns:
        float[B, C].

    Raises:
        InputError: `data_format` is neither, there is no spatial axis, or the mask has another shape.

    Example:
        >>> global_max_pool(jnp.arange(4.0).reshape(1, 2, 2, 1)).tolist()
        [[3.0]]
        >>> global_max_pool(jnp.array([[[2.0], [9.0]]]), jnp.array([[True, False]])).tolist()
        [[2.0]]
    """
    axes = _spatial_axes(x, data_format, "global_max_pool")
    if mask is None:
        return jnp.max(x, axis=axes, keepdims=keepdims)
    kept = _wide_mask(x, mask, data_format, "global_max_pool")
    largest = jnp.max(jnp.where(kept, x, -math.inf), axis=axes, keepdims=keepdims)
    return jnp.where(jnp.any(kept, axis=axes, keepdims=keepdims), largest, 0)


def _spatial_axes(x: jax.Array, data_format: str, where: str) -> tuple[int, ...]:
    check_choice(data_format, ("channels_last", "channels_first"), where, "data_format")
    if x.ndim < 3:
        raise InputError(
            where,
            expected="inputs with a batch axis, spatial axes and a channel axis",
            got=x.shape,
            fix="Apply it before flattening.",
        )
    return tuple(range(1, x.ndim - 1) if data_format == "channels_last" else range(2, x.ndim))


def _wide_mask(x: jax.Array, mask: jax.Array, data_format: str, where: str) -> jax.Array:
    last = data_format == "channels_last"
    sizes = x.shape[:-1] if last else (x.shape[0], *x.shape[2:])
    if tuple(mask.shape) != tuple(sizes):
        raise InputError(
            where,
            expected=f"a mask of shape {tuple(sizes)}, one truth value for each step",
            got=tuple(mask.shape),
            fix="Check the data format, or drop the mask.",
        )
    return jnp.expand_dims(jnp.asarray(mask).astype(bool), -1 if last else 1)
