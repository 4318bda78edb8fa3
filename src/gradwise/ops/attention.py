"""Attention: scores between queries and keys, weights from scores, and averages of values."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax


def causal_mask(length: int, source_length: int) -> Any:
    """Lets each position attend to itself and to earlier ones.

    Args:
        length: T, the number of queries.
        source_length: S, the number of keys.

    Returns:
        bool[T, S]. True where the key's place is not after the query's.

    Example:
        >>> causal_mask(2, 3).astype("int32").tolist()
        [[1, 0, 0], [1, 1, 0]]
    """
    return jnp.arange(length)[:, None] >= jnp.arange(source_length)[None, :]


def window_mask(length: int, source_length: int, window: int) -> Any:
    """Lets each position attend to those fewer than `window` places away.

    Args:
        length: T, the number of queries.
        source_length: S, the number of keys.
        window: The smallest distance that is too far.

    Returns:
        bool[T, S].

    Example:
        >>> window_mask(3, 3, 2).astype("int32").tolist()
        [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    """
    distance = jnp.arange(length)[:, None] - jnp.arange(source_length)[None, :]
    return jnp.abs(distance) < window


def dot_scores(query: Any, key: Any) -> Any:
    """Scores each pair by the product of query and key (Luong et al., 2015, arXiv:1508.04025, "dot").

    Args:
        query: float[..., T, D].
        key: float[..., S, D].

    Returns:
        float[..., T, S]. Of at least 32 bits, also for shorter inputs, as what follows exponentiates it.

    Example:
        >>> dot_scores(jnp.ones((1, 2, 3)), jnp.ones((1, 1, 3))).tolist()
        [[[3.0], [3.0]]]
    """
    return jnp.einsum("...td,...sd->...ts", query, key, preferred_element_type=wide_type(query.dtype))


def additive_scores(query: Any, key: Any, scale: Any = None) -> Any:
    """Scores each pair by Σ scale · tanh(query + key) (Bahdanau et al., 2015, arXiv:1409.0473).

    Args:
        query: float[..., T, D].
        key: float[..., S, D].
        scale: float[D]; ones by default.

    Returns:
        float[..., T, S]. Of at least 32 bits.

    Example:
        >>> additive_scores(jnp.zeros((1, 2, 3)), jnp.full((1, 1, 3), 100.0)).tolist()
        [[[3.0], [3.0]]]
    """
    sums = jnp.tanh(query[..., :, None, :] + key[..., None, :, :])  # [..., T, S, D]
    if scale is not None:
        sums = sums * scale.reshape((1,) * (sums.ndim - 1) + scale.shape)
    return sums.sum(-1, dtype=wide_type(query.dtype))


def masked_softmax(scores: Any, mask: Any = None) -> Any:
    """Turns scores into weights that sum to 1 over the last axis and are 0 where the mask is False.

    Where the mask keeps nothing all weights are 0, with gradients of 0; never NaN.

    Args:
        scores: float[..., T, S].
        mask: bool, of as many axes and of sizes that broadcast; None keeps everything.

    Returns:
        float[..., T, S].

    Example:
        >>> masked_softmax(jnp.zeros((2, 2)), jnp.array([[True, False], [False, False]])).tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    powers, total = softmax_parts(scores, mask)
    return powers / total


def softmax_parts(scores: Any, mask: Any = None) -> tuple[Any, Any]:
    """Computes numerator and denominator of `masked_softmax`: powers and their sums.

    Args:
        scores: float[..., T, S].
        mask: As there.

    Returns:
        exp(scores - their maximum), 0 where masked, and the sums over the last axis, with 1 for 0.

    Example:
        >>> powers, total = softmax_parts(jnp.zeros((1, 2)))
        >>> powers.tolist(), total.tolist()
        ([[1.0, 1.0]], [[2.0]])
    """
    if mask is None:
        powers = jnp.exp(scores - lax.stop_gradient(scores.max(-1, keepdims=True)))
        return powers, powers.sum(-1, keepdims=True)
    # A finite number, far below any score, so that differences and gradients are never NaN.
    lowest = jnp.asarray(float(np.finfo(scores.dtype).min) / 2, scores.dtype)
    scores = jnp.where(mask, scores, lowest)
    # Halfway up where nothing is kept, so that the powers of such a row are 0 as well.
    highest = jnp.maximum(lax.stop_gradient(scores.max(-1, keepdims=True)), lowest / 2)
    powers = jnp.exp(scores - highest)
    total = powers.sum(-1, keepdims=True)
    return powers, jnp.where(total > 0, total, jnp.ones_like(total))


def wide_type(dtype: Any) -> Any:
    """Returns the type for sums and powers: at least 32 bits.

    Args:
        dtype: The inputs' type.

    Returns:
        That type, or float32 for a shorter one.

    Example:
        >>> wide_type(jnp.bfloat16).__name__
        'float32'
    """
    return jnp.float32 if jnp.dtype(dtype).itemsize < 4 else dtype
