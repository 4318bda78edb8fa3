"""Random values of a shape, and the fans of a weight: plain functions on the host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], stddev: float, mean: float = 0.0
) -> np.ndarray:
    """Draws from N(mean, stddev²).

    Example:
        >>> normal(np.random.default_rng(0), (2, 3), np.dtype("float32"), 1.0).shape
        (2, 3)
    """
    return _scaled(_standard_normal(rng, math.prod(shape), dtype), stddev, mean).reshape(shape)


def truncated_normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], stddev: float, mean: float = 0.0
) -> np.ndarray:
    """Draws from N(mean, stddev²), again and again what lies beyond mean ± 2 stddev.

    Example:
        >>> bool(abs(truncated_normal(np.random.default_rng(0), (99,), np.dtype("float32"), 1.0)).max() <= 2)
        True
    """
    values = _standard_normal(rng, math.prod(shape), dtype)
    outside = np.flatnonzero(np.abs(values) > 2)
    while outside.size:
        values[outside] = _standard_normal(rng, outside.size, dtype)
        outside = outside[np.abs(values[outside]) > 2]
    return _scaled(values, stddev, mean).reshape(shape)


def uniform(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], low: float, high: float
) -> np.ndarray:
    """Draws evenly from low to high.

    Example:
        >>> bool(uniform(np.random.default_rng(0), (99,), np.dtype("float32"), -1.0, 0.0).max() <= 0)
        True
    """
    values = _standard_uniform(rng, math.prod(shape), dtype)
    return _scaled(values, high - low, low).reshape(shape)


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """Counts the inputs that feed one unit and the outputs that one input feeds.

    A matrix is [fan_in, fan_out]; a convolution kernel [..., inputs, filters] multiplies both by its
    receptive field; a vector counts its length for both (the conventions of Keras).

    Args:
        shape: The sizes of the weight.

    Returns:
        (fan_in, fan_out).

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    field = math.prod(shape[:-2])
    return int(shape[-2] * field), int(shape[-1] * field)


def _standard_normal(rng: np.random.Generator, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype == np.float64:
        return rng.standard_normal(count, dtype=np.float64)
    return rng.standard_normal(count, dtype=np.float32)


def _standard_uniform(rng: np.random.Generator, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype == np.float64:
        return rng.random(count, dtype=np.float64)
    return rng.random(count, dtype=np.float32)


def _scaled(values: np.ndarray, factor: float, offset: float) -> np.ndarray:
    # In place: the arrays can be large, and Python floats keep their type.
    values *= factor
    if offset:
        values += offset
    return values
