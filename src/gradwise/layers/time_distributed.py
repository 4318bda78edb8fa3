"""A layer applied to every step of sequences."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.symbolic import SymbolicTensor
from gradwise.core.variable import current_frame
from gradwise.errors import InputError
from gradwise.layers.wrappers import check_layer
from gradwise.registry import register


@register("layers.TimeDistributed")
class TimeDistributed(Layer):
    """Applies a layer to every step of sequences, with the same weights.

    All steps of all samples are one batch to the layer; only a layer that mixes the rows of its batch, such
    as `BatchNormalization` in training, is called once for each step.

    Args:
        layer: The layer, or a model.
        options: The settings every layer takes.

    Raises:
        InputError: `layer` is no layer, or inputs have no axis of steps.

    Shapes: float[B, T, ...] to float[B, T, ...].

    Example:
        >>> from gradwise.layers.dense import Dense
        >>> TimeDistributed(Dense(3))(jnp.zeros((2, 5, 4))).shape
        (2, 5, 3)
    """

    couples_rows = "never"

    def __init__(self, layer: Any, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.layer = check_layer(layer, f"TimeDistributed '{self.name}'", "TimeDistributed(Dense(10))")
        if not self.trainable:
            self.layer.trainable = False

    def build(self, input_shape: Any) -> None:
        """Builds the layer for one step."""
        shapes = [input_shape] if isinstance(input_shape, tuple) else input_shape
        for shape in shapes:
            if len(shape) < 3:
                raise InputError(
                    f"TimeDistributed '{self.name}'",
                    expected="inputs of shape [batch, steps, ...] with at least three axes",
                    got=shape,
                    fix="Apply the layer itself, or add an axis with x[..., None].",
                )
        if not self.layer.built:
            kind = getattr(self.layer, "input_dtype", None) or self.dtype_policy.compute
            steps = [SymbolicTensor((shape[0], *shape[2:]), kind) for shape in shapes]
            self.layer.output_spec((steps[0] if isinstance(input_shape, tuple) else steps,), {})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Applies the layer."""
        rows, length = jax.tree.leaves(inputs)[0].shape[:2]
        within = mask if mask is not None and mask.ndim > 2 else None
        if self._mixes(training):
            steps = [
                self._apply(
                    jax.tree.map(lambda array, place=place: array[:, place], inputs),
                    None if within is None else within[:, place],
                    training,
                )
                for place in range(length)
            ]
            return jax.tree.map(lambda *outputs: jnp.stack(outputs, axis=1), *steps)
        flat = jax.tree.map(_join, inputs)
        outputs = self._apply(flat, None if within is None else _join(within), training)
        return jax.tree.map(lambda array: array.reshape(rows, length, *array.shape[1:]), outputs)

    def _apply(self, inputs: Any, mask: Any, training: bool) -> Any:
        kwargs: dict[str, Any] = {"training": training} if current_frame() is None else {}
        outputs, _ = self.layer.propagate(inputs, mask=mask, **kwargs)
        return jax.tree.map(self.dtype_policy.cast, outputs)

    def _mixes(self, training: bool) -> bool:
        moments = ("always", "training") if training else ("always",)
        return any(below.couples_rows in moments for _, below in self.layer.walk())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Passes a mask of steps on; one within the steps as far as the layer passes it on."""
        if mask is None or mask.ndim == 2:
            return mask
        flat = self.layer.compute_mask(jax.tree.map(_join, inputs), _join(mask))
        if flat is None:
            return mask.reshape(*mask.shape[:2], -1).any(axis=-1)
        return flat.reshape(*mask.shape[:2], *flat.shape[1:])


def _join(array: Any) -> Any:
    """Makes one axis of batch and steps."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
