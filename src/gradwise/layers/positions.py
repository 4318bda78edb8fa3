"""Positions for attention, which by itself does not know the order of steps."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_count
from gradwise.ops.attention import wide_type
from gradwise.ops.positions import rotate_pairs, sine_positions
from gradwise.registry import register


@register("layers.SinePositionEncoding")
class SinePositionEncoding(Layer):
    """Returns vectors of sines and cosines that tell the places of steps (Vaswani et al., 2017, section 3.5).

    The vectors have the inputs' shape, to be added: x + SinePositionEncoding()(x). Nothing is trained, and
    sequences may be of any length. Name and meaning are those of KerasHub.

    Args:
        max_wavelength: The largest wavelength, divided by 2π.
        options: The settings every layer takes.

    Call:
        start_index: The place of the first step.

    Raises:
        InputError: `max_wavelength` is not above 0, or the inputs are no sequences of vectors.

    Shapes: float[B, T, D] to float[B, T, D].

    Example:
        >>> SinePositionEncoding()(jnp.zeros((1, 1, 4))).tolist()
        [[[0.0, 1.0, 0.0, 1.0]]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(self, max_wavelength: float = 10000, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.max_wavelength = _check_positive(max_wavelength, "max_wavelength", self)

    def call(self, inputs: Any, start_index: int = 0) -> Any:
        """Computes the vectors."""
        _check_sequences(inputs, self)
        places = _places(inputs, start_index)
        vectors = sine_positions(places, inputs.shape[-1], self.max_wavelength)
        return _like(vectors, inputs)


@register("layers.PositionEmbedding")
class PositionEmbedding(Layer):
    """Returns a trained vector for each place.

    The vectors have the inputs' shape, to be added: x + PositionEmbedding(100)(x). Name and meaning are those
    of KerasHub.

    Args:
        sequence_length: The number of places.
        initializer: How the vectors start.
        options: The settings every layer takes.

    Call:
        start_index: The place of the first step.

    Raises:
        InputError: `sequence_length` is not a positive integer, a sequence is longer, or the inputs are no
            sequences of vectors.

    Shapes: float[B, T, D] to float[B, T, D].

    Example:
        >>> PositionEmbedding(4, initializer="ones")(jnp.zeros((1, 2, 1))).tolist()
        [[[1.0], [1.0]]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self,
        sequence_length: int,
        initializer: Any = "glorot_uniform",
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"PositionEmbedding '{self.name}'"
        self.sequence_length = check_count(where, "sequence_length", sequence_length)
        self.initializer = initializer

    def build(self, input_shape: Any) -> None:
        """Declares the vectors [sequence_length, D]."""
        self.position_embeddings = self.add_weight(
            "embeddings", (self.sequence_length, input_shape[-1]), initializer=self.initializer
        )

    def call(self, inputs: Any, start_index: int = 0) -> Any:
        """Takes the vectors of the places that the inputs have."""
        _check_sequences(inputs, self)
        end = start_index + inputs.shape[-2]
        if start_index < 0 or end > self.sequence_length:
            raise InputError(
                f"PositionEmbedding '{self.name}'",
                expected=f"places 0 to {self.sequence_length - 1}",
                got=f"{start_index} to {end - 1}",
                fix=f"Cut the sequences, or set sequence_length={end}.",
            )
        table = jnp.asarray(self.position_embeddings.value)
        return _like(table[start_index:end], inputs)


@register("layers.RotaryEmbedding")
class RotaryEmbedding(Layer):
    """Rotates pairs of features by angles that grow with the place (Su et al., 2021, arXiv:2104.09864).

    For queries and keys before their product, which then depends on distances only. Features i and i + D/2
    are a pair. Name and meaning are those of KerasHub.

    Args:
        max_wavelength: The largest wavelength, divided by 2π.
        scaling_factor: Places are divided by it.
        sequence_axis: The axis of steps.
        feature_axis: The axis of features.
        options: The settings every layer takes.

    Call:
        start_index: The place of the first step.

    Raises:
        InputError: A setting is not above 0, the inputs have not both axes, or the number of features is odd.

    Shapes: float[B, T, ..., D] to float[B, T, ..., D].

    Example:
        >>> RotaryEmbedding()(jnp.ones((1, 1, 2))).tolist()
        [[[1.0, 1.0]]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self,
        max_wavelength: float = 10000,
        scaling_factor: float = 1.0,
        sequence_axis: int = 1,
        feature_axis: int = -1,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.max_wavelength = _check_positive(max_wavelength, "max_wavelength", self)
        self.scaling_factor = _check_positive(scaling_factor, "scaling_factor", self)
        self.sequence_axis = sequence_axis
        self.feature_axis = feature_axis

    def call(self, inputs: Any, start_index: int = 0) -> Any:
        """Rotates."""
        _check_sequences(inputs, self)
        inputs = jnp.asarray(inputs)
        axes = (self.sequence_axis, self.feature_axis)
        moved = jnp.moveaxis(inputs, axes, (-2, -1))  # [..., T, D]
        if moved.shape[-1] % 2:
            raise InputError(
                f"RotaryEmbedding '{self.name}'",
                expected="an even number of features",
                got=moved.shape[-1],
                fix="Features are rotated in pairs; choose an even size.",
            )
        places = _places(moved, start_index) / self.scaling_factor
        return jnp.moveaxis(rotate_pairs(moved, places, self.max_wavelength), (-2, -1), axes)


def _places(inputs: Any, start: int) -> Any:
    # Not in 16 bits: bfloat16 cannot tell 256 from 257.
    return jnp.arange(start, start + inputs.shape[-2]).astype(wide_type(inputs.dtype))


def _like(vectors: Any, inputs: Any) -> Any:
    vectors = vectors.astype(inputs.dtype).reshape((1,) * (inputs.ndim - 2) + vectors.shape)
    return jnp.broadcast_to(vectors, inputs.shape)


def _check_sequences(inputs: Any, layer: Layer) -> None:
    if inputs.ndim < 3 or not jnp.issubdtype(inputs.dtype, jnp.floating):
        raise InputError(
            f"{type(layer).__name__} '{layer.name}'",
            expected="float inputs of shape [batch, steps, features]",
            got=f"{inputs.dtype}{list(inputs.shape)}",
            fix="Put it after an Embedding or a Dense layer.",
        )


def _check_positive(value: Any, what: str, layer: Layer) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise InputError(
            f"{type(layer).__name__} '{layer.name}'",
            expected=f"{what} above 0",
            got=repr(value),
            fix=f"Leave {what} at its default if in doubt.",
        )
    return float(value)
