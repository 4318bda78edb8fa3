"""Checks quickly that a CSV file has the plain form, which a fast reader reads without surprises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 24  # bytes looked at together, so that a large file takes little memory beside itself
_QUOTE, _LINE_END = ord('"'), ord("\n")


def count_plain_rows(content: bytes, separator: str, columns: int) -> int | None:
    r"""Counts the rows of a file in which every row has as many cells and every quotation mark its place.

    A cell in quotation marks must fill the space between two separators, with marks inside it written
    twice (RFC 4180). A file of another form may still be a table, but must be read with more care.

    Args:
        content: The file, lines ending in \n, without blank lines at either end.
        separator: What stands between cells.
        columns: How many cells a row must have.

    Returns:
        The number of rows with the line of names, or None if any row is blank or of another form.

    Example:
        >>> count_plain_rows(b'a,b\n1,"x, y"\n', ",", 2)
        2
        >>> count_plain_rows(b"a,b\n1\n", ",", 2) is None
        True
    """
    buffer = np.frombuffer(content, dtype=np.uint8)
    rows, quotes, cells, last_end = 0, 0, 0, -1
    for start in range(0, len(buffer), _BLOCK):
        block = buffer[start : start + _BLOCK]
        marks = np.flatnonzero(block == _QUOTE) + start
        ends = np.flatnonzero(block == _LINE_END) + start
        cuts = np.flatnonzero(block == ord(separator)) + start
        if quotes % 2 or len(marks):
            if not _in_place(buffer, marks, quotes, ord(separator)):
                return None
            ends, cuts = _outside(ends, marks, quotes), _outside(cuts, marks, quotes)
            quotes += len(marks)
        if len(ends):
            # How many separators come before each line end: those of a line are the difference.
            before = np.searchsorted(cuts, ends)
            widths = np.diff(before, prepend=-cells)
            if (widths != columns - 1).any() or (np.diff(ends, prepend=last_end) == 1).any():
                return None
            rows, cells, last_end = rows + len(ends), len(cuts) - int(before[-1]), int(ends[-1])
        else:
            cells += len(cuts)
    if last_end < len(buffer) - 1:  # the last line has no end
        rows += 1
        if cells != columns - 1:
            return None
    return None if quotes % 2 else rows


def _in_place(buffer: NDArray[np.uint8], marks: NDArray[np.int64], quotes: int, separator: int) -> bool:
    """Tells whether opening marks begin a cell and closing ones end it, or stand beside their double."""
    opening, closing = marks[quotes % 2 :: 2], marks[1 - quotes % 2 :: 2]
    before = buffer[np.maximum(opening - 1, 0)]
    after = buffer[np.minimum(closing + 1, len(buffer) - 1)]
    neighbours = (separator, _LINE_END, _QUOTE)
    begins = np.isin(before, neighbours) | (opening == 0)
    ends = np.isin(after, neighbours) | (closing == len(buffer) - 1)
    return bool(begins.all() and ends.all())


def _outside(places: NDArray[np.int64], marks: NDArray[np.int64], quotes: int) -> NDArray[np.int64]:
    outside: NDArray[np.bool_] = (np.searchsorted(marks, places) + quotes) % 2 == 0
    return places[outside]
