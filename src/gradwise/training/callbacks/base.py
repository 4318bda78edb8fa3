"""The interface of callbacks and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradwise.errors import InputError
from gradwise.training.run import Run

Logs = dict[str, float]

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class Callback:
    """Watches and steers training. Subclasses override the hooks they need.

    There are two halves. `probes` are pure functions that run inside the compiled step; the hooks run on
    the host. Hooks act through `self.run` (`stop`, `set`, `weights`), or in Keras' ways: `self.model`,
    `self.params`, `self.model.stop_training = True`, `self.model.optimizer.learning_rate = 0.01`.

    A callback with a batch hook makes training run step by step, as it may act between steps. One that
    only reads the logs says so with `reads_only_logs = True`: many steps then run in one program, and the
    hook is called for each of them afterwards, with the same exact logs. If all callbacks do, several short
    epochs run in one program as well.

    Attributes:
        run: The run under way.
        model: The model in training.
        params: "epochs", "steps", "batch_size", "verbose" and "metrics".

    Example:
        >>> class LossHistory(Callback):
        ...     reads_only_logs = True
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_train_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs["loss"])
    """

    reads_only_logs: bool = False

    run: Run
    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Receives the model before training begins."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives the settings of the run before training begins."""
        self.params = params

    def probes(self) -> Mapping[str, Callable[..., Any]]:
        """Returns pure functions of (grads=, weights=, outputs=, batch=) that run inside each step.

        Their values come to `on_train_batch_end` in `self.run.probed`, by name.
        """
        return {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Runs before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Runs after the last epoch; `logs` are those of that epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs before each epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Runs after each epoch and its validation, with their logs."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Runs before each step, counted from 0 in the epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Runs after each step; `logs` are exact over the epoch so far."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Runs before each step: the older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Runs after each step: the older name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Runs before each validation or evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Runs after each validation or evaluation, with its logs."""

    def on_span_end(self, steps_done: int, logs: Logs) -> None:
        """Runs every tenth of a second or so, with how many steps of the epoch are done."""


def overrides(callback: Callback, *hooks: str) -> bool:
    """Tells whether a callback has one of the hooks of its own, by its class or set on the instance.

    Example:
        >>> overrides(Callback(), "on_epoch_end")
        False
    """
    return any(
        getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks
    )


class CallbackList:
    """Calls callbacks in the order of the list.

    Args:
        callbacks: The callbacks.
        run: The run under way.
        model: The model in training.

    Raises:
        InputError: Something in the list is no callback.
    """

    def __init__(self, callbacks: Sequence[Any], run: Run, model: Any) -> None:
        self.callbacks: list[Callback] = list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise InputError(
                    "fit, callbacks",
                    expected="objects of classes derived from gradwise.callbacks.Callback",
                    got=f"an object of type {type(callback).__name__}",
                    fix="Derive the class from Callback, and pass an instance.",
                )
            callback.run = run
            callback.set_params(run.params)
            callback.set_model(model)
        self.per_step = [callback for callback in self.callbacks if overrides(callback, *_BATCH_HOOKS)]
        self.per_span = [callback for callback in self.callbacks if overrides(callback, "on_span_end")]

    def acts_between_steps(self) -> str | None:
        """Names the first callback that may act between steps, or returns None."""
        for callback in self.per_step:
            if not callback.reads_only_logs:
                return type(callback).__name__
        return None

    def only_read_epoch_logs(self) -> bool:
        """Whether several epochs may pass before the hooks are called for each."""
        return not self.per_step and all(callback.reads_only_logs for callback in self.callbacks)

    def probes(self) -> dict[str, Callable[..., Any]]:
        """Gathers the probes of all callbacks."""
        return {name: probe for callback in self.callbacks for name, probe in callback.probes().items()}

    def call(self, hook: str, *args: Any) -> None:
        """Calls one hook of every callback."""
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def step_begin(self, step: int) -> None:
        """Calls the hooks before a step, under both names."""
        for callback in self.per_step:
            callback.on_train_batch_begin(step, {})
            callback.on_batch_begin(step, {})

    def step_end(self, step: int, logs: Logs) -> None:
        """Calls the hooks after a step, under both names."""
        for callback in self.per_step:
            callback.on_train_batch_end(step, logs)
            callback.on_batch_end(step, logs)

    def span_end(self, steps_done: int, logs: Logs) -> None:
        """Calls the hooks after a span of steps."""
        for callback in self.per_span:
            callback.on_span_end(steps_done, logs)
