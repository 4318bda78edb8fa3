"""Adadelta."""

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


@register("optimizers.Adadelta")
class Adadelta(Optimizer):
    """Gives each step the unit of the weight: w ← w - η g √(d + ε) / √(r + ε).

    r ← ρ r + (1 - ρ) g² averages squared gradients, d ← ρ d + (1 - ρ) s² the squared steps s = g √(d + ε) /
    √(r + ε) before η: Zeiler, 2012, arXiv 1212.5701, algorithm 1, which has η = 1.

    Args:
        learning_rate: η, a number of at least 0 or a schedule. Keras' 0.001 is far below the paper's 1.
        rho: ρ, from 0 up to but not including 1.
        epsilon: ε, at least 0. With 0 nothing ever moves.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Adadelta(learning_rate=1.0, epsilon=1e-2)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9556
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = number("Adadelta", "rho", rho, below=1.0)
        self.epsilon = number("Adadelta", "epsilon", epsilon)

    def slot_values(self) -> dict[str, float]:
        """Returns the mean squares of gradients and of steps."""
        return {"mean_square": 0.0, "mean_square_step": 0.0}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, ρ, 1 - ρ and ε."""
        rho = self.setting(hyper, "rho", dtype)
        return super().shared(hyper, dtype) | {
            "rho": rho,
            "rest": 1 - rho,
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step of the gradient in the unit of the steps before."""
        mean_square = shared["rho"] * slots["mean_square"] + shared["rest"] * jnp.square(gradient)
        step = (
            gradient
            * jnp.sqrt(slots["mean_square_step"] + shared["epsilon"])
            / jnp.sqrt(mean_square + shared["epsilon"])
        )
        steps = shared["rho"] * slots["mean_square_step"] + shared["rest"] * jnp.square(step)
        return value - shared["rate"] * step, {"mean_square": mean_square, "mean_square_step": steps}
