"""Long short-term memory."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import numpy as np

from gradwise import initializers
from gradwise.core.layer import LayerOptions
from gradwise.layers.recurrent import RNN
from gradwise.layers.recurrent_cells import UnitCell, check_cudnn
from gradwise.ops.lstm import lstm, lstm_gates
from gradwise.registry import register


def forget_bias(initializer: Any, units: int) -> Any:
    """Makes an initializer for a bias of four gates that starts the second one, the forget gate's, at 1.

    Args:
        initializer: How the others start.
        units: The size of a gate.

    Returns:
        A function of shape and dtype.

    Example:
        >>> forget_bias("zeros", 1)((4,), "float32").tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    inner = initializers.get(initializer)

    def initial(shape: Any, dtype: Any = None) -> Any:
        # NumPy, as variables are made on the host, also while a model is being traced.
        ones = np.ones((units,), dtype)
        parts = [np.asarray(inner((units,), dtype)), ones, np.asarray(inner((2 * units,), dtype))]
        return np.concatenate(parts)

    return initial


@register("layers.LSTMCell")
class LSTMCell(UnitCell):
    """Makes one step of long short-term memory; see `gradwise.ops.lstm` for the formula.

    Args:
        units: The size of the state and of the output.
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
        kernel_constraint: Applied to the kernel after each update.
        recurrent_constraint: Applied to the recurrent kernel after each update.
        bias_constraint: Applied to the bias after each update.
        dropout: The fraction of the inputs dropped in training, the same at all steps.
        recurrent_dropout: The fraction of the state dropped in training where it meets its kernel.
        seed: A number mixed into the random stream of dropout.
        implementation: 1 draws a dropout mask for each gate, 2 one for all.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1) or a name is unknown.

    Example:
        >>> import jax.numpy as jnp
        >>> states = [jnp.zeros((2, 4)), jnp.zeros((2, 4))]
        >>> output, states = LSTMCell(4)(jnp.zeros((2, 8)), states)
        >>> output.shape, len(states)
        ((2, 4), 2)
    """

    parts: ClassVar[int] = 4

    def __init__(
        self,
        units: int,
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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        implementation: int = 2,
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
            recurrent_activation,
            settings,
            dropout,
            recurrent_dropout,
            seed,
            masks_by_part=implementation == 1,
            **options,
        )
        if use_bias and unit_forget_bias:
            self.settings["bias_initializer"] = forget_bias(bias_initializer, self.units)

    @property
    def state_size(self) -> list[int]:
        """The sizes of h and c."""
        return [self.units, self.units]

    def advance(self, projected: Any, states: list[Any], masks: Any) -> tuple[Any, list[Any]]:
        """Makes one step from the inputs' product."""
        inner = projected + self.recurrent_product(states[0], masks)
        i, f, g, o = lstm_gates(inner, self.activation, self.recurrent_activation)
        carry = f * states[1] + i * g
        state = o * self.activation(carry)
        return state, [state, carry]

    def run(self, inputs: Any, states: list[Any], mask: Any, unroll: bool, every: bool) -> Any:
        """Makes all steps."""
        outputs, state, carry = lstm(
            inputs,
            self.value_of(self.kernel),
            self.value_of(self.recurrent_kernel),
            self.input_bias(),
            states[0],
            states[1],
            mask,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            sequences=every,
            unroll=unroll,
        )
        return outputs, state, [state, carry]


@register("layers.LSTM")
class LSTM(RNN):
    """Runs long short-term memory over sequences (Hochreiter and Schmidhuber, 1997).

    Args:
        units: The size of the state and of the output.
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
        recurrent_dropout: The fraction of the state dropped in training where it meets its kernel.
        seed: A number mixed into the random stream of dropout.
        return_sequences: Whether to return the output of every step instead of the last one.
        return_state: Whether to return the last states besides.
        go_backwards: Whether to read from the end.
        stateful: Whether a batch starts from the last states of the batch before; see `RNN`.
        unroll: Whether the steps are written out in the program instead of a loop.
        use_cudnn: 'auto' or False, which are the same here.
        zero_output_for_mask: Whether the outputs of masked steps are 0 with `return_sequences`.
        implementation: 1 draws a dropout mask for each gate, 2 one for all.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1), a name is unknown, or
            inputs are no sequences of vectors.

    Example:
        >>> import jax.numpy as jnp
        >>> LSTM(4, return_sequences=True)(jnp.zeros((2, 5, 8))).shape
        (2, 5, 4)
    """

    input_axes: ClassVar[int | None] = 3

    def __init__(  # type: ignore[misc]
        self,
        units: int,
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
        use_cudnn: Any = "auto",
        *,
        zero_output_for_mask: bool = False,
        implementation: int = 2,
        **options: Unpack[LayerOptions],
    ) -> None:
        check_cudnn(str(options.get("name") or "LSTM"), use_cudnn)
        cell = LSTMCell(
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            implementation=implementation,
            dtype=options.get("dtype"),
            name="lstm_cell",
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
