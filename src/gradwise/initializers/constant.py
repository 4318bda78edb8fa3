"""Initializers that draw nothing: constants and the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwise.errors import InputError
from gradwise.initializers.base import Initializer
from gradwise.registry import register


@register("initializers.Zeros", aliases=("zero",))
class Zeros(Initializer):
    """Fills with 0, as biases start. Units that all start at 0 stay alike: no symmetry is broken.

    Example:
        >>> Zeros()((3,)).tolist()
        [0.0, 0.0, 0.0]
    """

    def __init__(self) -> None:
        super().__init__()

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns zeros."""
        return np.zeros(shape, dtype)


@register("initializers.Ones", aliases=("one",))
class Ones(Initializer):
    """Fills with 1.

    Example:
        >>> Ones()((3,)).tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self) -> None:
        super().__init__()

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns ones."""
        return np.ones(shape, dtype)


@register("initializers.Constant")
class Constant(Initializer):
    """Fills with a number, or with an array that the shape can be broadcast from.

    Args:
        value: A number, or an array.

    Raises:
        InputError: The array does not fit the shape asked for.

    Example:
        >>> Constant(0.5)((2,)).tolist()
        [0.5, 0.5]
        >>> Constant([[1.0, 2.0]])((1, 2)).tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__()
        self.value = value

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns the value, broadcast to the shape."""
        value = np.asarray(self.value)
        try:
            return np.broadcast_to(value, shape).astype(dtype)
        except ValueError:
            raise InputError(
                "Constant",
                expected=f"a value that fits the shape {shape}",
                got=f"an array of shape {value.shape}",
                fix="Pass a number, or an array of that shape.",
            ) from None


@register("initializers.Identity", aliases=("eye",))
class Identity(Initializer):
    """Fills a matrix with gain on the diagonal and 0 elsewhere: Le et al., 2015, arXiv 1504.00941.

    Args:
        gain: The value on the diagonal.

    Raises:
        InputError: The weight is no matrix.

    Example:
        >>> Identity()((2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns the matrix."""
        if len(shape) != 2:
            raise InputError(
                "Identity",
                expected="a shape of two sizes",
                got=shape,
                fix="Use it for the kernels of dense and recurrent layers.",
            )
        return self.gain * np.eye(*shape)
