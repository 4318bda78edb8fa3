"""What training prints while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from gradwise.errors import InputError
from gradwise.training.callbacks.base import Callback, Logs
from gradwise.training.callbacks.progress_line import Bar, duration, fitted_line, measures, speed
from gradwise.training.callbacks.terminal import ERASE_LINE, is_terminal

_INTERVAL = 0.1  # seconds between two writes, so at most ten lines a second
_MUCH = 0.1  # of an epoch's time spent waiting for data: it is told then
_ALWAYS = 50  # so many epochs are shown however short they are


class ProgressBar(Callback):
    """Prints one line per epoch; on a terminal, the line of the epoch under way is drawn again and again.

    "Epoch 3/20 ━━━━━━━━━━━━━─────── 300/469  1.2 s  accuracy 0.9812  loss 0.0621" becomes, when the epoch
    is validated, the line that stays, with the speed and all values.

    Pipes and notebooks get the line of each finished epoch only. After the first fifty, of epochs shorter
    than a tenth of a second at most ten a second are shown, always the last, and how many are not is said.
    The environment variable NO_COLOR turns colours off; TERM=dumb turns drawing again off.

    Args:
        verbose: 1 draws the epoch under way, 2 does not.
        stream: Where to; None takes the standard output when training begins.
        clock: Returns the time in seconds.

    Raises:
        InputError: `verbose` is neither 1 nor 2.

    Example:
        >>> from itertools import count
        >>> bar = ProgressBar(verbose=2, clock=count().__next__)
        >>> bar.set_params({"epochs": 1, "steps": 469})
        >>> bar.on_train_begin()
        >>> bar.on_epoch_begin(0)
        >>> bar.on_epoch_end(0, {"accuracy": 0.9812, "loss": 0.0621})
        Epoch 1/1  469/469  1.0 s  469 steps/s  accuracy 0.9812  loss 0.0621
    """

    reads_only_logs = True

    def __init__(
        self, verbose: int = 1, stream: Any = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        if verbose not in (1, 2):
            raise InputError(
                "ProgressBar",
                expected="verbose 1 or 2",
                got=repr(verbose),
                fix="Pass verbose=0 to fit to print nothing.",
            )
        self.verbose = verbose
        self.stream = stream
        self.clock = clock

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Looks at where the lines go."""
        self._out = sys.stdout if self.stream is None else self.stream
        self._bar = Bar(self._out) if self.verbose == 1 and is_terminal(self._out) else None
        self._epochs: int | None = self.params.get("epochs")
        self._steps: int | None = self.params.get("steps")
        self._samples: int | None = self.params.get("samples")
        self._begun = 0
        self._left_out = 0
        self._steps_done = 0
        self._unfinished = False  # whether a line without its end stands on the terminal
        self._shown_at: float | None = None
        self._waiting: tuple[int, float, Logs] | None = None
        self._epoch = 0
        self._start = self._drawn_at = self.clock()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the time."""
        self._epoch = epoch
        self._begun += 1
        self._steps_done = 0
        self._first_span: tuple[float, int] | None = None
        self._start = self._drawn_at = self.clock()

    def on_span_end(self, steps_done: int, logs: Logs) -> None:
        """Draws the epoch under way again, at most ten times a second."""
        self._steps_done = steps_done
        if self._bar is None:
            return
        now = self.clock()
        if self._first_span is None:
            self._first_span = (now, steps_done)
        if now - self._drawn_at >= _INTERVAL:
            self._drawn_at = now
            self._unfinished = True
            self._write(ERASE_LINE + self._line_under_way(self._bar, now, logs))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Prints the line of the epoch, unless one was printed just before."""
        now = self.clock()
        if self._waiting is not None:  # an epoch that another follows need not be shown
            self._left_out += 1
        run = getattr(self, "run", None)
        together = run.epoch_seconds if run is not None else None  # several epochs ran in one program
        self._waiting = (epoch, now - self._start if together is None else together, logs or {})
        late = self._shown_at is None or now - self._shown_at >= _INTERVAL
        if late or self._begun <= _ALWAYS or epoch + 1 == self._epochs:
            self._shown_at = now
            self._show_waiting()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Prints the last epoch if that was left out, and how many others were."""
        self._show_waiting()
        if self._unfinished:  # interrupted within an epoch
            self._write("\n")
            self._unfinished = False
        if self._left_out:
            self._write(
                f"{self._left_out:,} of {self._begun:,} epochs are not shown: "
                f"after the first {_ALWAYS}, at most 10 lines a second are printed.\n"
            )
            self._left_out = 0

    def _show_waiting(self) -> None:
        if self._waiting is None:
            return
        epoch, seconds, logs = self._waiting
        self._waiting = None
        done = self._steps_done or self._steps or 0
        steps = self._steps or done
        if self._samples and steps:
            rate = speed(self._samples * done // steps, seconds, "samples")
        else:
            rate = speed(done, seconds, "steps")
        count = [f"{done}/{steps}"] if steps else []
        share = getattr(getattr(self, "run", None), "input_bound", None) or 0
        waited = [f"{share:.0%} waiting for data"] if share >= _MUCH else []
        text = "  ".join([*count, duration(seconds), *rate, *waited, *measures(logs)])
        if self._bar is None:
            self._write(f"{self._title(epoch)}  {text}\n")
        else:
            self._unfinished = False
            self._write(
                f"{ERASE_LINE}{self._title(epoch)} {self._bar.draw(done / steps if steps else 1.0)} {text}\n"
            )

    def _title(self, epoch: int) -> str:
        return f"Epoch {epoch + 1}/{self._epochs}" if self._epochs else f"Epoch {epoch + 1}"

    def _line_under_way(self, bar: Bar, now: float, logs: Logs) -> str:
        title, seconds = self._title(self._epoch), duration(now - self._start)
        if not self._steps:
            return fitted_line(bar, None, title, [f"{self._steps_done} steps", seconds, *measures(logs)])
        count = f"{self._steps_done:{len(str(self._steps))}d}/{self._steps}"
        parts = [count, seconds, *self._time_left(now, self._steps), *measures(logs)]
        return fitted_line(bar, min(self._steps_done / self._steps, 1.0), title, parts)

    def _time_left(self, now: float, steps: int) -> list[str]:
        # Counted from the first span, which may have waited for the compiler.
        then, done_then = self._first_span or (now, 0)
        done = self._steps_done - done_then
        left = (now - then) / done * (steps - self._steps_done) if done > 0 else 0.0
        # Below two seconds an estimate would only flicker.
        return [f"{duration(round(left))} left"] if left >= 2 else []

    def _write(self, text: str) -> None:
        if self._out is not None:  # programs without a console have none
            self._out.write(text)
            self._out.flush()
