"""Callbacks that pass the logs on: to a file, or to functions."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradwise.errors import InputError, unknown_name
from gradwise.training.callbacks.base import Callback, Logs

_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file, at once.

    The columns are "epoch", counted from 0, and the logged names in alphabetical order. A value that an
    epoch does not measure is "NA".

    Args:
        filename: The file. Its folder is made if needed.
        separator: The character between columns.
        append: Whether to go on with the file and its columns if it exists, instead of replacing it.

    Raises:
        InputError: The separator is no single character; when training begins: the file cannot be written,
            or the one to go on with has no column for something that will be logged.

    Example:
        >>> import tempfile
        >>> logger = CSVLogger(tempfile.mkdtemp() + "/training.csv")
        >>> logger.set_params({"metrics": ["loss"]})
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5})
        >>> Path(logger.filename).read_text().split()
        ['epoch,loss', '0,0.5']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise InputError(
                "CSVLogger",
                expected="one character as separator",
                got=repr(separator),
                fix="Write for example separator=';'.",
            )
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Opens the file anew, or reads the columns of the one to go on with."""
        try:
            Path(self.filename).parent.mkdir(parents=True, exist_ok=True)
            with open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8"):
                pass
        except OSError as error:
            raise InputError(
                "CSVLogger",
                expected="a file that can be written",
                got=f"'{self.filename}' ({error.strerror})",
                fix="Choose another filename.",
            ) from None
        with open(self.filename, newline="", encoding="utf-8") as file:
            self._columns = next(csv.reader(file, delimiter=self.separator), [])
        missing = [name for name in self._names() if name not in self._columns]
        if self._columns and missing:
            raise InputError(
                f"CSVLogger, '{self.filename}'",
                expected=f"a file with columns for {', '.join(missing)}",
                got=f"the columns {', '.join(self._columns)}",
                fix="Choose another filename, or append=False to replace the file.",
            )

    def _names(self) -> list[str]:
        return ["epoch", *self.params.get("metrics", [])]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the line of the epoch."""
        values: dict[str, Any] = {"epoch": epoch, **(logs or {})}
        # Opened for each line: the file is whole and closed whatever ends the program.
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._columns:
                self._columns = ["epoch", *sorted({*self._names(), *values} - {"epoch"})]
                writer.writerow(self._columns)
            writer.writerow([values.get(name, "NA") for name in self._columns])


class LambdaCallback(Callback):
    """Calls functions at the moments of training, for callbacks of one line.

    Args:
        on_epoch_begin: Called with (epoch, logs).
        on_epoch_end: Called with (epoch, logs).
        on_train_begin: Called with (logs).
        on_train_end: Called with (logs).
        on_train_batch_begin: Called with (batch, logs).
        on_train_batch_end: Called with (batch, logs).
        reads_only_logs: Whether the functions for batches only read the logs. Many steps then run in one
            program and the functions are called afterwards, with the same exact logs.
        hooks: Further functions by the name of their hook, such as on_batch_end or on_test_end.

    Raises:
        InputError: There is no such hook, or what was given is no function.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        reads_only_logs: bool = False,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **hooks,
        }
        self.reads_only_logs = bool(reads_only_logs)
        for name, function in given.items():
            if name not in _HOOKS:
                raise unknown_name("LambdaCallback", "a hook", name, _HOOKS)
            if function is None:
                continue
            if not callable(function):
                raise InputError(
                    "LambdaCallback",
                    expected=f"a function as {name}",
                    got=repr(function),
                    fix="Pass the function itself, without calling it.",
                )
            setattr(self, name, function)
