"""Dropout and noise: random masks and factors, from a key.

What a row of a batch is given depends on the key and the row's place alone, not on how many rows there are,
so padding a batch changes nothing for the rows that were there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# 16 random bits decide whether a value stays: half the generator's work. Whoever scales uses the fraction
# that these bits really keep, so means are exact.
_STEPS = 65536

# What selu tends to for large negative inputs, -1.0507 · 1.6733 (Klambauer et al., 2017).
_SELU_LIMIT = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def kept_fraction(rate: float) -> float:
    """Returns the fraction that a mask of this dropout rate keeps: 1 - rate, to the nearest 1/65536.

    Args:
        rate: The fraction dropped, from 0 to below 1.

    Returns:
        A fraction above 0.

    Example:
        >>> kept_fraction(0.5), kept_fraction(0.0)
        (0.5, 1.0)
    """
    return 1 - min(round(rate * _STEPS), _STEPS - 1) / _STEPS


def keep_mask(key: jax.Array, rate: float, shape: Sequence[int]) -> Any:
    """Draws a mask that is True with probability `kept_fraction(rate)`, independently everywhere.

    Args:
        key: A random key.
        rate: The fraction dropped, from 0 to below 1.
        shape: The sizes; rows lie along the first axis.

    Returns:
        A mask of this shape.

    Example:
        >>> bool(keep_mask(jax.random.key(0), 0.0, (2, 3)).all())
        True
    """
    rows, row = shape[0] if shape else 1, math.prod(shape[1:])
    words = jax.random.bits(key, (rows, (row + 1) // 2), "uint32")
    halves = lax.bitcast_convert_type(words, jnp.uint16).reshape(rows, -1)[:, :row]
    dropped = round((1 - kept_fraction(rate)) * _STEPS)
    return halves.reshape(tuple(shape)) >= jnp.uint16(dropped)


def dropout(x: Any, key: jax.Array, rate: float, noise_shape: Sequence[int] | None = None) -> Any:
    """Sets values to 0 with probability `rate` and divides the rest by the fraction kept (inverted dropout).

    Args:
        x: float[B, ...].
        key: A random key.
        rate: The fraction dropped, from 0 to below 1.
        noise_shape: The shape of the mask, with 1 where it is shared; as x by default.

    Returns:
        float[B, ...], of the same mean as x.

    Example:
        >>> sorted(set(dropout(jnp.ones(100), jax.random.key(0), 0.5).tolist()))
        [0.0, 2.0]
    """
    x = jnp.asarray(x)
    kept = _kept(x, key, rate, noise_shape)
    return jnp.where(kept, x * jnp.asarray(1 / kept_fraction(rate), x.dtype), jnp.zeros((), x.dtype))


def drop(x: Any, key: jax.Array, rate: float, noise_shape: Sequence[int] | None = None) -> Any:
    """Sets values to 0 with probability `rate` and leaves the rest, as the papers on dropout first had it.

    At prediction every value is multiplied by the fraction kept instead, `kept_fraction(rate)`: the same as
    multiplying the weights it meets (Srivastava et al., 2014, section 1).

    Args:
        x: float[B, ...].
        key: A random key.
        rate: The fraction dropped, from 0 to below 1.
        noise_shape: The shape of the mask, with 1 where it is shared; as x by default.

    Returns:
        float[B, ...].

    Example:
        >>> sorted(set(drop(jnp.ones(100), jax.random.key(0), 0.5).tolist()))
        [0.0, 1.0]
    """
    x = jnp.asarray(x)
    return jnp.where(_kept(x, key, rate, noise_shape), x, jnp.zeros((), x.dtype))


def alpha_dropout(x: Any, key: jax.Array, rate: float, noise_shape: Sequence[int] | None = None) -> Any:
    """Sets values to selu's lower limit, then scales and shifts: inputs of mean 0 and variance 1 keep both.

    With q the fraction kept and s = -1.7581 the limit: a · (x or s) + b, a = (q + s² q (1 - q))^(-1/2),
    b = -a s (1 - q) (Klambauer et al., 2017, arXiv:1706.02515, section 2).

    Args:
        x: float[B, ...].
        key: A random key.
        rate: The fraction dropped, from 0 to below 1.
        noise_shape: The shape of the mask, with 1 where it is shared; as x by default.

    Returns:
        float[B, ...].

    Example:
        >>> len(set(alpha_dropout(jnp.zeros(100), jax.random.key(0), 0.5).tolist()))
        2
    """
    x = jnp.asarray(x)
    keep = kept_fraction(rate)
    factor = (keep + _SELU_LIMIT**2 * keep * (1 - keep)) ** -0.5
    shift = -factor * _SELU_LIMIT * (1 - keep)
    chosen = jnp.where(_kept(x, key, rate, noise_shape), x, jnp.asarray(_SELU_LIMIT, x.dtype))
    return chosen * jnp.asarray(factor, x.dtype) + jnp.asarray(shift, x.dtype)


def gaussian_dropout(x: Any, key: jax.Array, rate: float) -> Any:
    """Multiplies by normal numbers of mean 1 and variance rate / (1 - rate), the variance dropout has.

    Source: Srivastava et al., 2014, section 10.

    Args:
        x: float[B, ...].
        key: A random key.
        rate: The dropout rate it imitates, from 0 to below 1.

    Returns:
        float[B, ...], of the same mean as x.

    Example:
        >>> gaussian_dropout(jnp.ones(2), jax.random.key(0), 0.0).tolist()
        [1.0, 1.0]
    """
    x = jnp.asarray(x)
    return x * (jnp.ones((), x.dtype) + _normal(key, x, math.sqrt(rate / (1 - rate))))


def gaussian_noise(x: Any, key: jax.Array, stddev: float) -> Any:
    """Adds normal numbers of mean 0.

    Args:
        x: float[B, ...].
        key: A random key.
        stddev: Their standard deviation, at least 0.

    Returns:
        float[B, ...].

    Example:
        >>> gaussian_noise(jnp.ones(2), jax.random.key(0), 0.0).tolist()
        [1.0, 1.0]
    """
    x = jnp.asarray(x)
    return x + _normal(key, x, stddev)


def _kept(x: jax.Array, key: jax.Array, rate: float, noise_shape: Sequence[int] | None) -> Any:
    return jnp.broadcast_to(keep_mask(key, rate, x.shape if noise_shape is None else noise_shape), x.shape)


def _normal(key: jax.Array, x: jax.Array, stddev: float) -> Any:
    # Half precision has too few numbers to draw from: the tails would be missing.
    exact = jnp.float32 if x.dtype.itemsize < 4 else x.dtype
    return (jax.random.normal(key, x.shape, exact) * jnp.asarray(stddev, exact)).astype(x.dtype)
