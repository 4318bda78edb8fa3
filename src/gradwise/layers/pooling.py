"""Pooling over windows: the largest value or the mean of each, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.layers.checks import check_choice, check_data_format, check_rank, per_axis
from gradwise.ops.masked_pooling import masked_average_pool, masked_max_pool, pool_mask
from gradwise.ops.pooling import average_pool, max_pool
from gradwise.registry import register


class _Pooling(Layer):
    """Base of the pooling layers over windows.

    Along an axis of n elements there are floor((n + 2p - f) / s) + 1 windows for window size f, stride s
    and padding p on either side.
    """

    couples_rows = "never"
    rank: ClassVar[int]
    op: ClassVar[Callable[..., Any]]
    masked_op: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.pool_size = per_axis(where, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else per_axis(where, "strides", strides, self.rank)
        self.padding = check_choice(where, "padding", padding, ("valid", "same"))
        self.data_format = check_data_format(where, data_format)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools; steps of a sequence that the mask leaves out do not count."""
        where = f"{type(self).__name__} '{self.name}'"
        check_rank(where, inputs.shape, self.rank, self.data_format)
        settings = {**self._window(), "data_format": self.data_format, "where": where}
        if self.rank == 1 and mask is not None:
            return type(self).masked_op(inputs, jnp.asarray(mask), **settings)
        return type(self).op(inputs, rank=self.rank, **settings)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps a step of the pooled sequence if its window held one that counts."""
        if mask is None or self.rank != 1:
            return None
        return pool_mask(jnp.asarray(mask), **self._window(), where=f"{type(self).__name__} '{self.name}'")

    def _window(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


@register("layers.MaxPooling1D", aliases=("MaxPool1D",))
class MaxPooling1D(_Pooling):
    """Takes the largest value of each window of a sequence.

    Under a mask only steps that count take part, and an output step counts if its window holds one;
    a window with none gives 0. Keras pools the masked steps too, and drops the mask.

    Args:
        pool_size: The number of steps in a window.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the sequence.

    Shapes: float[B, T, C] to float[B, T', C].

    Example:
        >>> MaxPooling1D()(jnp.zeros((2, 9, 3))).shape
        (2, 4, 3)
    """

    rank = 1
    op = staticmethod(max_pool)
    masked_op = staticmethod(masked_max_pool)


@register("layers.MaxPooling2D", aliases=("MaxPool2D",))
class MaxPooling2D(_Pooling):
    """Takes the largest value of each window of an image.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the image.

    Shapes: float[B, H, W, C] to float[B, H', W', C].

    Example:
        >>> MaxPooling2D()(jnp.zeros((2, 28, 28, 3))).shape
        (2, 14, 14, 3)
    """

    rank = 2
    op = staticmethod(max_pool)
    masked_op = staticmethod(masked_max_pool)


@register("layers.MaxPooling3D", aliases=("MaxPool3D",))
class MaxPooling3D(_Pooling):
    """Takes the largest value of each window of a volume.

    Args:
        pool_size: Depth, height and width of the window, or one number for all.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the volume.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', C].

    Example:
        >>> MaxPooling3D()(jnp.zeros((2, 8, 8, 8, 3))).shape
        (2, 4, 4, 4, 3)
    """

    rank = 3
    op = staticmethod(max_pool)
    masked_op = staticmethod(masked_max_pool)


@register("layers.AveragePooling1D", aliases=("AvgPool1D",))
class AveragePooling1D(_Pooling):
    """Averages each window of a sequence; padding does not count.

    Under a mask only steps that count take part, and an output step counts if its window holds one;
    a window with none gives 0. Keras pools the masked steps too, and drops the mask.

    Args:
        pool_size: The number of steps in a window.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the sequence.

    Shapes: float[B, T, C] to float[B, T', C].

    Example:
        >>> AveragePooling1D()(jnp.zeros((2, 9, 3))).shape
        (2, 4, 3)
    """

    rank = 1
    op = staticmethod(average_pool)
    masked_op = staticmethod(masked_average_pool)


@register("layers.AveragePooling2D", aliases=("AvgPool2D",))
class AveragePooling2D(_Pooling):
    """Averages each window of an image; padding does not count.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the image.

    Shapes: float[B, H, W, C] to float[B, H', W', C].

    Example:
        >>> AveragePooling2D()(jnp.zeros((2, 28, 28, 3))).shape
        (2, 14, 14, 3)
    """

    rank = 2
    op = staticmethod(average_pool)
    masked_op = staticmethod(masked_average_pool)


@register("layers.AveragePooling3D", aliases=("AvgPool3D",))
class AveragePooling3D(_Pooling):
    """Averages each window of a volume; padding does not count.

    Args:
        pool_size: Depth, height and width of the window, or one number for all.
        strides: Steps between windows; by default the window's size.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the window is larger than the volume.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', C].

    Example:
        >>> AveragePooling3D()(jnp.zeros((2, 8, 8, 8, 3))).shape
        (2, 4, 4, 4, 3)
    """

    rank = 3
    op = staticmethod(average_pool)
    masked_op = staticmethod(masked_average_pool)
