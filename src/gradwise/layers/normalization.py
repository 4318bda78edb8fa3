"""Batch normalisation."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
from jax import lax

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


@register("layers.BatchNormalization")
class BatchNormalization(Layer):
    """Normalises each feature over the batch, then scales and shifts it (Ioffe and Szegedy, 2015).

    In training: y = gamma · (x - mean) / sqrt(variance + epsilon) + beta with the batch's own mean and
    variance, whose moving averages are used otherwise.

    Args:
        axis: The feature axis, the last by default.
        momentum: How much of the old moving average each batch keeps.
        epsilon: Added to the variance.
        center: Whether to add beta.
        scale: Whether to multiply by gamma.
        beta_initializer: How beta starts.
        gamma_initializer: How gamma starts.
        moving_mean_initializer: How the moving mean starts.
        moving_variance_initializer: How the moving variance starts.
        beta_regularizer: A penalty on beta.
        gamma_regularizer: A penalty on gamma.
        beta_constraint: Applied to beta after each update.
        gamma_constraint: Applied to gamma after each update.
        unbiased: Whether the moving variance averages m / (m - 1) times the batch's, as algorithm 2 of
            the paper does for prediction; Keras and the default leave this out.
        options: The settings every layer takes.

    Raises:
        InputError: `momentum` is not in [0, 1), or `epsilon` is negative.

    Example:
        >>> BatchNormalization(epsilon=0.0)(jnp.array([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
    """

    couples_rows = "training"
    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        unbiased: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"BatchNormalization '{self.name}'"
        if not 0 <= momentum <= 1:
            raise InputError(
                where, expected="momentum from 0 to 1", got=momentum, fix="Set momentum=0.99, say."
            )
        if epsilon < 0:
            raise InputError(
                where, expected="epsilon of at least 0", got=epsilon, fix="Set epsilon=1e-3, say."
            )
        self.axis = int(axis[0]) if isinstance(axis, (list, tuple)) else int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_settings = (beta_initializer, beta_regularizer, beta_constraint)
        self.gamma_settings = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self.moving_initializers = (moving_mean_initializer, moving_variance_initializer)
        self.unbiased = unbiased

    def build(self, input_shape: Any) -> None:
        """Declares gamma and beta, and the moving mean and variance."""
        size = (input_shape[self.axis],)
        if self.scale:
            initializer, regularizer, constraint = self.gamma_settings
            self.gamma = self.add_weight(
                "gamma", size, initializer=initializer, regularizer=regularizer, constraint=constraint
            )
        if self.center:
            initializer, regularizer, constraint = self.beta_settings
            self.beta = self.add_weight(
                "beta", size, initializer=initializer, regularizer=regularizer, constraint=constraint
            )
        mean, variance = self.moving_initializers
        self.moving_mean = self.add_weight("moving_mean", size, initializer=mean, trainable=False)
        self.moving_variance = self.add_weight("moving_variance", size, initializer=variance, trainable=False)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalises by the batch in training, by the moving averages otherwise or when frozen."""
        axis = self.axis % inputs.ndim
        others = tuple(place for place in range(inputs.ndim) if place != axis)
        wide = tuple(size if place == axis else 1 for place, size in enumerate(inputs.shape))
        moving_mean = jnp.asarray(self.moving_mean.value)
        moving_variance = jnp.asarray(self.moving_variance.value)
        exact = inputs.astype(moving_mean.dtype)  # statistics in the variables' type, also in half precision
        if training and self.trainable:
            mean, variance, count = _moments(exact, others, mask)
            self._update(moving_mean, moving_variance, mean, variance, count)
        else:
            mean, variance = moving_mean, moving_variance
        factor = lax.rsqrt(variance + jnp.asarray(self.epsilon, variance.dtype))
        if self.scale:
            factor = factor * jnp.asarray(self.gamma.value)
        outputs = (exact - mean.reshape(wide)) * factor.reshape(wide)
        if self.center:
            outputs = outputs + jnp.asarray(self.beta.value).reshape(wide)
        return outputs.astype(inputs.dtype)

    def _update(self, old_mean: Any, old_variance: Any, mean: Any, variance: Any, count: Any) -> None:
        keep = jnp.asarray(self.momentum, old_mean.dtype)
        if self.unbiased:
            variance = variance * (count / jnp.maximum(count - 1, 1))
        self.moving_mean.assign(keep * old_mean + (1 - keep) * mean)
        self.moving_variance.assign(keep * old_variance + (1 - keep) * variance)


def _moments(values: Any, axes: tuple[int, ...], mask: Any) -> tuple[Any, Any, Any]:
    """Mean and variance over axes, over the steps the mask keeps if there is one."""
    if mask is None:
        count = jnp.asarray(values.size // max(1, _size_of(values, axes)), values.dtype)
        return jnp.mean(values, axes), jnp.var(values, axes), count
    weights = mask.reshape(mask.shape + (1,) * (values.ndim - mask.ndim)).astype(values.dtype)
    weights = jnp.broadcast_to(weights, values.shape)
    count = jnp.maximum(jnp.sum(weights, axes), 1)
    mean = jnp.sum(values * weights, axes) / count
    wide = tuple(1 if axis in axes else size for axis, size in enumerate(values.shape))
    centred = values - mean.reshape(wide)
    return mean, jnp.sum(centred * centred * weights, axes) / count, count


def _size_of(values: Any, axes: tuple[int, ...]) -> int:
    kept = [size for axis, size in enumerate(values.shape) if axis not in axes]
    return int(kept[0]) if kept else 1
