"""What the cells of recurrent layers have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.activations import get_activation
from gradwise.layers.checks import check_count
from gradwise.ops import activations
from gradwise.ops.dropout import dropout
from gradwise.ops.linear import linear_map
from gradwise.ops.recurrent import columns, has_slope, recur


def check_rate(where: str, what: str, value: Any) -> float:
    """Refuses a dropout rate outside [0, 1).

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.

    Returns:
        The rate.

    Raises:
        InputError: `value` is no number from 0 to below 1.

    Example:
        >>> check_rate("LSTM", "dropout", 0.5)
        0.5
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise InputError(
            where,
            expected=f"{what} to be at least 0 and below 1, the fraction dropped",
            got=repr(value),
            fix=f"Write {what}=0.5 to drop half.",
        )
    return float(value)


def check_cudnn(where: str, value: Any) -> Any:
    """Refuses a demand for kernels that are not there.

    Args:
        where: The layer, for the error.
        value: 'auto', True or False.

    Returns:
        The setting.

    Raises:
        InputError: `value` is True or something else.

    Example:
        >>> check_cudnn("LSTM", "auto")
        'auto'
    """
    if value != "auto" and value is not False:
        raise InputError(
            where,
            expected="use_cudnn to be 'auto' or False, as recurrences are compiled by the engine itself",
            got=repr(value),
            fix="Leave use_cudnn out.",
        )
    return value


class UnitCell(Layer):
    """A cell whose states are vectors: one step of `SimpleRNN`, `LSTM` or `GRU`.

    The kernels of its parts (gates and candidates) lie side by side. A dropout mask is drawn once for a
    sequence and holds at all its steps (Gal and Ghahramani, 2016, arXiv:1512.05287).

    Args:
        units: The size of a state.
        activation: A name or function; None for none.
        recurrent_activation: That of the gates.
        settings: Initializers, regularizers, constraints and whether there is a bias, by name.
        dropout: The fraction of the inputs dropped in training.
        recurrent_dropout: The fraction of the state dropped in training where it meets its kernel.
        seed: A number mixed into the random stream of the masks.
        masks_by_part: Whether each part gets a dropout mask of its own.
        options: The settings every layer takes.
    """

    couples_rows = "never"
    parts: ClassVar[int] = 1

    def __init__(  # noqa: PLR0913 - what three cells share
        self,
        units: int,
        activation: Any,
        recurrent_activation: Any,
        settings: dict[str, Any],
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        *,
        masks_by_part: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        self.units = check_count(where, "units", units)
        self.activation = get_activation(activation, where) or activations.linear
        self.recurrent_activation = get_activation(recurrent_activation, where) or activations.linear
        self.settings = settings
        self.use_bias = bool(settings["use_bias"])
        self.dropout = check_rate(where, "dropout", dropout)
        self.recurrent_dropout = check_rate(where, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.masks_by_part = masks_by_part

    @property
    def state_size(self) -> Any:
        """The size of the state, or a list of sizes."""
        return self.units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Returns states of zeros, [batch_size, units] each."""
        count = len(self.state_size) if isinstance(self.state_size, list) else 1
        return [jnp.zeros((batch_size or 1, self.units), self.dtype_policy.compute)] * count

    def build(self, input_shape: Any) -> None:
        """Declares kernel [D, parts · units], recurrent_kernel [units, parts · units] and bias."""
        size = input_shape[-1] if input_shape else None
        if size is None:
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected="inputs with a known number of features",
                got=input_shape,
                fix="Give the model an input shape whose last size is known, as Input((None, 8)).",
            )
        self.kernel = self._add("kernel", (size, self.parts * self.units))
        self.recurrent_kernel = self._add("recurrent", (self.units, self.parts * self.units))
        if self.use_bias:
            self.bias = self._add("bias", self.bias_shape())

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.parts * self.units,)

    def _add(self, what: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            "recurrent_kernel" if what == "recurrent" else what,
            shape,
            initializer=self.settings[f"{what}_initializer"],
            regularizer=self.settings[f"{what}_regularizer"],
            constraint=self.settings[f"{what}_constraint"],
        )

    def value_of(self, variable: Any) -> Any:
        """Returns a variable's array in the type the layer computes in."""
        return self.dtype_policy.cast(jnp.asarray(variable.value))

    def input_bias(self) -> Any:
        """Returns the bias that is added to the inputs' product, or None."""
        return self.value_of(self.bias) if self.use_bias else None

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Makes one step: (inputs [B, D], states) -> (output [B, units], new states)."""
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        projected = self.project(inputs, self.input_masks(inputs, training))
        output, new = self.advance(projected, given, self.recurrent_masks(given[0], training))
        return output, new if isinstance(states, (list, tuple)) else new[0]

    def input_masks(self, inputs: Any, training: bool) -> list[Any] | None:
        """Draws factors [B, D] for the inputs: one, or one for each part; None without dropout."""
        first = inputs[:, 0] if inputs.ndim == 3 else inputs
        return self._masks(self.dropout if training else 0.0, first)

    def recurrent_masks(self, state: Any, training: bool) -> list[Any] | None:
        """Draws factors [B, units] for the state."""
        return self._masks(self.recurrent_dropout if training else 0.0, state)

    def _masks(self, rate: float, like: Any) -> list[Any] | None:
        if rate == 0:
            return None
        key = self.next_key()
        if self.seed is not None:
            key = jax.random.fold_in(key, jnp.uint32(self.seed % 2**32))
        count = self.parts if self.masks_by_part or self.recurrent_dropout > 0 else 1
        ones = jnp.ones(like.shape, self.dtype_policy.compute)
        return [dropout(ones, jax.random.fold_in(key, jnp.uint32(part)), rate) for part in range(count)]

    def project(self, inputs: Any, masks: list[Any] | None) -> Any:
        """Multiplies inputs [B, D] or [B, T, D] by the kernel and adds the bias."""
        outputs = _masked_product(self._as_floats(inputs), self.value_of(self.kernel), masks)
        if not self.use_bias:
            return outputs
        bias = self.input_bias()
        return outputs + bias.reshape((1,) * (outputs.ndim - 1) + bias.shape)

    def _as_floats(self, inputs: Any) -> Any:
        floating = jnp.issubdtype(inputs.dtype, jnp.floating)
        return inputs if floating else inputs.astype(self.dtype_policy.compute)

    def recurrent_product(self, state: Any, masks: list[Any] | None) -> Any:
        """Multiplies the state [B, units] by the recurrent kernel."""
        return _masked_product(state, self.value_of(self.recurrent_kernel), masks)

    def advance(self, projected: Any, states: list[Any], masks: list[Any] | None) -> tuple[Any, list[Any]]:
        """Makes one step from the inputs' product; subclasses say how."""
        raise NotImplementedError

    def run(self, inputs: Any, states: list[Any], mask: Any, unroll: bool, every: bool) -> Any:
        """Makes all steps by the op with the gradient written out; returns outputs, last one, states."""
        raise NotImplementedError

    def unfold(
        self, sequences: Any, states: Any, mask: Any, *, training: bool, unroll: bool, every: bool
    ) -> tuple[Any, Any, Any]:
        """Makes a step for each of the sequences [B, T, D].

        Args:
            sequences: The inputs.
            states: The states before the first step.
            mask: bool[B, T], or None.
            training: Whether dropout drops.
            unroll: Whether the steps are written out in the program.
            every: Whether the outputs of all steps are wanted.

        Returns:
            Outputs [B, T, units] (maybe None unless `every`), the last output and the last states.
        """
        sequences = self._as_floats(sequences)
        given = self.input_masks(sequences, training)
        masks = self.recurrent_masks(states[0], training)
        one = given is None or len(given) == 1
        if one and masks is None and has_slope(self.activation, self.recurrent_activation):
            dropped = sequences if given is None else sequences * given[0][:, None]
            return self.run(dropped, list(states), mask, unroll, every)  # type: ignore[no-any-return]
        projected = self.project(sequences, given)

        def step(states: Any, projected: Any) -> Any:
            return (*self.advance(projected, states, masks), None)

        outputs, states, _ = recur(step, list(states), projected, mask, unroll=unroll)
        return outputs, outputs[:, -1], states


def _masked_product(inputs: Any, kernel: Any, masks: list[Any] | None) -> Any:
    if masks is None:
        return linear_map(inputs, kernel)
    wide = [mask[:, None] if inputs.ndim == 3 else mask for mask in masks]
    parts = zip(wide, columns(kernel, len(wide)), strict=True)
    return jnp.concatenate([linear_map(inputs * mask, part) for mask, part in parts], axis=-1)
