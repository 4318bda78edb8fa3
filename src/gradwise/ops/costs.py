"""Losses of decisions that cost differently, from a class-by-class matrix of costs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import align, as_float
from gradwise.ops.crossentropies import log_complement
from gradwise.ops.losses import safe_log


def expected_cost(
    y_true: ArrayLike, y_pred: ArrayLike, cost_matrix: ArrayLike, from_logits: bool = False
) -> jax.Array:
    """Computes sum_i p_i C[i, y], what deciding at random by the probabilities p costs for the true class y.

    C[i, j] is the cost of deciding for class i when class j is true (Elkan, 2001, "The foundations of
    cost-sensitive learning"). The loss is at most the highest cost, so samples far on the wrong side pull
    little; `cost_sensitive_crossentropy` pulls all of them.

    Args:
        y_true: number[B, K], one-hot rows or shares, or labels int[B].
        y_pred: float[B, K], probabilities (divided by their sum first) or logits of a softmax; for two
            classes also [B, 1], the probability of class 1 or the logit of its sigmoid.
        cost_matrix: float[K, K].
        from_logits: Whether the predictions are logits.

    Returns:
        float[B], in units of the costs.

    Raises:
        InputError: The matrix is for another number of classes, or the shapes do not fit.

    Example:
        >>> costs = [[0.0, 99.0], [1.0, 0.0]]  # missing class 1 costs 99, a false alarm 1
        >>> [round(float(each), 2) for each in expected_cost([1, 0], [[0.5, 0.5], [0.5, 0.5]], costs)]
        [49.5, 0.5]
    """
    log_p, costs = _log_shares_and_costs("expected_cost", y_true, y_pred, cost_matrix, from_logits)
    return (jnp.exp(log_p) * costs).sum(-1)


def cost_sensitive_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, cost_matrix: ArrayLike, from_logits: bool = False
) -> jax.Array:
    """Computes -sum_i C[i, y] log(1 - p_i): each wrong class i is pushed down as strongly as it costs.

    C[i, j] is the cost of deciding for class i when class j is true, 0 for i = j. For two classes this is
    the cross-entropy with the costs as class weights. Source: Ho and Wookey, 2020, arXiv:2001.00570, its
    terms for false positives.

    Args:
        y_true: number[B, K], one-hot rows or shares, or labels int[B].
        y_pred: float[B, K], probabilities (divided by their sum first) or logits of a softmax; for two
            classes also [B, 1], the probability of class 1 or the logit of its sigmoid.
        cost_matrix: float[K, K].
        from_logits: Whether the predictions are logits.

    Returns:
        float[B], in nats times the unit of the costs.

    Raises:
        InputError: The matrix is for another number of classes, or the shapes do not fit.

    Example:
        >>> costs = [[0.0, 99.0], [1.0, 0.0]]
        >>> values = cost_sensitive_crossentropy([1, 0], [[0.5, 0.5], [0.5, 0.5]], costs)
        >>> [round(float(each), 3) for each in values]  # 99 log 2 and log 2
        [68.622, 0.693]
    """
    where = "cost_sensitive_crossentropy"
    log_p, costs = _log_shares_and_costs(where, y_true, y_pred, cost_matrix, from_logits)
    return -(costs * log_complement(log_p)).sum(-1)


def _log_shares_and_costs(
    where: str, y_true: ArrayLike, y_pred: ArrayLike, cost_matrix: ArrayLike, from_logits: bool
) -> tuple[jax.Array, jax.Array]:
    """Returns log-probabilities float[B, K], and float[B, K] with what each decision costs each sample."""
    y_pred, y_true = as_float(y_pred), jnp.asarray(y_true)
    costs = jnp.asarray(cost_matrix).astype(y_pred.dtype)
    classes = costs.shape[0]
    if y_pred.shape[-1] == 1 and classes == 2:
        y_true = y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true
        y_pred = _two_classes(y_pred, from_logits)
    if y_pred.shape[-1] != classes:
        raise InputError(
            where,
            expected=f"predictions of {classes} classes, as the cost matrix has {classes} rows",
            got=f"shape {y_pred.shape}",
            fix=f"Give the last layer {classes} units, or the matrix a row and a column for every class.",
        )
    log_p = jax.nn.log_softmax(y_pred if from_logits else safe_log(y_pred), -1)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    if y_true.ndim == y_pred.ndim:
        shares = align(where, y_true, y_pred)[0]
    else:
        # A label outside 0 ... K - 1 gives NaN, as in the sparse cross-entropy.
        known = (y_true >= 0) & (y_true < classes)
        shares = jax.nn.one_hot(y_true.astype(jnp.int32), classes, dtype=y_pred.dtype)
        shares = jnp.where(known[..., None], shares, jnp.nan)
        shares = align(where, shares, y_pred)[0]
    return log_p, jnp.matmul(shares, costs.T, precision=jax.lax.Precision.HIGHEST)


def _two_classes(y_pred: jax.Array, from_logits: bool) -> jax.Array:
    other = jnp.zeros_like(y_pred) if from_logits else 1.0 - y_pred
    return jnp.concatenate([other, y_pred], axis=-1)
