"""Gated recurrent units."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax.numpy as jnp

from gradwise.core.layer import LayerOptions
from gradwise.layers.recurrent import RNN
from gradwise.layers.recurrent_cells import UnitCell, check_cudnn
from gradwise.ops.gru import gru, gru_step
from gradwise.ops.recurrent import columns
from gradwise.registry import register


@register("layers.GRUCell")
class GRUCell(UnitCell):
    """Makes one step of a gated recurrent unit; see `gradwise.ops.gru` for the formula.

    Args:
        units: The size of the state and of the output.
        activation: A name or function; None for none.
        recurrent_activation: That of the gates.
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
        reset_after: Whether the reset gate comes after the matrix product; there are two biases then.
        seed: A number mixed into the random stream of dropout.
        implementation: 1 draws a dropout mask for each gate, 2 one for all.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1) or a name is unknown.

    Example:
        >>> output, states = GRUCell(4)(jnp.zeros((2, 8)), [jnp.zeros((2, 4))])
        >>> output.shape
        (2, 4)
    """

    parts: ClassVar[int] = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
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
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        """One bias, or with `reset_after` one of the inputs and one of the state."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self) -> Any:
        """Returns the bias that is added to the inputs' product, or None."""
        bias = super().input_bias()
        return bias[0] if bias is not None and self.reset_after else bias

    def _recurrent_bias(self) -> Any:
        return self.value_of(self.bias)[1] if self.use_bias and self.reset_after else None

    def advance(self, projected: Any, states: list[Any], masks: Any) -> tuple[Any, list[Any]]:
        """Makes one step from the inputs' product."""
        state = states[0]
        settings = (self.activation, self.recurrent_activation)
        if masks is None:
            kernel, bias = self.value_of(self.recurrent_kernel), self._recurrent_bias()
            new, _ = gru_step(projected, kernel, bias, state, *settings, self.reset_after)
        else:
            new = self._advance_masked(projected, state, masks)
        return new, [new]

    def _advance_masked(self, projected: Any, state: Any, masks: list[Any]) -> Any:
        """Makes one step in which each part sees the state through a mask of its own."""
        kernels = columns(self.value_of(self.recurrent_kernel), 3)
        bias = self._recurrent_bias()
        biases = columns(bias[None], 3) if bias is not None else [jnp.zeros((), projected.dtype)] * 3
        from_z, from_r, from_candidate = columns(projected, 3)
        z = self.recurrent_activation(from_z + (state * masks[0]) @ kernels[0] + biases[0])
        r = self.recurrent_activation(from_r + (state * masks[1]) @ kernels[1] + biases[1])
        seen = state * masks[2]
        reset = r * (seen @ kernels[2] + biases[2]) if self.reset_after else (r * seen) @ kernels[2]
        return z * state + (1 - z) * self.activation(from_candidate + reset)

    def run(self, inputs: Any, states: list[Any], mask: Any, unroll: bool, every: bool) -> Any:
        """Makes all steps."""
        outputs, last = gru(
            inputs,
            self.value_of(self.kernel),
            self.value_of(self.recurrent_kernel),
            self.input_bias(),
            self._recurrent_bias(),
            states[0],
            mask,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            reset_after=self.reset_after,
            sequences=every,
            unroll=unroll,
        )
        return outputs, last, [last]


@register("layers.GRU")
class GRU(RNN):
    """Runs gated recurrent units over sequences (Cho et al., 2014, arXiv:1406.1078).

    Args:
        units: The size of the state and of the output.
        activation: A name or function; None for none.
        recurrent_activation: That of the gates.
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
        seed: A number mixed into the random stream of dropout.
        return_sequences: Whether to return the output of every step instead of the last one.
        return_state: Whether to return the last states besides.
        go_backwards: Whether to read from the end.
        stateful: Whether a batch starts from the last states of the batch before; see `RNN`.
        unroll: Whether the steps are written out in the program instead of a loop.
        reset_after: Whether the reset gate comes after the matrix product; there are two biases then.
        use_cudnn: 'auto' or False, which are the same here.
        zero_output_for_mask: Whether the outputs of masked steps are 0 with `return_sequences`.
        implementation: 1 draws a dropout mask for each gate, 2 one for all.
        options: The settings every layer takes.

    Raises:
        InputError: `units` is not a positive integer, a rate is outside [0, 1), a name is unknown, or
            inputs are no sequences of vectors.

    Example:
        >>> GRU(4)(jnp.zeros((2, 5, 8))).shape
        (2, 4)
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        *,
        zero_output_for_mask: bool = False,
        implementation: int = 2,
        **options: Unpack[LayerOptions],
    ) -> None:
        check_cudnn(str(options.get("name") or "GRU"), use_cudnn)
        cell = GRUCell(
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
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
            reset_after=reset_after,
            seed=seed,
            implementation=implementation,
            dtype=options.get("dtype"),
            name="gru_cell",
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
