"""Convolution layers."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise import config
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.activations import get_activation
from gradwise.layers.dense import check_count
from gradwise.ops.convolution import conv2d
from gradwise.registry import register


def pair_of(where: str, what: str, value: Any) -> tuple[int, int]:
    """Turns a number or a pair into a pair of positive integers.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.

    Returns:
        The pair (height, width).

    Raises:
        InputError: It is neither.

    Example:
        >>> pair_of("Conv2D", "kernel_size", 3)
        (3, 3)
    """
    items = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(items) != 2 or any(
        isinstance(item, bool) or not hasattr(item, "__index__") or item < 1 for item in items
    ):
        raise InputError(
            where,
            expected=f"{what} to be a positive integer or a pair of them",
            got=repr(value),
            fix=f"Write {what}=3 or {what}=(3, 3).",
        )
    return int(items[0]), int(items[1])


def check_choice(where: str, what: str, value: Any, choices: tuple[str, ...]) -> str:
    """Refuses a string that is not one of the choices; case does not matter.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.
        choices: What is accepted.

    Returns:
        The choice.

    Raises:
        InputError: `value` is none of them.

    Example:
        >>> check_choice("Conv2D", "padding", "SAME", ("valid", "same"))
        'same'
    """
    if not isinstance(value, str) or value.lower() not in choices:
        raise InputError(
            where,
            expected=f"{what} to be one of {', '.join(choices)}",
            got=repr(value),
            fix=f"Set {what}='{choices[0]}'.",
        )
    return value.lower()


def check_images(where: str, shape: Any) -> None:
    """Refuses inputs that are not batches of images.

    Args:
        where: The layer, for the error.
        shape: The shape of the inputs.

    Raises:
        InputError: There are not four axes.

    Example:
        >>> check_images("Conv2D", (None, 28, 28, 1))
    """
    if len(shape) != 4:
        fix = (
            "Images need a channel axis: x[..., None] adds one." if len(shape) == 3 else "Reshape the inputs."
        )
        raise InputError(
            where, expected="images of shape [batch, height, width, channels]", got=tuple(shape), fix=fix
        )


@register("layers.Conv2D", aliases=("Convolution2D",))
class Conv2D(Layer):
    """Slides a kernel over images: cross-correlation, plus bias and activation.

    The output has floor((n + 2p - f) / s) + 1 rows for n input rows, kernel f, padding p and stride s.

    Args:
        filters: The number of output channels.
        kernel_size: Height and width of the kernel, or one number for both.
        strides: Steps between positions.
        padding: 'valid' for none, 'same' for output size ceil(n / s).
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
            larger than the image.

    Shapes: float[B, H, W, C] to float[B, H', W', filters].

    Example:
        >>> Conv2D(4, 3)(jnp.zeros((2, 28, 28, 1))).shape
        (2, 26, 26, 4)
    """

    couples_rows = "never"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
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
        super().__init__(**options)
        where = f"Conv2D '{self.name}'"
        self.filters = check_count(where, "filters", filters)
        self.kernel_size = pair_of(where, "kernel_size", kernel_size)
        self.strides = pair_of(where, "strides", strides)
        self.padding = check_choice(where, "padding", padding, ("valid", "same"))
        self.data_format = check_choice(
            where,
            "data_format",
            data_format or config.image_data_format(),
            ("channels_last", "channels_first"),
        )
        self.dilation_rate = pair_of(where, "dilation_rate", dilation_rate)
        self.groups = check_count(where, "groups", groups)
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.kernel_settings = (kernel_initializer, kernel_regularizer, kernel_constraint)
        self.bias_settings = (bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        """Declares kernel [KH, KW, C / groups, filters] and bias [filters]."""
        where = f"Conv2D '{self.name}'"
        check_images(where, input_shape)
        self.channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        if self.channels is None or self.channels % self.groups or self.filters % self.groups:
            raise InputError(
                where,
                expected=f"known channels and filters that {self.groups} groups divide",
                got=f"{self.channels} channels and {self.filters} filters",
                fix="Change `groups` or `filters`, or give the full input shape.",
            )
        initializer, regularizer, constraint = self.kernel_settings
        self.kernel = self.add_weight(
            "kernel",
            (*self.kernel_size, self.channels // self.groups, self.filters),
            initializer=initializer,
            regularizer=regularizer,
            constraint=constraint,
        )
        if self.use_bias:
            initializer, regularizer, constraint = self.bias_settings
            self.bias = self.add_weight(
                "bias",
                (self.filters,),
                initializer=initializer,
                regularizer=regularizer,
                constraint=constraint,
            )

    def call(self, inputs: Any) -> Any:
        """Convolves, adds the bias and applies the activation."""
        where = f"Conv2D '{self.name}'"
        check_images(where, inputs.shape)
        if inputs.shape[-1 if self.data_format == "channels_last" else 1] != self.channels:
            raise InputError(
                where,
                expected=f"images with {self.channels} channels ({self.data_format})",
                got=tuple(inputs.shape),
                fix="Check the data format, or build a new layer for these images.",
            )
        cast = self.dtype_policy.cast
        outputs = conv2d(
            inputs,
            cast(jnp.asarray(self.kernel.value)),
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=self.groups,
            data_format=self.data_format,
        )
        if self.use_bias:
            wide = (1, 1, 1, -1) if self.data_format == "channels_last" else (1, -1, 1, 1)
            outputs = outputs + cast(jnp.asarray(self.bias.value)).reshape(wide)
        return self.activate(self.activation, outputs)
