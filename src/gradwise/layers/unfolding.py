"""How a cell is run over sequences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gradwise import config
from gradwise.core.variable import Frame, Variable, current_frame
from gradwise.errors import StateError
from gradwise.layers.stacked_cells import StackedRNNCells
from gradwise.ops.recurrent import recur


def unfold(
    cell: Any, sequences: Any, states: Any, mask: Any, *, training: bool, unroll: bool, every: bool
) -> tuple[Any, Any, Any]:
    """Runs a cell over sequences: by the cell's own `unfold` if it has one, else step by step.

    Args:
        cell: The cell.
        sequences: float[B, T, ...].
        states: The states before the first step.
        mask: bool[B, T], or None.
        training: Whether layers behave as in training.
        unroll: Whether the steps are written out in the program.
        every: Whether the outputs of all steps are wanted.

    Returns:
        The outputs (maybe None unless `every`), the last output and the last states.
    """
    if isinstance(cell, StackedRNNCells):
        return _unfold_stack(cell, sequences, states, mask, training=training, unroll=unroll, every=every)
    # The cell may compute in a type of its own.
    cast = cell.dtype_policy.cast
    sequences, states = cast(sequences), jax.tree.map(cast, states)
    if hasattr(cell, "unfold"):
        return cell.unfold(  # type: ignore[no-any-return]
            sequences, states, mask, training=training, unroll=unroll, every=every
        )
    return _unfold_any(cell, sequences, states, mask, training=training, unroll=unroll)


def _unfold_stack(
    stack: StackedRNNCells,
    sequences: Any,
    states: Any,
    mask: Any,
    *,
    training: bool,
    unroll: bool,
    every: bool,
) -> tuple[Any, Any, Any]:
    """Runs one cell after the other over the whole sequence: the same as all cells at each step."""
    last, after = None, []
    for place, (cell, state) in enumerate(zip(stack.cells, states, strict=True)):
        wanted = every or place + 1 < len(stack.cells)
        sequences, last, state = unfold(
            cell, sequences, state, mask, training=training, unroll=unroll, every=wanted
        )
        after.append(state)
    return sequences, last, after


def _unfold_any(
    cell: Any, sequences: Any, states: Any, mask: Any, *, training: bool, unroll: bool
) -> tuple[Any, Any, Any]:
    frame = current_frame()
    structure = jax.tree.structure(states)
    key = _key_for(cell, frame) if training else None

    def step(states: Any, at: Any) -> Any:
        inputs, place = at
        own = None if key is None else jax.random.fold_in(key, place[0])
        inner = frame.for_step(own) if frame is not None else Frame({}, training=training, key=own)
        before = dict(inner.values)
        with inner:
            output, new = cell(inputs, states)
        _refuse_assignments(cell, inner, before)
        return output, jax.tree.unflatten(structure, jax.tree.leaves(new)), inner.losses

    rows, length = sequences.shape[:2]
    places = jnp.broadcast_to(jnp.arange(length, dtype="uint32")[None], (rows, length))
    outputs, states, losses = recur(step, states, (sequences, places), mask, unroll=unroll)
    if frame is not None:
        frame.losses.extend(jnp.sum(loss) for loss in losses)
    return outputs, outputs[:, -1], states


def _key_for(cell: Any, frame: Frame | None) -> Any:
    """A key from which each step derives its own, or None where the call has none."""
    if frame is None:
        return jax.random.key(config.next_seed())
    return frame.next_key(cell) if frame.has_key else None


def _refuse_assignments(cell: Any, frame: Frame, before: dict[Variable, Any]) -> None:
    for variable, value in frame.values.items():
        if before.get(variable) is not value:
            raise StateError(
                f"{type(cell).__name__} '{cell.name}'",
                expected="a cell that returns what it wants to remember",
                got=f"an assignment to the variable '{variable.name}' inside a step",
                fix="Make it one of the states: return (output, [state, ...]) and count it in state_size.",
            )
