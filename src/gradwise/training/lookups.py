"""Indices into tables: checked before anything runs where they are data, and told of afterwards where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from gradwise.core.layer import Layer
from gradwise.data.arrays import plain

_ROWS = 256  # of one pass when indices are looked for


def check_inputs(layer: Layer, inputs: Any) -> None:
    """Lets layers that look values up check the inputs they get directly, also inside nested models.

    Args:
        layer: The model.
        inputs: Arrays [N, ...] on the host, in the structure the model takes.

    Raises:
        InputError: An index is outside the table of a layer.
    """
    for below, values in _fed_directly(layer, inputs):
        below.check_values(values)


def computes_indices(layer: Layer, inputs: Any) -> bool:
    """Tells whether some layer looks up indices that `check_inputs` does not see.

    Args:
        layer: The model.
        inputs: Arrays [N, ...] on the host, in the structure the model takes.

    Returns:
        Whether there is one.
    """
    seen = {id(below) for below, _ in _fed_directly(layer, inputs)}
    return any(hasattr(below, "check_values") and id(below) not in seen for _, below in layer.walk())


def explain_nan(layer: Layer, inputs: Any, count: int) -> None:
    """Looks for computed indices outside a table, which give NaN in a program, once there was a NaN.

    The layers run outside a program, where each sees its values; nothing is changed.

    Args:
        layer: The model.
        inputs: Arrays [N, ...] on the host, in the structure the model takes.
        count: N.

    Raises:
        InputError: An index is outside the table of a layer.
    """
    if any(getattr(below, "stateful", False) for _, below in layer.walk()) or not computes_indices(
        layer, inputs
    ):
        return
    for start in range(0, count, _ROWS):
        rows = jax.tree.map(lambda array, start=start: plain(array[start : start + _ROWS]), inputs)
        Layer.__call__(layer, rows)  # not the model's own, which is a program


def _fed_directly(layer: Layer, inputs: Any) -> Iterator[tuple[Any, np.ndarray[Any, Any]]]:
    graph = getattr(layer, "numeric_graph", None)
    if graph is None:
        return
    arrays = (
        [inputs.get(name) for name in graph.input_names]
        if isinstance(inputs, dict)
        else jax.tree.leaves(inputs)
    )
    for tensor, values in zip(graph.input_list, arrays, strict=False):
        for node in graph.nodes:
            if node.args and node.args[0] is tensor and isinstance(values, np.ndarray):
                if hasattr(node.layer, "check_values"):
                    yield node.layer, values
                yield from _fed_directly(node.layer, values)
