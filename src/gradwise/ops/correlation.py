"""Correlations of targets and predictions, and the sums behind them that merge without losing digits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import align
from gradwise.ops.weighting import safe_divide

Moments = dict[str, jax.Array]


def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> jax.Array:
    """Computes cov(y_true, y_pred) / (std(y_true) std(y_pred)) along one axis.

    Source: K. Pearson, 1895.

    Args:
        y_true: number[B, D].
        y_pred: float[B, D].
        axis: The axis the values of one correlation lie along.

    Returns:
        float[B], from -1 to 1; 0 where targets or predictions are all equal.

    Raises:
        InputError: The shapes differ, or the axis has one value only.

    Example:
        >>> y_true, y_pred = jnp.array([[0.0, 1.0, 0.5]]), jnp.array([[0.1, 0.9, 0.5]])
        >>> round(float(pearson_correlation(y_true, y_pred)[0]), 4)
        1.0
    """
    y_true, y_pred = _pairs("pearson_correlation", y_true, y_pred, axis)
    true = y_true - y_true.mean(axis, keepdims=True)
    called = y_pred - y_pred.mean(axis, keepdims=True)
    spread = jnp.square(true).sum(axis) * jnp.square(called).sum(axis)
    return safe_divide((true * called).sum(axis), jnp.sqrt(spread))


def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> jax.Array:
    """Computes 2 cov / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2) along one axis.

    Unlike Pearson's it is 1 only for equal values: shifted or scaled predictions cost. Source: L. I-K. Lin,
    1989, "A concordance correlation coefficient to evaluate reproducibility".

    Args:
        y_true: number[B, D].
        y_pred: float[B, D].
        axis: The axis the values of one correlation lie along.

    Returns:
        float[B], from -1 to 1; 0 where targets and predictions are all equal.

    Raises:
        InputError: The shapes differ, or the axis has one value only.

    Example:
        >>> y_true, y_pred = jnp.array([[0.0, 1.0, 0.5]]), jnp.array([[0.1, 0.9, 0.5]])
        >>> round(float(concordance_correlation(y_true, y_pred)[0]), 4)
        0.9756
    """
    y_true, y_pred = _pairs("concordance_correlation", y_true, y_pred, axis)
    middle, called = y_true.mean(axis, keepdims=True), y_pred.mean(axis, keepdims=True)
    together = ((y_true - middle) * (y_pred - called)).mean(axis)
    apart = jnp.square(middle - called).squeeze(axis)
    return safe_divide(2 * together, y_true.var(axis) + y_pred.var(axis) + apart)


def moments(y_true: jax.Array, y_pred: jax.Array, weights: jax.Array) -> Moments:
    """Computes means and centred sums of squares and products of two columns of values.

    Args:
        y_true: float[N, K].
        y_pred: float[N, K].
        weights: float[N, K]. What has weight 0 may be NaN.

    Returns:
        float[K] each: "weight", "true" and "pred" (means), and "true_true", "pred_pred", "true_pred" (sums of
        w (a - mean a) (b - mean b)).

    Example:
        >>> column = jnp.array([[1.0], [3.0]])
        >>> found = moments(column, 2.0 * column, jnp.ones((2, 1)))
        >>> float(found["true"][0]), float(found["true_pred"][0])
        (2.0, 4.0)
    """
    y_true, y_pred = jnp.where(weights != 0, y_true, 0.0), jnp.where(weights != 0, y_pred, 0.0)
    weight = weights.sum(0)
    true, called = (safe_divide((weights * each).sum(0), weight) for each in (y_true, y_pred))
    first, second = y_true - true[None, :], y_pred - called[None, :]
    return {
        "weight": weight,
        "true": true,
        "pred": called,
        "true_true": (weights * first * first).sum(0),
        "pred_pred": (weights * second * second).sum(0),
        "true_pred": (weights * first * second).sum(0),
    }


def merge_moments(first: Moments, second: Moments) -> Moments:
    """Computes the moments of two sets together from those of each.

    Source: T. F. Chan, G. H. Golub and R. J. LeVeque, 1979, "Updating formulae and a pairwise algorithm for
    computing sample variances".

    Args:
        first: As `moments` returns.
        second: Likewise.

    Returns:
        Likewise.

    Example:
        >>> row = jnp.ones((1, 1))
        >>> merged = merge_moments(moments(row, row, row), moments(3.0 * row, row, row))
        >>> float(merged["true"][0]), float(merged["true_true"][0])
        (2.0, 2.0)
    """
    weight = first["weight"] + second["weight"]
    share = safe_divide(second["weight"], weight)
    step = {key: second[key] - first[key] for key in ("true", "pred")}
    merged = {"weight": weight, **{key: first[key] + step[key] * share for key in step}}
    for key, one, other in (
        ("true_true", "true", "true"),
        ("pred_pred", "pred", "pred"),
        ("true_pred", "true", "pred"),
    ):
        merged[key] = first[key] + second[key] + step[one] * step[other] * first["weight"] * share
    return merged


def _pairs(where: str, y_true: ArrayLike, y_pred: ArrayLike, axis: int) -> tuple[jax.Array, jax.Array]:
    y_true, y_pred = align(where, y_true, y_pred)
    if not -y_pred.ndim <= axis < y_pred.ndim or y_pred.shape[axis] == 1:
        raise InputError(
            where,
            expected=f"at least 2 values along axis {axis}",
            got=f"predictions of shape {y_pred.shape}",
            fix="For a model of one output take axis=0: the correlation over all samples.",
        )
    return y_true, y_pred
