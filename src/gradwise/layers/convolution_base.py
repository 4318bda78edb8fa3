"""What all convolution layers share: the window's settings, the checks of inputs, bias and activation."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.activations import get_activation
from gradwise.layers.checks import check_choice, check_count, check_data_format, check_rank, per_axis
from gradwise.ops.convolution_masks import convolved_mask


class ConvolutionLayer(Layer):
    """Base of the layers that slide kernels over `rank` spatial axes.

    A subclass sets `rank`, declares its kernels in `build` and, in `call`, passes what `prepare` returns to
    an op and the result to `finish`.

    Args:
        kernel_size: The kernel's sizes, or one number for all axes.
        strides: Steps between positions.
        padding: 'valid' or 'same'; on one axis also 'causal', where the class takes that.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between kernel elements.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        bias_initializer: How the bias starts.
        bias_regularizer: A penalty on the bias.
        bias_constraint: Applied to the bias after each update.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is wrong.

    Example:
        >>> class Blur(ConvolutionLayer):
        ...     rank = 1
        >>> Blur(kernel_size=3, padding="same").kernel_size
        (3,)
    """

    rank: ClassVar[int]
    causal: ClassVar[bool] = True
    couples_rows = "never"

    def __init__(
        self,
        *,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = self.where
        self.kernel_size = per_axis(where, "kernel_size", kernel_size, self.rank)
        self.strides = per_axis(where, "strides", strides, self.rank)
        known = ("valid", "same", "causal") if self.rank == 1 and self.causal else ("valid", "same")
        self.padding = check_choice(where, "padding", padding, known)
        self.data_format = check_data_format(where, data_format)
        self.dilation_rate = per_axis(where, "dilation_rate", dilation_rate, self.rank)
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.bias_initializer = bias_initializer
        self.bias_regularizer = bias_regularizer
        self.bias_constraint = bias_constraint

    @property
    def where(self) -> str:
        """The layer as errors name it."""
        return f"{type(self).__name__} '{self.name}'"

    @property
    def window(self) -> tuple[int, ...]:
        """The kernel's sizes with the gaps of the dilation."""
        pairs = zip(self.kernel_size, self.dilation_rate, strict=True)
        return tuple((size - 1) * gap + 1 for size, gap in pairs)

    def read_channels(self, input_shape: Any) -> int:
        """Returns the number of input channels, which must be known."""
        check_rank(self.where, input_shape, self.rank, self.data_format)
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise InputError(
                self.where,
                expected="a known number of channels",
                got=tuple(input_shape),
                fix=f"Give the full input shape; the data format is {self.data_format!r}.",
            )
        self.channels = check_count(self.where, "channels", channels)
        return self.channels

    def add_bias(self, filters: int) -> None:
        """Declares bias [filters], if there is to be one."""
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                (filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def prepare(self, inputs: Any) -> Any:
        """Checks the shape of the inputs and casts integers, such as the bytes of images."""
        check_rank(self.where, inputs.shape, self.rank, self.data_format)
        if inputs.shape[self._channel_axis] != self.channels:
            raise InputError(
                self.where,
                expected=f"inputs with {self.channels} channels ({self.data_format})",
                got=tuple(inputs.shape),
                fix="Check the data format, or build a new layer for these inputs.",
            )
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            inputs = inputs.astype(self.dtype_policy.compute)
        return inputs

    def finish(self, outputs: Any) -> Any:
        """Adds the bias and applies the activation."""
        if self.use_bias:
            wide = [1] * outputs.ndim
            wide[self._channel_axis] = -1
            outputs = outputs + self.weight(self.bias).reshape(wide)
        return self.activate(self.activation, outputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Passes on a mask of steps, see `convolved_mask`; images and volumes have none."""
        if mask is None or self.rank != 1 or mask.ndim != 2:
            return None
        return convolved_mask(
            mask,
            window=self.kernel_size[0],
            stride=self.strides[0],
            padding=self.padding,
            dilation=self.dilation_rate[0],
        )

    def weight(self, variable: Any) -> Any:
        """Returns a variable's array in the type of computations."""
        return self.dtype_policy.cast(jnp.asarray(variable.value))

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1
