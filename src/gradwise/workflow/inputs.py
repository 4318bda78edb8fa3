"""What a model reads: tables, pictures or texts, turned into arrays the same way in training and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradwise.data.preprocessing import ColumnReport, TablePreprocessor
from gradwise.data.tables import Table
from gradwise.data.text import vectorize_sequences
from gradwise.errors import FileError, InputError


class Inputs(Protocol):
    """What all kinds of inputs offer."""

    @property
    def columns(self) -> list[ColumnReport]:
        """What was done to each column."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, as the model takes it."""
        ...

    def to_config(self) -> dict[str, Any]:
        """Returns the settings as values that JSON can hold."""
        ...


class TableInputs:
    """Rows of a table.

    Args:
        preprocessor: A fitted preprocessor.

    Example:
        >>> from gradwise.data.tables import read_table
        >>> table = read_table({"age": [20, 30, 40], "y": [0, 1, 0]})
        >>> TableInputs(TablePreprocessor().fit(table, "y")).shape
        (1,)
    """

    def __init__(self, preprocessor: TablePreprocessor) -> None:
        self.preprocessor = preprocessor

    @property
    def columns(self) -> list[ColumnReport]:
        """What was done to each column, in the order of the table."""
        return self.preprocessor.report

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of features."""
        return (len(self.preprocessor.feature_names),)

    def arrays(self, table: Table) -> tuple[NDArray[np.float32], list[str]]:
        """Turns rows into features.

        Args:
            table: The rows.

        Returns:
            float32[B, D], and sentences about what was out of the ordinary.

        Raises:
            InputError: A column is missing, or a cell has the wrong type.
        """
        return self.preprocessor.transform(table), self.preprocessor.last_notes.sentences()

    def to_config(self) -> dict[str, Any]:
        """Returns the settings as values that JSON can hold."""
        return {"kind": "table", "preprocessor": self.preprocessor.to_config()}


@dataclass(frozen=True)
class ImageInputs:
    """Pictures of one size.

    Args:
        shape: Height, width and channels of one picture.
        divisor: The brightest value of a pixel; pixels are divided by it.

    Example:
        >>> ImageInputs((8, 8, 1), 16.0).arrays(np.full((2, 8, 8), 16)).max()
        np.float32(1.0)
    """

    shape: tuple[int, ...]
    divisor: float

    @property
    def columns(self) -> list[ColumnReport]:
        """What was done to the pixels."""
        height, width, channels = self.shape
        size = f"{height} × {width} pixels, {'grey' if channels == 1 else f'{channels} colours'}"
        return [ColumnReport("picture", "image", size, f"{size}; divided by {self.divisor:g}", ("pixels",))]

    def arrays(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        """Turns pictures into what the model takes.

        Args:
            pictures: [B, H, W], [B, H, W, C] or [B, H·W·C], in the range the model was trained on.

        Returns:
            float32[B, H, W, C], the pixels from 0 to 1.

        Raises:
            InputError: The pictures have another size.
        """
        shape = np.shape(pictures)
        flat = int(np.prod(self.shape))
        if shape[1:] not in (self.shape, self.shape[:2] if self.shape[2] == 1 else self.shape, (flat,)):
            raise InputError(
                "pictures",
                expected=f"shape [B, {', '.join(map(str, self.shape))}], or rows of {flat} pixels",
                got=shape,
                fix="Scale or crop them to that size.",
            )
        return (np.asarray(pictures, np.float32) / np.float32(self.divisor)).reshape(-1, *self.shape)

    def picture(self, sample: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Returns a sample as a picture to look at.

        Args:
            sample: float32[H, W, C] from `arrays`.

        Returns:
            uint8[H, W] for grey ones, else uint8[H, W, C].
        """
        image = np.clip(np.round(sample * 255), 0, 255).astype(np.uint8)
        return image[..., 0] if self.shape[2] == 1 else image

    def to_config(self) -> dict[str, Any]:
        """Returns the settings as values that JSON can hold."""
        return {"kind": "image", "shape": list(self.shape), "divisor": self.divisor}


@dataclass(frozen=True)
class WordInputs:
    """Texts as the set of their frequent words.

    Args:
        words: How many of the most frequent words are told apart.

    Example:
        >>> WordInputs(5).arrays([[1, 3, 3], [4]]).tolist()
        [[0, 1, 0, 1, 0], [0, 0, 0, 0, 1]]
    """

    words: int

    @property
    def shape(self) -> tuple[int, ...]:
        """One place for each word."""
        return (self.words,)

    @property
    def columns(self) -> list[ColumnReport]:
        """What was done to the texts."""
        action = "1 for each word that occurs, else 0 (multi-hot)"
        return [ColumnReport("text", "words", f"the {self.words} most frequent words", action, ("words",))]

    def arrays(self, texts: Sequence[Sequence[int]] | NDArray[Any]) -> NDArray[np.uint8]:
        """Turns lists of word ids into what the model takes.

        Args:
            texts: Word ids below `words`.

        Returns:
            uint8[B, D] of 0 and 1.
        """
        return vectorize_sequences(texts, self.words, dtype="uint8")

    def to_config(self) -> dict[str, Any]:
        """Returns the settings as values that JSON can hold."""
        return {"kind": "words", "words": self.words}


def inputs_from_config(config: Mapping[str, Any]) -> TableInputs | ImageInputs | WordInputs:
    """Rebuilds inputs from `to_config`.

    Args:
        config: What `to_config` returned.

    Returns:
        The inputs.

    Raises:
        FileError: It is not.

    Example:
        >>> inputs_from_config({"kind": "words", "words": 5}).shape
        (5,)
    """
    try:
        if config["kind"] == "table":
            return TableInputs(TablePreprocessor.from_config(config["preprocessor"]))
        if config["kind"] == "image":
            height, width, channels = (int(size) for size in config["shape"])
            return ImageInputs((height, width, channels), float(config["divisor"]))
        if config["kind"] == "words":
            return WordInputs(int(config["words"]))
        raise KeyError(str(config["kind"]))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            "load",
            expected="inputs of kind table, image or words",
            got=f"something else ({error})",
            fix="The file is damaged or of another version: train the model again.",
        ) from error
