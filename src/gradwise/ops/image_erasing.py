"""Rectangles of images replaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["byte_noise", "erase_patches"]


def erase_patches(images: jax.Array, starts: jax.Array, sizes: jax.Array, fill: jax.Array) -> jax.Array:
    """Replaces a rectangle of each image.

    Args:
        images: float[B, H, W, C].
        starts: float[B, 2]. Where each rectangle begins, in pixels from the top and the left.
        sizes: float[B, 2]. Its height and width; 0 for none.
        fill: float[B, H, W, C]. What comes in its place; sizes of 1 stand for all places alike.

    Returns:
        float[B, H, W, C].

    Example:
        >>> row = jnp.arange(4.0).reshape(1, 1, 4, 1)
        >>> patch = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 2.0]])
        >>> erase_patches(row, *patch, jnp.full((1, 1, 1, 1), 9.0)).ravel().tolist()
        [0.0, 9.0, 9.0, 3.0]
    """
    inside = []
    for axis in (0, 1):
        # A pixel goes with its centre, so that patches reach the first row as often as the last.
        places = jnp.arange(images.shape[1 + axis], dtype=starts.dtype)[None, :] + 0.5
        first = starts[:, axis, None]
        inside.append((places >= first) & (places < first + sizes[:, axis, None]))
    rows, columns = inside  # [B, H], [B, W]
    erased = rows[:, :, None, None] & columns[:, None, :, None]
    return jnp.where(erased, fill, images)


def byte_noise(key: jax.Array, shape: Sequence[int], value_range: tuple[float, float] = (0, 255)) -> Any:
    """Draws noise of 256 levels, all as likely: the values of a byte, from a quarter of the random bits.

    Args:
        key: A random key.
        shape: The sizes; samples lie along the first axis.
        value_range: What 0 and 255 stand for.

    Returns:
        float32 of this shape.

    Example:
        >>> noise = byte_noise(jax.random.key(0), (2, 3))
        >>> bool((noise == jnp.round(noise)).all())
        True
    """
    low, high = value_range
    row = math.prod(shape[1:])
    words = jax.random.bits(key, (shape[0], -(-row // 4)), "uint32")
    levels = lax.bitcast_convert_type(words, jnp.uint8).reshape(shape[0], -1)[:, :row]
    return levels.reshape(tuple(shape)).astype(jnp.float32) * ((high - low) / 255) + low
