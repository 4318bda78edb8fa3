"""Layers that change the shape only."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


@register("layers.Flatten")
class Flatten(Layer):
    """Turns each sample into a vector.

    Args:
        data_format: 'channels_first' moves the channels last before flattening.
        options: The settings every layer takes.

    Shapes: float[B, ...] to float[B, D].

    Example:
        >>> Flatten()(jnp.zeros((2, 3, 4))).shape
        (2, 12)
    """

    couples_rows = "never"

    def __init__(self, data_format: str | None = None, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.data_format = data_format

    def call(self, inputs: Any) -> Any:
        """Reshapes."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = jnp.moveaxis(inputs, 1, -1)
        return inputs.reshape(inputs.shape[0], -1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Repeats the mask of each step for the features of that step."""
        if mask is None:
            return None
        sizes = jnp.shape(inputs)
        wide = mask.reshape(mask.shape + (1,) * (len(sizes) - mask.ndim))
        return jnp.broadcast_to(wide, sizes).reshape(sizes[0], -1)


@register("layers.Reshape")
class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: The new shape of one sample; one size may be -1.
        options: The settings every layer takes.

    Raises:
        InputError: More than one size is -1, or the number of elements does not fit.

    Example:
        >>> Reshape((2, -1))(jnp.zeros((5, 8))).shape
        (5, 2, 4)
    """

    couples_rows = "never"

    def __init__(self, target_shape: Any, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        sizes = tuple(target_shape) if isinstance(target_shape, (tuple, list)) else (target_shape,)
        if sum(size == -1 for size in sizes) > 1 or any(size < -1 or size == 0 for size in sizes):
            raise InputError(
                f"Reshape '{self.name}'",
                expected="positive sizes, at most one of them -1",
                got=sizes,
                fix="Write the shape of one sample without the batch axis, as (28, 28, 1).",
            )
        self.target_shape = sizes

    def call(self, inputs: Any) -> Any:
        """Reshapes."""
        have = int(np.prod(inputs.shape[1:]))
        known = int(np.prod([size for size in self.target_shape if size != -1]))
        if have % known or (-1 not in self.target_shape and have != known):
            raise InputError(
                f"Reshape '{self.name}'",
                expected=f"samples that fit the shape {self.target_shape}",
                got=f"{have} elements of shape {tuple(inputs.shape[1:])}",
                fix="Choose a shape with the same number of elements.",
            )
        return inputs.reshape(inputs.shape[0], *self.target_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the mask while the time axis stays as it is."""
        if mask is None:
            return None
        steps = self.target_shape[0]
        if steps == -1:
            rest = int(np.prod(self.target_shape[1:]))
            steps = int(np.prod(jnp.shape(inputs)[1:])) // rest
        return mask if mask.ndim == 2 and steps == mask.shape[1] else None
