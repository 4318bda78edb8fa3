"""Graphs as plain settings, and back."""

from __future__ import annotations

from typing import Any

import jax

from gradwise.core.graph import Graph
from gradwise.core.symbolic import SymbolicTensor, symbolic_leaves
from gradwise.errors import FileError


def graph_to_config(graph: Graph) -> dict[str, Any]:
    """Describes a graph by its layers and the calls between them.

    Args:
        graph: The graph.

    Returns:
        "layers": the layers; "nodes": for each call the layer's place, its arguments and named arguments,
        with {"tensor": [node, output]} for tensors; "inputs" and "outputs" likewise.
    """
    layers = list(graph.layers())
    places = {id(layer): place for place, layer in enumerate(layers)}
    names: dict[int, list[int]] = {}
    for number, node in enumerate(graph.nodes):
        for output, tensor in enumerate(symbolic_leaves(node.outputs)):
            names[id(tensor)] = [number, output]

    def encode(structure: Any) -> Any:
        return jax.tree.map(
            lambda leaf: {"tensor": names[id(leaf)]} if isinstance(leaf, SymbolicTensor) else leaf, structure
        )

    return {
        "layers": layers,
        "nodes": [
            [places[id(node.layer)], list(encode(node.args)), encode(node.kwargs)] for node in graph.nodes
        ],
        "inputs": encode(graph.inputs),
        "outputs": encode(graph.outputs),
    }


def graph_from_config(config: dict[str, Any]) -> tuple[Any, Any]:
    """Calls the layers again as a graph's description says.

    Args:
        config: As `graph_to_config` returns.

    Returns:
        The symbolic inputs and outputs.

    Raises:
        FileError: The description refers to something that is not there.
    """
    made: list[list[SymbolicTensor]] = []

    def decode(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"tensor"}:
            node, output = value["tensor"]
            return made[node][output]
        if isinstance(value, dict):
            return {key: decode(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(decode(item) for item in value)
        return value

    try:
        for place, args, kwargs in config["nodes"]:
            layer = config["layers"][place]
            outputs = layer.output if not args and not kwargs else layer(*decode(args), **decode(kwargs))
            made.append(symbolic_leaves(outputs))
        return decode(config["inputs"]), decode(config["outputs"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            "load", expected="a graph of layers", got=f"{error}", fix="The file is damaged."
        ) from error
