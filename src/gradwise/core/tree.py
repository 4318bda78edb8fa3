"""The tree of layers: which layers and variables lie below one, and where."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from gradwise.core.variable import Variable
from gradwise.errors import InputError
from gradwise.registry import Configurable, snake_case


class LayerTree(Configurable):
    """What a layer knows about the layers and variables it holds.

    Layers and variables are found in attributes, and in lists, tuples and dicts there. A place such as
    "dense_1/kernel" does not depend on automatic numbering, so two models built alike agree.

    Args:
        name: The layer's name.
        trainable: Whether gradients change its parameters.
    """

    def __init__(self, name: str, *, trainable: bool) -> None:
        self.name = name
        self._trainable = bool(trainable)

    def freeze_only(self, places: Collection[str]) -> None:
        """Freezes the layers at these places in the tree, as `walk` tells them, and no others."""
        for path, layer in self.walk():
            layer._trainable = path not in places

    @property
    def trainable(self) -> bool:
        """Whether gradients change the layer's parameters; setting it sets every layer below as well."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for _, layer in self.walk():
            layer._trainable = bool(value)

    def children(self) -> Iterator[LayerTree]:
        """Yields the layers this one holds in attributes, lists and dicts, in order of creation."""
        for value in self._attributes():
            yield from _layers_in(value)

    def own_variables(self) -> list[Variable]:
        """Returns the variables this layer holds itself."""
        return [item for value in self._attributes() for item in _variables_in(value)]

    def _attributes(self) -> Iterator[Any]:
        # A layer that was only a pattern for others is among the settings, but is no part of this one.
        return (value for name, value in self.__dict__.items() if name != "_given")

    def walk(self) -> Iterator[tuple[str, Any]]:
        """Yields every layer below this one once, itself first, with its place in the tree."""
        return _walk(self, "", set())

    def named_variables(self) -> dict[str, Variable]:
        """Returns every variable by its place in the tree, such as "dense/kernel".

        The places do not depend on automatic numbering, so two models built alike agree.
        """
        found: dict[str, Variable] = {}
        seen: set[int] = set()
        for path, layer in self.walk():
            for variable in layer.own_variables():
                if id(variable) not in seen:
                    seen.add(id(variable))
                    found[_unique(f"{path}/{variable.name}".lstrip("/"), found)] = variable
        return found

    def named_weights(self) -> dict[str, Variable]:
        """Returns the variables that are read, set and saved as weights, by their place.

        These are all but what stateful layers remember from batch to batch, which has the size of a batch.
        """
        return {path: variable for path, variable in self.named_variables().items() if variable.kept}

    def trainable_paths(self) -> set[str]:
        """Returns the places of the variables that gradients may change: those of layers not frozen."""
        if not self.trainable:
            return set()
        frozen = {
            id(variable)
            for _, layer in self.walk()
            if not layer.trainable
            for variable in layer.own_variables()
        }
        return {
            path
            for path, variable in self.named_variables().items()
            if variable.trainable and id(variable) not in frozen
        }

    @property
    def variables(self) -> list[Variable]:
        """All weights, layer by layer."""
        return list(self.named_weights().values())

    weights = variables

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that gradients change."""
        names = self.trainable_paths()
        return [variable for path, variable in self.named_weights().items() if path in names]

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that gradients do not change: state and frozen parameters."""
        names = self.trainable_paths()
        return [variable for path, variable in self.named_weights().items() if path not in names]

    non_trainable_weights = non_trainable_variables

    def get_weights(self) -> list[np.ndarray]:
        """Returns copies of all variables as NumPy arrays, layer by layer."""
        return [variable.numpy() for variable in self.variables]

    def set_weights(self, weights: list[Any]) -> None:
        """Replaces all variables, in the order of `get_weights`.

        Raises:
            InputError: The number of arrays or a shape differs; nothing is changed then.
        """
        variables = self.named_weights()
        arrays = [np.asarray(weight) for weight in weights]
        wanted = [variable.shape for variable in variables.values()]
        given = [array.shape for array in arrays]
        if wanted != given:
            raise InputError(
                f"set_weights of '{self.name}'",
                expected=f"{len(wanted)} arrays of shapes {wanted}",
                got=f"{len(given)} of shapes {given}",
                fix="Build the layer first, and give the arrays in the order that get_weights returns.",
            )
        for variable, array in zip(variables.values(), arrays, strict=True):
            variable.assign(np.array(array, variable.dtype))

    def count_params(self) -> int:
        """Returns how many numbers the variables hold."""
        return sum(int(np.prod(variable.shape)) for variable in self.variables)


def _walk(layer: LayerTree, path: str, seen: set[int]) -> Iterator[tuple[str, LayerTree]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield path, layer
    taken: dict[str, Any] = {}
    for child in layer.children():
        if id(child) in seen:
            continue
        # The class, not the name: names carry automatic numbers that differ from build to build.
        name = _unique(snake_case(type(child).__name__), taken)
        taken[name] = child
        yield from _walk(child, f"{path}/{name}".lstrip("/"), seen)


def _unique(name: str, taken: dict[str, Any]) -> str:
    if name not in taken:
        return name
    count = 1
    while f"{name}_{count}" in taken:
        count += 1
    return f"{name}_{count}"


def _layers_in(value: Any) -> Iterator[LayerTree]:
    if isinstance(value, LayerTree):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _layers_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _layers_in(item)


def _variables_in(value: Any) -> Iterator[Variable]:
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _variables_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _variables_in(item)
