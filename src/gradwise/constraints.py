"""Projections that weights go through after each update: callables from an array to an array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise import config, registry
from gradwise.errors import InputError
from gradwise.registry import Configurable, register


class Constraint(Configurable, ABC):
    """Maps a weight to the nearest allowed one; subclasses define `__call__`.

    Example:
        >>> class Bounded(Constraint):
        ...     def __call__(self, w):
        ...         return jnp.clip(w, -1.0, 1.0)
        >>> Bounded()(jnp.array([0.5, -3.0])).tolist()
        [0.5, -1.0]
    """

    @abstractmethod
    def __call__(self, w: jax.Array) -> jax.Array:
        """Returns the weight to use instead of `w`, of the same shape and type."""


@register("constraints.MaxNorm")
class MaxNorm(Constraint):
    """Scales down vectors of weights longer than a bound: Srivastava et al., 2014, section 5.1.

    Args:
        max_value: The greatest length, at least 0.
        axis: The axis or axes that make up one vector: 0 takes the weights into each unit of a dense kernel
            [inputs, units], (0, 1, 2) the filters of a kernel [H, W, inputs, filters].

    Raises:
        InputError: A setting cannot be used.

    Example:
        >>> [round(x, 4) for x in MaxNorm(1.0)(jnp.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2.0, axis: int | Sequence[int] = 0) -> None:
        self.max_value = _length("MaxNorm", "max_value", max_value)
        self.axis = _checked_axis("MaxNorm", axis)

    def __call__(self, w: jax.Array) -> jax.Array:
        """Returns the weights, no vector longer than `max_value`."""
        norms = _norms(w, self.axis)
        return _scaled(w, jnp.minimum(norms, self.max_value), norms)


@register("constraints.UnitNorm")
class UnitNorm(Constraint):
    """Scales vectors of weights to length 1; a vector of zeros stays as it is.

    Args:
        axis: See `MaxNorm`.

    Raises:
        InputError: `axis` cannot be used.

    Example:
        >>> [round(x, 4) for x in UnitNorm()(jnp.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = _checked_axis("UnitNorm", axis)

    def __call__(self, w: jax.Array) -> jax.Array:
        """Returns the weights, every vector of length 1."""
        norms = _norms(w, self.axis)
        return _scaled(w, jnp.ones_like(norms), norms)


@register("constraints.NonNeg")
class NonNeg(Constraint):
    """Sets negative weights to 0.

    Example:
        >>> NonNeg()(jnp.array([3.0, -4.0])).tolist()
        [3.0, 0.0]
    """

    def __call__(self, w: jax.Array) -> jax.Array:
        """Returns max(w, 0)."""
        return jnp.maximum(w, 0)


@register("constraints.MinMaxNorm")
class MinMaxNorm(Constraint):
    """Moves the lengths of vectors of weights between two bounds.

    Args:
        min_value: The least length, at least 0.
        max_value: The greatest length, not below the least.
        rate: How much of the way to go at each update, from 0 to 1: the new length is
            (1 - rate) length + rate clip(length, min_value, max_value).
        axis: See `MaxNorm`.

    Raises:
        InputError: A setting cannot be used.

    Example:
        >>> [round(x, 4) for x in MinMaxNorm(0.0, 1.0)(jnp.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = _length("MinMaxNorm", "min_value", min_value)
        self.max_value = _length("MinMaxNorm", "max_value", max_value)
        self.rate = _length("MinMaxNorm", "rate", rate)
        self.axis = _checked_axis("MinMaxNorm", axis)
        if min_value > max_value or rate > 1:
            raise InputError(
                "MinMaxNorm",
                expected="min_value not above max_value and a rate of at most 1",
                got=f"min_value={min_value}, max_value={max_value}, rate={rate}",
                fix="Correct the bounds or the rate.",
            )

    def __call__(self, w: jax.Array) -> jax.Array:
        """Returns the weights with their lengths moved."""
        norms = _norms(w, self.axis)
        desired = self.rate * jnp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return _scaled(w, desired, norms)


def get(identifier: Any, where: str = "constraint") -> Callable[[jax.Array], jax.Array] | None:
    """Turns a setting into a constraint.

    Args:
        identifier: None, a name such as "max_norm", a constraint, its class, or a function of an array.
        where: Where the setting was given, for the error.

    Returns:
        The constraint, or None.

    Raises:
        InputError: The setting is none of these.

    Example:
        >>> get("max_norm").max_value
        2.0
    """
    found = registry.find("constraints", identifier, where) if isinstance(identifier, str) else identifier
    if found is None:
        return None
    if isinstance(found, type) and issubclass(found, Constraint):
        found = found()
    if callable(found) and not isinstance(found, type):
        function: Callable[[jax.Array], jax.Array] = found
        return function
    raise InputError(
        where,
        expected="the name of a constraint, a constraint, or a function of an array",
        got=repr(identifier),
        fix="For a bound write gradwise.constraints.MaxNorm(2.0).",
    )


def _wide(w: jax.Array) -> jax.Array:
    # In float16 squares overflow from 256 on, and a division by epsilon always.
    return w if w.dtype == jnp.float64 else w.astype(jnp.float32)


def _norms(w: jax.Array, axis: int | tuple[int, ...]) -> jax.Array:
    return jnp.sqrt(jnp.sum(jnp.square(_wide(w)), axis=axis, keepdims=True))


def _scaled(w: jax.Array, desired: jax.Array, norms: jax.Array) -> jax.Array:
    return (_wide(w) * (desired / (config.epsilon() + norms))).astype(w.dtype)


def _length(where: str, name: str, value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not value >= 0:
        raise InputError(
            where, expected=f"{name} as a number of at least 0", got=repr(value), fix=f"Pass e.g. {name}=1.0."
        )
    return float(value)


def _checked_axis(where: str, axis: int | Sequence[int]) -> int | tuple[int, ...]:
    axes = (
        [axis]
        if isinstance(axis, (int, np.integer))
        else list(axis)
        if isinstance(axis, (list, tuple))
        else [None]
    )
    if not all(isinstance(item, (int, np.integer)) and not isinstance(item, bool) for item in axes):
        raise InputError(
            where, expected="an axis or a list of axes", got=repr(axis), fix="Pass 0 for dense kernels."
        )
    return int(axis) if isinstance(axis, (int, np.integer)) else tuple(int(item) for item in axis)
