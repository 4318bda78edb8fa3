"""Images in folders, one class a folder, read one at a time or all at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.broken import BrokenSample
from gradwise.data.file_lists import list_classes
from gradwise.data.file_samples import FileSamples
from gradwise.data.image_decoding import ImageReader
from gradwise.errors import FileError, InputError

IMAGE_SUFFIXES = (
    *(".bmp", ".gif", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".pbm", ".pgm", ".ppm"),
    *(".tif", ".tiff", ".webp", ".jp2", ".avif"),
)


class ImageFiles(FileSamples):
    """Image files with labels, read one at a time by position: `images[i]`.

    Args:
        paths: N paths.
        labels: [N, ...], or None for images without labels.
        reader: Reads one file; by default as RGB in its own size.
        class_names: The names of the classes that labels number, if they do.
        on_broken: What a file that cannot be read does: "skip" or "raise", see `FileSamples`.

    Raises:
        InputError: There is not one label for each path.

    Example:
        >>> from PIL import Image
        >>> Image.new("RGB", (8, 6)).save("a.png")
        >>> image, label = ImageFiles(["a.png"], [3])[0]
        >>> image.shape, int(label)
        ((6, 8, 3), 3)
    """

    reader: ImageReader

    def __init__(
        self,
        paths: Sequence[str],
        labels: ArrayLike | None = None,
        reader: ImageReader | None = None,
        *,
        class_names: Sequence[str] | None = None,
        on_broken: str = "skip",
    ) -> None:
        super().__init__(paths, labels, reader or ImageReader(), class_names=class_names, on_broken=on_broken)

    def to_arrays(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Reads everything into memory, in several threads.

        Broken files are left out with a warning, and listed in `broken`.

        Returns:
            uint8[N, H, W, C] and the labels [N, ...], None if there are none.

        Raises:
            InputError: The images differ in size, and no size was asked for.
            FileError: No file can be read, or one cannot be and on_broken="raise".

        Example:
            >>> from PIL import Image
            >>> Image.new("RGB", (8, 6)).save("a.png")
            >>> ImageFiles(["a.png", "a.png"], [3, 4]).to_arrays()[0].shape
            (2, 6, 8, 3)
        """
        shape = self._shape()
        images = np.empty((len(self), *shape), dtype=self.reader.dtype)

        def read(place: int) -> None:
            image = self.reader(self.paths[place])
            if image.shape != shape:
                raise InputError(
                    f"'{self.paths[place]}'",
                    expected=f"an image of shape {shape}, as the first",
                    got=image.shape,
                    fix="Give the size that all images are brought to: size=(height, width).",
                )
            images[place] = image

        return self._left(images, self._each(read))

    def _shape(self) -> tuple[int, ...]:
        """Returns the shape of the first image that can be read."""
        for path in self.paths:
            try:
                return tuple(self.reader(path).shape)
            except BrokenSample:
                continue
        raise FileError(
            "to_arrays",
            expected="files that can be read",
            got=f"none among {len(self)}",
            fix="`check()` tells what is wrong with each.",
        )


class ImageFolder(ImageFiles):
    """The images of a folder in which each folder is a class.

    Folders within a class are read too. Hidden files, and files without the ending of an image, are passed
    over and counted in `ignored`. Classes and files are ordered by name, whatever the file system's order.

    - `folder[i]` reads one image: (uint8[H, W, C], int32 label).
    - `paths`, `labels`, `class_names` and `class_counts()` tell what is there, without reading an image.
    - `check()` looks for broken files, and lists them in `broken`; a stream skips them and tells how many
      there are, see `FileSamples`.
    - `take(rows)` gives a part, `to_arrays()` everything at once.

    Args:
        directory: The folder.
        size: The height and width all images are brought to, one number for both, or None for each its own.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        class_names: The folders to read, in the order of their labels; by default all, by name.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        crop_to_aspect_ratio: Whether the borders that do not fit are cut off instead of distorting.
        pad_to_aspect_ratio: Whether black borders are added instead of distorting.
        dtype: "uint8" or "uint16"; see `decode_image`.
        follow_links: Whether links to folders within a class are followed; one that leads back up is not.
        on_broken: What a file that cannot be read does: "skip" or "raise".

    Raises:
        InputError: There is no such folder, no class or no image in it, or a setting cannot be used.

    Example:
        >>> from PIL import Image
        >>> for name in ("cat", "dog"):
        ...     os.makedirs(f"pets/{name}")
        ...     Image.new("RGB", (8, 6)).save(f"pets/{name}/1.png")
        >>> folder = ImageFolder("pets", size=(4, 4), channels=1)
        >>> folder.class_counts(), folder[1][0].shape, int(folder[1][1])
        ({'cat': 1, 'dog': 1}, (4, 4, 1), 1)
    """

    class_names: list[str]
    labels: NDArray[np.int32]

    def __init__(
        self,
        directory: str | os.PathLike[str],
        size: tuple[int, int] | int | None = None,
        channels: int = 3,
        class_names: Sequence[str] | None = None,
        *,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        dtype: str = "uint8",
        follow_links: bool = False,
        on_broken: str = "skip",
    ) -> None:
        reader = ImageReader(size, channels, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, dtype)
        files = list_classes(directory, IMAGE_SUFFIXES, class_names=class_names, follow_links=follow_links)
        super().__init__(
            files.paths, files.labels, reader, class_names=files.class_names, on_broken=on_broken
        )
        self.ignored = files.ignored
