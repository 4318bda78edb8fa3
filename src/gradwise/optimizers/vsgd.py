"""vSGD, stochastic gradient descent that sets its learning rates by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.errors import InputError
from gradwise.optimizers.base import Arrays, Optimizer, Slots
from gradwise.optimizers.checks import number, whole_number
from gradwise.optimizers.options import OptimizerOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register

_SCOPES = ("local", "block", "global")


@register("optimizers.VSGD")
class VSGD(Optimizer):
    """Takes the rate that lowers the expected loss most, from noise and curvature it measures on the way.

    Schaul, Zhang and LeCun, 2013, "No More Pesky Learning Rates", arXiv 1206.1106, algorithm 1. Moving
    averages of gradients g, their squares and curvatures h, each with its own memory τ:

    - g̅ ← (1 - 1/τ) g̅ + g/τ, likewise v̄ of g² and h̄ of |h|,
    - rate η = g̅² / (h̄ v̄), which is (1/h) times the share of the gradient that is no noise,
    - τ ← (1 - g̅²/v̄) τ + 1, and w ← w - η g.

    "local" (vSGD-l) does so for each number; "block" (vSGD-b) for each weight array and "global" (vSGD-g) for
    all together, with η = Σ g̅² / (h⁺ l̄), τ ← (1 - Σ g̅² / l̄) τ + 1, l̄ the average of ‖g‖² and h⁺ the
    greatest h̄.

    What is measured here and how: a gradient is that of a batch. The paper gets curvatures by a second
    backward pass ("bbprop"), which layers here do not have; they come from a second gradient of the same
    batch at w + δ, h = |g(w + δ) - g(w)| / |δ| with δ = g̅, as in the sequel (Schaul and LeCun, 2013,
    arXiv 1301.3764, section 4), so that a step costs about twice as much. A δ too small to be told from
    rounding is made √(precision) · max(1, |w|). The first batches only fill the averages: their weights are
    left as they are, then v̄ and h̄ are multiplied by `slow_start`, so that learning begins with care.

    Args:
        learning_rate: A factor of all rates, at least 0, or a schedule of it; 1 is the method's own.
        scope: "local", "block" or "global".
        initial_steps: How many batches fill the averages, at least 1.
        slow_start: C, above 0; the authors' code has 2, the paper a tenth of the number of weights.
        epsilon: The least curvature, above 0; a flat place would have an endless rate.
        options: The settings of every optimizer; see `Optimizer`. Accumulation is not possible.

    Raises:
        InputError: A setting is out of range, there is no such scope, or accumulation is asked for.

    Example:
        >>> optimizer = VSGD(initial_steps=1, slow_start=1.0)
        >>> params = {"w": jnp.array([1.0])}
        >>> gradient = lambda params: {"w": 4 * params["w"]}  # of 2 w², without noise
        >>> slots = optimizer.init(params)
        >>> for step in range(2):
        ...     grads = gradient(params)
        ...     slots = optimizer.look_around(gradient, grads, slots, params)
        ...     params, slots = optimizer.update(grads, slots, params, {"learning_rate": 1.0, "step": step})
        >>> params["w"].tolist()
        [0.0]
    """

    _separable = False

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 1.0,
        scope: str = "local",
        initial_steps: int = 10,
        slow_start: float = 2.0,
        epsilon: float = 1e-5,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        if scope not in _SCOPES:
            raise InputError(
                "VSGD",
                expected="scope as 'local', 'block' or 'global'",
                got=repr(scope),
                fix="'local' has a rate for each number, 'block' for each array, 'global' one for all.",
            )
        if self.gradient_accumulation_steps is not None:
            raise InputError(
                "VSGD",
                expected="a step for every batch",
                got=f"gradient_accumulation_steps={self.gradient_accumulation_steps}",
                fix="Use larger batches: the curvature is measured on one batch.",
            )
        self.scope = scope
        self.initial_steps = whole_number("VSGD", "initial_steps", initial_steps)
        self.slow_start = number("VSGD", "slow_start", slow_start, above=0)
        self.epsilon = number("VSGD", "epsilon", epsilon, above=0)

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the averages, the memory, and how many batches were seen."""
        own = value.shape if self.scope == "local" else ()
        wide = np.float64 if value.dtype == np.float64 else np.float32
        return {
            "mean_gradient": np.zeros(value.shape, value.dtype),
            "mean_square": np.zeros(own, value.dtype if own else wide),
            "curvature": np.zeros(value.shape, value.dtype),
            "memory": np.full(own, self.initial_steps, value.dtype if own else wide),
            "seen": np.zeros((), np.int32),
        }

    def look_around(
        self, gradient_at: Callable[[Arrays], Arrays], grads: Arrays, slots: Slots, params: Arrays
    ) -> Slots:
        """Averages the curvatures, from a second gradient of the batch."""
        shifts = {
            path: _shift(slots["mean_gradient"][path], grads[path], value) for path, value in params.items()
        }
        shifted = gradient_at({path: value + shifts[path] for path, value in params.items()})
        curvature = {}
        for path, shift in shifts.items():
            sample = jnp.abs((shifted[path] - grads[path]).astype(shift.dtype) / shift)
            curvature[path] = self._averaged(slots, path, "curvature", sample)
        return {**slots, "curvature": curvature}

    def _averaged(self, slots: Slots, path: str, name: str, sample: jax.Array) -> jax.Array:
        """Takes one sample into an average: as one of equals at first, then with the weight 1/τ."""
        seen, old = slots["seen"][path], slots[name][path]
        memory = slots["memory"][path]
        memory = jnp.where(seen < self.initial_steps, (seen + 1).astype(memory.dtype), memory)
        average = old + (sample.astype(old.dtype) - old) / memory.astype(old.dtype)
        if name == "mean_gradient":
            return average
        return jnp.where(seen + 1 == self.initial_steps, average * self.slow_start, average)

    def update(
        self,
        grads: Arrays,
        slots: Slots,
        params: Arrays,
        hyper: Mapping[str, Any],
        factors: Mapping[str, float] | None = None,
    ) -> tuple[Arrays, Slots]:
        """Averages the gradients and their squares, then makes the step; see `Optimizer.update`."""
        squares = {path: jnp.square(grad) for path, grad in grads.items()}
        if self.scope != "local":
            squares = {path: _sum(square) for path, square in squares.items()}
        slots = {
            **slots,
            "mean_gradient": {
                path: self._averaged(slots, path, "mean_gradient", grad) for path, grad in grads.items()
            },
            "mean_square": {
                path: self._averaged(slots, path, "mean_square", square) for path, square in squares.items()
            },
        }
        if self.scope == "global":
            signals = [_sum(jnp.square(mean)) for mean in slots["mean_gradient"].values()]
            greatest = [jnp.max(curvature) for curvature in slots["curvature"].values()]
            hyper = {
                **hyper,
                "signal": sum(signals[1:], signals[0]),
                "power": sum(slots["mean_square"].values()),
                "curvature": jnp.max(jnp.stack([item.astype(signals[0].dtype) for item in greatest])),
            }
        return super().update(grads, slots, params, hyper, factors)

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the factor of the rates, the least curvature, and for "global" what is common to all."""
        common = {name: hyper[name] for name in ("signal", "power", "curvature") if name in hyper}
        return super().shared(hyper, dtype) | {"least_curvature": self.epsilon} | common

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step at the rate the averages say."""
        if self.scope == "global":
            signal, power, curvature = shared["signal"], shared["power"], shared["curvature"]
        elif self.scope == "block":
            signal, power = _sum(jnp.square(slots["mean_gradient"])), slots["mean_square"]
            curvature = jnp.max(slots["curvature"])
        else:
            signal, power = jnp.square(slots["mean_gradient"]), slots["mean_square"]
            curvature = slots["curvature"]
        memory = slots["memory"]
        # Without any gradient so far, nothing is known and nothing moves.
        clear = jnp.where(power > 0, signal / jnp.where(power > 0, power, 1), 0).astype(memory.dtype)
        bent = jnp.maximum(curvature.astype(value.dtype), shared["least_curvature"])
        rate = clear.astype(value.dtype) / bent
        learning = slots["seen"] >= self.initial_steps
        kept = {
            **slots,
            "memory": jnp.where(learning, (1 - clear) * memory + 1, memory),
            "seen": jnp.minimum(slots["seen"] + 1, self.initial_steps),
        }
        return jnp.where(learning, value - shared["rate"] * rate * gradient, value), kept


def _shift(mean: jax.Array, gradient: jax.Array, value: jax.Array) -> jax.Array:
    """Returns how far to go for a difference of gradients: along the mean gradient, and far enough."""
    shift = jnp.where(mean == 0, gradient.astype(mean.dtype), mean)
    rounding = float(jnp.finfo(value.dtype).eps) ** 0.5  # type: ignore[no-untyped-call]
    least = rounding * jnp.maximum(1, jnp.abs(value))
    return jnp.where(shift < 0, -1, 1).astype(value.dtype) * jnp.maximum(jnp.abs(shift), least)


def _sum(array: jax.Array) -> jax.Array:
    # A sum soon leaves what 16 bits can hold.
    return jnp.sum(array if array.dtype == jnp.float64 else array.astype(jnp.float32))
