"""Convolutional long short-term memory."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.conv_lstm_cell import ConvLSTMCell
from gradwise.layers.recurrent import RNN
from gradwise.registry import register


class ConvLSTM(RNN):
    """Runs an LSTM whose states are images over sequences of images (Shi et al., 2015, arXiv:1506.04214).

    (i, f, g, o) = conv(x_t, kernel) + conv(h_{t-1}, recurrent_kernel) + bias, then as in `LSTM`. The second
    convolution keeps the size ('same', stride 1). There are no peepholes, as in Keras.

    Args:
        filters: The channels of the state and of the output.
        kernel_size: The kernels' sizes, or one number for all axes.
        strides: Steps between positions of the inputs' kernel.
        padding: 'valid' or 'same', for the inputs.
        data_format: 'channels_last' or 'channels_first'; by default the library's setting.
        dilation_rate: Steps between elements of the inputs' kernel.
        activation: A name or function; None for none.
        recurrent_activation: That of the gates.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        recurrent_initializer: How the recurrent kernel starts, orthogonal by default.
        bias_initializer: How the bias starts.
        unit_forget_bias: Whether the bias of the forget gate starts at 1 (Jozefowicz et al., 2015).
        kernel_regularizer: A penalty on the kernel.
        recurrent_regularizer: A penalty on the recurrent kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the outputs, divided by the batch size.
        kernel_constraint: Applied to the kernel after each update.
        recurrent_constraint: Applied to the recurrent kernel after each update.
        bias_constraint: Applied to the bias after each update.
        dropout: The fraction of the inputs dropped in training, the same at all steps.
        recurrent_dropout: The fraction of the state dropped in training.
        seed: A number mixed into the random stream of dropout.
        return_sequences: Whether to return the output of every step instead of the last one.
        return_state: Whether to return the last states besides.
        go_backwards: Whether to read from the end.
        stateful: Whether a batch starts from the last states of the batch before; see `RNN`.
        unroll: Whether the steps are written out in the program instead of a loop.
        zero_output_for_mask: Whether the outputs of masked steps are 0 with `return_sequences`.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is wrong, or inputs are no sequences of images.
    """

    rank: ClassVar[int]

    def __init__(  # type: ignore[misc]
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        *,
        zero_output_for_mask: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        settings = {
            "filters": filters,
            "kernel_size": kernel_size,
            "strides": strides,
            "padding": padding,
            "data_format": data_format,
            "dilation_rate": dilation_rate,
            "activation": activation,
            "recurrent_activation": recurrent_activation,
            "use_bias": use_bias,
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "unit_forget_bias": unit_forget_bias,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
            "seed": seed,
        }
        cell = ConvLSTMCell(self.rank, settings, dtype=options.get("dtype"), name="conv_lstm_cell")
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            **options,
        )


@register("layers.ConvLSTM1D")
class ConvLSTM1D(ConvLSTM):
    """Runs a convolutional LSTM over sequences of sequences; see `ConvLSTM` for the settings.

    Example:
        >>> import jax.numpy as jnp
        >>> ConvLSTM1D(4, 3)(jnp.zeros((2, 5, 8, 3))).shape
        (2, 6, 4)
    """

    rank = 1
    input_axes = 4


@register("layers.ConvLSTM2D")
class ConvLSTM2D(ConvLSTM):
    """Runs a convolutional LSTM over sequences of images; see `ConvLSTM` for the settings.

    Example:
        >>> import jax.numpy as jnp
        >>> ConvLSTM2D(4, 3, padding="same")(jnp.zeros((2, 5, 8, 8, 3))).shape
        (2, 8, 8, 4)
    """

    rank = 2
    input_axes = 5


@register("layers.ConvLSTM3D")
class ConvLSTM3D(ConvLSTM):
    """Runs a convolutional LSTM over sequences of volumes; see `ConvLSTM` for the settings.

    Example:
        >>> import jax.numpy as jnp
        >>> ConvLSTM3D(2, 2)(jnp.zeros((1, 2, 4, 4, 4, 1))).shape
        (1, 3, 3, 3, 2)
    """

    rank = 3
    input_axes = 6
