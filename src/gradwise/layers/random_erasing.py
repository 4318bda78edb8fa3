"""Patches of images erased at random in training, each sample by itself."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.layers.image_base import ImageLayer, ImageOptions
from gradwise.layers.number_checks import is_number
from gradwise.ops.image_erasing import byte_noise, erase_patches
from gradwise.registry import register


@register("layers.RandomErasing")
class RandomErasing(ImageLayer):
    """Erases a rectangle of each image in training (Zhong et al., 2020, arXiv:1708.04896).

    Boxes, masks and labels stay.

    Args:
        factor: The range of the probability that an image loses a part: (1, 1) erases in all images; 1 stands
            for (0, 1).
        scale: The range of the squared height and of the squared width of the rectangle, as fractions of the
            image's: with (0.25, 0.25), half the height and half the width.
        fill_value: What comes in its place: a number, one for each channel, or None for noise, any value of
            the range for each pixel and channel.
        value_range: The least and the greatest value.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomErasing()(jnp.full((1, 1, 1, 1), 100)).item()
        100.0
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, 0, 1, mirrored=False)
        self.scale = self.checked_range("scale", scale, 0, 1, mirrored=False)
        self.value_range = self.checked_value_range(value_range)
        self.fill_value = self._checked_fill(fill_value)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws which images, the rectangles, and the noise."""
        place_key, noise_key = jax.random.split(key)
        zero_to_one = (0.0, 1.0)
        drawn = self.uniform(
            place_key, images, self.factor, zero_to_one, self.scale, self.scale, zero_to_one, zero_to_one
        )
        chosen = drawn[:, 1] < drawn[:, 0]
        sizes = jnp.sqrt(drawn[:, 2:4]) * jnp.asarray(images.shape[1:3], drawn.dtype)[None, :]
        sizes = jnp.where(chosen[:, None], sizes, 0)
        starts = drawn[:, 4:] * (jnp.asarray(images.shape[1:3], drawn.dtype)[None, :] - sizes)
        if self.fill_value is None:
            return starts, sizes, byte_noise(noise_key, images.shape, self.value_range).astype(images.dtype)
        return starts, sizes, jnp.asarray(self.fill_value, images.dtype).reshape(1, 1, 1, -1)

    def change(self, images: Any, how: Any) -> Any:
        """Erases."""
        return erase_patches(images, *how)

    def _checked_fill(self, value: Any) -> Any:
        if value is None or is_number(value):
            return value
        if isinstance(value, (tuple, list)) and value and all(is_number(item) for item in value):
            return tuple(value)
        raise InputError(
            self.where(),
            expected="fill_value to be a number, a list with one for each channel, or None for noise",
            got=repr(value),
            fix="Set fill_value=0, say.",
        )
