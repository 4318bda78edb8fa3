"""Stopping when the loss is no longer a number."""

from __future__ import annotations

import math

from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.terminal import say


class TerminateOnNaN(Callback):
    """Ends training when the loss becomes NaN or infinite, within about a tenth of a second.

    Example:
        >>> from gradwise.core.layer import Layer
        >>> from gradwise.training.run import Run
        >>> callback = TerminateOnNaN()
        >>> callback.run = Run(Layer(), None, {})
        >>> callback.on_epoch_begin(2)
        >>> callback.on_span_end(40, {"loss": float("nan")})
        TerminateOnNaN: the loss became nan in epoch 3, by step 40
    """

    def __init__(self) -> None:
        self._epoch = 0
        self._stopped = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run."""
        self._stopped = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_span_end(self, steps_done: int, logs: Logs) -> None:
        """Looks at the loss over the epoch so far: one bad step makes it NaN or infinite."""
        self._check(logs, f", by step {steps_done}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks at the loss of the epoch."""
        self._epoch = epoch
        self._check(logs or {}, "")

    def _check(self, logs: Logs, step: str) -> None:
        loss = logs.get("loss")
        if self._stopped or loss is None or math.isfinite(loss):
            return
        self._stopped = True
        reason = f"TerminateOnNaN: the loss became {loss} in epoch {self._epoch + 1}{step}"
        self.run.stop(reason)
        if hasattr(self.model, "stop_training"):
            self.model.stop_training = True
        say(reason)
