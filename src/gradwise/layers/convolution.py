"""Convolution layers."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_count
from gradwise.layers.convolution_base import ConvolutionLayer
from gradwise.ops.convolution import convolution
from gradwise.registry import register


class _Convolution(ConvolutionLayer):
    """Convolution over `rank` spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        self.groups = check_count(self.where, "groups", groups)
        self._check_groups("filters", self.filters)
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer
        self.kernel_constraint = kernel_constraint

    def _check_groups(self, what: str, count: int) -> None:
        if count % self.groups:
            raise InputError(
                self.where,
                expected=f"a number of {what} that {self.groups} groups divide",
                got=f"{count} {what}",
                fix=f"Change `groups`, or give {(count // self.groups + 1) * self.groups} {what}.",
            )

    def build(self, input_shape: Any) -> None:
        """Declares kernel [..., C / groups, filters] and bias [filters]."""
        channels = self.read_channels(input_shape)
        self._check_groups("channels", channels)
        self.kernel = self.add_weight(
            "kernel",
            (*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """Convolves, adds the bias and applies the activation."""
        outputs = convolution(
            self.prepare(inputs),
            self.weight(self.kernel),
            rank=self.rank,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=self.groups,
            data_format=self.data_format,
            where=self.where,
        )
        return self.finish(outputs)


@register("layers.Conv1D", aliases=("Convolution1D",))
class Conv1D(_Convolution):
    """Slides a kernel over sequences: cross-correlation, plus bias and activation.

    The output has floor((n + 2p - f) / s) + 1 steps for n input steps, kernel f, padding p and stride s.

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
        groups: Into how many groups the channels are split, each convolved alone.
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
        InputError: A setting is no positive integer, groups do not divide the channels, or the kernel is
            larger than the inputs.

    Shapes: float[B, L, C] to float[B, L', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv1D(4, 3, padding="causal")(jnp.zeros((2, 10, 8))).shape
        (2, 10, 4)
    """

    rank = 1


@register("layers.Conv2D", aliases=("Convolution2D",))
class Conv2D(_Convolution):
    """Slides a kernel over images: cross-correlation, plus bias and activation.

    The output has floor((n + 2p - f) / s) + 1 rows for n input rows, kernel f, padding p and stride s, and
    likewise for columns.

    Args:
        filters: The number of output channels.
        kernel_size: Height and width of the kernel, or one number for both.
        strides: Steps between positions, one number or two.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements, one number or two.
        groups: Into how many groups the channels are split, each convolved alone.
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
        InputError: A setting is no positive integer, groups do not divide the channels, or the kernel is
            larger than the inputs.

    Shapes: float[B, H, W, C] to float[B, H', W', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv2D(4, 3)(jnp.zeros((2, 28, 28, 1))).shape
        (2, 26, 26, 4)
    """

    rank = 2


@register("layers.Conv3D", aliases=("Convolution3D",))
class Conv3D(_Convolution):
    """Slides a kernel over volumes: cross-correlation, plus bias and activation.

    Along each axis the output has floor((n + 2p - f) / s) + 1 places for n of the input, kernel f, padding p
    and stride s.

    Args:
        filters: The number of output channels.
        kernel_size: Depth, height and width of the kernel, or one number for all.
        strides: Steps between positions, one number or three.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements, one number or three.
        groups: Into how many groups the channels are split, each convolved alone.
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
        InputError: A setting is no positive integer, groups do not divide the channels, or the kernel is
            larger than the inputs.

    Shapes: float[B, D, H, W, C] to float[B, D', H', W', filters].

    Example:
        >>> import jax.numpy as jnp
        >>> Conv3D(4, 3, strides=2)(jnp.zeros((2, 9, 9, 9, 1))).shape
        (2, 4, 4, 4, 4)
    """

    rank = 3
