"""Images turned, zoomed and slanted at random in training, each sample by itself."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.layers.image_base import ImageOptions, Size
from gradwise.layers.image_moving import MovingLayer
from gradwise.ops.image_boxes import forward_matrices
from gradwise.ops.image_warps import affine_warp, rotation_matrices, shear_matrices, zoom_matrices
from gradwise.registry import register


class _Warping(MovingLayer):
    """Base of those that go through the general warp; what is drawn are its matrices."""

    def change(self, images: Any, how: Any) -> Any:
        """Warps."""
        return affine_warp(images, how, **self.filling())

    def change_masks(self, masks: Any, how: Any) -> Any:
        """Warps masks, with 0 outside where that is constant."""
        return affine_warp(masks, how, interpolation="nearest", fill_mode=self.fill_mode)

    def matrices(self, how: Any, size: Size) -> Any:
        """Points go where pixels go."""
        return forward_matrices(how)


@register("layers.RandomRotation")
class RandomRotation(_Warping):
    """Turns each image about its centre in training.

    Args:
        factor: The range of angles counter-clockwise, as fractions of a full turn: (-0.2, 0.3) is from 72
            degrees clockwise to 108 counter-clockwise, and 0.2 stands for (-0.2, 0.2).
        fill_mode: What comes in: 'reflect' (mirrored at the border), 'constant', 'nearest' (the border) or
            'wrap' (the other side).
        interpolation: 'bilinear' or 'nearest'.
        seed: A number mixed into the random stream of this layer.
        fill_value: The value for 'constant'.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomRotation(0.1)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, -1, 1, mirrored=True)
        self.check_filling(interpolation, fill_mode, fill_value)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws angles, and makes matrices of them."""
        turns = self.uniform(key, images, self.factor)[:, 0]
        return rotation_matrices(2 * math.pi * turns, *images.shape[1:3])


@register("layers.RandomZoom")
class RandomZoom(_Warping):
    """Shows more or less of each image about its centre in training.

    Args:
        height_factor: The range of how much more of the height is seen, as a fraction: (0.2, 0.3) makes
            things smaller, so that 20 to 30 % more is seen, (-0.3, -0.2) larger; 0.2 stands for (-0.2, 0.2).
        width_factor: The same for the width; by default images keep their proportions.
        fill_mode: What comes in: 'reflect' (mirrored at the border), 'constant', 'nearest' (the border) or
            'wrap' (the other side).
        interpolation: 'bilinear' or 'nearest'.
        seed: A number mixed into the random stream of this layer.
        fill_value: The value for 'constant'.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomZoom(0.1)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        # At -1 nothing would be seen.
        self.height_factor = self.checked_range("height_factor", height_factor, -0.99, 1, mirrored=True)
        self.width_factor = (
            None
            if width_factor is None
            else self.checked_range("width_factor", width_factor, -0.99, 1, mirrored=True)
        )
        self.check_filling(interpolation, fill_mode, fill_value)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws how much is seen, and makes matrices of it."""
        both = self.uniform(key, images, self.height_factor, self.width_factor or self.height_factor)
        if self.width_factor is None:
            both = jnp.broadcast_to(both[:, :1], both.shape)
        return zoom_matrices(1 + both, *images.shape[1:3])


@register("layers.RandomShear")
class RandomShear(_Warping):
    """Slants each image about its centre in training, in either direction.

    (Keras 3 slants about the upper left corner, which moves things away as well.)

    Args:
        x_factor: The range of how far each row moves against the one above, as a fraction of the distance;
            0.2 stands for (0, 0.2).
        y_factor: The same for columns.
        interpolation: 'bilinear' or 'nearest'.
        fill_mode: What comes in: 'reflect' (mirrored at the border), 'constant', 'nearest' (the border) or
            'wrap' (the other side).
        fill_value: The value for 'constant'.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomShear(0.1)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.x_factor = self.checked_range("x_factor", x_factor, 0, 1, mirrored=False)
        self.y_factor = self.checked_range("y_factor", y_factor, 0, 1, mirrored=False)
        self.check_filling(interpolation, fill_mode, fill_value)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws how much and which way, the same for both axes, and makes matrices of it."""
        drawn = self.uniform(key, images, self.x_factor, self.y_factor, (-1, 1))
        return shear_matrices(drawn[:, :2] * jnp.where(drawn[:, 2:] < 0, -1, 1), *images.shape[1:3])
