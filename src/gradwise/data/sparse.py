"""Matrices on the host that are mostly zeros, kept as the places of what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import floatx
from gradwise.data.array_checks import check_finite, settle_dtype
from gradwise.errors import InputError

# Multiplying from the places of the entries wins below this share of entries that are not zero: on two cores,
# 512 rows of 10 000 columns with 1.4 % took 0.7 ms by 16 units and 3.7 by 64; dense ones took 3.6 and 5.
BY_INDEX = 0.02
# Below this one, the places still take less memory and are filled into a dense batch in no time.
_SPARSE = 0.1
_WORTH_IT = 16 * 2**20  # bytes of a dense array
_LOOKED_AT = 256  # rows of a dense array, to estimate its density
_AT_ONCE = 2**22  # numbers of a dense array that are searched at a time


class SparseMatrix:
    """A matrix [N, D] by the places of its entries, row by row.

    Args:
        columns: int32[M]. The column of each entry; no place occurs twice.
        starts: int64[N + 1]. Where the entries of each row begin; the last number is M.
        values: [M], or None if every entry is 1.
        width: D.

    Example:
        >>> matrix = SparseMatrix(np.array([2, 0]), np.array([0, 1, 2]), None, 3)
        >>> matrix[1:].toarray().tolist()
        [[1.0, 0.0, 0.0]]
    """

    ndim = 2

    def __init__(
        self, columns: NDArray[Any], starts: NDArray[Any], values: NDArray[Any] | None, width: int
    ) -> None:
        self.columns = columns
        self.starts = starts
        self.values = values
        self.width = width

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        return len(self), self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return np.dtype(floatx()) if self.values is None else self.values.dtype

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        values = 0 if self.values is None else self.values.nbytes
        return int(self.columns.nbytes + self.starts.nbytes + values)

    @property
    def density(self) -> float:
        """The share of entries that are not zero."""
        return len(self.columns) / max(1, len(self) * self.width)

    @property
    def by_index(self) -> bool:
        """Whether products are computed from the places of the entries."""
        return self.density <= BY_INDEX

    def __getitem__(self, rows: Any) -> SparseMatrix:
        """Returns rows by a slice or by their numbers."""
        numbers = np.arange(len(self))[rows]
        begin = self.starts[numbers]
        lengths = self.starts[numbers + 1] - begin
        starts = np.concatenate([[0], np.cumsum(lengths)])
        source = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], lengths)
        values = None if self.values is None else self.values[source]
        return SparseMatrix(self.columns[source], starts, values, self.width)

    def toarray(self) -> NDArray[Any]:
        """Returns the matrix as an array [N, D]."""
        array = np.zeros(self.shape, self.dtype)
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        array[rows, self.columns] = 1 if self.values is None else self.values
        return array


def from_scipy(matrix: Any, place: str) -> SparseMatrix:
    """Reads a sparse matrix or array of SciPy, of any format.

    Args:
        matrix: The matrix [N, D].
        place: Where it came from, for errors.

    Returns:
        The matrix; entries given twice are added up, as SciPy does.

    Raises:
        InputError: It holds NaN or infinity, or is empty.
    """
    rows = matrix.tocsr()
    if rows.ndim != 2 or 0 in rows.shape or rows.shape[1] >= 2**31:
        raise InputError(
            place,
            expected="a sparse matrix of samples and features",
            got=f"one of shape {tuple(rows.shape)}",
            fix="Check the input.",
        )
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    values = settle_dtype(np.asarray(rows.data), place, np.dtype(floatx())) if rows.nnz else None
    if values is not None:
        check_finite(values, place)
        values = None if (values == 1).all() else values.astype(floatx(), copy=False)
    return SparseMatrix(rows.indices.astype(np.int32), rows.indptr.astype(np.int64), values, rows.shape[1])


def from_dense(array: NDArray[Any]) -> SparseMatrix | None:
    """Finds the entries of an array that is mostly zeros.

    Args:
        array: Any array.

    Returns:
        The same numbers, or None if the array is small or dense, or holds no matrix.
    """
    if array.ndim != 2 or array.dtype.kind not in "fiub" or array.nbytes < _WORTH_IT:
        return None
    sample = array[:: max(1, len(array) // _LOOKED_AT)]
    if np.count_nonzero(sample) > _SPARSE * sample.size:
        return None
    columns, lengths, values = [], [], []
    found, most = 0, _SPARSE * array.size
    for part in _parts(array):
        places = np.flatnonzero(part != 0)  # of booleans: five times faster than of floats
        found += len(places)
        if found > most:
            return None
        columns.append((places % array.shape[1]).astype(np.int32))
        lengths.append(np.bincount(places // array.shape[1], minlength=len(part)))
        values.append(part.reshape(-1)[places])
    every = np.concatenate(values)
    ones = bool((every == 1).all())
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return SparseMatrix(
        np.concatenate(columns), starts, None if ones else every.astype(floatx()), array.shape[1]
    )


def _parts(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = max(1, _AT_ONCE // array.shape[1])
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows])
