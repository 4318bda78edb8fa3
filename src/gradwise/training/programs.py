"""Compiled programs: spans of training and evaluation steps over data that rests on the device."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.core.layer import Layer
from gradwise.optimizers import Optimizer
from gradwise.training.engine import program
from gradwise.training.gathering import count_of, dense, everything, take, window
from gradwise.training.objective import Objective
from gradwise.training.state import TrainState
from gradwise.training.step import Batch, Forward, Probe, make_train_step


class Resident(NamedTuple):
    """A data set on the device.

    Args:
        inputs: Arrays [N, ...], in the structure the model takes.
        targets: A list with one array or None for each output.
        weights: A list with one array of sample weights or None for each output.
    """

    inputs: Any
    targets: list[Any]
    weights: list[Any]


class Programs:
    """The compiled functions of one model, objective and optimizer.

    Args:
        layer: A built layer or model.
        objective: What is minimised and reported.
        optimizer: How parameters follow the gradients; None for evaluation only.
        probes: Functions that look into each step.
        step: A training step to use instead of the library's own.
    """

    def __init__(
        self,
        layer: Layer,
        objective: Objective,
        optimizer: Optimizer | None,
        probes: Mapping[str, Probe] | None = None,
        step: Any = None,
    ) -> None:
        self.objective = objective
        self.forward = Forward(layer, objective)
        self._nothing = objective.init()  # the totals before the first batch
        self.traces = 0  # how often a training program was traced: a test pins it
        if optimizer is not None:
            self._step = on_arrays(step) if step else make_train_step(layer, objective, optimizer, probes)
        self.train_span = program(self._train_span, static_argnames=("size",), donate_argnums=(0,))
        self.train_epochs = program(
            self._train_epochs,
            static_argnames=("size", "validation_size", "validation_steps"),
            donate_argnums=(0,),
        )
        self.train_batch = program(self._train_batch, donate_argnums=(0,))
        self.evaluate_span = program(self._evaluate_span, static_argnames=("size",), donate_argnums=(2,))
        self.evaluate_batch = program(self._evaluate_batch, donate_argnums=(2,))
        self.evaluate_keeping = program(self._evaluate_keeping, donate_argnums=(2,))

    def _train_span(
        self,
        state: TrainState,
        data: Resident,
        order: Any,
        start: Any,
        stop: Any,
        count: Any,
        record: Any,
        *,
        size: int,
    ) -> tuple[TrainState, Any, Any]:
        """Runs steps start to stop of an epoch.

        Args:
            state: Where training stands.
            data: The whole data set.
            order: int32[S * size], in which order the rows are taken; what pads the last batch is any row.
            start: int32[]. The first step.
            stop: int32[]. The step after the last.
            count: int32[] number of rows that exist, or None if no batch is padded.
            record: float32[R, len(names)] with room for the logs after each step, or None.
            size: The batch size.

        Returns:
            The new state, the logs float32[len(names)], and the record.
        """
        self.traces += 1

        state = self._start_totals(state, start == 0)
        if record is None:
            state = self._steps(state, data, order, start, stop, count, size)
            return state, self.objective.results(state.totals), None

        def body(place: Any, carry: tuple[TrainState, Any]) -> tuple[TrainState, Any]:
            state, record = carry
            state, _ = self._step(state, _batch(data, order, place, count, size))
            return state, record.at[place - start].set(self.objective.results(state.totals))

        state, record = lax.fori_loop(start, stop, body, (state, record))
        return state, self.objective.results(state.totals), record

    def _train_epochs(
        self,
        state: TrainState,
        data: Resident,
        orders: Any,
        epochs: Any,
        count: Any,
        validation: Resident | None,
        record: Any,
        *,
        size: int,
        validation_size: int,
        validation_steps: int,
    ) -> tuple[TrainState, Any]:
        """Runs whole epochs with their validation, one after the other.

        Args:
            state: Where training stands.
            data: The whole data set.
            orders: int32[E, S * size], the order of the rows in each epoch.
            epochs: int32[]. How many of the E epochs are run.
            count: int32[] number of rows that exist, or None if no batch is padded.
            validation: The validation data, or None.
            record: float32[E, L] with room for the logs of each epoch.
            size: The batch size.
            validation_size: The batch size of validation.
            validation_steps: Batches of validation.

        Returns:
            The new state and the record.
        """
        self.traces += 1

        def body(epoch: Any, carry: tuple[TrainState, Any]) -> tuple[TrainState, Any]:
            state, record = carry
            order = lax.dynamic_index_in_dim(orders, epoch, 0, keepdims=False)
            state = self._steps(
                self._start_totals(state, True), data, order, 0, orders.shape[1] // size, count, size
            )
            row = self.objective.results(state.totals)
            if validation is not None:
                values, nothing = (state.weights, state.state), self._nothing
                totals = self._measured(*values, nothing, validation, 0, validation_steps, validation_size)
                row = jnp.concatenate([row, self.objective.results(totals)])
            return state, record.at[epoch].set(row)

        return lax.fori_loop(0, epochs, body, (state, record))  # type: ignore[no-any-return]

    def _steps(
        self, state: TrainState, data: Resident, order: Any, start: Any, stop: Any, count: Any, size: int
    ) -> TrainState:
        def body(place: Any, state: TrainState) -> TrainState:
            return self._step(state, _batch(data, order, place, count, size))[0]  # type: ignore[no-any-return]

        return lax.fori_loop(start, stop, body, state)  # type: ignore[no-any-return]

    def _train_batch(
        self, state: TrainState, batch: Batch, fresh: Any
    ) -> tuple[TrainState, Any, dict[str, Any]]:
        """Runs one step on a batch that was handed over; `fresh` starts the totals anew."""
        self.traces += 1
        state, seen = self._step(self._start_totals(state, fresh), batch)
        return state, self.objective.results(state.totals), seen

    def _evaluate_span(
        self, weights: Any, state: Any, totals: Any, data: Resident, start: Any, stop: Any, *, size: int
    ) -> tuple[Any, Any]:
        """Measures batches start to stop."""
        totals = self._measured(weights, state, totals, data, start, stop, size)
        return totals, self.objective.results(totals)

    def _measured(
        self, weights: Any, state: Any, totals: Any, data: Resident, start: Any, stop: Any, size: int
    ) -> Any:
        """Adds batches start to stop; rows that the last one shares with the one before count once."""
        rows = count_of(data.inputs)
        if rows == size:  # the whole set at once: no slices to copy
            return self._measure(weights, state, totals, Batch(*everything(tuple(data))))

        def body(place: Any, totals: Any) -> Any:
            first = jnp.minimum(place * size, rows - size)
            valid = None if rows % size == 0 else first + lax.iota("int32", size) >= place * size
            batch = Batch(*window(tuple(data), first, size))._replace(valid=valid)
            return self._measure(weights, state, totals, batch)

        return lax.fori_loop(start, stop, body, totals)

    def _evaluate_batch(self, weights: Any, state: Any, totals: Any, batch: Batch) -> tuple[Any, Any]:
        """Measures one batch that was handed over."""
        totals = self._measure(weights, state, totals, batch)
        return totals, self.objective.results(totals)

    def _evaluate_keeping(
        self, weights: Any, state: Any, totals: Any, batch: Batch
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Measures one batch and returns the state it leaves as well."""
        state, totals, _ = self.forward.loss(weights, state, totals, batch, training=False)[1]
        return totals, self.objective.results(totals), state

    def _start_totals(self, state: TrainState, fresh: Any) -> TrainState:
        """Sets the totals to nothing seen yet when an epoch begins."""
        totals = jax.tree.map(
            lambda total, first: jnp.where(fresh, first, total), state.totals, self._nothing
        )
        return dataclasses.replace(state, totals=totals)

    def _measure(self, weights: Any, state: Any, totals: Any, batch: Batch) -> Any:
        return self.forward.loss(weights, state, totals, batch, training=False)[1][1]


def on_arrays(step: Any) -> Any:
    """Lets a training step of the user's see plain arrays only."""
    return lambda state, batch: step(state, batch._replace(inputs=dense(batch.inputs)))


def _batch(data: Resident, order: Any, place: Any, count: Any, size: int) -> Batch:
    rows = lax.dynamic_slice(order, (place * size,), (size,))
    valid = None if count is None else place * size + lax.iota("int32", size) < count
    return Batch(*take(tuple(data), rows))._replace(valid=valid)
