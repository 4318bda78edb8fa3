"""Samples of any form as rows, and what can be compared of them as columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.arrays import is_frame
from gradwise.data.tables import Column, Table, as_column, read_table

_CHANNELS = 16


def as_rows(x: Any) -> NDArray[Any] | Table:
    """Turns whatever holds samples into an array of rows or a table.

    Args:
        x: An array, a table, a frame, a dict of columns, or a list of texts, arrays or numbers.

    Returns:
        An array [B, ...], of objects for texts and rows of different lengths, or a table.

    Example:
        >>> as_rows(["a text", "another"]).shape
        (2,)
    """
    if isinstance(x, (Table, dict)) or is_frame(x):
        return read_table(x)
    if isinstance(x, (list, tuple)) and len(x) and not isinstance(x[0], (int, float, np.number)):
        if isinstance(x[0], str) or len({np.shape(item) for item in x if not isinstance(item, list)}) > 1:
            return _objects(x)
        try:
            return np.asarray(x)
        except ValueError:  # rows of different lengths
            return _objects(x)
    return np.asarray(x)


def _objects(items: Any) -> NDArray[Any]:
    array = np.empty(len(items), dtype=object)
    array[:] = list(items)
    return array


def columns_of(x: NDArray[Any] | Table, rows: NDArray[Any], numbers: NDArray[Any]) -> Iterator[Column]:
    """Yields what can be compared of the samples: columns, or figures of pictures, sequences and texts.

    Args:
        x: Rows as `as_rows` gives them.
        rows: The rows to look at; the columns have one entry for each.
        numbers: Which columns of a table or an array [B, D] to look at.

    Yields:
        Columns. Arrays of more than two axes give the mean and the standard deviation of each sample, for
        each channel where the last axis has at most 16 of them. Texts give characters and words, other
        objects their length.

    Example:
        >>> [column.name for column in columns_of(np.zeros((4, 8, 8, 1)), np.arange(4), np.arange(2))]
        ['mean', 'standard deviation']
    """
    if isinstance(x, Table):
        names = x.names
        yield from (x.column(names[number]).take(rows) for number in numbers)
    elif x.ndim == 2:
        yield from (as_column(f"column {number}", x[rows, number]) for number in numbers)
    elif x.ndim > 2:
        yield from _figures(x, rows)
    elif x.dtype.kind in "OUS":
        items = [item if hasattr(item, "__len__") else str(item) for item in x[rows].tolist()]
        texts = bool(items) and isinstance(items[0], str)
        yield as_column("characters" if texts else "length", np.array([len(item) for item in items]))
        if texts:
            yield as_column("words", np.array([len(str(item).split()) for item in items]))
    else:
        yield as_column("value", x[rows])


def _figures(x: NDArray[Any], rows: NDArray[Any]) -> Iterator[Column]:
    channels = x.shape[-1] if x.shape[-1] <= _CHANNELS else 1
    means, spreads = np.empty((len(rows), channels)), np.empty((len(rows), channels))
    for start in range(0, len(rows), 256):  # a few at a time: the deviations are a copy
        block = x[rows[start : start + 256]].astype(np.float64)
        block = block.reshape(len(block), -1, channels)
        means[start : start + 256], spreads[start : start + 256] = block.mean(axis=1), block.std(axis=1)
    for channel in range(channels):
        of = f" of channel {channel}" if channels > 1 else ""
        yield as_column(f"mean{of}", means[:, channel])
        yield as_column(f"standard deviation{of}", spreads[:, channel])
