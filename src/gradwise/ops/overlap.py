"""Losses of the overlap of two sets, for masks of image regions."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jax.typing import ArrayLike

from gradwise.config import epsilon
from gradwise.ops.alignment import align


def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: int | Sequence[int] | None = None) -> jax.Array:
    """Computes 1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon).

    Source: Milletari et al., 2016, arXiv:1606.04797, with sums instead of sums of squares, as in Keras.

    Args:
        y_true: float[...], 0 and 1.
        y_pred: float[...], in [0, 1].
        axis: The axes the sums run over; all of them by default, the batch's too.

    Returns:
        float of the axes that are left; a scalar by default.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(dice([1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0])), 4)
        0.5
    """
    y_true, y_pred = align("dice", y_true, y_pred)
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    total = y_true.sum(axis) + y_pred.sum(axis) + epsilon()
    return 1.0 - 2.0 * (y_true * y_pred).sum(axis) / total


def tversky(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | Sequence[int] | None = None,
) -> jax.Array:
    """Computes 1 - s / (s + alpha * m + beta * f + epsilon) with shared, missed and falsely found parts.

    s = sum(y_true * y_pred), m = sum(y_true * (1 - y_pred)), f = sum((1 - y_true) * y_pred). Source: Salehi
    et al., 2017, arXiv:1706.05721. As in the code of Keras, but not in its documentation nor in the paper,
    alpha goes with what is missed and beta with false finds.

    Args:
        y_true: float[...], 0 and 1.
        y_pred: float[...], in [0, 1].
        alpha: The weight of what is missed.
        beta: The weight of what is falsely found; with both at 0.5 this is the Dice loss.
        axis: The axes the sums run over; all of them by default, the batch's too.

    Returns:
        float of the axes that are left; a scalar by default.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(tversky([1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], alpha=1.0, beta=0.0)), 4)
        0.5
    """
    y_true, y_pred = align("tversky", y_true, y_pred)
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    shared = (y_true * y_pred).sum(axis)
    missed = (y_true * (1.0 - y_pred)).sum(axis)
    found = ((1.0 - y_true) * y_pred).sum(axis)
    return 1.0 - shared / (shared + alpha * missed + beta * found + epsilon())
