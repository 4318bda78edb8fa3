"""Convolution layers in two steps: each channel by itself, then all channels at each place."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.checks import check_count
from gradwise.layers.convolution_base import ConvolutionLayer
from gradwise.ops.convolution_separable import separable_convolution
from gradwise.registry import register


class _SeparableConvolution(ConvolutionLayer):
    """Depthwise, then pointwise convolution over `rank` spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            **options,
        )
        self.filters = check_count(self.where, "filters", filters)
        self.depth_multiplier = check_count(self.where, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = depthwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_initializer = pointwise_initializer
        self.pointwise_regularizer = pointwise_regularizer
        self.pointwise_constraint = pointwise_constraint

    def build(self, input_shape: Any) -> None:
        """Declares kernels [..., C, M] and [1 ..., C * M, filters], and bias [filters]."""
        channels = self.read_channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self.add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Convolves twice, adds the bias and applies the activation."""
        outputs = separable_convolution(
            self.prepare(inputs),
            self.weight(self.depthwise_kernel),
            self.weight(self.pointwise_kernel),
            rank=self.rank,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            data_format=self.data_format,
            where=self.where,
        )
        return self.finish(outputs)


@register("layers.SeparableConv1D", aliases=("SeparableConvolution1D",))
class SeparableConv1D(_SeparableConvolution):
    """Convolves each channel of sequences by itself, then mixes the channels at each place.

    Depthwise separable convolution (Sifre, 2014; Chollet, 2017, arXiv:1610.02357), no activation between.

    A mask [B, L] holds for the output with 'same' or 'causal' padding and stride 1; otherwise a step of the
    output counts if its window meets a step that counts. Values at masked steps are not set to zero.

    Args:
        filters: The number of output channels.
        kernel_size: Length of the kernel.
        strides: Steps between positions.
        padding: 'valid' for none, 'same' for output length ceil(n / s), 'causal' for zeros before the start
            only, so that no step of the output sees a later one.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements.
        depth_multiplier: How many channels each input channel gives before they are mixed.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the kernel of the first step starts.
        pointwise_initializer: How the kernel of the second step starts.
        bias_initializer: How the bias starts.
        depthwise_regularizer: A penalty on the first kernel.
        pointwise_regularizer: A penalty on the second kernel.
        bias_regularizer: A penalty on the bias.
        depthwise_constraint: Applied to the first kernel after each update.
        pointwise_constraint: Applied to the second kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the kernel is larger than the inputs.

    Shapes: float[B, L, C] to float[B, L', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> SeparableConv1D(4, 3)(jnp.zeros((2, 10, 8))).shape
        (2, 8, 4)
    """

    rank = 1


@register("layers.SeparableConv2D", aliases=("SeparableConvolution2D",))
class SeparableConv2D(_SeparableConvolution):
    """Convolves each channel of images by itself, then mixes the channels at each place.

    Depthwise separable convolution (Sifre, 2014; Chollet, 2017, arXiv:1610.02357), no activation between.

    Args:
        filters: The number of output channels.
        kernel_size: Height and width of the kernel, or one number for both.
        strides: Steps between positions, one number or two.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements, one number or two.
        depth_multiplier: How many channels each input channel gives before they are mixed.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the kernel of the first step starts.
        pointwise_initializer: How the kernel of the second step starts.
        bias_initializer: How the bias starts.
        depthwise_regularizer: A penalty on the first kernel.
        pointwise_regularizer: A penalty on the second kernel.
        bias_regularizer: A penalty on the bias.
        depthwise_constraint: Applied to the first kernel after each update.
        pointwise_constraint: Applied to the second kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the kernel is larger than the inputs.

    Shapes: float[B, H, W, C] to float[B, H', W', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> SeparableConv2D(4, 3, strides=2)(jnp.zeros((2, 9, 9, 8))).shape
        (2, 4, 4, 4)
    """

    rank = 2
