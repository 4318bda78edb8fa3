"""Columns of frames, arrays and lists as NumPy arrays of one type, with what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradwise.data.arrays import is_frame
from gradwise.data.parsing import parse_texts, text_objects, whole_numbers
from gradwise.errors import InputError

_GONE = ("NAType", "NaTType")  # pandas' marks, which cannot be compared


class Cells(NamedTuple):
    """The cells of one column.

    Args:
        values: int64[B], float64[B], bool[B], datetime64[B] or object[B] of str; anything where missing.
        missing: bool[B], True where there is no value.
        note: How the cells were read, if that needs telling.
        order: The categories from least to most, if the column has an order of its own.

    Example:
        >>> Cells(np.ones(2), np.zeros(2, bool)).note
        ''
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_]
    note: str = ""
    order: tuple[str, ...] = ()


def is_any_frame(source: object) -> bool:
    """Tells whether an object is a frame or series, also a lazy one.

    Example:
        >>> is_any_frame({"a": [1]})
        False
    """
    kind = type(source)
    return is_frame(source) or (kind.__module__.split(".")[0] == "polars" and kind.__name__ == "LazyFrame")


def frame_cells(source: Any) -> Iterator[tuple[str, Cells]]:
    """Reads the columns of a frame or series.

    Times keep the hour on the clock and lose their zone, durations become seconds, categories stay texts
    whatever they look like, and texts are read as in a file.

    Args:
        source: A pandas or polars frame or series; a lazy frame is computed.

    Yields:
        The name and cells of each column.

    Raises:
        InputError: A column holds lists, records, bytes or other things that are no one value.

    Example:
        >>> import polars as pl
        >>> next(frame_cells(pl.DataFrame({"a": [1, None]})))[1].missing.tolist()
        [False, True]
    """
    import narwhals as nw

    if type(source).__name__ == "LazyFrame":
        source = source.collect()
    _refuse_twice([str(name) for name in getattr(source, "columns", ())])
    native = nw.from_native(source, eager_only=True, allow_series=True)
    frame = native.to_frame() if isinstance(native, nw.Series) else native
    # By place: a name that is a number would be taken for a row.
    for key, series in zip(frame.columns, frame.iter_columns(), strict=True):
        yield str(key), _series_cells(str(key), series)


def _refuse_twice(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            "read_table",
            expected="columns of different names",
            got=f"'{twice}' twice",
            fix="Rename one of them.",
        )


def _series_cells(name: str, series: Any) -> Cells:
    import narwhals as nw

    dtype, gone = series.dtype, series.is_null().to_numpy().astype(bool)
    if dtype.is_boolean():
        return Cells(series.fill_null(False).to_numpy().astype(bool), gone)
    if dtype.is_integer():
        return array_cells(name, series.fill_null(0).to_numpy(), gone)
    if dtype.is_numeric():
        return array_cells(name, series.cast(nw.Float64).to_numpy(), gone)
    if isinstance(dtype, nw.Datetime):
        return array_cells(name, series.dt.replace_time_zone(None).to_numpy(), gone)
    if isinstance(dtype, nw.Date):
        return array_cells(name, series.cast(nw.Datetime).to_numpy(), gone)
    if isinstance(dtype, nw.Duration):
        return array_cells(name, series.to_numpy(), gone)
    if isinstance(dtype, (nw.List, nw.Array, nw.Struct, nw.Binary)):
        raise _nested(name, {nw.Struct: "records", nw.Binary: "bytes"}.get(type(dtype), "lists"))
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return _category_cells(series, gone)
    native = series.to_native()
    if isinstance(dtype, nw.String) and type(native).__module__.startswith("polars"):
        return Cells(*parse_texts(native))
    cells = series.to_numpy().astype(object)
    cells[gone] = None
    return object_cells(name, cells)


def _category_cells(series: Any, gone: NDArray[np.bool_]) -> Cells:
    import polars as pl

    native = series.to_native()
    # The order of polars' Enum is that of storage; pandas says whether it means anything.
    accessor = native.cat if hasattr(getattr(native, "cat", None), "ordered") else None
    order = tuple(map(str, accessor.categories)) if accessor is not None and accessor.ordered else ()
    texts = [None if lost else str(item) for item, lost in zip(series.to_list(), gone, strict=True)]
    return Cells(text_objects(pl.Series(texts, dtype=pl.String)), gone, "", order)


def array_cells(name: str, array: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> Cells:
    """Brings an array to one of the types a column has.

    Args:
        name: The column, for errors.
        array: [B] of any type.
        missing: bool[B], what is missing besides NaN and NaT.

    Returns:
        The cells.

    Raises:
        InputError: The array has several axes, or a type that is no one value.

    Example:
        >>> array_cells("x", np.array([1.5, np.nan])).missing.tolist()
        [False, True]
    """
    if array.ndim != 1:
        raise InputError(
            f"column '{name}'",
            expected="one value for each row",
            got=f"shape {array.shape}",
            fix="Pass one column.",
        )
    kind = array.dtype.kind
    gone = np.zeros(len(array), dtype=bool) if missing is None else missing
    if kind == "b":
        return Cells(array, gone)
    if kind == "M":
        return Cells(array.astype("datetime64[s]"), gone | np.isnat(array))
    if kind == "m":
        seconds = array / np.timedelta64(1, "s")
        return Cells(whole_numbers(np.where(gone, np.nan, seconds)), gone | np.isnat(array), "in seconds")
    if kind == "f":
        numbers = array.astype(np.float64)
        return Cells(whole_numbers(numbers), gone | np.isnan(numbers))
    if kind in "iu":
        large = kind == "u" and len(array) > 0 and int(array.max()) > np.iinfo(np.int64).max
        return Cells(array.astype(np.float64 if large else np.int64), gone)
    if kind == "S":
        array = np.char.decode(array, "utf-8")
    if kind in "cV":
        raise _nested(name, "complex numbers" if kind == "c" else "records")
    return object_cells(name, array.astype(object))


def object_cells(name: str, values: NDArray[Any]) -> Cells:
    """Reads Python objects: numbers as they are, all else as it is written in a file.

    Args:
        name: The column, for errors.
        values: object[B]; None, NaN and pandas' marks are missing.

    Returns:
        The cells.

    Raises:
        InputError: There are lists, dicts or other collections among them.

    Example:
        >>> object_cells("x", np.array([2, None, 3.5], dtype=object)).values.tolist()
        [2.0, nan, 3.5]
    """
    import polars as pl

    items = values.tolist()
    kinds = set(map(type, items)) - {type(None)}
    for kind in kinds:
        if issubclass(kind, (list, tuple, set, dict, bytes, np.ndarray)) or is_frame(
            next(item for item in items if type(item) is kind)
        ):
            raise _nested(name, f"values of type {kind.__name__}")
    if kinds and all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds):
        try:
            whole = all(issubclass(kind, (int, np.integer)) for kind in kinds) and None not in items
            return array_cells(name, values.astype(np.int64 if whole else np.float64))
        except OverflowError:
            return array_cells(name, values.astype(np.float64))
    if not kinds <= {str}:
        items = [
            None if item is None or type(item).__name__ in _GONE or item != item else str(item)
            for item in items
        ]
    return Cells(*parse_texts(pl.Series(items, dtype=pl.String)))


def records_cells(rows: list[Mapping[Any, Any]]) -> Iterator[tuple[str, Cells]]:
    """Reads a list of dicts, one for each row; what a row lacks is missing.

    Example:
        >>> [cells.missing.tolist() for _, cells in records_cells([{"a": 1}, {"a": 2, "b": 3}])]
        [[False, False], [True, False]]
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        column = np.empty(len(rows), dtype=object)
        column[:] = [row.get(name) for row in rows]
        yield str(name), object_cells(str(name), column)


def _nested(name: str, got: str) -> InputError:
    return InputError(
        f"column '{name}'",
        expected="a number, text, date or boolean in each row",
        got=got,
        fix="Spread it over columns with one value each, or leave it out.",
    )
