"""Checks of one array's type and values, with errors that point at the place."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import numpy as np
from numpy.typing import NDArray

from gradwise.errors import InputError

Array: TypeAlias = NDArray[Any]

_INT32 = np.iinfo(np.int32)


def settle_dtype(array: Array, place: str, float_dtype: np.dtype[Any]) -> Array:
    """Brings an array to a type the engine computes with, without copying what has one.

    Args:
        array: Any array.
        place: Where it came from, for errors.
        float_dtype: What float64 becomes.

    Returns:
        The same values as floats, int32 (int64 is narrowed), other integers or bool.

    Raises:
        InputError: The values are text, dates, objects or integers beyond 32 bits.

    Example:
        >>> settle_dtype(np.arange(3), "x", np.dtype("float32")).dtype.name
        'int32'
    """
    if array.dtype.kind == "O":
        array = _from_objects(array, place)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    kind = array.dtype.kind
    if kind in "US":
        raise _text_error(array.ravel()[0], place)
    if kind in "mMc" or (kind == "V" and array.dtype.names is not None):
        raise InputError(
            place,
            expected="numbers",
            got=f"values of type {array.dtype}",
            fix="Turn them into plain float or integer columns first.",
        )
    if kind == "f" and array.dtype.itemsize >= 8:
        with np.errstate(over="ignore"):  # what overflows is refused as infinity
            return array.astype(float_dtype, copy=False)
    if array.dtype in (np.int64, np.uint64):
        if _INT32.min <= int(array.min()) and int(array.max()) <= _INT32.max:
            return array.astype(np.int32)
        # Without 64 bits the engine would silently wrap them around.
        if jax.dtypes.canonicalize_dtype(np.int64) != np.int64:
            raise InputError(
                place,
                expected=f"integers from {_INT32.min} to {_INT32.max}",
                got=f"values from {array.min()} to {array.max()}",
                fix="Use floats, or number the values anew from 0.",
            )
    return array


def _from_objects(array: Array, place: str) -> Array:
    for index, value in enumerate(array.ravel()):
        if isinstance(value, str):
            raise _text_error(value, place)
        if hasattr(value, "__len__"):
            raise InputError(
                place,
                expected="numbers",
                got=f"an array of {type(value).__name__}s (dtype object), the first of length {len(value)}",
                fix="Use gradwise.utils.pad_sequences or gradwise.utils.vectorize_sequences, or numpy.stack.",
            )
        if value is not None and not isinstance(value, (bool, int, float, np.number, np.bool_)):
            raise InputError(
                place,
                expected="numbers",
                got=f"an object of type {type(value).__name__} at position {index} (dtype object)",
                fix="Turn the values into numbers first.",
            )
    if all(isinstance(value, (bool, np.bool_)) for value in array.ravel()):
        return array.astype(bool)
    whole = all(isinstance(value, (int, np.integer)) for value in array.ravel())
    return array.astype(np.int64 if whole else np.float64)  # None becomes NaN, refused as such


def _text_error(value: object, place: str) -> InputError:
    shown = repr(value if isinstance(value, bytes) else str(value))
    return InputError(
        place,
        expected="numbers",
        got=f"text (for example {shown if len(shown) < 40 else shown[:37] + '…'})",
        fix="Number labels with numpy.unique(labels, return_inverse=True)[1]; encode other text first.",
    )


def check_finite(array: Array, place: str, numbers: Array | None = None) -> None:
    """Refuses NaN and infinity in floats.

    Args:
        array: Any array.
        place: Where it came from, for errors.
        numbers: What the rows are called in errors; 0, 1, ... by default.

    Raises:
        InputError: There is a value that is not finite; its row and column are told.

    Example:
        >>> check_finite(np.ones(3), "x")
    """
    if array.dtype.kind not in "fV":
        return
    with np.errstate(all="ignore"):
        # One sum is several times cheaper than isfinite on every value, and NaN or infinity survives it.
        if np.isfinite(array.sum()):
            return
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    first = tuple(int(axis[0]) for axis in np.nonzero(bad))
    rows = int(bad.reshape(len(array), -1).any(axis=1).sum())
    row = first[0] if numbers is None else int(numbers[first[0]])
    column = "" if len(first) == 1 else f", column {first[1] if len(first) == 2 else first[1:]}"
    raise InputError(
        place,
        expected="finite numbers",
        got=f"NaN or infinity in {rows} of {len(array)} rows, first in row {row}{column}",
        fix="Drop those rows or fill the gaps; numbers beyond the range of the float type count as infinity.",
    )
