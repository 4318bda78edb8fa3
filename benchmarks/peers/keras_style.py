"""The job in Keras' own words, for the libraries that understand them."""

from __future__ import annotations

import math
import time
from types import ModuleType

from measuring import MAXIMUM_EPOCHS, SECONDS, median_seconds, report, report_training
from networks import NETWORKS
from workloads import Workload

_LONG = 3.0  # seconds; compiling hardly shows in a longer call


def build(library: ModuleType, workload: Workload):
    """The compiled model of a workload."""
    model = NETWORKS[workload.network](library) if workload.network else _stack(library, workload)
    model.compile(optimizer=workload.optimizer, loss=workload.loss, metrics=[workload.metric])
    return model


def _stack(library: ModuleType, workload: Workload):
    layers = library.layers
    kinds = {
        "dense": lambda units, activation: layers.Dense(units, activation=activation),
        "conv": lambda filters, size, activation: layers.Conv2D(filters, size, activation=activation),
        "maxpool": lambda size: layers.MaxPooling2D(size),
        "flatten": lambda: layers.Flatten(),
    }
    stack = [kinds[kind](*settings) for kind, *settings in workload.layers]
    return library.Sequential([library.Input(workload.input_shape), *stack])


def train(library: ModuleType, workload: Workload) -> None:
    """Trains with metrics, validation set and progress bar: one epoch, then the epochs that are timed.

    An epoch's time is what each further epoch adds to a call of `fit`. No callback holds the watch: it
    may keep a library from running as it would without, and several short epochs may run together.
    """
    data = workload.load()
    model = build(library, workload)

    def fit(epochs: int) -> tuple[float, dict[str, list[float]]]:
        start = time.perf_counter()
        history = model.fit(
            data.x,
            data.y,
            batch_size=workload.batch_size,
            epochs=epochs,
            validation_data=None if data.x_val is None else (data.x_val, data.y_val),
            verbose=1,
        )
        return time.perf_counter() - start, history.history

    with_compilation, first = fit(1)
    report("first_epoch")
    one, _ = fit(1)
    report("compiled", seconds=max(with_compilation - one, 0.0))

    def further(epochs: int) -> tuple[float, dict[str, list[float]]]:
        seconds, history = fit(1 + epochs)
        if seconds < _LONG:
            # Once more, as that call may have compiled something for its number of epochs.
            seconds, history = fit(1 + epochs)
        return max(seconds - one, 1e-6) / epochs, history

    seconds, last = further(3)
    if seconds * 3 < SECONDS:
        seconds, last = further(min(MAXIMUM_EPOCHS, math.ceil(SECONDS / seconds)))
    validation = last.get(f"val_{workload.metric}", [None])[-1]
    report_training(data, seconds, validation, (first["loss"][0], last["loss"][-1]))
    if workload.network:
        predict = lambda: model.predict(data.x, batch_size=workload.batch_size, verbose=0)  # noqa: E731
        report("inferred", seconds=median_seconds(predict))
