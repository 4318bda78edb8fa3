"""Saving the model while it trains."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradwise.errors import InputError
from gradwise.metrics.goal import Goal
from gradwise.metrics.names import known_as
from gradwise.optimizers.checks import number
from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.monitoring import Monitor, check_logged, whole_number
from gradwise.training.callbacks.terminal import say


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, after each epoch or every so many steps.

    Args:
        filepath: Where to. May name the epoch, counted from 1, and logged values, as in
            "model-{epoch:02d}-{val_loss:.2f}.keras"; with steps also {batch}. Its folder is made if needed.
        monitor: The logged value that tells which model is best, or a `gradwise.metrics.Goal`.
        verbose: 1 prints what is saved.
        save_best_only: Whether to save only models that are better than all saved before.
        save_weights_only: Whether to save by `model.save_weights` instead of `model.save`.
        mode: 'min', 'max', or 'auto' to tell from the name which is better.
        save_freq: 'epoch', or a number of steps. With steps training runs step by step, as the weights
            must be those of that very step.
        initial_value_threshold: Only models better than this are saved at first.

    Attributes:
        best: The value of the best model saved. It is kept over further `fit` calls of the same model, so
            that training on does not replace a better file, and forgotten when another model is trained.

    Raises:
        InputError: A setting cannot be used; when training begins: a name in `filepath` or `monitor` will
            not be logged, or the folder cannot be written to.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> checkpoint = ModelCheckpoint(folder + "/best.keras", monitor="val_loss", save_best_only=True)
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str | Goal = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        self.filepath = os.fspath(filepath)
        self._fields = _fields(self.filepath)
        self._monitor = Monitor("ModelCheckpoint", monitor, mode)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        if initial_value_threshold is not None:
            initial_value_threshold = number(
                "ModelCheckpoint", "initial_value_threshold", initial_value_threshold, low=float("-inf")
            )
        self.initial_value_threshold = initial_value_threshold
        self.best: Any = initial_value_threshold
        self._epoch = 0
        self._steps = 0
        if save_freq != "epoch":
            self.save_freq = whole_number("ModelCheckpoint", "save_freq other than 'epoch'", save_freq, low=1)
            self.on_train_batch_end = self._after_step  # type: ignore[method-assign]

    def set_model(self, model: Any) -> None:
        """Receives the model; the best value of another model is forgotten."""
        if model is not self.model:
            self.best = self.initial_value_threshold
        super().set_model(model)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Checks the names and the folder, so that nothing fails after hours of training."""
        self._steps = 0
        known = self.params.get("metrics")
        if known is not None and self.save_freq != "epoch":
            known = [name for name in known if not name.startswith("val_")]
        if self.save_best_only:
            self._monitor.start(known)
        _check_pattern(self.filepath, self._fields, self._numbers(), known)
        _make_folder(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves, unless that is done by steps."""
        if self.save_freq == "epoch":
            self._save({"epoch": epoch + 1}, logs or {})

    def _after_step(self, batch: int, logs: Logs | None = None) -> None:
        self._steps += 1
        if self._steps % int(self.save_freq) == 0:
            self._save({"epoch": self._epoch + 1, "batch": batch + 1}, logs or {})

    def _numbers(self) -> list[str]:
        return ["epoch"] if self.save_freq == "epoch" else ["epoch", "batch"]

    def _save(self, numbers: dict[str, int], logs: Logs) -> None:
        values: dict[str, Any] = dict(numbers)
        for field in self._fields - values.keys():
            name = known_as(field, logs)
            # An epoch without validation has no value to put into the name.
            values[field] = float("nan") if name is None else logs[name]
        path = self.filepath.format(**values)
        if self.save_best_only and not self._is_best(numbers["epoch"], logs):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.verbose:
            what = "weights" if self.save_weights_only else "model"
            say(f"Epoch {numbers['epoch']}: saving {what} to {path}")
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _is_best(self, epoch: int, logs: Logs) -> bool:
        value = self._monitor.value(logs)
        if value is None:
            return False
        best = "" if self.best is None else f" from {self.best:.5f}"
        better = self._monitor.improves(value, self.best)
        if self.verbose:
            change = f"improved{best} to {value:.5f}" if better else f"did not improve{best}"
            say(f"Epoch {epoch}: {self._monitor.name} {change}")
        if better:
            self.best = value
        return better


def _fields(filepath: str) -> set[str]:
    try:
        return {field for _, field, _, _ in string.Formatter().parse(filepath) if field is not None}
    except ValueError as error:
        raise _bad_pattern(filepath, str(error)) from None


def _check_pattern(filepath: str, fields: set[str], numbers: list[str], known: Iterable[str] | None) -> None:
    values: dict[str, Any] = dict.fromkeys(numbers, 1)
    for field in fields - values.keys():
        if known is not None:
            check_logged(f"ModelCheckpoint, filepath '{filepath}'", field, [*known, *numbers])
        values[field] = 0.5
    try:
        filepath.format(**values)
    except (ValueError, LookupError) as error:
        raise _bad_pattern(filepath, str(error)) from None


def _bad_pattern(filepath: str, problem: str) -> InputError:
    return InputError(
        "ModelCheckpoint",
        expected="a filepath with fields such as {epoch:02d} or {val_loss:.2f}",
        got=f"'{filepath}' ({problem})",
        fix="Correct the fields; write {{ and }} for braces in the name.",
    )


def _make_folder(filepath: str) -> None:
    folder = Path(filepath).parent
    while "{" in str(folder):  # parts with fields are made when their values are known
        folder = folder.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        problem = "" if os.access(folder, os.W_OK) else "it is read-only"
    except OSError as error:
        problem = error.strerror or str(error)
    if not problem and Path(filepath).is_dir():
        problem, folder = "it is a folder, not a file", Path(filepath)
    if problem:
        raise InputError(
            "ModelCheckpoint",
            expected="a file in a folder that can be written to",
            got=f"'{folder}' ({problem})",
            fix="Choose another filepath.",
        )
