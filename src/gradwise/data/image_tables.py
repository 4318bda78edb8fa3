"""Images that a table names, with classes, labels or numbers from its columns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.image_decoding import ImageReader
from gradwise.data.image_folders import IMAGE_SUFFIXES, ImageFiles
from gradwise.data.tables import Column, Table, read_table
from gradwise.data.target_encoding import TargetEncoder
from gradwise.data.targets import find_problem, rows_with_target
from gradwise.errors import InputError


class ImageTable(ImageFiles):
    """Images named in a table, with targets from its columns.

    One target column of words gives classes, one of numbers classes or a regression, cells such as
    `car|person` or columns of 0 and 1 several labels; `find_problem` has the rules. All files must be there;
    no image is read before it is asked for.

    - `images[i]` reads one image: (uint8[H, W, C], its target).
    - `labels` are int32[N] class numbers, float32[N, K] of 0 and 1 for several labels, or float32[N] and
      float32[N, K] numbers as they are in the table.
    - `problem` tells the kind, the classes and the last layer that suits; `class_names` the classes.
    - `rows` are the rows of the table that are used; those without a target are left out.
    - `check()`, `take(rows)` and `to_arrays()` are those of `ImageFolder`.

    Args:
        table: The path of a CSV file, a frame, a dict of columns or a table.
        paths: The column that names the files.
        targets: The target column, several of them, or None for images without targets.
        root: The folder that the names start from; by default that of the table's file, else the current one.
        size: The height and width all images are brought to, one number for both, or None for each its own.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        kind: The kind of problem, if `find_problem` should not decide.
        reader: How files are read, in place of `size` and `channels`.
        on_broken: What a file that cannot be read does: "skip" or "raise", see `FileSamples`.

    Raises:
        InputError: A column is unknown, a file is missing (all are told), or nothing can be learned from the
            target.

    Example:
        >>> from PIL import Image
        >>> for name in ("a.png", "b.png"):
        ...     Image.new("RGB", (8, 6)).save(name)
        >>> table = {"file": ["a.png", "b.png"], "age": [31.5, 20.0]}
        >>> images = ImageTable(table, "file", "age", kind="regression")
        >>> images[0][0].shape, float(images[0][1])
        ((6, 8, 3), 31.5)
    """

    def __init__(
        self,
        table: str | os.PathLike[str] | Mapping[str, Any] | Table | Any,
        paths: str,
        targets: str | Sequence[str] | None = None,
        root: str | os.PathLike[str] | None = None,
        size: tuple[int, int] | int | None = None,
        channels: int = 3,
        *,
        kind: str | None = None,
        reader: ImageReader | None = None,
        on_broken: str = "skip",
    ) -> None:
        if reader is not None and (size is not None or channels != 3):
            raise InputError(
                "ImageTable", expected="reader, or size and channels", got="both", fix="Leave one out."
            )
        whole = read_table(table)
        names = [targets] if isinstance(targets, str) else list(targets or ())
        self.rows = rows_with_target(whole, names)[0] if names else np.arange(len(whole))
        kept = whole.take(self.rows)
        folder = _folder(table) if root is None else Path(root)
        found = _existing(kept.column(paths), folder, whole.source)
        self.problem = find_problem([kept.column(name) for name in names], kind=kind) if names else None
        labels: NDArray[Any] | None = None
        classes: list[str] | None = None
        if self.problem is not None:
            labels = TargetEncoder(self.problem).encode(kept)
            classes = list(map(str, self.problem.classes)) or None
        super().__init__(
            found, labels, reader or ImageReader(size, channels), class_names=classes, on_broken=on_broken
        )

    def take(self, rows: ArrayLike) -> Self:
        """Returns the chosen samples only, for example a part that `holdout` made.

        Args:
            rows: Positions among the samples, or a bool array.

        Returns:
            An object of the same kind.
        """
        result = super().take(rows)
        result.rows = self.rows[self._places(rows)]
        return result


def _folder(table: Any) -> Path:
    if not isinstance(table, (str, os.PathLike)):
        return Path()
    place = Path(table)
    return place if place.is_dir() else place.parent


def _existing(column: Column, folder: Path, source: str) -> list[str]:
    """Returns the paths of the files that a column names; all of them must be there."""
    names = column.texts()
    paths = [os.path.join(folder, name) for name in names]
    absent = [row for row, path in enumerate(paths) if not names[row] or not os.path.isfile(path)]
    if not absent:
        return paths
    shown = [f"'{names[row]}' (row {column.row_number(row)})" for row in absent]
    first = paths[absent[0]]
    ending = next((end for end in IMAGE_SUFFIXES if os.path.isfile(first + end)), None)
    error = InputError(
        f"{source}, column '{column.name}'",
        expected=f"files in '{folder}'",
        got=f"{len(absent)} of {len(names)} missing: {', '.join(shown[:3])}" + (", …" if absent[3:] else ""),
        fix=f"The files end in '{ending}': add it to the names."
        if ending
        else "Correct the names or root=, or leave those rows out.",
    )
    error.add_note("\n".join(["Missing files:", *shown]))
    raise error
