"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.optimizers.sgd import momentum_setting
from gradwise.registry import register


@register("optimizers.RMSprop")
class RMSprop(Optimizer):
    """Divides each gradient by the root of a moving average of its squares: w ← w - η g / √(r + ε).

    r ← ρ r + (1 - ρ) g² (Hinton, 2012, lecture 6e of "Neural Networks for Machine Learning"). ε stands inside
    the root, as in Keras; PyTorch adds it outside.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        rho: ρ, from 0 up to but not including 1.
        momentum: μ, from 0 up to but not including 1: steps add up in a velocity, v ← μ v + step.
        epsilon: ε, at least 0.
        centered: Takes the square of the mean gradient off r, which leaves the variance (Graves, 2013,
            arXiv 1308.0850, equation 40).
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = RMSprop(learning_rate=0.1, rho=0.75)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4), slots["mean_square"]["w"].tolist()
        (0.8, [4.0])
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = number("RMSprop", "rho", rho, below=1.0)
        self.momentum = number("RMSprop", "momentum", momentum, below=1.0)
        self.epsilon = number("RMSprop", "epsilon", epsilon)
        self.centered = centered

    def slot_values(self) -> dict[str, float]:
        """Returns the mean square, the velocity if there is momentum, the mean gradient if centered."""
        slots = {"mean_square": 0.0}
        if self.momentum:
            slots["velocity"] = 0.0
        if self.centered:
            slots["mean_gradient"] = 0.0
        return slots

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, ρ, 1 - ρ, the momentum and ε."""
        rho = self.setting(hyper, "rho", dtype)
        return super().shared(hyper, dtype) | {
            "rho": rho,
            "rest": 1 - rho,
            "momentum": momentum_setting(self, hyper, dtype),
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step of the gradient over its root mean square."""
        mean_square = shared["rho"] * slots["mean_square"] + shared["rest"] * jnp.square(gradient)
        kept = {"mean_square": mean_square}
        spread = mean_square
        if self.centered:
            mean_gradient = shared["rho"] * slots["mean_gradient"] + shared["rest"] * gradient
            kept["mean_gradient"] = mean_gradient
            spread = mean_square - jnp.square(mean_gradient)
        step = shared["rate"] * gradient / jnp.sqrt(spread + shared["epsilon"])
        if "velocity" in slots:
            step = shared["momentum"] * slots["velocity"] + step
            kept["velocity"] = step
        return value - step, kept
