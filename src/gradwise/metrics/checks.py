"""Checks of the settings of metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwise.errors import InputError


def fraction(where: str, name: str, value: Any, note: str = "") -> float:
    """Returns a setting as a float, if it is a number from 0 to 1.

    Args:
        where: The metric, for the error.
        name: The setting's name.
        value: What was given.
        note: What to do if it is no such number.

    Raises:
        InputError: It is no such number.

    Example:
        >>> fraction("metric 'auc'", "recall", 1)
        1.0
    """
    if not _is_number(value) or not 0 <= value <= 1:
        raise InputError(
            where,
            expected=f"{name} from 0 to 1",
            got=repr(value),
            fix=note or f"Write for example {name}=0.5.",
        )
    return float(value)


def thresholds_of(where: str, value: float | Sequence[float], *, low: float = 0.0) -> tuple[float, ...]:
    """Returns one or several thresholds as a tuple.

    Args:
        where: The metric, for the error.
        value: One threshold or a sequence of them.
        low: The least one allowed.

    Raises:
        InputError: One is not from 0 to 1, or there is none.

    Example:
        >>> thresholds_of("metric 'recall'", [0.25, 0.5])
        (0.25, 0.5)
    """
    given: tuple[Any, ...] = (value,) if np.ndim(value) == 0 else tuple(value)  # type: ignore[arg-type]
    if not given or not all(_is_number(each) and low <= each <= 1 for each in given):
        raise InputError(
            where,
            expected="thresholds from 0 to 1",
            got=value,
            fix="Thresholds are probabilities; for logits use 0.",
        )
    return tuple(float(each) for each in given)


def count(where: str, name: str, value: Any, low: int = 1) -> int:
    """Returns a setting as an int, if it is a whole number that is not too small.

    Args:
        where: The metric, for the error.
        name: The setting's name.
        value: What was given.
        low: The least number allowed.

    Raises:
        InputError: It is no such number.

    Example:
        >>> count("metric 'top_k'", "k", 5)
        5
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < low:
        raise InputError(
            where,
            expected=f"{name} as a whole number of at least {low}",
            got=repr(value),
            fix=f"Write for example {name}={max(low, 5)}.",
        )
    return int(value)


def check_class(where: str, class_id: int | None, shape: Sequence[int]) -> None:
    """Checks that an output of that number exists.

    Args:
        where: The metric, for the error.
        class_id: The number, or None.
        shape: The shape of the predictions.

    Raises:
        InputError: It does not: an array would silently be read at its last place.

    Example:
        >>> check_class("metric 'recall'", 2, (8, 3))
    """
    if class_id is not None and not (len(shape) > 1 and 0 <= class_id < shape[-1]):
        raise InputError(
            where,
            expected=f"predictions with a column {class_id}, as class_id={class_id}",
            got=f"shape {tuple(shape)}",
            fix="Columns are counted from 0.",
        )


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and math.isfinite(value)
