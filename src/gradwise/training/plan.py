"""How steps are run: decided from the data, the callbacks and measured times, and told in one line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

# Multiplications that take about 50 ms for small arrays.
_SHORT_EPOCH = 5e8


@dataclass
class Plan:
    """The way an epoch is executed.

    Args:
        resident: Whether the data rests on the device and many steps run in one program.
        reason: Why, for people.
        whole_epochs: Whether several epochs may run in one program, as each is short and nobody acts between.
        fed: Whether a thread brings the data to the device while steps compute.
        joins: Whether it brings the data of several steps at a time.
        target: How long one program call should take, in seconds: short enough for progress, callbacks
            and an interrupt, long enough for the call itself to cost nothing.
    """

    resident: bool
    reason: str
    whole_epochs: bool = False
    fed: bool = False
    joins: bool = False
    target: float = 0.08
    _rate: float = field(default=0.0, repr=False)

    def spans(self, steps: int) -> Iterator[tuple[int, int]]:
        """Yields (start, stop) of program calls that cover an epoch of so many steps.

        The first span ever is one step: it takes the compilation. The consumer runs each span before it
        asks for the next, so the time between is the span's.

        Args:
            steps: Steps in the epoch.

        Yields:
            Spans in order.

        Example:
            >>> plan = Plan(True, "small data")
            >>> list(plan.spans(3))[0]
            (0, 1)
        """
        start = 0
        while start < steps:
            if self._rate:
                length = max(1, int(self.target * self._rate))
                # A short rest joins the span before it.
                length = steps - start if steps - start < 1.5 * length else length
            else:
                length = 1 if start == 0 else min(steps - start, max(1, steps // 50))
            began = time.perf_counter()
            yield start, start + length
            seconds = max(time.perf_counter() - began, 1e-7)
            if start or self._rate:  # the very first span compiled
                measured = length / seconds
                self._rate = measured if not self._rate else 0.5 * (self._rate + measured)
            start += length


def make_plan(
    *,
    kind: str,
    data_bytes: int,
    free_bytes: int | None,
    step_by_step: str | None,
    epoch_work: float | None = None,
) -> Plan:
    """Decides how to run.

    Args:
        kind: Whether the data are "arrays", arrays in "files", or a "stream" of batches.
        data_bytes: How much the arrays hold.
        free_bytes: How much memory the device has to spare; None if it shares the host's.
        step_by_step: Who must act between steps, or None.
        epoch_work: About how many multiplications an epoch takes if epochs may run together, else None.

    Returns:
        The plan, with its reason.

    Example:
        >>> make_plan(kind="arrays", data_bytes=1000, free_bytes=None, step_by_step=None).resident
        True
    """
    too_large = free_bytes is not None and data_bytes > 0.6 * free_bytes
    if kind == "arrays" and not too_large:
        if step_by_step is not None:
            return Plan(False, f"step by step: {step_by_step} acts between steps")
    else:
        size = f"{data_bytes / 2**30:.1f} GiB of data"
        source = {
            "stream": "the data come as a stream of batches",
            "files": f"{size} are read from files",
            "arrays": f"{size} for {(free_bytes or 0) / 2**30:.1f} GiB of memory",
        }[kind]
        if step_by_step is not None:
            return Plan(False, f"step by step: {step_by_step} acts between steps; {source}", fed=True)
        return Plan(False, f"blocks of steps, read ahead: {source}", fed=True, joins=True)
    if epoch_work is not None and epoch_work < _SHORT_EPOCH:
        return Plan(True, "whole epochs in one program: they are short, and nobody acts between them", True)
    return Plan(True, "whole spans of steps in one program: the data rest on the device")
