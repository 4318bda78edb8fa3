"""Rows that occur more than once, found by a number for each row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.folds import Rows
from gradwise.data.tables import Column, Table

_BLOCK = 2**24  # bytes that are compared at once
_NEAR = 0.01  # in standard deviations of a column
_STEP_ROWS = 10_000


@dataclass(frozen=True)
class Duplicates:
    """Rows of one part that occur in another part too.

    Args:
        part: The part's name.
        other: The other part's name.
        rows: int64[M], the rows of `part` that are in `other`, all values equal.
        matches: int64[M], for each of them one such row of `other`.
        near: int64[L], rows of `part` that are in `other` only after rounding.
        looked: How many rows of `part` were looked for.

    Example:
        >>> Duplicates("test", "train", np.array([7]), np.array([2]), np.array([]), 10).share
        0.1
    """

    part: str
    other: str
    rows: Rows
    matches: Rows
    near: Rows
    looked: int

    @property
    def share(self) -> float:
        """The share of the part's rows that are duplicates."""
        return len(self.rows) / max(self.looked, 1)


def row_keys(x: NDArray[Any] | Table, *, near: bool = False) -> NDArray[np.int64]:
    """Gives each row a number: equal rows get the same one, other rows another one.

    Values are compared, not bits: 0 is -0, and one missing value is like another.

    Args:
        x: Rows of numbers, pictures or texts [B, ...], of any objects, or a table.
        near: Numbers count as equal after rounding to a hundredth of the column's standard deviation, texts
            but for case and spaces.

    Returns:
        int64[B]. By chance two different rows of a million get the same number once in 10⁷ calls.

    Example:
        >>> keys = row_keys(np.array([[1.0, np.nan], [2.0, 0.0], [1.0, np.nan]]))
        >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
        (True, False)
    """
    if isinstance(x, Table):
        x = np.stack([_codes_of_column(column, near) for column in x], axis=1)
        near = False
    if x.dtype.kind == "O" or near and x.dtype.kind in "US":
        if x.ndim == 1:
            return _codes(x.tolist(), near)
        cells = x.reshape(len(x), -1).T
        x, near = np.stack([_codes(cell.tolist(), near) for cell in cells], axis=1), False
    steps = _steps(x) if near and x.dtype.kind in "iuf" else None
    return np.fromiter(_hashes(x, steps), np.int64, len(x))


def repeated(codes: NDArray[np.int64], rows: Rows, others: Rows) -> tuple[Rows, Rows]:
    """Finds the rows that have the code of one of the other rows.

    Args:
        codes: int64[B], a number from 0 for each row.
        rows: int64[V], the rows to look for.
        others: int64[N], the rows to look among.

    Returns:
        The rows found and, for each, the first of the others like it.

    Example:
        >>> rows, matches = repeated(np.array([0, 1, 0, 1]), np.array([2]), np.array([0, 1]))
        >>> rows.tolist(), matches.tolist()
        ([2], [0])
    """
    first = np.full(int(codes.max(initial=-1)) + 1, -1)
    first[codes[others][::-1]] = others[::-1]
    matches = first[codes[rows]]
    return rows[matches >= 0], matches[matches >= 0]


def _hashes(x: NDArray[Any], steps: NDArray[np.float64] | None) -> Iterator[int]:
    width = math.prod(x.shape[1:])
    if not width:
        yield from [0] * len(x)
        return
    size = max(1, _BLOCK // (width * max(x.itemsize, 1)))
    for start in range(0, len(x), size):
        block = np.ascontiguousarray(x[start : start + size]).reshape(-1, width)
        if steps is not None:
            block = np.round(block / steps)
        if block.dtype.kind in "fc":
            block = block + 0  # turns -0 into 0
            block[np.isnan(block)] = np.nan  # of all its bit patterns, one
        yield from map(hash, block.view(f"V{width * block.itemsize}").ravel().tolist())


def _steps(x: NDArray[Any]) -> NDArray[np.float64]:
    rows = x[:: max(1, len(x) // _STEP_ROWS)].reshape(-1, math.prod(x.shape[1:]))
    numbers = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    present = np.maximum(np.isfinite(numbers).sum(axis=0), 1)
    mean = np.nansum(numbers, axis=0) / present
    spread = np.sqrt(np.nansum(np.square(numbers - mean), axis=0) / present) * _NEAR
    return np.where(spread > 0, spread, 1.0)


def _codes_of_column(column: Column, near: bool) -> NDArray[np.int64]:
    values = column.values
    if column.content == "text":
        codes = _codes(values.tolist(), near)
    else:
        if near and column.content == "number":
            values = np.where(column.missing, 0, values)
            values = np.round(values / _steps(np.where(column.missing, np.nan, values)))
        codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return np.where(column.missing, -1, codes)


def _codes(items: Iterable[Any], near: bool) -> NDArray[np.int64]:
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(_hashable(item, near), len(seen)) for item in items], np.int64)


def _hashable(item: Any, near: bool) -> Any:
    if isinstance(item, str):
        return " ".join(item.lower().split()) if near else item
    if isinstance(item, (list, tuple, np.ndarray)):
        array = np.asarray(item)
        if array.dtype.kind in "biuf":
            return array.shape, (array.astype(np.float64) + 0).tobytes()
        return repr(array.tolist())
    if item is None or item != item:
        return None  # a missing value is like another
    return item
