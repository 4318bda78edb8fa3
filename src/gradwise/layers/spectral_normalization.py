"""Spectral normalisation: a layer whose kernel is kept at a largest singular value of 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.variable import Variable
from gradwise.errors import InputError
from gradwise.initializers import TruncatedNormal
from gradwise.layers.checks import check_count
from gradwise.ops.spectral import spectral_normalization
from gradwise.registry import register

# After an update, power iterations start anew from one fixed vector, so more of them are needed than along
# the way, where each call goes on from the last.
_FRESH_ITERATIONS = 30


@register("layers.SpectralNormalization")
class SpectralNormalization(Layer):
    """Divides a layer's kernel by its largest singular value (Miyato et al., 2018, arXiv:1802.05957).

    In training the wrapped layer uses kernel / sigma, with sigma found by power iterations that go on from
    call to call, and gradients flow through sigma. The kernel is divided after each update as well, so
    prediction uses it as it stands, like a frozen layer does.

    Args:
        layer: A layer with a `kernel`, such as Dense or Conv2D, or with `embeddings`.
        power_iterations: How many power iterations each training call adds.
        options: The settings every layer takes.

    Raises:
        InputError: `layer` is no layer or has no kernel, or `power_iterations` is not positive.

    Shapes: as the wrapped layer's.

    Example:
        >>> from gradwise.layers.dense import Dense
        >>> SpectralNormalization(Dense(3))(jnp.ones((2, 4))).shape
        (2, 3)
    """

    couples_rows = "never"  # the wrapped layer speaks for itself
    kernel: Variable

    def __init__(self, layer: Layer, power_iterations: int = 1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise InputError(
                self._where(),
                expected="a layer to wrap",
                got=repr(layer),
                fix="Write SpectralNormalization(Dense(64)).",
            )
        self.layer = layer
        self.power_iterations = check_count(self._where(), "power_iterations", power_iterations)

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer and declares the vector of the power iterations."""
        self.layer.run_build(input_shape)
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if not isinstance(kernel, Variable):
            raise InputError(
                self._where(),
                expected="a layer with a kernel or embeddings",
                got=f"{type(self.layer).__name__} '{self.layer.name}'",
                fix="Wrap Dense, a convolution or Embedding.",
            )
        self.kernel = kernel
        kernel.constraint = _unit_norm_after(kernel.constraint)
        self.vector_u = self.add_weight(
            "vector_u",
            (1, kernel.shape[-1]),
            initializer=TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=kernel.dtype,
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalises the kernel in training, then calls the wrapped layer."""
        if training and self.trainable and self.layer.trainable:
            kernel, vector = spectral_normalization(
                jnp.asarray(self.kernel.value), jnp.asarray(self.vector_u.value), self.power_iterations
            )
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return self.dtype_policy.cast(self.layer(inputs))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Does what the wrapped layer does with a mask."""
        return self.layer.compute_mask(inputs, mask)

    def _where(self) -> str:
        return f"SpectralNormalization '{self.name}'"


def _unit_norm_after(constraint: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def constrain(kernel: Any) -> Any:
        given = kernel if constraint is None else constraint(kernel)
        start = jax.random.normal(jax.random.key(0), (1, given.shape[-1]))
        return spectral_normalization(given, start, _FRESH_ITERATIONS)[0]

    return constrain
