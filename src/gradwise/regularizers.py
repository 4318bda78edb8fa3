"""Penalties on weights or outputs, added to the loss: callables from an array to a number."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise import config, registry
from gradwise.errors import InputError
from gradwise.registry import Configurable, register


class Regularizer(Configurable, ABC):
    """Maps an array to a penalty; subclasses define `__call__`.

    Example:
        >>> class Largest(Regularizer):
        ...     def __call__(self, x):
        ...         return jnp.max(jnp.abs(x))
        >>> float(Largest()(jnp.array([1.0, -3.0])))
        3.0
    """

    @abstractmethod
    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns the penalty, a scalar of the type of `x`."""


@register("regularizers.L1")
class L1(Regularizer):
    """Penalises absolute values: l1 Σ|x|, which drives weights to exactly 0 (Tibshirani, 1996).

    Args:
        l1: The factor, at least 0.

    Raises:
        InputError: The factor is not such a number.

    Example:
        >>> float(L1(0.5)(jnp.array([1.0, -3.0])))
        2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("L1", "l1", l1)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns l1 Σ|x|."""
        return self.l1 * _sum_of_absolutes(x)


@register("regularizers.L2")
class L2(Regularizer):
    """Penalises squares: l2 Σx², without the factor ½ that some books write (Hoerl and Kennard, 1970).

    Its gradient 2 l2 x shrinks weights in proportion to their size.

    Args:
        l2: The factor, at least 0.

    Raises:
        InputError: The factor is not such a number.

    Example:
        >>> float(L2(0.5)(jnp.array([1.0, -3.0])))
        5.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("L2", "l2", l2)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns l2 Σx²."""
        return self.l2 * jnp.sum(jnp.square(x))


@register("regularizers.L1L2")
class L1L2(Regularizer):
    """Penalises both: l1 Σ|x| + l2 Σx², the elastic net (Zou and Hastie, 2005).

    Args:
        l1: The factor of the absolute values, at least 0.
        l2: The factor of the squares, at least 0.

    Raises:
        InputError: A factor is not such a number.

    Example:
        >>> float(L1L2(l1=0.5, l2=0.5)(jnp.array([1.0, -3.0])))
        7.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor("L1L2", "l1", l1)
        self.l2 = _factor("L1L2", "l2", l2)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns l1 Σ|x| + l2 Σx²."""
        penalty = jnp.zeros((), x.dtype)
        if self.l1:
            penalty += self.l1 * _sum_of_absolutes(x)
        if self.l2:
            penalty += self.l2 * jnp.sum(jnp.square(x))
        return penalty


@register("regularizers.OrthogonalRegularizer")
class OrthogonalRegularizer(Regularizer):
    """Penalises angles other than right ones between the rows or columns of a matrix.

    factor times the mean |cosine| over all pairs of rows (or columns): Brock et al., 2017, arXiv 1609.07093,
    on normalised vectors, as in Keras. Vectors of zeros are at a right angle to all others.

    Args:
        factor: The factor, at least 0.
        mode: "rows" or "columns".

    Raises:
        InputError: A setting cannot be used; when called: the weight is no matrix.

    Example:
        >>> penalty = OrthogonalRegularizer(0.5)
        >>> [round(float(penalty(jnp.array([[2.0, 0.0], second]))), 4) for second in ([0.0, 3.0], [1.0, 0.0])]
        [0.0, 0.5]
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("OrthogonalRegularizer", "factor", factor)
        if mode not in ("rows", "columns"):
            raise InputError(
                "OrthogonalRegularizer",
                expected="mode as 'rows' or 'columns'",
                got=repr(mode),
                fix="The columns of a dense kernel are what its units look for.",
            )
        self.mode = mode

    def __call__(self, x: jax.Array) -> jax.Array:
        """Returns factor · mean |cosine|."""
        if x.ndim != 2:
            raise InputError(
                "OrthogonalRegularizer",
                expected="a weight of two axes",
                got=x.shape,
                fix="Use it for the kernels of dense and recurrent layers.",
            )
        vectors = x if self.mode == "rows" else x.T
        # The root of a sum that may be 0 has no gradient there.
        squares = jnp.maximum(jnp.sum(jnp.square(vectors), axis=1, keepdims=True), config.epsilon() ** 2)
        vectors = vectors / jnp.sqrt(squares)
        count = vectors.shape[0]
        cosines = (vectors @ vectors.T) * (1 - jnp.eye(count, dtype=x.dtype))
        return self.factor * _sum_of_absolutes(cosines) / max(count * (count - 1), 1)


def l1(l1: float = 0.01) -> L1:
    """Builds the penalty l1 Σ|x|.

    Args:
        l1: The factor.

    Returns:
        The regularizer.

    Example:
        >>> l1(0.02).l1
        0.02
    """
    return L1(l1)


def l2(l2: float = 0.01) -> L2:
    """Builds the penalty l2 Σx².

    Args:
        l2: The factor.

    Returns:
        The regularizer.

    Example:
        >>> l2(0.02).l2
        0.02
    """
    return L2(l2)


def l1_l2(l1: float | None = None, l2: float | None = None) -> L1L2:
    """Builds the penalty l1 Σ|x| + l2 Σx².

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares. A factor left out is 0; if both are, both are 0.01.

    Returns:
        The regularizer.

    Example:
        >>> penalty = l1_l2(l1=0.001, l2=0.002)
        >>> (penalty.l1, penalty.l2)
        (0.001, 0.002)
    """
    if l1 is None and l2 is None:
        return L1L2(0.01, 0.01)
    return L1L2(l1 or 0.0, l2 or 0.0)


def get(identifier: Any, where: str = "regularizer") -> Callable[[jax.Array], jax.Array] | None:
    """Turns a setting into a regularizer.

    Args:
        identifier: None, a name such as "l2" or "l1_l2" (with factors of 0.01), a regularizer, its class,
            or a function of an array.
        where: Where the setting was given, for the error.

    Returns:
        The regularizer, or None.

    Raises:
        InputError: The setting is none of these.

    Example:
        >>> get("l2").l2
        0.01
    """
    found = registry.find("regularizers", identifier, where) if isinstance(identifier, str) else identifier
    if found is None:
        return None
    if found is L1L2:
        return l1_l2()  # the class alone would penalise nothing
    if isinstance(found, type) and issubclass(found, Regularizer):
        found = found()
    if callable(found) and not isinstance(found, type):
        function: Callable[[jax.Array], jax.Array] = found
        return function
    raise InputError(
        where,
        expected="the name of a regularizer, a regularizer, or a function of an array",
        got=repr(identifier),
        fix="For a factor write gradwise.regularizers.l2(0.01).",
    )


def _sum_of_absolutes(x: jax.Array) -> jax.Array:
    # The derivative of jnp.abs at 0 is 1, which would push weights off 0, where this penalty wants them.
    return jnp.sum(x * jax.lax.stop_gradient(jnp.sign(x)))


def _factor(where: str, name: str, value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise InputError(
            where,
            expected=f"{name} as a number of at least 0",
            got=repr(value),
            fix=f"Pass e.g. {name}=0.01.",
        )
    return float(value)
