"""Global pooling: one number for each channel of a whole sequence, image or volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.layers.checks import check_data_format, check_rank
from gradwise.ops.global_pooling import global_average_pool, global_max_pool
from gradwise.registry import register


class _GlobalPooling(Layer):
    """Base of the global pooling layers."""

    couples_rows = "never"
    rank: ClassVar[int]
    op: ClassVar[Callable[..., Any]]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.data_format = check_data_format(f"{type(self).__name__} '{self.name}'", data_format)
        self.keepdims = bool(keepdims)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools; steps of a sequence that the mask leaves out do not count."""
        check_rank(f"{type(self).__name__} '{self.name}'", inputs.shape, self.rank, self.data_format)
        kept = jnp.asarray(mask) if self.rank == 1 and mask is not None else None
        return type(self).op(inputs, kept, data_format=self.data_format, keepdims=self.keepdims)


@register("layers.GlobalMaxPooling1D", aliases=("GlobalMaxPool1D",))
class GlobalMaxPooling1D(_GlobalPooling):
    """Takes the largest value of each channel of a sequence.

    Steps that a mask leaves out do not count; a sequence with no step left gives 0. Keras pools the masked
    steps too.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the axis of steps with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, T, C] to float[B, C].

    Example:
        >>> GlobalMaxPooling1D()(jnp.ones((2, 5, 3))).shape
        (2, 3)
    """

    rank = 1
    op = staticmethod(global_max_pool)


@register("layers.GlobalMaxPooling2D", aliases=("GlobalMaxPool2D",))
class GlobalMaxPooling2D(_GlobalPooling):
    """Takes the largest value of each channel of an image.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the two axes with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, H, W, C] to float[B, C].

    Example:
        >>> GlobalMaxPooling2D()(jnp.ones((2, 5, 5, 3))).shape
        (2, 3)
    """

    rank = 2
    op = staticmethod(global_max_pool)


@register("layers.GlobalMaxPooling3D", aliases=("GlobalMaxPool3D",))
class GlobalMaxPooling3D(_GlobalPooling):
    """Takes the largest value of each channel of a volume.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the three axes with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, D, H, W, C] to float[B, C].

    Example:
        >>> GlobalMaxPooling3D()(jnp.ones((2, 5, 5, 5, 3))).shape
        (2, 3)
    """

    rank = 3
    op = staticmethod(global_max_pool)


@register("layers.GlobalAveragePooling1D", aliases=("GlobalAvgPool1D",))
class GlobalAveragePooling1D(_GlobalPooling):
    """Averages each channel over a sequence.

    Steps that a mask leaves out do not count; a sequence with no step left gives 0. Keras gives NaN there.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the axis of steps with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, T, C] to float[B, C].

    Example:
        >>> GlobalAveragePooling1D()(jnp.ones((2, 5, 3))).shape
        (2, 3)
    """

    rank = 1
    op = staticmethod(global_average_pool)


@register("layers.GlobalAveragePooling2D", aliases=("GlobalAvgPool2D",))
class GlobalAveragePooling2D(_GlobalPooling):
    """Averages each channel over an image.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the two axes with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, H, W, C] to float[B, C].

    Example:
        >>> GlobalAveragePooling2D()(jnp.ones((2, 5, 5, 3))).shape
        (2, 3)
    """

    rank = 2
    op = staticmethod(global_average_pool)


@register("layers.GlobalAveragePooling3D", aliases=("GlobalAvgPool3D",))
class GlobalAveragePooling3D(_GlobalPooling):
    """Averages each channel over a volume.

    Args:
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        keepdims: Whether to keep the three axes with size 1.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, D, H, W, C] to float[B, C].

    Example:
        >>> GlobalAveragePooling3D()(jnp.ones((2, 5, 5, 5, 3))).shape
        (2, 3)
    """

    rank = 3
    op = staticmethod(global_average_pool)
