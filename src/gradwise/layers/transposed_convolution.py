"""Transposed convolution layers."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.checks import check_count
from gradwise.layers.convolution_base import ConvolutionLayer
from gradwise.ops.convolution_masks import spread_mask
from gradwise.ops.convolution_transposed import check_output_padding, convolution_transpose
from gradwise.registry import register


class _TransposedConvolution(ConvolutionLayer):
    """Transposed convolution over `rank` spatial axes."""

    causal = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
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
        self.output_padding = check_output_padding(output_padding, self.strides, self.where)
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint

    def build(self, input_shape: Any) -> None:
        """Declares kernel [..., filters, C] and bias [filters]."""
        channels = self.read_channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            (*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Convolves, adds the bias and applies the activation."""
        outputs = convolution_transpose(
            self.prepare(inputs),
            self.weight(self.kernel),
            rank=self.rank,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation_rate,
            data_format=self.data_format,
            where=self.where,
        )
        return self.finish(outputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Spreads a mask of steps over those of the output; see `spread_mask`."""
        if mask is None or self.rank != 1 or mask.ndim != 2:
            return None
        (window,), (stride,) = self.window, self.strides
        extra = self.output_padding[0] if self.output_padding else None
        return spread_mask(mask, window=window, stride=stride, padding=self.padding, output_padding=extra)


@register("layers.Conv1DTranspose", aliases=("Convolution1DTranspose",))
class Conv1DTranspose(_TransposedConvolution):
    """Puts a multiple of the kernel at the place of each element of sequences: upsampling that is learned.

    Transposed convolution (Zeiler et al., 2010; Dumoulin and Visin, 2016, arXiv:1603.07285), sometimes
    called deconvolution. The output is (n - 1) s + max(f, s) long for 'valid' padding and n s for 'same';
    with `output_padding` it is (n - 1) s + f + output_padding and (n - 1) s + (f mod 2) + output_padding.

    A mask [B, L] is passed on: with 'same' padding each step stands for `strides` steps of the output;
    with 'valid' a step of the output counts if a step that counts reaches it.

    Args:
        filters: The number of output channels.
        kernel_size: Length of the kernel.
        strides: How far neighbours in the input are apart in the output.
        padding: 'valid' or 'same', see above.
        output_padding: What the output is longer by at its end, less than the stride; None for the default.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or output_padding is not less than the strides.

    Shapes: float[B, L, C] to float[B, L', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv1DTranspose(4, 3, strides=2)(jnp.zeros((2, 5, 8))).shape
        (2, 11, 4)
    """

    rank = 1


@register("layers.Conv2DTranspose", aliases=("Convolution2DTranspose",))
class Conv2DTranspose(_TransposedConvolution):
    """Puts a multiple of the kernel at the place of each element of images: upsampling that is learned.

    Transposed convolution (Zeiler et al., 2010; Dumoulin and Visin, 2016, arXiv:1603.07285), sometimes
    called deconvolution. The output is (n - 1) s + max(f, s) long for 'valid' padding and n s for 'same';
    with `output_padding` it is (n - 1) s + f + output_padding and (n - 1) s + (f mod 2) + output_padding.

    Args:
        filters: The number of output channels.
        kernel_size: Height and width of the kernel, or one number for both.
        strides: How far neighbours in the input are apart in the output.
        padding: 'valid' or 'same', see above.
        output_padding: What the output is longer by at its end, less than the stride; None for the default.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements, one number or two.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or output_padding is not less than the strides.

    Shapes: float[B, H, W, C] to float[B, H', W', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv2DTranspose(1, 4, strides=2, padding="same")(jnp.zeros((2, 14, 14, 8))).shape
        (2, 28, 28, 1)
    """

    rank = 2


@register("layers.Conv3DTranspose", aliases=("Convolution3DTranspose",))
class Conv3DTranspose(_TransposedConvolution):
    """Puts a multiple of the kernel at the place of each element of volumes: upsampling that is learned.

    Transposed convolution (Zeiler et al., 2010; Dumoulin and Visin, 2016, arXiv:1603.07285), sometimes
    called deconvolution. The output is (n - 1) s + max(f, s) long for 'valid' padding and n s for 'same';
    with `output_padding` it is (n - 1) s + f + output_padding and (n - 1) s + (f mod 2) + output_padding.

    Args:
        filters: The number of output channels.
        kernel_size: Depth, height and width of the kernel, or one number for all.
        strides: How far neighbours in the input are apart in the output.
        padding: 'valid' or 'same', see above.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        output_padding: What the output is longer by at its end, less than the stride; None for the default.
        dilation_rate: Steps between kernel elements, one number or three.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is no positive integer, or output_padding is not less than the strides.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv3DTranspose(4, 2, strides=2)(jnp.zeros((2, 3, 3, 3, 1))).shape
        (2, 6, 6, 6, 4)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        # Keras has the data format before the output padding here, and only here.
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            **options,
        )
