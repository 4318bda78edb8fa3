"""The table that describes a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwise.core.layer import Layer
from gradwise.core.symbolic import symbolic_leaves


@dataclass(frozen=True)
class Row:
    """One layer in a summary.

    Args:
        name: The layer's name.
        kind: Its class.
        shape: Its output shape as text.
        parameters: How many numbers its variables hold.
        trainable: Whether gradients change them.
        connected_to: The layers its inputs come from.
    """

    name: str
    kind: str
    shape: str
    parameters: int
    trainable: bool
    connected_to: tuple[str, ...] = ()


def rows_of(model: Any) -> list[Row]:
    """Returns one row for each layer of a model, in order.

    Args:
        model: A built model.

    Returns:
        The rows.
    """
    graph = getattr(model, "graph", None)
    trained = {id(variable) for variable in model.trainable_variables}
    if graph is None:
        return [_row(layer, "?", trained, ()) for layer in model.layers]
    rows, seen = [], set()
    for node in graph.nodes:
        if id(node.layer) in seen:
            continue
        seen.add(id(node.layer))
        parents = tuple(
            dict.fromkeys(parent.node.layer.name for parent in node.parents() if parent.node is not None)
        )
        shape = ", ".join(_shape_text(tensor.shape) for tensor in symbolic_leaves(node.outputs))
        rows.append(_row(node.layer, shape, trained, parents))
    return rows


def totals_of(model: Any) -> tuple[int, int]:
    """Returns how many parameters are trainable and how many are not.

    Args:
        model: A built model.

    Returns:
        Both counts.
    """
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    return trainable, model.count_params() - trainable


def text_of(model: Any, *, line_length: int | None = None, show_trainable: bool = False) -> str:
    """Draws the summary of a model as text.

    Args:
        model: A built model.
        line_length: The width in characters; by default as wide as needed, at most 110.
        show_trainable: Whether to add a column that tells which layers are trained.

    Returns:
        The text.
    """
    rows = rows_of(model)
    linear = all(len(row.connected_to) <= 1 for row in rows) and _is_chain(rows)
    header = ["Layer (type)", "Output shape", "Param #"]
    table = [[f"{row.name} ({row.kind})", row.shape, f"{row.parameters:,}"] for row in rows]
    if not linear:
        header.append("Connected to")
        for cells, row in zip(table, rows, strict=True):
            cells.append(", ".join(row.connected_to) or "-")
    if show_trainable:
        header.append("Trained")
        for cells, row in zip(table, rows, strict=True):
            cells.append("-" if not row.parameters else "yes" if row.trainable else "no")
    trainable, fixed = totals_of(model)
    lines = [f'Model: "{model.name}"', *_draw(header, table, line_length)]
    lines.append(f"Total params: {trainable + fixed:,} ({_bytes_text(model)})")
    lines.append(f"Trainable params: {trainable:,}")
    lines.append(f"Non-trainable params: {fixed:,}")
    return "\n".join(lines)


def _is_chain(rows: Sequence[Row]) -> bool:
    return all(
        not row.connected_to or row.connected_to == (before.name,)
        for before, row in zip(rows, rows[1:], strict=False)
    )


def _row(layer: Layer, shape: str, trained: set[int], parents: tuple[str, ...]) -> Row:
    parameters = layer.count_params()
    any_trained = any(id(variable) in trained for variable in layer.variables)
    return Row(layer.name, type(layer).__name__, shape, parameters, any_trained, parents)


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"


def _bytes_text(model: Any) -> str:
    size = sum(int(np.prod(variable.shape)) * variable.dtype.itemsize for variable in model.variables)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.2f} {unit}"
        size /= 1024
    return ""


def _draw(header: list[str], table: list[list[str]], line_length: int | None) -> list[str]:
    widths = [max(len(row[place]) for row in [header, *table]) for place in range(len(header))]
    spare = (line_length or 110) - sum(widths) - 3 * len(widths) + 1
    if spare < 0:
        widest = widths.index(max(widths))
        widths[widest] = max(12, widths[widest] + spare)

    def line(cells: list[str]) -> str:
        shown = [
            (cell if len(cell) <= width else cell[: width - 1] + "…")
            for cell, width in zip(cells, widths, strict=True)
        ]
        parts = [
            cell.rjust(width) if place == 2 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(shown, widths, strict=True))
        ]
        return " │ ".join(parts).rstrip()

    rule = "─┼─".join("─" * width for width in widths)
    return [line(header), rule, *(line(row) for row in table), rule.replace("┼", "┴")]
