"""Layers that change the shape only."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.symbolic import SymbolicTensor
from gradwise.errors import InputError
from gradwise.layers.checks import check_count, check_data_format
from gradwise.registry import register


@register("layers.Flatten")
class Flatten(Layer):
    """Turns each sample into a vector; a mask of steps becomes one of the numbers of these steps.

    Args:
        data_format: 'channels_first' moves the channels last before flattening; by default the library's
            setting.
        options: The settings every layer takes.

    Raises:
        InputError: The data format is neither.

    Shapes: float[B, ...] to float[B, D].

    Example:
        >>> Flatten()(jnp.zeros((2, 3, 4))).shape
        (2, 12)
    """

    couples_rows = "never"

    def __init__(self, data_format: str | None = None, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.data_format = check_data_format(f"Flatten '{self.name}'", data_format)

    def call(self, inputs: Any) -> Any:
        """Reshapes."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = jnp.moveaxis(inputs, 1, -1)
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Repeats the mask of each step for the features of that step."""
        if mask is None:
            return None
        sizes = jnp.shape(inputs)
        if self.data_format == "channels_first" and len(sizes) > 2:
            sizes = (sizes[0], *sizes[2:], sizes[1])
        return _for_each_feature(mask, sizes)


@register("layers.Reshape")
class Reshape(Layer):
    """Gives each sample another shape.

    A mask stays while the time axis does; where each step is split into several, so is its mask.

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
        whole = all(hasattr(size, "__index__") and (size == -1 or size > 0) for size in sizes)
        if not whole or sizes.count(-1) > 1:
            raise InputError(
                f"Reshape '{self.name}'",
                expected="positive sizes, at most one of them -1",
                got=sizes,
                fix="Write the shape of one sample without the batch axis, as (28, 28, 1).",
            )
        self.target_shape = tuple(int(size) for size in sizes)

    def call(self, inputs: Any) -> Any:
        """Reshapes."""
        return inputs.reshape(inputs.shape[0], *self._sizes(inputs.shape[1:]))

    def output_spec(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Works out the shape of the outputs; without tracing where -1 stands for an unknown size."""
        tensor = args[0]
        if None not in tensor.shape[1:] or -1 not in self.target_shape:
            return super().output_spec(args, kwargs)
        # The numbers that stand in for unknown sizes need not be divisible by the known ones.
        self.run_build(tensor.shape)
        kind = jax.eval_shape(self.dtype_policy.cast, jax.ShapeDtypeStruct((), tensor.dtype)).dtype
        sizes = tuple(None if size == -1 else size for size in self.target_shape)
        return SymbolicTensor((tensor.shape[0], *sizes), kind)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the mask, for each part of a step where steps are split."""
        sizes = self._sizes(jnp.shape(inputs)[1:])
        if mask is None or mask.ndim != 2 or not sizes or sizes[0] % mask.shape[1]:
            return None
        if sizes[0] == mask.shape[1]:
            return mask
        return _for_each_feature(mask, (*mask.shape, sizes[0] // mask.shape[1]))

    def _sizes(self, have: tuple[int, ...]) -> tuple[int, ...]:
        count = math.prod(have)
        known = math.prod(size for size in self.target_shape if size != -1)
        if count % known or (-1 not in self.target_shape and count != known):
            raise InputError(
                f"Reshape '{self.name}'",
                expected=f"samples that fit the shape {self.target_shape}",
                got=f"{count} elements of shape {tuple(have)}",
                fix="Choose a shape with the same number of elements.",
            )
        return tuple(count // known if size == -1 else size for size in self.target_shape)


@register("layers.Permute")
class Permute(Layer):
    """Reorders the axes of each sample; a mask stays while the first axis stays in its place.

    Args:
        dims: For each axis of the output, which axis of the input it is; they count from 1, without the
            batch axis.
        options: The settings every layer takes.

    Raises:
        InputError: `dims` does not name every axis once, or the inputs have another number of axes.

    Example:
        >>> Permute((2, 1))(jnp.zeros((5, 3, 4))).shape
        (5, 4, 3)
    """

    couples_rows = "never"

    def __init__(self, dims: Any, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        axes = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
        if sorted(axes, key=str) != sorted(range(1, len(axes) + 1), key=str):
            raise InputError(
                f"Permute '{self.name}'",
                expected="dims to name each axis of a sample once, counting from 1",
                got=dims,
                fix="Write Permute((2, 1)) to exchange the two axes of a sample.",
            )
        self.dims = axes

    def call(self, inputs: Any) -> Any:
        """Reorders the axes."""
        if inputs.ndim != len(self.dims) + 1:
            raise InputError(
                f"Permute '{self.name}'",
                expected=f"samples with {len(self.dims)} axes, as dims={self.dims} names",
                got=f"{inputs.ndim - 1} of sizes {tuple(inputs.shape[1:])}",
                fix="Name every axis of a sample once, counting from 1 without the batch axis.",
            )
        return jnp.transpose(inputs, (0, *self.dims))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the mask if the time axis stays first."""
        return mask if self.dims[:1] == (1,) else None


@register("layers.RepeatVector")
class RepeatVector(Layer):
    """Makes a sequence of each vector by repeating it.

    Args:
        n: How many times.
        options: The settings every layer takes.

    Raises:
        InputError: `n` is no positive integer, or the inputs are not vectors.

    Shapes: float[B, D] to float[B, n, D].

    Example:
        >>> RepeatVector(3)(jnp.zeros((2, 4))).shape
        (2, 3, 4)
    """

    couples_rows = "never"

    def __init__(self, n: int, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.n = check_count(f"RepeatVector '{self.name}'", "n", n)

    def call(self, inputs: Any) -> Any:
        """Repeats."""
        if inputs.ndim != 2:
            raise InputError(
                f"RepeatVector '{self.name}'",
                expected="vectors, as inputs of shape [batch, features]",
                got=tuple(inputs.shape),
                fix="Add Flatten before it, or return only the last step of a sequence.",
            )
        return jnp.broadcast_to(inputs[:, None], (inputs.shape[0], self.n, inputs.shape[1]))


def _for_each_feature(mask: Any, sizes: tuple[int, ...]) -> Any:
    """Spreads a mask over the axes it lacks and makes one row of it for each sample."""
    if tuple(mask.shape) != tuple(sizes[: mask.ndim]):
        return None
    wide = mask.reshape(mask.shape + (1,) * (len(sizes) - mask.ndim))
    return jnp.broadcast_to(wide, sizes).reshape(sizes[0], math.prod(sizes[1:]))
