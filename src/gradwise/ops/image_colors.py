"""Colours of images changed: brightness, contrast, saturation, hue, channels, and along principal colours.

Each function takes a number for each sample of the batch, and images with the channels last.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "principal_colors",
    "shift_channels",
    "shift_principal_colors",
    "to_gray",
]

Range = tuple[float, float]


def adjust_brightness(images: jax.Array, amounts: jax.Array, value_range: Range = (0, 255)) -> jax.Array:
    """Adds to every pixel and clips.

    Args:
        images: float[B, H, W, C].
        amounts: float[B]. What is added, as a fraction of the range: -1 gives black, 1 white.
        value_range: The least and the greatest value.

    Returns:
        float[B, H, W, C].

    Example:
        >>> adjust_brightness(jnp.full((1, 1, 1, 1), 100.0), jnp.array([0.2])).item()
        151.0
    """
    return shift_channels(images, amounts[:, None], value_range)


def shift_channels(images: jax.Array, amounts: jax.Array, value_range: Range = (0, 255)) -> jax.Array:
    """Adds to each channel a number of its own and clips.

    Args:
        images: float[B, H, W, C].
        amounts: float[B, C]. What is added, as a fraction of the range; float[B, 1] for all channels alike.
        value_range: The least and the greatest value.

    Returns:
        float[B, H, W, C].

    Example:
        >>> shift_channels(jnp.zeros((1, 1, 1, 2)), jnp.array([[0.2, -1.0]])).ravel().tolist()
        [51.0, 0.0]
    """
    low, high = value_range
    added = (amounts * (high - low)).astype(images.dtype)
    return jnp.clip(images + added[:, None, None, :], low, high)


def adjust_contrast(images: jax.Array, factors: jax.Array, value_range: Range = (0, 255)) -> jax.Array:
    """Stretches the distance of each pixel to the mean of its channel, and clips.

    Args:
        images: float[B, H, W, C].
        factors: float[B]. 0 gives the mean, 1 changes nothing.
        value_range: The least and the greatest value.

    Returns:
        float[B, H, W, C].

    Example:
        >>> image = jnp.array([100.0, 120.0]).reshape(1, 1, 2, 1)
        >>> adjust_contrast(image, jnp.array([2.0])).ravel().tolist()
        [90.0, 130.0]
    """
    mean = images.mean(1, keepdims=True).mean(2, keepdims=True)  # faster on a CPU than both at once
    return jnp.clip((images - mean) * _per_image(factors, images) + mean, *value_range)


def adjust_saturation(images: jax.Array, factors: jax.Array, value_range: Range = (0, 255)) -> jax.Array:
    """Multiplies the saturation of each pixel, which is 1 at most; hue and value stay.

    The saturation of hue, saturation and value (Smith, 1978) is how far the smallest channel lies below the
    largest, as a fraction of the largest: so every channel's distance to the largest is multiplied.

    Args:
        images: float[B, H, W, C]. Red, green and blue, within the range.
        factors: float[B]. 0 gives grey, 1 changes nothing.
        value_range: The least and the greatest value.

    Returns:
        float[B, H, W, C].

    Example:
        >>> image = jnp.array([100.0, 80.0, 60.0]).reshape(1, 1, 1, 3)
        >>> adjust_saturation(image, jnp.array([0.5])).ravel().tolist()
        [100.0, 90.0, 80.0]
    """
    # By pairs: several times faster on a CPU than over so short an axis.
    channels = [images[..., place, None] for place in range(images.shape[-1])]
    largest = functools.reduce(jnp.maximum, channels)
    spread = largest - functools.reduce(jnp.minimum, channels)
    most = (largest - value_range[0]) / jnp.where(spread > 0, spread, 1)
    factor = jnp.minimum(_per_image(factors, images), most)
    return jnp.clip(largest - (largest - images) * factor, *value_range)


def adjust_hue(images: jax.Array, turns: jax.Array, value_range: Range = (0, 255)) -> jax.Array:
    """Turns the hue of each pixel on the circle of colours; saturation and value stay (Smith, 1978).

    Args:
        images: float[B, H, W, C]. Red, green and blue.
        turns: float[B]. Fractions of the circle: 1/3 makes red green.
        value_range: The least and the greatest value.

    Returns:
        float[B, H, W, 3].

    Example:
        >>> image = jnp.array([200.0, 50.0, 50.0]).reshape(1, 1, 1, 3)
        >>> jnp.round(adjust_hue(image, jnp.array([1 / 3]))).ravel().astype(int).tolist()
        [50, 200, 50]
    """
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    largest = jnp.maximum(jnp.maximum(red, green), blue)
    spread = largest - jnp.minimum(jnp.minimum(red, green), blue)
    part = 1 / jnp.where(spread > 0, spread, 1)
    sixth = jnp.where(
        largest == red,
        (green - blue) * part,
        jnp.where(largest == green, (blue - red) * part + 2, (red - green) * part + 4),
    )
    sixth = sixth + 6 * turns.astype(images.dtype)[:, None, None]
    # Each channel is at its largest for a third of the circle, at its smallest for another.
    channels = []
    for start in (5, 3, 1):
        place = sixth + start
        place = place - 6 * jnp.floor(place / 6)  # a remainder, which itself is slow on a CPU
        channels.append(largest - spread * jnp.clip(jnp.minimum(place, 4 - place), 0, 1))
    return jnp.clip(jnp.stack(channels, -1), *value_range)


def to_gray(images: jax.Array, chosen: jax.Array) -> jax.Array:
    """Gives all channels of the chosen images their luma: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

    Args:
        images: float[B, H, W, C]. Red, green and blue.
        chosen: bool[B].

    Returns:
        float[B, H, W, C].

    Example:
        >>> red = jnp.array([1000.0, 0.0, 0.0]).reshape(1, 1, 1, 3)
        >>> to_gray(red, jnp.array([True])).round().tolist()
        [[[[299.0, 299.0, 299.0]]]]
    """
    luma = 0.299 * images[..., 0] + 0.587 * images[..., 1] + 0.114 * images[..., 2]
    return jnp.where(chosen[:, None, None, None], luma[..., None], images)


def shift_principal_colors(
    images: jax.Array,
    amounts: jax.Array,
    vectors: jax.Array,
    variances: jax.Array,
    value_range: Range = (0, 255),
) -> jax.Array:
    """Adds the principal colours to every pixel and clips (Krizhevsky et al., 2012, section 4.1).

    Adds [p1, p2, p3] · [a1 l1, a2 l2, a3 l3] with unit vectors p and their variances l, the eigenvectors and
    eigenvalues of the covariance of red, green and blue, of values between 0 and 1.

    Args:
        images: float[B, H, W, C]. Red, green and blue.
        amounts: float[B, C]. The factors a.
        vectors: float[C, C]. Columns p.
        variances: float[C]. The numbers l.
        value_range: The least and the greatest value, which stand for 0 and 1.

    Returns:
        float[B, H, W, C].

    Example:
        >>> grey = jnp.full((1, 1, 1, 3), 100.0)
        >>> vectors = jnp.eye(3)
        >>> shift_principal_colors(grey, jnp.ones((1, 3)), vectors, jnp.array([0.2, 0.1, 0.0])).tolist()
        [[[[151.0, 125.5, 100.0]]]]
    """
    added = jnp.matmul(amounts * variances[None, :], vectors.T, precision="highest")  # [B, C]
    return shift_channels(images, added, value_range)


def principal_colors(
    batches: Iterable[np.ndarray], value_range: Range = (0, 255)
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the principal colours of images: eigenvectors and eigenvalues of the covariance of their pixels.

    Args:
        batches: Arrays number[B, H, W, C], one after the other.
        value_range: The least and the greatest value, which stand for 0 and 1.

    Returns:
        The vectors as columns, float64[C, C], and their variances, float64[C], the largest first. The
        greatest entry of each vector by size is positive.

    Example:
        >>> images = np.array([[0, 0, 0], [255, 0, 0]], "uint8").reshape(2, 1, 1, 3)
        >>> vectors, variances = principal_colors([images])
        >>> vectors[:, 0].tolist(), variances[0].item()
        ([1.0, 0.0, 0.0], 0.25)
    """
    low, high = value_range
    count, total, products = 0, np.zeros(()), np.zeros(())
    for batch in batches:
        pixels = (np.asarray(batch, "float64").reshape(-1, batch.shape[-1]) - low) / (high - low) - 0.5
        count += len(pixels)
        total = total + pixels.sum(0)
        products = products + pixels.T @ pixels
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(len(variances))])
    return vectors * signs, np.maximum(variances, 0)


def _per_image(numbers: jax.Array, images: Any) -> jax.Array:
    return numbers.astype(images.dtype)[:, None, None, None]
