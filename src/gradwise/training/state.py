"""What changes in training, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """Everything a training step reads and replaces.

    Args:
        step: int32[]. The number of batches trained on so far.
        weights: The trainable parameters by their place in the model.
        state: All other variables by their place: moving averages, frozen parameters.
        slots: The optimizer's memory.
        hyper: Numbers that may change without compiling again: "learning_rate" and others.
        totals: The running totals of the loss and the metrics.
        seed: uint32[]. What every random key of the run derives from.
        accumulated: Sums over the batches since the last update, or None; see `training.accumulating`.
        averages: The moving averages of the parameters by their place, or None.

    Example:
        >>> import dataclasses
        >>> [field.name for field in dataclasses.fields(TrainState)][:3]
        ['step', 'weights', 'state']
    """

    step: Any
    weights: dict[str, Any]
    state: dict[str, Any]
    slots: Any
    hyper: dict[str, Any]
    totals: Any
    seed: Any
    accumulated: Any = None
    averages: Any = None
