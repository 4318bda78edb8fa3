"""Checks of target values on the host, before training: what compiled code could only answer with NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwise.errors import InputError
from gradwise.losses.base import Loss


def check_targets(loss: Loss, y_true: Any, output_shape: Sequence[int | None], where: str = "fit") -> None:
    """Refuses targets whose values cannot be right for a loss; one pass over them, shapes aside.

    Shapes are checked where the loss is traced.

    Args:
        loss: The loss that will compare the targets.
        y_true: The targets, a NumPy array or what becomes one.
        output_shape: The shape of the model's output; the loss's class axis of it gives the classes.
        where: Where the targets were given, for the error.

    Raises:
        InputError: The targets are not numbers, hold NaN or infinity, are labels outside 0 ... K - 1 or not
            whole, are binary targets outside [0, 1], or shares of classes below 0.

    Example:
        >>> from gradwise.losses import SparseCategoricalCrossentropy
        >>> check_targets(SparseCategoricalCrossentropy(), np.array([0, 2, 1]), (None, 3))
    """
    targets = np.asarray(y_true)
    _check_type(targets, where)
    if targets.size == 0:
        return
    ignored = getattr(loss, "ignore_class", None)
    if ignored is not None:
        targets = targets[targets != ignored]
        if targets.size == 0:
            return
    # Both are NaN if any target is, so no third pass is needed.
    low, high = targets.min(), targets.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int((~np.isfinite(targets)).sum())
        raise InputError(
            where,
            expected="finite targets",
            got=f"{count} of {targets.size} NaN or infinite",
            fix="Drop these samples or fill in their targets.",
        )
    if loss.target_kind == "labels":
        _check_labels(targets, low, high, output_shape[getattr(loss, "axis", -1)], where)
    elif loss.target_kind == "binary" and (low < 0 or high > 1):
        raise InputError(
            where,
            expected=f"targets from 0 to 1 for {type(loss).__name__}",
            got=f"values such as {_some(targets[(targets < 0) | (targets > 1)])}",
            fix=_binary_fix(targets),
        )
    elif loss.target_kind == "distribution" and low < 0:
        raise InputError(
            where,
            expected=f"shares of classes, at least 0, for {type(loss).__name__}",
            got=f"values such as {_some(targets[targets < 0])}",
            fix="Give one-hot rows, as to_categorical makes them.",
        )


def _check_type(targets: np.ndarray[Any, Any], where: str) -> None:
    kind = targets.dtype.kind
    # bfloat16 has the kind of an unknown type, but numbers all the same.
    if kind in "biuf" or targets.dtype.name in ("bfloat16", "float16"):
        return
    if kind in "USO" and targets.size and isinstance(targets.flat[0], (str, bytes)):
        names = [str(each) for each in targets.flat[:3]]
        raise InputError(
            where,
            expected="numbers as targets",
            got=f"text such as {', '.join(map(repr, names))}",
            fix="Turn names into labels 0 ... K - 1: names, y = numpy.unique(y, return_inverse=True).",
        )
    raise InputError(
        where,
        expected="numbers as targets",
        got=f"an array of type {targets.dtype}",
        fix="Convert them with y.astype('float32'); rows of unequal length or missing values prevent that.",
    )


def _check_labels(
    targets: np.ndarray[Any, Any], low: Any, high: Any, classes: int | None, where: str
) -> None:
    if targets.dtype.kind not in "biu" and (targets != np.floor(targets)).any():
        raise InputError(
            where,
            expected="whole numbers as class labels",
            got=f"values such as {_some(targets[targets != np.floor(targets)])}",
            fix="Use a regression loss such as 'mse', or whole labels from 0 upwards.",
        )
    top = None if classes is None else classes - 1
    if low >= 0 and (top is None or high <= top):
        return
    outside = targets[(targets < 0) | (targets > (high if top is None else top))]
    if low < 0:
        fix = "Number the classes from 0; labels to be left out need ignore_class in the loss."
    elif top is not None and low >= 1 and high == top + 1:
        fix = "The labels seem to start at 1: subtract 1."
    else:
        fix = f"Give the last layer {int(high) + 1} units, or correct the labels."
    raise InputError(
        where,
        expected=f"class labels from 0 to {'K - 1' if top is None else top}",
        got=f"labels such as {_some(outside)}",
        fix=fix,
    )


def _binary_fix(targets: np.ndarray[Any, Any]) -> str:
    found = set(np.unique(targets).tolist()[:4])
    if found == {-1, 1}:
        return "Map -1 to 0 with (y + 1) / 2, or use the loss 'hinge'."
    if found == {1, 2}:
        return "Subtract 1."
    if all(float(each).is_integer() for each in found) and len(found) > 2:
        return "For labels of several classes use 'sparse_categorical_crossentropy' and a softmax layer."
    return "Scale the targets to [0, 1], or use a regression loss such as 'mse'."


def _some(values: np.ndarray[Any, Any]) -> str:
    distinct = np.unique(values)
    shown = ", ".join(f"{each:g}" for each in distinct[:3].astype(float))
    return f"{shown}, …" if distinct.size > 3 else shown
