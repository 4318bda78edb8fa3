"""What the layers that move pixels share: filling, windows, and where points go."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from gradwise.layers.checks import check_choice
from gradwise.layers.image_base import ImageLayer, Size
from gradwise.layers.number_checks import check_number
from gradwise.ops.image_resizing import Window, resize_images, window_of_shape
from gradwise.ops.image_warps import FILL_MODES, INTERPOLATIONS


class MovingLayer(ImageLayer):
    """Base of the layers that move pixels and fill in what lies between them or outside.

    Args:
        options: The settings every layer on images takes.

    Example:
        >>> MovingLayer.moves_pixels
        True
    """

    moves_pixels = True
    interpolation = "bilinear"
    fill_mode = "reflect"
    fill_value = 0.0

    def check_filling(self, interpolation: str, fill_mode: str, fill_value: float) -> None:
        """Checks and keeps how places between pixels and outside of the image get their values."""
        self.interpolation = check_choice(self.where(), "interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = check_choice(self.where(), "fill_mode", fill_mode, FILL_MODES)
        self.fill_value = check_number(self.where(), "fill_value", fill_value)

    def filling(self) -> dict[str, Any]:
        """The settings of `affine_warp` for images."""
        return {
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
        }


class WindowLayer(ImageLayer):
    """Base of the layers that bring a window of each image to a size, in training and prediction.

    A subclass says which, in `window(size)`.

    Args:
        options: The settings every layer on images takes.

    Example:
        >>> class Top(WindowLayer):
        ...     height, width = 1, 2
        ...     def window(self, size):
        ...         return Window(0, 0, 1, size[1])
        >>> Top()(jnp.arange(4.0).reshape(1, 2, 2, 1)).ravel().tolist()
        [0.0, 1.0]
    """

    moves_pixels = True
    strength = 0.0  # nothing is random
    height: int
    width: int
    interpolation = "bilinear"
    antialias = False
    fill_value = 0.0

    def window(self, size: Size) -> Window:
        """Says which part of images of this size is seen."""
        raise NotImplementedError

    def rest(self, images: Any) -> Window:
        """Says which part is seen."""
        return self.window(images.shape[1:3])

    def change(self, images: Any, how: Window) -> Any:
        """Resizes what is seen."""
        return resize_images(
            images,
            (self.height, self.width),
            window=how,
            interpolation=self.interpolation,
            antialias=self.antialias,
            fill_value=self.fill_value,
        )

    def change_masks(self, masks: Any, how: Window) -> Any:
        """Resizes masks, framed with 0."""
        return resize_images(masks, (self.height, self.width), window=how, interpolation="nearest")

    def matrices(self, how: Window, size: Size) -> Any:
        """Points move and spread with the window."""
        tall, wide = self.height / how.height, self.width / how.width
        entries = (wide, tall, -how.left * wide, -how.top * tall)
        return diagonal_maps(*(jnp.full((1,), entry, jnp.float32) for entry in entries))


def diagonal_maps(wide: Any, tall: Any, right: Any, down: Any) -> Any:
    """Makes the matrices of (x, y) -> (wide x + right, tall y + down).

    Args:
        wide: float[B].
        tall: float[B].
        right: float[B].
        down: float[B].

    Returns:
        float[B, 2, 3], for `move_boxes`.

    Example:
        >>> one = jnp.ones(1)
        >>> diagonal_maps(one, 2 * one, 3 * one, 4 * one).tolist()
        [[[1.0, 0.0, 3.0], [0.0, 2.0, 4.0]]]
    """
    none = jnp.zeros_like(wide)
    return jnp.stack([jnp.stack([wide, none, right], -1), jnp.stack([none, tall, down], -1)], 1)


def central_window(size: Size, wanted: Size) -> Window:
    """Finds the middle of an image, or of one too small the largest part of the shape wanted.

    Args:
        size: The height and width of the image.
        wanted: Those of the part.

    Returns:
        The window.

    Example:
        >>> central_window((4, 6), (2, 2))
        Window(top=1, left=2, height=2, width=2)
    """
    (height, width), (tall, wide) = size, wanted
    if height < tall or width < wide:
        return window_of_shape(size, wanted)
    return Window((height - tall) // 2, (width - wide) // 2, tall, wide)
