"""A model that is a plain stack of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradwise.core.graph import Graph
from gradwise.core.host import HostLayer
from gradwise.core.layer import Layer
from gradwise.core.symbolic import SymbolicTensor
from gradwise.errors import InputError, StateError
from gradwise.layers.inputs import Input, InputLayer
from gradwise.models.model import Model
from gradwise.registry import register


@register("models.Sequential")
class Sequential(Model):
    """Stacks layers: the output of each is the input of the next.

    Args:
        layers: The layers, an `Input(...)` first if the input shape is to be known at once.
        name: The model's name.
        trainable: Whether gradients change anything in it.

    Raises:
        InputError: Something in the list is no layer.

    Example:
        >>> from gradwise.layers import Dense
        >>> model = Sequential([Input((784,)), Dense(512, "relu"), Dense(10, "softmax")])
        >>> model.count_params()
        407050
    """

    def __init__(
        self, layers: Sequence[Any] | None = None, *, name: str | None = None, trainable: bool = True
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        self.stack: list[Layer] = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Puts a layer on top.

        Args:
            layer: A layer, a model, or `Input(...)` as the first item.

        Raises:
            InputError: It is none of these, or is in the stack already.
        """
        if isinstance(layer, SymbolicTensor) and layer.node is not None and not layer.node.parents():
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            raise InputError(
                f"Sequential '{self.name}'",
                expected="a layer",
                got="a class" if isinstance(layer, type) else f"an object of type {type(layer).__name__}",
                fix="Add an instance, such as Dense(10).",
            )
        if any(layer.name == known.name for known in self.stack):
            raise InputError(
                f"Sequential '{self.name}'",
                expected="layers with different names",
                got=f"a second '{layer.name}'",
                fix="Give it another name; to use one layer twice, use the functional interface.",
            )
        if isinstance(layer, InputLayer) and self.stack:
            raise InputError(
                f"Sequential '{self.name}'",
                expected="Input in the first place",
                got="it later",
                fix="Move it up.",
            )
        if not self.trainable:
            layer.trainable = False
        self.stack.append(layer)
        self._rebuild()

    def pop(self) -> Layer:
        """Takes the top layer off and returns it.

        Raises:
            StateError: There is none.
        """
        if not self.layers:
            raise StateError(
                f"Sequential '{self.name}'", expected="a layer to take off", got="none", fix="Add some."
            )
        layer = self.stack.pop()
        self._rebuild()
        return layer

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self.stack if not isinstance(layer, InputLayer)]

    def children(self) -> Iterator[Layer]:
        """Yields the layers."""
        yield from self.stack

    def get_config(self) -> dict[str, Any]:
        """Returns the layers as they are now, and the input shape if known."""
        first: list[Any] = []
        if self.graph is not None and not isinstance(self.stack[0], InputLayer):
            tensor = self.graph.input_list[0]
            first = [InputLayer(tensor.shape[1:], tensor.shape[0], str(tensor.dtype))]
        config: dict[str, Any] = {"layers": [*first, *self.stack], "name": self.name}
        return config if self.trainable else {**config, "trainable": False}

    def build(self, input_shape: Any = None) -> None:
        """Draws the graph for inputs of a shape (with the batch axis) and creates all variables."""
        if input_shape is not None:
            self._draw(tuple(input_shape), None)

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds the stack for the inputs at hand."""
        sample = args[0][0] if isinstance(args[0], (list, tuple)) else args[0]
        dtype = sample.dtype if sample.dtype.kind in "iub" and self._takes_integers() else None
        self._draw((None, *sample.shape[1:]), dtype)

    def take_raw(self, inputs: Any) -> Any:
        """Runs the host layers at the bottom of the stack, which is drawn now: they have learned."""
        self._draw_from_host()
        return super().take_raw(inputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes outputs, or becomes part of a graph."""
        self._draw_from_host()
        return super().__call__(*args, **kwargs)

    def _raw_shape(self) -> tuple[int | None, ...] | None:
        """The shape of one raw sample, if the stack begins with a host layer."""
        first = self.stack[0] if self.stack else None
        if isinstance(first, Sequential):
            return first._raw_shape()
        return first.sample_shape if isinstance(first, HostLayer) else None

    def _draw_from_host(self) -> None:
        shape = self._raw_shape() if self.graph is None else None
        if shape is not None:
            self._draw((None, *shape), "string")

    def _takes_integers(self) -> bool:
        return bool(self.stack) and getattr(self.stack[0], "input_dtype", None) is not None

    def _rebuild(self) -> None:
        self.set_graph(None)
        self.built = False
        self.forget_programs()
        shape = self.stack[0].batch_input_shape if self.stack else None
        if self.stack and isinstance(self.stack[0], InputLayer):
            self._draw(self.stack[0].shape, None)
        elif shape is not None:
            self._draw(shape, None)
        elif self.stack and isinstance(self.stack[0], Model) and self.stack[0].graph is not None:
            first = self.stack[0].input
            if isinstance(first, SymbolicTensor):
                self._draw(first.shape, first.dtype)

    def _draw(self, shape: tuple[int | None, ...], dtype: Any) -> None:
        if not self.stack:
            raise StateError(
                f"Sequential '{self.name}'",
                expected="at least one layer",
                got="none",
                fix="Use model.add(...).",
            )
        first = self.stack[0]
        if isinstance(first, InputLayer):
            tensor = first.output
        else:
            kind = getattr(first, "input_dtype", None) or dtype
            tensor = Input(shape[1:], shape[0], kind)
        source = tensor
        for layer in self.layers:
            layer.nodes.clear()
            tensor = layer(tensor)
        self.set_graph(Graph(source, tensor, f"Sequential '{self.name}'"))
        self.built = True
