"""Several recurrent cells as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


def check_cell(cell: Any, where: str) -> Any:
    """Refuses what is no recurrent cell.

    Args:
        cell: What was given.
        where: The layer, for the error.

    Returns:
        The cell.

    Raises:
        InputError: It is no layer, or has no `state_size`.

    Example:
        >>> check_cell(3, "RNN 'rnn'")
        Traceback (most recent call last):
        gradwise.errors.InputError: RNN 'rnn': expected a cell, a layer with `state_size`, but got an int. ...
    """
    if not isinstance(cell, Layer) or getattr(cell, "state_size", None) is None:
        raise InputError(
            where,
            expected="a cell, a layer with `state_size`",
            got=f"the layer {type(cell).__name__}, which has none"
            if isinstance(cell, Layer)
            else f"an {type(cell).__name__}",
            fix="Pass LSTMCell(32), or a layer with call(inputs, states) -> (output, new_states) and the "
            "attribute state_size.",
        )
    return cell


def initial_state_of(cell: Any, batch_size: int) -> Any:
    """Returns the states a cell starts from, in a list.

    Args:
        cell: The cell.
        batch_size: The number of rows.

    Returns:
        What the cell's `get_initial_state` gives, or zeros of its `state_size`.
    """
    if hasattr(cell, "get_initial_state"):
        given = cell.get_initial_state(batch_size=batch_size)
        return list(given) if isinstance(given, (list, tuple)) else [given]
    sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return [
        jnp.zeros((batch_size, *(size if isinstance(size, tuple) else (size,))), cell.dtype_policy.compute)
        for size in sizes
    ]


@register("layers.StackedRNNCells")
class StackedRNNCells(Layer):
    """Puts cells on top of each other: the output of each is the input of the next.

    Args:
        cells: The cells.
        options: The settings every layer takes.

    Raises:
        InputError: One is no cell.

    Example:
        >>> from gradwise.layers.simple_rnn import SimpleRNNCell
        >>> StackedRNNCells([SimpleRNNCell(4), SimpleRNNCell(3)]).state_size
        [4, 3]
    """

    couples_rows = "never"

    def __init__(self, cells: Sequence[Any], **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        where = f"{type(self).__name__} '{self.name}'"
        if not cells:
            raise InputError(where, expected="at least one cell", got="none", fix="Pass [LSTMCell(32)], say.")
        self.cells = [check_cell(cell, where) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Returns a list of states for each cell."""
        return [initial_state_of(cell, batch_size or 1) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        """Builds the cells."""
        for cell in self.cells:
            cell.run_build(input_shape)
            input_shape = (input_shape[0], _output_size(cell))

    def call(self, inputs: Any, states: Any) -> Any:  # type: ignore[override]
        """Makes one step with every cell: (inputs, states of each) -> (output of the last, new states)."""
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            structure = jax.tree.structure(state)
            inputs, new = cell(inputs, state)
            after.append(jax.tree.unflatten(structure, jax.tree.leaves(new)))
        return inputs, after


def _output_size(cell: Any) -> Any:
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
