"""Arrays of numbers as one-hot rows or unit vectors, under Keras' names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradwise.errors import InputError


def to_categorical(
    y: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = "float32"
) -> NDArray[Any]:
    """Turns class numbers into one-hot rows.

    Args:
        y: int[...], class numbers from 0; a last axis of size 1 is dropped.
        num_classes: The number of classes K; by default the highest class number + 1.
        dtype: The type of the result.

    Returns:
        float[..., K].

    Raises:
        InputError: A label is no whole number, is negative, or is not below `num_classes`.

    Example:
        >>> to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    array = np.asarray(y)
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not np.all(array == np.floor(array))):
        raise InputError(
            "to_categorical",
            expected="whole numbers",
            got=f"values of type {array.dtype}",
            fix="Number the classes with numpy.unique(labels, return_inverse=True)[1].",
        )
    if array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    labels = array.astype(np.int64)
    if labels.size == 0 and num_classes is None:
        raise InputError("to_categorical", expected="at least one label", got="none", fix="Pass num_classes.")
    classes = num_classes or int(labels.max()) + 1
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise InputError(
            "to_categorical",
            expected=f"labels from 0 to {classes - 1}",
            got=f"{labels[wrong].ravel()[0]} (at position {int(np.flatnonzero(wrong.ravel())[0])})",
            fix="Number the classes from 0, or raise num_classes.",
        )
    result = np.zeros((labels.size, classes), dtype=dtype)
    result[np.arange(labels.size), labels.ravel()] = 1
    return result.reshape(*labels.shape, classes)


def normalize(x: ArrayLike, axis: int = -1, order: int = 2) -> NDArray[Any]:
    """Scales vectors to length 1: x / ‖x‖; vectors of zeros stay as they are.

    Args:
        x: float[..., D].
        axis: The axis the vectors lie along.
        order: The norm: 2 for the Euclidean length, 1 for the sum of magnitudes.

    Returns:
        float[..., D].

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    array = np.asarray(x)
    length = np.linalg.norm(array, order, axis, keepdims=True)
    return np.asarray(array / np.where(length == 0, 1, length))
