"""Layers that add zeros around sequences, images and volumes, or cut their borders off."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_data_format, check_rank
from gradwise.ops.borders import crop, zero_pad
from gradwise.registry import register


class _ZeroPadding(Layer):
    """Base of the padding layers."""

    couples_rows = "never"
    rank: ClassVar[int]

    def __init__(
        self, padding: Any = 1, data_format: str | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.padding = _amounts(where, "padding", padding, self.rank)
        self.data_format = check_data_format(where, data_format)

    def call(self, inputs: Any) -> Any:
        """Pads."""
        check_rank(f"{type(self).__name__} '{self.name}'", inputs.shape, self.rank, self.data_format)
        return zero_pad(inputs, self.padding, data_format=self.data_format)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Lengthens the mask of a sequence; the steps added do not count."""
        return None if mask is None or self.rank != 1 else jnp.pad(jnp.asarray(mask), ((0, 0), *self.padding))


class _Cropping(Layer):
    """Base of the cropping layers."""

    couples_rows = "never"
    rank: ClassVar[int]

    def __init__(
        self, cropping: Any = 1, data_format: str | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.cropping = _amounts(where, "cropping", cropping, self.rank)
        self.data_format = check_data_format(where, data_format)

    def call(self, inputs: Any) -> Any:
        """Crops."""
        where = f"{type(self).__name__} '{self.name}'"
        check_rank(where, inputs.shape, self.rank, self.data_format)
        return crop(inputs, self.cropping, data_format=self.data_format, where=where)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Cuts the mask of a sequence likewise."""
        if mask is None or self.rank != 1:
            return None
        return crop(jnp.asarray(mask)[..., None], self.cropping)[..., 0]


@register("layers.ZeroPadding1D")
class ZeroPadding1D(_ZeroPadding):
    """Adds steps of zeros before and after a sequence; a mask counts them as left out.

    Args:
        padding: How many on both sides, or (before, after).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative.

    Shapes: float[B, T, C] to float[B, T', C].

    Example:
        >>> ZeroPadding1D((2, 0))(jnp.ones((1, 1, 1))).ravel().tolist()
        [0.0, 0.0, 1.0]
    """

    rank = 1


@register("layers.ZeroPadding2D")
class ZeroPadding2D(_ZeroPadding):
    """Adds rows and columns of zeros around an image.

    Args:
        padding: One number for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative.

    Shapes: float[B, H, W, C] to float[B, H', W', C].

    Example:
        >>> ZeroPadding2D(((1, 0), (2, 2)))(jnp.ones((1, 5, 5, 3))).shape
        (1, 6, 9, 3)
    """

    rank = 2


@register("layers.ZeroPadding3D")
class ZeroPadding3D(_ZeroPadding):
    """Adds zeros around a volume.

    Args:
        padding: One number for all sides, one for each axis, or a pair (before, after) for each axis.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', C].

    Example:
        >>> ZeroPadding3D((1, 0, 2))(jnp.ones((1, 5, 5, 5, 3))).shape
        (1, 7, 5, 9, 3)
    """

    rank = 3


@register("layers.Cropping1D")
class Cropping1D(_Cropping):
    """Cuts steps off the beginning and the end of a sequence.

    Args:
        cropping: How many on both sides, or (before, after).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative, or nothing would be left.

    Shapes: float[B, T, C] to float[B, T', C].

    Example:
        >>> Cropping1D((2, 0))(jnp.arange(3.0).reshape(1, 3, 1)).ravel().tolist()
        [2.0]
    """

    rank = 1


@register("layers.Cropping2D")
class Cropping2D(_Cropping):
    """Cuts rows and columns off the sides of an image.

    Args:
        cropping: One number for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative, or nothing would be left.

    Shapes: float[B, H, W, C] to float[B, H', W', C].

    Example:
        >>> Cropping2D(((2, 0), (1, 1)))(jnp.ones((1, 5, 5, 3))).shape
        (1, 3, 3, 3)
    """

    rank = 2

    def __init__(
        self, cropping: Any = 0, data_format: str | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(cropping, data_format, **options)


@register("layers.Cropping3D")
class Cropping3D(_Cropping):
    """Cuts the sides off a volume.

    Args:
        cropping: One number for all sides, one for each axis, or a pair (before, after) for each axis.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative, or nothing would be left.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', C].

    Example:
        >>> Cropping3D((1, 0, 2))(jnp.ones((1, 5, 5, 5, 3))).shape
        (1, 3, 5, 1, 3)
    """

    rank = 3


def _amounts(where: str, what: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Turns a number, numbers for each axis, or pairs into (before, after) for each spatial axis."""
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if rank == 1 and len(items) == 2:
        items = (items,)
    pairs = tuple(tuple(item) if isinstance(item, (tuple, list)) else (item, item) for item in items)
    if len(pairs) != rank or not all(len(pair) == 2 and all(map(_is_count, pair)) for pair in pairs):
        forms = {
            1: "a number of steps or (before, after)",
            2: "a number, (rows, columns) or ((top, bottom), (left, right))",
            3: "a number, three of them or three pairs (before, after)",
        }
        raise InputError(
            where,
            expected=f"{what} to be {forms[rank]}, none of them negative",
            got=repr(value),
            fix=f"Write {what}=1, say.",
        )
    return tuple((int(before), int(after)) for before, after in pairs)


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__") and value >= 0
