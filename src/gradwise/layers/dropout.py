"""Dropout: of single values, of whole feature maps, and for networks of selu units."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import LayerOptions
from gradwise.layers.checks import check_data_format, check_rank
from gradwise.layers.noise_base import Noise, SharedNoise
from gradwise.ops.dropout import alpha_dropout, drop, dropout, kept_fraction
from gradwise.registry import register


@register("layers.Dropout")
class Dropout(SharedNoise):
    """Sets a fraction of the inputs to 0 in training, without changing what the next layer gets on average.

    Inverted dropout, the default, divides the values that stay by 1 - rate in training, and prediction passes
    everything on. The original form (Hinton et al., 2012, arXiv:1207.0580; Srivastava et al., 2014) leaves
    them in training and multiplies by 1 - rate at prediction, which is the same as multiplying the next
    layer's weights.

    Args:
        rate: The fraction dropped, from 0 to below 1; kept to the nearest 1/65536.
        noise_shape: The shape of the mask, with 1 where it is shared and None where it is as the inputs.
        seed: A number mixed into the random stream of this layer.
        inverted: Whether to divide in training rather than to multiply at prediction.
        options: The settings every layer takes.

    Raises:
        InputError: `rate` is not in [0, 1), or another setting cannot be used.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> Dropout(0.5)(jnp.ones((1, 2))).tolist()
        [[1.0, 1.0]]
        >>> Dropout(0.5, inverted=False)(jnp.ones((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Any = None,
        seed: int | None = None,
        inverted: bool = True,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.noise_shape = self.checked_noise_shape(noise_shape)
        self.seed = self.checked_seed(seed)
        self.inverted = inverted

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Drops."""
        form = dropout if self.inverted else drop
        return form(inputs, key, self.rate, self.mask_shape(inputs.shape))

    def calm(self, inputs: Any) -> Any:
        """Returns the inputs, in the original form times the fraction kept in training."""
        if self.inverted:
            return inputs
        return inputs * jnp.asarray(kept_fraction(self.rate), inputs.dtype)


@register("layers.AlphaDropout")
class AlphaDropout(SharedNoise):
    """Drops to selu's lower limit and rescales, so that mean 0 and variance 1 stay (Klambauer et al., 2017).

    Use it after selu activations and "lecun_normal" kernels, where plain dropout would change both.

    Args:
        rate: The fraction dropped, from 0 to below 1; kept to the nearest 1/65536.
        noise_shape: The shape of the mask, with 1 where it is shared and None where it is as the inputs.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: `rate` is not in [0, 1), or another setting cannot be used.

    Shapes: float[B, ...] to float[B, ...].

    Example:
        >>> AlphaDropout(0.5)(jnp.ones((1, 2))).tolist()
        [[1.0, 1.0]]
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.noise_shape = self.checked_noise_shape(noise_shape)
        self.seed = self.checked_seed(seed)

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Drops and rescales."""
        return alpha_dropout(inputs, key, self.rate, self.mask_shape(inputs.shape))


class _SpatialDropout(Noise):
    """Base of the dropouts of whole feature maps (Tompson et al., 2014, arXiv:1411.4280)."""

    spatial_rank: int
    rate: float
    data_format = "channels_last"

    def disturb(self, inputs: Any, key: Any) -> Any:
        """Drops whole maps."""
        ones = (1,) * self.spatial_rank
        batch, *rest = inputs.shape
        last = self.data_format == "channels_last"
        return dropout(inputs, key, self.rate, (batch, *ones, rest[-1]) if last else (batch, rest[0], *ones))

    def build(self, input_shape: Any) -> None:
        """Checks that there is a channel axis."""
        check_rank(self.where(), input_shape, self.spatial_rank, self.data_format)


@register("layers.SpatialDropout1D")
class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences, as neighbouring steps are alike (Tompson et al., 2014).

    Args:
        rate: The fraction of channels dropped, from 0 to below 1.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no sequences.

    Shapes: float[B, T, C] to float[B, T, C].

    Example:
        >>> SpatialDropout1D(0.5)(jnp.ones((1, 2, 1))).tolist()
        [[[1.0], [1.0]]]
    """

    spatial_rank = 1

    def __init__(self, rate: float, seed: int | None = None, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.seed = self.checked_seed(seed)


@register("layers.SpatialDropout2D")
class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images, as neighbouring pixels are alike (Tompson et al., 2014).

    Args:
        rate: The fraction of channels dropped, from 0 to below 1.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no images.

    Shapes: float[B, H, W, C] to float[B, H, W, C].

    Example:
        >>> SpatialDropout2D(0.5)(jnp.ones((1, 1, 2, 1))).tolist()
        [[[[1.0], [1.0]]]]
    """

    spatial_rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.data_format = check_data_format(self.where(), data_format)
        self.seed = self.checked_seed(seed)


@register("layers.SpatialDropout3D")
class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes, as neighbouring voxels are alike (Tompson et al., 2014).

    Args:
        rate: The fraction of channels dropped, from 0 to below 1.
        data_format: 'channels_last' or 'channels_first'; None for the library's setting.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no volumes.

    Shapes: float[B, D, H, W, C] to float[B, D, H, W, C].

    Example:
        >>> SpatialDropout3D(0.5)(jnp.ones((1, 1, 1, 2, 1))).tolist()
        [[[[[1.0], [1.0]]]]]
    """

    spatial_rank = 3

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.rate = self.strength = self.checked_rate(rate)
        self.data_format = check_data_format(self.where(), data_format)
        self.seed = self.checked_seed(seed)
