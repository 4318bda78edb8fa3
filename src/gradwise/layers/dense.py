"""The fully connected layer."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.activations import get_activation
from gradwise.layers.checks import check_count
from gradwise.ops.linear import linear_map
from gradwise.ops.sparse import SparseRows, sparse_map
from gradwise.registry import register


@register("layers.Dense")
class Dense(Layer):
    """Computes outputs = activation(inputs · kernel + bias) over the last axis.

    Args:
        units: The size of the output's last axis.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts, Glorot and Bengio (2010) uniform by default.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, or inputs have another last size than at first.

    Shapes: float[B, ..., D] to float[B, ..., units].

    Example:
        >>> Dense(3, activation="relu")(jnp.ones((2, 4))).shape
        (2, 3)
    """

    couples_rows = "never"
    reads_sparse = True
    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
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
        self.units = check_count(f"Dense '{self.name}'", "units", units)
        self.activation = get_activation(activation, f"Dense '{self.name}'")
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint

    def build(self, input_shape: Any) -> None:
        """Declares kernel [D, units] and bias [units]."""
        self.input_size = input_shape[-1] if input_shape else None
        if len(input_shape) < 2 or self.input_size is None:
            raise InputError(
                f"Dense '{self.name}'",
                expected="inputs of shape [batch, ..., features] with a known number of features",
                got=input_shape,
                fix="Flatten the inputs or give the model a full input shape.",
            )
        self.kernel = self.add_weight(
            "kernel",
            (self.input_size, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Any) -> Any:
        """Multiplies, adds the bias and applies the activation."""
        if inputs.shape[-1] != self.input_size:
            raise InputError(
                f"Dense '{self.name}'",
                expected=f"inputs of shape [..., {self.input_size}]",
                got=tuple(inputs.shape),
                fix="Add Flatten before it, or build a new layer for this input size.",
            )
        cast = self.dtype_policy.cast
        kernel = cast(jnp.asarray(self.kernel.value))
        if isinstance(inputs, SparseRows):
            outputs = sparse_map(inputs, kernel)
        else:
            outputs = linear_map(self._as_floats(inputs), kernel)
        if self.use_bias:
            bias = cast(jnp.asarray(self.bias.value))
            outputs = outputs + bias.reshape((1,) * (outputs.ndim - 1) + bias.shape)
        return self.activate(self.activation, outputs)

    def _as_floats(self, inputs: Any) -> Any:
        floats = jnp.issubdtype(inputs.dtype, jnp.floating)
        return inputs if floats else inputs.astype(self.dtype_policy.compute)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps a mask of steps; one of single features ends here, where features are mixed."""
        return mask if mask is not None and mask.ndim < jnp.ndim(inputs) else None
