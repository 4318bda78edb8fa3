"""Lion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.Lion")
class Lion(Optimizer):
    """Steps by the sign of a moving average: w ← w - η sign(β₁ m + (1 - β₁) g), m ← β₂ m + (1 - β₂) g.

    Every number moves by η at every update, so rates are three to ten times smaller than Adam's: Chen et al.,
    2023, arXiv 2302.06675, algorithm 2.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_1: β₁, above 0 and at most 1.
        beta_2: β₂, from 0 up to but not including 1.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Lion(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = number("Lion", "beta_1", beta_1, above=0, high=1.0)
        self.beta_2 = number("Lion", "beta_2", beta_2, below=1.0)

    def slot_values(self) -> dict[str, float]:
        """Returns the momentum."""
        return {"momentum": 0.0}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, β₁, β₂ and what they leave of 1."""
        beta_1 = self.setting(hyper, "beta_1", dtype)
        beta_2 = self.setting(hyper, "beta_2", dtype)
        return super().shared(hyper, dtype) | {
            "beta_1": beta_1,
            "rest_1": 1 - beta_1,
            "beta_2": beta_2,
            "rest_2": 1 - beta_2,
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step of the size of the learning rate."""
        momentum = slots["momentum"]
        direction = jnp.sign(momentum * shared["beta_1"] + gradient * shared["rest_1"])
        momentum = momentum * shared["beta_2"] + gradient * shared["rest_2"]
        return value - shared["rate"] * direction, {"momentum": momentum}
