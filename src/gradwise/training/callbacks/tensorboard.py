"""Event files for TensorBoard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gradwise.errors import InputError, MissingExtraError
from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.monitoring import whole_number


class TensorBoard(Callback):
    """Writes the logs of each epoch for TensorBoard; needs the extra "tensorboard".

    As with Keras, training goes to the folder "train" and validation to "validation", both as
    "epoch_" + name, so that TensorBoard draws the two into one picture. View with
    `tensorboard --logdir logs`.

    Args:
        log_dir: The folder. Use one per run, such as "logs/run-3".
        histogram_freq: If above 0, the weights are written as histograms every so many epochs.

    Raises:
        InputError: A setting cannot be used.
        MissingExtraError: When training begins: the package tensorboardX is not installed.

    Example:
        >>> callback = TensorBoard("logs/run-3", histogram_freq=5)
    """

    def __init__(self, log_dir: str | os.PathLike[str] = "logs", histogram_freq: int = 0) -> None:
        if not isinstance(log_dir, (str, os.PathLike)):
            raise InputError(
                "TensorBoard", expected="log_dir as a folder", got=repr(log_dir), fix="Write log_dir='logs'."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = whole_number("TensorBoard", "histogram_freq", histogram_freq)
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Makes sure that the package is there."""
        _summary_writer()
        self._writers = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the logs of the epoch."""
        for name, value in (logs or {}).items():
            part = "validation" if name.startswith("val_") else "train"
            self._writer(part).add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for path, variable in self.run.layer.named_variables().items():
                self._writer("train").add_histogram(path, variable.numpy(), epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            self._writers[part] = _summary_writer()(logdir=str(Path(self.log_dir) / part))
        return self._writers[part]


def _summary_writer() -> Any:
    try:
        from tensorboardX import SummaryWriter  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise MissingExtraError("TensorBoard", "tensorboardX", "tensorboard") from None
    return SummaryWriter
