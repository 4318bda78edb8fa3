"""The layer that runs a cell over the steps of sequences."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.shapes import shapes_of
from gradwise.core.variable import Frame, Variable, current_frame
from gradwise.errors import InputError
from gradwise.layers.stacked_cells import StackedRNNCells, check_cell, initial_state_of
from gradwise.layers.unfolding import unfold
from gradwise.registry import register


@register("layers.RNN")
class RNN(Layer):
    """Runs a cell over sequences: output_t, states_t = cell(input_t, states_{t-1}).

    A cell is a layer with `call(inputs, states)` that returns (output, new states), and `state_size`, an
    integer or a list of them. It may say its first states with `get_initial_state(batch_size)`; zeros else.

    Args:
        cell: The cell, or a list of cells, each of which gets the outputs of the one before.
        return_sequences: Whether to return the output of every step instead of the last one.
        return_state: Whether to return the last states besides.
        go_backwards: Whether to read from the end; outputs come in the order in which they are computed (a
            mask is passed on in the order of the inputs, as in Keras).
        stateful: Whether a batch starts from the last states of the batch before: row i continues row i. The
            model's input needs a batch size, as in Input(batch_shape=(32, 10, 8)); `fit` then takes the data
            in order, never shuffled. `reset_states` sets the states to 0.
        unroll: Whether the steps are written out in the program instead of a loop: faster for few steps,
            slow to compile for many.
        zero_output_for_mask: Whether the outputs of masked steps are 0 with `return_sequences`; else the
            output before is repeated.
        options: The settings every layer takes.

    Raises:
        InputError: `cell` is no cell, or what is passed has a shape that does not fit.

    Shapes: float[B, T, ...] to float[B, units], or float[B, T, units] with `return_sequences`.

    Example:
        >>> from gradwise.layers.simple_rnn import SimpleRNNCell
        >>> RNN([SimpleRNNCell(4), SimpleRNNCell(3)])(jnp.zeros((2, 5, 8))).shape
        (2, 3)
    """

    input_axes: ClassVar[int | None] = None  # how many axes the inputs have; None for at least three

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell, dtype=options.get("dtype"))
        self.cell = check_cell(cell, f"{type(self).__name__} '{self.name}'")
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states: list[Variable] | None = None
        if not self.trainable:
            self.cell.trainable = False

    @property
    def couples_rows(self) -> str:  # type: ignore[override]
        """Rows stay apart, but those of a stateful layer may not be padded, nor change their places."""
        return "always" if self.stateful else "never"

    # Building --------------------------------------------------------------------------------------

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds the layer for the inputs at hand; a stateful one for batches of just this size."""
        if self.stateful and current_frame() is None:
            self.run_build(shapes_of(args[0] if args else kwargs["sequences"]))
        else:
            super().ensure_built(args or (kwargs["sequences"],), kwargs)

    def build(self, input_shape: Any) -> None:
        """Builds the cell, and declares the states if they are kept from batch to batch."""
        self._check_shape(input_shape)
        step_shape = (input_shape[0], *input_shape[2:])
        self.cell.run_build(step_shape)
        if any(not below.built for _, below in self.cell.walk()):
            self._build_inside(step_shape)
        if self.stateful:
            self._declare_states(input_shape)

    def _build_inside(self, step_shape: Any) -> None:
        """Lets layers in the cell build themselves: in a loop they no longer can."""
        sizes = (1, *(1 if size is None else size for size in step_shape[1:]))

        def once(inputs: Any) -> Any:
            return self.cell(inputs, initial_state_of(self.cell, 1))

        with Frame({}, building=True):
            jax.eval_shape(once, jax.ShapeDtypeStruct(sizes, self.dtype_policy.compute))

    def _declare_states(self, input_shape: Any) -> None:
        batch = input_shape[0]
        if batch is None and self.batch_input_shape is not None:
            batch = self.batch_input_shape[0]
        if batch is None:
            raise InputError(
                f"{type(self).__name__} '{self.name}', stateful=True",
                expected="a known batch size",
                got=input_shape,
                fix="Say it in the input: Input(batch_shape=(32, 10, 8)), or batch_input_shape=(32, 10, 8) "
                "in the first layer.",
            )
        self.states = [
            Variable(
                np.zeros(state.shape, self.dtype_policy.variable), name="state", trainable=False, kept=False
            )
            for state in jax.tree.leaves(self.get_initial_state(batch))
        ]

    def _check_shape(self, shape: Any) -> None:
        wanted = self.input_axes or max(3, len(shape))
        if len(shape) == wanted:
            return
        axes = {3: "features", 4: "length, channels", 5: "height, width, channels"}.get(wanted)
        raise InputError(
            f"{type(self).__name__} '{self.name}'",
            expected=f"sequences of shape [batch, steps, {axes or 'depth, height, width, channels'}]",
            got=tuple(shape),
            fix="Add the missing axis: x[..., None] for one of features, x[None] for that of the batch."
            if len(shape) < wanted
            else "Reshape the inputs.",
        )

    # Calling ---------------------------------------------------------------------------------------

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Makes the steps.

        Args:
            sequences: float[B, T, ...].
            initial_state: The states before the first step, an array or a list; 0 by default.
            mask: bool[B, T]: False where a step is padding, which leaves the states as they are.
            training: Whether dropout drops.

        Returns:
            The last output, or all of them; then, with `return_state`, the last states in a tuple with it.
        """
        self._check_shape(sequences.shape)
        states = self._first_states(sequences, initial_state)
        mask = _mask_of_steps(mask, sequences.shape[:2], f"{type(self).__name__} '{self.name}'")
        if self.go_backwards:
            sequences = jnp.flip(sequences, 1)
            mask = None if mask is None else jnp.flip(mask, 1)
        outputs, last, states = unfold(
            self.cell,
            sequences,
            states,
            mask,
            training=bool(training),
            unroll=self.unroll,
            every=self.return_sequences,
        )
        if self.return_sequences and self.zero_output_for_mask and mask is not None:
            wide = mask.reshape(mask.shape + (1,) * (outputs.ndim - 2))
            outputs = jnp.where(wide, outputs, jnp.zeros_like(outputs))
        for variable, state in zip(self.states or [], jax.tree.leaves(states), strict=False):
            variable.assign(state.astype(variable.dtype))
        result = self.dtype_policy.cast(outputs if self.return_sequences else last)
        return (result, *jax.tree.map(self.dtype_policy.cast, list(states))) if self.return_state else result

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Returns the states from which a batch of this size starts by default."""
        return initial_state_of(self.cell, batch_size)  # type: ignore[no-any-return]

    def _first_states(self, sequences: Any, given: Any) -> Any:
        where = f"{type(self).__name__} '{self.name}'"
        batch, declared = sequences.shape[0], self.batch_size
        if declared is not None and declared != batch:
            raise InputError(
                f"{where}, stateful=True",
                expected=f"batches of {declared} samples, as the model's input says",
                got=f"{batch}",
                fix=f"Pass batch_size={declared} and a number of samples that is a multiple of it.",
            )
        zeros = self.get_initial_state(batch)
        leaves, structure = jax.tree.flatten(zeros)
        if given is None:
            if self.states is None:
                return zeros
            leaves = [jnp.asarray(variable.value) for variable in self.states]
        else:
            wanted = [leaf.shape for leaf in leaves]
            leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(given)]
            if [leaf.shape for leaf in leaves] != wanted:
                raise InputError(
                    f"{where}, initial_state",
                    expected=f"{len(wanted)} arrays of shapes {wanted}",
                    got=[leaf.shape for leaf in leaves],
                    fix="Pass one array for each state, in the order in which return_state=True gives them.",
                )
        return jax.tree.unflatten(structure, [leaf.astype(self.dtype_policy.compute) for leaf in leaves])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Passes the mask on where every step has an output; states have none."""
        own = mask[0] if isinstance(mask, (list, tuple)) else mask
        output = own if self.return_sequences else None
        if not self.return_state:
            return output
        return [output, *[None] * len(jax.tree.leaves(self.get_initial_state(1)))]

    # States ----------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> int | None:
        """The size all batches must have: that of the states which are kept; None if none are."""
        return self.states[0].shape[0] if self.states else None

    def reset_state(self) -> None:
        """Sets the states that a stateful layer keeps from batch to batch to 0."""
        for variable in self.states or []:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    reset_states = reset_state


def _mask_of_steps(mask: Any, sizes: tuple[int, ...], where: str) -> Any:
    if isinstance(mask, (list, tuple)):
        mask = mask[0]
    if mask is None:
        return None
    mask = jnp.asarray(mask).astype(bool)
    if mask.shape == (*sizes, 1):
        mask = mask[..., 0]
    if mask.shape != sizes:
        raise InputError(
            f"{where}, mask",
            expected=f"one value for each step, shape {sizes}",
            got=mask.shape,
            fix="Pass an array [batch, steps] that is False where a step is padding.",
        )
    return mask
