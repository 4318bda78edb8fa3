"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.optimizers.base import Arrays, Optimizer
from gradwise.optimizers.checks import number, optional_number, whole_number
from gradwise.optimizers.options import SharedOptions
from gradwise.optimizers.schedules import LearningRateSchedule
from gradwise.registry import register


@register("optimizers.Muon")
class Muon(Optimizer):
    """Makes the momentum of each matrix orthogonal before the step; all other weights follow Adam.

    For a matrix [n, m]: v ← μ v + g, and with u = g + μ v (u = v without `nesterov`) the step is
    η rms_rate √max(n, m) NS(u). NS divides by the Frobenius norm and repeats X ← a X + (b A + c A²) X with
    A = X Xᵀ, which brings all singular values near 1: Jordan et al., 2024, "Muon"; the scaling is that of Liu
    et al., 2025, arXiv 2502.16982.

    Args:
        learning_rate: η, a number of at least 0 or a schedule.
        adam_beta_1: β₁ of Adam, from 0 up to but not including 1.
        adam_beta_2: β₂ of Adam, likewise.
        adam_weight_decay: The weight decay of what follows Adam, or None.
        epsilon: ε of Adam, at least 0.
        weight_decay: The weight decay of the matrices, or None.
        exclude_layers: Words or regular expressions: weights in whose path one is found follow Adam, for
            example the name of the last layer.
        exclude_embeddings: Whether weights with "embedding" in their path follow Adam.
        muon_a: a.
        muon_b: b.
        muon_c: c.
        adam_lr_ratio: The learning rate of Adam over η.
        momentum: μ, from 0 up to but not including 1.
        ns_steps: How often the iteration is repeated.
        nesterov: Whether to look ahead.
        rms_rate: The root mean square of a step over η; None leaves out the factor and √max(n, m).
        options: The settings of every optimizer; see `Optimizer`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> optimizer = Muon(0.1, weight_decay=None, ns_steps=9, muon_a=1.5, muon_b=-0.5, muon_c=0)
        >>> params, hyper = {"w": jnp.zeros((2, 2))}, {"learning_rate": 0.1, "step": 0}
        >>> grads = {"w": jnp.array([[3.0, 0.0], [0.0, 1.0]])}
        >>> params, slots = optimizer.update(grads, optimizer.init(params), params, hyper)
        >>> [round(float(x), 3) + 0.0 for x in params["w"].ravel()]
        [-0.028, 0.0, 0.0, -0.028]
    """

    _separable = False

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1.0,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = number("Muon", "adam_beta_1", adam_beta_1, below=1.0)
        self.adam_beta_2 = number("Muon", "adam_beta_2", adam_beta_2, below=1.0)
        self.adam_weight_decay = optional_number("Muon", "adam_weight_decay", adam_weight_decay)
        self.epsilon = number("Muon", "epsilon", epsilon)
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a = number("Muon", "muon_a", muon_a, low=-math.inf)
        self.muon_b = number("Muon", "muon_b", muon_b, low=-math.inf)
        self.muon_c = number("Muon", "muon_c", muon_c, low=-math.inf)
        self.adam_lr_ratio = number("Muon", "adam_lr_ratio", adam_lr_ratio)
        self.momentum = number("Muon", "momentum", momentum, below=1.0)
        self.ns_steps = whole_number("Muon", "ns_steps", ns_steps)
        self.nesterov = bool(nesterov)
        self.rms_rate = optional_number("Muon", "rms_rate", rms_rate)

    def init_one(self, path: str, value: Any) -> dict[str, np.ndarray]:
        """Makes the momentum, and for weights that follow Adam the second moment."""
        zeros = np.zeros(value.shape, value.dtype)
        if not self._follows_adam(path, value.ndim):
            return {"momentum": zeros}
        return {"momentum": zeros, "second_moment": zeros}

    def _follows_adam(self, path: str, ndim: int) -> bool:
        if ndim != 2 or (self.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(word, path) for word in self.exclude_layers)

    def decay_setting(self, slots: Arrays) -> str:
        """Returns which weight decay holds: Adam's for what has a second moment."""
        return "adam_weight_decay" if "second_moment" in slots else "weight_decay"

    def shared(self, hyper: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
        """Returns the learning rate and weight decay of both kinds of weights, and Adam's numbers."""
        numbers = super().shared(hyper, dtype)
        beta_1 = self.setting(hyper, "adam_beta_1", dtype)
        beta_2 = self.setting(hyper, "adam_beta_2", dtype)
        time = (jnp.asarray(hyper["step"]) + 1).astype(dtype)
        correction = jnp.sqrt(1 - jnp.power(beta_2, time)) / (1 - jnp.power(beta_1, time))
        if self.adam_weight_decay is not None or "adam_weight_decay" in hyper:
            decay = self.setting(hyper, "adam_weight_decay", dtype)
            numbers["adam_weight_decay"] = decay * numbers["rate"]
        return numbers | {
            "alpha": numbers["rate"] * self.setting(hyper, "adam_lr_ratio", dtype) * correction,
            "rest_1": 1 - beta_1,
            "rest_2": 1 - beta_2,
            "momentum": self.setting(hyper, "momentum", dtype),
            "epsilon": self.setting(hyper, "epsilon", dtype),
        }

    def update_one(
        self, gradient: jax.Array, slots: Arrays, value: jax.Array, shared: dict[str, Any]
    ) -> tuple[jax.Array, Arrays]:
        """Makes one step along the orthogonal momentum, or one of Adam."""
        if "second_moment" in slots:
            first = slots["momentum"] + (gradient - slots["momentum"]) * shared["rest_1"]
            second = slots["second_moment"]
            second = second + (jnp.square(gradient) - second) * shared["rest_2"]
            step = first * shared["alpha"] / (jnp.sqrt(second) + shared["epsilon"])
            return value - step, {"momentum": first, "second_moment": second}
        momentum = shared["momentum"] * slots["momentum"] + gradient
        ahead = gradient + shared["momentum"] * momentum if self.nesterov else momentum
        size = 1.0 if self.rms_rate is None else math.sqrt(max(value.shape)) * self.rms_rate
        return value - shared["rate"] * size * self._orthogonal(ahead), {"momentum": momentum}

    def _orthogonal(self, matrix: jax.Array) -> jax.Array:
        """Brings all singular values near 1, by products of matrices only."""
        tall = matrix.shape[0] > matrix.shape[1]
        x = matrix.T if tall else matrix
        wide = x if x.dtype == jnp.float64 else x.astype(jnp.float32)
        x = x / (jnp.sqrt(jnp.sum(jnp.square(wide))).astype(x.dtype) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * (square @ square)) @ x
        return x.T if tall else x
