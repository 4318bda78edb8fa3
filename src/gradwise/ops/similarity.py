"""Losses of embeddings: vectors of one class close together, those of different classes apart."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import as_float

# Stands for log 0 with a finite gradient.
_NEVER = -1e30


def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    ref_labels: ArrayLike | None = None,
    ref_embeddings: ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> jax.Array:
    """Computes log(1 + sum_n exp(gamma a_n (d_n' - d_n)) sum_p exp(gamma a_p (d_p - d_p'))) for each vector.

    d are cosine distances to the vectors of other classes (n) and of its own class (p), d_n' = 1 - margin and
    d_p' = margin the distances aimed at, and a_n = max(1 + margin - d_n, 0) and a_p = margin + d_p weigh what
    is far from its aim. Source: Sun et al., 2020, arXiv:2002.10857. As in Keras, and not in the paper, the
    gradient also runs through the weights a.

    Args:
        y_true: int[B], or int[B, 1], any whole numbers.
        y_pred: float[B, D], vectors of length 1.
        ref_labels: int[R], the labels of the vectors to compare with; by default `y_true`.
        ref_embeddings: float[R, D], those vectors; by default `y_pred`.
        remove_diagonal: Whether vector i is not compared with reference i, itself by default.
        gamma: How steeply the loss rises.
        margin: How far from perfect distances are good enough.

    Returns:
        float[B]. 0 for a vector without any of its own class, or without any of another, to compare with.

    Raises:
        InputError: The shapes do not fit.

    Example:
        >>> vectors = jnp.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]])
        >>> [round(float(each), 2) for each in circle(jnp.array([0, 1, 0]), vectors)]
        [0.0, 0.0, 6.4]
    """
    y_pred = as_float(y_pred)
    labels = jnp.asarray(y_true)
    others = y_pred if ref_embeddings is None else as_float(ref_embeddings).astype(y_pred.dtype)
    same, different = pairs(
        labels, labels if ref_labels is None else jnp.asarray(ref_labels), remove_diagonal
    )
    if y_pred.ndim != 2 or same.shape != (y_pred.shape[0], others.shape[0]):
        raise InputError(
            "circle",
            expected="labels of shape [B] and vectors of shape [B, D]",
            got=f"{labels.shape} and {y_pred.shape}",
            fix="Give each sample one label and one vector; Flatten makes vectors.",
        )
    # Full precision: what the matrix units of accelerators round away, gamma makes large again.
    cosines = jnp.matmul(y_pred, others.T, precision=jax.lax.Precision.HIGHEST)
    distance = jnp.maximum(1.0 - cosines, 0.0)
    near = -gamma * (margin + distance) * (margin - distance)
    far = gamma * jnp.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    sums = [
        jax.nn.logsumexp(jnp.where(chosen, score, _NEVER), axis=1)
        for chosen, score in ((same, near), (different, far))
    ]
    paired = same.any(1) & different.any(1)
    return jnp.where(paired, jax.nn.softplus(jnp.where(paired, sums[0] + sums[1], 0.0)), 0.0)


def pairs(
    labels: ArrayLike, ref_labels: ArrayLike, remove_diagonal: bool = True
) -> tuple[jax.Array, jax.Array]:
    """Tells which pairs are of one class, and which are not.

    Args:
        labels: int[B] or int[B, 1].
        ref_labels: int[R] or int[R, 1].
        remove_diagonal: Whether pair (i, i) counts as neither.

    Returns:
        bool[B, R] each: of one class, of two.

    Example:
        >>> same, different = pairs(jnp.array([3, 5]), jnp.array([3, 5]))
        >>> same.tolist(), different.tolist()
        ([[False, False], [False, False]], [[False, True], [True, False]])
    """
    left, above = (jnp.asarray(each).reshape(-1).astype(jnp.int32) for each in (labels, ref_labels))
    same = left[:, None] == above[None, :]
    apart = ~same
    if remove_diagonal:
        same = same & ~jnp.eye(same.shape[0], same.shape[1], dtype=bool)
    return same, apart
