"""The confusion matrix, and the numbers that are made from it alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from gradwise.ops.weighting import safe_divide


def confusion_matrix(y_true: jax.Array, y_pred: jax.Array, weights: jax.Array, num_classes: int) -> jax.Array:
    """Adds up the weights of each pair of true and predicted class.

    Args:
        y_true: int[N].
        y_pred: int[N].
        weights: float[N].
        num_classes: The number of classes K. Pairs with a class outside 0 .. K - 1 are left out.

    Returns:
        float[K, K]: true classes are rows, predicted ones columns.

    Example:
        >>> confusion_matrix(jnp.array([0, 1, 1]), jnp.array([0, 0, 1]), jnp.ones(3), 2).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    known = (y_true >= 0) & (y_true < num_classes) & (y_pred >= 0) & (y_pred < num_classes)
    weights = jnp.where(known, weights, 0.0)
    row, column = jnp.where(known, y_true, 0), jnp.where(known, y_pred, 0)
    return jnp.zeros((num_classes, num_classes), weights.dtype).at[row, column].add(weights)


def intersection_over_union(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Computes tp / (tp + fp + fn) of each class.

    Args:
        matrix: float[K, K], from `confusion_matrix`.

    Returns:
        The shares, float[K], 0 for a class that occurs neither among targets nor predictions; and bool[K],
        which classes occur.

    Example:
        >>> shares, _ = intersection_over_union(jnp.array([[1.0, 0.0], [1.0, 1.0]]))
        >>> shares.tolist()
        [0.5, 0.5]
    """
    shared = jnp.diagonal(matrix)
    union = matrix.sum(0) + matrix.sum(1) - shared
    return safe_divide(shared, union), union > 0


def matthews_correlation(matrix: jax.Array) -> jax.Array:
    """Computes the correlation of true and predicted classes, from -1 to 1.

    Source: B. W. Matthews, 1975, for two classes; J. Gorodkin, 2004, for K.

    Args:
        matrix: float[K, K], from `confusion_matrix`.

    Returns:
        float[]. 0 where all targets or all predictions are of one class.

    Example:
        >>> round(float(matthews_correlation(jnp.array([[2.0, 1.0], [0.0, 3.0]]))), 4)
        0.7071
    """
    shares = safe_divide(matrix, matrix.sum())
    true, called = shares.sum(1), shares.sum(0)
    spread = (1.0 - jnp.square(true).sum()) * (1.0 - jnp.square(called).sum())
    # Rounding leaves a little where all are of one class.
    spread = jnp.where(spread > 1e-12, spread, 0.0)
    return safe_divide(jnp.trace(shares) - (true * called).sum(), jnp.sqrt(spread))


def cohen_kappa(matrix: jax.Array, penalties: jax.Array) -> jax.Array:
    """Computes 1 - observed / expected disagreement of true and predicted classes.

    Source: J. Cohen, 1960, "A coefficient of agreement for nominal scales"; with penalties, 1968.

    Args:
        matrix: float[K, K], from `confusion_matrix`.
        penalties: float[K, K], what each pair of classes costs; 0 on the diagonal.

    Returns:
        float[]. 0 where no disagreement can be expected.

    Example:
        >>> penalties = 1.0 - jnp.eye(2)
        >>> round(float(cohen_kappa(jnp.array([[2.0, 1.0], [0.0, 3.0]]), penalties)), 4)
        0.6667
    """
    shares = safe_divide(matrix, matrix.sum())
    by_chance = shares.sum(1)[:, None] * shares.sum(0)[None, :]
    expected = (penalties * by_chance).sum()
    return jnp.where(expected > 1e-7, 1.0 - safe_divide((penalties * shares).sum(), expected), 0.0)
