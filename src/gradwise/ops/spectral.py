"""The largest singular value of a kernel, by power iterations."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from gradwise.ops.normalization import unit_normalization, widen


def power_iteration(matrix: Any, vector: Any, iterations: int = 1) -> tuple[Any, Any]:
    """Estimates the largest singular value (Miyato et al., 2018, arXiv:1802.05957, algorithm 1).

    v = Wᵀu / |Wᵀu|, u = Wv / |Wv|, sigma = uᵀWv, in the orientation of a kernel [inputs, units], whose u
    belongs to the units. The vectors count as constants in the gradient of sigma, as they do in the paper.

    Args:
        matrix: float[N, M].
        vector: float[1, M]. Where the iterations start.
        iterations: How many; one is enough if the start is the last call's result.

    Returns:
        (sigma, new vector): float[] and float[1, M].

    Example:
        >>> sigma, _ = power_iteration(jnp.diag(jnp.array([2.0, 1.0])), jnp.ones((1, 2)), iterations=10)
        >>> round(float(sigma), 4)
        2.0
    """
    fixed = lax.stop_gradient(matrix)

    def once(_: Any, pair: tuple[Any, Any]) -> tuple[Any, Any]:
        left = unit_normalization(pair[0] @ fixed.T)
        return unit_normalization(left @ fixed), left

    start = (lax.stop_gradient(vector), jnp.zeros((1, matrix.shape[0]), matrix.dtype))
    right, left = lax.fori_loop(0, iterations, once, start)
    return jnp.sum((left @ matrix) * right), right


def spectral_normalization(kernel: Any, vector: Any, iterations: int = 1) -> tuple[Any, Any]:
    """Divides a kernel, seen as a matrix with its last axis as columns, by its largest singular value.

    Args:
        kernel: float[..., M].
        vector: float[1, M]. Where the power iterations start.
        iterations: How many.

    Returns:
        (kernel, new vector): float[..., M] and float[1, M]; both stay as they are for a kernel of zeros.

    Example:
        >>> kernel, _ = spectral_normalization(jnp.diag(jnp.array([2.0, 1.0])), jnp.ones((1, 2)), 20)
        >>> [round(value, 4) for value in kernel.diagonal().tolist()]
        [1.0, 0.5]
    """
    wide = widen(kernel)
    matrix = wide.reshape(-1, wide.shape[-1])  # [N, M]
    sigma, new = power_iteration(matrix, widen(vector).astype(wide.dtype), iterations)
    zero = jnp.all(matrix == 0)
    normal = wide / jnp.where(zero, jnp.ones((), wide.dtype), sigma)
    return normal.astype(kernel.dtype), jnp.where(zero, vector, new.astype(vector.dtype))
