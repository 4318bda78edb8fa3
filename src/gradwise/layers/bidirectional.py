"""Sequences read in both directions."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.shapes import shapes_of
from gradwise.core.variable import current_frame
from gradwise.errors import InputError, StateError
from gradwise.layers.wrappers import check_layer, made_again
from gradwise.registry import register

_MODES = ("sum", "mul", "concat", "ave", None)


@register("layers.Bidirectional")
class Bidirectional(Layer):
    """Reads sequences forwards and backwards by two layers, and joins their outputs at each step.

    Source: Schuster and Paliwal, 1997. With `return_sequences`, outputs of masked steps are 0.

    Args:
        layer: A recurrent layer; a new one with its settings is made for each direction.
        merge_mode: How outputs are joined: 'concat', 'sum', 'mul', 'ave' (the mean), or None for both.
        weights: The weights to start from, those of the forward layer first.
        backward_layer: The layer that reads backwards, with go_backwards=True, instead of one like `layer`.
        options: The settings every layer takes.

    Raises:
        InputError: A setting is wrong, or the two layers do not go together.

    Example:
        >>> from gradwise.layers.lstm import LSTM
        >>> Bidirectional(LSTM(4))(jnp.zeros((2, 5, 3))).shape
        (2, 8)
    """

    couples_rows = "never"

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"Bidirectional '{self.name}'"
        if merge_mode not in _MODES:
            raise InputError(
                where,
                expected="merge_mode to be one of sum, mul, concat, ave and None",
                got=repr(merge_mode),
                fix="Leave merge_mode out to join outputs side by side.",
            )
        check_layer(layer, where, "Bidirectional(LSTM(32))")
        for needed in ("go_backwards", "return_sequences", "return_state"):
            if not hasattr(layer, needed):
                raise InputError(
                    where,
                    expected=f"a recurrent layer, with the attribute {needed}",
                    got=type(layer).__name__,
                    fix="Pass LSTM(32), say; for a recurrence of your own, RNN(cell).",
                )
        self.forward_layer = made_again(layer, name=f"forward_{layer.name.removeprefix('forward_')}")
        if backward_layer is None:
            name = f"backward_{layer.name.removeprefix('backward_')}"
            self.backward_layer = made_again(layer, name=name, go_backwards=not layer.go_backwards)
        else:
            self.backward_layer = check_layer(
                backward_layer, where, "backward_layer=LSTM(32, go_backwards=True)"
            )
        _check_pair(self.forward_layer, self.backward_layer, where)
        for each in (self.forward_layer, self.backward_layer):
            each.zero_output_for_mask = each.return_sequences
            if not self.trainable:
                each.trainable = False
        self.merge_mode = merge_mode
        self.initial_weights = None if weights is None else [np.asarray(weight) for weight in weights]
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = getattr(layer, "stateful", False)

    def get_config(self) -> dict[str, Any]:
        """Returns the settings; the weights it started from are no longer needed."""
        return {name: value for name, value in super().get_config().items() if name != "weights"}

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds the layers for the inputs at hand; stateful ones for batches of just this size."""
        if self.stateful and current_frame() is None:
            self.run_build(shapes_of(args[0]))
        else:
            super().ensure_built(args, kwargs)

    def build(self, input_shape: Any) -> None:
        """Builds both layers."""
        self.forward_layer.run_build(input_shape)
        self.backward_layer.run_build(input_shape)
        if self.initial_weights is not None:
            self._start_from(self.initial_weights)

    def _start_from(self, weights: list[np.ndarray]) -> None:
        variables = [*self.forward_layer.variables, *self.backward_layer.variables]
        wanted, given = [item.shape for item in variables], [weight.shape for weight in weights]
        if wanted != given:
            raise InputError(
                f"Bidirectional '{self.name}', weights",
                expected=f"{len(wanted)} arrays of shapes {wanted}",
                got=f"{len(given)} of shapes {given}",
                fix="Give the weights of the forward layer, then those of the backward layer.",
            )
        for variable, weight in zip(variables, weights, strict=True):
            variable.array = np.array(weight, variable.dtype)

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Reads in both directions.

        Args:
            sequences: float[B, T, ...].
            initial_state: A list: the states of the forward layer, then those of the backward layer.
            mask: bool[B, T]: False where a step is padding.
            training: Whether dropout drops.

        Returns:
            The joined outputs (a tuple of both with merge_mode=None); with `return_state`, a tuple of them
            and the states, forward ones first.
        """
        starts: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            starts = (initial_state[:half], initial_state[half:])
        results = [
            layer(sequences, initial_state=start, mask=mask, training=training)
            for layer, start in zip((self.forward_layer, self.backward_layer), starts, strict=True)
        ]
        results = jax.tree.map(self.dtype_policy.cast, results)
        states = []
        if self.return_state:
            states = [state for result in results for state in result[1:]]
            results = [result[0] for result in results]
        forward, backward = results
        if self.return_sequences:
            backward = jnp.flip(backward, 1)
        if self.merge_mode is None:
            return (forward, backward, *states)
        merged = self._merge(forward, backward)
        return (merged, *states) if self.return_state else merged

    def _merge(self, forward: Any, backward: Any) -> Any:
        if self.merge_mode == "concat":
            return jnp.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "mul":
            return forward * backward
        return (forward + backward) * jnp.asarray(0.5 if self.merge_mode == "ave" else 1.0, forward.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Passes the mask on where every step has an output; states have none."""
        own = self.forward_layer.compute_mask(inputs, mask)
        masks = list(own) if isinstance(own, list) else [own]
        states = [None] * 2 * (len(masks) - 1)
        if self.merge_mode is None:
            return [masks[0], masks[0], *states]
        return [masks[0], *states] if states else masks[0]

    def reset_state(self) -> None:
        """Sets the states that stateful layers keep from batch to batch to 0.

        Raises:
            StateError: The layers are not stateful.
        """
        if not self.stateful:
            raise StateError(
                f"Bidirectional '{self.name}'",
                expected="a stateful layer",
                got="one that keeps no states",
                fix="Wrap a layer with stateful=True.",
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state


def _check_pair(forward: Any, backward: Any, where: str) -> None:
    if forward.go_backwards == backward.go_backwards:
        raise InputError(
            where,
            expected="layers that read in different directions",
            got=f"go_backwards={forward.go_backwards} in both",
            fix="Set go_backwards=True in backward_layer.",
        )
    for name in ("stateful", "return_sequences", "return_state"):
        one, two = getattr(forward, name, None), getattr(backward, name, None)
        if one != two:
            raise InputError(
                where,
                expected=f"the same {name} in both layers",
                got=f"{one} forwards and {two} backwards",
                fix=f"Set {name}={one} in backward_layer.",
            )
