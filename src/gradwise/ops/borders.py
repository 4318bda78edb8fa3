"""What is added to or taken from the borders of sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.ops.windows import AXIS_NAMES

__all__ = ["crop", "zero_pad"]

Amounts = Sequence[tuple[int, int]]


def zero_pad(x: jax.Array, amounts: Amounts, *, data_format: str = "channels_last") -> jax.Array:
    """Adds zeros before and after each spatial axis.

    Args:
        x: float[B, ..., C], or float[B, C, ...] for channels_first.
        amounts: (before, after) for each spatial axis, at least 0.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Example:
        >>> zero_pad(jnp.ones((1, 2, 1)), [(1, 2)]).ravel().tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    channels = ((0, 0),)
    every = (*amounts, *channels) if data_format == "channels_last" else (*channels, *amounts)
    return jnp.pad(x, ((0, 0), *every))


def crop(
    x: jax.Array, amounts: Amounts, *, data_format: str = "channels_last", where: str = "crop"
) -> jax.Array:
    """Cuts elements off before and after each spatial axis.

    Args:
        x: float[B, ..., C], or float[B, C, ...] for channels_first.
        amounts: (before, after) for each spatial axis, at least 0.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C], or float[B, C, ...] for channels_first.

    Raises:
        InputError: Nothing would be left.

    Example:
        >>> crop(jnp.arange(4.0).reshape(1, 4, 1), [(1, 2)]).ravel().tolist()
        [1.0]
    """
    first = 1 if data_format == "channels_last" else 2
    slices = [slice(None)] * x.ndim
    for place, (before, after) in enumerate(amounts):
        size = x.shape[first + place]
        if isinstance(size, int) and before + after >= size:
            axis = AXIS_NAMES[len(amounts)][place]
            raise InputError(
                where,
                expected=f"to cut off less than the {axis} {size} of the inputs",
                got=f"{before} before and {after} after",
                fix="Crop less, or give larger inputs.",
            )
        slices[first + place] = slice(before, size - after)
    return x[tuple(slices)]
