"""Accuracies, and counts of right and wrong answers."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import align, align_distributions, align_labels, as_float


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Tells where prediction and target are equal numbers.

    Args:
        y_true: number[B, D].
        y_pred: number[B, D].

    Returns:
        float[B, D], each 0 or 1.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> accuracy([[1], [2]], [[1], [3]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = align("accuracy", y_true, y_pred)
    return (y_true == y_pred).astype(y_pred.dtype)


def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> jax.Array:
    """Tells where a yes-or-no prediction is on the target's side of a threshold.

    Args:
        y_true: number[B, D], each 0 (or -1) or 1. Targets between are never met.
        y_pred: float[B, D].
        threshold: Predictions above it mean 1; 0.5 for probabilities, 0 for logits and tanh.

    Returns:
        float[B, D], each 0 or 1.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> binary_accuracy([[1], [0]], [[0.7], [0.6]]).tolist()
        [[1.0], [0.0]]
    """
    fix = "" if jnp.asarray(y_pred).shape[-1:] == (1,) else "For one of several classes use 'accuracy'."
    y_true, y_pred = align("binary_accuracy", y_true, y_pred, fix)
    return ((y_pred > threshold).astype(y_pred.dtype) == jnp.maximum(y_true, 0.0)).astype(y_pred.dtype)


def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Tells where the largest prediction is at the largest target.

    Args:
        y_true: float[B, K], one-hot or shares.
        y_pred: float[B, K], probabilities or logits.

    Returns:
        float[B], each 0 or 1.

    Raises:
        InputError: The targets are integer labels, or the shapes differ otherwise.

    Example:
        >>> categorical_accuracy([[0, 1], [0, 1]], [[0.2, 0.8], [0.9, 0.1]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = align_distributions("categorical_accuracy", y_true, y_pred)
    return (y_true.argmax(-1) == y_pred.argmax(-1)).astype(y_pred.dtype)


def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Tells where the largest prediction is at the class the label names.

    Args:
        y_true: int[B].
        y_pred: float[B, K], probabilities or logits.

    Returns:
        float[B], each 0 or 1.

    Raises:
        InputError: The targets are one-hot, or the shapes differ otherwise.

    Example:
        >>> sparse_categorical_accuracy([1, 1], [[0.2, 0.8], [0.9, 0.1]]).tolist()
        [1.0, 0.0]
    """
    labels, y_pred = align_labels("sparse_categorical_accuracy", y_true, y_pred)
    return (labels == y_pred.argmax(-1).astype(labels.dtype)).astype(y_pred.dtype)


def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> jax.Array:
    """Tells where the target's class is among the k largest predictions; equal ones share a place.

    Args:
        y_true: float[B, K], one-hot or shares.
        y_pred: float[B, K], probabilities or logits.
        k: How many predictions count.

    Returns:
        float[B], each 0 or 1.

    Raises:
        InputError: The targets are integer labels, or the shapes differ otherwise.

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.2, 0.3]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = align_distributions("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(y_true.argmax(-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False
) -> jax.Array:
    """Tells where the label's class is among the k largest predictions; equal ones share a place.

    Args:
        y_true: int[B].
        y_pred: float[B, K], probabilities or logits; or, if so said, class numbers from the best down.
        k: How many predictions count.
        from_sorted_ids: Whether the predictions are class numbers, at least k of them.

    Returns:
        float[B], each 0 or 1.

    Raises:
        InputError: The targets are one-hot, the shapes differ otherwise, or there are fewer than k numbers.

    Example:
        >>> sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).tolist()
        [1.0]
    """
    where = "sparse_top_k_categorical_accuracy"
    labels, y_pred = align_labels(where, y_true, y_pred)
    if not from_sorted_ids:
        return _in_top_k(labels, y_pred, k)
    if y_pred.shape[-1] < k:
        raise InputError(
            where,
            expected=f"at least k = {k} class numbers a sample",
            got=f"predictions of shape {y_pred.shape}",
            fix="Lower k, or give more classes for each sample.",
        )
    best = y_pred[..., :k].astype(jnp.int32)
    return (best == labels[..., None]).any(-1).astype(y_pred.dtype)


def as_indicators(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Gives targets one 0 or 1 for each prediction; integer labels of several classes become one-hot.

    Args:
        where: What compares the two, for the error.
        y_true: number[B, K], or labels int[B] or int[B, 1].
        y_pred: float[B, K].

    Returns:
        Targets bool[B, K] and predictions float[B, K].

    Raises:
        InputError: The shapes fit neither way.

    Example:
        >>> as_indicators("precision", jnp.array([1]), jnp.array([[0.1, 0.7, 0.2]]))[0].tolist()
        [[False, True, False]]
    """
    shape = jnp.asarray(y_true).shape
    y_pred = as_float(y_pred)
    several = y_pred.ndim > 1 and y_pred.shape[-1] != 1
    if several and shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
        labels, y_pred = align_labels(where, y_true, y_pred)
        return jax.nn.one_hot(labels, y_pred.shape[-1], dtype=bool), y_pred
    y_true, y_pred = align(where, y_true, y_pred)
    return y_true > 0, y_pred


def counts_above(
    positive: jax.Array, y_pred: jax.Array, weights: jax.Array | None, thresholds: Sequence[float]
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Adds up the weights of true and false answers for "every prediction above the threshold is a yes".

    Args:
        positive: bool[...].
        y_pred: float[...].
        weights: Broadcastable to the predictions, or None for 1 each.
        thresholds: T numbers.

    Returns:
        float[T] each: true positives, false positives, true negatives, false negatives.

    Example:
        >>> counts = counts_above(jnp.array([True, False]), jnp.array([0.9, 0.6]), None, (0.5,))
        >>> [each.tolist() for each in counts]
        [[1.0], [1.0], [0.0], [0.0]]
    """
    weight = jnp.ones((), y_pred.dtype) if weights is None else weights.astype(y_pred.dtype)
    yes = jnp.where(positive, weight, 0.0).ravel()
    no = jnp.where(positive, 0.0, weight).ravel()
    limits = jnp.asarray(thresholds, y_pred.dtype)[:, None]
    above = y_pred.ravel()[None, :] > limits  # [T, N]
    true_positives = jnp.where(above, yes[None, :], 0.0).sum(-1)
    false_positives = jnp.where(above, no[None, :], 0.0).sum(-1)
    return true_positives, false_positives, no.sum() - false_positives, yes.sum() - true_positives


def keep_top_k(y_pred: jax.Array, k: int) -> jax.Array:
    """Replaces all but the k largest predictions of the last axis by minus infinity.

    Args:
        y_pred: float[..., K].
        k: How many stay; of equal ones the first.

    Returns:
        float[..., K].

    Raises:
        InputError: There are fewer than k predictions.

    Example:
        >>> keep_top_k(jnp.array([0.5, 0.2, 0.3]), 2).tolist()
        [0.5, -inf, 0.30000001192092896]
    """
    if y_pred.shape[-1] < k:
        raise InputError(
            "top_k",
            expected=f"at least k = {k} predictions a sample",
            got=f"predictions of shape {y_pred.shape}",
            fix="Lower top_k.",
        )
    _, places = jax.lax.top_k(y_pred, k)
    kept = jax.nn.one_hot(places, y_pred.shape[-1], dtype=bool).any(-2)
    return jnp.where(kept, y_pred, -jnp.inf)


def _in_top_k(labels: jax.Array, y_pred: jax.Array, k: int) -> jax.Array:
    # Counting the larger ones needs no sort. NaN as the label's score is never among the best.
    classes = jax.lax.broadcasted_iota(labels.dtype, y_pred.shape, y_pred.ndim - 1)
    score = jnp.where(classes == labels[..., None], y_pred, 0.0).sum(-1, keepdims=True)
    larger = (y_pred > score).sum(-1)
    return ((larger < k) & ~jnp.isnan(score[..., 0])).astype(y_pred.dtype)
