"""Tables as ordered columns of NumPy arrays, from CSV files, frames and dicts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.arrays import is_frame
from gradwise.data.csv_files import read_csv_texts
from gradwise.data.parsing import parse_texts, whole_numbers
from gradwise.errors import InputError, unknown_name


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: What it is called.
        values: int64[B], float64[B], bool[B], datetime64[B] or object[B] of str; anything where missing.
        missing: bool[B], True where the table has no value.
        note: How the cells were read, if that needs telling.
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
        return [
            "" if gone else str(value) for value, gone in zip(self.values.tolist(), self.missing, strict=True)
        ]

    def take(self, rows: NDArray[Any]) -> Column:
        """Returns the column of the chosen rows, which remember their places."""
        places = np.arange(len(self)) if self.rows is None else self.rows
        return Column(self.name, self.values[rows], self.missing[rows], self.note, places[rows])

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


def read_table(source: str | os.PathLike[str] | Mapping[str, Any] | Any) -> Table:
    """Reads a CSV file, a frame or a dict of columns.

    Files are UTF-8 (with or without a byte order mark), plain or gzipped, with the separator , ; | or tab
    found by itself and the names of the columns in the first line. The cells '', ?, NA, N/A, NaN, null and
    None are missing values. A column becomes numbers, booleans (true, false) or dates if all its cells can,
    else text; numbers written with leading zeros are codes and stay text.

    Args:
        source: A path ending in .csv, .csv.gz, .tsv or similar, a pandas or polars frame, a dict from column
            name to values, or a Table, which is returned.

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
        names, texts, separator = read_csv_texts(Path(source))
        columns = (
            Column(name, *parse_texts(text, decimal_comma=separator != ","))
            for name, text in zip(names, texts, strict=True)
        )
        return Table(columns, f"'{source}'")
    if is_frame(source):
        return _checked(_frame_columns(source))
    if isinstance(source, Mapping):
        return _checked(as_column(str(name), values) for name, values in source.items())
    raise InputError(
        "read_table",
        expected="a path, a pandas or polars frame, or a dict of columns",
        got=f"an object of type {type(source).__name__}",
        fix="Give arrays names first: {'size': x[:, 0], …}.",
    )


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
        return Column(name, values.values, values.missing, values.note)
    if is_frame(values):
        return next(iter(_frame_columns(values)))
    array = values if isinstance(values, np.ndarray) else np.array(list(values), dtype=object)
    if array.ndim != 1:
        raise InputError(
            f"column '{name}'",
            expected="one value for each row",
            got=f"shape {array.shape}",
            fix="Pass one column.",
        )
    if array.dtype.kind in "biufM":
        return _typed(name, array, np.zeros(len(array), dtype=bool))
    import polars as pl

    cells = [None if item is None or item != item else str(item) for item in array.tolist()]
    return Column(name, *parse_texts(pl.Series(cells, dtype=pl.String)))


def _checked(columns: Iterable[Column]) -> Table:
    listed = list(columns)
    names = [column.name for column in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    lengths = {column.name: len(column) for column in listed}
    if not listed or not len(listed[0]):
        raise InputError(
            "read_table", expected="at least one column and one row", got="none", fix="Check the data."
        )
    if twice:
        raise InputError(
            "read_table",
            expected="columns of different names",
            got=f"'{twice[0]}' twice",
            fix="Rename one of them.",
        )
    if len(set(lengths.values())) > 1:
        raise InputError(
            "read_table",
            expected="columns of one length",
            got=", ".join(f"'{name}' with {length}" for name, length in list(lengths.items())[:10]),
            fix="Give each row a value in each column; None where it is missing.",
        )
    return Table(listed)


def _frame_columns(source: Any) -> Iterator[Column]:
    import narwhals as nw

    native = nw.from_native(source, eager_only=True, allow_series=True)
    frame = native.to_frame() if isinstance(native, nw.Series) else native
    for key in frame.columns:
        series = frame[key]
        dtype, gone = series.dtype, series.is_null().to_numpy().astype(bool)
        if dtype.is_boolean():
            yield _typed(str(key), series.fill_null(False).to_numpy().astype(bool), gone)
        elif dtype.is_integer():
            yield _typed(str(key), series.fill_null(0).to_numpy(), gone)
        elif dtype.is_numeric():
            yield _typed(str(key), series.cast(nw.Float64).to_numpy().astype(np.float64), gone)
        elif isinstance(dtype, (nw.Datetime, nw.Date)):
            dates = [
                None if lost else item.replace(tzinfo=None)
                for item, lost in zip(series.cast(nw.Datetime).to_list(), gone, strict=True)
            ]
            yield _typed(str(key), np.array(dates, dtype="datetime64[s]"), gone)
        else:
            cells = [None if lost else item for item, lost in zip(series.to_list(), gone, strict=True)]
            yield as_column(str(key), np.array([*cells, None], dtype=object)[:-1])


def _typed(name: str, array: NDArray[Any], missing: NDArray[np.bool_]) -> Column:
    if array.dtype.kind == "M":
        return Column(name, array.astype("datetime64[s]"), missing | np.isnat(array))
    if array.dtype.kind == "f":
        missing = missing | np.isnan(array)
        return Column(name, whole_numbers(array.astype(np.float64)), missing)
    return Column(name, array if array.dtype.kind == "b" else array.astype(np.int64), missing)
