"""Matrices that are mostly zeros: rows of them in a program, and their product with a kernel."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SparseRows:
    """A batch of rows, given by the places of what is not zero.

    Args:
        columns: int32[C]. The column of each entry, row by row; no place occurs twice.
        rows: int32[C]. The row of each entry, in rising order; B for entries that only fill up.
        values: float[C], or None if every entry is 1.
        size: B, the number of rows.
        width: D, the number of columns.
        by_index: Whether layers that can should compute from the places, rather than from a dense batch.

    Example:
        >>> batch = SparseRows(jnp.array([2, 0]), jnp.array([0, 1]), None, size=2, width=3)
        >>> batch.dense().tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    columns: Any
    rows: Any
    values: Any = None
    size: int = dataclasses.field(default=0, metadata={"static": True})
    width: int = dataclasses.field(default=0, metadata={"static": True})
    by_index: bool = dataclasses.field(default=True, metadata={"static": True})

    @property
    def shape(self) -> tuple[int, int]:
        """(B, D)."""
        return self.size, self.width

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return jnp.dtype("float32") if self.values is None else self.values.dtype

    def dense(self, dtype: Any = None) -> Any:
        """Returns the batch as float[B, D]."""
        zeros = jnp.zeros(self.shape, dtype or self.dtype)
        values = jnp.ones((), zeros.dtype) if self.values is None else self.values.astype(zeros.dtype)
        return zeros.at[self.rows, self.columns].set(values, mode="drop")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SparseTable:
    """A whole data set that rests on the device as the places of what is not zero.

    Args:
        columns: int32[M]. The column of each entry, row by row.
        starts: int32[N + 1]. Where the entries of each row begin; the last number is M.
        values: float[M], or None if every entry is 1.
        width: D, the number of columns.
        capacity: The most entries that a batch can have.
        by_index: As for `SparseRows`.
    """

    columns: Any
    starts: Any
    values: Any = None
    width: int = dataclasses.field(default=0, metadata={"static": True})
    capacity: int = dataclasses.field(default=0, metadata={"static": True})
    by_index: bool = dataclasses.field(default=True, metadata={"static": True})

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        return self.starts.shape[0] - 1, self.width

    def take(self, numbers: Any) -> SparseRows:
        """Gathers rows by their numbers.

        Args:
            numbers: int32[B].

        Returns:
            The rows as a batch.
        """
        size = numbers.shape[0]
        begin = self.starts[numbers]
        lengths = self.starts[numbers + 1] - begin
        ends = jnp.cumsum(lengths)
        place = lax.iota("int32", self.capacity)
        # Each row's end is marked: the number of marks up to a place is the row it belongs to.
        marks = jnp.zeros(self.capacity + 1, "int32").at[ends].add(1)[: self.capacity]
        rows = jnp.cumsum(marks)
        shift = jnp.append(begin - (ends - lengths), 0)
        source = jnp.minimum(shift[rows] + place, self.columns.shape[0] - 1)
        columns = self.columns.at[source].get(mode="promise_in_bounds")
        values = None if self.values is None else self.values.at[source].get(mode="promise_in_bounds")
        return SparseRows(columns, rows, values, size=size, width=self.width, by_index=self.by_index)


def sparse_map(inputs: SparseRows, kernel: Any) -> Any:
    """Multiplies sparse rows by a matrix: the rows of the kernel that occur are added up.

    Args:
        inputs: [B, D], mostly zeros.
        kernel: float[D, E].

    Returns:
        float[B, E].

    Example:
        >>> batch = SparseRows(jnp.array([2, 0]), jnp.array([0, 1]), None, size=2, width=3)
        >>> sparse_map(batch, jnp.array([[1.0], [2.0], [3.0]])).tolist()
        [[3.0], [1.0]]
    """
    # Not in 16 bits: a sum of many ones would stand still there, and so would the kernel's gradient.
    wide = kernel.dtype if kernel.dtype.itemsize >= 4 else jnp.dtype("float32")
    picked = kernel.astype(wide).at[inputs.columns].get(mode="clip")  # [C, E]
    if inputs.values is not None:
        picked = picked * inputs.values[:, None].astype(wide)
    sums = jnp.zeros((inputs.size, kernel.shape[1]), wide)
    sums = sums.at[inputs.rows].add(picked, mode="drop", indices_are_sorted=True)
    return sums.astype(kernel.dtype)
