"""Colours of images changed at random in training, each sample by itself."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.layers.image_base import ImageLayer, ImageOptions
from gradwise.layers.number_checks import check_fraction
from gradwise.ops.image_colors import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    shift_channels,
    to_gray,
)
from gradwise.registry import register


@register("layers.RandomBrightness")
class RandomBrightness(ImageLayer):
    """Adds a number to all pixels of each image in training, and clips to the range.

    Args:
        factor: The range of what is added, as a fraction of the values' range: -1 makes images black, 1
            white; 0.2 stands for (-0.2, 0.2).
        value_range: The least and the greatest value.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomBrightness(0.2)(jnp.full((1, 1, 1, 1), 100)).item()
        100.0
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, -1, 1, mirrored=True)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws what is added."""
        return self.uniform(key, images, self.factor)[:, 0]

    def change(self, images: Any, how: Any) -> Any:
        """Adds and clips."""
        return adjust_brightness(images, how, self.value_range)


@register("layers.RandomContrast")
class RandomContrast(ImageLayer):
    """Multiplies the distance of pixels to the mean of their image and channel in training, and clips.

    Args:
        factor: How far the factor may lie below and above 1: 0.2 draws it from 0.8 to 1.2, (0.5, 0.1) from
            0.5 to 1.1. (Keras 3.15 draws from 1 to 1.2 for the former.)
        value_range: The least and the greatest value.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomContrast(0.2)(jnp.full((1, 1, 1, 1), 100)).item()
        100.0
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.checked_range("factor", factor, 0, 1, mirrored=False)
        below, above = factor if isinstance(factor, (tuple, list)) and len(factor) == 2 else (factor, factor)
        self.factor = (1 - float(below), 1 + float(above))
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws the factor."""
        return self.uniform(key, images, self.factor)[:, 0]

    def change(self, images: Any, how: Any) -> Any:
        """Stretches and clips."""
        return adjust_contrast(images, how, self.value_range)


class _RedGreenBlue(ImageLayer):
    """Base of the layers for images in colour."""

    def build(self, input_shape: Any) -> None:
        """Refuses images that have not three channels."""
        self.check_three_channels(input_shape["images"] if isinstance(input_shape, dict) else input_shape)


@register("layers.RandomSaturation")
class RandomSaturation(_RedGreenBlue):
    """Makes the colours of each image paler or stronger in training.

    The saturation of each pixel is multiplied by f / (1 - f).

    Args:
        factor: The range of f: 0 makes images grey, 0.5 changes nothing, 1 makes colours as strong as they
            get; 0.7 stands for (0, 0.7).
        value_range: The least and the greatest value.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images in colour.

    Shapes: number[B, H, W, 3] to float[B, H, W, 3].

    Example:
        >>> RandomSaturation((0.3, 0.7))(jnp.full((1, 1, 1, 3), 100)).ravel().tolist()
        [100.0, 100.0, 100.0]
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, 0, 1, mirrored=False)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws f, and makes a factor of it."""
        drawn = self.uniform(key, images, self.factor)[:, 0]
        return drawn / jnp.maximum(1 - drawn, 1e-6)

    def change(self, images: Any, how: Any) -> Any:
        """Multiplies the saturation."""
        return adjust_saturation(images, how, self.value_range)


@register("layers.RandomHue")
class RandomHue(_RedGreenBlue):
    """Turns the hues of each image on the circle of colours in training, in either direction.

    Args:
        factor: The range of how far, as a fraction of half the circle; 0.1 stands for (0, 0.1).
        value_range: The least and the greatest value.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images in colour.

    Shapes: number[B, H, W, 3] to float[B, H, W, 3].

    Example:
        >>> RandomHue(0.1)(jnp.full((1, 1, 1, 3), 100)).ravel().tolist()
        [100.0, 100.0, 100.0]
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, 0, 1, mirrored=False)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws how far and which way."""
        far, way = self.uniform(key, images, self.factor, (-1, 1)).T
        return jnp.where(way < 0, -far, far) / 2

    def change(self, images: Any, how: Any) -> Any:
        """Turns the hues."""
        return adjust_hue(images, how, self.value_range)


@register("layers.RandomGrayscale")
class RandomGrayscale(_RedGreenBlue):
    """Takes the colour out of some images in training; all three channels get the luma.

    Args:
        factor: The fraction of the images that become grey.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images in colour.

    Shapes: number[B, H, W, 3] to float[B, H, W, 3].

    Example:
        >>> RandomGrayscale(0.5)(jnp.full((1, 1, 1, 3), 100)).ravel().tolist()
        [100.0, 100.0, 100.0]
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = check_fraction(self.where(), "factor", factor)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws which images become grey."""
        return jax.random.bernoulli(key, self.factor, images.shape[:1])

    def change(self, images: Any, how: Any) -> Any:
        """Takes the colour out."""
        return to_gray(images, how)


@register("layers.RandomChannelShift")
class RandomChannelShift(ImageLayer):
    """Adds to each channel of each image a number of its own in training, and clips: a tint.

    Args:
        factor: The range of what is added, as a fraction of the values' range; 0.1 stands for (-0.1, 0.1).
        value_range: The least and the greatest value.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomChannelShift(0.1)(jnp.full((1, 1, 1, 1), 100)).item()
        100.0
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.factor = self.checked_range("factor", factor, -1, 1, mirrored=True)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws what is added to each channel."""
        return self.uniform(key, images, *[self.factor] * images.shape[-1])

    def change(self, images: Any, how: Any) -> Any:
        """Adds and clips."""
        return shift_channels(images, how, self.value_range)


@register("layers.RandomColorJitter")
class RandomColorJitter(ImageLayer):
    """Changes brightness, contrast, saturation and hue in training, one after the other.

    Args:
        value_range: The least and the greatest value.
        brightness_factor: As for `RandomBrightness`; None leaves it out.
        contrast_factor: As for `RandomContrast`; None leaves it out.
        saturation_factor: As for `RandomSaturation`; None leaves it out.
        hue_factor: As for `RandomHue`; None leaves it out.
        seed: A number mixed into the random stream of this layer.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images in colour.

    Shapes: number[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> RandomColorJitter(hue_factor=0.1)(jnp.full((1, 1, 1, 3), 100)).ravel().tolist()
        [100.0, 100.0, 100.0]
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.value_range = self.checked_value_range(value_range)
        self.seed = self.checked_seed(seed)
        wanted: list[tuple[Any, Any]] = [
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        ]
        self.changes: list[ImageLayer] = [
            kind(factor, self.value_range, data_format=data_format, name=f"{self.name}_{number}")
            for number, (kind, factor) in enumerate(wanted)
            if factor is not None
        ]
        self.strength = float(bool(self.changes))

    def build(self, input_shape: Any) -> None:
        """Lets each part check the shape."""
        for part in self.changes:
            part.run_build(input_shape)

    def draw(self, key: Any, images: Any) -> Any:
        """Draws for each part."""
        keys = jax.random.split(key, len(self.changes))
        return [part.draw(key, images) for part, key in zip(self.changes, keys, strict=True)]

    def change(self, images: Any, how: Any) -> Any:
        """Makes the changes one after the other."""
        for part, one in zip(self.changes, how, strict=True):
            images = part.change(images, one)
        return images
