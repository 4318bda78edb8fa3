"""Larger sequences, images and volumes from small ones, by repetition or interpolation."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gradwise.ops.windows import check_choice

__all__ = ["INTERPOLATIONS", "interpolate_images", "repeat_spatial"]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def repeat_spatial(x: jax.Array, factors: Sequence[int], *, data_format: str = "channels_last") -> jax.Array:
    """Repeats every element along each spatial axis.

    Args:
        x: float[B, ..., C], or float[B, C, ...] for channels_first.
        factors: How many times, for each spatial axis.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Example:
        >>> repeat_spatial(jnp.array([[[1.0], [2.0]]]), (2,)).ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    first = 1 if data_format == "channels_last" else 2
    before, sizes, after = (
        x.shape[:first],
        x.shape[first : first + len(factors)],
        x.shape[first + len(factors) :],
    )
    split = [part for n in sizes for part in (n, 1)]
    wide = [part for n, factor in zip(sizes, factors, strict=True) for part in (n, factor)]
    # Copies along an axis of their own: the gradient is a plain sum over it, where that of a gather scatters.
    repeated = jnp.broadcast_to(x.reshape(*before, *split, *after), (*before, *wide, *after))
    larger = [n * factor for n, factor in zip(sizes, factors, strict=True)]
    return repeated.reshape(*before, *larger, *after)


def interpolate_images(
    x: jax.Array,
    sizes: Sequence[int],
    *,
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    where: str = "interpolate_images",
) -> jax.Array:
    """Gives images another height and width; pixels are squares, whose centres lie at half numbers.

    'bilinear' weighs neighbours with a triangle, 'bicubic' with the kernel of Keys (1981, a = -1/2; PyTorch
    uses -3/4), 'lanczos3' and 'lanczos5' with a windowed sinc (Lanczos; Duchon, 1979). At the border the
    weights of the pixels that exist are made to add up to 1. Images are not smoothed before they shrink.

    Args:
        x: float[B, H, W, C], or float[B, C, H, W] for channels_first.
        sizes: The new height and width.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, OH, OW, C], or float[B, C, OH, OW] for channels_first.

    Raises:
        InputError: The interpolation is none of these.

    Example:
        >>> x = jnp.array([0.0, 1.0]).reshape(1, 1, 2, 1)
        >>> interpolate_images(x, (1, 4)).ravel().tolist()
        [0.0, 0.25, 0.75, 1.0]
    """
    check_choice(interpolation, INTERPOLATIONS, where, "interpolation")
    last = data_format == "channels_last"
    shape = (x.shape[0], *sizes, x.shape[-1]) if last else (*x.shape[:2], *sizes)
    resized: jax.Array = jax.image.resize(x, shape, interpolation, antialias=False)
    return resized
