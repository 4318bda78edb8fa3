"""Large arrays that rest in files while a model is trained on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.array_checks import check_finite, settle_dtype
from gradwise.data.row_files import row_file
from gradwise.errors import InputError

_LARGE = 256 * 2**20  # bytes from which an array is left in its file


class FileArray:
    """An array [N, ...] of which rows are read when they are needed.

    Args:
        reader: Has `take(rows)`, which gives the rows at some places.
        numbers: int64[N]. The rows of the file, in order.
        shape: The shape of a row.
        kind: The type of the numbers in the file.
        place: Where it came from, for errors.
        float_dtype: What float64 becomes.
        finite: Whether NaN and infinity are refused when they are read.
    """

    def __init__(
        self,
        reader: Any,
        numbers: NDArray[np.int64],
        shape: tuple[int, ...],
        kind: np.dtype[Any],
        *,
        place: str,
        float_dtype: np.dtype[Any],
        finite: bool,
    ) -> None:
        self._reader = reader
        self._numbers = numbers
        self._kind = kind
        self._place, self._float_dtype, self._finite = place, float_dtype, finite
        self.shape = (len(numbers), *shape)
        self.dtype = settle_dtype(np.zeros(1, kind), place, float_dtype).dtype

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory it would take."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __getitem__(self, rows: Any) -> FileArray:
        """Returns rows by a slice or by their numbers, without reading them."""
        return FileArray(
            self._reader,
            self._numbers[rows],
            self.shape[1:],
            self._kind,
            place=self._place,
            float_dtype=self._float_dtype,
            finite=self._finite,
        )

    def toarray(self) -> NDArray[Any]:
        """Reads all rows.

        Raises:
            InputError: There is NaN, infinity, or an integer beyond 32 bits.
        """
        found: NDArray[Any] = self._reader.take(self._numbers)
        found = settle_dtype(found, self._place, self._float_dtype)
        if self._finite:
            check_finite(found, self._place, self._numbers)
        return found


def in_memory(array: Any) -> Any:
    """Reads an array that rests in a file; any other is returned as it is.

    Example:
        >>> in_memory(np.zeros(2)).shape
        (2,)
    """
    return array.toarray() if isinstance(array, FileArray) else array


class _Indexed:
    """Rows of an array of another library that is indexed like one of NumPy, in rising order only."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def take(self, rows: NDArray[Any]) -> NDArray[Any]:
        distinct, back = np.unique(rows, return_inverse=True)
        contiguous = len(distinct) and distinct[-1] - distinct[0] == len(distinct) - 1
        chosen = slice(int(distinct[0]), int(distinct[-1]) + 1) if contiguous else distinct
        return np.asarray(self._array[chosen])[back]


def in_file(array: Any, place: str, float_dtype: np.dtype[Any], *, finite: bool) -> FileArray | None:
    """Leaves a large array in its file: a memory-mapped one, or one of h5py or zarr.

    Args:
        array: Any array.
        place: Where it came from, for errors.
        float_dtype: What float64 becomes.
        finite: Whether NaN and infinity are refused when they are read.

    Returns:
        The array, or None if it is small or rests in memory.

    Raises:
        InputError: It does not hold numbers.

    Example:
        >>> in_file(np.zeros(3), "x", np.dtype("float32"), finite=True) is None
        True
    """
    library = type(array).__module__.split(".")[0]
    known = isinstance(array, np.memmap) or library in ("h5py", "zarr")
    if not known or not array.shape or array.size * np.dtype(array.dtype).itemsize < _LARGE:
        return None
    kind = np.dtype(array.dtype)
    if kind.kind not in "fiubV":
        raise InputError(
            place,
            expected="numbers",
            got=f"a file of {kind}",
            fix="Write the values as numbers first.",
        )
    reader = row_file(array) if isinstance(array, np.memmap) else _Indexed(array)
    if reader is None:
        return None
    numbers = np.arange(array.shape[0], dtype=np.int64)
    return FileArray(
        reader, numbers, tuple(array.shape[1:]), kind, place=place, float_dtype=float_dtype, finite=finite
    )
