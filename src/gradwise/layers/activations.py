"""Activations as layers, with and without parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.ops import activations as ops
from gradwise.registry import register


def get_activation(identifier: Any, where: str) -> Callable[[Any], Any] | None:
    """Turns a setting into an activation function.

    Args:
        identifier: A name, a function, a layer or None.
        where: The layer, for the error.

    Returns:
        The function, or None for none.

    Raises:
        InputError: The name is unknown.

    Example:
        >>> get_activation("relu", "Dense").__name__
        'relu'
    """
    function = ops.get(identifier, where)
    return None if function is ops.linear else function


class _Elementwise(Layer):
    """Base of layers that treat each number alone."""

    couples_rows = "never"
    supports_masking = True


@register("layers.Activation")
class Activation(_Elementwise):
    """Applies an activation function.

    Args:
        activation: A name or function.
        options: The settings every layer takes.

    Raises:
        InputError: The name is unknown.

    Example:
        >>> Activation("relu")(jnp.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, activation: Any, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.activation = get_activation(activation, f"Activation '{self.name}'")

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        return self.activate(self.activation, inputs)


@register("layers.ReLU")
class ReLU(_Elementwise):
    """Computes max(0, x), with an optional slope below, ceiling and threshold.

    Args:
        max_value: The ceiling, or None.
        negative_slope: The slope below the threshold.
        threshold: The value below which the slope applies.
        options: The settings every layer takes.

    Raises:
        InputError: A number is negative.

    Example:
        >>> ReLU(max_value=6.0)(jnp.array([[-1.0, 9.0]])).tolist()
        [[0.0, 6.0]]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"ReLU '{self.name}'"
        self.max_value = None if max_value is None else _not_negative(where, "max_value", max_value)
        self.negative_slope = _not_negative(where, "negative_slope", negative_slope)
        self.threshold = _not_negative(where, "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        return ops.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


@register("layers.LeakyReLU")
class LeakyReLU(_Elementwise):
    """Computes x where x > 0 and negative_slope · x elsewhere (Maas et al., 2013).

    Args:
        negative_slope: The slope below zero.
        options: The settings every layer takes.

    Raises:
        InputError: The slope is negative.

    Example:
        >>> LeakyReLU(0.5)(jnp.array([[-1.0, 2.0]])).tolist()
        [[-0.5, 2.0]]
    """

    def __init__(self, negative_slope: float = 0.3, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.negative_slope = _not_negative(f"LeakyReLU '{self.name}'", "negative_slope", negative_slope)

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)


@register("layers.ThresholdedReLU")
class ThresholdedReLU(_Elementwise):
    """Computes x where x > theta and 0 elsewhere (Konda et al., 2015, arXiv:1402.3337).

    Args:
        theta: The threshold, at least 0.
        options: The settings every layer takes.

    Raises:
        InputError: `theta` is negative.

    Example:
        >>> ThresholdedReLU()(jnp.array([[0.5, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, theta: float = 1.0, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.theta = _not_negative(f"ThresholdedReLU '{self.name}'", "theta", theta)

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        return ops.threshold(inputs, self.theta, 0.0)


@register("layers.ELU")
class ELU(_Elementwise):
    """Computes x where x > 0 and alpha · (exp(x) - 1) elsewhere (Clevert et al., 2016).

    Args:
        alpha: The limit below zero, with its sign changed.
        options: The settings every layer takes.

    Example:
        >>> ELU()(jnp.array([[0.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, alpha: float = 1.0, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        return ops.elu(inputs, alpha=self.alpha)


@register("layers.Softmax")
class Softmax(_Elementwise):
    """Computes exp(x_i) / sum over the axis of exp(x_j).

    Args:
        axis: The axis that adds up to 1, or several of them.
        options: The settings every layer takes.

    Example:
        >>> Softmax()(jnp.zeros((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, axis: Any = -1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.axis = tuple(axis) if isinstance(axis, (tuple, list)) else axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Applies the function; where a mask with the inputs' axes says no, the probability is 0."""
        if mask is not None and mask.ndim == inputs.ndim:
            mask = jnp.asarray(mask).astype(bool)
            least = jnp.finfo(inputs.dtype).min  # type: ignore[no-untyped-call]
            outputs = ops.softmax(jnp.where(mask, inputs, least), axis=self.axis)
            return jnp.where(mask, outputs, jnp.zeros((), outputs.dtype))
        if self.axis in (-1, inputs.ndim - 1):
            return self.activate(ops.softmax, inputs)
        return ops.softmax(inputs, axis=self.axis)


@register("layers.PReLU")
class PReLU(Layer):
    """Computes x where x > 0 and alpha · x elsewhere, with a learned alpha (He et al., 2015).

    Args:
        alpha_initializer: How the slopes start, at 0 by default.
        alpha_regularizer: A penalty on the slopes.
        alpha_constraint: Applied to the slopes after each update.
        shared_axes: Axes along which one slope is shared, such as [1, 2] for images.
        options: The settings every layer takes.

    Example:
        >>> PReLU(alpha_initializer="ones")(jnp.array([[-1.0, 2.0]])).tolist()
        [[-1.0, 2.0]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = alpha_initializer
        self.alpha_regularizer = alpha_regularizer
        self.alpha_constraint = alpha_constraint
        self.shared_axes = (
            () if shared_axes is None else tuple(jnp.atleast_1d(jnp.asarray(shared_axes)).tolist())
        )

    def build(self, input_shape: Any) -> None:
        """Declares a slope for each position that is not shared."""
        sizes = [1 if axis in self.shared_axes else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            "alpha",
            sizes,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def call(self, inputs: Any) -> Any:
        """Applies the function."""
        alpha = self.dtype_policy.cast(jnp.asarray(self.alpha.value))[None]  # [1, ...]
        return jnp.maximum(inputs, 0) + alpha * jnp.minimum(inputs, 0)


def _not_negative(where: str, what: str, value: Any) -> float:
    if value is None or value < 0:
        raise InputError(
            where, expected=f"{what} to be at least 0", got=repr(value), fix=f"Set {what}=0.1, say."
        )
    return float(value)
