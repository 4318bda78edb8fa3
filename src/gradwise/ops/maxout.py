"""Maxout: the largest of several linear functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.registry import register

__all__ = ["maxout", "maxout_map"]


@register("activations.maxout")
def maxout(x: ArrayLike, pieces: int = 2, axis: int = -1) -> jax.Array:
    """Takes the maximum of each group of neighbouring elements (Goodfellow et al., 2013, arXiv:1302.4389).

    A group of two of which one is always 0 makes relu; larger groups make any convex function of straight
    pieces. Equal maxima share the gradient.

    Args:
        x: float[..., D].
        pieces: The size of a group.
        axis: The axis whose neighbours make groups.

    Returns:
        float[..., D/pieces].

    Raises:
        InputError: The axis cannot be divided into groups of this size.

    Example:
        >>> maxout(jnp.array([1.0, 5.0, 0.0, -3.0])).tolist()
        [5.0, 0.0]
    """
    x = jnp.asarray(x)
    axis = axis % x.ndim
    size = x.shape[axis]
    if isinstance(pieces, bool) or pieces < 1 or size % pieces:
        raise InputError(
            "maxout",
            expected="a number of elements that groups of `pieces` divide",
            got=f"{size} elements and pieces={pieces}",
            fix="Give the layer before it `pieces` times as many units.",
        )
    groups = x.reshape(*x.shape[:axis], size // pieces, pieces, *x.shape[axis + 1 :])
    return jnp.max(groups, axis=axis + 1)


def maxout_map(inputs: jax.Array, kernel: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Computes several linear maps of the last axis and takes the largest, unit by unit: max_p x · W_p + b_p.

    Args:
        inputs: float[..., D].
        kernel: float[P, D, E]. One matrix for each piece.
        bias: float[P, E].

    Returns:
        float[..., E].

    Example:
        >>> kernel = jnp.array([[[1.0]], [[-1.0]]])
        >>> maxout_map(jnp.array([[-3.0], [2.0]]), kernel).tolist()
        [[3.0], [2.0]]
    """
    pieces = lax.dot_general(inputs, kernel, (((inputs.ndim - 1,), (1,)), ((), ())))  # [..., P, E]
    if bias is not None:
        pieces = pieces + bias.reshape((1,) * (pieces.ndim - 2) + bias.shape)
    return jnp.max(pieces, axis=-2)
