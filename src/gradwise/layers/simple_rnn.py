"""The plain recurrent network."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.recurrent import RNN
from gradwise.layers.recurrent_cells import UnitCell
from gradwise.ops.recurrent import simple_rnn
from gradwise.registry import register


@register("layers.SimpleRNNCell")
class SimpleRNNCell(UnitCell):
    """Makes one step h' = activation(x · kernel + h · recurrent_kernel + bias) (Elman, 1990).

    Args:
        units: The size of the state and of the output.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        recurrent_initializer: How the recurrent kernel starts, orthogonal by default.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        recurrent_regularizer: A penalty on the recurrent kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: Applied to the kernel after each update.
        recurrent_constraint: Applied to the recurrent kernel after each update.
        bias_constraint: Applied to the bias after each update.
        dropout: The fraction of the inputs dropped in training, the same at all steps.
        recurrent_dropout: The fraction of the state dropped in training where it meets its kernel.
        seed: A number mixed into the random stream of dropout.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1) or a name is unknown.

    Example:
        >>> import jax.numpy as jnp
        >>> output, states = SimpleRNNCell(4)(jnp.zeros((2, 8)), [jnp.zeros((2, 4))])
        >>> output.shape
        (2, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        settings = {
            "use_bias": use_bias,
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(
            units,
            activation,
            None,
            settings,
            dropout,
            recurrent_dropout,
            seed,
            **options,
        )

    def advance(self, projected: Any, states: list[Any], masks: Any) -> tuple[Any, list[Any]]:
        """Makes one step from the inputs' product."""
        state = self.activation(projected + self.recurrent_product(states[0], masks))
        return state, [state]

    def run(self, inputs: Any, states: list[Any], mask: Any, unroll: bool, every: bool) -> Any:
        """Makes all steps."""
        outputs, last = simple_rnn(
            inputs,
            self.value_of(self.kernel),
            self.value_of(self.recurrent_kernel),
            self.input_bias(),
            states[0],
            mask,
            activation=self.activation,
            sequences=every,
            unroll=unroll,
        )
        return outputs, last, [last]


@register("layers.SimpleRNN")
class SimpleRNN(RNN):
    """Runs the plain recurrence over sequences (Elman, 1990).

    h_t = activation(x_t · kernel + h_{t-1} · recurrent_kernel + bias).

    Args:
        units: The size of the state and of the output.
        activation: A name or function; None for none.
        use_bias: Whether to add a bias.
        kernel_initializer: How the kernel starts.
        recurrent_initializer: How the recurrent kernel starts, orthogonal by default.
        bias_initializer: How the bias starts.
        kernel_regularizer: A penalty on the kernel.
        recurrent_regularizer: A penalty on the recurrent kernel.
        bias_regularizer: A penalty on the bias.
        activity_regularizer: A penalty on the outputs, divided by the batch size.
        kernel_constraint: Applied to the kernel after each update.
        recurrent_constraint: Applied to the recurrent kernel after each update.
        bias_constraint: Applied to the bias after each update.
        dropout: The fraction of the inputs dropped in training, the same at all steps.
        recurrent_dropout: The fraction of the state dropped in training where it meets its kernel.
        return_sequences: Whether to return the output of every step instead of the last one.
        return_state: Whether to return the last states besides.
        go_backwards: Whether to read from the end.
        stateful: Whether a batch starts from the last states of the batch before; see `RNN`.
        unroll: Whether the steps are written out in the program instead of a loop.
        seed: A number mixed into the random stream of dropout.
        zero_output_for_mask: Whether the outputs of masked steps are 0 with `return_sequences`.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1), a name is unknown, or
            inputs are no sequences of vectors.

    Example:
        >>> import jax.numpy as jnp
        >>> SimpleRNN(4)(jnp.zeros((2, 5, 8))).shape
        (2, 4)
    """

    input_axes: ClassVar[int | None] = 3

    def __init__(  # type: ignore[misc]
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        *,
        zero_output_for_mask: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        cell = SimpleRNNCell(
            units=units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=options.get("dtype"),
            name="simple_rnn_cell",
        )
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

    @property
    def units(self) -> int:
        """The size of the state and of the output."""
        return self.cell.units  # type: ignore[no-any-return]
