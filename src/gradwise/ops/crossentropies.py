"""Cross-entropies, from probabilities or from logits, and their focal forms.

Probabilities are not clipped to [1e-7, 1 - 1e-7] as in Keras: a confident wrong answer costs what it
costs, down to the smallest number of the float type. Logits are exact everywhere and to be preferred; the
training step takes them by itself when the model ends in a sigmoid or softmax.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.alignment import align, align_distributions, align_labels
from gradwise.ops.losses import safe_log, smallest


def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Computes the mean over d of -(y log p + (1 - y) log(1 - p)), also called log-loss.

    Args:
        y_true: float[B, D], in [0, 1].
        y_pred: float[B, D], probabilities, or logits z with p = sigmoid(z).
        from_logits: Whether the predictions are logits.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / 2.
        axis: The axis that is averaged.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(binary_crossentropy([0.0, 1.0], [0.9, 0.1])), 6)
        2.302585
    """
    y_true, y_pred = _align_binary("binary_crossentropy", y_true, y_pred)
    return _binary(_smooth_binary(y_true, label_smoothing), y_pred, from_logits).mean(axis)


def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Computes -sum_k y_k log p_k for one-hot targets or distributions.

    Args:
        y_true: float[B, K].
        y_pred: float[B, K], probabilities (divided by their sum first), or logits z with p = softmax(z).
        from_logits: Whether the predictions are logits.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / K.
        axis: The class axis.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The targets are integer labels, or the shapes differ otherwise.

    Example:
        >>> round(float(categorical_crossentropy([0.0, 1.0], [0.75, 0.25])), 4)
        1.3863
    """
    y_true, y_pred = align_distributions("categorical_crossentropy", y_true, y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, axis)
    log_p = jax.nn.log_softmax(y_pred, axis) if from_logits else safe_log(_shares(y_pred, axis))
    return -(y_true * log_p).sum(axis)


def sparse_categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> jax.Array:
    """Computes -log p_k for the class k that an integer label names.

    Args:
        y_true: int[B], labels from 0 to K - 1. Another label gives NaN (Keras: a loss of 0).
        y_pred: float[B, K], probabilities (divided by their sum first), or logits z with p = softmax(z).
        from_logits: Whether the predictions are logits.
        ignore_class: A label whose samples get the loss 0, for example -1 or 255.
        axis: The class axis.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The targets are one-hot, or the shapes differ otherwise.

    Example:
        >>> round(float(sparse_categorical_crossentropy([1], [[0.75, 0.25]])[0]), 4)
        1.3863
    """
    labels, y_pred = align_labels("sparse_categorical_crossentropy", y_true, y_pred, axis)
    kept = True if ignore_class is None else labels != ignore_class
    scores = y_pred if from_logits else _shares(y_pred, axis)
    # A comparison with every class instead of a gather, whose gradient is a scatter: slow on every device.
    classes = jax.lax.broadcasted_iota(jnp.int32, y_pred.shape, axis % y_pred.ndim)
    chosen = classes == jnp.expand_dims(labels, axis)
    score = jnp.where(chosen, scores, 0.0).sum(axis)
    if from_logits:
        values = jax.nn.logsumexp(y_pred, axis) - score
    else:
        values = -safe_log(score)
    known = (labels >= 0) & (labels < y_pred.shape[axis])
    return jnp.where(kept, jnp.where(known, values, jnp.nan), 0.0)


def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Computes the binary cross-entropy times (1 - p_t)^gamma, p_t the probability of the right answer.

    Source: Lin et al., 2017, arXiv:1708.02002, equations 4 and 5.

    Args:
        y_true: float[B, D], in [0, 1].
        y_pred: float[B, D], probabilities, or logits z with p = sigmoid(z).
        apply_class_balancing: Whether to weight class 1 by alpha and class 0 by 1 - alpha.
        alpha: The weight of class 1.
        gamma: How strongly easy samples are held down; 0 gives the cross-entropy.
        from_logits: Whether the predictions are logits.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / 2.
        axis: The axis that is averaged.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(binary_focal_crossentropy([1.0], [0.5])), 4)
        0.1733
    """
    y_true, y_pred = _align_binary("binary_focal_crossentropy", y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    values = _binary(y_true, y_pred, from_logits)
    p = jax.nn.sigmoid(y_pred) if from_logits else y_pred
    # 1 - p would lose the digits of a small rest.
    q = jax.nn.sigmoid(-y_pred) if from_logits else 1 - y_pred
    values = values * _power(y_true * q + (1 - y_true) * p, gamma)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return values.mean(axis)


def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Computes -sum_k alpha_k (1 - p_k)^gamma y_k log p_k.

    Source: Lin et al., 2017, arXiv:1708.02002, equation 5, for several classes.

    Args:
        y_true: float[B, K].
        y_pred: float[B, K], probabilities (divided by their sum first), or logits z with p = softmax(z).
        alpha: The weight of every class, or one weight for each.
        gamma: How strongly easy samples are held down.
        from_logits: Whether the predictions are logits.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / K.
        axis: The class axis.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The targets are integer labels, the shapes differ otherwise, or the number of weights is
            not that of the classes.

    Example:
        >>> round(float(categorical_focal_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
        0.0433
    """
    y_true, y_pred = align_distributions("categorical_focal_crossentropy", y_true, y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, axis)
    p = jax.nn.softmax(y_pred, axis) if from_logits else _shares(y_pred, axis)
    log_p = jax.nn.log_softmax(y_pred, axis) if from_logits else safe_log(p)
    return -(_class_weights(alpha, y_pred, axis) * _power(1 - p, gamma) * y_true * log_p).sum(axis)


def categorical_generalized_cross_entropy(
    y_true: ArrayLike, y_pred: ArrayLike, q: float = 0.5, from_logits: bool = False
) -> jax.Array:
    """Computes (1 - p_k^q) / q for the class k that an integer label names, for labels that may be wrong.

    Between the cross-entropy (q near 0) and 1 - p_k (q = 1), which bounds what one wrong label can cost.
    Source: Zhang and Sabuncu, 2018, arXiv:1805.07836, equation 6.

    Args:
        y_true: int[B], labels from 0 to K - 1. Another label gives NaN (Keras: a loss of 1 / q).
        y_pred: float[B, K], probabilities, or logits z with p = softmax(z).
        q: Above 0 and at most 1.
        from_logits: Whether the predictions are logits.

    Returns:
        float[B].

    Raises:
        InputError: The targets are one-hot, or the shapes differ otherwise.

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]]).tolist()
        [1.0]
    """
    labels, y_pred = align_labels("categorical_generalized_cross_entropy", y_true, y_pred)
    log_p = jax.nn.log_softmax(y_pred, -1) if from_logits else safe_log(y_pred)
    classes = jax.lax.broadcasted_iota(jnp.int32, y_pred.shape, y_pred.ndim - 1)
    score = jnp.where(classes == labels[..., None], log_p, 0.0).sum(-1)
    known = (labels >= 0) & (labels < y_pred.shape[-1])
    # The power of p by its logarithm: p^q has an infinite slope at p = 0, and 1 - p^q cancels for small q.
    return jnp.where(known, -jnp.expm1(q * score) / q, jnp.nan)


def log_complement(log_p: jax.Array, axis: int = -1) -> jax.Array:
    """Computes log(1 - p_k) for probabilities that add up to 1, exactly also where p_k rounds to 1.

    Args:
        log_p: float[..., K], logarithms of at least two probabilities.
        axis: The class axis.

    Returns:
        float[..., K].

    Example:
        >>> log_complement(jax.nn.log_softmax(jnp.array([200.0, 0.0]))).tolist()
        [-200.0, -0.0]
    """
    classes = jax.lax.broadcasted_iota(jnp.int32, log_p.shape, axis % log_p.ndim)
    largest = classes == jnp.argmax(log_p, axis, keepdims=True).astype(jnp.int32)
    # For the largest probability the sum of the others; these are at most 1/2, where log1p is exact.
    others = jax.nn.logsumexp(jnp.where(largest, -jnp.inf, log_p), axis, keepdims=True)
    return jnp.where(largest, others, jnp.log1p(-jnp.where(largest, 0.0, jnp.exp(log_p))))


def _class_weights(alpha: float | Sequence[float], y_pred: jax.Array, axis: int) -> jax.Array:
    weights = jnp.asarray(alpha).astype(y_pred.dtype)
    if weights.ndim == 0:
        return weights
    if weights.shape != (y_pred.shape[axis],):
        raise InputError(
            "categorical_focal_crossentropy, alpha",
            expected=f"one number, or one for each of the {y_pred.shape[axis]} classes",
            got=f"{weights.size}",
            fix="Give as many weights as classes.",
        )
    shape = [1] * y_pred.ndim
    shape[axis] = weights.size
    return weights.reshape(shape)


def _align_binary(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    true_shape, pred_shape = jnp.asarray(y_true).shape, jnp.asarray(y_pred).shape
    if len(true_shape) == len(pred_shape) and true_shape[-1:] != pred_shape[-1:] == (1,):
        fix = (
            f"For one of {true_shape[-1]} classes use 'categorical_crossentropy' and a softmax layer of "
            f"{true_shape[-1]} units; for yes-or-no answers a sigmoid layer of {true_shape[-1]} units."
        )
    elif pred_shape[-1:] not in ((), (1,)) and true_shape[:1] == pred_shape[:1]:
        fix = (
            "For one of several classes use 'sparse_categorical_crossentropy' and a softmax layer; for "
            f"{pred_shape[-1]} yes-or-no answers give {pred_shape[-1]} columns of 0 and 1; "
            "for one answer a layer of 1 unit."
        )
    else:
        fix = ""
    return align(where, y_true, y_pred, fix)


def _binary(y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
    if from_logits:
        return _binary_from_logits(y_true, y_pred)
    # log1p(-p) is exact for small p; at p = 1 its gradient is infinite, so that case is cut out before.
    saturated = y_pred >= 1
    below = jnp.where(saturated, 0.0, jnp.maximum(y_pred, 0.0))
    log_q = jnp.where(saturated, safe_log(jnp.zeros((), y_pred.dtype)), jnp.log1p(-below))
    return -(y_true * safe_log(y_pred) + (1.0 - y_true) * log_q)


@jax.custom_jvp
def _binary_from_logits(y_true: jax.Array, logits: jax.Array) -> jax.Array:
    # Equal to -(y log p + (1 - y) log(1 - p)), and exact for logits of any size.
    return jnp.maximum(logits, 0.0) - logits * y_true + jnp.log1p(jnp.exp(-jnp.abs(logits)))


@_binary_from_logits.defjvp
def _binary_from_logits_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # By hand, because the derivative of the terms above cancels: 1 - 1 - 4e-18 for a logit of 40.
    y_true, logits = primals
    small = jnp.exp(-jnp.abs(logits))
    up = jnp.where(logits >= 0, 1.0, small) / (1.0 + small)  # sigmoid(z)
    down = jnp.where(logits >= 0, small, 1.0) / (1.0 + small)  # 1 - sigmoid(z)
    slope = (1.0 - y_true) * up - y_true * down
    return _binary_from_logits(y_true, logits), slope * tangents[1] - logits * tangents[0]


def _shares(y_pred: jax.Array, axis: int) -> jax.Array:
    total = y_pred.sum(axis, keepdims=True)
    # The gradient divides by the total's square, so a total whose square vanishes is left alone.
    return y_pred / jnp.where(total > math.sqrt(smallest(y_pred)), total, 1.0)


def _power(base: jax.Array, exponent: float) -> jax.Array:
    # A base of exactly 0 has an infinite or undefined slope for exponents below 1.
    return jnp.power(jnp.maximum(base, smallest(base)), exponent)


def _smooth(y_true: jax.Array, amount: float, axis: int) -> jax.Array:
    return y_true if amount == 0 else y_true * (1.0 - amount) + amount / y_true.shape[axis]


def _smooth_binary(y_true: jax.Array, amount: float) -> jax.Array:
    return y_true if amount == 0 else y_true * (1.0 - amount) + 0.5 * amount
