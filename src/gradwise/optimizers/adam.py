"""Adam, AMSGrad as its option, and AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number
from gradwise.optimizers.options import OptimizerOptions, SharedOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.Adam")
class Adam(Optimizer):
    """Follows a moving average of gradients over the root of one of their squares.

    m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²; at update t = 1, 2, … the step is α m / (√v + ε) with
    α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ), which undoes the start from 0: Kingma and Ba, 2014, arXiv 1412.6980, the
    form at the end of section 2. Their algorithm 1, and PyTorch, add ε after the correction.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_1: β₁, from 0 up to but not including 1.
        beta_2: β₂, from 0 up to but not including 1.
        epsilon: ε, at least 0.
        amsgrad: Divides by the greatest v so far: Reddi et al., 2018, arXiv 1904.09237.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Adam(learning_rate=0.1)
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
        amsgrad: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = number("Adam", "beta_1", beta_1, below=1.0)
        self.beta_2 = number("Adam", "beta_2", beta_2, below=1.0)
        self.epsilon = number("Adam", "epsilon", epsilon)
        self.amsgrad = amsgrad

    def slot_values(self) -> dict[str, float]:
        """Returns the two moments, and with `amsgrad` the greatest second one."""
        slots = {"first_moment": 0.0, "second_moment": 0.0}
        return slots | {"greatest_second_moment": 0.0} if self.amsgrad else slots

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the corrected learning rate α, 1 - β₁, 1 - β₂ and ε."""
        numbers = super().shared(hyper, dtype)
        beta_1 = self.setting(hyper, "beta_1", dtype)
        beta_2 = self.setting(hyper, "beta_2", dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        correction = jnp.sqrt(1 - jnp.power(beta_2, time)) / (1 - jnp.power(beta_1, time))
        return numbers | {
            "alpha": numbers["rate"] * correction,
            "rest_1": 1 - beta_1,
            "rest_2": 1 - beta_2,
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step along the first moment."""
        first, second = slots["first_moment"], slots["second_moment"]
        first = first + (gradient - first) * shared["rest_1"]
        second = second + (jnp.square(gradient) - second) * shared["rest_2"]
        kept = {"first_moment": first, "second_moment": second}
        if self.amsgrad:
            second = jnp.maximum(slots["greatest_second_moment"], second)
            kept["greatest_second_moment"] = second
        return value - first * shared["alpha"] / (jnp.sqrt(second) + shared["epsilon"]), kept


@register("optimizers.AdamW")
class AdamW(Adam):
    """Is Adam with weight decay: Loshchilov and Hutter, 2017, arXiv 1711.05101, algorithm 2.

    Biases and other vectors do not decay unless asked for; see `Optimizer`.

    Args:
        learning_rate: See `Adam`, as for all settings but the next.
        weight_decay: λ, at least 0: each update takes learning_rate · λ · w off a weight w.
        beta_1: See `Adam`.
        beta_2: See `Adam`.
        epsilon: See `Adam`.
        amsgrad: See `Adam`.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
        >>> params, hyper = {"w": jnp.array([[1.0]])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([[4.0]])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0, 0]), 4)
        0.85
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay=number("AdamW", "weight_decay", weight_decay),
            **options,
        )
