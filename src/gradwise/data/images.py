"""Images between files, Pillow and arrays, with Keras' names and results."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradwise.config import floatx, image_data_format
from gradwise.data.image_sizes import INTERPOLATIONS, checked_size, crop_box, resampling
from gradwise.errors import InputError, unknown_name

if TYPE_CHECKING:
    from PIL import Image

_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}


def load_img(
    path: str | os.PathLike[str] | bytes | io.BytesIO,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image.Image:
    """Reads an image file as a Pillow image, exactly as Keras does.

    Transparency is dropped, rotations in EXIF data are not applied, and colour made of 16-bit grey is cut off
    at 255: `decode_image` treats these as one would expect.

    Args:
        path: A path, or an open `io.BytesIO`.
        color_mode: "grayscale" (16-bit and 32-bit grey is kept as such), "rgb" or "rgba".
        target_size: The height and width in pixels; by default the image's own.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: Whether the borders that do not fit are cut off instead of distorting.

    Returns:
        The image.

    Raises:
        InputError: A setting is unknown.
        OSError: There is no such file, or no image in it.

    Example:
        >>> save_img("red.png", np.full((4, 6, 3), (255, 0, 0)), scale=False)
        >>> load_img("red.png", target_size=(2, 2)).getpixel((0, 0))
        (255, 0, 0)
    """
    from PIL import Image

    if color_mode not in _MODES:
        raise unknown_name("load_img", "a color_mode", color_mode, _MODES)
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("load_img", "an interpolation", interpolation, INTERPOLATIONS)
    size = checked_size(target_size, "load_img, target_size")
    with Image.open(path) as file:
        modes = _MODES[color_mode]
        image = file.convert(modes[0]) if file.mode not in modes else file.copy()
    if size is None or image.size == size[::-1]:
        return image
    box = crop_box(image.size, size[::-1]) if keep_aspect_ratio else None
    return image.resize(size[::-1], resampling(interpolation), box=box)


def img_to_array(
    img: Image.Image, data_format: str | None = None, dtype: DTypeLike | None = None
) -> NDArray[Any]:
    """Turns a Pillow image into an array of its pixels, not scaled.

    Args:
        img: The image.
        data_format: "channels_last" or "channels_first"; by default the library's.
        dtype: The type of the result; by default the library's float type.

    Returns:
        float[H, W, C], or float[C, H, W] with channels first.

    Raises:
        InputError: `data_format` is unknown, or the image is none.

    Example:
        >>> from PIL import Image
        >>> img_to_array(Image.new("RGB", (3, 2), (255, 0, 0))).shape
        (2, 3, 3)
    """
    first = _channels_first(data_format, "img_to_array")
    array = np.asarray(img, dtype=dtype or floatx())
    if array.ndim not in (2, 3):
        raise InputError(
            "img_to_array", expected="one image", got=f"shape {array.shape}", fix="Pass a Pillow image."
        )
    array = array[:, :, None] if array.ndim == 2 else array
    return array.transpose(2, 0, 1) if first else array


def array_to_img(
    x: ArrayLike, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None
) -> Image.Image:
    """Turns an array of pixels into a Pillow image.

    Args:
        x: number[H, W, C] with 1, 3 or 4 channels, or number[C, H, W] with channels first.
        data_format: "channels_last" or "channels_first"; by default the library's.
        scale: Whether the values are brought to 0 … 255, the least to 0 and the greatest to 255. Without it
            they are cut down to whole numbers, and should be from 0 to 255.
        dtype: The type to compute in; by default the library's float type.

    Returns:
        The image, of mode L (or I for values above 255), RGB or RGBA.

    Raises:
        InputError: `data_format` is unknown, or `x` is not shaped like an image.

    Example:
        >>> np.asarray(array_to_img([[[0.0], [0.5], [1.0]]])).tolist()
        [[0, 127, 255]]
    """
    from PIL import Image

    first = _channels_first(data_format, "array_to_img")
    array = np.array(x, dtype=dtype or floatx())
    array = array.transpose(1, 2, 0) if first and array.ndim == 3 else array  # [H, W, C]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or not array.size:
        raise InputError(
            "array_to_img",
            expected="one image with 1, 3 or 4 channels",
            got=f"shape {np.shape(x)}",
            fix="Pass one image, and name where its channels are with data_format.",
        )
    if scale:
        array -= array.min()
        array /= array.max() or 1
        array *= 255
    if array.shape[2] > 1:
        return Image.fromarray(array.astype(np.uint8))
    return Image.fromarray(array[:, :, 0].astype(np.int32 if array.max() > 255 else np.uint8))


def save_img(
    path: str | os.PathLike[str] | Any,
    x: ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Saves an array of pixels as an image file.

    Args:
        path: A path, or an open file.
        x: number[H, W, C] with 1, 3 or 4 channels, or number[C, H, W] with channels first.
        data_format: "channels_last" or "channels_first"; by default the library's.
        file_format: "png", "jpeg" and the like; by default that of the path's ending.
        scale: Whether the values are brought to 0 … 255, the least to 0 and the greatest to 255.
        **kwargs: Passed to Pillow's `Image.save`.

    Raises:
        InputError: `data_format` is unknown, or `x` is not shaped like an image.

    Example:
        >>> save_img("grey.png", np.zeros((2, 2, 1)))
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix[1:]
    file_format = {"jpg": "jpeg"}.get((file_format or "").lower(), file_format) or None
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and (file_format or "").lower() == "jpeg":
        warnings.warn("save_img: JPEG has no transparency, which is dropped.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def _channels_first(data_format: str | None, where: str) -> bool:
    known = ("channels_last", "channels_first")
    chosen = image_data_format() if data_format is None else data_format
    if chosen not in known:
        raise unknown_name(where, "a data_format", chosen, known)
    return chosen == "channels_first"
