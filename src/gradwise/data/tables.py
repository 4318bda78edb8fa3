"""Tables as ordered columns of NumPy arrays, from CSV files, frames and dicts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.files import file_cells, list_files
from gradwise.data.frames import Cells, array_cells, frame_cells, is_any_frame, object_cells, records_cells
from gradwise.errors import InputError, unknown_name


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: What it is called.
        values: int64[B], float64[B], bool[B], datetime64[B] or object[B] of str; anything where missing.
        missing: bool[B], True where the table has no value.
        note: How the cells were read, if that needs telling.
        order: The categories from least to most, if the column came with an order of its own.
        rows: For a selection of rows, int64[B], their places in the whole table.

    Example:
        >>> column = as_column("age", ["31", None, "28"])
        >>> column.content, column.present().tolist()
        ('number', [31, 28])
    """

    name: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    note: str = ""
    order: tuple[str, ...] = ()
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def content(self) -> str:
        """What the cells hold: 'number', 'boolean', 'date' or 'text'."""
        return {"b": "boolean", "M": "date", "O": "text"}.get(self.values.dtype.kind, "number")

    def present(self) -> NDArray[Any]:
        """Returns the values that are there."""
        return self.values[~self.missing]

    def texts(self) -> list[str]:
        """Returns every value as text, as a file would show it; missing ones as ''."""
        if self.content == "text" and not self.missing.any():
            return list(self.values.tolist())
        return [
            "" if gone else str(value) for value, gone in zip(self.values.tolist(), self.missing, strict=True)
        ]

    def distinct(self) -> tuple[list[str], NDArray[np.int64]]:
        """Finds the different values.

        Returns:
            Their texts, and int64[B], the place of each row's text among them, -1 where missing.

        Example:
            >>> as_column("c", ["b", "a", None, "b"]).distinct()[1].tolist()
            [0, 1, -1, 0]
        """
        places = np.full(len(self), -1, dtype=np.int64)
        if self.content == "text":
            present = self.present().tolist()
            order = {text: place for place, text in enumerate(dict.fromkeys(present))}
            places[~self.missing] = np.fromiter(map(order.__getitem__, present), np.int64, len(present))
            return list(order), places
        values, inverse = np.unique(self.present(), return_inverse=True)
        places[~self.missing] = inverse
        return [str(value) for value in values.tolist()], places

    def counts(self) -> Counter[str]:
        """Returns how often each different value occurs, as text.

        Example:
            >>> as_column("c", ["b", "a", None, "b"]).counts()
            Counter({'b': 2, 'a': 1})
        """
        texts, places = self.distinct()
        times = np.bincount(places[places >= 0], minlength=len(texts))
        return Counter(dict(zip(texts, times.tolist(), strict=True)))

    def take(self, rows: NDArray[Any]) -> Column:
        """Returns the column of the chosen rows, which remember their places."""
        places = np.arange(len(self)) if self.rows is None else self.rows
        return Column(self.name, self.values[rows], self.missing[rows], self.note, self.order, places[rows])

    def row_number(self, index: int) -> int:
        """Returns which row of the whole table an entry is from, counted from 1."""
        return index + 1 if self.rows is None else int(self.rows[index]) + 1


class Table:
    """An ordered set of columns of one length.

    Args:
        columns: The columns, of different names.
        source: Where they came from, for messages.

    Example:
        >>> table = read_table({"size": [1, 2], "colour": ["red", None]})
        >>> table.names, len(table)
        (['size', 'colour'], 2)
    """

    def __init__(self, columns: Iterable[Column], source: str = "table") -> None:
        self._columns = {column.name: column for column in columns}
        self.source = source

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns.values())

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def column(self, name: str) -> Column:
        """Returns the column of that name.

        Raises:
            InputError: There is none; the nearest names are given.

        Example:
            >>> read_table({"size": [1, 2]}).column("size").values.tolist()
            [1, 2]
        """
        if name not in self._columns:
            raise unknown_name(self.source, "a column", name, self._columns)
        return self._columns[name]

    def take(self, rows: NDArray[Any]) -> Table:
        """Returns the table of the chosen rows, given as row numbers or a bool array."""
        return Table((column.take(rows) for column in self), self.source)


def read_table(source: Any) -> Table:
    """Reads files, frames, dicts and arrays of records as a table.

    CSV files are UTF-8 (with or without a byte order mark), plain or gzipped, with the separator , ; | or
    tab found by itself and the names of the columns in the first line. The cells '', ?, NA, N/A, NaN, null
    and None are missing values. A column becomes numbers, booleans (true, false) or dates if all its cells
    can, else text; numbers written with leading zeros are codes and stay text. In files not separated by
    commas, 1,5 is one and a half. Parquet, Arrow (Feather) and JSON lines files bring their types along.

    Args:
        source: A path ending in .csv, .csv.gz, .tsv, .parquet, .feather, .arrow, .jsonl or similar; a
            folder or list of such files with the same columns, read below each other in this order (a
            folder's by name); a pandas or polars frame, also a lazy one; a dict from column name to
            values; a list of dicts, one for each row; a NumPy array with named fields; or a Table, which
            is returned.

    Returns:
        The table.

    Raises:
        InputError: The file is missing, empty, not UTF-8, has no rows, has two columns of one name, or has a
            row of another length than the header; the line is told.

    Example:
        >>> read_table({"when": ["2024-05-01", "2024-05-02"]}).column("when").content
        'date'
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _table(file_cells(list_files(path) if path.is_dir() else [path]), f"'{source}'")
    if is_any_frame(source):
        return _table(frame_cells(source))
    if isinstance(source, Mapping):
        return _checked([as_column(str(name), values) for name, values in source.items()])
    if isinstance(source, np.ndarray) and source.dtype.names:
        return _table((name, array_cells(name, source[name])) for name in source.dtype.names)
    if isinstance(source, (list, tuple)) and source:
        if all(isinstance(row, Mapping) for row in source):
            return _table(records_cells(list(source)))
        if all(isinstance(path, (str, os.PathLike)) for path in source):
            return _table(file_cells([Path(path) for path in source]), f"'{source[0]}' and others")
    raise InputError(
        "read_table",
        expected="a path, a pandas or polars frame, or a dict of columns",
        got=f"an object of type {type(source).__name__}",
        fix="Give arrays names first: {'size': x[:, 0], …}.",
    )


def _table(cells: Iterable[tuple[str, Cells]], source: str = "table") -> Table:
    return _checked([Column(name, *found) for name, found in cells], source)


def as_column(name: str, values: Any) -> Column:
    """Makes a column from an array or list; None and NaN are missing, texts are read as in a file.

    Args:
        name: What to call it.
        values: One value for each row.

    Returns:
        The column.

    Raises:
        InputError: The values are not one for each row.

    Example:
        >>> as_column("x", [1.5, float("nan")]).missing.tolist()
        [False, True]
    """
    if isinstance(values, Column):
        return Column(name, values.values, values.missing, values.note, values.order)
    if is_any_frame(values):
        return Column(name, *next(cells for _, cells in frame_cells(values)))
    if isinstance(values, np.ndarray):
        return Column(name, *array_cells(name, values))
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InputError(
            f"column '{name}'",
            expected="one value for each row",
            got=f"a single value of type {type(values).__name__}",
            fix=f"For a table of one row write {{'{name}': [value]}}.",
        )
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return Column(name, *object_cells(name, array))


def _checked(columns: list[Column], source: str = "table") -> Table:
    lengths = {column.name: len(column) for column in columns}
    if not columns or not len(columns[0]):
        raise InputError(
            "read_table" if source == "table" else source,
            expected="at least one column and one row",
            got="none",
            fix="Check the data.",
        )
    if len(lengths) < len(columns):
        names = [column.name for column in columns]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            "read_table",
            expected="columns of different names",
            got=f"'{twice}' twice",
            fix="Rename one of them.",
        )
    if len(set(lengths.values())) > 1:
        raise InputError(
            "read_table",
            expected="columns of one length",
            got=", ".join(f"'{name}' with {length}" for name, length in list(lengths.items())[:10]),
            fix="Give each row a value in each column; None where it is missing.",
        )
    return Table(columns, source)
