"""Turns whatever a user hands to `fit`, `evaluate` or `predict` into checked NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradwise.config import floatx
from gradwise.data.array_checks import check_finite, settle_dtype
from gradwise.data.file_arrays import FileArray, in_file
from gradwise.data.sparse import SparseMatrix, from_scipy
from gradwise.errors import InputError

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Array | list[Array] | dict[str, Array]

_FRAME_LIBRARIES = ("pandas", "polars", "pyarrow", "modin")
_FRAME_CLASSES = ("DataFrame", "Series", "Table")


def to_arrays(
    values: Any,
    *,
    name: str = "x",
    where: str = "fit",
    float_dtype: str | None = None,
    count: int | None = None,
    finite: bool = True,
    sparse: bool = False,
    files: bool = False,
) -> Arrays:
    """Converts one argument to NumPy arrays that can be trained on, and refuses what cannot.

    float64 becomes the library's float type, int64 becomes int32, everything else keeps its type, and
    what already fits is not copied. Text, dates, NaN, infinity, ragged lists and empty arrays are refused.

    Args:
        values: An array of any library, nested lists of numbers, a pandas or polars frame or series, or a
            list or dict of these.
        name: What the argument is called, for errors.
        where: The method it was given to, for errors.
        float_dtype: The type float64 becomes; by default `config.floatx()`.
        count: How many arrays are wanted, if known. With 1, a list of equally shaped arrays is taken as
            a list of samples; otherwise a list of arrays is a list of inputs.
        finite: Whether NaN and infinity are refused here; False leaves that to the caller.
        sparse: Whether sparse matrices of SciPy stay sparse.
        files: Whether large arrays that are memory-mapped, or of h5py or zarr, stay in their files.

    Returns:
        An array [B, ...], or a list or dict of them as given; a `SparseMatrix` for sparse ones, and a
        `FileArray` for those in files.

    Raises:
        InputError: Something in it cannot be used; one line says what, where and how to mend it.

    Example:
        >>> to_arrays([[1.0, 2.0], [3.0, 4.0]]).dtype.name
        'float32'
        >>> sorted(to_arrays({"a": [1, 2], "b": [3, 4]}))
        ['a', 'b']
    """
    dtype = np.dtype(float_dtype or floatx())

    def convert(item: Any, name: str) -> Any:
        if sparse and hasattr(item, "tocsr"):
            return from_scipy(item, f"{where}, {name}")
        if isinstance(item, (SparseMatrix, FileArray)):
            return item
        resting = in_file(item, f"{where}, {name}", dtype, finite=finite) if files else None
        return _convert(item, name, where, dtype, finite) if resting is None else resting

    if isinstance(values, Mapping) and not hasattr(values, "toarray"):  # a DOK matrix is a dict, too
        return {key: convert(item, f"{name}['{key}']") for key, item in values.items()}
    if isinstance(values, (list, tuple)) and any(_has_axes(item) for item in values):
        if count == 1:
            return convert(_stack(values, name, where), name)  # type: ignore[no-any-return]
        return [convert(item, f"{name}[{index}]") for index, item in enumerate(values)]
    return convert(values, name)  # type: ignore[no-any-return]


def plain(array: Any) -> Any:
    """Returns an array of NumPy, whether the numbers were sparse, in a file, or one already.

    Example:
        >>> plain(np.zeros(2)).shape
        (2,)
    """
    return array.toarray() if isinstance(array, (SparseMatrix, FileArray)) else array


def named_arrays(name: str, values: Arrays) -> Iterator[tuple[str, Array]]:
    """Yields every array of a structure with the name it has in messages.

    Example:
        >>> [key for key, array in named_arrays("x", [np.zeros(2), np.zeros(2)])]
        ['x[0]', 'x[1]']
    """
    if isinstance(values, dict):
        yield from ((f"{name}['{key}']", array) for key, array in values.items())
    elif isinstance(values, list):
        yield from ((f"{name}[{index}]", array) for index, array in enumerate(values))
    else:
        yield name, values


def count_samples(where: str, **groups: Arrays | None) -> int:
    """Returns the number of samples, which all the arrays must share.

    Args:
        where: The method the arrays were given to, for errors.
        **groups: The arrays by argument name; None is skipped.

    Raises:
        InputError: The arrays have different lengths; every name and length is told.

    Example:
        >>> count_samples("fit", x=np.zeros((3, 2)), y=np.zeros(3))
        3
    """
    lengths = {
        key: len(array)
        for name, values in groups.items()
        if values is not None
        for key, array in named_arrays(name, values)
    }
    if len(set(lengths.values())) > 1:
        raise InputError(
            where,
            expected="the same number of samples in every array",
            got=", ".join(f"{key} with {length}" for key, length in lengths.items()),
            fix="Give each sample one row in each array.",
        )
    return next(iter(lengths.values()), 0)


def take(values: Arrays, rows: Array | slice) -> Arrays:
    """Selects samples from every array of a structure; a slice gives views, not copies.

    Example:
        >>> take({"a": np.arange(4)}, slice(1, 3))
        {'a': array([1, 2])}
    """
    if isinstance(values, dict):
        return {key: array[rows] for key, array in values.items()}
    if isinstance(values, list):
        return [array[rows] for array in values]
    return values[rows]


def is_frame(values: object) -> bool:
    """Tells whether an object is a frame or series of pandas, polars, pyarrow or modin.

    Example:
        >>> is_frame([1, 2])
        False
    """
    kind = type(values)
    return kind.__module__.split(".")[0] in _FRAME_LIBRARIES and kind.__name__ in _FRAME_CLASSES


def _has_axes(item: object) -> bool:
    if is_frame(item) or hasattr(item, "toarray"):
        return True
    return hasattr(item, "__array__") and np.ndim(item) > 0


def _stack(values: Any, name: str, where: str) -> Array:
    shapes = [np.shape(item) for item in values]
    if len(set(shapes)) > 1:
        odd = next(index for index, shape in enumerate(shapes) if shape != shapes[0])
        raise InputError(
            f"{where}, {name}",
            expected="one array, or a list of samples of one shape",
            got=f"a list whose items 0 and {odd} have shapes {shapes[0]} and {shapes[odd]}",
            fix="Bring the samples to one shape, or give the model as many inputs as the list has arrays.",
        )
    return np.stack([np.asarray(item) for item in values])


def _convert(values: Any, name: str, where: str, float_dtype: np.dtype[Any], finite: bool) -> Array:
    place = f"{where}, {name}"
    if is_frame(values):
        array = _from_frame(values, place, finite)
    elif isinstance(values, (list, tuple, range)):
        array = _from_lists(values, place)
    elif hasattr(values, "toarray"):
        array = np.asarray(values.toarray())
    elif hasattr(values, "__array__"):
        array = np.asarray(values)
    else:
        raise InputError(
            place,
            expected="an array, a list of numbers, a frame, or a list or dict of these",
            got=f"an object of type {type(values).__name__}",
            fix="Pass gradwise.data.Loader(function) if it makes an iterable of samples, or call it."
            if callable(values)
            else "Convert it with numpy.asarray first.",
        )
    if array.ndim == 0:
        raise InputError(
            place,
            expected="an array whose first axis counts the samples",
            got="a single value",
            fix="Use [value].",
        )
    if array.size == 0:
        raise InputError(
            place,
            expected="at least one sample",
            got=f"an empty array of shape {array.shape}",
            fix="Check the input.",
        )
    array = settle_dtype(array, place, float_dtype)
    if finite:
        check_finite(array, place)
    return array


def _from_frame(values: Any, place: str, finite: bool) -> Array:
    import narwhals as nw

    frame = nw.from_native(values, eager_only=True, allow_series=True)
    if isinstance(frame, nw.Series):
        return _from_series(frame, place, finite)
    if not frame.columns:
        return np.zeros(frame.shape)
    wrong = [str(key) for key in frame.columns if not _is_numeric(frame[key].dtype)]
    if wrong:
        shown = ", ".join(repr(key) for key in wrong[:5]) + (", …" if len(wrong) > 5 else "")
        raise InputError(
            place,
            expected="a frame of numbers",
            got=f"text or dates in column{'s' if len(wrong) > 1 else ''} {shown}",
            fix="Leave them out, or encode them with gradwise.data.preprocessing.TablePreprocessor.",
        )
    columns = [_from_series(frame[key], f"{place}, column '{key}'", finite) for key in frame.columns]
    return np.stack(columns, axis=1)


def _is_numeric(dtype: Any) -> bool:
    return bool(dtype.is_numeric() or dtype.is_boolean())


def _from_series(series: Any, place: str, finite: bool) -> Array:
    import narwhals as nw

    if _is_numeric(series.dtype) and series.null_count() > 0:
        series = series.cast(nw.Float64)
    array: Array = series.to_numpy()
    if finite and array.dtype.kind == "f":
        check_finite(array, place)
    return array


def _from_lists(values: Any, place: str) -> Array:
    try:
        return np.asarray(values)
    except (ValueError, TypeError):
        pass  # the lists are ragged: told below, without a dump
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in values]
    odd = next((index for index, length in enumerate(lengths) if length != lengths[0]), None)
    raise InputError(
        place,
        expected="lists of numbers that are all of one length",
        got="ragged lists"
        if odd is None
        else f"{lengths[0]} values in row 0 and {lengths[odd]} in row {odd}",
        fix="Cut or fill them with gradwise.utils.pad_sequences.",
    )
