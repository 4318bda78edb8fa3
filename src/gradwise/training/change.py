"""What gradients do to the parameters: the optimizer, constraints, rates by layer, averages of weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer
from gradwise.core.variable import Variable
from gradwise.optimizers import Optimizer
from gradwise.training.rates import multipliers_by_path
from gradwise.training.state import TrainState


class Change:
    """One update of the parameters, as a pure function.

    Args:
        layer: A built layer or model.
        variables: Its variables by their place.
        optimizer: How parameters follow the gradients.

    Raises:
        InputError: A learning rate multiplier names no layer.
    """

    def __init__(self, layer: Layer, variables: Mapping[str, Variable], optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        factors = multipliers_by_path(layer, optimizer.learning_rate_multipliers)
        self.factors = {path: factor for path, factor in factors.items() if factor != 1}
        self.still = {path for path, factor in factors.items() if factor == 0}
        self.constraints = {
            path: variable.constraint
            for path, variable in variables.items()
            if variable.constraint is not None and path not in self.still
        }

    def __call__(
        self,
        state: TrainState,
        new: TrainState,
        grads: dict[str, Any],
        updates: Any,
        gradient_at: Callable[[dict[str, Any]], Any] | None = None,
    ) -> TrainState:
        """Makes the update.

        Args:
            state: Where training stood before the batch.
            new: What the forward pass has made of it.
            grads: The gradients by path.
            updates: int32[]. How many updates there were before.
            gradient_at: Gives gradients at other weights; None if these cannot be had.

        Returns:
            `new` with other weights, slots and averages.
        """
        hyper = {**state.hyper, "step": updates}
        hyper["learning_rate"] = self.optimizer.rate(state.step, state.hyper["learning_rate"])
        # What has a rate of 0 is kept from the optimizer as if it were frozen: its slots stay, its gradient
        # counts in no common norm.
        params, moving = self._moving(state.weights), self._moving(grads)
        slots = {slot: self._moving(arrays) for slot, arrays in state.slots.items()}
        if gradient_at is not None:

            def moving_gradient_at(params: dict[str, Any]) -> dict[str, Any]:
                return self._moving(gradient_at({**state.weights, **params}))

            slots = self.optimizer.look_around(moving_gradient_at, moving, slots, params)
        prepared = self.optimizer.prepare(moving, params)
        weights, slots = self.optimizer.update(prepared, slots, params, hyper, self.factors)
        for path, constraint in self.constraints.items():
            if path in weights:
                weights = {**weights, path: constraint(weights[path])}
        weights = {**state.weights, **weights}
        slots = {slot: {**arrays, **slots[slot]} for slot, arrays in state.slots.items()}
        averages = state.averages
        if averages is not None:
            weights, averages = self._averaged(weights, averages, updates)
        return dataclasses.replace(new, weights=weights, slots=slots, averages=averages)

    def _moving(self, arrays: dict[str, Any]) -> dict[str, Any]:
        return {path: array for path, array in arrays.items() if path not in self.still}

    def _averaged(
        self, weights: dict[str, Any], averages: dict[str, Any], updates: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        every = self.optimizer.ema_overwrite_frequency
        # The first update starts the average, as in Keras.
        momentum = jnp.where(updates == 0, 0.0, self.optimizer.ema_momentum)
        averages = {
            path: average
            + (weights[path].astype(average.dtype) - average) * (1 - momentum).astype(average.dtype)
            for path, average in averages.items()
        }
        if every is not None:
            due = (updates + 1) % every == 0
            weights = {
                path: jnp.where(due, averages[path].astype(value.dtype), value)
                for path, value in weights.items()
            }
        return weights, averages


def wide_type(dtype: Any) -> np.dtype[Any]:
    """Returns the type for sums and averages over many steps: in 16 bits these would stop moving.

    Example:
        >>> wide_type(jnp.bfloat16).name, wide_type("float64").name
        ('float32', 'float64')
    """
    kind = np.dtype(dtype)
    return kind if kind.itemsize > 4 else np.dtype("float32")
