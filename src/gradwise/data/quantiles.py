"""Quantiles of data that come in parts, from a summary of limited size, by the method of Keras."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def summarize(values: NDArray[Any], epsilon: float) -> NDArray[np.float32]:
    """Takes about 1 / epsilon of the sorted values, each with how many it stands for.

    Args:
        values: Numbers in an array of any shape.
        epsilon: The share of the values that one stands for.

    Returns:
        float32[2, N], values and weights.

    Example:
        >>> summarize(np.arange(8.0), 0.25).tolist()
        [[1.0, 3.0, 5.0, 7.0], [2.0, 2.0, 2.0, 2.0]]
    """
    ordered = np.sort(np.asarray(values, np.float32).ravel())
    step = max(ordered.size / (1 / epsilon), 1.0)
    taken = ordered[int(step - 1) :: int(step)]
    return np.stack([taken, np.full_like(taken, step)])


def merge(one: NDArray[np.float32], two: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """Joins two summaries into one of about 1 / epsilon values.

    Args:
        one: float32[2, N], from `summarize` or `merge`.
        two: float32[2, M].
        epsilon: The share of the values that one stands for.

    Returns:
        float32[2, ...].

    Example:
        >>> merge(np.ones((2, 1), "float32"), np.zeros((2, 0), "float32"), 0.1).tolist()
        [[1.0], [1.0]]
    """
    both = np.concatenate([one, two], axis=1)
    both = both[:, np.argsort(both[0])]
    if both.shape[1] * epsilon < 1:
        return both
    # As many shares as reach the whole: 1 / epsilon need be no whole number, or be one but for rounding.
    shares = epsilon * np.arange(1, math.ceil(1 / epsilon - 1e-6) + 1)
    total = both[1].cumsum()
    reached = np.interp(shares, total / total[-1], total)
    return np.stack([np.interp(shares, total / total[-1], both[0]), np.diff(reached, prepend=0)]).astype(
        np.float32
    )


def boundaries(summary: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Returns what parts the values into `count` bins of about equally many.

    Args:
        summary: float32[2, N], from `merge`.
        count: How many bins there are.

    Returns:
        float32[count - 1], rising; infinity for those that too few values leave over.

    Example:
        >>> boundaries(summarize(np.arange(1.0, 101.0), 0.01), 4).tolist()
        [25.0, 50.0, 75.0]
    """
    parted = merge(summary, summary[:, :0], 1 / count)[0, : count - 1]
    if summary.shape[1] < count:
        parted = parted[: max(summary.shape[1] - 1, 0)]
    return np.pad(parted, (0, count - 1 - len(parted)), constant_values=np.inf)
