"""Adafactor."""

from __future__ import annotations

import math
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


@register("optimizers.Adafactor")
class Adafactor(Optimizer):
    """Keeps of a matrix's squared gradients only the means of rows and columns: memory for large models.

    At update t = 1, 2, …, with β = 1 - t^decay, the means of g² + ε₁ over rows and columns go into moving
    averages r and c; for each place v = r c / mean(r). The step is α u / max(1, rms(u) / d) with u = g / √v
    and α = max(ε₂, rms(w)) min(η, 1 / √t). Vectors keep v itself: Shazeer and Stern, 2018, arXiv
    1804.04235, algorithms 4 and 5. Arrays of more axes are taken as stacks of matrices over their last two.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        beta_2_decay: The exponent of t, below 0.
        epsilon_1: ε₁, at least 0.
        epsilon_2: ε₂, at least 0: the least size that weights are taken to have.
        clip_threshold: d, above 0.
        relative_step: Whether the rate is at most 1 / √t. False leaves η as it is; Keras holds it below
            1 / √t all the same.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Adafactor(learning_rate=0.1)
        >>> params, hyper = {"w": jnp.array([1.0])}, {"learning_rate": 0.1, "step": 0}
        >>> params, slots = optimizer.update({"w": jnp.array([4.0])}, optimizer.init(params), params, hyper)
        >>> round(float(params["w"][0]), 4)
        0.9
    """

    _separable = False

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay = number("Adafactor", "beta_2_decay", beta_2_decay, low=-math.inf, below=0.0)
        self.epsilon_1 = number("Adafactor", "epsilon_1", epsilon_1)
        self.epsilon_2 = number("Adafactor", "epsilon_2", epsilon_2)
        self.clip_threshold = number("Adafactor", "clip_threshold", clip_threshold, above=0)
        self.relative_step = bool(relative_step)

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the means over rows and columns, or for vectors the mean squares."""
        if value.ndim < 2:
            return {"mean_square": np.zeros(value.shape, value.dtype)}
        return {
            "rows": np.zeros(value.shape[:-1], value.dtype),
            "columns": np.zeros((*value.shape[:-2], value.shape[-1]), value.dtype),
        }

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate of this update, β, ε₁, ε₂ and d."""
        numbers = super().shared(hyper, dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        rest = jnp.power(time, self.setting(hyper, "beta_2_decay", dtype))
        step = jnp.minimum(numbers["rate"], 1 / jnp.sqrt(time)) if self.relative_step else numbers["rate"]
        return numbers | {
            "step": step,
            "beta_2": 1 - rest,
            "rest_2": rest,
            "epsilon": self.setting(hyper, "epsilon_1", dtype),
            "epsilon_2": self.setting(hyper, "epsilon_2", dtype),
            "clip_threshold": self.setting(hyper, "clip_threshold", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step of the gradient over the roots of what is kept of its squares."""
        beta, rest = shared["beta_2"], shared["rest_2"]
        square = jnp.square(gradient) + shared["epsilon"]
        if "mean_square" in slots:
            spread = beta * slots["mean_square"] + rest * square
            kept = {"mean_square": spread}
        else:
            rows = beta * slots["rows"] + rest * jnp.mean(square, axis=-1)
            columns = beta * slots["columns"] + rest * jnp.mean(square, axis=-2)
            shares = rows / jnp.mean(rows, axis=-1, keepdims=True)
            spread = shares[..., :, None] * columns[..., None, :]
            kept = {"rows": rows, "columns": columns}
        step = gradient / jnp.sqrt(spread)
        step = step / jnp.maximum(1.0, _root_mean_square(step) / shared["clip_threshold"])
        size = jnp.maximum(shared["epsilon_2"], _root_mean_square(value)) * shared["step"]
        return value - size * step, kept


def _root_mean_square(array: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.mean(jnp.square(array)))
