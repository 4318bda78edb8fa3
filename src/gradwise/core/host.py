"""Layers that work on the host, before any program: on text, dates and the raw columns of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradwise.core.graph import Graph, match_inputs
from gradwise.core.layer import Layer
from gradwise.core.shapes import shapes_of
from gradwise.core.symbolic import Node, SymbolicTensor, replaced, symbolic_leaves
from gradwise.errors import InputError


class HostLayer(Layer):
    """A layer that computes with NumPy arrays on the host, for what no program can hold: text, for example.

    A model may begin with host layers. `fit`, `evaluate`, `predict` and the model itself run them on the
    raw data first, once, and hand what they give to the compiled rest. They have no variables; what one
    learns belongs into its settings, so that it is saved with them.

    A subclass writes `call`, which gets what `receive` returned or the array of the host layer before, and
    `output_like`.

    Example:
        >>> class Length(HostLayer):
        ...     def call(self, inputs):
        ...         return np.array([[len(text)] for text in inputs], "float32")
        ...     def output_like(self, shape):
        ...         return (shape[0], 1), "float32"
        >>> Length()(["a", "bcd"]).tolist()
        [[1.0], [3.0]]
    """

    couples_rows = "never"
    # The shape of one raw sample, where a `Sequential` begins with the layer and nobody tells it.
    sample_shape: tuple[int | None, ...] = ()

    def receive(self, values: Any) -> Any:
        """Turns what a user hands over into what `call` takes: an array of objects by default.

        Args:
            values: A list of texts, an array, a series, ...

        Returns:
            An array whose first axis counts the samples.
        """
        return np.asarray(values, object)

    def hand_over(self, inputs: Any) -> Any:
        """Computes what the compiled rest of a model gets: the outputs, or a sparse matrix of them."""
        return self.call(inputs)

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns the shape, with None for unknown sizes, and the type of the outputs; subclasses say how.

        Args:
            shape: The shape of the inputs, or a list of shapes.

        Returns:
            The shape and the type; "string" for text.
        """
        raise InputError(
            f"{type(self).__name__} '{self.name}'",
            expected="a method output_like(shape) -> (shape, dtype)",
            got="none",
            fix="Define it in the class: what a host layer returns cannot be traced.",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes outputs from values, or adds a node to the graph when given symbolic tensors."""
        kwargs.pop("training", None)  # all the same here
        if symbolic_leaves((args, kwargs)):
            return self._call_symbolic(args, kwargs)
        values, *others = args
        return self.call(self.receive(values), *others, **kwargs)

    def output_spec(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Asks `output_like`; nothing is traced."""
        self.built = True
        return SymbolicTensor(*self.output_like(shapes_of(args[0])))


class Front:
    """The host layers at the beginning of a graph.

    Args:
        graph: The whole graph.
        nodes: Its calls of host layers.
        tensors: What they and the inputs hand to the rest.
    """

    def __init__(self, graph: Graph, nodes: list[Node], tensors: list[SymbolicTensor]) -> None:
        self.nodes = nodes
        self.tensors = tensors
        self._graph = graph
        between = {id(parent) for node in nodes for parent in node.parents()}
        self._last = {id(tensor) for tensor in tensors} - between
        # The first host layer that takes an input knows how to read what a user gives for it.
        self._receivers = {
            id(parent): node.layer for node in reversed(nodes) for parent in symbolic_leaves(node.args[:1])
        }

    def run(self, inputs: Any) -> Any:
        """Computes what the rest of the graph takes.

        Args:
            inputs: Raw data in the structure of the graph's inputs; a frame gives its columns by name.

        Returns:
            An array, or a list of them.

        Raises:
            InputError: An input is missing.
        """
        values: dict[int, Any] = {}
        for tensor, raw in zip(self._graph.input_list, self._in_order(inputs), strict=True):
            receiver = self._receivers.get(id(tensor))
            values[id(tensor)] = raw if receiver is None else receiver.receive(raw)
        for node in self.nodes:
            args, kwargs = replaced((node.args, node.kwargs), values)
            last = id(node.outputs) in self._last and len(args) == 1 and not kwargs
            values[id(node.outputs)] = (node.layer.hand_over if last else node.layer.call)(*args, **kwargs)
        found = [values[id(tensor)] for tensor in self.tensors]
        return found[0] if len(found) == 1 else [_as_array(item) for item in found]

    def _in_order(self, inputs: Any) -> list[Any]:
        graph, names = self._graph, self._graph.input_names
        if len(names) > 1 and hasattr(type(inputs), "columns"):
            inputs = {name: inputs[name] for name in names if name in inputs.columns}
        if isinstance(inputs, Mapping):
            inputs = dict(inputs)
        if len(names) == 1 and not (isinstance(inputs, dict) and names[0] in inputs):
            return [inputs]
        return match_inputs(inputs, graph.input_list, names, graph.where)


def _as_array(item: Any) -> Any:
    return item if hasattr(item, "__array__") or hasattr(item, "toarray") else np.asarray(item)


def split(graph: Graph) -> tuple[Front | None, Graph]:
    """Splits a graph into the host layers it begins with and what a program can compute.

    Args:
        graph: A graph.

    Returns:
        The host part, None if there is none, and the rest, whose inputs are what the host part returns.

    Raises:
        InputError: A host layer comes behind one that is none.
    """
    nodes = [node for node in graph.nodes if isinstance(node.layer, HostLayer)]
    if not nodes:
        return None, graph
    on_host = {id(tensor) for tensor in graph.input_list} | {id(node.outputs) for node in nodes}
    for node in nodes:
        for parent in node.parents():
            if id(parent) not in on_host:
                before = parent.node.layer.name if parent.node is not None else "another layer"
                raise InputError(
                    f"{type(node.layer).__name__} '{node.layer.name}'",
                    expected="raw inputs, or what another layer that works on the host returns",
                    got=f"what '{before}' computes in the program",
                    fix="Put the layers that work on text or raw tables first.",
                )
    used = [
        parent for node in graph.nodes if not isinstance(node.layer, HostLayer) for parent in node.parents()
    ]
    frontier = {id(tensor): tensor for tensor in [*used, *graph.output_list] if id(tensor) in on_host}
    tensors = list(frontier.values())
    inputs = tensors[0] if len(tensors) == 1 else tensors
    return Front(graph, nodes, tensors), Graph(inputs, graph.outputs, graph.where)
