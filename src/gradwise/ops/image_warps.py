"""Images moved in their plane: mirrored, cut, shifted, turned, zoomed and sheared, each sample by itself.

Shifts are padding and a slice, mirroring a reversed copy. Only what turns or stretches goes through the
general warp, which looks up the four neighbours of each place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops.windows import check_choice

__all__ = [
    "FILL_MODES",
    "INTERPOLATIONS",
    "affine_warp",
    "at_least_single",
    "crop_at",
    "flip_images",
    "rotation_matrices",
    "shear_matrices",
    "shift_images",
    "zoom_matrices",
]

INTERPOLATIONS = ("bilinear", "nearest")
FILL_MODES = ("reflect", "constant", "nearest", "wrap")
_PADDINGS = {"reflect": "symmetric", "constant": "constant", "nearest": "edge", "wrap": "wrap"}


def flip_images(images: jax.Array, horizontally: jax.Array, vertically: jax.Array) -> jax.Array:
    """Mirrors the images that are marked.

    Args:
        images: number[B, H, W, C].
        horizontally: bool[B]. True swaps left and right.
        vertically: bool[B]. True swaps top and bottom.

    Returns:
        number[B, H, W, C].

    Example:
        >>> row = jnp.array([1.0, 2.0]).reshape(1, 1, 2, 1)
        >>> flip_images(row, jnp.array([True]), jnp.array([False])).ravel().tolist()
        [2.0, 1.0]
    """
    images = jnp.where(horizontally[:, None, None, None], images[:, :, ::-1], images)
    return jnp.where(vertically[:, None, None, None], images[:, ::-1], images)


def crop_at(images: jax.Array, tops: jax.Array, lefts: jax.Array, size: tuple[int, int] = (1, 1)) -> Any:
    """Cuts a window out of each image.

    Args:
        images: number[B, H, W, C].
        tops: int[B]. The first row of each window.
        lefts: int[B]. The first column.
        size: The height and width of the windows, at most those of the images.

    Returns:
        number[B, OH, OW, C].

    Example:
        >>> row = jnp.arange(4.0).reshape(1, 1, 4, 1)
        >>> crop_at(row, jnp.array([0]), jnp.array([2]), (1, 2)).ravel().tolist()
        [2.0, 3.0]
    """
    zero = jnp.zeros((), tops.dtype)
    channels = images.shape[-1]
    return jax.vmap(lambda image, top, left: lax.dynamic_slice(image, (top, left, zero), (*size, channels)))(
        images, tops, lefts
    )


def shift_images(
    images: jax.Array,
    offsets: jax.Array,
    *,
    reach: Sequence[float] | None = None,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> Any:
    """Moves each image down and to the right.

    Args:
        images: number[B, H, W, C].
        offsets: float[B, 2]. How many pixels down and to the right; fractions mix neighbours if bilinear.
        reach: How far the offsets go in either direction, down and to the right; by default the size of the
            images. What is asked beyond is not moved further.
        interpolation: 'bilinear', or 'nearest' for whole pixels.
        fill_mode: What lies outside, as in `affine_warp`.
        fill_value: The value there for 'constant'.

    Returns:
        number[B, H, W, C].

    Raises:
        InputError: The interpolation or the fill mode is none of these.

    Example:
        >>> row = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> shift_images(row, jnp.array([[0.0, 1.0]]), fill_mode="constant").ravel().tolist()
        [0.0, 1.0, 2.0]
        >>> shift_images(row, jnp.array([[0.0, 0.5]]), fill_mode="wrap").ravel().tolist()
        [2.0, 1.5, 2.5]
    """
    _check(interpolation, fill_mode, "shift_images")
    height, width = images.shape[1:3]
    far = [math.ceil(limit) for limit in (reach or (height, width))]
    limits = jnp.asarray([far], offsets.dtype)
    offsets = jnp.clip(offsets, -limits, limits)
    if interpolation == "nearest":
        offsets = jnp.floor(offsets + 0.5)
    whole = jnp.floor(offsets)
    # One more row and column before, which the fraction of the shift mixes in.
    padded = _pad(images, [(limit + 1, limit) for limit in far], fill_mode, fill_value)
    starts = jnp.asarray([far], jnp.int32) - whole.astype(jnp.int32)
    moved = lax.optimization_barrier(crop_at(padded, starts[:, 0], starts[:, 1], (height + 1, width + 1)))
    if interpolation == "nearest":
        return moved[:, 1:, 1:]
    parts = (offsets - whole).astype(images.dtype)
    down, right = parts[:, 0, None, None], parts[:, 1, None, None]
    # Columns and channels as one axis: long rows are mixed several times faster.
    batch, channels = images.shape[0], images.shape[-1]
    rows = moved.reshape(batch, height + 1, (width + 1) * channels)
    rows = rows[:, 1:] * (1 - down) + rows[:, :-1] * down
    rows = rows[:, :, channels:] * (1 - right) + rows[:, :, :-channels] * right
    return rows.reshape(images.shape)


def affine_warp(
    images: jax.Array,
    matrices: jax.Array,
    *,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> Any:
    """Moves each image by an affine map of its own.

    The matrix says where an output pixel comes from: (x', y') = A · (x, y) + t, with x to the right and y
    down, in pixels from the centre of the first one. Outside of an image a b c d there is, by `fill_mode`,
    'reflect': d c b a | a b c d | d c b a; 'constant': k k k k | a b c d | k k k k; 'nearest': a a a a |
    a b c d | d d d d; 'wrap': a b c d | a b c d | a b c d.

    Args:
        images: number[B, H, W, C].
        matrices: float[B, 2, 3]. A and t, side by side.
        interpolation: 'bilinear', or 'nearest' for values that must not be mixed.
        fill_mode: What lies outside: 'reflect', 'constant', 'nearest' or 'wrap'.
        fill_value: The value k of 'constant'.

    Returns:
        number[B, H, W, C].

    Raises:
        InputError: The interpolation or the fill mode is none of these.

    Example:
        >>> row = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> mirror = jnp.array([[[-1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]])
        >>> affine_warp(row, mirror).ravel().tolist()
        [3.0, 2.0, 1.0]
    """
    _check(interpolation, fill_mode, "affine_warp")
    height, width = images.shape[1:3]
    x, y = _sources(matrices, height, width)  # [B, H, W]
    x, y = _folded(x, width, fill_mode), _folded(y, height, fill_mode)
    padded = _pad(images, [(1, 1), (1, 1)], fill_mode, fill_value)
    if interpolation == "nearest":
        return _nearest(padded, x, y)
    # Half precision has neither places nor mixtures fine enough.
    exact = at_least_single(images.dtype)
    return _bilinear(padded.astype(exact), x.astype(exact), y.astype(exact)).astype(images.dtype)


def rotation_matrices(angles: jax.Array, height: int = 1, width: int = 1) -> jax.Array:
    """Makes the matrices that turn images about their centre.

    Args:
        angles: float[B]. In radians, counter-clockwise.
        height: The height of the images.
        width: Their width.

    Returns:
        float[B, 2, 3], for `affine_warp`.

    Example:
        >>> jnp.round(rotation_matrices(jnp.array([jnp.pi / 2]), 3, 3)).astype(int).tolist()
        [[[0, -1, 2], [1, 0, 0]]]
    """
    cosine, sine = jnp.cos(angles), jnp.sin(angles)
    return _about_centre(cosine, -sine, sine, cosine, height, width)


def zoom_matrices(factors: jax.Array, height: int = 1, width: int = 1) -> jax.Array:
    """Makes the matrices that show more or less of images about their centre.

    Args:
        factors: float[B, 2]. How much of the height and of the width is seen: below 1 enlarges.
        height: The height of the images.
        width: Their width.

    Returns:
        float[B, 2, 3], for `affine_warp`.

    Example:
        >>> zoom_matrices(jnp.array([[1.0, 0.5]]), 3, 3).tolist()
        [[[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]]
    """
    none = jnp.zeros_like(factors[:, 0])
    return _about_centre(factors[:, 1], none, none, factors[:, 0], height, width)


def shear_matrices(factors: jax.Array, height: int = 1, width: int = 1) -> jax.Array:
    """Makes the matrices that slant images about their centre.

    Args:
        factors: float[B, 2]. How many columns each row moves against the one before, and rows each column.
        height: The height of the images.
        width: Their width.

    Returns:
        float[B, 2, 3], for `affine_warp`.

    Example:
        >>> shear_matrices(jnp.array([[0.5, 0.0]]), 3, 3).tolist()
        [[[1.0, 0.5, -0.5], [0.0, 1.0, 0.0]]]
    """
    one = jnp.ones_like(factors[:, 0])
    return _about_centre(one, factors[:, 0], factors[:, 1], one, height, width)


def at_least_single(dtype: Any) -> Any:
    """Gives the type to count pixels and draw numbers in: single precision, or double for images in double.

    Args:
        dtype: The type of the images.

    Returns:
        A floating-point type.

    Example:
        >>> at_least_single(jnp.bfloat16) == at_least_single(jnp.uint8) == jnp.float32
        True
    """
    return jnp.float64 if dtype == jnp.float64 else jnp.float32


def _about_centre(xx: Any, xy: Any, yx: Any, yy: Any, height: int, width: int) -> jax.Array:
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    to_x = middle_x - (xx * middle_x + xy * middle_y)
    to_y = middle_y - (yx * middle_x + yy * middle_y)
    rows = [jnp.stack([xx, xy, to_x], -1), jnp.stack([yx, yy, to_y], -1)]  # [B, 3] each
    return jnp.stack(rows, 1)  # [B, 2, 3]


def _sources(matrices: jax.Array, height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Where each output pixel comes from, x and y apart."""
    entries = matrices[:, :, :, None, None]
    x = jnp.arange(width, dtype=matrices.dtype)[None, None, :]
    y = jnp.arange(height, dtype=matrices.dtype)[None, :, None]
    one, two = (entries[:, row, 0] * x + entries[:, row, 1] * y + entries[:, row, 2] for row in (0, 1))
    return one, two  # [B, H, W] each


def _folded(places: jax.Array, size: int, fill_mode: str) -> jax.Array:
    """Brings places outside an axis to where the same values lie, from -1 to its size."""
    if fill_mode == "reflect":
        period = _remainder(places + 0.5, 2 * size)
        return jnp.minimum(period, 2 * size - period) - 0.5
    if fill_mode == "wrap":
        return _remainder(places, size)
    return jnp.clip(places, *((0, size - 1) if fill_mode == "nearest" else (-1, size)))


def _remainder(places: jax.Array, period: int) -> jax.Array:
    # Many times faster on a CPU than jnp.mod; rounding may give the period itself, or a trifle below 0.
    return places - period * jnp.floor(places / period)


def _pad(images: jax.Array, amounts: list[tuple[int, int]], fill_mode: str, fill_value: float) -> jax.Array:
    widths = [(0, 0), *amounts, (0, 0)]
    if fill_mode == "constant":
        return jnp.pad(images, widths, constant_values=jnp.asarray(fill_value).astype(images.dtype))
    return jnp.pad(images, widths, mode=_PADDINGS[fill_mode])


def _nearest(padded: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    batch, height, width, channels = padded.shape
    column, row = (jnp.floor(place + 0.5).astype(jnp.int32) + 1 for place in (x, y))
    column, row = jnp.minimum(column, width - 1), jnp.minimum(row, height - 1)
    planes = jnp.moveaxis(padded, -1, 1).reshape(batch, channels, height * width)
    return jnp.moveaxis(_look_up(planes, row * width + column), 1, -1)


def _bilinear(padded: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mixes four neighbours, those side by side read as one complex number: half the look-ups on a CPU."""
    batch, height, width, channels = padded.shape
    first_column = jnp.clip(jnp.floor(x), -1, width - 3)
    first_row = jnp.clip(jnp.floor(y), -1, height - 3)
    right, down = (x - first_column)[:, None], (y - first_row)[:, None]  # [B, 1, H, W]
    place = (first_row.astype(jnp.int32) + 1) * (width - 1) + first_column.astype(jnp.int32) + 1
    planes = jnp.moveaxis(padded, -1, 1)
    pairs = lax.complex(planes[..., :-1], planes[..., 1:]).reshape(batch, channels, height * (width - 1))
    # Looked up once: fused into what follows, the compiler looks again for each use.
    above, below = lax.optimization_barrier((_look_up(pairs, place), _look_up(pairs, place + (width - 1))))
    left = above.real * (1 - down) + below.real * down  # [B, C, H, W]
    other = above.imag * (1 - down) + below.imag * down
    return jnp.moveaxis(left * (1 - right) + other * right, 1, -1)


def _look_up(planes: jax.Array, places: jax.Array) -> jax.Array:
    """Reads each plane of a sample at the same places: [B, C, N] at [B, H, W] gives [B, C, H, W]."""

    def of_plane(plane: jax.Array, place: jax.Array) -> jax.Array:
        return plane.at[place].get(mode="promise_in_bounds")

    found: jax.Array = jax.vmap(jax.vmap(of_plane, (0, None)))(planes, places)
    return found


def _check(interpolation: str, fill_mode: str, where: str) -> None:
    check_choice(interpolation, INTERPOLATIONS, where, "interpolation")
    check_choice(fill_mode, FILL_MODES, where, "fill_mode")
