"""Whole numbers as rows of zeros, ones and counts, and numbers as the bins they lie in."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike


def one_hot(indices: ArrayLike, num_tokens: int, dtype: DTypeLike = "float32") -> jax.Array:
    """Turns each index into a row with a 1 at its place; zeros for an index outside.

    Args:
        indices: int[...], from 0 to `num_tokens` - 1.
        num_tokens: The length K of a row.
        dtype: The type of the result.

    Returns:
        float[..., K].

    Example:
        >>> one_hot(jnp.array([2, 0]), 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return jax.nn.one_hot(jnp.asarray(indices).astype("int32"), num_tokens, dtype=dtype)


def multi_hot(indices: ArrayLike, num_tokens: int, dtype: DTypeLike = "float32") -> jax.Array:
    """Turns each set of indices into one row with a 1 at each of their places.

    Args:
        indices: int[B, T]; those outside 0 to `num_tokens` - 1 are left out.
        num_tokens: The length K of a row.
        dtype: The type of the result.

    Returns:
        float[B, K].

    Example:
        >>> multi_hot(jnp.array([[0, 2], [1, 1]]), 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    return (count(indices, num_tokens) > 0).astype(dtype)


def count(
    indices: ArrayLike,
    num_tokens: int,
    weights: ArrayLike | None = None,
    dtype: DTypeLike = "float32",
) -> jax.Array:
    """Counts how often each index occurs in each row, or adds up its weights there.

    Args:
        indices: int[B, T]; those outside 0 to `num_tokens` - 1 are left out.
        num_tokens: The length K of a row.
        weights: float[B, T], what each index counts; 1 by default.
        dtype: The type of the result.

    Returns:
        float[B, K].

    Example:
        >>> count(jnp.array([[1, 1, 2]]), 3, jnp.array([[0.5, 0.25, 1.0]])).tolist()
        [[0.0, 0.75, 1.0]]
    """
    places = jnp.asarray(indices).astype("int32")
    # A negative place would count from the end.
    places = jnp.where(places < 0, num_tokens, places)
    each = jnp.ones(places.shape, dtype) if weights is None else jnp.asarray(weights).astype(dtype)
    rows = jnp.arange(places.shape[0])[:, None]  # [B, 1]
    # Scattered: one-hot rows of every index would take K times the memory.
    return jnp.zeros((places.shape[0], num_tokens), dtype).at[rows, places].add(each, mode="drop")


def bins(values: ArrayLike, boundaries: ArrayLike) -> jax.Array:
    """Gives the bin each value lies in: bin i holds boundaries[i - 1] <= value < boundaries[i].

    Args:
        values: float[...]; NaN lies in the last bin.
        boundaries: float[N], rising.

    Returns:
        int[...], from 0 to N.

    Example:
        >>> bins(jnp.array([-1.0, 0.0, 5.0]), jnp.array([0.0, 1.0])).tolist()
        [0, 1, 2]
    """
    values = jnp.asarray(values)
    edges = jnp.asarray(boundaries).astype(values.dtype)
    return jnp.searchsorted(edges, values, side="right").astype("int32")
