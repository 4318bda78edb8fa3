"""Learning rates that depend on the step: pure callables from a step to a rate.

Steps count updates from 0. A rate that changes once an epoch is a schedule with `decay_steps` set to the
steps of an epoch and `staircase=True`; α₀ / (1 + rate · epoch), for example, is
`InverseTimeDecay(alpha_0, decay_steps=steps_per_epoch, decay_rate=rate, staircase=True)`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gradwise import config
from gradwise.errors import InputError
from gradwise.optimizers.checks import number, optional_number, whole_number
from gradwise.registry import Configurable, register


class LearningRateSchedule(Configurable, ABC):
    """Maps a step to a learning rate; subclasses define `__call__` with jnp functions only.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 ** (float_step(step) + 1)
        >>> float(Halving()(1))
        0.25
    """

    @abstractmethod
    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate.

        Args:
            step: int32[]. How many updates there were before this one.

        Returns:
            float32[], or float64[] if that is the library's float type.
        """


def float_step(step: jax.Array | int) -> jax.Array:
    """Returns a step as a float that schedules can calculate with.

    Args:
        step: int32[].

    Returns:
        float32[], or float64[] if that is the library's float type.

    Example:
        >>> float_step(3).dtype.name
        'float32'
    """
    # Never fewer bits: bfloat16 cannot count beyond 256.
    return jnp.asarray(step).astype("float64" if config.floatx() == "float64" else "float32")


@register("schedules.ExponentialDecay")
class ExponentialDecay(LearningRateSchedule):
    """Multiplies the rate by a constant in regular intervals: η · decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: η, at least 0.
        decay_steps: The interval in steps, above 0.
        decay_rate: The factor, above 0.
        staircase: Rounds step / decay_steps down: step decay.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(ExponentialDecay(8.0, decay_steps=10, decay_rate=0.5)(20))
        2.0
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = number(where, "decay_steps", decay_steps, above=0)
        self.decay_rate = number(where, "decay_rate", decay_rate, above=0)
        self.staircase = staircase

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns η · decay_rate^(step / decay_steps)."""
        exponent = _progress(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate * jnp.power(self.decay_rate, exponent)


@register("schedules.InverseTimeDecay")
class InverseTimeDecay(LearningRateSchedule):
    """Divides the rate by a growing number: η / (1 + decay_rate · step / decay_steps).

    Args:
        initial_learning_rate: η, at least 0.
        decay_steps: The interval in steps, above 0. The steps of an epoch, with `staircase`, give
            α₀ / (1 + rate · epoch).
        decay_rate: How much the divisor grows in an interval, at least 0.
        staircase: Rounds step / decay_steps down.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> by_epoch = InverseTimeDecay(0.2, decay_steps=50, decay_rate=1.0, staircase=True)
        >>> [round(float(by_epoch(step)), 3) for step in (0, 49, 50, 150)]
        [0.2, 0.2, 0.1, 0.05]
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = number(where, "decay_steps", decay_steps, above=0)
        self.decay_rate = number(where, "decay_rate", decay_rate)
        self.staircase = staircase

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns η / (1 + decay_rate · step / decay_steps)."""
        return self.initial_learning_rate / (
            1 + self.decay_rate * _progress(step, self.decay_steps, self.staircase)
        )


@register("schedules.SquareRootDecay")
class SquareRootDecay(LearningRateSchedule):
    """Divides the rate by the root of time: η / √(t + 1) with t = step / decay_steps.

    Args:
        initial_learning_rate: η, at least 0.
        decay_steps: The unit of time in steps, above 0.
        staircase: Rounds t down; with the steps of an epoch as unit, t counts epochs.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(SquareRootDecay(0.5)(3))
        0.25
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float = 1.0, staircase: bool = False
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = number(where, "decay_steps", decay_steps, above=0)
        self.staircase = staircase

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns η / √(t + 1)."""
        return self.initial_learning_rate / jnp.sqrt(_progress(step, self.decay_steps, self.staircase) + 1)


@register("schedules.PiecewiseConstantDecay")
class PiecewiseConstantDecay(LearningRateSchedule):
    """Holds the rate constant between boundaries.

    Args:
        boundaries: Rising steps; the rate changes after each, so that values[0] still holds at boundaries[0].
        values: The rates, one more than the boundaries.

    Raises:
        InputError: The numbers do not fit together.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (10, 11, 21)]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float]) -> None:
        where = type(self).__name__
        self.boundaries = [number(where, "each boundary", boundary) for boundary in boundaries]
        self.values = [number(where, "each value", value) for value in values]
        if len(self.values) != len(self.boundaries) + 1 or sorted(set(self.boundaries)) != self.boundaries:
            raise InputError(
                where,
                expected="rising boundaries and one value more than boundaries",
                got=f"boundaries={list(boundaries)} and values={list(values)}",
                fix="Give the rate before, between and after the boundaries.",
            )

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate that holds at the step."""
        count = float_step(step)
        if not self.boundaries:
            return jnp.full_like(count, self.values[0])
        passed = jnp.sum(count > jnp.asarray(self.boundaries, count.dtype))
        return jnp.asarray(self.values, count.dtype)[passed]


@register("schedules.PolynomialDecay")
class PolynomialDecay(LearningRateSchedule):
    """Goes from one rate to another along a power: (η - end) · (1 - step / decay_steps)^power + end.

    Args:
        initial_learning_rate: η, at least 0.
        decay_steps: How many steps it takes, above 0; from then on the rate stays.
        end_learning_rate: Where it ends, at least 0.
        power: 1 is a straight line; above 0.
        cycle: Starts again instead, towards the next multiple of `decay_steps`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.5)(5))
        0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = number(where, "decay_steps", decay_steps, above=0)
        self.end_learning_rate = number(where, "end_learning_rate", end_learning_rate)
        self.power = number(where, "power", power, above=0)
        self.cycle = cycle

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate."""
        count = float_step(step)
        if self.cycle:
            # The way lasts as many multiples of decay_steps as have begun, at least one.
            passed = _whole_intervals(step, self.decay_steps)
            begun = jnp.where(count > passed * self.decay_steps, passed + 1, jnp.maximum(passed, 1))
            done = count / (begun * self.decay_steps)
        else:
            # The minimum comes last: 1 - done must not be negative by rounding, its root would be NaN.
            done = jnp.minimum(count / self.decay_steps, 1)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * jnp.power(1 - done, self.power) + self.end_learning_rate


@register("schedules.CosineDecay")
class CosineDecay(LearningRateSchedule):
    """Follows half a cosine down, after a straight warm-up if asked: Loshchilov and Hutter, 2016, equation 5.

    Args:
        initial_learning_rate: Where it starts: the top, or the foot of the warm-up. At least 0.
        decay_steps: How many steps the way down takes, above 0.
        alpha: The fraction of the top that remains at the end, at least 0.
        warmup_target: The top, reached at the end of the warm-up; None leaves the warm-up out.
        warmup_steps: How many steps the warm-up takes; the way down starts after it.

    Raises:
        InputError: A setting is out of range, or the warm-up has steps but no target.

    Example:
        >>> schedule = CosineDecay(0.0, decay_steps=100, warmup_target=1.0, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 60, 110)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        *,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = number(where, "decay_steps", decay_steps, above=0)
        self.alpha = number(where, "alpha", alpha)
        self.warmup_target = optional_number(where, "warmup_target", warmup_target)
        self.warmup_steps = number(where, "warmup_steps", warmup_steps)
        if self.warmup_steps and self.warmup_target is None:
            raise InputError(
                where,
                expected="a warmup_target with warmup_steps",
                got=f"warmup_steps={warmup_steps} alone",
                fix="Pass the rate to warm up to as warmup_target.",
            )

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate."""
        if self.warmup_target is None or not self.warmup_steps:
            top = self.initial_learning_rate if self.warmup_target is None else self.warmup_target
            return top * _cosine(jnp.minimum(_progress(step, self.decay_steps), 1), self.alpha)
        count = float_step(step)
        rising = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * (
            count / self.warmup_steps
        )
        done = jnp.clip((count - self.warmup_steps) / self.decay_steps, 0, 1)
        return jnp.where(count < self.warmup_steps, rising, self.warmup_target * _cosine(done, self.alpha))


@register("schedules.CosineDecayRestarts")
class CosineDecayRestarts(LearningRateSchedule):
    """Follows half a cosine down again and again: SGDR, Loshchilov and Hutter, 2016, arXiv 1608.03983.

    Args:
        initial_learning_rate: The first top, at least 0.
        first_decay_steps: How many steps the first way down takes, above 0.
        t_mul: How many times longer each further way takes, at least 1.
        m_mul: How many times higher each further top is, above 0.
        alpha: The fraction of the top that remains at the bottom, at least 0.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=10, t_mul=2.0, m_mul=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20, 30)]
        [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        where = type(self).__name__
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = number(where, "first_decay_steps", first_decay_steps, above=0)
        self.t_mul = number(where, "t_mul", t_mul, low=1)
        self.m_mul = number(where, "m_mul", m_mul, above=0)
        self.alpha = number(where, "alpha", alpha)

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate."""
        count = float_step(step)
        if self.t_mul == 1:
            restarts = _whole_intervals(step, self.first_decay_steps)
        else:
            passed = count / self.first_decay_steps
            # The logarithm may miss a whole number by rounding, so that the first step of a way would be
            # taken for the last of the one before, or the other way round: compare with the exact starts.
            guess = jnp.floor(jnp.log(1 + passed * (self.t_mul - 1)) / math.log(self.t_mul))
            restarts = jnp.where(count >= self._start(guess + 1), guess + 1, guess)
            restarts = jnp.where(count < self._start(guess), guess - 1, restarts)
        length = self.first_decay_steps * jnp.power(self.t_mul, restarts)
        done = (count - self._start(restarts)) / length
        height = jnp.power(self.m_mul, restarts)
        return self.initial_learning_rate * _cosine(done, self.alpha, height)

    def _start(self, restarts: jax.Array) -> jax.Array:
        # The lengths of all ways before, in steps: a geometric series.
        if self.t_mul == 1:
            return restarts * self.first_decay_steps
        return self.first_decay_steps * ((jnp.power(self.t_mul, restarts) - 1) / (self.t_mul - 1))


@register("schedules.WarmUp")
class WarmUp(LearningRateSchedule):
    """Rises in a straight line to a rate, and stays there or follows a schedule from then on.

    Keras has this for `CosineDecay` only. Source: Goyal et al., 2017, arXiv 1706.02677, section 2.2.

    Args:
        learning_rate: The rate to reach, or a schedule: the rise ends where that begins.
        warmup_steps: How many steps the rise takes, above 0.
        initial_learning_rate: Where it starts, at least 0.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> schedule = WarmUp(ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5), warmup_steps=4)
        >>> [float(schedule(step)) for step in (0, 2, 4, 5, 6)]
        [0.0, 0.5, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        warmup_steps: int,
        initial_learning_rate: float = 0.0,
    ) -> None:
        where = type(self).__name__
        self.learning_rate = (
            learning_rate
            if isinstance(learning_rate, LearningRateSchedule)
            else number(where, "learning_rate", learning_rate)
        )
        self.warmup_steps = whole_number(where, "warmup_steps", warmup_steps)
        self.initial_learning_rate = number(where, "initial_learning_rate", initial_learning_rate)

    def __call__(self, step: jax.Array | int) -> jax.Array:
        """Returns the rate."""
        passed = jnp.asarray(step) - self.warmup_steps
        after = jnp.maximum(passed, 0)
        rate = self.learning_rate
        top = rate(after) if isinstance(rate, LearningRateSchedule) else jnp.full_like(float_step(step), rate)
        share = jnp.minimum(float_step(step) / self.warmup_steps, 1)
        rising = self.initial_learning_rate + (top - self.initial_learning_rate) * share
        return jnp.where(passed < 0, rising, top)


def _progress(step: jax.Array | int, decay_steps: float, staircase: bool = False) -> jax.Array:
    return _whole_intervals(step, decay_steps) if staircase else float_step(step) / decay_steps


def _whole_intervals(step: jax.Array | int, length: float) -> jax.Array:
    # In integers if possible: a compiled division multiplies by the reciprocal, and 3 intervals may come out
    # as 2.9999998 and be rounded down.
    if length.is_integer() and length < 2**31:
        return float_step(jnp.asarray(step) // int(length))
    return jnp.floor(float_step(step) / length)


def _cosine(done: jax.Array, alpha: float, height: jax.Array | float = 1.0) -> jax.Array:
    return (1 - alpha) * (0.5 * height * (1 + jnp.cos(math.pi * done))) + alpha
