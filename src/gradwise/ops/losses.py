"""Losses of real values, margins and distributions; the cross-entropies are in `crossentropies`.

Each takes targets and predictions of one shape and reduces the last axis only, so float[B, D] gives one
value a sample and float[B, T, D] one a step. Formulas, settings and defaults are those of Keras 3.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.config import epsilon
from gradwise.ops.alignment import align


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d (y_true - y_pred)^2.

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(mean_squared_error([0.9, 0.1], [0.8, 0.2])), 4)
        0.01
    """
    y_true, y_pred = align("mean_squared_error", y_true, y_pred)
    return jnp.square(y_true - y_pred).mean(-1)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d |y_true - y_pred|.

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(mean_absolute_error([0.9, 0.1], [0.8, 0.2])), 4)
        0.1
    """
    y_true, y_pred = align("mean_absolute_error", y_true, y_pred)
    return jnp.abs(y_true - y_pred).mean(-1)


def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes 100 * mean_d |y_true - y_pred| / max(|y_true|, epsilon), in percent of the target.

    Args:
        y_true: float[B, D]. Targets near 0 make the result huge.
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(mean_absolute_percentage_error([0.9, 0.1], [0.8, 0.2])), 2)
        55.56
    """
    y_true, y_pred = align("mean_absolute_percentage_error", y_true, y_pred)
    return 100.0 * jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), epsilon())).mean(-1)


def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d (log(1 + y_true) - log(1 + y_pred))^2; negative values count as 0.

    Some texts leave out the 1, which makes values near 0 weigh far more.

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(mean_squared_logarithmic_error([0.9, 0.1], [0.8, 0.2])), 5)
        0.00525
    """
    y_true, y_pred = align("mean_squared_logarithmic_error", y_true, y_pred)
    first = jnp.log1p(jnp.maximum(y_pred, epsilon()))
    second = jnp.log1p(jnp.maximum(y_true, epsilon()))
    return jnp.square(first - second).mean(-1)


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> jax.Array:
    """Computes mean_d of error^2 / 2 up to delta and delta * |error| - delta^2 / 2 beyond (Huber, 1964).

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].
        delta: The error at which the square turns into a line.

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> float(huber([0.0, 0.0], [1.0, 3.0]))
        1.5
    """
    y_true, y_pred = align("huber", y_true, y_pred)
    error = jnp.abs(y_pred - y_true)
    return jnp.where(error <= delta, 0.5 * jnp.square(error), delta * error - 0.5 * delta**2).mean(-1)


def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d log(cosh(y_pred - y_true)): error^2 / 2 when small, |error| - log 2 when large.

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(log_cosh([0.0, 0.0], [0.0, 100.0])), 4)
        49.6534
    """
    y_true, y_pred = align("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    large = jnp.abs(error)
    # cosh e = 1 + 2 sinh(e/2)^2 keeps every digit of a small error, where |e| - log 2 + ... cancels.
    small = jnp.log1p(2.0 * jnp.square(jnp.sinh(0.5 * jnp.clip(error, -1.0, 1.0))))
    return jnp.where(large < 1, small, large + jnp.log1p(jnp.exp(-2.0 * large)) - math.log(2.0)).mean(-1)


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> jax.Array:
    """Computes minus the cosine of the angle between the vectors: -1 for one direction, 1 for opposite ones.

    The sign makes it a loss, as in Keras; the metric of this name has the opposite sign. A zero vector
    gives 0.

    Args:
        y_true: float[B, D].
        y_pred: float[B, D].
        axis: The axis of the vectors.

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(cosine_similarity([3.0, 4.0], [6.0, 8.0])), 4)
        -1.0
    """
    y_true, y_pred = align("cosine_similarity", y_true, y_pred)
    return -(_unit(y_true, axis) * _unit(y_pred, axis)).sum(axis)


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> jax.Array:
    """Computes sum_k y_true * log(y_true / y_pred), the Kullback-Leibler divergence of distributions.

    A class of probability 0 in the targets adds nothing; Keras, which clips at 1e-7, differs there by
    about 1e-6 a class.

    Args:
        y_true: float[B, K], in [0, 1].
        y_pred: float[B, K], in [0, 1], or logits of a softmax.
        from_logits: Whether the predictions are logits.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(kl_divergence([0.0, 1.0], [0.5, 0.5])), 4)
        0.6931
    """
    y_true, y_pred = align("kl_divergence", y_true, y_pred)
    log_p = jax.nn.log_softmax(y_pred, -1) if from_logits else safe_log(y_pred)
    return (y_true * (safe_log(y_true) - log_p)).sum(-1)


def poisson(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> jax.Array:
    """Computes mean_d (y_pred - y_true * log(y_pred + epsilon)), a Poisson likelihood without constants.

    Args:
        y_true: float[B, D], counts.
        y_pred: float[B, D], rates, at least 0, or their logarithms.
        from_logits: Whether the predictions are logarithms; then nothing is added to the rates, and a rate
            that rounds to 0 still has a gradient.

    Returns:
        float[B], in nats.

    Raises:
        InputError: The shapes differ.

    Example:
        >>> round(float(poisson([2.0], [1.0])), 4)
        1.0
    """
    y_true, y_pred = align("poisson", y_true, y_pred)
    if from_logits:
        return (jnp.exp(y_pred) - y_true * y_pred).mean(-1)
    return (y_pred - y_true * jnp.log(y_pred + epsilon())).mean(-1)


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d max(1 - y_true * y_pred, 0) for classes -1 and +1.

    Args:
        y_true: float[B, D], each -1 or +1; a 0 counts as -1, so labels 0 and 1 work too. (Keras does so
            only in batches of zeros and ones; here each label stands for itself.)
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> hinge([[-1.0], [1.0]], [[0.5], [2.0]]).tolist()
        [1.5, 0.0]
    """
    y_true, y_pred = align("hinge", y_true, y_pred)
    return _margin(y_true, y_pred).mean(-1)


def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes mean_d max(1 - y_true * y_pred, 0)^2 for classes -1 and +1.

    Args:
        y_true: float[B, D], each -1 or +1; a 0 counts as -1.
        y_pred: float[B, D].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> squared_hinge([[-1.0], [1.0]], [[0.5], [2.0]]).tolist()
        [2.25, 0.0]
    """
    y_true, y_pred = align("squared_hinge", y_true, y_pred)
    return jnp.square(_margin(y_true, y_pred)).mean(-1)


def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
    """Computes max(1 + max_k (1 - y_true) y_pred - sum_k y_true y_pred, 0) for one-hot targets.

    Args:
        y_true: float[B, K], one-hot.
        y_pred: float[B, K].

    Returns:
        float[B].

    Raises:
        InputError: The shapes differ.

    Example:
        >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.75]]).tolist()
        [0.75]
    """
    y_true, y_pred = align("categorical_hinge", y_true, y_pred)
    right = (y_true * y_pred).sum(-1)
    wrong = ((1.0 - y_true) * y_pred).max(-1)
    return jnp.maximum(wrong - right + 1.0, 0.0)


def safe_log(x: jax.Array) -> jax.Array:
    """Computes log(x), with the smallest normal number of the float type in place of anything smaller.

    So log(0) is about -87 in float32 and its gradient 0: finite, and true to the last value a float can tell.

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> round(float(safe_log(jnp.array(0.0))), 2)
        -87.34
    """
    return jnp.log(jnp.maximum(x, smallest(x)))


def smallest(x: jax.Array) -> float:
    """Returns the smallest positive normal number of an array's float type.

    Args:
        x: float[...].

    Returns:
        The number, about 1.2e-38 for float32 and bfloat16.

    Example:
        >>> smallest(jnp.array(1.0)) < 1e-37
        True
    """
    return float(jnp.finfo(x.dtype).tiny)  # type: ignore[no-untyped-call]


def _margin(y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
    signed = jnp.where(y_true == 0, -1.0, y_true)
    return jnp.maximum(1.0 - signed * y_pred, 0.0)


def _unit(x: jax.Array, axis: int) -> jax.Array:
    # The bound inside the root keeps the gradient of a zero vector finite.
    squares = jnp.square(x).sum(axis, keepdims=True)
    return x * jax.lax.rsqrt(jnp.maximum(squares, epsilon() ** 2))
