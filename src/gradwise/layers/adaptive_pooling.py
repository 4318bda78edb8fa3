"""Adaptive pooling: windows chosen such that the output has a given size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

from gradwise.core.layer import Layer, LayerOptions
from gradwise.layers.checks import check_data_format, check_rank, per_axis
from gradwise.ops.adaptive_pooling import adaptive_average_pool, adaptive_max_pool
from gradwise.registry import register


class _AdaptivePooling(Layer):
    """Base of the adaptive pooling layers."""

    couples_rows = "never"
    rank: ClassVar[int]
    op: ClassVar[Callable[..., Any]]

    def __init__(
        self, output_size: Any, data_format: str | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.output_size = per_axis(where, "output_size", output_size, self.rank)
        self.data_format = check_data_format(where, data_format)

    def call(self, inputs: Any) -> Any:
        """Pools."""
        where = f"{type(self).__name__} '{self.name}'"
        check_rank(where, inputs.shape, self.rank, self.data_format)
        return type(self).op(
            inputs, self.output_size, rank=self.rank, data_format=self.data_format, where=where
        )


@register("layers.AdaptiveMaxPooling1D")
class AdaptiveMaxPooling1D(_AdaptivePooling):
    """Takes the largest value of each of a given number of windows that cover a sequence evenly.

    Args:
        output_size: The number of steps of the output.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, T, C] to float[B, output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPooling1D(3)(jnp.ones((2, 5, 3))).shape
        (2, 3, 3)
    """

    rank = 1
    op = staticmethod(adaptive_max_pool)


@register("layers.AdaptiveMaxPooling2D")
class AdaptiveMaxPooling2D(_AdaptivePooling):
    """Takes the largest value of each of a given number of windows that cover an image evenly.

    Args:
        output_size: Height and width of the output, or one number for both.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, H, W, C] to float[B, *output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPooling2D(3)(jnp.ones((2, 5, 5, 3))).shape
        (2, 3, 3, 3)
    """

    rank = 2
    op = staticmethod(adaptive_max_pool)


@register("layers.AdaptiveMaxPooling3D")
class AdaptiveMaxPooling3D(_AdaptivePooling):
    """Takes the largest value of each of a given number of windows that cover a volume evenly.

    Args:
        output_size: Depth, height and width of the output, or one number for all.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, D, H, W, C] to float[B, *output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPooling3D(3)(jnp.ones((2, 5, 5, 5, 3))).shape
        (2, 3, 3, 3, 3)
    """

    rank = 3
    op = staticmethod(adaptive_max_pool)


@register("layers.AdaptiveAveragePooling1D")
class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Averages each of a given number of windows that cover a sequence evenly.

    Args:
        output_size: The number of steps of the output.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, T, C] to float[B, output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAveragePooling1D(3)(jnp.ones((2, 5, 3))).shape
        (2, 3, 3)
    """

    rank = 1
    op = staticmethod(adaptive_average_pool)


@register("layers.AdaptiveAveragePooling2D")
class AdaptiveAveragePooling2D(_AdaptivePooling):
    """Averages each of a given number of windows that cover an image evenly.

    Args:
        output_size: Height and width of the output, or one number for both.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, H, W, C] to float[B, *output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAveragePooling2D(3)(jnp.ones((2, 5, 5, 3))).shape
        (2, 3, 3, 3)
    """

    rank = 2
    op = staticmethod(adaptive_average_pool)


@register("layers.AdaptiveAveragePooling3D")
class AdaptiveAveragePooling3D(_AdaptivePooling):
    """Averages each of a given number of windows that cover a volume evenly.

    Args:
        output_size: Depth, height and width of the output, or one number for all.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A size is no positive integer, or the data format is neither.

    Shapes: float[B, D, H, W, C] to float[B, *output_size, C].

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAveragePooling3D(3)(jnp.ones((2, 5, 5, 5, 3))).shape
        (2, 3, 3, 3, 3)
    """

    rank = 3
    op = staticmethod(adaptive_average_pool)
