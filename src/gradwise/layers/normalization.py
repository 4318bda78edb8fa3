"""Normalisations of each sample by itself: layer, group, root mean square and unit length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.normalization_base import NormalizingLayer, value_of
from gradwise.ops.normalization import (
    group_normalization,
    layer_normalization,
    rms_normalization,
    unit_normalization,
)
from gradwise.registry import register


@register("layers.LayerNormalization")
class LayerNormalization(NormalizingLayer):
    """Normalises each sample over an axis, then scales and shifts it (Ba, Kiros and Hinton, 2016).

    y = gamma · (x - mean) / sqrt(variance + epsilon) + beta, the same in training and prediction.

    Args:
        axis: The axis or axes that mean and variance are taken over, the last by default.
        epsilon: Added to the variance.
        center: Whether to add beta.
        scale: Whether to multiply by gamma.
        beta_initializer: How beta starts.
        gamma_initializer: How gamma starts.
        beta_regularizer: A penalty on beta.
        gamma_regularizer: A penalty on gamma.
        beta_constraint: Applied to beta after each update.
        gamma_constraint: Applied to gamma after each update.
        options: The settings every layer takes.

    Raises:
        InputError: `epsilon` is negative, or an axis is not there or of unknown size.

    Shapes: float[B, ...] to float[B, ...]; gamma and beta have the sizes of the axes, in their order.

    Example:
        >>> import jax.numpy as jnp
        >>> LayerNormalization(epsilon=0.0)(jnp.array([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.axis = self.checked_axis(axis)
        self.epsilon = self.checked_epsilon(epsilon)
        self.center = center
        self.scale = scale
        self.gamma_settings = (gamma_initializer, gamma_regularizer, gamma_constraint) if scale else None
        self.beta_settings = (beta_initializer, beta_regularizer, beta_constraint) if center else None

    def build(self, input_shape: Any) -> None:
        """Declares gamma and beta."""
        self.declare(self.sizes(self.axis, input_shape), self.gamma_settings, self.beta_settings)

    def call(self, inputs: Any) -> Any:
        """Normalises, scales and shifts."""
        inputs = self.floats(inputs)
        axes = self.placed(self.axis, inputs)
        gamma, beta = value_of(self.gamma), value_of(self.beta)
        return layer_normalization(inputs, gamma, beta, axis=axes, epsilon=self.epsilon)


@register("layers.GroupNormalization")
class GroupNormalization(NormalizingLayer):
    """Normalises each sample over groups of channels and all places (Wu and He, 2018, arXiv:1803.08494).

    Mean and variance belong to a sample and a group of neighbouring channels, gamma and beta to a channel.

    Args:
        groups: How many groups the channels form. It divides their number; 1 takes all together, -1 each by
            itself, which is instance normalisation (Ulyanov et al., 2016).
        axis: The channel axis.
        epsilon: Added to the variance.
        center: Whether to add beta.
        scale: Whether to multiply by gamma.
        beta_initializer: How beta starts.
        gamma_initializer: How gamma starts.
        beta_regularizer: A penalty on beta.
        gamma_regularizer: A penalty on gamma.
        beta_constraint: Applied to beta after each update.
        gamma_constraint: Applied to gamma after each update.
        options: The settings every layer takes.

    Raises:
        InputError: `groups` does not divide the channels, or another setting cannot be used.

    Shapes: float[B, ..., C] to float[B, ..., C].

    Example:
        >>> import jax.numpy as jnp
        >>> GroupNormalization(2, epsilon=0.0)(jnp.array([[1.0, 3.0, 0.0, 8.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(groups, bool) or not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise InputError(
                self.where(),
                expected="groups to be a positive integer, or -1 for one group a channel",
                got=repr(groups),
                fix="Set groups=8, say.",
            )
        self.groups = groups
        (self.axis,) = self.checked_axis(axis, several=False)
        self.epsilon = self.checked_epsilon(epsilon)
        self.center = center
        self.scale = scale
        self.gamma_settings = (gamma_initializer, gamma_regularizer, gamma_constraint) if scale else None
        self.beta_settings = (beta_initializer, beta_regularizer, beta_constraint) if center else None

    def build(self, input_shape: Any) -> None:
        """Declares gamma and beta, one number for each channel."""
        (channels,) = self.sizes((self.axis,), input_shape)
        if self.groups > 0 and channels % self.groups:
            divisors = [number for number in range(1, channels + 1) if channels % number == 0]
            raise InputError(
                self.where(),
                expected=f"groups to divide the {channels} channels on axis {self.axis}",
                got=f"groups={self.groups}",
                fix=f"Choose among {', '.join(str(number) for number in divisors)}, or -1 for one a channel.",
            )
        self.declare((channels,), self.gamma_settings, self.beta_settings)

    def call(self, inputs: Any) -> Any:
        """Normalises each group, scales and shifts."""
        inputs = self.floats(inputs)
        (axis,) = self.placed((self.axis,), inputs)
        groups = inputs.shape[axis] if self.groups == -1 else self.groups
        gamma, beta = value_of(self.gamma), value_of(self.beta)
        return group_normalization(inputs, groups, gamma, beta, axis=axis, epsilon=self.epsilon)


@register("layers.RMSNormalization")
class RMSNormalization(NormalizingLayer):
    """Divides each sample by its root mean square and scales it (Zhang and Sennrich, 2019, arXiv:1910.07467).

    y = scale · x / sqrt(mean(x²) + epsilon): layer normalisation without the mean.

    Args:
        axis: The axis or axes that the mean is taken over, the last by default.
        epsilon: Added to the mean square.
        options: The settings every layer takes.

    Raises:
        InputError: `epsilon` is negative, or an axis is not there or of unknown size.

    Shapes: float[B, ...] to float[B, ...]; scale has the sizes of the axes, in their order.

    Example:
        >>> import jax.numpy as jnp
        >>> RMSNormalization(epsilon=0.0)(jnp.array([[3.0, -3.0]])).tolist()
        [[1.0, -1.0]]
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.axis = self.checked_axis(axis)
        self.epsilon = self.checked_epsilon(epsilon)

    def build(self, input_shape: Any) -> None:
        """Declares scale."""
        self.variable_sizes = self.sizes(self.axis, input_shape)
        self.scale = self.add_weight("scale", self.variable_sizes, initializer="ones")

    def call(self, inputs: Any) -> Any:
        """Divides and scales."""
        inputs = self.floats(inputs)
        axes = self.placed(self.axis, inputs)
        return rms_normalization(inputs, value_of(self.scale), axis=axes, epsilon=self.epsilon)


@register("layers.UnitNormalization")
class UnitNormalization(NormalizingLayer):
    """Divides each vector by its length: x / max(|x|, 1e-12).

    Args:
        axis: The axis or axes that make up one vector, the last by default.
        options: The settings every layer takes.

    Raises:
        InputError: An axis is not there.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> import jax.numpy as jnp
        >>> [round(value, 4) for value in UnitNormalization()(jnp.array([[3.0, 4.0]]))[0].tolist()]
        [0.6, 0.8]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.axis = self.checked_axis(axis)

    def call(self, inputs: Any) -> Any:
        """Divides by the lengths."""
        inputs = self.floats(inputs)
        return unit_normalization(inputs, self.places(self.axis, inputs.shape))
