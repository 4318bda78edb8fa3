"""What callbacks that watch one logged value share: its name, its direction, its best so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradwise.errors import InputError, unknown_name
from gradwise.metrics.goal import Goal, Standing
from gradwise.metrics.names import direction, known_as
from gradwise.optimizers.checks import number


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
    """Finds one value in the logs, or where a goal stands, and tells whether it got better.

    Args:
        where: The callback, for errors.
        name: The logged value; "acc" and "accuracy" are the same name, as are "mse" and
            "mean_squared_error" and the like. Or a `Goal`.
        mode: 'min', 'max', or 'auto' to tell it from the name.
        min_delta: A change must be larger than this to count; its sign is ignored. Under a goal it counts
            between values that keep all constraints.

    Raises:
        InputError: A setting cannot be used.

    Example:
        >>> monitor = Monitor("EarlyStopping", "val_acc", "auto", min_delta=0.01)
        >>> monitor.start(["loss", "val_accuracy"])
        >>> monitor.improves(0.915, 0.9), monitor.improves(0.905, 0.9)
        (True, False)
    """

    def __init__(self, where: str, name: str | Goal, mode: str = "auto", min_delta: float = 0.0) -> None:
        if not isinstance(name, (str, Goal)):
            raise InputError(
                where,
                expected="monitor as the name of a logged value",
                got=repr(name),
                fix="Write for example monitor='val_loss', or pass a metrics.Goal.",
            )
        if mode not in ("auto", "min", "max"):
            raise InputError(
                where, expected="mode 'auto', 'min' or 'max'", got=repr(mode), fix="Name one of the three."
            )
        if isinstance(name, Goal) and mode not in ("auto", name.mode):
            raise InputError(
                where,
                expected=f"mode='auto' with a goal that says {name.mode} itself",
                got=f"mode={mode!r}",
                fix="Give the mode to the Goal only.",
            )
        self.where = where
        self.goal = name if isinstance(name, Goal) else None
        self.name = str(name)
        self.mode = mode if self.goal is None else self.goal.mode
        self.min_delta = abs(number(where, "min_delta", min_delta, low=-math.inf))
        self._sign = 0

    def start(self, known: Iterable[str] | None) -> None:
        """Settles name and direction before training begins.

        Args:
            known: The names that the run will log; None skips the check.

        Raises:
            InputError: The value will not be logged, or its direction is unknown.
        """
        if known is not None and self.goal is not None:
            names = list(known)
            for name in self.goal.names:
                check_logged(self.where, name, names)
        elif known is not None:
            self.name = check_logged(self.where, self.name, known)
        mode = direction(self.where, self.name) if self.mode == "auto" else self.mode
        self._sign = 1 if mode == "max" else -1

    def value(self, logs: Mapping[str, float] | None) -> Any:
        """Returns the value in the logs of an epoch, or None if that epoch did not measure it.

        For a goal it is a `Standing`, which formats and converts like its optimising metric.
        """
        found = logs or {}
        if self.goal is not None:
            measured = all(known_as(name, found) is not None for name in self.goal.names)
            return self.goal.key(found) if measured else None
        name = known_as(self.name, found)
        return None if name is None else float(found[name])

    def improves(self, value: Any, reference: Any) -> bool:
        """Tells whether a value is better than another by more than `min_delta`; NaN never is."""
        if self.goal is not None:
            return self._stands_better(value, reference)
        if reference is None or math.isnan(reference):
            return not math.isnan(value)
        return bool(self._sign * value - self.min_delta > self._sign * reference)

    def _stands_better(self, value: Standing, reference: Standing | float | None) -> bool:
        if reference is None:
            return value.known
        if not isinstance(reference, Standing):  # a baseline: a value that keeps all constraints
            reference = Standing(float(reference), self._sign, 0.0, True)
        if value.feasible and reference.feasible and reference.known:
            return self._sign * value.value - self.min_delta > self._sign * reference.value
        return value > reference
