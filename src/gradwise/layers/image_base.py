"""What the layers on images share: arrays or dicts of images, boxes and masks, and the checks of settings."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError, unknown_name
from gradwise.layers.checks import check_choice, check_data_format, check_rank
from gradwise.layers.noise_base import Noise
from gradwise.layers.number_checks import is_number
from gradwise.ops.image_boxes import BOX_FORMATS, move_boxes
from gradwise.ops.image_warps import at_least_single
from gradwise.ops.windows import channels_to_end, channels_to_front

PARTS = ("images", "bounding_boxes", "segmentation_masks", "labels")
Size = tuple[int, int]


class ImageOptions(LayerOptions, total=False):
    """The settings that every layer on images takes besides its own.

    Example:
        >>> "bounding_box_format" in ImageOptions.__annotations__
        True
    """

    bounding_box_format: str | None


class ImageLayer(Noise):
    """Base of the layers that change images, alone or in a dict with boxes, masks and labels.

    A subclass draws what is to happen to each image in `draw(key, images)`, and does it in
    `change(images, how)`. If it moves pixels, it also says where points go, in `matrices(how, size)`.

    Args:
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        bounding_box_format: What the numbers of a box are: 'xyxy' (left, top, right, bottom), 'xywh' (left,
            top, width, height), 'center_xywh', in pixels, or 'rel_xyxy', in fractions of the image.
        options: The settings every layer takes.

    Example:
        >>> class Negative(ImageLayer):
        ...     def draw(self, key, images):
        ...         return jax.random.bernoulli(key, 0.5, images.shape[:1])
        ...     def change(self, images, how):
        ...         return jnp.where(how[:, None, None, None], 255 - images, images)
        >>> Negative()(jnp.ones((1, 1, 1, 1))).item()
        1.0
    """

    supports_masking = False
    moves_pixels: ClassVar[bool] = False

    def __init__(
        self,
        *,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.data_format = check_data_format(self.where(), data_format)
        self.bounding_box_format = (
            None
            if bounding_box_format is None
            else check_choice(self.where(), "bounding_box_format", bounding_box_format, BOX_FORMATS)
        )

    # What subclasses write -------------------------------------------------------------------------

    def draw(self, key: Any, images: Any) -> Any:
        """Draws what happens to each image in training."""
        raise NotImplementedError

    def rest(self, images: Any) -> Any:
        """Says what happens at prediction; None for nothing."""
        return None

    def change(self, images: Any, how: Any) -> Any:
        """Changes images, float[B, H, W, C] whatever the data format."""
        raise NotImplementedError

    def change_masks(self, masks: Any, how: Any) -> Any:
        """Moves masks as the images, without mixing their values."""
        return masks

    def matrices(self, how: Any, size: Size) -> Any:
        """Says where points go, for `move_boxes`."""
        raise NotImplementedError

    # -----------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Changes the images, and what belongs to them."""
        parts = self.checked_parts(inputs)
        images = self.channels_last(self.floats(parts["images"]))
        if training and self.strength != 0:
            how = self.draw(self.draw_key(), images)
        else:
            how = self.rest(images)
        changed = images if how is None else self.change(images, how)
        outputs = {**parts, "images": self.as_given(changed)}
        if how is not None and self.moves_pixels:
            self._move_others(outputs, how, images.shape[1:3], changed.shape[1:3])
        return outputs if isinstance(inputs, dict) else outputs["images"]

    def _move_others(self, parts: dict[str, Any], how: Any, size: Size, new_size: Size) -> None:
        if "segmentation_masks" in parts:
            masks = self.channels_last(jnp.asarray(parts["segmentation_masks"]))
            parts["segmentation_masks"] = self.as_given(self.change_masks(masks, how))
        if "bounding_boxes" in parts and self.bounding_box_format is not None:
            boxes = self.floats(parts["bounding_boxes"])
            parts["bounding_boxes"] = move_boxes(
                boxes, self.matrices(how, size), size, new_size, self.bounding_box_format
            )

    def checked_parts(self, inputs: Any) -> dict[str, Any]:
        """Refuses what is neither a batch of images nor a dict of one and what belongs to it."""
        parts = inputs if isinstance(inputs, dict) else {"images": inputs}
        for name in parts:
            if name not in PARTS:
                raise unknown_name(self.where(), "a part of the inputs", name, PARTS)
        if "images" not in parts:
            raise InputError(
                self.where(),
                expected="a dict with 'images'",
                got=f"one with {', '.join(map(repr, parts)) or 'nothing'}",
                fix="Put the images under the name 'images'.",
            )
        for name in ("images", "segmentation_masks"):
            if name in parts:
                check_rank(self.where(), np.shape(parts[name]), 2, self.data_format)
        if "bounding_boxes" in parts and self.moves_pixels:
            self._check_boxes(np.shape(parts["bounding_boxes"]))
        return dict(parts)

    def _check_boxes(self, shape: tuple[int, ...]) -> None:
        if self.bounding_box_format is None:
            raise InputError(
                self.where(),
                expected="bounding_box_format to say what the numbers of a box are",
                got="boxes without it",
                fix=f"Set bounding_box_format to one of {', '.join(map(repr, BOX_FORMATS))}.",
            )
        if len(shape) != 3 or shape[-1] != 4:
            raise InputError(
                self.where(),
                expected="bounding_boxes of shape [batch, boxes, 4]",
                got=shape,
                fix="Fill up the boxes of each image with rows of -1 to the same number.",
            )

    def channels_last(self, images: Any) -> Any:
        """Puts the channels of images or masks at the end."""
        return images if self.data_format == "channels_last" else channels_to_end(images)

    def as_given(self, images: Any) -> Any:
        """Puts them back."""
        return images if self.data_format == "channels_last" else channels_to_front(images)

    def uniform(self, key: Any, images: Any, *ranges: tuple[float, float]) -> Any:
        """Draws a number from each range for each image, float[B, ranges]."""
        kind = at_least_single(images.dtype)
        low, high = (jnp.asarray(limits, kind)[None, :] for limits in zip(*ranges, strict=True))
        return low + (high - low) * jax.random.uniform(key, (images.shape[0], len(ranges)), kind)

    def checked_range(self, what: str, value: Any, least: float, most: float, mirrored: bool) -> Any:
        """Turns a number or a pair of them into a range.

        A single number stands for the range from minus to plus it if `mirrored`, else from 0.
        """
        pair = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if len(pair) not in (1, 2) or not all(is_number(item) and least <= item <= most for item in pair):
            raise InputError(
                self.where(),
                expected=f"{what} to be a number, or two of them, from {least:g} to {most:g}",
                got=repr(value),
                fix=f"Set {what}={most / 5:g} or {what}=({most / 10:g}, {most / 5:g}), say.",
            )
        if len(pair) == 1:
            size = abs(float(pair[0]))
            return (-size if mirrored else 0.0, size)
        return tuple(sorted(float(item) for item in pair))

    def check_three_channels(self, shape: Any) -> None:
        """Refuses images that are not in colour; those of another rank are refused elsewhere."""
        channels = shape[-1 if self.data_format == "channels_last" else 1] if len(shape) == 4 else 3
        if channels != 3:
            raise InputError(
                self.where(),
                expected="images with three channels, red, green and blue",
                got=f"{channels} of them",
                fix="Leave this layer out for images that are not in colour.",
            )

    def checked_value_range(self, value: Any) -> tuple[float, float]:
        """Refuses anything but two different finite numbers."""
        pair = tuple(value) if isinstance(value, (tuple, list)) else ()
        if len(pair) != 2 or not all(is_number(item) for item in pair) or pair[0] == pair[1]:
            raise InputError(
                self.where(),
                expected="value_range to be the least and the greatest value of the images",
                got=repr(value),
                fix="Set value_range=(0, 1) for images scaled to fractions, (0, 255) for bytes.",
            )
        return min(map(float, pair)), max(map(float, pair))
