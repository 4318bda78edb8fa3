"""Passes over a data set that measure loss and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from gradwise.core.layer import Layer
from gradwise.core.symbolic import symbolic_leaves
from gradwise.training.engine import memory_kept
from gradwise.training.feed import Feed
from gradwise.training.feeding import HostData
from gradwise.training.interrupts import Interrupts
from gradwise.training.plan import Plan
from gradwise.training.programs import Programs, Resident
from gradwise.training.session import Session, logs_of
from gradwise.training.sources import Source
from gradwise.training.stateful import fixed_batch


class Evaluation:
    """Measures loss and metrics of a data set.

    Args:
        session: The compiled model.
        programs: Its programs.
    """

    def __init__(self, session: Session, programs: Programs) -> None:
        self.session = session
        self.programs = programs
        self.plan = Plan(True, "evaluation")
        self._nothing = programs.objective.init()
        self.couples_rows = session.couples_rows_in_evaluation
        self.state: dict[str, Any] = {}  # what stateful layers remember after a pass
        self.in_order = fixed_batch(session.layer) is not None

    def __call__(
        self,
        weights: Any,
        state: Any,
        source: Source,
        resident: Resident | None,
        interrupts: Interrupts | None,
        class_weight: Any = None,
    ) -> dict[str, float]:
        """Returns the logs of one pass over a source.

        Args:
            weights: The trainable values.
            state: The other values.
            source: The data.
            resident: The same data on the device, if they are there already.
            interrupts: Asked between programs.
            class_weight: Weights of classes for streams; arrays come with them applied.

        Returns:
            The logs by name.
        """
        totals = self._nothing
        values: Any = np.zeros(len(self.programs.objective.names))
        if self.in_order:
            return self._one_by_one(weights, state, source, class_weight)
        if source.data is None or source.data.in_files:
            with self._fed(source, class_weight, interrupts) as feed:
                for block in feed:
                    totals, values = self.programs.evaluate_batch(weights, state, totals, block.data)
            return logs_of(self.programs.objective.names, values)
        data = resident if resident is not None else self.session.place(source.data, in_order=source.size)
        count, size, steps = source.data.count, source.size, source.steps or 0
        exact_rest = self.couples_rows and steps * size > count
        in_spans = steps - 1 if exact_rest else steps
        with memory_kept():
            for start, stop in self.plan.spans(in_spans):
                totals, values = self.programs.evaluate_span(
                    weights, state, totals, data, np.int32(start), np.int32(stop), size=size
                )
                values = np.asarray(values)
                if interrupts is not None:
                    interrupts.check()
        if exact_rest:
            rest = self.session.place_batch(source.data.rows(slice(in_spans * size, count)))
            totals, values = self.programs.evaluate_batch(weights, state, totals, rest)
        return logs_of(self.programs.objective.names, values)

    def _one_by_one(self, weights: Any, state: Any, source: Source, class_weight: Any) -> dict[str, float]:
        """Measures batch after batch, each with the state that the one before has left."""
        totals, values = self._nothing, np.zeros(len(self.programs.objective.names))
        with self._fed(source, class_weight, None) as feed:
            for block in feed:
                totals, values, state = self.programs.evaluate_keeping(weights, state, totals, block.data)
        self.state = state
        return logs_of(self.programs.objective.names, values)

    def _fed(self, source: Source, class_weight: Any, interrupts: Interrupts | None) -> Feed:
        def batches() -> Iterator[tuple[HostData, Any]]:
            if source.stream is not None:
                for x, y, weight in source.stream.epoch():
                    yield self.session.host_batch(x, y, weight, "evaluate", class_weight).copy(), None
            elif source.data is not None:
                for place in range(source.steps or 0):
                    rows = slice(place * source.size, (place + 1) * source.size)
                    yield source.data.rows(rows).read(), None

        return Feed(batches, self.session.place, self.session.place_batch, interrupts=interrupts)


def batch_size_for(layer: Layer, inputs: Any) -> int:
    """Chooses how many samples a pass without gradients takes at once: about 8 MiB of the widest layer.

    Args:
        layer: The model.
        inputs: Its inputs, arrays [N, ...].

    Returns:
        A power of two, at least 32.
    """
    graph = getattr(layer, "graph", None)
    if graph is not None:
        shapes = [
            tensor.shape[1:] for node in graph.nodes if node.args for tensor in symbolic_leaves(node.outputs)
        ]
        row = max((4 * int(np.prod([size or 64 for size in shape])) for shape in shapes), default=4)
    else:
        row = 4 * sum(
            int(np.prod(array.shape[1:])) * array.dtype.itemsize for array in jax.tree.leaves(inputs)
        )
    wanted = max(32, 8 * 2**20 // max(row, 1))
    return int(1 << (wanted.bit_length() - 1))
