"""Images made larger and smaller, whole or cut or framed so that their shape stays."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gradwise.ops.resampling import INTERPOLATIONS
from gradwise.ops.windows import check_choice

__all__ = ["Window", "resize_images", "window_framed", "window_of_shape"]


class Window(NamedTuple):
    """A part of an image, or, with a top or left below 0, an image with a frame around it.

    Args:
        top: Its first row.
        left: Its first column.
        height: How many rows it has.
        width: How many columns.

    Example:
        >>> Window(0, 2, 4, 4).left
        2
    """

    top: int
    left: int
    height: int
    width: int


def window_of_shape(size: tuple[int, int], wanted: tuple[int, int]) -> Window:
    """Finds the largest part in the middle of an image that has the shape wanted.

    Args:
        size: The height and width of the image.
        wanted: A height and width in the relation wanted.

    Returns:
        The window.

    Example:
        >>> window_of_shape((10, 4), (2, 2))
        Window(top=3, left=0, height=4, width=4)
    """
    (height, width), (tall, wide) = size, wanted
    rows = max(min(height, int(width * tall / wide)), 1)
    columns = max(min(width, int(height * wide / tall)), 1)
    return Window((height - rows) // 2, (width - columns) // 2, rows, columns)


def window_framed(size: tuple[int, int], wanted: tuple[int, int]) -> Window:
    """Finds the even frame around an image that gives it the shape wanted.

    Args:
        size: The height and width of the image.
        wanted: A height and width in the relation wanted.

    Returns:
        The window, around the image.

    Example:
        >>> window_framed((10, 4), (2, 2))
        Window(top=0, left=-3, height=10, width=10)
    """
    (height, width), (tall, wide) = size, wanted
    above = (max(height, int(width * tall / wide)) - height) // 2
    beside = (max(width, int(height * wide / tall)) - width) // 2 if above == 0 else 0
    return Window(-above, -beside, height + 2 * above, width + 2 * beside)


def resize_images(
    images: jax.Array,
    size: tuple[int, int] = (1, 1),
    *,
    window: Window | None = None,
    interpolation: str = "bilinear",
    antialias: bool = False,
    fill_value: float = 0.0,
) -> jax.Array:
    """Gives images, or a window of them, another height and width; pixels are squares.

    Args:
        images: float[B, H, W, C].
        size: The new height and width.
        window: The part that is seen, or an image with a frame; the whole image by default.
        interpolation: 'nearest', 'bilinear', 'bicubic' (Keys, 1981, a = -1/2), 'lanczos3' or 'lanczos5'.
        antialias: Whether to widen the filter when images shrink, so that fine patterns do not become coarse
            ones.
        fill_value: The value of the frame.

    Returns:
        float[B, OH, OW, C].

    Raises:
        InputError: The interpolation is none of these.

    Example:
        >>> row = jnp.array([0.0, 2.0, 4.0, 6.0]).reshape(1, 1, 4, 1)
        >>> resize_images(row, (1, 2)).ravel().tolist()
        [1.0, 5.0]
    """
    check_choice(interpolation, INTERPOLATIONS, "resize_images", "interpolation")
    if window is not None:
        images = _seen_through(window, images, fill_value)
    shape = (images.shape[0], *size, images.shape[-1])
    if images.shape[1:3] == tuple(size):
        return images
    kind = images.dtype
    values = images if jnp.issubdtype(kind, jnp.floating) or interpolation == "nearest" else images * 1.0
    resized: jax.Array = jax.image.resize(values, shape, interpolation, antialias=antialias)
    return resized


def _seen_through(window: Window, images: jax.Array, fill_value: float) -> jax.Array:
    top, left, height, width = window
    if top < 0 or left < 0:
        filler = jnp.asarray(fill_value).astype(images.dtype)
        frame = [(0, 0), (-top, -top), (-left, -left), (0, 0)]
        return jnp.pad(images, frame, constant_values=filler)
    return images[:, top : top + height, left : left + width]
