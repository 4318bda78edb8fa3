"""Activation functions that set small inputs to 0: thresholds and shrinkage."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.registry import register


@register("activations.threshold")
def threshold(x: ArrayLike, threshold: float = 1.0, default_value: float = 0.0) -> jax.Array:
    """Computes x above the threshold and a constant elsewhere.

    Keras gives the settings no defaults; these are those of its former ThresholdedReLU layer.

    Args:
        x: float[...].
        threshold: The largest input that is replaced.
        default_value: What it is replaced by.

    Returns:
        float[...].

    Example:
        >>> threshold(jnp.array([0.5, 1.0, 2.0])).tolist()
        [0.0, 0.0, 2.0]
    """
    x = jnp.asarray(x)
    return jnp.where(x > threshold, x, jnp.asarray(default_value, x.dtype))


@register("activations.hard_shrink")
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> jax.Array:
    """Computes x where |x| is above the threshold and 0 elsewhere (Donoho and Johnstone, 1994, eq. 5).

    Args:
        x: float[...].
        threshold: The largest size that becomes 0.

    Returns:
        float[...].

    Example:
        >>> hard_shrink(jnp.array([-2.0, 0.5, 1.0])).tolist()
        [-2.0, 0.0, 1.0]
    """
    x = jnp.asarray(x)
    return jnp.where(jnp.abs(x) > threshold, x, jnp.zeros((), x.dtype))


@register("activations.soft_shrink")
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> jax.Array:
    """Moves its input towards 0 by the threshold, to 0 at most (Donoho and Johnstone, 1994, eq. 6).

    Args:
        x: float[...].
        threshold: How far.

    Returns:
        float[...].

    Example:
        >>> soft_shrink(jnp.array([-2.0, 0.25, 1.0])).tolist()
        [-1.5, 0.0, 0.5]
    """
    x = jnp.asarray(x)
    small = jnp.abs(x) <= threshold
    return jnp.where(
        small, jnp.zeros((), x.dtype), x - jnp.where(x > 0, threshold, -threshold).astype(x.dtype)
    )


@register("activations.tanh_shrink")
def tanh_shrink(x: ArrayLike) -> jax.Array:
    """Computes x - tanh(x).

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> tanh_shrink(jnp.array([0.0, 100.0])).tolist()
        [0.0, 99.0]
    """
    x = jnp.asarray(x)
    return x - jnp.tanh(x)
