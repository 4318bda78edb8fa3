"""Initializers that draw from one distribution whatever the shape, and the orthogonal one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwise.errors import InputError
from gradwise.initializers import draws
from gradwise.initializers.base import Initializer, working_type
from gradwise.registry import register


@register("initializers.RandomNormal", aliases=("normal",))
class RandomNormal(Initializer):
    """Draws from the normal distribution N(mean, stddev²).

    Args:
        mean: The mean.
        stddev: The standard deviation, at least 0.
        seed: See `Initializer`.

    Example:
        >>> RandomNormal(stddev=0.01, seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = _checked_spread(type(self).__name__, stddev)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns normal values."""
        return draws.normal(rng, shape, working_type(self, dtype), self.stddev, self.mean)


@register("initializers.RandomUniform", aliases=("uniform",))
class RandomUniform(Initializer):
    """Draws evenly between two bounds.

    Args:
        minval: The lower bound.
        maxval: The upper bound, not below the lower one.
        seed: See `Initializer`.

    Raises:
        InputError: The bounds are the wrong way round.

    Example:
        >>> bool((abs(RandomUniform(-0.1, 0.1, seed=1)((100,))) <= 0.1).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        if not minval <= maxval:
            raise InputError(
                "RandomUniform",
                expected="minval not above maxval",
                got=f"minval={minval}, maxval={maxval}",
                fix="Swap the two.",
            )
        self.minval = minval
        self.maxval = maxval

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns uniform values."""
        return draws.uniform(rng, shape, working_type(self, dtype), self.minval, self.maxval)


@register("initializers.TruncatedNormal")
class TruncatedNormal(RandomNormal):
    """Draws from N(mean, stddev²) and draws again what lies further than 2 stddev from the mean.

    What remains has a standard deviation of about 0.88 stddev.

    Example:
        >>> bool((abs(TruncatedNormal(stddev=1.0, seed=1)((1000,))) <= 2).all())
        True
    """

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns truncated normal values."""
        return draws.truncated_normal(rng, shape, working_type(self, dtype), self.stddev, self.mean)


@register("initializers.Orthogonal")
class Orthogonal(Initializer):
    """Draws a random matrix with orthonormal rows or columns, whichever are fewer, times gain.

    A kernel of more axes is filled as a matrix of its last axis against all others. The matrix is the Q of a
    QR decomposition with the signs of R's diagonal taken out, which makes it uniform: Saxe et al., 2014,
    arXiv 1312.6120; Mezzadri, 2007, arXiv math-ph/0609050.

    Args:
        gain: The factor.
        seed: See `Initializer`.

    Raises:
        InputError: The weight has fewer than two axes.

    Example:
        >>> kernel = Orthogonal(seed=1)((3, 3))
        >>> bool(np.allclose(kernel.T @ kernel, np.eye(3), atol=1e-6))
        True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Returns the orthogonal values."""
        working_type(self, dtype)
        if len(shape) < 2:
            raise InputError(
                "Orthogonal",
                expected="a shape of at least two sizes",
                got=shape,
                fix="Use it for kernels only.",
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        # In double precision, so that the float32 result hardly depends on the machine's LAPACK.
        tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


def _checked_spread(where: str, stddev: float) -> float:
    if not stddev >= 0:
        raise InputError(
            where, expected="a stddev of at least 0", got=stddev, fix="0.05 is the usual choice."
        )
    return stddev
