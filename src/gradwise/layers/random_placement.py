"""Images mirrored, cut and shifted at random in training, each sample by itself."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.layers.checks import check_choice, check_count
from gradwise.layers.image_base import ImageOptions, Size
from gradwise.layers.image_moving import MovingLayer, WindowLayer, central_window, diagonal_maps
from gradwise.ops.image_resizing import Window
from gradwise.ops.image_warps import crop_at, flip_images, shift_images
from gradwise.registry import register

FLIPS = ("horizontal_and_vertical", "horizontal", "vertical")


@register("layers.RandomFlip")
class RandomFlip(MovingLayer):
    """Mirrors half of the images in training, each by a draw of its own.

    With both directions these are two draws, so that each of the four ways is as likely. (Keras 3 turns half
    of the images upside down instead, with one draw for both.)

    Args:
        mode: 'horizontal' (left and right change places), 'vertical' or 'horizontal_and_vertical'.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomFlip("horizontal")(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.mode = check_choice(self.where(), "mode", mode, FLIPS)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws whether to mirror, [B] for each direction."""
        draws = jax.random.bernoulli(key, 0.5, (images.shape[0], 2))
        ways = enumerate(("horizontal", "vertical"))
        return [draws[:, place] & (way in self.mode) for place, way in ways]

    def change(self, images: Any, how: Any) -> Any:
        """Mirrors."""
        return flip_images(images, *how)

    def change_masks(self, masks: Any, how: Any) -> Any:
        """Mirrors."""
        return flip_images(masks, *how)

    def matrices(self, how: Any, size: Size) -> Any:
        """Points change sides."""
        horizontal, vertical = (flag.astype(jnp.float32) for flag in how)
        height, width = size
        return diagonal_maps(1 - 2 * horizontal, 1 - 2 * vertical, width * horizontal, height * vertical)


@register("layers.RandomCrop")
class RandomCrop(WindowLayer):
    """Cuts a part out of each image, at a place of its own in training, in the middle at prediction.

    With ZeroPadding2D(4) before it, this is the shift and crop of He et al. (2016) for small images. From
    images too small, the largest part of the shape wanted is taken and enlarged, as by `CenterCrop`.

    (Keras 3 cuts all images of a batch at the same place, and lets them pass uncut at prediction.)

    Args:
        height: The height of the part.
        width: Its width.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, height, width, C].

    Example:
        >>> RandomCrop(1, 2)(jnp.arange(4.0).reshape(1, 1, 4, 1)).ravel().tolist()
        [1.0, 2.0]
    """

    strength = 1.0

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.height = check_count(self.where(), "height", height)
        self.width = check_count(self.where(), "width", width)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws the first row and column, int[B, 2]; a window alike for all where images are too small."""
        spare = (images.shape[1] - self.height, images.shape[2] - self.width)
        if min(spare) < 0:
            return self.rest(images)
        most = jnp.asarray(spare, jnp.int32)[None, :] + 1
        return jax.random.randint(key, (images.shape[0], 2), 0, most)

    def window(self, size: Size) -> Window:
        """Takes the middle."""
        return central_window(size, (self.height, self.width))

    def change(self, images: Any, how: Any) -> Any:
        """Cuts."""
        if isinstance(how, Window):
            return super().change(images, how)
        return crop_at(images, how[:, 0], how[:, 1], (self.height, self.width))

    def change_masks(self, masks: Any, how: Any) -> Any:
        """Cuts."""
        return super().change_masks(masks, how) if isinstance(how, Window) else self.change(masks, how)

    def matrices(self, how: Any, size: Size) -> Any:
        """Points move up and to the left."""
        if isinstance(how, Window):
            return super().matrices(how, size)
        ones, moves = jnp.ones(how.shape[:1], jnp.float32), -how.astype(jnp.float32)
        return diagonal_maps(ones, ones, moves[:, 1], moves[:, 0])


@register("layers.RandomTranslation")
class RandomTranslation(MovingLayer):
    """Shifts each image in training, by fractions of its height and width.

    Args:
        height_factor: The range of shifts down, as a fraction of the height: (-0.2, 0.3) is from 20 % up to
            30 % down, and 0.2 stands for (-0.2, 0.2).
        width_factor: The range of shifts to the right, likewise.
        fill_mode: What comes in: 'reflect' (mirrored at the border), 'constant', 'nearest' (the border) or
            'wrap' (what left on the other side).
        interpolation: 'bilinear', or 'nearest' for shifts by whole pixels.
        seed: A number mixed into the random stream of this layer.
        fill_value: The value for 'constant'.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomTranslation(0.1, 0.1)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.height_factor = self.checked_range("height_factor", height_factor, -1, 1, mirrored=True)
        self.width_factor = self.checked_range("width_factor", width_factor, -1, 1, mirrored=True)
        self.check_filling(interpolation, fill_mode, fill_value)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws shifts in pixels, float[B, 2]; whole ones if these are all that happen."""
        ranges = [
            (low * size, high * size)
            for (low, high), size in zip(
                (self.height_factor, self.width_factor), images.shape[1:3], strict=True
            )
        ]
        shifts = self.uniform(key, images, *ranges)
        return jnp.floor(shifts + 0.5) if self.interpolation == "nearest" else shifts

    def change(self, images: Any, how: Any) -> Any:
        """Shifts."""
        return shift_images(images, how, reach=self._reach(images.shape[1:3]), **self.filling())

    def change_masks(self, masks: Any, how: Any) -> Any:
        """Shifts by whole pixels, with 0 outside where that is constant."""
        reach = self._reach(masks.shape[1:3])
        return shift_images(masks, how, reach=reach, interpolation="nearest", fill_mode=self.fill_mode)

    def matrices(self, how: Any, size: Size) -> Any:
        """Points move along."""
        ones = jnp.ones_like(how[:, 0])
        return diagonal_maps(ones, ones, how[:, 1], how[:, 0])

    def _reach(self, size: Size) -> list[int]:
        factors = (self.height_factor, self.width_factor)
        return [math.ceil(max(map(abs, factor)) * n) for factor, n in zip(factors, size, strict=True)]
