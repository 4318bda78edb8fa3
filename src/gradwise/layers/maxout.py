"""The maxout layer."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise import initializers
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.initializers import Initializer
from gradwise.layers.checks import check_count
from gradwise.ops.maxout import maxout_map
from gradwise.registry import register


@register("layers.Maxout", aliases=("MaxoutDense",))
class Maxout(Layer):
    """Computes the largest of several linear maps, unit by unit: max over p of inputs · kernel_p + bias_p.

    A learned activation function: with enough pieces any convex function (Goodfellow et al., 2013,
    arXiv:1302.4389). With two pieces of which one is kept at 0 it is Dense with relu. To take the maximum of
    groups of another layer's units, use `Activation("maxout")`.

    Args:
        units: The size of the output's last axis.
        pieces: How many maps each unit chooses from.
        use_bias: Whether to add biases.
        kernel_initializer: How each piece's kernel starts; the pieces are drawn one after another.
        bias_initializer: How the biases start.
        kernel_regularizer: A penalty on the kernels.
        bias_regularizer: A penalty on the biases.
        kernel_constraint: Applied to the kernels after each update.
        bias_constraint: Applied to the biases after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A number is not a positive integer, or inputs have another last size than at first.

    Shapes: float[B, ..., D] to float[B, ..., units].

    Example:
        >>> Maxout(3, pieces=4)(jnp.ones((2, 5))).shape
        (2, 3)
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"Maxout '{self.name}'"
        self.units = check_count(where, "units", units)
        self.pieces = check_count(where, "pieces", pieces)
        self.use_bias = use_bias
        self.kernel_settings = (_EachPiece(kernel_initializer), kernel_regularizer, kernel_constraint)
        self.bias_settings = (bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Declares kernel [pieces, D, units] and bias [pieces, units]."""
        self.input_size = input_shape[-1] if input_shape else None
        if len(input_shape) < 2 or self.input_size is None:
            raise InputError(
                f"Maxout '{self.name}'",
                expected="inputs of shape [batch, ..., features] with a known number of features",
                got=input_shape,
                fix="Flatten the inputs or give the model a full input shape.",
            )
        initializer, regularizer, constraint = self.kernel_settings
        self.kernel = self.add_weight(
            "kernel",
            (self.pieces, self.input_size, self.units),
            initializer=initializer,
            regularizer=regularizer,
            constraint=constraint,
        )
        if self.use_bias:
            initializer, regularizer, constraint = self.bias_settings
            self.bias = self.add_weight(
                "bias",
                (self.pieces, self.units),
                initializer=initializer,
                regularizer=regularizer,
                constraint=constraint,
            )

    def call(self, inputs: Any) -> Any:
        """Computes every piece and takes the largest."""
        if inputs.shape[-1] != self.input_size:
            raise InputError(
                f"Maxout '{self.name}'",
                expected=f"inputs of shape [..., {self.input_size}]",
                got=tuple(inputs.shape),
                fix="Add Flatten before it, or build a new layer for this input size.",
            )
        cast = self.dtype_policy.cast
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            inputs = inputs.astype(self.dtype_policy.compute)
        bias = cast(jnp.asarray(self.bias.value)) if self.use_bias else None
        return maxout_map(jnp.asarray(inputs), cast(jnp.asarray(self.kernel.value)), bias)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps a mask of steps; one of single features ends here, where features are mixed."""
        return mask if mask is not None and mask.ndim < jnp.ndim(inputs) else None


class _EachPiece(Initializer):
    """Draws each piece as a matrix of its own, so that its fans are those of one linear map."""

    def __init__(self, initializer: Any) -> None:
        self.inner = initializers.get(initializer)
        super().__init__(self.inner.seed)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Draws the pieces one after another from one source."""
        return np.stack([self.inner.draw(shape[1:], dtype, rng) for _ in range(shape[0])])
