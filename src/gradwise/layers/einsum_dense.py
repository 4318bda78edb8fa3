"""The fully connected layer over any axes."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise import initializers
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.initializers import Initializer, VarianceScaling
from gradwise.layers.activations import get_activation
from gradwise.ops.einsum import EinsumSizes, einsum_sizes, parse_equation
from gradwise.registry import register


@register("layers.EinsumDense")
class EinsumDense(Layer):
    """Multiplies the inputs by a kernel in Einstein's notation, adds a bias and applies an activation.

    Args:
        equation: What to sum: "ab,bc->ac" is Dense, "abc,cd->abd" Dense on each step, "...x,xy->...y" Dense
            whatever the number of axes. The first axis is the batch.
        output_shape: The sizes of the outputs' letters without the batch and without '...'; None where
            the inputs tell the size.
        activation: A name or function; None for none.
        bias_axes: The letters of the outputs along which the bias varies; None for no bias.
        kernel_initializer: How the kernel starts. One that depends on fans counts all summed axes as inputs
            and all others as outputs.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: The equation has another form, or sizes do not fit it.

    Example:
        >>> EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")(jnp.ones((2, 7, 3))).shape
        (2, 7, 4, 5)
    """

    couples_rows = "never"

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"EinsumDense '{self.name}'"
        parse_equation(equation, where)
        self.equation = equation.replace(" ", "")
        self.partial_output_shape = (
            tuple(output_shape) if isinstance(output_shape, (tuple, list)) else (output_shape,)
        )
        self.activation = get_activation(activation, where)
        self.bias_axes = bias_axes
        self.kernel_settings = (kernel_initializer, kernel_regularizer, kernel_constraint)
        self.bias_settings = (bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Declares the kernel, and the bias if there are axes for it."""
        where = f"EinsumDense '{self.name}'"
        sizes = einsum_sizes(
            self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape, where
        )
        if None in (*sizes.kernel, *(sizes.bias or ())):
            raise InputError(
                where,
                expected="known sizes for every letter of kernel and bias",
                got=f"a kernel of shape {sizes.kernel} for inputs of shape {tuple(input_shape)}",
                fix="Give the size in output_shape, or give the model a full input shape.",
            )
        initializer, regularizer, constraint = self.kernel_settings
        initial = initializers.get(initializer)
        self.kernel = self.add_weight(
            "kernel",
            sizes.kernel,
            initializer=_AsMatrix(initial, sizes) if isinstance(initial, VarianceScaling) else initial,
            regularizer=regularizer,
            constraint=constraint,
        )
        if sizes.bias is not None:
            initializer, regularizer, constraint = self.bias_settings
            self.bias = self.add_weight(
                "bias", sizes.bias, initializer=initializer, regularizer=regularizer, constraint=constraint
            )

    def call(self, inputs: Any) -> Any:
        """Multiplies, adds the bias and applies the activation."""
        cast = self.dtype_policy.cast
        kernel = cast(jnp.asarray(self.kernel.value))
        named = len(parse_equation(self.equation, self.name)[0].replace("0", ""))
        if inputs.ndim < named or ("..." not in self.equation and inputs.ndim != named):
            raise InputError(
                f"EinsumDense '{self.name}'",
                expected=f"inputs with the axes of '{self.equation}'",
                got=tuple(inputs.shape),
                fix="Change the equation, or reshape the inputs.",
            )
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            inputs = inputs.astype(self.dtype_policy.compute)
        outputs = jnp.einsum(self.equation, inputs, kernel)
        if self.bias_axes is not None:
            bias = cast(jnp.asarray(self.bias.value))
            outputs = outputs + bias.reshape((1,) * (outputs.ndim - bias.ndim) + bias.shape)
        return self.activate(self.activation, outputs)


class _AsMatrix(Initializer):
    """Draws a kernel as the matrix from its summed axes to its others, whose fans these are."""

    def __init__(self, inner: Initializer, sizes: EinsumSizes) -> None:
        super().__init__(inner.seed)
        self.inner = inner
        self.sizes = sizes

    def draw(self, shape: tuple[int, ...], dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
        """Draws the matrix and puts its axes in the kernel's order."""
        order = (*self.sizes.summed, *self.sizes.made)
        rows = math.prod(shape[axis] for axis in self.sizes.summed)
        columns = math.prod(shape[axis] for axis in self.sizes.made)
        matrix = self.inner.draw((rows, columns), dtype, rng)
        turned = matrix.reshape([shape[axis] for axis in order])
        return np.transpose(turned, np.argsort(order))
