"""Weighted sums: sample weights and masks against values with more axes, and divisions by what may be 0."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError


def align_weights(
    where: str, weights: ArrayLike, values: jax.Array, what: str = "sample weights"
) -> jax.Array:
    """Gives weights (or a mask) as many axes as the values, matching axes from the left.

    Args:
        where: What is weighted, for the error.
        weights: number[B], number[B, 1] or number[B, T], or bool of such a shape.
        values: float[B] or float[B, T, ...].
        what: What the weights are called in the error.

    Returns:
        The weights with axes of size 1 appended (or dropped) on the right; the type is kept.

    Raises:
        InputError: An axis fits neither the size of the values nor 1.

    Example:
        >>> align_weights("loss", jnp.array([1.0, 2.0]), jnp.ones((2, 3))).shape
        (2, 1)
    """
    weights = jnp.asarray(weights)
    given = weights.shape
    while weights.ndim > values.ndim and weights.shape[-1] == 1:
        weights = weights[..., 0]
    pairs = zip(weights.shape, values.shape, strict=False)
    if weights.ndim > values.ndim or not all(size in (1, wanted) for size, wanted in pairs):
        raise InputError(
            where,
            expected=f"{what} that fit values of shape {values.shape} from the left",
            got=given,
            fix="Give one for each sample, or one for each step of each sample.",
        )
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))


def weighted(values: jax.Array, weights: jax.Array | None, mask: jax.Array | None = None) -> jax.Array:
    """Multiplies values by weights; what has weight 0 or is masked becomes 0 even if it is NaN.

    Args:
        values: float[B, ...].
        weights: Broadcastable to the values, as from `align_weights`, or None.
        mask: Broadcastable to the values; True keeps. Or None.

    Returns:
        float[B, ...].

    Example:
        >>> weighted(jnp.array([1.0, jnp.nan]), jnp.array([2.0, 0.0])).tolist()
        [2.0, 0.0]
    """
    if weights is not None:
        weights = weights.astype(values.dtype)
        values = jnp.where(weights != 0, values * weights, 0.0)
    if mask is not None:
        values = jnp.where(mask.astype(bool), values, 0.0)
    return values


def weight_sum(values: jax.Array, weights: jax.Array | None, mask: jax.Array | None = None) -> jax.Array:
    """Adds up the weights that `weighted` gives to the values.

    Args:
        values: float[B, ...].
        weights: Broadcastable to the values, or None for 1 each.
        mask: Broadcastable to the values; True keeps. Or None.

    Returns:
        float[].

    Example:
        >>> float(weight_sum(jnp.ones((2, 3)), jnp.array([[1.0], [2.0]])))
        9.0
    """
    if weights is None and mask is None:
        return jnp.asarray(values.size, values.dtype)
    factors = [each.astype(values.dtype) for each in (weights, mask) if each is not None]
    product = factors[0] if len(factors) == 1 else factors[0] * factors[1]
    # The sum over the small array, times the copies broadcasting makes: no array of ones is built.
    return product.sum() * (values.size // max(product.size, 1))


def is_present(targets: ArrayLike, missing: float) -> jax.Array:
    """Tells which targets are not the marker of missing ones.

    Args:
        targets: number[...].
        missing: The marker; NaN matches every NaN.

    Returns:
        bool[...].

    Example:
        >>> is_present(jnp.array([1.0, jnp.nan]), float("nan")).tolist()
        [True, False]
    """
    targets = jnp.asarray(targets)
    if jnp.issubdtype(targets.dtype, jnp.floating):
        return ~jnp.isnan(targets) if missing != missing else targets != missing
    if not float(missing).is_integer():
        return jnp.ones(targets.shape, bool)
    # Small types are widened: -1 compared as an 8-bit number without a sign would be 255.
    wide = targets.astype(jnp.int32) if targets.dtype.itemsize < 4 else targets
    return wide != int(missing)


def safe_divide(numerator: ArrayLike, denominator: ArrayLike) -> jax.Array:
    """Divides, and gives 0 with gradient 0 where the denominator is 0.

    Args:
        numerator: float[...].
        denominator: float[...].

    Returns:
        float[...].

    Example:
        >>> safe_divide(jnp.array([1.0, 1.0]), jnp.array([0.0, 4.0])).tolist()
        [0.0, 0.25]
    """
    empty = jnp.equal(denominator, 0)
    return jnp.where(empty, 0.0, jnp.divide(numerator, jnp.where(empty, 1.0, denominator)))
