"""Batches out of data that rest on the device: dense arrays, and matrices that are mostly zeros."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
from jax import lax

from gradwise.data.file_arrays import FileArray, in_memory
from gradwise.data.sparse import SparseMatrix
from gradwise.errors import InputError
from gradwise.ops.sparse import SparseRows, SparseTable


def placed(data: Any) -> Any:
    """Puts arrays on the device; sparse matrices become tables.

    Args:
        data: A structure of arrays on the host.

    Returns:
        The same structure on the device.

    Example:
        >>> placed([np.zeros(2), None])[0].shape
        (2,)
    """
    return jax.device_put(jax.tree.map(_as_table, data))


def placed_batch(data: Any) -> Any:
    """Puts one batch on the device; sparse matrices become rows.

    Args:
        data: A structure of arrays on the host.

    Returns:
        The same structure on the device.
    """
    return jax.device_put(as_batch(data))


def as_batch(data: Any) -> Any:
    """Returns a structure of arrays in which sparse matrices have become rows."""
    return jax.tree.map(_as_rows, data)


def has_sparse(data: Any) -> bool:
    """Tells whether a structure on the host holds sparse matrices, or arrays in files.

    Example:
        >>> has_sparse([np.zeros(2)])
        False
    """
    return any(isinstance(leaf, (SparseMatrix, FileArray)) for leaf in jax.tree.leaves(data))


def sparse_note(data: Any) -> str:
    """Says how sparse inputs are computed with; nothing if there are none.

    Example:
        >>> sparse_note([np.zeros(2)])
        ''
    """
    shares = [leaf for leaf in jax.tree.leaves(data) if isinstance(leaf, SparseMatrix)]
    notes = [
        f"; {100 * leaf.density:.2g} % of the inputs are not zero: "
        + ("products are computed from their places" if leaf.by_index else "each batch is filled up")
        for leaf in shares
    ]
    return "".join(notes)


def with_room(tables: Any, host: Any, order: Any, size: int) -> Any:
    """Gives sparse tables the room that the largest batch needs.

    Args:
        tables: Data on the device.
        host: The same data on the host, in the same structure.
        order: int[..., S * size], the order of the rows in one or several epochs.
        size: The batch size.

    Returns:
        The data; the room grows by whole eighths, so that few programs are compiled.
    """

    def fit(table: Any, matrix: Any) -> Any:
        if not isinstance(matrix, SparseMatrix):
            return table
        lengths = np.diff(matrix.starts)[order]
        most = int(lengths.reshape(-1, size).sum(axis=1).max())
        return table if most <= table.capacity else dataclasses.replace(table, capacity=_round_up(most))

    return jax.tree.map(fit, tables, host, is_leaf=_is_table)


def rows_in_order(count: int, size: int) -> Any:
    """Returns the rows of an evaluation, which takes batches in order; the last one reaches back.

    Example:
        >>> rows_in_order(5, 2).tolist()
        [[0, 1], [2, 3], [3, 4]]
    """
    size = min(size, count)
    begins = np.minimum(np.arange(0, count, size), count - size)
    return begins[:, None] + np.arange(size)


def take(data: Any, rows: Any) -> Any:
    """Gathers rows from every array of a data set, inside a program.

    Args:
        data: A structure of arrays [N, ...] and sparse tables.
        rows: int32[B].

    Returns:
        The same structure of arrays [B, ...] and sparse rows.
    """
    if rows.shape[0] == 1:  # a slice is cheaper than a gather of one row
        return _map(lambda array: lax.dynamic_slice_in_dim(array, rows[0], 1), data, rows)
    return _map(lambda array: array.at[rows].get(mode="promise_in_bounds"), data, rows)


def window(data: Any, first: Any, size: int) -> Any:
    """Takes rows first to first + size - 1 of every array of a data set, inside a program."""
    rows = first + lax.iota("int32", size)
    return _map(lambda array: lax.dynamic_slice_in_dim(array, first, size), data, rows)


def count_of(data: Any) -> int:
    """Returns the number of rows of a data set on the device.

    Example:
        >>> count_of([np.zeros((3, 2))])
        3
    """
    return int(jax.tree.leaves(data, is_leaf=_is_table)[0].shape[0])


def everything(data: Any) -> Any:
    """Takes a whole data set as one batch, inside a program."""
    return _map(lambda array: array, data, lax.iota("int32", count_of(data)))


def dense(data: Any) -> Any:
    """Fills sparse rows up with their zeros, inside a program.

    Example:
        >>> dense([np.zeros(2)])[0].shape
        (2,)
    """
    return jax.tree.map(
        lambda leaf: leaf.dense() if isinstance(leaf, SparseRows) else leaf,
        data,
        is_leaf=lambda leaf: isinstance(leaf, SparseRows),
    )


def _map(function: Any, data: Any, rows: Any) -> Any:
    return jax.tree.map(
        lambda leaf: leaf.take(rows) if _is_table(leaf) else function(leaf), data, is_leaf=_is_table
    )


def _is_table(leaf: Any) -> bool:
    return isinstance(leaf, SparseTable)


def _as_table(leaf: Any) -> Any:
    if not isinstance(leaf, SparseMatrix):
        return leaf
    if len(leaf.columns) >= 2**31:
        raise InputError(
            "sparse inputs",
            expected="fewer than 2 147 483 648 numbers that are not zero",
            got=len(leaf.columns),
            fix="Pass the rows in batches: gradwise.data.Loader, or a generator.",
        )
    starts = leaf.starts.astype(np.int32)
    columns = leaf.columns if len(leaf.columns) else np.full(1, leaf.width, np.int32)
    values = leaf.values if leaf.values is None or len(leaf.values) else np.zeros(1, leaf.dtype)
    return SparseTable(columns, starts, values, width=leaf.width, by_index=leaf.by_index)


def _as_rows(leaf: Any) -> Any:
    leaf = in_memory(leaf)
    if not isinstance(leaf, SparseMatrix):
        return leaf
    count, size = len(leaf.columns), len(leaf)
    room = _round_up(max(1, count))
    rows = np.full(room, size, np.int32)
    rows[:count] = np.repeat(np.arange(size, dtype=np.int32), np.diff(leaf.starts))
    columns = np.zeros(room, np.int32)
    columns[:count] = leaf.columns
    values = None
    if leaf.values is not None:
        values = np.zeros(room, leaf.values.dtype)
        values[:count] = leaf.values
    return SparseRows(columns, rows, values, size=size, width=leaf.width, by_index=leaf.by_index)


def _round_up(count: int) -> int:
    """The next number with at most three leading binary digits after the first."""
    step = 1 << max(0, count.bit_length() - 4)
    return -(-count // step) * step
