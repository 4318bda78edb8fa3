"""The base of all initializers, and `get`, which turns a setting into one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradwise import config, registry
from gradwise.errors import InputError
from gradwise.registry import Configurable, register


class Initializer(Configurable, ABC):
    """Draws the first values of a weight.

    Args:
        seed: An integer makes every call give the same values; None follows `set_random_seed`.

    Raises:
        InputError: `seed` is not such an integer.

    Example:
        >>> class Rising(Initializer):
        ...     def draw(self, shape, dtype, rng):
        ...         return np.arange(np.prod(shape)).reshape(shape)
        >>> Rising()((2, 2)).tolist()
        [[0.0, 1.0], [2.0, 3.0]]
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (
            isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0
        ):
            raise InputError(
                type(self).__name__,
                expected="a seed of at least 0, or None",
                got=repr(seed),
                fix="Pass e.g. seed=0.",
            )
        self.seed = seed

    def __call__(
        self, shape: Sequence[int], dtype: Any = "float32", rng: np.random.Generator | None = None
    ) -> np.ndarray:
        """Returns the values.

        Args:
            shape: The sizes of the weight.
            dtype: Its type, for example "float32" or "bfloat16".
            rng: Where random numbers come from. The initializer's own seed, if it has one, goes first;
                without either a fresh seed is drawn.

        Returns:
            dtype[shape], on the host.

        Raises:
            InputError: The shape or the type cannot be filled by this initializer.
        """
        if self.seed is not None:
            rng = np.random.default_rng(self.seed)
        elif rng is None:
            rng = np.random.default_rng(config.next_seed())
        kind = jnp.dtype(dtype)
        return self.draw(_checked_shape(type(self).__name__, shape), kind, rng).astype(kind, copy=False)

    @abstractmethod
    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns the values in any type that can be cast to `dtype`; what a new initializer defines."""


@register("initializers.FunctionInitializer")
class FunctionInitializer(Initializer):
    """Fills with what a function of the shape returns.

    Args:
        function: Called as function(shape, dtype="float32"); returns an array of that shape.

    Raises:
        InputError: The array has another shape.

    Example:
        >>> FunctionInitializer(lambda shape, dtype=None: np.full(shape, 2.0))((2,)).tolist()
        [2.0, 2.0]
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns what the function returns."""
        values = np.asarray(self.function(shape, dtype=dtype.name))
        if values.shape != shape:
            raise InputError(
                f"initializer {getattr(self.function, '__name__', 'function')!r}",
                expected=f"values of shape {shape}",
                got=values.shape,
                fix="Return an array of the shape that the function is given.",
            )
        return values


def get(identifier: Any, where: str = "initializer") -> Initializer:
    """Turns a setting into an initializer.

    Args:
        identifier: A name such as "glorot_uniform", an initializer, its class, or a function
            f(shape, dtype=None).
        where: Where the setting was given, for the error.

    Returns:
        The initializer.

    Raises:
        InputError: The setting is none of these.

    Example:
        >>> type(get("glorot_uniform")).__name__
        'GlorotUniform'
    """
    found = registry.find("initializers", identifier, where) if isinstance(identifier, str) else identifier
    if isinstance(found, type) and issubclass(found, Initializer):
        return found()
    if isinstance(found, Initializer):
        return found
    if callable(found):
        return FunctionInitializer(found)
    raise InputError(
        where,
        expected="the name of an initializer, an initializer, or a function of shape and dtype",
        got=f"an object of class {type(identifier).__name__}",
        fix="For a number or an array write gradwise.initializers.Constant(value).",
    )


def working_type(initializer: Initializer, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Returns the type to draw a weight of type `dtype` in: NumPy draws no 16-bit numbers.

    Raises:
        InputError: `dtype` is no float type.

    Example:
        >>> working_type(FunctionInitializer(np.ones), jnp.dtype("bfloat16")).name
        'float32'
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        raise InputError(
            type(initializer).__name__,
            expected="a float type",
            got=dtype.name,
            fix="Use Zeros, Ones or Constant for weights of other types.",
        )
    return np.dtype("float64" if dtype == np.float64 else "float32")


def _checked_shape(where: str, shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(shape)
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in sizes):
        raise InputError(
            where,
            expected="a shape of known sizes",
            got=sizes,
            fix="Every size of a weight must be an integer.",
        )
    return tuple(int(size) for size in sizes)
