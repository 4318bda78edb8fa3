"""What callbacks that watch one logged value share: its name, its direction, its best so far."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradwise.errors import InputError, unknown_name
from gradwise.optimizers.checks import number

# Keras has logged the same value under the short and the long name, depending on its version.
_PAIRS = (
    ("acc", "accuracy"),
    ("mae", "mean_absolute_error"),
    ("mse", "mean_squared_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("rmse", "root_mean_squared_error"),
)

_MORE_IS_BETTER = re.compile(
    r"(^|_)(accuracy|acc|auc|roc_auc|pr_auc|f1|f1_score|fbeta|fbeta_score|precision|recall|sensitivity"
    r"|specificity|r2|r2_score|iou|io_u|dice|mcc|kappa|cosine_similarity|explained_variance"
    r"|true_positives|true_negatives)(_\d+)?$"
)
_LESS_IS_BETTER = re.compile(
    r"(^|_)(loss|error|mse|mae|rmse|mape|msle|crossentropy|cross_entropy|hinge|huber|log_cosh|logcosh"
    r"|divergence|poisson|perplexity|false_positives|false_negatives)(_\d+)?$"
)


def other_name(name: str) -> str | None:
    """Returns the other name a value is logged under, or None if it has only one.

    Args:
        name: Such as "val_acc".

    Example:
        >>> other_name("val_acc"), other_name("mean_squared_error"), other_name("loss")
        ('val_accuracy', 'mse', None)
    """
    for pair in _PAIRS:
        for mine, other in (pair, pair[::-1]):
            if name == mine or name.endswith("_" + mine):
                return name[: len(name) - len(mine)] + other
    return None


def known_as(name: str, known: Iterable[str]) -> str | None:
    """Returns the one of the known names that means the same as a name, or None.

    Args:
        name: Such as "val_acc".
        known: The names of the logs.

    Example:
        >>> known_as("val_acc", ["loss", "val_accuracy"])
        'val_accuracy'
    """
    names = set(known)
    if name in names:
        return name
    other = other_name(name)
    return other if other in names else None


def check_logged(where: str, name: str, known: Iterable[str]) -> str:
    """Returns the name under which a value will be logged.

    Args:
        where: The callback, for the error.
        name: As the user wrote it.
        known: The names that the run will log.

    Raises:
        InputError: Nothing of that name will be logged.

    Example:
        >>> check_logged("EarlyStopping", "val_acc", ["loss", "val_loss", "val_accuracy"])
        'val_accuracy'
    """
    names = list(known)
    found = known_as(name, names)
    if found is not None:
        return found
    if name.startswith("val_") and not any(item.startswith("val_") for item in names):
        without = known_as(name.removeprefix("val_"), names) or "loss"
        raise InputError(
            where,
            expected=f"validation data, to watch '{name}'",
            got="a run without any",
            fix=f"Pass validation_data or validation_split to fit, or watch '{without}'.",
        )
    raise unknown_name(where, "a logged value", name, names)


def direction(where: str, name: str) -> str:
    """Tells from its name whether a value is to be minimised or maximised.

    Args:
        where: The callback, for the error.
        name: The name of the value.

    Returns:
        'min' or 'max'.

    Raises:
        InputError: The name tells nothing; guessing could keep the worst model.

    Example:
        >>> direction("EarlyStopping", "val_loss"), direction("EarlyStopping", "val_auc_1")
        ('min', 'max')
    """
    if _MORE_IS_BETTER.search(name.lower()):
        return "max"
    if _LESS_IS_BETTER.search(name.lower()):
        return "min"
    raise InputError(
        where,
        expected=f"a direction for '{name}', whose name does not tell whether more is better",
        got="mode='auto'",
        fix="Pass mode='min' or mode='max'.",
    )


def whole_number(where: str, name: str, value: Any, *, low: int = 0) -> int:
    """Returns a setting as an int, if it is a whole number that is not too small.

    Args:
        where: The callback, for the error.
        name: The setting's name.
        value: What was given.
        low: The least number allowed.

    Raises:
        InputError: It is no such number.

    Example:
        >>> whole_number("EarlyStopping", "patience", 3)
        3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise InputError(
            where,
            expected=f"{name} as a whole number of at least {low}",
            got=repr(value),
            fix=f"Pass such a number, for example {max(low, 3)}.",
        )
    return int(value)


class Monitor:
    """Finds one value in the logs and tells whether it got better.

    Args:
        where: The callback, for errors.
        name: The logged value; "acc" and "accuracy" are the same name, as are "mse" and
            "mean_squared_error" and the like.
        mode: 'min', 'max', or 'auto' to tell it from the name.
        min_delta: A change must be larger than this to count; its sign is ignored.

    Raises:
        InputError: A setting cannot be used.

    Example:
        >>> monitor = Monitor("EarlyStopping", "val_acc", "auto", min_delta=0.01)
        >>> monitor.start(["loss", "val_accuracy"])
        >>> monitor.improves(0.915, 0.9), monitor.improves(0.905, 0.9)
        (True, False)
    """

    def __init__(self, where: str, name: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if not isinstance(name, str):
            raise InputError(
                where,
                expected="monitor as the name of a logged value",
                got=repr(name),
                fix="Write for example monitor='val_loss'.",
            )
        if mode not in ("auto", "min", "max"):
            raise InputError(
                where, expected="mode 'auto', 'min' or 'max'", got=repr(mode), fix="Name one of the three."
            )
        self.where = where
        self.name = name
        self.mode = mode
        self.min_delta = abs(number(where, "min_delta", min_delta, low=-math.inf))
        self._sign = 0

    def start(self, known: Iterable[str] | None) -> None:
        """Settles name and direction before training begins.

        Args:
            known: The names that the run will log; None skips the check.

        Raises:
            InputError: The value will not be logged, or its direction is unknown.
        """
        if known is not None:
            self.name = check_logged(self.where, self.name, known)
        mode = direction(self.where, self.name) if self.mode == "auto" else self.mode
        self._sign = 1 if mode == "max" else -1

    def value(self, logs: Mapping[str, float] | None) -> float | None:
        """Returns the value in the logs of an epoch, or None if that epoch did not measure it."""
        name = known_as(self.name, logs or {})
        return None if name is None or logs is None else float(logs[name])

    def improves(self, value: float, reference: float | None) -> bool:
        """Tells whether a value is better than another by more than `min_delta`; NaN never is."""
        if reference is None or math.isnan(reference):
            return not math.isnan(value)
        return self._sign * value - self.min_delta > self._sign * reference
