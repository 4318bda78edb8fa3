"""Bounds on gradients, as pure functions of all gradients by path."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def clip_by_value(grads: dict[str, jax.Array], bound: jax.Array | float) -> dict[str, jax.Array]:
    """Cuts every number of every gradient to [-bound, bound].

    Args:
        grads: The gradients by path.
        bound: float[]. Above 0.

    Returns:
        The gradients, each of the type it had.

    Example:
        >>> clip_by_value({"w": jnp.array([3.0, 0.5])}, 1.0)["w"].tolist()
        [1.0, 0.5]
    """
    limits = {path: jnp.asarray(bound, grad.dtype) for path, grad in grads.items()}
    return {path: jnp.clip(grad, -limits[path], limits[path]) for path, grad in grads.items()}


def clip_by_norm(grads: dict[str, jax.Array], bound: jax.Array | float) -> dict[str, jax.Array]:
    """Scales down every gradient whose norm exceeds the bound: g · bound / max(‖g‖, bound).

    Args:
        grads: The gradients by path.
        bound: float[]. Above 0.

    Returns:
        The gradients, each of the type it had.

    Example:
        >>> clip_by_norm({"w": jnp.array([3.0, 4.0]), "b": jnp.array([0.5])}, 2.5)["w"].tolist()
        [1.5, 2.0]
    """
    return {path: _scaled(grad, _square_sum(grad), bound) for path, grad in grads.items()}


def clip_by_global_norm(grads: dict[str, jax.Array], bound: jax.Array | float) -> dict[str, jax.Array]:
    """Scales all gradients by one number if their common norm exceeds the bound.

    The direction of the step is kept: Pascanu et al., 2013, arXiv 1211.5063, algorithm 1.

    Args:
        grads: The gradients by path.
        bound: float[]. Above 0.

    Returns:
        The gradients, each of the type it had; all NaN if their norm is not finite, so that it is seen.

    Example:
        >>> clip_by_global_norm({"w": jnp.array([3.0]), "b": jnp.array([4.0])}, 2.5)["w"].tolist()
        [1.5]
    """
    wide = jnp.float64 if any(grad.dtype == jnp.float64 for grad in grads.values()) else jnp.float32
    total = sum((_square_sum(grad).astype(wide) for grad in grads.values()), jnp.zeros((), wide))
    return {path: _scaled(grad, total, bound) for path, grad in grads.items()}


def _square_sum(grad: jax.Array) -> jax.Array:
    # In at least 32 bits: a sum of squares soon leaves what 16 bits can hold.
    return jnp.sum(jnp.square(grad if grad.dtype == jnp.float64 else grad.astype(jnp.float32)))


def _scaled(grad: jax.Array, square_sum: jax.Array, bound: jax.Array | float) -> jax.Array:
    norm = jnp.sqrt(square_sum)
    limit = jnp.asarray(bound, norm.dtype)
    # The last term is 0, or NaN if the norm overflowed: scaling by 1 / inf would hide a diverging run.
    scale = limit / jnp.maximum(norm, limit) + (norm - norm)
    return grad * scale.astype(grad.dtype)
