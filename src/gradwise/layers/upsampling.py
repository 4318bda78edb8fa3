"""Layers that make sequences, images and volumes larger by a whole factor."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.layers.checks import check_choice, check_data_format, check_rank, per_axis
from gradwise.ops.resampling import INTERPOLATIONS, interpolate_images, repeat_spatial
from gradwise.registry import register


class _UpSampling(Layer):
    """Base of the up-sampling layers."""

    couples_rows = "never"
    rank: ClassVar[int]

    def __init__(
        self, size: Any = 2, data_format: str | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.size = per_axis(where, "size", size, self.rank)
        self.data_format = check_data_format(where, data_format)

    def call(self, inputs: Any) -> Any:
        """Repeats."""
        check_rank(f"{type(self).__name__} '{self.name}'", inputs.shape, self.rank, self.data_format)
        return repeat_spatial(inputs, self.size, data_format=self.data_format)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Repeats the mask of a sequence with its steps."""
        if mask is None or self.rank != 1:
            return None
        return repeat_spatial(jnp.asarray(mask)[..., None], self.size)[..., 0]


@register("layers.UpSampling1D")
class UpSampling1D(_UpSampling):
    """Repeats each step of a sequence, and of its mask.

    Args:
        size: How many times.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: `size` is no positive integer.

    Shapes: float[B, T, C] to float[B, T', C].

    Example:
        >>> UpSampling1D(2)(jnp.array([[[1.0], [2.0]]])).ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    rank = 1


@register("layers.UpSampling2D")
class UpSampling2D(_UpSampling):
    """Enlarges images, by repeating pixels or by interpolating between them.

    Args:
        size: The factors for height and width, or one number for both.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        interpolation: 'nearest' repeats; 'bilinear', 'bicubic', 'lanczos3' and 'lanczos5' interpolate.
        options: The settings every layer takes.

    Raises:
        InputError: A factor is no positive integer, or the interpolation is none of these.

    Shapes: float[B, H, W, C] to float[B, H', W', C].

    Example:
        >>> UpSampling2D((1, 2), interpolation="bilinear")(jnp.array([[[[0.0], [1.0]]]])).ravel().tolist()
        [0.0, 0.25, 0.75, 1.0]
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(size, data_format, **options)
        self.interpolation = check_choice(
            f"UpSampling2D '{self.name}'", "interpolation", interpolation, INTERPOLATIONS
        )

    def call(self, inputs: Any) -> Any:
        """Enlarges."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        where = f"UpSampling2D '{self.name}'"
        check_rank(where, inputs.shape, 2, self.data_format)
        first = 1 if self.data_format == "channels_last" else 2
        sizes = [n * factor for n, factor in zip(inputs.shape[first : first + 2], self.size, strict=True)]
        return interpolate_images(
            inputs, sizes, interpolation=self.interpolation, data_format=self.data_format, where=where
        )


@register("layers.UpSampling3D")
class UpSampling3D(_UpSampling):
    """Repeats each element of a volume along all three axes.

    Args:
        size: The factors for depth, height and width, or one number for all.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A factor is no positive integer.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', C].

    Example:
        >>> UpSampling3D((1, 2, 1))(jnp.ones((1, 2, 2, 2, 1))).shape
        (1, 2, 4, 2, 1)
    """

    rank = 3
