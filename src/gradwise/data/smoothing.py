"""Smoothing of curves by moving averages that forget."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.errors import InputError


def exponentially_weighted_average(
    values: ArrayLike, beta: float = 0.9, *, bias_correction: bool = True, axis: int = 0
) -> NDArray[Any]:
    """Averages a series with weights that fade: v ← β v + (1 - β) x, from v = 0.

    The average at time t = 1, 2, … has the weights (1 - β) βᵏ for the value k steps back, so about the last
    1 / (1 - β) values count. These weights add up to 1 - βᵗ only, which pulls the beginning towards 0; the
    correction divides by that: v / (1 - βᵗ), as Adam does (Kingma and Ba, 2014, arXiv 1412.6980, section 3).

    Args:
        values: number[...], with time along one axis.
        beta: β, from 0 (nothing is smoothed) up to but not including 1.
        bias_correction: Whether to divide by 1 - βᵗ.
        axis: The axis of time.

    Returns:
        float[...], the average at each time: float64, or the float type of the values.

    Raises:
        InputError: There are no axes, no such axis, no numbers, or β is out of range.

    Example:
        >>> exponentially_weighted_average([40.0, 49.0], beta=0.5).tolist()
        [40.0, 46.0]
        >>> exponentially_weighted_average([40.0, 49.0], beta=0.5, bias_correction=False).tolist()
        [20.0, 34.5]
    """
    where = "exponentially_weighted_average"
    series = np.asarray(values)
    if series.dtype.kind not in "biuf" or not -series.ndim <= axis < series.ndim:
        raise InputError(
            where,
            expected=f"an array of numbers with an axis {axis}",
            got=f"values of type {series.dtype} and shape {series.shape}",
            fix="Pass a list of numbers, or the axis along which time runs.",
        )
    if not 0 <= beta < 1:
        raise InputError(
            where,
            expected="beta as a number of at least 0 and below 1",
            got=repr(beta),
            fix="0.9 averages about the last 10 values.",
        )
    kind = series.dtype if series.dtype.kind == "f" else np.dtype("float64")
    wide = np.promote_types(kind, "float32")  # in 16 bits the average would stop moving
    steps = np.moveaxis(series, axis, 0).astype(wide)
    averages = np.empty_like(steps)
    average = np.zeros(steps.shape[1:], wide)
    for time, value in enumerate(steps):
        average = beta * average + (1 - beta) * value
        averages[time] = average / (1 - beta ** (time + 1)) if bias_correction else average
    return np.moveaxis(averages, 0, axis).astype(kind)
