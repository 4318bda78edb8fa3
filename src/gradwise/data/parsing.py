"""Finds out what the cells of a column hold: numbers, booleans, dates or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

MISSING_MARKS = (
    "",
    "?",
    "NA",
    "N/A",
    "n/a",
    "na",
    "#N/A",
    "nan",
    "NaN",
    "NAN",
    "null",
    "NULL",
    "Null",
    "None",
)

_DATE_LIKE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?$"
_DATES = {
    "%Y-%m-%d": "year-month-day",
    "%Y/%m/%d": "year/month/day",
    "%d.%m.%Y": "day.month.year",
    "%m/%d/%Y": "month/day/year",
    "%d/%m/%Y": "day/month/year",
    "%d-%m-%Y": "day-month-year",
}
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f")
_MOSTLY = 0.9

Parsed = tuple[NDArray[Any], NDArray[np.bool_], str]


def parse_texts(cells: pl.Series, *, decimal_comma: bool = False) -> Parsed:
    """Turns a column of text into values of one type.

    Args:
        cells: The cells as text, null or one of `MISSING_MARKS` where missing.
        decimal_comma: Whether "1,5" may be one and a half.

    Returns:
        The values [B] (int64, float64, bool, datetime64 or object of str), bool[B] that is True where a
        value is missing, and a note on how the cells were read, or ''.

    Example:
        >>> import polars as pl
        >>> values, missing, note = parse_texts(pl.Series(["1", "?", "3"]))
        >>> values.tolist(), missing.tolist()
        ([1, 0, 3], [False, True, False])
    """
    cells = cells.str.strip_chars()
    missing = (cells.is_null() | cells.is_in(MISSING_MARKS)).fill_null(True)
    cells = cells.set(missing, None)
    gone: NDArray[np.bool_] = missing.to_numpy().astype(bool)
    if gone.all():
        return np.full(len(cells), np.nan), gone, ""
    numbers, note = _numbers(cells, decimal_comma)
    if numbers is not None:
        return numbers, gone, note
    lowered = cells.str.to_lowercase()
    if lowered.drop_nulls().is_in(["true", "false"]).all():
        return (lowered == "true").fill_null(False).to_numpy().astype(bool), gone, ""
    dates, date_note = _dates(cells)
    if dates is not None:
        return dates.dt.cast_time_unit("ms").to_numpy().astype("datetime64[s]"), gone, date_note
    return np.array(cells.fill_null("").to_list(), dtype=object), gone, note


def _numbers(cells: pl.Series, decimal_comma: bool) -> tuple[NDArray[Any] | None, str]:
    import polars as pl

    present = cells.drop_nulls()
    if present.str.contains(r"^[+-]?0\d").any():
        return None, ""  # codes such as 00712, whose zeros would be lost
    note = ""
    if decimal_comma and present.str.contains(",", literal=True).any():
        if present.str.contains(r"^[+-]?\d+(,\d+)?$").all():
            cells = cells.str.replace(",", ".", literal=True)
            note = "decimal commas"
    whole = cells.cast(pl.Int64, strict=False)
    if whole.null_count() == cells.null_count():
        return whole.fill_null(0).to_numpy(), note
    floats = cells.cast(pl.Float64, strict=False)
    odd = floats.is_null() & cells.is_not_null()
    if not odd.any():
        array = floats.to_numpy().astype(np.float64)
        return whole_numbers(array), note
    good = len(present) - int(odd.sum())
    if good >= _MOSTLY * len(present):
        first = int(odd.arg_true()[0])
        return None, f"{good} of {len(present)} cells are numbers, but row {first + 1} says {cells[first]!r}"
    return None, ""


def whole_numbers(array: NDArray[np.float64]) -> NDArray[Any]:
    """Returns the values as int64 if all that are there are whole (0 where NaN), else as they are.

    Args:
        array: float64[B], NaN where missing.

    Returns:
        int64[B] or float64[B].

    Example:
        >>> whole_numbers(np.array([1.0, np.nan])).tolist()
        [1, 0]
    """
    present = array[~np.isnan(array)]
    if not len(present) or not np.isfinite(present).all() or (present != np.floor(present)).any():
        return array
    return np.nan_to_num(array).astype(np.int64) if np.abs(present).max() < 2**53 else array


def _dates(cells: pl.Series) -> tuple[pl.Series | None, str]:
    import polars as pl

    present = cells.drop_nulls()
    if not present.head(20).str.contains(_DATE_LIKE).all():
        return None, ""
    cells = cells.str.replace("T", " ", literal=True).str.strip_suffix("Z")
    for date, spoken in _DATES.items():
        for time in _TIMES:
            read = cells.str.to_datetime(date + time, strict=False, time_unit="ms")
            if read.null_count() == cells.null_count():
                return read.cast(pl.Datetime("ms")), f"dates read as {spoken}"
    return None, ""
