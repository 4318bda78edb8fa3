"""Images and other values brought to the size and the range that a model wants."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise import config
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_choice, check_count
from gradwise.layers.image_base import ImageOptions, Size
from gradwise.layers.image_moving import WindowLayer, central_window
from gradwise.layers.number_checks import check_number
from gradwise.ops.image_resizing import Window, window_framed, window_of_shape
from gradwise.ops.resampling import INTERPOLATIONS
from gradwise.registry import register


@register("layers.Rescaling")
class Rescaling(Layer):
    """Multiplies by a number and adds another, in training and prediction: scale · x + offset.

    Args:
        scale: The factor, such as 1 / 255 for bytes; or one for each channel.
        offset: What is added; or one for each channel.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no number, nor a list of them.

    Shapes: number[B, ...] to float[B, ...].

    Example:
        >>> Rescaling(1 / 127.5, offset=-1)(np.array([[0, 255]], "uint8")).tolist()
        [[-1.0, 1.0]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.scale = self._checked("scale", scale)
        self.offset = self._checked("offset", offset)

    def call(self, inputs: Any) -> Any:
        """Multiplies and adds."""
        inputs = jnp.asarray(inputs)
        kind = self.dtype_policy.compute
        scale, offset = (self._placed(setting, inputs.ndim, kind) for setting in (self.scale, self.offset))
        return inputs.astype(kind) * scale + offset

    def _checked(self, what: str, value: Any) -> np.ndarray:
        try:
            numbers = np.asarray(value, "float64")
        except (TypeError, ValueError):
            numbers = np.asarray(np.nan)
        if numbers.ndim > 1 or not np.isfinite(numbers).all():
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected=f"{what} to be a number, or a list with one for each channel",
                got=repr(value),
                fix=f"Set {what}={'1 / 255' if what == 'scale' else '0'}, say.",
            )
        return numbers

    def _placed(self, numbers: np.ndarray, rank: int, kind: Any) -> Any:
        first = numbers.ndim == 1 and config.image_data_format() == "channels_first"
        shape = (1, -1, *(1,) * (rank - 2)) if first else (1,) * (rank - numbers.ndim) + numbers.shape
        return jnp.asarray(numbers, kind).reshape(shape)


@register("layers.Resizing")
class Resizing(WindowLayer):
    """Gives images another height and width, in training and prediction.

    Args:
        height: The new height.
        width: The new width.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        crop_to_aspect_ratio: Whether to cut off what does not fit instead of distorting images.
        pad_to_aspect_ratio: Whether to frame images instead of distorting them.
        fill_mode: What the frame holds; 'constant' is all there is.
        fill_value: The value of the frame.
        antialias: Whether to widen the filter when images shrink, so that fine patterns do not become coarse
            ones. Worth it below half the size.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: float[B, H, W, C] to float[B, height, width, C].

    Example:
        >>> Resizing(2, 2)(jnp.ones((1, 8, 6, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(data_format=data_format, **options)
        where = self.where()
        self.height = check_count(where, "height", height)
        self.width = check_count(where, "width", width)
        self.interpolation = check_choice(where, "interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = check_choice(where, "fill_mode", fill_mode, ("constant",))
        self.fill_value = check_number(where, "fill_value", fill_value)
        self.antialias = bool(antialias)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise InputError(
                where,
                expected="crop_to_aspect_ratio or pad_to_aspect_ratio, or neither",
                got="both",
                fix="Choose whether to cut images or to frame them.",
            )
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)

    def window(self, size: Size) -> Window:
        """Cuts, frames or keeps the image."""
        wanted = (self.height, self.width)
        if self.crop_to_aspect_ratio:
            return window_of_shape(size, wanted)
        return window_framed(size, wanted) if self.pad_to_aspect_ratio else Window(0, 0, *size)


@register("layers.CenterCrop")
class CenterCrop(WindowLayer):
    """Cuts the middle out of images, in training and prediction.

    From an image too small, the largest part of the shape wanted is taken and enlarged.

    Args:
        height: The height of the part.
        width: Its width.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        options: The settings every layer takes, and `bounding_box_format`.

    Raises:
        InputError: A size is no positive integer, or the inputs are no images.

    Shapes: float[B, H, W, C] to float[B, height, width, C].

    Example:
        >>> CenterCrop(1, 2)(jnp.arange(4.0).reshape(1, 1, 4, 1)).ravel().tolist()
        [1.0, 2.0]
    """

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **options: Unpack[ImageOptions]
    ) -> None:
        super().__init__(data_format=data_format, **options)
        self.height = check_count(self.where(), "height", height)
        self.width = check_count(self.where(), "width", width)

    def window(self, size: Size) -> Window:
        """Takes the middle."""
        return central_window(size, (self.height, self.width))
