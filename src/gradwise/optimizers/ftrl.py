"""FTRL-proximal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.Ftrl")
class Ftrl(Optimizer):
    """Follows the regularised leader: for linear models of many, mostly absent features.

    With g' = g + 2 s w and n ← n + g², n₀ the value before, and p the negative of the power:
    z ← z + g' - (nᵖ - n₀ᵖ) w / η and w ← (clip(z, -λ₁, λ₁) - z) / (nᵖ / η + 2 λ₂ + β / η). Weights whose |z|
    is below λ₁ are exactly 0. McMahan et al., 2013, "Ad Click Prediction", algorithm 1.

    Args:
        learning_rate: η, a number of at least 0 or a schedule. A rate of 0 changes nothing.
        learning_rate_power: -p, at most 0; -0.5 gives steps like Adagrad's.
        initial_accumulator_value: Where n starts, at least 0.
        l1_regularization_strength: λ₁, at least 0.
        l2_regularization_strength: λ₂, at least 0.
        l2_shrinkage_regularization_strength: s, at least 0: penalises size only where gradients are.
        beta: β, at least 0.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Ftrl(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.8215
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.learning_rate_power = number(
            "Ftrl", "learning_rate_power", learning_rate_power, low=-math.inf, high=0.0
        )
        for name, given in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
            ("beta", beta),
        ):
            setattr(self, name, number("Ftrl", name, given))

    def slot_values(self) -> dict[str, float]:
        """Returns n and z."""
        return {"accumulator": self.setting({}, "initial_accumulator_value", None), "linear": 0.0}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate and the regularisation."""
        names = ("l1", "l2", "l2_shrinkage")
        return super().shared(hyper, dtype) | {
            "power": -self.learning_rate_power,
            "beta": self.setting(hyper, "beta", dtype),
            **{name: self.setting(hyper, f"{name}_regularization_strength", dtype) for name in names},
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Goes to the minimum of what all gradients so far say."""
        still = shared["rate"] == 0  # where the formulas divide by 0
        rate = jnp.where(still, jnp.ones_like(shared["rate"]), shared["rate"])
        accumulator = slots["accumulator"] + jnp.square(gradient)
        root = jnp.power(accumulator, shared["power"])
        before = jnp.power(slots["accumulator"], shared["power"])
        pull = gradient + 2 * shared["l2_shrinkage"] * value
        linear = slots["linear"] + pull - (root - before) / rate * value
        curvature = (root + shared["beta"]) / rate + 2 * shared["l2"]
        moved = (jnp.clip(linear, -shared["l1"], shared["l1"]) - linear) / curvature
        new = {"accumulator": accumulator, "linear": linear}
        kept = {slot: jnp.where(still, slots[slot], array) for slot, array in new.items()}
        return jnp.where(still, value, moved), kept
