"""Samples and their stacking: arrays, tuples and dicts of arrays, whatever library they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradwise.data.arrays import Array
from gradwise.errors import InputError

# A sample or batch: an array, or a tuple or dict of these.
Structure = Any


def map_arrays(function: Callable[..., Any], *values: Structure) -> Structure:
    """Applies a function to the arrays at the same place of several structures of one form.

    Example:
        >>> map_arrays(len, {"a": np.zeros(3)})
        {'a': 3}
    """
    first = values[0]
    if isinstance(first, tuple):
        return tuple(map_arrays(function, *items) for items in zip(*values, strict=True))
    if isinstance(first, Mapping):
        return {key: map_arrays(function, *(item[key] for item in values)) for key in first}
    return function(*values)


def as_arrays(value: Any, columns: Sequence[str] | None = None) -> Structure:
    """Turns one sample into NumPy arrays: numbers, images, tensors and lists of numbers.

    Args:
        value: A sample as a source gives it; a list is an array, a tuple or dict keeps its form.
        columns: For a dict, the entries that make the tuple (x, y) or (x, y, weight).
    """
    if columns is not None and isinstance(value, Mapping):
        value = tuple(value[name] for name in columns)
    return map_arrays(np.asarray, value)


def stack(samples: list[Structure], rows: Sequence[int]) -> Structure:
    """Stacks samples of one form along a new first axis.

    Args:
        samples: What `as_arrays` made of each.
        rows: Their places in the source, for errors.

    Raises:
        InputError: Two samples have different forms or shapes.

    Example:
        >>> stack([(np.zeros(2), np.int64(1)), (np.ones(2), np.int64(0))], [0, 1])[1].tolist()
        [1, 0]
    """
    try:
        return map_arrays(lambda *arrays: np.stack(arrays), *samples)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        first = form(samples[0])
        odd = next((place for place, sample in enumerate(samples) if form(sample) != first), None)
        if odd is None:
            raise
        raise InputError(
            f"Loader, sample {rows[odd]}",
            expected=f"the form of sample {rows[0]}, {first}",
            got=form(samples[odd]),
            fix="Bring all samples to one shape in the transform.",
        ) from error


def form(sample: Structure) -> str:
    """Describes a structure by its shapes.

    Example:
        >>> form((np.zeros((2, 3)), {"a": np.zeros(1)}))
        "((2, 3), {'a': (1,)})"
    """
    return str(map_arrays(np.shape, sample))


def as_batch(value: Structure) -> tuple[Any, ...]:
    """Returns a batch as a tuple (x,), (x, y) or (x, y, weight)."""
    return value if isinstance(value, tuple) else (value,)


def count_rows(values: Structure) -> int:
    """Returns the length of the first array of a structure."""
    while not isinstance(values, np.ndarray):
        values = next(iter(values.values() if isinstance(values, Mapping) else values))
    return len(values)


def join(parts: list[Structure]) -> Structure:
    """Puts structures of rows one after the other."""
    if len(parts) == 1:
        return parts[0]
    return map_arrays(lambda *arrays: np.concatenate(arrays), *parts)


def copied(value: Any) -> Any:
    """Copies the arrays of a sample: a generator may fill the same array again for the next one."""
    return map_arrays(lambda item: item.copy() if isinstance(item, np.ndarray) else item, value)


def rows_of(values: Structure, rows: Array | slice) -> Structure:
    """Selects rows from every array of a structure."""
    return map_arrays(lambda array: array[rows], values)
