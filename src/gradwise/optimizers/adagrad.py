"""Adagrad, with the sum and with the mean of squared gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number, optional_number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.Adagrad")
class Adagrad(Optimizer):
    """Divides each gradient by the root of what its squares have come to: rare features get longer steps.

    With G the sum of squared gradients so far, this one included, and of the initial accumulator:

    - form "sum": w ← w - η g / √(G + ε), Duchi et al., 2011 ("Adaptive Subgradient Methods for Online
      Learning and Stochastic Optimization"), and Keras. Steps shrink as gradients add up.
    - form "mean": w ← w - η g / (σ + ε) with σ = √(G / t) at update t = 1, 2, …, the root mean square of
      the gradients, as H.-y. Lee's machine learning lectures teach it. Steps do not shrink by themselves;
      with η / √t it equals "sum".

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        initial_accumulator_value: Where G starts, at least 0; None means 0.1 for "sum", 0 for "mean".
        epsilon: ε, at least 0.
        form: "sum" or "mean".
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range, or there is no such form.

    Example:
        >>> optimizer = Adagrad(learning_rate=0.1, form="mean")
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([1.8])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float | None = None,
        epsilon: float = 1e-7,
        form: str = "sum",
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        if form not in ("sum", "mean"):
            raise InputError(
                "Adagrad",
                expected="form as 'sum' or 'mean'",
                got=repr(form),
                fix="'sum' is Keras' Adagrad, 'mean' divides by the root mean square.",
            )
        start = optional_number("Adagrad", "initial_accumulator_value", initial_accumulator_value)
        self.initial_accumulator_value = {"sum": 0.1, "mean": 0.0}[form] if start is None else start
        self.epsilon = number("Adagrad", "epsilon", epsilon)
        self.form = form

    def slot_values(self) -> dict[str, float]:
        """Returns the sum of squared gradients."""
        return {"accumulator": self.initial_accumulator_value}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate, ε, and for the form "mean" the number of gradients so far."""
        numbers = super().shared(hyper, dtype) | {"epsilon": self.setting(hyper, "epsilon", dtype)}
        if self.form == "mean":
            numbers["count"] = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        return numbers

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step of the gradient over its history."""
        accumulator = slots["accumulator"] + jnp.square(gradient)
        if self.form == "mean":
            divisor = jnp.sqrt(accumulator / shared["count"]) + shared["epsilon"]
        else:
            divisor = jnp.sqrt(accumulator + shared["epsilon"])
        return value - shared["rate"] * gradient / divisor, {"accumulator": accumulator}
