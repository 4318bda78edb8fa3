"""The one pure training step, and its forward half for evaluation and prediction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer
from gradwise.core.variable import Frame, Variable
from gradwise.optimizers import Optimizer
from gradwise.training import accumulating
from gradwise.training.change import Change
from gradwise.training.gathering import dense
from gradwise.training.objective import Objective, Portion, total_type
from gradwise.training.state import TrainState

Probe = Callable[..., Any]


class Batch(NamedTuple):
    """One batch on its way through the step.

    Args:
        inputs: Arrays [B, ...], in the structure the model takes.
        targets: A list with one array or None for each output.
        weights: A list with one array of sample weights or None for each output.
        valid: bool[B], or None: which rows exist.
    """

    inputs: Any
    targets: list[Any]
    weights: list[Any]
    valid: Any = None


class Forward:
    """The forward pass of a layer as a pure function of its variables.

    Args:
        layer: A built layer or model.
        objective: Its losses and metrics; None for prediction only.
    """

    def __init__(self, layer: Layer, objective: Objective | None) -> None:
        self.layer = layer
        self.objective = objective
        self.variables: dict[str, Variable] = layer.named_variables()
        self.paths = {id(below): path for path, below in layer.walk()}
        self._reads_sparse = getattr(layer, "reads_sparse", False)

    def frame(self, values: Mapping[str, Any], *, training: bool, key: Any = None) -> Frame:
        """Opens a frame in which the variables have these values."""
        given = {self.variables[path]: value for path, value in values.items()}
        return Frame(given, training=training, key=key, paths=self.paths)

    def _readable(self, inputs: Any) -> Any:
        return inputs if self._reads_sparse else dense(inputs)

    def outputs(self, values: Mapping[str, Any], inputs: Any) -> tuple[Any, dict[str, Any]]:
        """Predicts, and returns with the outputs what stateful layers remember."""
        frame = self.frame(values, training=False)
        with frame:
            outputs = self.layer.propagate(self._readable(inputs))[0]
        remembered = {
            path: frame.values[variable] for path, variable in self.variables.items() if not variable.kept
        }
        return outputs, remembered

    def loss(
        self,
        weights: Mapping[str, Any],
        state: Mapping[str, Any],
        totals: Any,
        batch: Batch,
        *,
        training: bool,
        key: Any = None,
    ) -> tuple[Any, tuple[dict[str, Any], Any, Any]]:
        """Returns the loss of a batch, and with it the new state, totals and outputs."""
        portions, aux = self.portions(weights, state, totals, batch, training=training, key=key)
        losses = [portion.loss for portion in portions.values()]
        return sum(losses[1:], losses[0]), aux

    def portions(
        self,
        weights: Mapping[str, Any],
        state: Mapping[str, Any],
        totals: Any,
        batch: Batch,
        *,
        training: bool,
        key: Any = None,
    ) -> tuple[dict[str, Portion], tuple[dict[str, Any], Any, Any]]:
        """Returns the parts of the loss, as `Objective.measure` does, with what `loss` gives besides."""
        frame = self.frame({**weights, **state}, training=training, key=key)
        with frame:
            outputs, masks = self.layer.propagate(self._readable(batch.inputs))
        flat = jax.tree.leaves(outputs)
        mask_list = list(masks) if isinstance(masks, (list, tuple)) else [masks]
        if len(mask_list) != len(flat):
            mask_list = [None] * len(flat)
        if self.objective is None:
            raise TypeError("a forward pass without an objective has no loss")
        portions, totals = self.objective.measure(
            totals,
            flat,
            batch.targets,
            batch.weights,
            mask_list,
            batch.valid,
            frame,
            self._penalty(weights, frame),
        )
        new_state = {path: frame.values[self.variables[path]] for path in state}
        return portions, (new_state, totals, outputs)

    def _penalty(self, weights: Mapping[str, Any], frame: Frame) -> Any:
        kind = total_type()
        penalty = jnp.zeros((), kind)
        for path in weights:
            regularizer = self.variables[path].regularizer
            if regularizer is not None:
                penalty = penalty + jnp.asarray(regularizer(weights[path])).astype(kind)
        for value in frame.losses:
            penalty = penalty + jnp.asarray(value).astype(kind)
        return penalty


def make_train_step(
    layer: Layer,
    objective: Objective,
    optimizer: Optimizer,
    probes: Mapping[str, Probe] | None = None,
) -> Callable[[TrainState, Batch], tuple[TrainState, dict[str, Any]]]:
    """Makes the pure function that every way of training runs.

    Args:
        layer: A built layer or model.
        objective: What is minimised and reported.
        optimizer: How parameters follow the gradients.
        probes: Pure functions of (grads=, weights=, outputs=, batch=) that give small arrays.

    Returns:
        step(state, batch) -> (state, what the probes gave).

    Raises:
        InputError: A learning rate multiplier names no layer.
    """
    forward = Forward(layer, objective)
    change = Change(layer, forward.variables, optimizer)
    joined = accumulating.steps_of(optimizer)

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, Any]]:
        def loss_of(weights: dict[str, Any]) -> tuple[Any, Any]:
            return forward.loss(weights, state.state, state.totals, batch, training=True, key=new_key)

        def portions_of(weights: dict[str, Any]) -> tuple[Any, Any]:
            return forward.portions(weights, state.state, state.totals, batch, training=True, key=new_key)

        def gradient_at(weights: dict[str, Any]) -> Any:
            return jax.grad(loss_of, has_aux=True)(weights)[0]

        def new_key() -> Any:
            return jax.random.fold_in(jax.random.key(state.seed), state.step)

        if joined > 1:
            grads, sums, aux = accumulating.add(portions_of, state.weights, state.accumulated)
        else:
            (_, aux), grads = jax.value_and_grad(loss_of, has_aux=True)(state.weights)
        new_state, totals, outputs = aux
        seen = {
            name: probe(grads=grads, weights=state.weights, outputs=outputs, batch=batch)
            for name, probe in (probes or {}).items()
        }
        new = dataclasses.replace(state, step=state.step + 1, state=new_state, totals=totals)
        if joined > 1:
            return accumulating.apply_when_full(change, joined, sums, state, new), seen
        return change(state, new, grads, state.step, gradient_at), seen

    return step
