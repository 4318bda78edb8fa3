"""LAMB."""

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


@register("optimizers.Lamb")
class Lamb(Optimizer):
    """Is Adam whose step has, for each array, a length in proportion to the array's own: for large batches.

    With Adam's corrected moments r = m̂ / (√v̂ + ε) and w ← w - η (‖w‖ / ‖r‖) r, the ratio being 1 if either
    norm is 0: You et al., 2020, arXiv 1904.00962, algorithm 2 with φ the identity. There weight decay is a
    part of r; here, as in Keras, it comes before.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_1: β₁, from 0 up to but not including 1.
        beta_2: β₂, from 0 up to but not including 1.
        epsilon: ε, at least 0.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Lamb(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9
    """

    _separable = False

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = number("Lamb", "beta_1", beta_1, below=1.0)
        self.beta_2 = number("Lamb", "beta_2", beta_2, below=1.0)
        self.epsilon = number("Lamb", "epsilon", epsilon)

    def slot_values(self) -> dict[str, float]:
        """Returns the two moments."""
        return {"first_moment": 0.0, "second_moment": 0.0}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, 1 - β₁, 1 - β₂, the corrections of the moments, and ε."""
        beta_1 = self.setting(hyper, "beta_1", dtype)
        beta_2 = self.setting(hyper, "beta_2", dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        return super().shared(hyper, dtype) | {
            "rest_1": 1 - beta_1,
            "rest_2": 1 - beta_2,
            "correction_1": 1 - jnp.power(beta_1, time),
            "correction_2": 1 - jnp.power(beta_2, time),
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step along the first moment, as long as the weights say."""
        first = slots["first_moment"] + (gradient - slots["first_moment"]) * shared["rest_1"]
        second = slots["second_moment"] + (jnp.square(gradient) - slots["second_moment"]) * shared["rest_2"]
        spread = jnp.sqrt(second / shared["correction_2"]) + shared["epsilon"]
        step = first / shared["correction_1"] / spread
        own, wanted = _norm(value), _norm(step)
        empty = jnp.logical_or(own == 0, wanted == 0)
        ratio = jnp.where(empty, 1.0, own / jnp.where(empty, 1.0, wanted)).astype(value.dtype)
        kept = {"first_moment": first, "second_moment": second}
        return value - ratio * shared["rate"] * step, kept


def _norm(array: jax.Array) -> jax.Array:
    # A sum of squares soon leaves what 16 bits can hold.
    return jnp.sqrt(jnp.sum(jnp.square(array if array.dtype == jnp.float64 else array.astype(jnp.float32))))
