"""What a stream reads from: arrays, files of arrays, random access, iterables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from gradwise.data.arrays import is_frame
from gradwise.data.row_files import row_file
from gradwise.data.stream_order import Rows
from gradwise.data.stream_samples import Structure, map_arrays
from gradwise.errors import InputError


class ArraySource(Protocol):
    """Whole rows at once: `gather` gives stacked samples."""

    bounds: Rows | None  # where its own blocks begin, if it has any

    def __len__(self) -> int: ...

    def gather(self, rows: Rows) -> Structure:
        """Returns the samples at some places, stacked in that order."""


class InMemory:
    """A structure of arrays with one first axis.

    Example:
        >>> InMemory((np.arange(6).reshape(3, 2), np.arange(3))).gather(np.array([2, 0]))[1].tolist()
        [2, 0]
    """

    bounds = None

    def __init__(self, arrays: Structure) -> None:
        self._arrays = map_arrays(_reader, arrays)
        lengths: list[int] = []
        map_arrays(lambda array: lengths.append(len(array)), self._arrays)
        if len(set(lengths)) > 1:
            raise InputError(
                "Loader",
                expected="arrays with the same number of samples",
                got=" and ".join(map(str, lengths)),
                fix="Give each sample one row in each array.",
            )
        self._length = lengths[0]

    def __len__(self) -> int:
        return self._length

    def gather(self, rows: Rows) -> Structure:
        """Returns the rows at some places, in that order."""
        return map_arrays(lambda array: array.take(rows, axis=0), self._arrays)


def from_npy(*paths: str) -> Any:
    """Opens .npy files as a source for `Loader`, without reading them.

    Args:
        *paths: One file, or those of x, y and perhaps the sample weights.

    Returns:
        A memory-mapped array, or a tuple of them.

    Raises:
        InputError: A file is absent, is no .npy file, or holds Python objects.

    Example:
        >>> import tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "x.npy")
        ...     np.save(path, np.arange(6).reshape(3, 2))
        ...     from_npy(path).shape
        (3, 2)
    """
    opened = []
    for path in paths:
        try:
            opened.append(np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"'{path}'",
                expected="a .npy file of numbers",
                got=f"an error ({error})",
                fix="Write it with numpy.save(path, array).",
            ) from error
    return opened[0] if len(opened) == 1 else tuple(opened)


def _reader(array: Any) -> Any:
    return row_file(array) or np.asarray(array)


class Items:
    """Random access, one sample after the other, or several at once where the source offers it.

    Args:
        source: Has `__len__` and `__getitem__`.
        columns: For rows that are dicts, the entries to take.
    """

    def __init__(self, source: Any, columns: Sequence[str] | None) -> None:
        self._source = source
        self._columns = columns

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, row: int) -> Structure:
        return _picked(self._source[row], self._columns)

    def several(self, rows: Sequence[int]) -> list[Structure] | None:
        """Returns the samples if the source can fetch many at once and all are sound, else None."""
        fetch = getattr(self._source, "__getitems__", None)
        if fetch is None:
            return None
        try:
            return [_picked(sample, self._columns) for sample in fetch(list(rows))]
        except Exception:  # fetched one by one then, to find and name the sample
            return None


class Stream:
    """Samples that come one after the other, made anew for each epoch.

    Args:
        source: An iterable, or a function that makes one.
        columns: For samples that are dicts, the entries to take.
    """

    def __init__(self, source: Iterable[Any] | Callable[[], Iterable[Any]], columns: Sequence[str] | None):
        self._source = source
        self._columns = columns

    def __len__(self) -> int:
        return len(cast(Any, self._source))

    def __iter__(self) -> Iterator[Structure]:
        made = self._source() if callable(self._source) else self._source
        return (_picked(sample, self._columns) for sample in made)


def _picked(sample: Any, columns: Sequence[str] | None) -> Any:
    if columns is None:
        return sample
    if not isinstance(sample, Mapping) or any(name not in sample for name in columns):
        got = f"a {type(sample).__name__}"
        if isinstance(sample, Mapping):
            got = f"one with {', '.join(repr(name) for name in list(sample)[:10])}"
        raise InputError(
            "Loader, columns",
            expected=f"samples that are dicts with {', '.join(repr(name) for name in columns)}",
            got=got,
            fix="Name entries that every sample has.",
        )
    return tuple(sample[name] for name in columns)


def as_source(source: Any, columns: Sequence[str] | None = None) -> ArraySource | Items | Stream:
    """Finds out how a source can be read.

    Args:
        source: See `Loader`.
        columns: For samples that are dicts, the entries to take.

    Raises:
        InputError: It is none, or can be gone through only once.

    Example:
        >>> type(as_source([1, 2, 3])).__name__
        'Items'
    """
    if hasattr(source, "gather") and hasattr(source, "bounds"):
        return cast(ArraySource, source)
    if _is_array(source) or (isinstance(source, (tuple, Mapping)) and _all_arrays(source)):
        return cast(ArraySource, InMemory(_picked(source, columns)))
    _refuse(source)
    kinds = {kind.__name__ for kind in type(source).__mro__}
    if hasattr(source, "__len__") and hasattr(source, "__getitem__") and "IterableDataset" not in kinds:
        return Items(source, columns)
    return Stream(source, columns)


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and np.ndim(cast(Any, value)) > 0 and not is_frame(value)


def _all_arrays(source: Any) -> bool:
    values = source.values() if isinstance(source, Mapping) else source
    return len(source) > 0 and all(
        _is_array(item) or (isinstance(item, (tuple, Mapping)) and _all_arrays(item)) for item in values
    )


def _refuse(source: Any) -> None:
    fix = None
    if is_frame(source):
        fix = "Pass the frame's arrays: (frame[inputs].to_numpy(), frame[target].to_numpy())."
    elif isinstance(source, (str, bytes)):
        fix = "Open it first, with from_npy, table_stream or ImageFolder."
    elif isinstance(source, (tuple, Mapping, set)):
        fix = "Give NumPy arrays in the tuple or dict, or a list of samples."
    elif not callable(source) and not hasattr(source, "__iter__") and not hasattr(source, "__getitem__"):
        fix = "Pass arrays, a list of samples, or a function that returns a generator."
    elif hasattr(source, "__next__"):
        fix = "A generator can be gone through once: pass a function that makes it."
    if fix is not None:
        raise InputError(
            "Loader",
            expected="arrays, a source with len() and [index], or an iterable that can begin again",
            got=f"an object of type {type(source).__name__}",
            fix=fix,
        )
