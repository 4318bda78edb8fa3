"""Activation functions, with the names, settings and values of Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.ops.maxout import maxout
from gradwise.ops.rectifiers import (
    celu,
    elu,
    gelu,
    hard_silu,
    leaky_relu,
    mish,
    relu,
    relu6,
    selu,
    silu,
    sparse_plus,
    squareplus,
)
from gradwise.ops.shrinking import hard_shrink, soft_shrink, tanh_shrink, threshold
from gradwise.ops.sigmoids import (
    glu,
    hard_sigmoid,
    hard_tanh,
    log_sigmoid,
    sigmoid,
    softsign,
    sparse_sigmoid,
    tanh,
)
from gradwise.registry import find, register

__all__ = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "hardmax",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "maxout",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "step",
    "tanh",
    "tanh_shrink",
    "threshold",
]

Activation = Callable[..., jax.Array]


def get(identifier: Any, where: str = "activation") -> Activation:
    """Turns the setting of an `activation` argument into a function.

    Args:
        identifier: A name, a function of one array, or None for `linear`.
        where: Where it was given, for the error.

    Returns:
        The function.

    Raises:
        InputError: The name is unknown, or the value is neither a name nor callable.

    Example:
        >>> get("relu").__name__
        'relu'
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        found: Activation = find("activations", identifier, where)
        return found
    if callable(identifier):
        function: Activation = identifier
        return function
    raise InputError(
        where,
        expected="the name of an activation or a function",
        got=f"{identifier!r} of type {type(identifier).__name__}",
        fix="Pass e.g. 'relu', or a function that takes and returns an array.",
    )


@register("activations.linear", aliases=("identity",))
def linear(x: ArrayLike) -> jax.Array:
    """Returns its input unchanged: f(x) = x.

    Args:
        x: float[...].

    Returns:
        float[...].

    Example:
        >>> linear(jnp.array([-1.0, 2.0])).tolist()
        [-1.0, 2.0]
    """
    return jnp.asarray(x)


@register("activations.softplus")
def softplus(x: ArrayLike) -> jax.Array:
    """Computes log(1 + exp(x)), without overflow.

    Args:
        x: float[...].

    Returns:
        float[...], at least 0.

    Example:
        >>> softplus(jnp.array([-1000.0, 1000.0])).tolist()
        [0.0, 1000.0]
    """
    return jax.nn.softplus(x)


@register("activations.exponential", aliases=("exp",))
def exponential(x: ArrayLike) -> jax.Array:
    """Computes exp(x).

    Args:
        x: float[...].

    Returns:
        float[...], at least 0.

    Example:
        >>> exponential(jnp.array([0.0])).tolist()
        [1.0]
    """
    return jnp.exp(x)


@register("activations.softmax")
def softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> jax.Array:
    """Computes exp(x_k) / sum_j exp(x_j), without overflow.

    Args:
        x: float[..., K].
        axis: The axis or axes over which the result sums to 1.

    Returns:
        float[..., K].

    Example:
        >>> softmax(jnp.array([1000.0, 1000.0])).tolist()
        [0.5, 0.5]
    """
    return jax.nn.softmax(jnp.asarray(x), axis=axis)


@register("activations.log_softmax")
def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> jax.Array:
    """Computes x_k - log(sum_j exp(x_j)), the logarithm of softmax, exact where softmax is 0 or 1.

    Args:
        x: float[..., K].
        axis: The axis or axes over which the exponentials of the result sum to 1.

    Returns:
        float[..., K], in nats.

    Example:
        >>> log_softmax(jnp.array([0.0, 1000.0])).tolist()
        [-1000.0, 0.0]
    """
    return jax.nn.log_softmax(jnp.asarray(x), axis=axis)


@register("activations.sparsemax")
def sparsemax(x: ArrayLike, axis: int = -1) -> jax.Array:
    """Finds the probabilities nearest to the input: like softmax, but with exact zeros.

    The nearest point in squares, p_k = max(x_k - t, 0) with t such that they sum to 1 (Martins and
    Astudillo, 2016, arXiv:1602.02068, algorithm 1).

    Args:
        x: float[..., K].
        axis: The axis over which the result sums to 1.

    Returns:
        float[..., K], in [0, 1].

    Example:
        >>> sparsemax(jnp.array([1.0, 1.5, -2.0])).tolist()
        [0.25, 0.75, 0.0]
    """
    x = jnp.moveaxis(jnp.asarray(x), axis, -1)
    x = x - lax.stop_gradient(jnp.max(x, axis=-1, keepdims=True))
    ordered = -jnp.sort(-x, axis=-1)
    totals = jnp.cumsum(ordered, axis=-1) - 1
    counts = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
    support = jnp.sum(counts * ordered > totals, axis=-1, keepdims=True)
    # The sum is taken over the support itself, so that the gradient is exact with equal elements too.
    within = lax.stop_gradient(jnp.arange(x.shape[-1]).reshape(counts.shape) < support)
    total = jnp.sum(jnp.where(within, ordered, 0), axis=-1, keepdims=True) - 1
    shifted = x - total / support.astype(x.dtype)
    return jnp.moveaxis(jnp.maximum(shifted, 0), -1, axis)


@register("activations.hardmax")
def hardmax(x: ArrayLike, axis: int = -1) -> jax.Array:
    """Puts a 1 at the largest element and 0 elsewhere: the limit of softmax for large inputs.

    The first of several equally large elements wins. The gradient is 0 everywhere.

    Args:
        x: float[..., K].
        axis: The axis over which exactly one element becomes 1.

    Returns:
        float[..., K].

    Example:
        >>> hardmax(jnp.array([5.0, 2.0, -1.0, 3.0])).tolist()
        [1.0, 0.0, 0.0, 0.0]
    """
    x = jnp.asarray(x)
    return jax.nn.one_hot(jnp.argmax(x, axis=axis), x.shape[axis], dtype=x.dtype, axis=axis)


@register("activations.step")
def step(x: ArrayLike) -> jax.Array:
    """Computes 1 from 0 upwards and 0 below: the neuron of McCulloch and Pitts (1943).

    The gradient is 0 everywhere, so nothing before this activation learns from it.

    Args:
        x: float[...].

    Returns:
        float[...], each 0 or 1.

    Example:
        >>> step(jnp.array([-0.1, 0.0, 2.0])).tolist()
        [0.0, 1.0, 1.0]
    """
    x = jnp.asarray(x)
    return (x >= 0).astype(x.dtype)


@register("activations.sign")
def sign(x: ArrayLike) -> jax.Array:
    """Computes +1 from 0 upwards and -1 below: the perceptron's output (Rosenblatt, 1958).

    At 0 it is +1, so that every input has a class; NumPy's `sign` is 0 there. The gradient is 0 everywhere.

    Args:
        x: float[...].

    Returns:
        float[...], each -1 or +1.

    Example:
        >>> sign(jnp.array([-0.1, 0.0, 2.0])).tolist()
        [-1.0, 1.0, 1.0]
    """
    return 2 * step(x) - 1
