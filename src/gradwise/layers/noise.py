"""Normal noise, added or multiplied."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.noise_base import Noise
from gradwise.ops.dropout import gaussian_dropout, gaussian_noise
from gradwise.registry import register


@register("layers.GaussianDropout")
class GaussianDropout(Noise):
    """Multiplies by normal numbers of mean 1 and variance rate / (1 - rate) in training.

    Inverted dropout of this rate has the same mean and variance (Srivastava et al., 2014, section 10).

    Args:
        rate: The dropout rate it imitates, from 0 to below 1.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: `rate` is not in [0, 1), or `seed` is no integer.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> GaussianDropout(0.5)(np.ones((1, 2), "float32")).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.seed = self.checked_seed(seed)

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Multiplies by noise."""
        return gaussian_dropout(inputs, key, self.rate)


@register("layers.GaussianNoise")
class GaussianNoise(Noise):
    """Adds normal numbers of mean 0 in training, a kind of data augmentation.

    Args:
        stddev: Their standard deviation, at least 0.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: `stddev` is negative or not finite, or `seed` is no integer.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> GaussianNoise(0.1)(np.ones((1, 2), "float32")).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        known = isinstance(stddev, (int, float, np.floating)) and not isinstance(stddev, bool)
        if not known or not 0 <= stddev < float("inf"):
            raise InputError(
                self.where(),
                expected="stddev, a standard deviation of at least 0",
                got=repr(stddev),
                fix="Set stddev=0.1, say.",
            )
        self.stddev = self.strength = float(stddev)
        self.seed = self.checked_seed(seed)

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Adds noise."""
        return gaussian_noise(inputs, key, self.stddev)
