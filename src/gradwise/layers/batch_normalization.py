"""Batch normalisation."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.normalization_base import NormalizingLayer, value_of
from gradwise.ops.normalization import (
    batch_normalization,
    count_values,
    normalize_by,
    unbiased_variance,
    widen,
)
from gradwise.registry import register


@register("layers.BatchNormalization")
class BatchNormalization(NormalizingLayer):
    """Normalises each feature over the batch, then scales and shifts it (Ioffe and Szegedy, 2015).

    In training: y = gamma · (x - mean) / sqrt(variance + epsilon) + beta with the batch's own mean and
    variance, whose moving averages are used otherwise, and also in training while the layer is frozen. Steps
    that a mask leaves out do not count in mean and variance.

    Args:
        axis: The feature axis, the last by default.
        momentum: How much of the old moving average each batch keeps, from 0 to 1.
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
        synchronized: Whether devices share their statistics. They do either way: a batch spread over devices
            is one batch here.
        unbiased: Whether the moving variance averages m / (m - 1) times the batch's, as algorithm 2 of
            the paper does for prediction; Keras and the default leave this out.
        options: The settings every layer takes.

    Raises:
        InputError: `momentum` is not from 0 to 1, `epsilon` is negative, or the axis is not there or of
            unknown size.

    Shapes: float[B, ..., C] to float[B, ..., C].

    Example:
        >>> BatchNormalization(epsilon=0.0)(jnp.array([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
    """

    couples_rows = "training"

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
        synchronized: bool = False,
        unbiased: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if (
            isinstance(momentum, bool)
            or not isinstance(momentum, (int, float, np.floating))
            or not 0 <= momentum <= 1
        ):
            raise InputError(
                self.where(),
                expected="momentum from 0 to 1",
                got=repr(momentum),
                fix="Set momentum=0.99, say.",
            )
        (self.axis,) = self.checked_axis(axis, several=False)
        self.momentum = float(momentum)
        self.epsilon = self.checked_epsilon(epsilon)
        self.center = center
        self.scale = scale
        self.gamma_settings = (gamma_initializer, gamma_regularizer, gamma_constraint) if scale else None
        self.beta_settings = (beta_initializer, beta_regularizer, beta_constraint) if center else None
        self.moving_initializers = (moving_mean_initializer, moving_variance_initializer)
        self.synchronized = synchronized
        self.unbiased = unbiased

    def build(self, input_shape: Any) -> None:
        """Declares gamma and beta, and the moving mean and variance."""
        sizes = self.sizes((self.axis,), input_shape)
        self.declare(sizes, self.gamma_settings, self.beta_settings)
        mean, variance = self.moving_initializers
        self.moving_mean = self.add_weight("moving_mean", sizes, initializer=mean, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", sizes, initializer=variance, trainable=False
        )

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalises by the batch in training, by the moving averages otherwise or when frozen."""
        inputs = self.floats(inputs)
        (axis,) = self.placed((self.axis,), inputs)
        gamma, beta = value_of(self.gamma), value_of(self.beta)
        if not (training and self.trainable):
            mean, variance = value_of(self.moving_mean), value_of(self.moving_variance)
            return normalize_by(inputs, mean, variance, gamma, beta, axis=axis, epsilon=self.epsilon)
        outputs, mean, variance = batch_normalization(
            inputs, gamma, beta, axis=axis, epsilon=self.epsilon, mask=mask
        )
        if self.unbiased:
            variance = unbiased_variance(variance, count_values(inputs, axis, mask))
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance)
        return outputs

    def _follow(self, moving: Any, value: Any) -> None:
        keep = jnp.asarray(self.momentum, value.dtype)
        average = keep * widen(moving.value).astype(value.dtype) + (1 - keep) * value
        moving.assign(average.astype(moving.dtype))
