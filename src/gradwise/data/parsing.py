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

_CODE = r"^[+-]?0\d"  # such as 00712, whose zeros would be lost in a number
_DATE_LIKE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?$"
_ZONE = r"(\d:\d\d.*?)(?:Z|[+-]\d\d:?\d\d)$"
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
_SAMPLE = 1000  # cells that tell most columns apart before all are looked at

Parsed = tuple[NDArray[Any], NDArray[np.bool_], str]


def parse_texts(cells: pl.Series, *, decimal_comma: bool = False) -> Parsed:
    """Turns a column of text into values of one type.

    Thousands separators (1,234), percent signs (the number stays as it is written: 12% is 12) and currency
    signs are read over if the whole column is written so; dates lose their time zone, not their hour.

    Args:
        cells: The cells as text, null or one of `MISSING_MARKS` where missing.
        decimal_comma: Whether "1,5" may be one and a half, and "1.234" with others of that kind 1234.

    Returns:
        The values [B] (int64, float64, bool, datetime64 or object of str), bool[B] that is True where a
        value is missing, and a note on how the cells were read, or ''.

    Example:
        >>> import polars as pl
        >>> values, missing, note = parse_texts(pl.Series(["1", "?", "3"]))
        >>> values.tolist(), missing.tolist()
        ([1, 0, 3], [False, True, False])
        >>> parse_texts(pl.Series(["$1,200", "$300"]))[0].tolist()
        [1200, 300]
    """
    gone: NDArray[np.bool_]
    values = _plain_numbers(cells)
    if values is not None:
        full = cells.null_count() == 0
        gone = np.zeros(len(cells), bool) if full else cells.is_null().to_numpy().astype(bool)
        return values, gone, ""
    cells = cells.str.strip_chars()
    missing = (cells.is_null() | cells.is_in(MISSING_MARKS)).fill_null(True)
    cells = cells.set(missing, None)
    gone = missing.to_numpy().astype(bool)
    if gone.all():
        return np.full(len(cells), np.nan), gone, ""
    numbers, note = _numbers(cells, decimal_comma)
    if numbers is not None:
        return numbers, gone, note
    lowered = cells.head(_SAMPLE).str.to_lowercase().drop_nulls()
    if lowered.is_in(["true", "false"]).all():
        lowered = cells.str.to_lowercase()
        if lowered.drop_nulls().is_in(["true", "false"]).all():
            return (lowered == "true").fill_null(False).to_numpy().astype(bool), gone, ""
    dates, date_note = _dates(cells)
    if dates is not None:
        return dates.dt.cast_time_unit("ms").to_numpy().astype("datetime64[s]"), gone, date_note
    return text_objects(cells), gone, note


def text_objects(cells: pl.Series) -> NDArray[Any]:
    """Returns texts as Python strings, each different one kept once if most repeat.

    Args:
        cells: A series of text.

    Returns:
        object[B] of str, '' where null.

    Example:
        >>> import polars as pl
        >>> text_objects(pl.Series(["a", None, "a"])).tolist()
        ['a', '', 'a']
    """
    import polars as pl

    cells = cells.fill_null("")
    different = cells.unique()
    if len(different) > len(cells) / 2:
        return np.array(cells.to_list(), dtype=object)
    places = cells.cast(pl.Enum(different)).to_physical().to_numpy()
    texts: NDArray[Any] = np.array(different.to_list(), dtype=object)
    return np.asarray(texts[places])


def _plain_numbers(cells: pl.Series) -> NDArray[Any] | None:
    """Reads a column of clean numbers, as most are; None if any cell needs a second look."""
    import polars as pl

    start, nulls = cells.head(_SAMPLE), cells.null_count()
    if nulls == len(cells) or start.cast(pl.Float64, strict=False).null_count() > start.null_count():
        return None
    whole = cells.cast(pl.Int64, strict=False)
    numbers = whole if whole.null_count() == nulls else cells.cast(pl.Float64, strict=False)
    if numbers.null_count() > nulls or cells.str.contains(_CODE).any():
        return None
    if numbers is whole:
        return whole.fill_null(0).to_numpy()
    array = numbers.to_numpy().astype(np.float64)
    if int(np.isnan(array).sum()) > nulls:  # a cell says NaN
        return None
    return whole_numbers(array)


def _numbers(cells: pl.Series, decimal_comma: bool) -> tuple[NDArray[Any] | None, str]:
    import polars as pl

    present = cells.drop_nulls()
    if present.str.contains(_CODE).any():
        return None, ""
    cells, note = _without_signs(cells, present, decimal_comma)
    floats = cells.cast(pl.Float64, strict=False)
    odd = floats.is_null() & cells.is_not_null()
    if not odd.any():
        whole = cells.cast(pl.Int64, strict=False)
        if whole.null_count() == cells.null_count():
            return whole.fill_null(0).to_numpy(), note
        return whole_numbers(floats.to_numpy().astype(np.float64)), note
    good = len(present) - int(odd.sum())
    if good >= _MOSTLY * len(present):
        first = int(odd.arg_true()[0])
        return None, f"{good} of {len(present)} cells are numbers, but row {first + 1} says {cells[first]!r}"
    return None, ""


def _without_signs(cells: pl.Series, present: pl.Series, decimal_comma: bool) -> tuple[pl.Series, str]:
    """Takes from numbers what people write around and into them, if all cells are numbers then."""
    point, group = (",", r"\.") if decimal_comma else (r"\.", ",")
    whole = rf"^[+-]?[$€£]?(\d{{1,3}}({group}\d{{3}})+|\d+)({point}\d+)?([eE][+-]?\d+)? ?%?$"
    if not present.head(_SAMPLE).str.contains(whole).all() or not present.str.contains(whole).all():
        return cells, ""
    grouped = bool(present.str.contains(rf"\d{group}\d{{3}}").any())
    decimal = decimal_comma and bool(present.str.contains(",", literal=True).any())
    percent = present.str.ends_with("%")
    currencies = present.str.extract("([$€£])").drop_nulls().n_unique()
    # 1.234 throughout has a decimal point; 5 % beside 0.05, or dollars beside euros, are no one unit.
    if (grouped and decimal_comma and not decimal) or (percent.any() and not percent.all()) or currencies > 1:
        return cells, ""
    found = {
        "thousands separators": grouped,
        "decimal commas": decimal,
        "percent signs": bool(percent.any()),
        "currency signs": currencies == 1,
    }
    cells = cells.str.replace_all(rf"{group}|[$€£ %]" if grouped else "[$€£ %]", "")
    if decimal:
        cells = cells.str.replace(",", ".", literal=True)
    return cells, ", ".join(name for name, there in found.items() if there)


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

    sample = cells.drop_nulls().head(_SAMPLE)
    if not sample.head(20).str.contains(_DATE_LIKE).all():
        return None, ""
    for date, spoken in _DATES.items():
        for time in _TIMES:
            if _as_dates(sample, date + time).null_count():
                continue
            read = _as_dates(cells, date + time)
            if read.null_count() == cells.null_count():
                return read.cast(pl.Datetime("ms")), f"dates read as {spoken}"
    return None, ""


def _as_dates(cells: pl.Series, form: str) -> pl.Series:
    if "%H" in form:
        cells = cells.str.replace("T", " ", literal=True).str.replace(_ZONE, "${1}")
    return cells.str.to_datetime(form, strict=False, time_unit="ms")
