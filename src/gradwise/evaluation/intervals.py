"""Intervals that say how far a score on a finite test part may be from the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.errors import InputError

_NORMAL_QUANTILE = 1.959963984540054  # of 0.975: the interval holds 95 %

Interval = tuple[float, float]


def wilson_interval(share: float, samples: int) -> Interval:
    """Computes the 95 % score interval of a share seen in a number of samples.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), which stays in [0, 1] and is honest near 0 and 1 and
    for few samples (E. B. Wilson 1927, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 209-212).

    Args:
        share: The share, in [0, 1].
        samples: How many samples it is from; 0 gives (0, 1).

    Returns:
        The low and the high end.

    Raises:
        InputError: The share is not in [0, 1].

    Example:
        >>> low, high = wilson_interval(0.9, 100)
        >>> round(low, 4), round(high, 4)
        (0.8256, 0.9448)
    """
    if not 0 <= share <= 1:
        raise InputError(
            "wilson_interval", expected="a share in [0, 1]", got=share, fix="Pass 0.9 for 90 percent."
        )
    if samples <= 0:
        return 0.0, 1.0
    z = _NORMAL_QUANTILE
    centre = share + z * z / (2 * samples)
    spread = z * math.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2)
    scale = 1 + z * z / samples
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def mean_interval(values: Sequence[float] | NDArray[Any]) -> Interval:
    """Computes the 95 % interval of a mean over samples, such as a mean absolute error.

    mean ± 1.96 s/√n with the sample deviation s, the normal approximation.

    Args:
        values: float[B], one number per sample, for example the absolute errors.

    Returns:
        The low and the high end; infinite ones for fewer than two samples.

    Example:
        >>> low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
        >>> round(low, 3), round(high, 3)
        (1.235, 3.765)
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        return -math.inf, math.inf
    spread = _NORMAL_QUANTILE * float(array.std(ddof=1)) / math.sqrt(array.size)
    return float(array.mean()) - spread, float(array.mean()) + spread
