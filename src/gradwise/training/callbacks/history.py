"""What was measured in each epoch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gradwise.metrics.names import known_as
from gradwise.registry import find
from gradwise.training.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Curves(dict[str, list[float]]):
    """The values of each epoch by name; `curves["acc"]` finds "accuracy", and the reverse.

    Example:
        >>> Curves({"val_accuracy": [0.5, 0.9]})["val_acc"]
        [0.5, 0.9]
    """

    def __missing__(self, name: str) -> list[float]:
        """Looks a value up under its other name."""
        found = known_as(name, self)
        if found is None:
            raise KeyError(name)
        return self[found]


class History(Callback):
    """Records the logs of every epoch; `fit` returns it.

    Attributes:
        history: float[E] lists by name: "loss", the metrics, and both with "val_" in front. A value that
            is measured every so many epochs has a shorter list.
        epoch: The epochs, counted from 0.
        params: "epochs", "steps", "batch_size", "verbose" and "metrics".
        input_bound: float[E]. For streams and arrays in files, the share of each epoch's time in which the
            device waited for data, from 0 to 1; empty for data in memory.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.8})
        >>> history.history["accuracy"], history.epoch
        ([0.8], [0])
    """

    reads_only_logs = True

    def __init__(self) -> None:
        self.history: Curves = Curves()
        self.epoch: list[int] = []
        self.input_bound: list[float] = []
        self.params = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run."""
        self.history = Curves()
        self.epoch, self.input_bound = [], []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Appends the logs of the epoch."""
        self.epoch.append(epoch)
        share = self.run.input_bound if hasattr(self, "run") else None
        if share is not None:
            self.input_bound.append(share)
        for name, value in (logs or {}).items():
            # Not the [] of Curves: "acc" and "accuracy" logged side by side are two lists.
            if name not in self.history:
                self.history[name] = []
            self.history[name].append(value)

    def plot(self, path: str | os.PathLike[str] | None = None, best_epoch: int | None = None) -> Figure:
        """Draws the learning curves: each metric over the epochs, training and validation together.

        Args:
            path: Where to save the picture, by its ending as PNG, SVG or PDF; None does not save it.
            best_epoch: An epoch to mark, counted from 1 as on the axis.

        Returns:
            The matplotlib figure.

        Raises:
            InputError: No epoch has been recorded.

        Example:
            >>> import gradwise.views.figures
            >>> history = History()
            >>> history.on_epoch_end(0, {"loss": 0.9})
            >>> history.on_epoch_end(1, {"loss": 0.4})
            >>> len(history.plot().axes)
            1
        """
        # The drawing stands further down the list of imports, so it is found by its registered name.
        draw = find("figures", "learning_curves", "History.plot", "a figure")
        figure: Figure = draw(self.history, [epoch + 1 for epoch in self.epoch], best_epoch)
        if path is not None:
            Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(Path(path).expanduser())
        return figure
