"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gradwise.errors import InputError
from gradwise.metrics.goal import Goal
from gradwise.optimizers.checks import number
from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.monitoring import Monitor, whole_number
from gradwise.training.callbacks.terminal import say


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch, and logs it as "learning_rate".

    Args:
        schedule: `schedule(epoch)` or `schedule(epoch, learning_rate)`, which returns the rate of that
            epoch, counted from 0. The present rate is passed if there is a second argument that has no
            default or is called "lr" or "learning_rate".
        verbose: 1 prints each rate.

    Raises:
        InputError: `schedule` cannot be called; when training begins: the optimizer follows a schedule of
            its own; later: what was returned is no finite number of at least 0.

    Example:
        >>> halving = LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch)
        >>> smaller = LearningRateScheduler(lambda epoch, learning_rate: learning_rate * 0.9)
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        if not callable(schedule):
            raise InputError(
                "LearningRateScheduler",
                expected="a function schedule(epoch) or schedule(epoch, learning_rate)",
                got=repr(schedule),
                fix="Pass a function; a constant rate is a setting of the optimizer.",
            )
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_rate(schedule)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Checks that the rate can be set."""
        _check_settable("LearningRateScheduler", self)
        _announce(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Sets the rate of the epoch."""
        present = self.run.get("learning_rate")
        result = self.schedule(epoch, present) if self._takes_rate else self.schedule(epoch)
        where = f"LearningRateScheduler, epoch {epoch + 1}"
        rate = number(where, "what schedule returns", result)
        self.run.set("learning_rate", rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Logs the rate."""
        if logs is not None:
            logs["learning_rate"] = self.run.get("learning_rate")


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a logged value no longer improves, and logs it as "learning_rate".

    After `patience` epochs without improvement the rate is multiplied by `factor`.

    Args:
        monitor: The logged value, or a `gradwise.metrics.Goal`. A name that will not be logged is refused
            before training begins.
        factor: What the rate is multiplied by, at least 0 and below 1.
        patience: How many epochs without improvement lower the rate.
        verbose: 1 prints each change.
        mode: 'min', 'max', or 'auto' to tell from the name which is better.
        min_delta: A change must be larger than this to count.
        cooldown: How many epochs after a change do not count.
        min_lr: The rate is not lowered below this.

    Raises:
        InputError: A setting cannot be used; when training begins: `monitor` will not be logged, its
            direction is unknown, or the optimizer follows a schedule of its own.

    Source: the settings and the counting are those of Keras 3.

    Example:
        >>> lowering = ReduceLROnPlateau("val_loss", factor=0.5, patience=5, min_lr=1e-5)
    """

    def __init__(
        self,
        monitor: str | Goal = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self._monitor = Monitor("ReduceLROnPlateau", monitor, mode, min_delta)
        self.monitor = monitor
        self.factor = number("ReduceLROnPlateau", "factor", factor, below=1.0)
        self.patience = whole_number("ReduceLROnPlateau", "patience", patience)
        self.verbose = verbose
        self.cooldown = whole_number("ReduceLROnPlateau", "cooldown", cooldown)
        self.min_lr = number("ReduceLROnPlateau", "min_lr", min_lr)
        self._reset()

    def _reset(self) -> None:
        self.best: Any = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run and checks that the value will be logged and the rate can be set."""
        self._reset()
        self._monitor.start(self.params.get("metrics"))
        _check_settable("ReduceLROnPlateau", self)
        _announce(self)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Logs the rate of the epoch and lowers it if the value has not improved for long enough."""
        rate = self.run.get("learning_rate")
        if logs is not None:
            logs["learning_rate"] = rate
        current = self._monitor.value(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._monitor.improves(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        lower = max(rate * self.factor, self.min_lr)
        self.run.set("learning_rate", lower)
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {lower:g}")


def _takes_rate(schedule: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(schedule)
        signature.bind(0, 0.1)
    except ValueError:  # some built-in functions have no signature
        return True
    except TypeError:
        return False
    names = list(signature.parameters.values())
    if len(names) < 2 or names[1].kind is inspect.Parameter.VAR_POSITIONAL:
        return True
    # `def schedule(epoch, drop=0.5)` has a setting of its own there, which the rate must not replace.
    return names[1].default is inspect.Parameter.empty or names[1].name in ("lr", "learning_rate", "rate")


def _check_settable(where: str, callback: Callback) -> None:
    optimizer = callback.run.optimizer
    rate = getattr(optimizer, "learning_rate", None)
    if callable(rate):
        raise InputError(
            where,
            expected="an optimizer whose learning rate is a number",
            got=f"one that follows {type(rate).__name__}",
            fix="Drop this callback, or compile with a number as learning_rate.",
        )


def _announce(callback: Callback) -> None:
    metrics = callback.params.get("metrics")
    if isinstance(metrics, list) and "learning_rate" not in metrics:
        callback.params["metrics"] = [*metrics, "learning_rate"]
