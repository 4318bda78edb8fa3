"""Evaluation of a compiled model."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from gradwise.core.layer import Layer
from gradwise.training import feeding
from gradwise.training.callbacks.base import CallbackList
from gradwise.training.lookups import explain_nan
from gradwise.training.measuring import Evaluation, batch_size_for
from gradwise.training.run import Run
from gradwise.training.session import Session, logs_of
from gradwise.training.sources import source_of_arrays, source_of_stream
from gradwise.training.stateful import fit_batches
from gradwise.training.streams import Stream, is_stream, refuse_beside_stream


def evaluate(
    layer: Layer,
    session: Session,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    verbose: int | str,
    steps: int | None,
    callbacks: Any,
) -> dict[str, float]:
    """Measures loss and metrics; see `Model.evaluate`."""
    began = time.perf_counter()
    if is_stream(x):
        refuse_beside_stream("evaluate", y=y, sample_weight=sample_weight)
        stream = Stream(x, "evaluate", steps=steps, batch_size=batch_size)
        session.bind(feeding.read(layer, *stream.first(), "evaluate"), "evaluate")
        source = source_of_stream(stream)
    else:
        data = session.bind(feeding.read(layer, x, y, sample_weight, "evaluate"), "evaluate")
        data = feeding.kept_sparse(layer, data)
        size = fit_batches(layer, "evaluate", data.count, batch_size) or batch_size
        source = source_of_arrays(data, size or batch_size_for(layer, data.inputs), steps, shuffle=False)
    run = Run(
        layer, session.optimizer, {"epochs": 1, "steps": source.steps, "verbose": verbose, "metrics": []}
    )
    run.averages = session.averages
    calls = CallbackList(callbacks or [], run, layer)
    calls.call("on_test_begin", {})
    programs = session.programs()
    evaluation = Evaluation(session, programs)
    logs = evaluation(*session.values(), source, None, None)
    if source.data is not None and math.isnan(logs.get("loss", 0.0)):
        explain_nan(layer, source.data.inputs, source.data.count)
    session.remember(evaluation.state)
    calls.call("on_test_end", logs)
    if verbose:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        sys.stdout.write(f"{numbers}  ({time.perf_counter() - began:.1f} s)\n")
        sys.stdout.flush()
    return logs


def test_on_batch(session: Session, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """Measures one batch; see `Model.test_on_batch`."""
    batch = session.batch(x, y, sample_weight, "test_on_batch")
    programs = session.programs()
    weights, state = session.values()
    _, values, state = programs.evaluate_keeping(weights, state, programs.objective.init(), batch)
    session.remember(state)
    return logs_of(programs.objective.names, values)
