"""Evaluation with averaged weights."""

from __future__ import annotations

import numpy as np

from gradwise.errors import InputError
from gradwise.training.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluates with the moving averages of the weights, and trains on without them.

    The optimizer must keep averages (`use_ema=True`). At the end of `fit` they are put into the model anyway.

    Args:
        swap_on_epoch: Whether the averages are in the model at the end of each epoch too, for callbacks that
            come after this one in the list, such as `ModelCheckpoint`.

    Raises:
        InputError: When training begins: the optimizer keeps no averages.

    Source: the behaviour is that of Keras 3.

    Example:
        >>> swapping = SwapEMAWeights(swap_on_epoch=True)
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._own: list[np.ndarray] | None = None  # the weights in training, while averages are in the model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Checks that there are averages."""
        self._own = None
        if not getattr(self.run.optimizer, "use_ema", False):
            raise InputError(
                "SwapEMAWeights",
                expected="an optimizer that keeps averages of the weights",
                got="one that does not",
                fix="Compile with use_ema=True, for example Adam(use_ema=True).",
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Goes on with the weights in training."""
        self._swap_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Puts the averages into the model, if asked."""
        if self.swap_on_epoch:
            self._swap()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Puts the averages into the model."""
        self._swap()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Puts the weights in training back."""
        self._swap_back()

    def _swap(self) -> None:
        if self._own is None:
            averages = self.run.averaged_weights()
            self._own = self.run.weights()
            self.run.restore(averages)

    def _swap_back(self) -> None:
        if self._own is not None:
            self.run.restore(self._own)
            self._own = None
