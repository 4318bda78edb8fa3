"""Streams of the images or texts in a folder, with Keras' arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import image_data_format
from gradwise.data.directory_parts import Part, Selection
from gradwise.data.file_samples import FileSamples
from gradwise.data.image_decoding import ImageReader
from gradwise.data.image_folders import ImageFiles
from gradwise.data.stream import Loader
from gradwise.data.text_folders import TEXT_SUFFIXES, TextFiles
from gradwise.data.text_reading import TextReader
from gradwise.errors import unknown_name

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
# Keras' names on the left.
_INTERPOLATIONS = {
    **{name: name for name in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")},
    "area": "box",
    "lanczos3": "lanczos",
}


class DirectoryLoader(Loader):
    """The batches of a folder's files: a `Loader` that also knows the files.

    Args:
        files: The files and their labels.
        batch_size: Samples in a batch; None for single samples.
        shuffle: Whether each epoch has another order.
        seed: Of the orders.
        workers: Processes that read.
        one_hot: The number of classes K if labels become float32[K], else None.

    Attributes:
        files: As given; `files.check()` looks for broken ones.
        file_paths: The paths, in the order of the files.
        class_names: The names of the classes, or None.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("a.txt").write_text("so good")
        >>> loader = DirectoryLoader(TextFiles(["a.txt"], [1]), batch_size=1)
        >>> [(texts.tolist(), labels.tolist()) for texts, labels in loader]
        [(['so good'], [1])]
    """

    def __init__(
        self,
        files: FileSamples,
        batch_size: int | None = 32,
        *,
        shuffle: bool = True,
        seed: int | None = None,
        workers: int = 0,
        one_hot: int | None = None,
    ) -> None:
        transform = None if one_hot is None else _OneHot(one_hot)
        super().__init__(files, batch_size, shuffle=shuffle, seed=seed, workers=workers, transform=transform)
        self.files = files
        self.file_paths = files.paths
        self.class_names = files.class_names


@dataclass(frozen=True)
class _OneHot:
    """Turns the label of a sample into float32[K]; all at once they could fill the memory."""

    classes: int

    def __call__(self, sample: tuple[Any, Any]) -> tuple[Any, NDArray[np.float32]]:
        label = np.zeros(self.classes, dtype=np.float32)
        label[int(sample[1])] = 1
        return sample[0], label


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] | int = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    *,
    verbose: bool = True,
    workers: int = 0,
) -> Any:
    """Streams the images of a folder, with the files, labels and split that Keras chooses.

    What differs: images come as uint8, a quarter of the memory, and shrinking averages over the pixels that
    go into one, where Keras drops most of them; rotations in EXIF data are applied, and what is transparent
    becomes white. Broken files are skipped with a warning. The order within an epoch is the stream's own.

    Args:
        directory: The folder, with a folder for each class if labels are inferred.
        labels: "inferred", one number for each file in the order of their paths, or None.
        label_mode: "int" for int32[B], "categorical" for float32[B, K], "binary" for float32[B, 1], or None
            for images without labels.
        class_names: The folders to read, in the order of their labels; by default all, by name.
        color_mode: "grayscale", "rgb" or "rgba".
        batch_size: Images in a batch; None for single images.
        image_size: The height and width in pixels, or one number for both.
        shuffle: Whether the files are shuffled before they are split, and in each epoch.
        seed: Of the orders.
        validation_split: The share of the files that are for validation, the last ones.
        subset: "training", "validation", or "both" for a list of the two.
        interpolation: "nearest", "bilinear", "bicubic", "area" (or "box"), "hamming" or "lanczos3".
        follow_links: Whether links to folders within a class are followed.
        crop_to_aspect_ratio: Whether the borders that do not fit are cut off instead of distorting.
        pad_to_aspect_ratio: Whether black borders are added instead of distorting.
        data_format: "channels_last" or "channels_first"; by default the library's.
        verbose: Whether the numbers of files are printed.
        workers: Processes that read images; with 0 the training's own.

    Returns:
        A `DirectoryLoader` of (uint8[B, H, W, C], labels), or a list of two.

    Raises:
        InputError: There is no file to read, or arguments are unknown or do not go together.

    Example:
        >>> from PIL import Image
        >>> for name in ("cat", "dog"):
        ...     os.makedirs(f"pets/{name}")
        ...     Image.new("RGB", (8, 6)).save(f"pets/{name}/1.png")
        >>> loader = image_dataset_from_directory("pets", image_size=(4, 4), label_mode="categorical")
        Found 2 files belonging to 2 classes.
        >>> [(x.shape, y.shape) for x, y in loader], loader.class_names
        ([((2, 4, 4, 3), (2, 2))], ['cat', 'dog'])
    """
    where = "image_dataset_from_directory"
    if color_mode not in _CHANNELS:
        raise unknown_name(where, "a color_mode", color_mode, _CHANNELS)
    if interpolation.lower() not in _INTERPOLATIONS:
        raise unknown_name(where, "an interpolation", interpolation, _INTERPOLATIONS)
    reader = ImageReader(
        image_size,
        _CHANNELS[color_mode],
        _INTERPOLATIONS[interpolation.lower()],
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        data_format=image_data_format() if data_format is None else data_format,
    )
    selection = Selection(
        where, directory, labels, label_mode, class_names, shuffle, seed,
        validation_split, subset, follow_links, verbose,
    )  # fmt: skip

    def opened(part: Part) -> ImageFiles:
        return ImageFiles(part.paths, part.labels, reader, class_names=part.class_names)

    return _loaders(selection, _IMAGES, opened, batch_size, workers)


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    *,
    verbose: bool = True,
    workers: int = 0,
) -> Any:
    """Streams the .txt files of a folder, with the files, labels and split that Keras chooses.

    Args:
        directory: The folder, with a folder for each class if labels are inferred.
        labels: "inferred", one number for each file in the order of their paths, or None.
        label_mode: "int" for int32[B], "categorical" for float32[B, K], "binary" for float32[B, 1], or None
            for texts without labels.
        class_names: The folders to read, in the order of their labels; by default all, by name.
        batch_size: Texts in a batch; None for single texts.
        max_length: The number of characters after which a text is cut off; None for no limit.
        shuffle: Whether the files are shuffled before they are split, and in each epoch.
        seed: Of the orders.
        validation_split: The share of the files that are for validation, the last ones.
        subset: "training", "validation", or "both" for a list of the two.
        follow_links: Whether links to folders within a class are followed.
        verbose: Whether the numbers of files are printed.
        workers: Processes that read texts; with 0 the training's own.

    Returns:
        A `DirectoryLoader` of (str[B], labels), or a list of two.

    Raises:
        InputError: There is no file to read, or arguments are unknown or do not go together.

    Example:
        >>> from pathlib import Path
        >>> for name, text in (("good", "I like it"), ("bad", "I do not")):
        ...     os.makedirs(f"reviews/{name}")
        ...     _ = Path(f"reviews/{name}/1.txt").write_text(text)
        >>> loader = text_dataset_from_directory("reviews", shuffle=False)
        Found 2 files belonging to 2 classes.
        >>> [(x.tolist(), y.tolist()) for x, y in loader]
        [(['I do not', 'I like it'], [0, 1])]
    """
    selection = Selection(
        "text_dataset_from_directory", directory, labels, label_mode, class_names, shuffle, seed,
        validation_split, subset, follow_links, verbose,
    )  # fmt: skip
    reader = TextReader(max_length)

    def opened(part: Part) -> TextFiles:
        return TextFiles(part.paths, part.labels, reader, class_names=part.class_names)

    return _loaders(selection, TEXT_SUFFIXES, opened, batch_size, workers)


def _loaders(
    selection: Selection,
    suffixes: tuple[str, ...],
    opened: Callable[[Part], FileSamples],
    batch_size: int | None,
    workers: int,
) -> DirectoryLoader | list[DirectoryLoader]:
    loaders = []
    for part in selection.parts(suffixes):
        names = part.class_names if selection.label_mode == "categorical" else None
        loaders.append(
            DirectoryLoader(
                opened(part),
                batch_size,
                shuffle=part.shuffle,
                seed=selection.seed,
                workers=workers,
                one_hot=None if names is None else len(names),
            )
        )
    return loaders if selection.subset == "both" else loaders[0]
