"""Pooling layers."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise import config
from gradwise.core.layer import Layer, LayerOptions
from gradwise.layers.convolution import check_choice, check_images, pair_of
from gradwise.ops.pooling import average_pool2d, max_pool2d
from gradwise.registry import register


class _Pooling2D(Layer):
    """Base of the pooling layers over windows of images."""

    couples_rows = "never"

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.pool_size = pair_of(where, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair_of(where, "strides", strides)
        self.padding = check_choice(where, "padding", padding, ("valid", "same"))
        self.data_format = check_choice(
            where,
            "data_format",
            data_format or config.image_data_format(),
            ("channels_last", "channels_first"),
        )

    def _pool(self, function: Any, inputs: Any) -> Any:
        check_images(f"{type(self).__name__} '{self.name}'", inputs.shape)
        return function(
            inputs,
            pool_size=self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )


@register("layers.MaxPooling2D", aliases=("MaxPool2D",))
class MaxPooling2D(_Pooling2D):
    """Takes the largest value of each window.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the image.

    Example:
        >>> MaxPooling2D()(jnp.zeros((2, 28, 28, 3))).shape
        (2, 14, 14, 3)
    """

    def call(self, inputs: Any) -> Any:
        """Pools."""
        return self._pool(max_pool2d, inputs)


@register("layers.AveragePooling2D", aliases=("AvgPool2D",))
class AveragePooling2D(_Pooling2D):
    """Averages each window; padding does not count.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the image.

    Example:
        >>> AveragePooling2D()(jnp.ones((1, 2, 2, 1))).tolist()
        [[[[1.0]]]]
    """

    def call(self, inputs: Any) -> Any:
        """Pools."""
        return self._pool(average_pool2d, inputs)


@register("layers.GlobalAveragePooling2D", aliases=("GlobalAvgPool2D",))
class GlobalAveragePooling2D(Layer):
    """Averages each channel over the whole image.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the two axes with size 1.
        options: The settings every layer takes.

    Example:
        >>> GlobalAveragePooling2D()(jnp.ones((2, 5, 5, 3))).shape
        (2, 3)
    """

    couples_rows = "never"

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        where = f"GlobalAveragePooling2D '{self.name}'"
        self.data_format = check_choice(
            where,
            "data_format",
            data_format or config.image_data_format(),
            ("channels_last", "channels_first"),
        )
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Any:
        """Averages."""
        check_images(f"GlobalAveragePooling2D '{self.name}'", inputs.shape)
        axes = (1, 2) if self.data_format == "channels_last" else (2, 3)
        return jnp.mean(inputs, axes, keepdims=self.keepdims)
