"""Initializers whose spread follows from the fans of the weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwise.errors import InputError
from gradwise.initializers import draws
from gradwise.initializers.base import Initializer, working_type
from gradwise.registry import register

# The standard deviation of a standard normal variable that is cut off at -2 and 2.
TRUNCATED_STDDEV = 0.87962566103423978


@register("initializers.VarianceScaling")
class VarianceScaling(Initializer):
    """Draws with mean 0 and variance scale / fan, so that signals keep their size from layer to layer.

    Args:
        scale: The factor, above 0.
        mode: Which fan: "fan_in", "fan_out" or "fan_avg", their mean. See `compute_fans`.
        distribution: "truncated_normal" (cut off at 2 standard deviations, then widened to the variance
            asked for; also "normal"), "untruncated_normal", or "uniform" (between ±√(3 scale / fan)).
        seed: See `Initializer`.

    Raises:
        InputError: A setting is none of these.

    Example:
        >>> VarianceScaling(2.0, "fan_in", "uniform", seed=1)((6, 4)).shape
        (6, 4)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        where = type(self).__name__
        if not scale > 0:
            raise InputError(where, expected="a scale above 0", got=scale, fix="1.0 keeps the variance.")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise InputError(
                where, expected=f"a mode out of {', '.join(modes)}", got=repr(mode), fix="Name one."
            )
        shapes = ("truncated_normal", "untruncated_normal", "uniform", "normal")
        if distribution not in shapes:
            raise InputError(
                where,
                expected=f"a distribution out of {', '.join(shapes)}",
                got=repr(distribution),
                fix="Name one.",
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns values of variance scale / fan."""
        fan_in, fan_out = draws.compute_fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        work = working_type(self, dtype)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return draws.uniform(rng, shape, work, -limit, limit)
        if self.distribution == "untruncated_normal":
            return draws.normal(rng, shape, work, stddev)
        return draws.truncated_normal(rng, shape, work, stddev / TRUNCATED_STDDEV)


@register("initializers.GlorotUniform", aliases=("xavier_uniform",))
class GlorotUniform(VarianceScaling):
    """Draws evenly between ±√(6 / (fan_in + fan_out)): Glorot and Bengio, 2010, equation 16.

    Example:
        >>> bool((abs(GlorotUniform(seed=1)((3, 3))) <= 1).all())
        True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


@register("initializers.GlorotNormal", aliases=("xavier_normal",))
class GlorotNormal(VarianceScaling):
    """Draws from a truncated normal of variance 2 / (fan_in + fan_out): Glorot and Bengio, 2010.

    Example:
        >>> GlorotNormal(seed=1)((3, 3)).shape
        (3, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


@register("initializers.HeNormal")
class HeNormal(VarianceScaling):
    """Draws from a truncated normal of variance 2 / fan_in, for ReLU: He et al., 2015, equation 10.

    Example:
        >>> HeNormal(seed=1)((3, 3)).shape
        (3, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


@register("initializers.HeUniform")
class HeUniform(VarianceScaling):
    """Draws evenly between ±√(6 / fan_in), for ReLU: He et al., 2015, arXiv 1502.01852.

    Example:
        >>> HeUniform(seed=1)((3, 3)).shape
        (3, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


@register("initializers.LecunNormal")
class LecunNormal(VarianceScaling):
    """Draws from a truncated normal of variance 1 / fan_in: LeCun et al., 1998, "Efficient BackProp", eq. 16.

    Example:
        >>> LecunNormal(seed=1)((3, 3)).shape
        (3, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


@register("initializers.LecunUniform")
class LecunUniform(VarianceScaling):
    """Draws evenly between ±√(3 / fan_in): LeCun et al., 1998, "Efficient BackProp".

    Example:
        >>> LecunUniform(seed=1)((3, 3)).shape
        (3, 3)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)
