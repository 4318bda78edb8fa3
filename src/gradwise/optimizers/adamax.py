"""Adamax."""

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


@register("optimizers.Adamax")
class Adamax(Optimizer):
    """Follows a moving average of gradients over their greatest recent size.

    m ← β₁ m + (1 - β₁) g, u ← max(β₂ u, |g|); at update t = 1, 2, … the step is η m / ((1 - β₁ᵗ) (u + ε)):
    Kingma and Ba, 2014, arXiv 1412.6980, algorithm 2. PyTorch has max(β₂ u, |g| + ε) without ε below.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_1: β₁, from 0 up to but not including 1.
        beta_2: β₂, from 0 up to but not including 1.
        epsilon: ε, at least 0.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Adamax(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = number("Adamax", "beta_1", beta_1, below=1.0)
        self.beta_2 = number("Adamax", "beta_2", beta_2, below=1.0)
        self.epsilon = number("Adamax", "epsilon", epsilon)

    def slot_values(self) -> dict[str, float]:
        """Returns the first moment and the greatest recent gradient."""
        return {"first_moment": 0.0, "greatest": 0.0}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the corrected learning rate, 1 - β₁, β₂ and ε."""
        numbers = super().shared(hyper, dtype)
        beta_1 = self.setting(hyper, "beta_1", dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        return numbers | {
            "alpha": numbers["rate"] / (1 - jnp.power(beta_1, time)),
            "rest_1": 1 - beta_1,
            "beta_2": self.setting(hyper, "beta_2", dtype),
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step along the first moment."""
        first = slots["first_moment"] + (gradient - slots["first_moment"]) * shared["rest_1"]
        greatest = jnp.maximum(shared["beta_2"] * slots["greatest"], jnp.abs(gradient))
        step = shared["alpha"] * first / (greatest + shared["epsilon"])
        return value - step, {"first_moment": first, "greatest": greatest}
