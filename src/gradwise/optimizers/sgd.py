"""Stochastic gradient descent, with momentum in both forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.SGD")
class SGD(Optimizer):
    """Goes against the gradient: w ← w - η g.

    With momentum μ it keeps a velocity, v ← μ v - η g (Polyak, 1964), and w ← w + v. With `nesterov` it looks
    ahead, w ← w + μ v - η g (Nesterov, 1983; in this form Sutskever et al., 2013). PyTorch's velocity lacks
    the factor η, which differs when η changes.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        momentum: μ, from 0 up to but not including 1.
        nesterov: Whether to look ahead; without momentum it changes nothing.
        decay: Divides η by 1 + decay · step before each update.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range, or `decay` meets a schedule.

    Example:
        >>> optimizer = SGD(learning_rate=0.1, momentum=0.9)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([5.0])}, optimizer.init(params), params, hyper)
        >>> params["w"].tolist(), slots["velocity"]["w"].tolist()
        ([0.5], [-0.5])
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        decay: float = 0.0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = number("SGD", "momentum", momentum, below=1.0)
        self.nesterov = nesterov
        self.decay = number("SGD", "decay", decay)
        if self.decay and isinstance(learning_rate, LearningRateSchedule):
            raise InputError(
                "SGD",
                expected="either a schedule or decay",
                got="both",
                fix="Leave decay out and use schedules.InverseTimeDecay if the rate is to fall that way.",
            )

    def rate(self, step: jax.Array | int, base: jax.Array | float) -> jax.Array:
        """Returns the learning rate of one update: base / (1 + decay · step), or the schedule's.

        Args:
            step: int32[]. How many updates there were before this one.
            base: float[]. The number in the optimizer's place for it; ignored if there is a schedule.

        Returns:
            float[] of the type of `base` (float32 if that is a Python number).

        Example:
            >>> float(SGD(decay=0.5).rate(2, 1.0))
            0.5
        """
        rate = super().rate(step, base)
        if not self.decay or isinstance(self.learning_rate, LearningRateSchedule):
            return rate
        return rate / (1 + self.decay * jnp.asarray(step).astype(rate.dtype))

    def slot_values(self) -> dict[str, float]:
        """Returns the velocity, if there is momentum."""
        return {"velocity": 0.0} if self.momentum else {}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate and the momentum."""
        return super().shared(hyper, dtype) | {"momentum": momentum_setting(self, hyper, dtype)}

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step down, or along the velocity."""
        downhill = shared["rate"] * gradient
        if "velocity" not in slots:
            return value - downhill, slots
        velocity = shared["momentum"] * slots["velocity"] - downhill
        step = shared["momentum"] * velocity - downhill if self.nesterov else velocity
        return value + step, {"velocity": velocity}


def momentum_setting(optimizer: Optimizer, hyper: Mapping[str, Any], dtype: Any) -> Any:
    """Returns the momentum to use; see `Optimizer.setting`.

    Args:
        optimizer: One with a setting of that name, which keeps a velocity unless it is 0.
        hyper: As given to `Optimizer.update`.
        dtype: The type for a number from `hyper`.

    Returns:
        The momentum.

    Raises:
        InputError: It comes from `hyper`, but no velocity is kept.

    Example:
        >>> momentum_setting(SGD(momentum=0.9), {}, "float32")
        0.9
    """
    momentum = optimizer.setting(hyper, "momentum", dtype)
    if "momentum" in hyper and "velocity" not in optimizer.slot_values():
        name = type(optimizer).__name__
        raise InputError(
            f"{name}.update",
            expected="an optimizer that keeps a velocity",
            got="a momentum in hyper, but 0 in the optimizer",
            fix=f"Build it with a momentum, for example {name}(momentum=0.9).",
        )
    return momentum
