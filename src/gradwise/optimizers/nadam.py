"""Nadam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register

# How fast the momentum rises to its full value: Dozat's constant.
_WARMING = 0.96


@register("optimizers.Nadam")
class Nadam(Optimizer):
    """Is Adam that looks ahead as Nesterov's momentum does.

    With μₜ = β₁ (1 - 0.96ᵗ / 2) and Πₜ = μ₁ ⋯ μₜ, and Adam's moments m and v, the step at update t = 1, 2, …
    is η m̂ / (√(v / (1 - β₂ᵗ)) + ε) with m̂ = μₜ₊₁ m / (1 - Πₜ₊₁) + (1 - μₜ) g / (1 - Πₜ): Dozat, 2015,
    "Incorporating Nesterov Momentum into Adam", with the momentum warming up as there.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_1: β₁, from 0 up to but not including 1.
        beta_2: β₂, from 0 up to but not including 1.
        epsilon: ε, at least 0.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Nadam(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.8937
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
        self.beta_1 = number("Nadam", "beta_1", beta_1, below=1.0)
        self.beta_2 = number("Nadam", "beta_2", beta_2, below=1.0)
        self.epsilon = number("Nadam", "epsilon", epsilon)

    def slot_values(self) -> dict[str, float]:
        """Returns the two moments."""
        return {"first_moment": 0.0, "second_moment": 0.0}

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the moments and the product Π of all momenta so far, a single number."""
        # In 16 bits the product would soon be off: its factors differ in the third digit.
        wide = np.float64 if value.dtype == np.float64 else np.float32
        return super().init_one(path, value) | {"momentum_product": np.ones((), wide)}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, this and the next momentum, the correction of v, and ε."""
        beta_1 = self.setting(hyper, "beta_1", dtype)
        beta_2 = self.setting(hyper, "beta_2", dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        return super().shared(hyper, dtype) | {
            "momentum": beta_1 * (1 - 0.5 * jnp.power(_WARMING, time)),
            "next_momentum": beta_1 * (1 - 0.5 * jnp.power(_WARMING, time + 1)),
            "rest_1": 1 - beta_1,
            "rest_2": 1 - beta_2,
            "correction": 1 - jnp.power(beta_2, time),
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step along the gradient and the first moment."""
        first = slots["first_moment"] + (gradient - slots["first_moment"]) * shared["rest_1"]
        second = slots["second_moment"] + (jnp.square(gradient) - slots["second_moment"]) * shared["rest_2"]
        product = slots["momentum_product"] * shared["momentum"].astype(slots["momentum_product"].dtype)
        after = product * shared["next_momentum"].astype(product.dtype)
        ahead = (shared["next_momentum"] / (1 - after).astype(value.dtype)) * first + (
            (1 - shared["momentum"]) / (1 - product).astype(value.dtype)
        ) * gradient
        step = ahead * shared["rate"] / (jnp.sqrt(second / shared["correction"]) + shared["epsilon"])
        kept = {"first_moment": first, "second_moment": second, "momentum_product": product}
        return value - step, kept
