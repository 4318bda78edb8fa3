"""Boxes around things in images, moved as the images are."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gradwise.ops.windows import check_choice

__all__ = ["BOX_FORMATS", "box_corners", "boxes_from_corners", "forward_matrices", "move_boxes"]

BOX_FORMATS = ("xyxy", "xywh", "center_xywh", "rel_xyxy")
Size = tuple[int, int]


def move_boxes(
    boxes: jax.Array,
    matrices: jax.Array,
    size: Size = (1, 1),
    new_size: Size = (1, 1),
    box_format: str = "xyxy",
) -> jax.Array:
    """Moves boxes by affine maps and keeps of each what lies within the image.

    A box that is turned becomes the smallest upright one around it. One that leaves the image becomes
    -1, -1, -1, -1, and such boxes, which fill up rows of different lengths, stay as they are.

    Args:
        boxes: float[B, N, 4].
        matrices: float[B, 2, 3]. A and t: a point (x, y) goes to A · (x, y) + t, in pixels from the image's
            upper left corner; or float[1, 2, 3] for all alike.
        size: The height and width of the image.
        new_size: Those of the new one.
        box_format: 'xyxy' (left, top, right, bottom), 'xywh' (left, top, width, height), 'center_xywh' (the
            middle, width, height), all in pixels, or 'rel_xyxy' (left, top, right, bottom as fractions).

    Returns:
        float[B, N, 4], in the same format.

    Raises:
        InputError: The format is none of these.

    Example:
        >>> to_the_right = jnp.array([[[1.0, 0.0, 3.0], [0.0, 1.0, 0.0]]])
        >>> move_boxes(jnp.array([[[1.0, 1.0, 4.0, 4.0]]]), to_the_right, (8, 6), (8, 6)).tolist()
        [[[4.0, 1.0, 6.0, 4.0]]]
    """
    matrices = matrices.astype(boxes.dtype)
    left, top, right, bottom = box_corners(boxes, size, box_format)
    xs = jnp.stack([left, right, left, right], -1)  # [B, N, corners]
    ys = jnp.stack([top, top, bottom, bottom], -1)
    entries = matrices[:, :, :, None, None]
    x, y = (entries[:, row, 0] * xs + entries[:, row, 1] * ys + entries[:, row, 2] for row in (0, 1))
    height, width = new_size
    left, right = jnp.clip(x.min(-1), 0, width), jnp.clip(x.max(-1), 0, width)
    top, bottom = jnp.clip(y.min(-1), 0, height), jnp.clip(y.max(-1), 0, height)
    # What rounding leaves of a box outside is no box.
    seen = (right - left > 1e-3) & (bottom - top > 1e-3) & ~(boxes == -1).all(-1)
    moved = boxes_from_corners((left, top, right, bottom), new_size, box_format)
    return jnp.where(seen[..., None], moved, jnp.asarray(-1, boxes.dtype))


def box_corners(boxes: jax.Array, size: Size, box_format: str) -> Any:
    """Gives the left, top, right and bottom of boxes in pixels.

    Args:
        boxes: float[B, N, 4].
        size: The height and width of the image.
        box_format: As for `move_boxes`.

    Returns:
        Four arrays float[B, N].

    Raises:
        InputError: The format is none of these.

    Example:
        >>> [side.item() for side in box_corners(jnp.array([[[1.0, 2.0, 3.0, 4.0]]]), (9, 9), "xywh")]
        [1.0, 2.0, 4.0, 6.0]
    """
    check_choice(box_format, BOX_FORMATS, "box_corners", "box_format")
    one, two, three, four = (boxes[..., place] for place in range(4))
    if box_format == "xywh":
        return one, two, one + three, two + four
    if box_format == "center_xywh":
        return one - three / 2, two - four / 2, one + three / 2, two + four / 2
    height, width = size if box_format == "rel_xyxy" else (1, 1)
    return one * width, two * height, three * width, four * height


def boxes_from_corners(corners: Any, size: Size, box_format: str) -> jax.Array:
    """Makes boxes of their left, top, right and bottom in pixels.

    Args:
        corners: Four arrays float[B, N].
        size: The height and width of the image.
        box_format: As for `move_boxes`.

    Returns:
        float[B, N, 4].

    Example:
        >>> sides = [jnp.full((1, 1), side) for side in (1.0, 2.0, 4.0, 6.0)]
        >>> boxes_from_corners(sides, (9, 9), "center_xywh").tolist()
        [[[2.5, 4.0, 3.0, 4.0]]]
    """
    left, top, right, bottom = corners
    if box_format == "xywh":
        parts = [left, top, right - left, bottom - top]
    elif box_format == "center_xywh":
        parts = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    else:
        height, width = size if box_format == "rel_xyxy" else (1, 1)
        parts = [left / width, top / height, right / width, bottom / height]
    return jnp.stack(parts, -1)


def forward_matrices(matrices: jax.Array) -> jax.Array:
    """Turns matrices of `affine_warp`, from output to input pixels, into those that move points of the image.

    The former count from the centre of the first pixel, the latter from its upper left corner.

    Args:
        matrices: float[B, 2, 3]. They can be inverted.

    Returns:
        float[B, 2, 3], for `move_boxes`.

    Example:
        >>> twice = jnp.array([[[0.5, 0.0, 0.25], [0.0, 1.0, 0.0]]])
        >>> forward_matrices(twice).astype(int).tolist()
        [[[2, 0, -1], [0, 1, 0]]]
    """
    (a, b, x), (c, d, y) = (tuple(matrices[:, row, place] for place in range(3)) for row in (0, 1))
    x, y = x + 0.5 - (a + b) / 2, y + 0.5 - (c + d) / 2
    scale = 1 / (a * d - b * c)
    a, b, c, d = d * scale, -b * scale, -c * scale, a * scale
    rows = [jnp.stack([a, b, -(a * x + b * y)], -1), jnp.stack([c, d, -(c * x + d * y)], -1)]
    return jnp.stack(rows, 1)  # [B, 2, 3]
