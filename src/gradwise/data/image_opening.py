"""Opens image files without trusting them, and tells what is wrong with a broken one."""

from __future__ import annotations

import errno
import functools
import io
import os
from typing import TYPE_CHECKING, TypeAlias

from gradwise.data.broken import BrokenSample

if TYPE_CHECKING:
    from PIL import Image

ImageFile: TypeAlias = str | os.PathLike[str] | bytes

# Only formats of pixels: some others start programs (EPS) or read further files.
_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "AVIF")
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_ORIENTATION = 0x0112
# The machine's trouble, not the file's.
_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def open_image(source: ImageFile) -> Image.Image:
    """Opens an image and reads its header.

    Args:
        source: A path, or the content of a file.

    Returns:
        The image, whose pixels are not decoded yet.

    Raises:
        Exception: It cannot be read, or claims more than `PIL.Image.MAX_IMAGE_PIXELS`; see `broken_image`.

    Example:
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("L", (3, 2)).save(file, "PNG")
        >>> open_image(file.getvalue()).size
        (3, 2)
    """
    from PIL import Image

    image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_formats())
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        image.close()
        raise Image.DecompressionBombError
    return image


def is_transparent(image: Image.Image) -> bool:
    """Tells whether an image can have transparent pixels.

    Example:
        >>> from PIL import Image
        >>> is_transparent(Image.new("RGBA", (1, 1))), is_transparent(Image.new("RGB", (1, 1)))
        (True, False)
    """
    palette = image.palette is not None and image.palette.mode.endswith("A")
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or palette or "transparency" in image.info


def orientation(image: Image.Image) -> int:
    """Returns how the camera was held, 1 (upright) to 8, from the EXIF data; 1 without such.

    Example:
        >>> from PIL import Image
        >>> orientation(Image.new("RGB", (1, 1)))
        1
    """
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged notes beside the pixels
        return 1


def turned_upright(image: Image.Image, held: int) -> Image.Image:
    """Turns or mirrors an image so that it stands upright.

    Args:
        image: The image.
        held: How the camera was held, as `orientation` tells.

    Returns:
        The upright image.

    Example:
        >>> from PIL import Image
        >>> turned_upright(Image.new("RGB", (3, 2)), 6).size
        (2, 3)
    """
    from PIL import Image

    return image.transpose(Image.Transpose[_UPRIGHT[held]]) if held in _UPRIGHT else image


def broken_image(source: ImageFile, error: Exception) -> Exception:
    """Says what is wrong with a file; Pillow's readers raise whatever they trip over.

    Args:
        source: A path, or the content of a file.
        error: What was raised.

    Returns:
        BrokenSample, or `error` itself if the machine is to blame, such as with too many open files.

    Example:
        >>> print(broken_image("a.png", FileNotFoundError(errno.ENOENT, "")).reason)
        No such file or directory
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, MemoryError) or getattr(error, "errno", None) in _SYSTEM:
        return error
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        reason = f"more than {Image.MAX_IMAGE_PIXELS} pixels (PIL.Image.MAX_IMAGE_PIXELS)"
    elif isinstance(error, UnidentifiedImageError):
        size = len(source) if isinstance(source, bytes) else os.path.getsize(source)
        reason = "no image of a kind that is read" if size else "an empty file"
    elif isinstance(error, OSError) and error.errno is not None:
        reason = os.strerror(error.errno)
    else:
        reason = f"damaged data ({error})"
    return BrokenSample("image" if isinstance(source, bytes) else source, reason)


@functools.cache
def _formats() -> tuple[str, ...]:
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)
