"""Layers that leave their inputs as they are, or nearly so: Identity, Masking, ActivityRegularization."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register
from gradwise.regularizers import L1L2


@register("layers.Identity")
class Identity(Layer):
    """Returns its inputs; holds a place, or gives a tensor a name.

    Args:
        options: The settings every layer takes.

    Example:
        >>> Identity()(jnp.array([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(self, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)

    def call(self, inputs: Any) -> Any:
        """Returns the inputs."""
        return inputs


@register("layers.Masking")
class Masking(Layer):
    """Masks the steps of a sequence whose features all equal one value, and sets them to 0.

    Layers after it leave these steps out. A step that a mask on the inputs leaves out already stays so.

    Args:
        mask_value: The value; NaN masks the steps that hold nothing but NaN.
        options: The settings every layer takes.

    Raises:
        InputError: The inputs have no axis of features.

    Shapes: float[B, T, D] to float[B, T, D], with a mask bool[B, T].

    Example:
        >>> layer = Masking(-1.0)
        >>> x = jnp.array([[[3.0, -1.0], [-1.0, -1.0]]])
        >>> layer(x).tolist(), layer.compute_mask(x).tolist()
        ([[[3.0, -1.0], [0.0, 0.0]]], [[True, False]])
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.mask_value = mask_value

    def call(self, inputs: Any) -> Any:
        """Sets the masked steps to 0."""
        if inputs.ndim < 2:
            raise InputError(
                f"Masking '{self.name}'",
                expected="inputs of shape [batch, time, features]",
                got=tuple(inputs.shape),
                fix="Add an axis of features: x[..., None].",
            )
        return jnp.where(self._kept(inputs)[..., None], inputs, jnp.zeros((), inputs.dtype))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the steps with a feature that differs from the value."""
        kept = self._kept(self.dtype_policy.cast(inputs))
        return kept if mask is None else jnp.logical_and(kept, mask)

    def _kept(self, inputs: Any) -> Any:
        inputs = jnp.asarray(inputs)
        if math.isnan(self.mask_value):
            return jnp.any(~jnp.isnan(inputs), axis=-1)
        return jnp.any(inputs != jnp.asarray(self.mask_value).astype(inputs.dtype), axis=-1)


@register("layers.ActivityRegularization")
class ActivityRegularization(Layer):
    """Returns its inputs and adds a penalty on them to the loss.

    The penalty is l1 · Σ|x| + l2 · Σx², divided by the batch size.

    Args:
        l1: The factor of the absolute values, at least 0.
        l2: The factor of the squares, at least 0.
        options: The settings every layer takes.

    Raises:
        InputError: A factor is negative.

    Example:
        >>> ActivityRegularization(l2=0.01)(jnp.array([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Unpack[LayerOptions]) -> None:
        options["activity_regularizer"] = L1L2(l1, l2)
        super().__init__(**options)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Any) -> Any:
        """Returns the inputs."""
        return inputs
