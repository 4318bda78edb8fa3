"""Image files and bytes as arrays of one size and kind, whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.image_opening import (
    ImageFile,
    broken_image,
    is_transparent,
    open_image,
    orientation,
    turned_upright,
)
from gradwise.data.image_sizes import INTERPOLATIONS, checked_size, crop_box, padded, resampling
from gradwise.errors import InputError, unknown_name

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class ImageReader:
    """Reads image files as arrays, with settings given once; see `decode_image`.

    Args:
        size: The height and width in pixels, one number for both, or None for the image's own.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        crop_to_aspect_ratio: Whether the borders that do not fit are cut off instead of distorting.
        pad_to_aspect_ratio: Whether black borders are added instead of distorting.
        dtype: "uint8" or "uint16".
        data_format: "channels_last" for [H, W, C] or "channels_first" for [C, H, W].

    Raises:
        InputError: A setting cannot be used.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGB", (6, 4)).save(file, "PNG")
        >>> ImageReader(size=(2, 3), channels=1)(file.getvalue()).shape
        (2, 3, 1)
    """

    size: tuple[int, int] | int | None = None
    channels: int = 3
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    dtype: str = "uint8"
    data_format: str = "channels_last"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(self.size))
        choices: tuple[tuple[str, object, tuple[object, ...]], ...] = (
            ("channels", self.channels, (1, 3, 4)),
            ("dtype", self.dtype, ("uint8", "uint16")),
            ("data_format", self.data_format, ("channels_last", "channels_first")),
        )
        for name, value, allowed in choices:
            if value not in allowed:
                listed = ", ".join(map(repr, allowed))
                raise InputError(
                    f"image {name}", expected=f"one of {listed}", got=repr(value), fix="Use one of these."
                )
        if self.interpolation not in INTERPOLATIONS:
            raise unknown_name("image interpolation", "an interpolation", self.interpolation, INTERPOLATIONS)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise InputError(
                "image size",
                expected="crop_to_aspect_ratio or pad_to_aspect_ratio",
                got="both",
                fix="Leave one out.",
            )

    def __call__(self, source: ImageFile) -> NDArray[Any]:
        """Reads one image.

        Args:
            source: A path, or the content of a file.

        Returns:
            uint8[H, W, C] or uint16[H, W, C]; with data_format="channels_first" [C, H, W].

        Raises:
            BrokenSample: It cannot be read; the reason is told.
        """
        try:
            with open_image(source) as image:
                self._draft(image)
                image.load()
                picture = self._resized(turned_upright(self._converted(image), orientation(image)))
        except Exception as error:
            raise broken_image(source, error) from error
        array = self._finished(np.array(picture))  # [H, W, C]
        return array.transpose(2, 0, 1) if self.data_format == "channels_first" else array

    def look(self, source: ImageFile) -> None:
        """Reads an image's header only.

        Args:
            source: A path, or the content of a file.

        Raises:
            BrokenSample: There is no such file, or no image that may be read in it.
        """
        try:
            with open_image(source):
                pass
        except Exception as error:
            raise broken_image(source, error) from error

    def _draft(self, image: Image.Image) -> None:
        """Lets JPEG decode at 1/2, 1/4 or 1/8 of the size, where twice the wanted size still remains."""
        if (
            image.format in ("JPEG", "MPO")
            and isinstance(self.size, tuple)
            and self.interpolation != "nearest"
        ):
            height, width = self.size[::-1] if orientation(image) >= 5 else self.size
            image.draft(None, (2 * width, 2 * height))

    def _converted(self, image: Image.Image) -> Image.Image:
        """Brings an image to mode L, RGB or RGBA; 16-bit grey to floats from 0 to 65535."""
        from PIL import Image

        if image.mode == "F":
            raise ValueError("pixels in floating point, which have no fixed range")
        if image.mode.startswith("I"):
            values = np.asarray(image).astype(np.float32)
            if values.min() < 0 or values.max() > 65535:
                raise ValueError("32-bit pixels, which have no fixed range")
            return Image.fromarray(values)
        if self.channels == 4:
            return image.convert("RGBA")
        mode = "L" if self.channels == 1 else "RGB"
        if not is_transparent(image):
            return image.convert(mode)
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        white.alpha_composite(layer)
        return white.convert(mode)

    def _resized(self, image: Image.Image) -> Image.Image:
        if not isinstance(self.size, tuple) or image.size == self.size[::-1]:
            return image
        height, width = self.size
        method = resampling(self.interpolation)
        if self.crop_to_aspect_ratio:
            return image.resize((width, height), method, box=crop_box(image.size, (width, height)))
        if self.pad_to_aspect_ratio:
            image = padded(image, (width, height))
        return image.resize((width, height), method)

    def _finished(self, array: NDArray[Any]) -> NDArray[Any]:
        """Brings pixels to the channels and the type asked for; 65535 and 255 are both white."""
        if array.dtype == np.float32:
            array = array if self.dtype == "uint16" else array / 257
            # Bicubic and Lanczos overshoot.
            array = np.clip(np.rint(array), 0, np.iinfo(self.dtype).max).astype(self.dtype)
        elif self.dtype == "uint16":
            array = array.astype(np.uint16) * np.uint16(257)
        if array.ndim == 2:
            array = np.repeat(array[:, :, None], self.channels, axis=2)  # [H, W, C]; from 16-bit grey
            if self.channels == 4:
                array[:, :, 3] = np.iinfo(self.dtype).max
        return array


def decode_image(
    source: ImageFile,
    size: tuple[int, int] | int | None = None,
    channels: int = 3,
    *,
    interpolation: str = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    dtype: str = "uint8",
) -> NDArray[Any]:
    """Reads an image file as an array, upright and of the size and channels asked for.

    - BMP, GIF, JPEG, JPEG 2000, PNG, PPM, TIFF, WebP and AVIF are read, by their content, not their name; of
      several frames or pages the first.
    - The rotation in the EXIF data is applied. Colour profiles are not.
    - What is transparent becomes white, as on a page, unless four channels are asked for.
    - 16-bit grey is scaled to 0 … 255, not cut off; dtype="uint16" keeps it, and brings 8-bit images to
      0 … 65535. Pillow reads 16-bit colour as 8-bit.
    - Shrinking averages over the pixels that go into one ("nearest" does not). Large JPEG files are decoded
      at a fraction of their size, at least twice the size asked for.
    - More than `PIL.Image.MAX_IMAGE_PIXELS` pixels are refused: a small file may claim gigabytes.

    Args:
        source: A path, or the content of a file.
        size: The height and width in pixels, one number for both, or None for the image's own.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        crop_to_aspect_ratio: Whether the borders that do not fit are cut off instead of distorting.
        pad_to_aspect_ratio: Whether black borders are added instead of distorting.
        dtype: "uint8" or "uint16".

    Returns:
        uint8[H, W, C] or uint16[H, W, C].

    Raises:
        InputError: A setting cannot be used.
        BrokenSample: The file is missing, damaged, cut off, too large or no image; the reason is told.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGBA", (2, 1), (255, 0, 0, 0)).save(file, "PNG")  # red, and wholly transparent
        >>> decode_image(file.getvalue()).tolist()
        [[[255, 255, 255], [255, 255, 255]]]
    """
    reader = ImageReader(
        size, channels, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, dtype, "channels_last"
    )
    return reader(source)
