"""Positions of steps in a sequence: as vectors to add, and as rotations."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def sine_positions(positions: Any, size: int, max_wavelength: float = 10000.0) -> Any:
    """Turns places into vectors of sines and cosines of wavelengths from 2π to 2π · `max_wavelength`.

    Entry 2i is sin(place / max_wavelength^(2i / size)) and entry 2i + 1 the cosine of the same angle
    (Vaswani et al., 2017, arXiv:1706.03762, section 3.5).

    Args:
        positions: float[...]. Places; may lie between steps.
        size: D, the length of the vectors.
        max_wavelength: The largest wavelength, divided by 2π.

    Returns:
        float[..., D].

    Example:
        >>> sine_positions(jnp.array([0.0]), 4).tolist()
        [[0.0, 1.0, 0.0, 1.0]]
    """
    entry = jnp.arange(size)
    exponent = (entry // 2 * 2).astype(positions.dtype) / size
    angles = positions[..., None] * _broadcast(max_wavelength**-exponent, positions.ndim)
    return jnp.where(_broadcast(entry % 2 == 0, positions.ndim), jnp.sin(angles), jnp.cos(angles))


def rotate_pairs(inputs: Any, positions: Any, max_wavelength: float = 10000.0) -> Any:
    """Rotates pairs of features by angles that grow with the place (Su et al., 2021, arXiv:2104.09864).

    Features i and i + D/2 are a pair, turned by place / max_wavelength^(2i / D). The product of a rotated
    query and a rotated key then depends on the two and on the distance of their places only.

    Args:
        inputs: float[B, T, D]. D is even; there may be more or fewer axes before T.
        positions: float[T]. The places of the steps.
        max_wavelength: The largest wavelength, divided by 2π.

    Returns:
        float[B, T, D].

    Example:
        >>> rotate_pairs(jnp.array([[1.0, 0.0], [1.0, 0.0]]), jnp.array([0.0, jnp.pi / 2])).round(2).tolist()
        [[1.0, 0.0], [-0.0, 1.0]]
    """
    size = inputs.shape[-1]
    exponent = jnp.arange(0, size, 2).astype(positions.dtype) / size
    angles = positions[:, None] * (max_wavelength**-exponent)[None]  # [T, D/2]
    sine, cosine = (
        _broadcast(wave.astype(inputs.dtype), inputs.ndim - 2) for wave in (jnp.sin(angles), jnp.cos(angles))
    )
    first, second = jnp.split(inputs, 2, -1)
    return jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)


def _broadcast(values: Any, axes: int) -> Any:
    return values.reshape((1,) * axes + values.shape)
