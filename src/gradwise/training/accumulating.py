"""Gradient accumulation: several batches that act as one, exactly.

The loss of joined batches is a quotient of sums, not a mean of means: of numerators over denominators for
each portion of the loss (`Objective.measure`). So the sums of amount · gradient and of amounts are kept for
each portion, and divided when the update is due. Usually there is one portion: one array a weight.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gradwise.ops.weighting import safe_divide
from gradwise.optimizers import Optimizer
from gradwise.training.change import wide_type
from gradwise.training.objective import Portion
from gradwise.training.state import TrainState


def steps_of(optimizer: Optimizer) -> int:
    """Returns how many batches make one update.

    Example:
        >>> from gradwise.optimizers import SGD
        >>> steps_of(SGD(gradient_accumulation_steps=4)), steps_of(SGD())
        (4, 1)
    """
    return optimizer.gradient_accumulation_steps or 1


def start(portions: Mapping[str, Any], weights: Mapping[str, Any]) -> dict[str, Any]:
    """Returns sums of nothing, on the host.

    Args:
        portions: The portions of a loss, or their shapes.
        weights: The parameters by their place.

    Returns:
        For each portion the sums of gradients by place, and the amounts.
    """
    return {
        "grads": {
            name: {path: np.zeros(value.shape, wide_type(value.dtype)) for path, value in weights.items()}
            for name in portions
        },
        "amounts": {
            name: np.zeros((), portion.amount.dtype)
            for name, portion in portions.items()
            if portion.amount is not None
        },
    }


def add(
    portions_of: Callable[[dict[str, Any]], tuple[dict[str, Portion], Any]],
    weights: dict[str, Any],
    sums: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Adds the gradients of one batch.

    Args:
        portions_of: A function of the weights that returns the portions of the loss and what else it knows.
        weights: The parameters by their place.
        sums: From `start` or the batch before.

    Returns:
        The gradient of this batch alone, the new sums, and what else `portions_of` knows.
    """

    def losses_of(weights: dict[str, Any]) -> tuple[Any, Any]:
        portions, aux = portions_of(weights)
        losses = {name: portion.loss for name, portion in portions.items()}
        amounts = {name: portion.amount for name, portion in portions.items()}
        return losses, ({name: item for name, item in amounts.items() if item is not None}, aux)

    losses, pull, (amounts, aux) = jax.vjp(losses_of, weights, has_aux=True)
    grads = {}
    for name in losses:
        chosen = {other: jnp.full_like(loss, other == name) for other, loss in losses.items()}
        grads[name] = pull(chosen)[0]
    one = {
        path: sum((parts[path] for parts in list(grads.values())[1:]), next(iter(grads.values()))[path])
        for path in weights
    }
    new = {
        "grads": {
            name: {
                path: total + parts[path].astype(total.dtype) * _amount(amounts, name, total.dtype)
                for path, total in sums["grads"][name].items()
            }
            for name, parts in grads.items()
        },
        "amounts": {name: total + amounts[name] for name, total in sums["amounts"].items()},
    }
    return one, new, aux


def apply_when_full(
    change: Callable[..., TrainState], steps: int, sums: dict[str, Any], state: TrainState, new: TrainState
) -> TrainState:
    """Makes the update after every so many batches; else only keeps the sums.

    Args:
        change: Makes an update: change(state, new, gradients, updates so far).
        steps: After how many batches.
        sums: From `add`.
        state: Where training stood before the batch.
        new: What the forward pass has made of it.

    Returns:
        The state after the batch.
    """

    def update() -> TrainState:
        grads = {
            path: sum(
                (_divided(parts[path], sums["amounts"].get(name)) for name, parts in sums["grads"].items()),
                jnp.zeros(value.shape, wide_type(value.dtype)),
            ).astype(value.dtype)
            for path, value in state.weights.items()
        }
        changed = change(state, new, grads, state.step // steps)
        return dataclasses.replace(changed, accumulated=jax.tree.map(jnp.zeros_like, sums))

    def wait() -> TrainState:
        return dataclasses.replace(new, accumulated=sums)

    return lax.cond((state.step + 1) % steps == 0, update, wait)  # type: ignore[no-any-return]


def _amount(amounts: Mapping[str, Any], name: str, dtype: Any) -> Any:
    return amounts[name].astype(dtype) if name in amounts else jnp.ones((), dtype)


def _divided(total: Any, amount: Any) -> Any:
    return total if amount is None else safe_divide(total, amount.astype(total.dtype))
