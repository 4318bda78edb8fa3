"""Checks of target values on the host, before training: what compiled code could only answer with NaN."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwise.data.array_checks import check_finite
from gradwise.errors import InputError
from gradwise.losses.base import Loss
from gradwise.losses.sequence import check_label_sequences
from gradwise.ops.weighting import is_present

_ROUNDING = 1e-3  # shares that were computed in half precision may exceed 1 by this


def check_targets(loss: Loss, y_true: Any, output_shape: Sequence[int | None], where: str = "fit") -> None:
    """Refuses targets whose values cannot be right for a loss; shapes aside.

    Shapes are checked where the loss is traced.

    Args:
        loss: The loss that will compare the targets.
        y_true: The targets, a NumPy array or what becomes one.
        output_shape: The shape of the model's output; the loss's class axis of it gives the classes.
        where: Where the targets were given, for the error.

    Raises:
        InputError: The targets are not numbers, or hold NaN or infinity that do not mark missing labels; or
            they are of another kind than the loss needs: labels outside 0 ... K - 1 or not whole, binary
            targets or shares outside [0, 1], margins' signs other than -1 and 1, counts below 0, label
            sequences with gaps or longer than the steps.

    Example:
        >>> from gradwise.losses import SparseCategoricalCrossentropy
        >>> check_targets(SparseCategoricalCrossentropy(), np.array([0, 2, 1]), (None, 3))
    """
    targets = np.asarray(y_true)
    _check_type(targets, where)
    kind = loss.kind_of_targets(targets.shape, output_shape)
    rows = targets
    for marker in (getattr(loss, "missing", None), getattr(loss, "ignore_class", None)):
        if marker is not None:
            rows = np.where(np.asarray(is_present(rows, marker)), rows, 0)
            targets = targets[np.asarray(is_present(targets, marker))]
    if targets.size == 0:
        return
    # Both are NaN if any target is, so no third pass is needed.
    low, high = targets.min(), targets.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        _refuse_not_finite(rows, where)
    name = type(loss).__name__
    if kind == "labels":
        _check_labels(targets, low, high, output_shape[getattr(loss, "axis", -1)], where)
    elif kind == "binary" and (low < 0 or high > 1):
        _refuse(
            where,
            f"targets from 0 to 1 for {name}",
            targets[(targets < 0) | (targets > 1)],
            _binary_fix(targets),
        )
    elif kind == "distribution":
        if rows.ndim == len(output_shape) and rows.shape[-1] != 1:  # else the tracing tells what is wrong
            _check_shares(rows, low, high, where, name)
    elif kind == "sequences":
        check_label_sequences(rows, output_shape, where)
    elif kind in ("signs", "identities", "counts", "amounts"):
        _check_values(kind, targets, where, name)


def _refuse_not_finite(targets: np.ndarray[Any, Any], where: str) -> None:
    try:
        check_finite(targets, where)
    except InputError as error:
        raise InputError(
            where,
            expected="finite targets",
            got=error.got,
            fix="Drop these samples or fill in their targets; where labels may be missing, put the loss into "
            "losses.IgnoreMissing.",
        ) from None


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
        fix = "Use a regression loss such as 'mse', or whole labels from 0 upwards."
        _refuse(where, "whole numbers as class labels", targets[targets != np.floor(targets)], fix)
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


def _check_shares(targets: np.ndarray[Any, Any], low: Any, high: Any, where: str, name: str) -> None:
    if low < 0 or high > 1 + _ROUNDING:
        outside = targets[(targets < 0) | (targets > 1 + _ROUNDING)]
        limits = "at least 0" if low < 0 else "at most 1"
        fix = "Give one-hot rows, as to_categorical makes them."
        _refuse(where, f"shares of classes, {limits}, for {name}", outside, fix)
    if low == 0 and high == 1 and targets.ndim > 1 and ((targets == 1).sum(axis=-1) > 1).any():
        message = InputError(
            where,
            expected=f"one class a sample for {name}",
            got=f"up to {int((targets == 1).sum(axis=-1).max())} ones in a row",
            fix="For several labels a sample use 'binary_crossentropy' and a sigmoid layer.",
        )
        warnings.warn(str(message), UserWarning, stacklevel=2)


def _check_values(kind: str, targets: np.ndarray[Any, Any], where: str, name: str) -> None:
    if kind == "signs":
        odd = targets[~np.isin(targets, (-1, 0, 1))]
        expected, fix = "classes -1 and 1 (or 0 and 1)", "Number the two classes so."
    elif kind == "identities":
        odd = targets[targets != np.floor(targets)]
        expected, fix = "whole numbers as class labels", "Number the classes."
    elif kind == "counts":
        odd = targets[targets < 0]
        expected, fix = "counts of 0 or more", "For other numbers use a loss such as 'mse'."
    else:
        odd = targets[targets <= -1]
        expected, fix = "amounts above -1 (those below 0 count as 0)", "Use 'mse', or other units."
    if odd.size:
        _refuse(where, f"{expected} for {name}", odd, fix)


def _refuse(where: str, expected: str, odd: np.ndarray[Any, Any], fix: str) -> None:
    raise InputError(where, expected=expected, got=f"values such as {_some(odd)}", fix=fix)


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
