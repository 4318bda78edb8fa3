"""Curves of a yes-or-no classifier over all thresholds: counts, areas, average precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from gradwise.ops.weighting import safe_divide


def counts_between(
    positive: jax.Array, weights: jax.Array, places: jax.Array, intervals: int
) -> tuple[jax.Array, jax.Array]:
    """Adds up the weights of positives and negatives in each interval between thresholds.

    Args:
        positive: bool[N, K].
        weights: float[N, K].
        places: int[N, K], the interval of each prediction.
        intervals: How many there are, T.

    Returns:
        float[T, K] each: the weights of positives and of negatives.

    Example:
        >>> column = jnp.array([[True], [True], [False]])
        >>> counts = counts_between(column, jnp.ones((3, 1)), jnp.array([[0], [1], [1]]), 2)
        >>> [each[:, 0].tolist() for each in counts]
        [[1.0, 1.0], [0.0, 1.0]]
    """
    columns = jnp.broadcast_to(jnp.arange(positive.shape[1])[None, :], positive.shape)
    nothing = jnp.zeros((intervals, positive.shape[1]), weights.dtype)
    yes, no = jnp.where(positive, weights, 0.0), jnp.where(positive, 0.0, weights)
    return nothing.at[places, columns].add(yes), nothing.at[places, columns].add(no)


def counts_from_above(counts: jax.Array) -> jax.Array:
    """Adds up counts of intervals from the highest down: what lies above the lower end of each.

    Args:
        counts: float[T, K].

    Returns:
        float[T, K].

    Example:
        >>> counts_from_above(jnp.array([[1.0], [0.0], [2.0]]))[:, 0].tolist()
        [3.0, 2.0, 2.0]
    """
    return jnp.cumsum(counts[::-1], axis=0)[::-1]


def exact_counts(positive: jax.Array, y_pred: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Counts true and false positives at every threshold that makes a difference: each prediction.

    Args:
        positive: bool[N, K].
        y_pred: float[N, K]. Where the weight is not 0, NaN makes the counts NaN.
        weights: float[N, K].

    Returns:
        float[N+1, K] each: the weights of positives and of negatives whose prediction is at least the
        threshold, for rising thresholds. Equal predictions give equal rows, and the last row is 0.

    Example:
        >>> column = jnp.array([[True], [False], [True]])
        >>> counts = exact_counts(column, jnp.array([[0.3], [0.3], [0.9]]), jnp.ones((3, 1)))
        >>> [each[:, 0].tolist() for each in counts]
        [[2.0, 2.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    weights = jnp.where((weights != 0) & jnp.isnan(y_pred), jnp.nan, weights)
    scores = jnp.where(weights == 0, -jnp.inf, y_pred)
    order = jnp.argsort(scores, axis=0)
    scores, positive, weights = (
        jnp.take_along_axis(each, order, axis=0) for each in (scores, positive, weights)
    )
    begins = jnp.concatenate([jnp.ones_like(scores[:1], bool), scores[1:] != scores[:-1]])

    def counts(values: jax.Array) -> jax.Array:
        above = counts_from_above(values)
        # Equal predictions are called 1 together: each has the count at the first of them.
        first = jax.lax.cummin(jnp.where(begins, above, jnp.inf), axis=0)
        return jnp.concatenate([first, jnp.zeros_like(first[:1])])

    return counts(jnp.where(positive, weights, 0.0)), counts(jnp.where(positive, 0.0, weights))


def average_precision(positive: jax.Array, y_pred: jax.Array, weights: jax.Array) -> jax.Array:
    """Computes the mean of the precisions at the rank of each positive, which is sum_n (R_n - R_(n-1)) P_n.

    P and R are precision and recall at each distinct prediction, as in scikit-learn: no interpolation, and
    equal predictions count as one threshold.

    Args:
        positive: bool[N, K].
        y_pred: float[N, K].
        weights: float[N, K].

    Returns:
        float[K], one for each column; 0 for a column without positives.

    Example:
        >>> column = jnp.array([[False], [False], [True], [True]])
        >>> scores = jnp.array([[0.1], [0.4], [0.35], [0.8]])
        >>> round(float(average_precision(column, scores, jnp.ones((4, 1)))[0]), 4)
        0.8333
    """
    right, wrong = exact_counts(positive, y_pred, weights)
    precision = safe_divide(right, right + wrong)
    return safe_divide(((right[:-1] - right[1:]) * precision[:-1]).sum(0), right[0])


def area_under_curve(
    true_positives: jax.Array,
    false_positives: jax.Array,
    positives: jax.Array,
    negatives: jax.Array,
    curve: str,
    summation_method: str,
) -> jax.Array:
    """Computes the area under a curve from counts at rising thresholds.

    Between two thresholds the precision-recall curve is interpolated as in Davis and Goadrich (2006,
    doi:10.1145/1143844.1143874, section 3): a straight line there would be too high. Precision-recall-gain:
    Flach and Kull, 2015, "Precision-Recall-Gain Curves: PR Analysis Done Right".

    Args:
        true_positives: float[T] or float[T, K], one curve a column; falling along the first axis.
        false_positives: Of the same shape.
        positives: float[] or float[K], the weight of all positives.
        negatives: Likewise.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation", or "minoring" / "majoring" for steps below / above the curve.

    Returns:
        float[] or float[K].

    Example:
        >>> counts = jnp.array([2.0, 1.0, 0.0]), jnp.array([2.0, 0.0, 0.0])
        >>> float(area_under_curve(*counts, jnp.array(2.0), jnp.array(2.0), "ROC", "interpolation"))
        0.75
    """
    positives, negatives = positives[None], negatives[None]
    recall = safe_divide(true_positives, positives)
    if curve == "PR" and summation_method == "interpolation":
        return _interpolated_pr(true_positives, true_positives + false_positives, positives)
    if curve == "ROC":
        x, y = safe_divide(false_positives, negatives), recall
    elif curve == "PR":
        x, y = recall, safe_divide(true_positives, true_positives + false_positives)
    else:
        x, y = _gains(true_positives, false_positives, positives, negatives)
    heights = {
        "interpolation": lambda: (y[:-1] + y[1:]) / 2,
        "minoring": lambda: jnp.minimum(y[:-1], y[1:]),
        "majoring": lambda: jnp.maximum(y[:-1], y[1:]),
    }[summation_method]()
    return ((x[:-1] - x[1:]) * heights).sum(0)


def _gains(
    true_positives: jax.Array, false_positives: jax.Array, positives: jax.Array, negatives: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # Both gains are -inf without true positives; as in Keras recall gain is then 0 and precision gain 1, and
    # a recall below the share of positives has gain 0.
    odds = safe_divide(positives, negatives)
    some = true_positives > 0
    recall = 1.0 - odds * safe_divide(positives - true_positives, true_positives)
    precision = 1.0 - odds * safe_divide(false_positives, true_positives)
    return jnp.where(some, jnp.maximum(recall, 0.0), 0.0), jnp.where(some, precision, 1.0)


def _interpolated_pr(true_positives: jax.Array, predicted: jax.Array, positives: jax.Array) -> jax.Array:
    # Between thresholds true positives grow linearly with predicted ones: tp = intercept + slope * p, and the
    # integral of the precision tp / p is slope * (tp difference + intercept * log(p ratio)).
    gained = true_positives[:-1] - true_positives[1:]
    slope = safe_divide(gained, jnp.maximum(predicted[:-1] - predicted[1:], 0.0))
    intercept = true_positives[1:] - slope * predicted[1:]
    both = (predicted[:-1] > 0) & (predicted[1:] > 0)
    ratio = jnp.where(both, safe_divide(predicted[:-1], predicted[1:]), 1.0)
    return safe_divide(slope * (gained + intercept * jnp.log(ratio)), positives).sum(0)
