"""AdaSecant, learning rates from how gradients change along the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number, optional_number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register

_DAMPING = 1e-7
_FIRST_MEMORY, _OUTLIER_MEMORY, _LEAST_MEMORY, _GREATEST_MEMORY = 2.1, 2.2, 1.5, 1e8
_AVERAGES = (
    "mean_gradient",
    "mean_square",
    "correction_top",
    "correction_bottom",
    "previous",
    "previous_corrected",
    "mean_change",
    "mean_square_change",
    "mean_product",
    "mean_step",
    "mean_square_step",
)


@register("optimizers.AdaSecant")
class AdaSecant(Optimizer):
    """Estimates each number's rate from secants: sizes of steps over changes of gradients.

    Gulcehre and Bengio, 2014, arXiv 1412.7419, algorithm 1. The gradient of each weight array is divided by
    its norm, so that the scale of the loss does not matter. With g this gradient, g₋ the one before, the
    change α = g - g₋ and the step Δ, and averages E that weigh the newest by 1/τ:

    - variance reduction: g̃ = (g + γ E[g]) / (1 + γ), γ = √(E[((g - g̃₋) (g̃₋ - E[g]))²] /
      E[((E[g] - g) (g̃₋ - E[g]))²]), at most `gamma_clip`; E[g] and E[g²] weigh the past by `decay`,
    - rate η = √E[Δ²] / √E[α²] - E[α Δ] / E[α²], and Δ = -η g̃, w ← w + Δ,
    - memory τ ← (1 - E[Δ]² / E[Δ²]) τ + 1, from 1.5 to 1e8; 2.2 after an outlier: a g or α more than two
      standard deviations off its mean.

    Where the paper leaves a choice this follows the authors' program: γ from root mean squares, hence never
    negative; E[α Δ] of the step before, joining the change and the step of the same update; all averages
    from 0, the first E[Δ] and E[Δ²] being g and g². γ uses the averages of this update, where their program
    takes those before it. The variance reduction does not always help: on a quadratic with much noise
    (a standard deviation of 3 at a distance of 1) runs without it (`gamma_clip=0`) ended nearer.

    Args:
        learning_rate: A factor of all steps, at least 0, or a schedule of it; 1 is the method's own.
        decay: How much of E[g] and E[g²] remains at each update, from 0 up to but not including 1.
        gamma_clip: The greatest γ, at least 0; 0 switches the variance reduction off.
        start_var_reduction: After how many updates the variance reduction begins.
        delta_clip: If set, the greatest rate η.
        use_adagrad: Whether steps are divided by max(1, √Σ g̃²), which makes them shrink in the end (the
            paper's section on convergence).
        epsilon: What is added to mean squares below roots and fractions, above 0.
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = AdaSecant()
        >>> params, slots = {"w": jnp.array([3.0, 4.0])}, None
        >>> slots = optimizer.init(params)
        >>> for step in range(100):
        ...     grads = {"w": 1e6 * params["w"]}
        ...     params, slots = optimizer.update(grads, slots, params, {"learning_rate": 1.0, "step": step})
        >>> bool(jnp.linalg.norm(params["w"]) < 1.0)
        True
    """

    _separable = False

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 1.0,
        decay: float = 0.95,
        gamma_clip: float = 1.8,
        start_var_reduction: int = 0,
        delta_clip: float | None = None,
        use_adagrad: bool = False,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.decay = number("AdaSecant", "decay", decay, below=1.0)
        self.gamma_clip = number("AdaSecant", "gamma_clip", gamma_clip)
        self.start_var_reduction = int(number("AdaSecant", "start_var_reduction", start_var_reduction))
        self.delta_clip = optional_number("AdaSecant", "delta_clip", delta_clip, above=0)
        self.use_adagrad = bool(use_adagrad)
        self.epsilon = number("AdaSecant", "epsilon", epsilon, above=0)

    def slot_values(self) -> dict[str, float]:
        """Returns the averages, the memory, and the sum of squares if it is used."""
        slots = dict.fromkeys(_AVERAGES, 0.0) | {"memory": _FIRST_MEMORY}
        return slots | {"sum_of_squares": 0.0} if self.use_adagrad else slots

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the slots, and whether there was an update."""
        return super().init_one(path, value) | {"begun": np.zeros((), np.bool_)}

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the factor of the steps, the greatest γ now, ε, and the decay."""
        clip = self.setting(hyper, "gamma_clip", dtype)
        reduces = jnp.asarray(hyper["step"]) >= self.start_var_reduction
        decay = self.setting(hyper, "decay", dtype)
        return super().shared(hyper, dtype) | {
            "gamma_clip": jnp.where(reduces, clip, 0.0).astype(dtype),
            "decay": decay,
            "rest": 1 - decay,
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step at the rate the secants say."""
        wide = gradient if gradient.dtype == jnp.float64 else gradient.astype(jnp.float32)
        gradient = (wide / (jnp.sqrt(jnp.sum(jnp.square(wide))) + _DAMPING)).astype(value.dtype)
        memory, epsilon = slots["memory"], shared["epsilon"]

        def averaged(name: str, sample: jax.Array) -> jax.Array:
            return slots[name] + (sample - slots[name]) / memory

        mean = shared["decay"] * slots["mean_gradient"] + shared["rest"] * gradient
        square = shared["decay"] * slots["mean_square"] + shared["rest"] * jnp.square(gradient)
        corrected, top, bottom = _with_less_variance(gradient, mean, averaged, slots, shared)
        change = gradient - slots["previous"]
        mean_change = averaged("mean_change", change)
        mean_square_change = averaged("mean_square_change", jnp.square(change))
        mean_step = jnp.where(slots["begun"], slots["mean_step"], gradient)
        mean_square_step = jnp.where(slots["begun"], slots["mean_square_step"], jnp.square(gradient))

        power = mean_square_change + epsilon
        rate = jnp.sqrt(mean_square_step + epsilon) / jnp.sqrt(power) - slots["mean_product"] / power
        if self.delta_clip is not None:
            rate = jnp.clip(rate, -self.delta_clip, self.delta_clip)
        step = -shared["rate"] * rate * corrected
        kept = {
            "mean_gradient": mean,
            "mean_square": square,
            "correction_top": top,
            "correction_bottom": bottom,
            "previous": gradient,
            "previous_corrected": corrected,
            "mean_change": mean_change,
            "mean_square_change": mean_square_change,
            "begun": jnp.ones_like(slots["begun"]),
        }
        if self.use_adagrad:
            kept["sum_of_squares"] = slots["sum_of_squares"] + jnp.square(corrected)
            step = step / jnp.maximum(1, jnp.sqrt(kept["sum_of_squares"]))
        kept["mean_product"] = averaged("mean_product", step * change)
        kept["mean_step"] = mean_step + (step - mean_step) / memory
        kept["mean_square_step"] = mean_square_step + (jnp.square(step) - mean_square_step) / memory
        forgetting = 1 - jnp.square(mean_step) / (mean_square_step + epsilon)
        outlying = jnp.logical_or(
            _is_outlier(gradient, mean, square), _is_outlier(change, mean_change, mean_square_change)
        )
        longer = jnp.where(outlying, _OUTLIER_MEMORY, forgetting * memory + 1)
        kept["memory"] = jnp.clip(longer, _LEAST_MEMORY, _GREATEST_MEMORY).astype(value.dtype)
        return value + step, kept


def _with_less_variance(
    gradient: jax.Array, mean: jax.Array, averaged: Any, slots: Arrays, shared: dict[str, Any]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the gradient drawn towards its mean, and the two averages that say how far."""
    before = slots["previous_corrected"]
    top = averaged("correction_top", jnp.square((gradient - before) * (before - mean)))
    bottom = averaged("correction_bottom", jnp.square((mean - gradient) * (before - mean)))
    gamma = jnp.minimum(jnp.sqrt(top) / jnp.sqrt(bottom + shared["epsilon"]), shared["gamma_clip"])
    return (gradient + gamma * mean) / (1 + gamma), top, bottom


def _is_outlier(sample: jax.Array, mean: jax.Array, square: jax.Array) -> jax.Array:
    variance = jnp.maximum(square - jnp.square(mean), 0)
    return jnp.abs(sample - mean) > 2 * jnp.sqrt(variance)
