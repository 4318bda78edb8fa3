"""What a model is made of: its graph, its layers, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradwise.core.graph import Graph
from gradwise.core.host import Front, split
from gradwise.core.layer import Layer
from gradwise.core.shapes import shapes_of
from gradwise.errors import InputError, StateError, unknown_name
from gradwise.models import summary


class GraphModel(Layer):
    """A layer that may hold a graph of layers.

    Args:
        inputs: What `Input(...)` returned, or a list or dict of these.
        outputs: What calling layers on them returned, likewise.
        name: The model's name.
        trainable: Whether gradients change anything in it.
    """

    def __init__(self, inputs: Any, outputs: Any, *, name: str | None, trainable: bool) -> None:
        super().__init__(name=name, trainable=trainable)
        self.set_graph(None)
        if inputs is not None or outputs is not None:
            self.set_graph(Graph(inputs, outputs, f"Model '{self.name}'"))
            self.built = True
            if not trainable:
                self.trainable = False

    def set_graph(self, graph: Graph | None) -> None:
        """Takes a graph, or none, as what the model computes."""
        self.graph = graph
        self.front: Front | None = None  # its host layers
        self.numeric_graph = graph  # and the rest, which programs compute
        if graph is not None:
            self.front, self.numeric_graph = split(graph)

    def take_raw(self, inputs: Any) -> Any:
        """Runs the host layers that the model begins with on raw inputs; others are returned as they are."""
        return inputs if self.front is None else self.front.run(inputs)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their first call."""
        return list(self.children())

    def children(self) -> Iterator[Layer]:
        """Yields the layers of the graph, then those held in attributes."""
        seen: set[int] = set()
        for layer in [*(self.graph.layers() if self.graph is not None else ()), *super().children()]:
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer by its name or its place.

        Raises:
            InputError: There is none such.
        """
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise InputError(
                    "get_layer",
                    expected=f"an index below {len(layers)}",
                    got=index,
                    fix="See model.summary().",
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise unknown_name("get_layer", "a layer", name, [layer.name for layer in layers])

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs."""
        return self._graph_or_refuse().input_list

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs."""
        return self._graph_or_refuse().output_list

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of inputs."""
        return self._graph_or_refuse().inputs

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of outputs."""
        return self._graph_or_refuse().outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the shapes of all."""
        return shapes_of(self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the shapes of all."""
        return shapes_of(self.output)

    def _graph_or_refuse(self) -> Graph:
        if self.graph is None:
            raise StateError(
                f"{type(self).__name__} '{self.name}'",
                expected="a known input shape",
                got="a model without a graph yet",
                fix="Put Input(shape) first, call build(shape), or call the model on data.",
            )
        return self.graph

    def summary(
        self, line_length: int | None = None, print_fn: Any = None, show_trainable: bool = False
    ) -> None:
        """Prints layers, output shapes, parameters and connections.

        Args:
            line_length: The width in characters.
            print_fn: A function to print with.
            show_trainable: Whether to tell which layers are trained.

        Raises:
            StateError: The model is not built yet.
        """
        if not self.built:
            raise StateError(
                f"summary of '{self.name}'",
                expected="a built model",
                got="a model that has not seen its input shape",
                fix="Put Input(shape) first, call build(shape), or call the model on data.",
            )
        (print_fn or print)(summary.text_of(self, line_length=line_length, show_trainable=show_trainable))
