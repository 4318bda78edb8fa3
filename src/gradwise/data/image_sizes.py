"""Sizes of images: what part of one goes into which size, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwise.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def checked_size(size: Any, where: str = "image size") -> tuple[int, int] | None:
    """Checks the height and width of images.

    Args:
        size: Two numbers, one for both, or None.
        where: The place to name in errors.

    Returns:
        The height and width, or None.

    Raises:
        InputError: It is anything else.

    Example:
        >>> checked_size(32)
        (32, 32)
    """
    if size is None:
        return None
    sides = (size, size) if isinstance(size, (int, np.integer)) else size
    fits = isinstance(sides, (tuple, list)) and len(sides) == 2
    if fits and all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sides):
        return int(sides[0]), int(sides[1])
    raise InputError(
        where, expected="a height and a width in pixels", got=repr(size), fix="Pass them as (height, width)."
    )


def resampling(interpolation: str) -> Image.Resampling:
    """Returns Pillow's method of an interpolation.

    Args:
        interpolation: One of `INTERPOLATIONS`.

    Example:
        >>> resampling("box").name
        'BOX'
    """
    from PIL import Image  # not at the top: most who import the library read no images

    return Image.Resampling[interpolation.upper()]


def crop_box(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """Finds the largest part in the middle of an image that has the shape wanted.

    Args:
        size: The width and height of the image.
        wanted: The width and height wanted.

    Returns:
        Left, top, right and bottom, in pixels.

    Example:
        >>> crop_box((6, 4), (2, 2))
        (1, 0, 5, 4)
    """
    width = max(1, min(size[0], size[1] * wanted[0] // wanted[1]))
    height = max(1, min(size[1], size[0] * wanted[1] // wanted[0]))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def padded(image: Image.Image, wanted: tuple[int, int]) -> Image.Image:
    """Adds borders of zeros, so that an image gets the shape wanted without being cut off or distorted.

    Args:
        image: The image.
        wanted: The width and height of that shape.

    Returns:
        The image in the middle of its borders, not resized.

    Example:
        >>> from PIL import Image
        >>> image = padded(Image.new("L", (2, 4), 255), (8, 8))
        >>> np.asarray(image)[0].tolist()
        [0, 255, 255, 0]
    """
    from PIL import Image

    width, height = image.size
    left = max(0, height * wanted[0] // wanted[1] - width) // 2
    top = max(0, width * wanted[1] // wanted[0] - height) // 2
    result = Image.new(image.mode, (width + 2 * left, height + 2 * top))
    result.paste(image, (left, top))
    return result
