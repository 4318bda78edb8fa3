"""Stopping when a watched value no longer gets better."""

from __future__ import annotations

import math
from typing import Any

from gradwise.metrics.goal import Goal
from gradwise.optimizers.checks import number
from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.monitoring import Monitor, whole_number
from gradwise.training.callbacks.terminal import say


class EarlyStopping(Callback):
    """Ends training when a logged value has not improved for some epochs.

    An epoch that does not measure the value (validation every so many epochs) does not count. NaN is never
    an improvement. Everything starts afresh with each `fit`.

    Args:
        monitor: The logged value, or a `gradwise.metrics.Goal` of several. A name that will not be logged is
            refused before training begins. A value that a callback adds to the logs may be watched if an
            earlier callback of the list announces it in its `on_train_begin`:
            `self.params["metrics"] = [*self.params["metrics"], name]`.
        min_delta: A change must be larger than this to count.
        patience: How many epochs without improvement end training; 0 is the same as 1.
        verbose: 1 prints what is done.
        mode: 'min', 'max', or 'auto' to tell from the name which is better.
        baseline: If given, only epochs better than this reset the patience.
        restore_best_weights: Whether the model ends with the weights of its best epoch, also when the run
            ends by itself.
        start_from_epoch: Epochs before this one, counted from 0, are warm-up: they neither count nor set
            the best value. Should the run end within them, their best epoch is restored.

    Attributes:
        best: The best value, None before the first; under a goal its `Standing`.
        best_epoch: Its epoch, counted from 0.
        stopped_epoch: The epoch after which training was ended, 0 if it was not.

    Raises:
        InputError: A setting cannot be used; when training begins: `monitor` will not be logged, or
            mode='auto' and its name does not tell the direction.

    Source: L. Prechelt, "Early Stopping - But When?", 1998; the settings are those of Keras 3.

    Example:
        >>> stopping = EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    """

    def __init__(
        self,
        monitor: str | Goal = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self._monitor = Monitor("EarlyStopping", monitor, mode, min_delta)
        self.monitor = monitor
        self.patience = whole_number("EarlyStopping", "patience", patience)
        self.verbose = verbose
        if baseline is not None:
            baseline = number("EarlyStopping", "baseline", baseline, low=-math.inf)
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = whole_number("EarlyStopping", "start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None
        self._warming_up = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run and checks that the value will be logged."""
        self._reset()
        self._monitor.start(self.params.get("metrics"))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Counts the epochs without improvement."""
        current = self._monitor.value(logs)
        if current is None:
            return
        if epoch < self.start_from_epoch:
            self._warming_up = True
            self._keep_if_best(epoch, current)
            return
        if self._warming_up:  # the first epoch that counts: what came before is forgotten
            self._reset()
        self.wait += 1
        if self._keep_if_best(epoch, current):
            if self.baseline is None or self._monitor.improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self._stop(epoch)

    def _keep_if_best(self, epoch: int, current: Any) -> bool:
        if not self._monitor.improves(current, self.best):
            return False
        self.best, self.best_epoch = current, epoch
        if self.restore_best_weights:
            self.best_weights = self.run.weights()
        return True

    def _stop(self, epoch: int) -> None:
        self.stopped_epoch = epoch
        best = "" if self.best is None else f" (best {self.best:.5g} in epoch {self.best_epoch + 1})"
        epochs = "1 epoch" if self.wait == 1 else f"{self.wait} epochs"
        past = "" if self.baseline is None else f" on the baseline {self.baseline:g}"
        self.run.stop(f"EarlyStopping: {self._monitor.name} has not improved{past} for {epochs}{best}")
        if hasattr(self.model, "stop_training"):
            self.model.stop_training = True
        if self.verbose:
            say(f"Epoch {epoch + 1}: early stopping{best}")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Puts the best weights back, if that was asked for."""
        if self.best_weights is None:
            return
        if self.verbose:
            say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}")
        self.run.restore(self.best_weights)
