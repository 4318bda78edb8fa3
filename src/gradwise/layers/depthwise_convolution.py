"""Convolution layers that see each channel by itself."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.checks import check_count
from gradwise.layers.convolution_base import ConvolutionLayer
from gradwise.ops.convolution_separable import depthwise_convolution
from gradwise.registry import register


class _DepthwiseConvolution(ConvolutionLayer):
    """Convolution of each channel by itself over `rank` spatial axes."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        depthwise_constraint: Any = None,
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
        self.depth_multiplier = check_count(self.where, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = depthwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.depthwise_constraint = depthwise_constraint

    def build(self, input_shape: Any) -> None:
        """Declares kernel [..., C, depth_multiplier] and bias [C * depth_multiplier]."""
        channels = self.read_channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        """Convolves, adds the bias and applies the activation."""
        outputs = depthwise_convolution(
            self.prepare(inputs),
            self.weight(self.kernel),
            rank=self.rank,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            data_format=self.data_format,
            where=self.where,
        )
        return self.finish(outputs)


@register("layers.DepthwiseConv1D")
class DepthwiseConv1D(_DepthwiseConvolution):
    """Convolves each channel of sequences by itself with kernels of its own.

    A mask [B, L] holds for the output with 'same' or 'causal' padding and stride 1; otherwise a step of the
    output counts if its window meets a step that counts. Values at masked steps are not set to zero.

    Args:
        kernel_size: Length of the kernel.
        strides: Steps between positions.
        padding: 'valid' for none, 'same' for output length ceil(n / s), 'causal' for zeros before the start
            only, so that no step of the output sees a later one.
        depth_multiplier: How many output channels each input channel gives.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the kernel starts.
        bias_initializer: How the bias starts.
        depthwise_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        depthwise_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the kernel is larger than the inputs.

    Shapes: float[B, L, C] to float[B, L', C * depth_multiplier].

    Example:
        >>> import jax.numpy as jnp
        >>> DepthwiseConv1D(3, depth_multiplier=2)(jnp.zeros((2, 10, 8))).shape
        (2, 8, 16)
    """

    rank = 1


@register("layers.DepthwiseConv2D")
class DepthwiseConv2D(_DepthwiseConvolution):
    """Convolves each channel of images by itself with kernels of its own.

    Args:
        kernel_size: Height and width of the kernel, or one number for both.
        strides: Steps between positions, one number or two.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        depth_multiplier: How many output channels each input channel gives.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements, one number or two.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer: How the kernel starts.
        bias_initializer: How the bias starts.
        depthwise_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        depthwise_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or the kernel is larger than the inputs.

    Shapes: float[B, H, W, C] to float[B, H', W', C * depth_multiplier].

    Example:
        >>> import jax.numpy as jnp
        >>> DepthwiseConv2D(3, padding="same")(jnp.zeros((2, 28, 28, 8))).shape
        (2, 28, 28, 8)
    """

    rank = 2
