"""Activation functions that pass large inputs and hold back negative ones: relu and its relatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from gradwise.registry import register


@register("activations.relu")
def relu(
    x: ArrayLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> jax.Array:
    """Rectifies: min(x, max_value) above the threshold, negative_slope * (x - threshold) below.

    Args:
        x: float[...].
        negative_slope: The slope below the threshold.
        max_value: The largest output; None for no limit. With a limit, nothing above the threshold
            falls below 0 (matters only for a negative threshold; the same in Keras).
        threshold: Where the function starts to pass its input.

    Returns:
        float[...]. By default the gradient at 0 is 0.

    Example:
        >>> relu(jnp.array([-2.0, 3.0, 9.0]), negative_slope=0.5, max_value=6.0).tolist()
        [-1.0, 3.0, 6.0]
    """
    x = jnp.asarray(x)
    if threshold == 0 and max_value is None:
        return jax.nn.relu(x) if negative_slope == 0 else leaky_relu(x, negative_slope)
    passed = jnp.where(x > threshold, x, 0.0)
    if max_value is not None:
        passed = jnp.clip(passed, 0.0, max_value)
    if negative_slope == 0:
        return passed
    return passed - negative_slope * jax.nn.relu(threshold - x)


@register("activations.relu6")
def relu6(x: ArrayLike) -> jax.Array:
    """Rectifies and limits: min(max(x, 0), 6).

    Args:
        x: float[...].

    Returns:
        float[...], in [0, 6].

    Example:
        >>> relu6(jnp.array([-1.0, 2.0, 9.0])).tolist()
        [0.0, 2.0, 6.0]
    """
    return jax.nn.relu6(x)


@register("activations.leaky_relu")
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> jax.Array:
    """Computes x above 0 and negative_slope * x below (Maas, Hannun and Ng, 2013).

    Args:
        x: float[...].
        negative_slope: The slope below 0. The default is Keras 3's; other libraries use 0.01 or 0.3.

    Returns:
        float[...].

    Example:
        >>> leaky_relu(jnp.array([-10.0, 2.0])).tolist()
        [-2.0, 2.0]
    """
    return jax.nn.leaky_relu(x, negative_slope)


@register("activations.elu")
def elu(x: ArrayLike, alpha: float = 1.0) -> jax.Array:
    """Computes x above 0 and alpha * (exp(x) - 1) below (Clevert et al., 2015, arXiv:1511.07289).

    Args:
        x: float[...].
        alpha: Minus the limit for large negative inputs.

    Returns:
        float[...].

    Example:
        >>> elu(jnp.array([-1000.0, 2.0]), alpha=0.5).tolist()
        [-0.5, 2.0]
    """
    return jax.nn.elu(x, alpha)


@register("activations.selu")
def selu(x: ArrayLike) -> jax.Array:
    """Computes 1.0507 * elu(x, 1.6733), which keeps mean 0 and variance 1 through deep networks.

    Source: Klambauer et al., 2017, arXiv:1706.02515. Use it with the "lecun_normal" initializer.

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> round(float(selu(jnp.array(1.0))), 4)
        1.0507
    """
    return jax.nn.selu(x)


@register("activations.gelu")
def gelu(x: ArrayLike, approximate: bool = False) -> jax.Array:
    """Computes x * Phi(x), Phi the normal distribution function (Hendrycks and Gimpel, arXiv:1606.08415).

    Args:
        x: float[...].
        approximate: Whether to use the paper's formula with tanh, off by at most 0.0005.

    Returns:
        float[...].

    Example:
        >>> round(float(gelu(jnp.array(1.0))), 4)
        0.8413
    """
    return jax.nn.gelu(x, approximate=approximate)


@register("activations.silu", aliases=("swish",))
def silu(x: ArrayLike) -> jax.Array:
    """Computes x * sigmoid(x), also called swish (Ramachandran et al., 2017, arXiv:1710.05941).

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> silu(jnp.array([-1000.0, 0.0, 1000.0])).tolist()
        [-0.0, 0.0, 1000.0]
    """
    return jax.nn.silu(x)


@register("activations.mish")
def mish(x: ArrayLike) -> jax.Array:
    """Computes x * tanh(softplus(x)) (Misra, 2019, arXiv:1908.08681).

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> round(float(mish(jnp.array(1.0))), 4)
        0.8651
    """
    return jax.nn.mish(x)


@register("activations.hard_silu", aliases=("hard_swish",))
def hard_silu(x: ArrayLike) -> jax.Array:
    """Computes x * hard_sigmoid(x) (Howard et al., 2019, arXiv:1905.02244, section 5.2).

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> hard_silu(jnp.array([-3.0, 0.0, 3.0])).tolist()
        [-0.0, 0.0, 3.0]
    """
    return jax.nn.hard_silu(x)


@register("activations.celu")
def celu(x: ArrayLike, alpha: float = 1.0) -> jax.Array:
    """Computes x above 0 and alpha * (exp(x / alpha) - 1) below, smooth at 0 for every alpha.

    Source: Barron, 2017, arXiv:1704.07483.

    Args:
        x: float[...].
        alpha: Minus the limit for large negative inputs.

    Returns:
        float[...].

    Example:
        >>> celu(jnp.array([-1000.0, 2.0]), alpha=0.5).tolist()
        [-0.5, 2.0]
    """
    return jax.nn.celu(x, alpha)


@register("activations.squareplus")
def squareplus(x: ArrayLike, b: float = 4.0) -> jax.Array:
    """Computes (x + sqrt(x² + b)) / 2, a softplus without exponentials (Barron, 2021, arXiv:2112.11687).

    Args:
        x: float[...].
        b: How round the bend is; 0 gives relu.

    Returns:
        float[...], at least 0.

    Example:
        >>> squareplus(jnp.array([0.0, 1.5])).tolist()
        [1.0, 2.0]
    """
    x = jnp.asarray(x)
    if b == 0:
        return relu(x)
    size = jnp.abs(x)
    # Scaled, so that no square overflows; as x⁺ + b / (2 (root + |x|)), nothing cancels for negative x.
    scale = lax.stop_gradient(jnp.maximum(size, b**0.5))
    root = scale * jnp.sqrt((x / scale) ** 2 + (b**0.5 / scale) ** 2)
    return jnp.maximum(x, 0) + 0.5 * b / (root + size)


@register("activations.sparse_plus")
def sparse_plus(x: ArrayLike) -> jax.Array:
    """Computes 0 up to -1, (x + 1)² / 4 up to 1 and x above: the integral of sparse_sigmoid.

    Args:
        x: float[...].

    Returns:
        float[...], at least 0.

    Example:
        >>> sparse_plus(jnp.array([-1.0, 0.0, 2.0])).tolist()
        [0.0, 0.25, 2.0]
    """
    return jax.nn.sparse_plus(x)
