"""A run under way, as callbacks see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradwise.core.layer import Layer
from gradwise.errors import InputError, unknown_name
from gradwise.optimizers import Optimizer


class Run:
    """What callbacks may read and do during `fit`.

    Args:
        layer: The model in training.
        optimizer: Its optimizer.
        params: "epochs", "steps" (an epoch; None if unknown), "batch_size", "verbose", "metrics" (log names).

    Example:
        >>> Run(Layer(), None, {"epochs": 3}).params["epochs"]
        3
    """

    def __init__(self, layer: Layer, optimizer: Optimizer | None, params: dict[str, Any]) -> None:
        self.layer = layer
        self.optimizer = optimizer
        self.params = params
        self.epoch = 0
        self.stop_reason: str | None = None
        self.plan_reason = ""
        self.epoch_seconds: float | None = None  # of each epoch, when several ran in one program
        self.probed: dict[str, Any] = {}
        self.position: Any = None  # of a stream that can tell where it stands, after the last step
        self.input_bound: float | None = None  # the share of the last epoch spent waiting for data
        self.averages: Callable[[], Mapping[str, Any] | None] = lambda: None

    def stop(self, reason: str) -> None:
        """Ends the run after the step or epoch under way; the first reason given is kept."""
        self.stop_reason = self.stop_reason or reason

    def set(self, name: str, value: float) -> None:
        """Changes a number of the optimizer, such as "learning_rate", without compiling again.

        Raises:
            InputError: The optimizer has no such number.
        """
        if name != "learning_rate" or self.optimizer is None:
            raise unknown_name("run.set", "a changeable number", name, ["learning_rate"])
        self.optimizer.learning_rate = value

    def get(self, name: str) -> float:
        """Returns a number of the optimizer, such as "learning_rate", as it is now.

        Raises:
            InputError: The optimizer has no such number.
        """
        if name != "learning_rate" or self.optimizer is None:
            raise unknown_name("run.get", "a number of the optimizer", name, ["learning_rate"])
        rate = self.optimizer.learning_rate
        if not isinstance(rate, (int, float)):
            raise InputError(
                "run.get",
                expected="a learning rate that is a number",
                got=f"the schedule {type(rate).__name__}",
                fix="Call the schedule with the step: optimizer.learning_rate(step).",
            )
        return float(rate)

    def weights(self) -> list[np.ndarray]:
        """Returns copies of the model's weights."""
        return self.layer.get_weights()

    def averaged_weights(self) -> list[np.ndarray]:
        """Returns copies of the model's weights with the optimizer's moving averages in place of parameters.

        Raises:
            InputError: The optimizer keeps no averages.
        """
        averages = self.averages()
        if averages is None:
            raise InputError(
                "averaged weights",
                expected="an optimizer that averages weights, in training",
                got="none",
                fix="Compile with use_ema=True, for example Adam(use_ema=True), and call fit.",
            )
        return [
            np.array(averages.get(path, variable.array)).astype(variable.dtype)
            for path, variable in self.layer.named_weights().items()
        ]

    def restore(self, weights: list[np.ndarray]) -> None:
        """Puts weights into the model; training goes on from them."""
        self.layer.set_weights(weights)
