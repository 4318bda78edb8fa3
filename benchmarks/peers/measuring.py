"""What every peer script shares: the clock around its epochs, the one-sample loop, the line it reports."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402
from workloads import WORKLOADS, Data, Workload  # noqa: E402

MAXIMUM_EPOCHS = 1000
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "0.5"))
_PATIENCE = 4.0  # seconds of steady training after which fewer than 3 epochs will do


def report(event: str, **values: object) -> None:
    """Prints one line that the parent process recognises among the progress bars."""
    print(f"\n@bench {json.dumps({'event': event, **values})}", flush=True)


class EpochClock:
    """Times the epochs of a hand-written loop: notes each end and says when there are enough of them."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def epoch_ended(self) -> bool:
        """Returns True once 3 epochs and enough seconds, or fewer but long epochs, followed the first."""
        self._ends.append(time.perf_counter())
        if len(self._ends) == 1:
            report("first_epoch")
        steady, elapsed = len(self._ends) - 1, self._ends[-1] - self._ends[0]
        return elapsed >= (SECONDS if steady >= 3 else _PATIENCE)

    def median(self) -> float:
        """The usual time of an epoch after the first."""
        return statistics.median(np.diff(self._ends).tolist())


def report_training(
    data: Data, epoch_seconds: float, validation: float | None, losses: tuple[float, float]
) -> None:
    """Reports an epoch's time, the peak memory so far, and figures that show that training took place."""
    report(
        "trained",
        epoch_seconds=epoch_seconds,
        sizes=[len(data.x), 0 if data.x_val is None else len(data.x_val)],
        memory_mib=_peak_memory_mib(),
        validation=validation,
        losses=losses,
    )


def median_seconds(call: Callable[[], object]) -> float:
    """The median time of a call after a first one that may compile: of at least 3, or of 4 seconds."""
    call()
    seconds = []
    while len(seconds) < 3 or sum(seconds) < SECONDS:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > _PATIENCE:
            break
    return statistics.median(seconds)


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def time_calls(name: str, call: Callable[[np.ndarray], np.ndarray], workload: Workload) -> None:
    """Reports the median time of `call` on one sample, NumPy array in, NumPy array out."""
    x = workload.load().x[:1]
    for _ in range(5):
        result = call(x)
    units = workload.layers[-1][1]
    if not isinstance(result, np.ndarray) or result.shape not in ((1, units), (1, 2)):
        raise ValueError(f"{name} gave {type(result)} of shape {np.shape(result)}")
    seconds, until = [], time.perf_counter() + 0.5
    while time.perf_counter() < until or len(seconds) < 20:
        start = time.perf_counter()
        call(x)
        seconds.append(time.perf_counter() - start)
    report("predicted", path=name, microseconds=statistics.median(seconds) * 1e6)


def main(
    load_library: Callable[[], None],
    train: Callable[[Workload], None],
    predict: Callable[[Workload], None],
) -> None:
    """Runs `python SCRIPT WORKLOAD MEASURE` with MEASURE one of train and predict."""
    name, measure = sys.argv[1:]
    start = time.perf_counter()
    load_library()
    report("imported", seconds=time.perf_counter() - start)
    {"train": train, "predict": predict}[measure](WORKLOADS[name])
