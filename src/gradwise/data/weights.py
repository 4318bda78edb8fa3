"""Class weights as sample weights, and what a class can be read from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.errors import InputError

_MOST_CLASSES = 10_000


def class_labels(y: NDArray[Any]) -> NDArray[np.int64] | None:
    """Reads class numbers from targets: integers, whole floats, one column of these, or one-hot rows.

    Args:
        y: Targets [B], [B, 1] or [B, K].

    Returns:
        int64[B], or None if the targets name no single class (regression, several labels, sequences).

    Example:
        >>> class_labels(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
        [1, 0]
        >>> class_labels(np.array([0.5, 1.7])) is None
        True
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        if np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
            return np.asarray(y.argmax(axis=1), dtype=np.int64)
        return None
    if y.ndim != 1 or y.dtype.kind not in "biuf":
        return None
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.floor(y)).all()):
        return None
    return y.astype(np.int64)


def class_weights(
    class_weight: Mapping[int, float], y: NDArray[Any], *, where: str = "fit"
) -> tuple[NDArray[np.float32], str | None]:
    """Gives each sample the weight of its class.

    Args:
        class_weight: Weight by class number; a class that is not named weighs 1.
        y: Targets [B], [B, 1] (class numbers, or 0 and 1) or one-hot [B, K].
        where: The method the weights were given to, for errors.

    Returns:
        float32[B], and a warning that names the classes without a weight, or None.

    Raises:
        InputError: A key is no class number, a weight is negative, or `y` has no single class per sample.

    Example:
        >>> weights, warning = class_weights({0: 1.0, 1: 5.0}, np.array([0, 1, 1]))
        >>> weights.tolist()
        [1.0, 5.0, 5.0]
    """
    table = _checked(class_weight, where)
    labels = class_labels(y)
    if labels is None:
        raise InputError(
            f"{where}, class_weight",
            expected="targets with one class per sample (integers, 0/1, or one-hot rows)",
            got=f"targets of shape {y.shape} and type {y.dtype}",
            fix="Use sample_weight, one number for each sample, instead.",
        )
    classes, positions = np.unique(labels, return_inverse=True)
    missing = [int(label) for label in classes if int(label) not in table]
    weights = np.array([table.get(int(label), 1.0) for label in classes], dtype=np.float32)
    warning = None
    if missing:
        shown = ", ".join(map(str, missing[:20])) + (", …" if len(missing) > 20 else "")
        warning = f"class_weight names no weight for class {shown}; it counts with weight 1."
    return weights[positions], warning


def _checked(class_weight: Mapping[int, float], where: str) -> dict[int, float]:
    place = f"{where}, class_weight"
    if not isinstance(class_weight, Mapping):
        raise InputError(
            place,
            expected="a dict from class number to weight",
            got=f"an object of type {type(class_weight).__name__}",
            fix="Write for example {0: 1.0, 1: 5.0}.",
        )
    table: dict[int, float] = {}
    for key, weight in class_weight.items():
        if isinstance(key, (str, bytes)) or int(key) != key:
            raise InputError(
                place,
                expected="class numbers as keys",
                got=repr(key),
                fix="Use the integers found in the targets.",
            )
        if not (np.isfinite(weight) and weight >= 0):
            raise InputError(
                place,
                expected="weights of 0 or more",
                got=f"{weight} for class {key}",
                fix="Correct the weight.",
            )
        table[int(key)] = float(weight)
    return table


def missing_classes(y_train: NDArray[Any], y_validation: NDArray[Any]) -> tuple[list[int], list[int]]:
    """Finds the classes that one side of a split lacks.

    Args:
        y_train: Targets of the training part, [B], [B, 1] or one-hot [B, K].
        y_validation: Targets of the validation part.

    Returns:
        The classes seen only in validation, and the classes seen only in training; empty lists for
        targets that are not classes.

    Example:
        >>> missing_classes(np.array([0, 0, 1]), np.array([1, 2]))
        ([2], [0])
    """
    train, validation = class_labels(y_train), class_labels(y_validation)
    if train is None or validation is None:
        return [], []
    ours, theirs = np.unique(train), np.unique(validation)
    if len(ours) > _MOST_CLASSES or 5 * len(ours) > len(train) and len(ours) > 20:
        return [], []  # whole numbers with so many values are measured, not classes
    return np.setdiff1d(theirs, ours).tolist(), np.setdiff1d(ours, theirs).tolist()


def missing_classes_warning(y_train: NDArray[Any], y_validation: NDArray[Any]) -> str | None:
    """Words the warning for a validation part whose classes differ from those of the training part.

    Args:
        y_train: Targets of the training part, [B], [B, 1] or one-hot [B, K].
        y_validation: Targets of the validation part.

    Returns:
        One or two sentences, or None if both parts hold the same classes.

    Example:
        >>> missing_classes_warning(np.array([0, 1]), np.array([0, 1])) is None
        True
    """
    only_validation, only_train = missing_classes(y_train, y_validation)
    sides = []
    if only_validation:
        sides.append(f"the training part has no sample of class {_list(only_validation)}")
    if only_train:
        sides.append(f"the validation part has no sample of class {_list(only_train)}")
    if not sides:
        return None
    return (
        f"validation_split takes the last samples as they come, and {' and '.join(sides)}. "
        "Pass stratify=True, or shuffle the data first."
    )


def _list(labels: list[int]) -> str:
    return ", ".join(map(str, labels[:10])) + (", …" if len(labels) > 10 else "")
