"""Dropout."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


@register("layers.Dropout")
class Dropout(Layer):
    """Sets a fraction of the inputs to 0 in training and scales the rest by 1 / (1 - rate).

    This is inverted dropout (Srivastava et al., 2014, section 10): nothing changes at prediction.

    Args:
        rate: The fraction dropped, from 0 to below 1.
        noise_shape: The shape of the mask, with 1 or None where it is shared or as the inputs.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: `rate` is not in [0, 1).

    Example:
        >>> Dropout(0.5)(jnp.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise InputError(
                f"Dropout '{self.name}'",
                expected="a rate of at least 0 and below 1, the fraction dropped",
                got=repr(rate),
                fix="Write Dropout(0.5) to drop half.",
            )
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drops in training; returns the inputs otherwise."""
        if not training or self.rate == 0:
            return inputs
        key = self.next_key()
        if self.seed is not None:
            key = jax.random.fold_in(key, jnp.uint32(self.seed % 2**32))
        sizes = self.noise_shape or inputs.shape
        shape = tuple(have if want is None else want for want, have in zip(sizes, inputs.shape, strict=True))
        # 16 random bits decide; the scale uses the fraction they really keep, so the mean is exact.
        threshold = round(self.rate * 65536)
        kept = jax.random.bits(key, shape, "uint16") >= jnp.uint16(min(threshold, 65535))
        scale = 65536 / (65536 - min(threshold, 65535))
        return jnp.where(kept, inputs * jnp.asarray(scale, inputs.dtype), jnp.zeros((), inputs.dtype))
