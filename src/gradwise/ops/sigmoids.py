"""Activation functions that squash their input into a range: sigmoid, tanh and their relatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.registry import register


@register("activations.sigmoid", aliases=("logistic",))
def sigmoid(x: ArrayLike) -> jax.Array:
    """Computes the logistic function, 1 / (1 + exp(-x)), without overflow.

    Args:
        x: float[...].

    Returns:
        float[...], in [0, 1].

    Example:
        >>> sigmoid(jnp.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return jax.nn.sigmoid(x)


@register("activations.tanh")
def tanh(x: ArrayLike) -> jax.Array:
    """Computes the hyperbolic tangent, (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Args:
        x: float[...].

    Returns:
        float[...], in [-1, 1].

    Example:
        >>> tanh(jnp.array([0.0, 1000.0])).tolist()
        [0.0, 1.0]
    """
    return jnp.tanh(x)


@register("activations.softsign")
def softsign(x: ArrayLike) -> jax.Array:
    """Computes x / (1 + |x|).

    Args:
        x: float[...].

    Returns:
        float[...], in (-1, 1).

    Example:
        >>> softsign(jnp.array([-1.0, 0.0, 3.0])).tolist()
        [-0.5, 0.0, 0.75]
    """
    return jax.nn.soft_sign(x)


@register("activations.hard_sigmoid")
def hard_sigmoid(x: ArrayLike) -> jax.Array:
    """Computes relu6(x + 3) / 6, a sigmoid of straight lines.

    This is Keras 3's form, 0 below -3 and 1 above 3; Keras 1 and 2 used clip(0.2 x + 0.5, 0, 1).

    Args:
        x: float[...].

    Returns:
        float[...], in [0, 1].

    Example:
        >>> hard_sigmoid(jnp.array([-3.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return jax.nn.hard_sigmoid(x)


@register("activations.log_sigmoid")
def log_sigmoid(x: ArrayLike) -> jax.Array:
    """Computes log(sigmoid(x)) = -softplus(-x), exact where the sigmoid is 0 or 1.

    Args:
        x: float[...].

    Returns:
        float[...], at most 0.

    Example:
        >>> log_sigmoid(jnp.array([-1000.0, 1000.0])).tolist()
        [-1000.0, -0.0]
    """
    return jax.nn.log_sigmoid(x)


@register("activations.hard_tanh")
def hard_tanh(x: ArrayLike) -> jax.Array:
    """Computes clip(x, -1, 1), a tanh of straight lines (Collobert, 2004).

    Args:
        x: float[...].

    Returns:
        float[...], in [-1, 1].

    Example:
        >>> hard_tanh(jnp.array([-3.0, 0.5, 3.0])).tolist()
        [-1.0, 0.5, 1.0]
    """
    return jax.nn.hard_tanh(x)


@register("activations.sparse_sigmoid")
def sparse_sigmoid(x: ArrayLike) -> jax.Array:
    """Computes clip((x + 1) / 2, 0, 1): sparsemax of the pair (x, 0) (Martins and Astudillo, 2016).

    Args:
        x: float[...].

    Returns:
        float[...], in [0, 1].

    Example:
        >>> sparse_sigmoid(jnp.array([-3.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return jax.nn.sparse_sigmoid(x)


@register("activations.glu")
def glu(x: ArrayLike, axis: int = -1) -> jax.Array:
    """Splits its input into halves a and b and computes a * sigmoid(b) (Dauphin et al., arXiv:1612.08083).

    Args:
        x: float[..., D], with an even D.
        axis: The axis that is split.

    Returns:
        float[..., D/2].

    Raises:
        InputError: The axis cannot be split into halves.

    Example:
        >>> glu(jnp.array([2.0, 3.0, 0.0, 1000.0])).tolist()
        [1.0, 3.0]
    """
    x = jnp.asarray(x)
    if x.shape[axis] % 2:
        raise InputError(
            "glu",
            expected="an even number of elements along the axis, two halves",
            got=x.shape,
            fix="Give the layer before it twice as many units.",
        )
    return jax.nn.glu(x, axis)
