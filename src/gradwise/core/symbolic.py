"""Symbolic tensors and nodes: the graph that the functional interface draws."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gradwise.errors import InputError
from gradwise.registry import find

_serials = itertools.count()


class SymbolicTensor:
    """Stands for an array that a model will get or compute; it has a shape and a type but no values.

    Args:
        shape: Sizes, with None for unknown ones such as the batch.
        dtype: The element type.
        node: The call it came from; None until one is set.
        name: For inputs, the name of the input.

    Example:
        >>> SymbolicTensor((None, 3), "float32")
        <SymbolicTensor float32[None, 3]>
    """

    __array_priority__ = 100.0
    __slots__ = ("dtype", "name", "node", "shape")

    def __init__(
        self, shape: tuple[int | None, ...], dtype: Any, *, node: Node | None = None, name: str | None = None
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(object) if isinstance(dtype, str) and dtype == "string" else np.dtype(dtype)
        self.node = node
        self.name = name

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        sizes = ", ".join(str(size) for size in self.shape)
        kind = "string" if self.dtype.kind == "O" else self.dtype
        return f"<SymbolicTensor {kind}[{sizes}]>"

    def _refuse(self, what: str, fix: str) -> InputError:
        return InputError("symbolic tensor", expected="an operation between layers", got=what, fix=fix)

    def __bool__(self) -> bool:
        raise self._refuse(
            "a Python condition", "It has no value yet; use jax.numpy.where inside a layer's call."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise self._refuse(
            "a conversion to NumPy", "Put the operation into a layer, for example a Layer subclass."
        )

    def __iter__(self) -> Any:
        raise self._refuse("iteration", "Take parts by index, as in tensor[:, 0].")

    def __getitem__(self, item: Any) -> Any:
        return _operate("getitem", self, item)

    def __neg__(self) -> Any:
        return _operate("neg", self)


def _operate(name: str, *operands: Any) -> Any:
    # The layer lives further down; the registry hands it over without an import.
    return find("layers", "Operation", "symbolic tensor")(name)(*operands)


def _overload(name: str) -> None:
    setattr(SymbolicTensor, f"__{name}__", lambda self, other: _operate(name, self, other))
    setattr(SymbolicTensor, f"__r{name}__", lambda self, other: _operate(name, other, self))


for _name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
    _overload(_name)


class Node:
    """One call of a layer in a graph.

    Args:
        layer: The layer called.
        args: Its positional arguments, symbolic tensors among them.
        kwargs: Its named arguments.

    Example:
        >>> Node(None, (SymbolicTensor((None, 3), "float32"),), {}).parents()
        [<SymbolicTensor float32[None, 3]>]
    """

    __slots__ = ("args", "kwargs", "layer", "outputs", "serial")

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.serial = next(_serials)  # a node is made after its parents, so this order is topological
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.outputs: Any = None

    def set_outputs(self, outputs: Any) -> None:
        """Keeps the structure of symbolic tensors that the call returned."""
        self.outputs = outputs

    @property
    def inputs(self) -> Any:
        """The first argument, or the output for an input layer."""
        return self.args[0] if self.args else self.outputs

    def parents(self) -> list[SymbolicTensor]:
        """Returns the symbolic tensors among the arguments, in order."""
        return symbolic_leaves((self.args, self.kwargs))


def symbolic_leaves(structure: Any) -> list[SymbolicTensor]:
    """Returns the symbolic tensors in a structure.

    Example:
        >>> symbolic_leaves([1, SymbolicTensor((None,), "int32")])
        [<SymbolicTensor int32[None]>]
    """
    if isinstance(structure, SymbolicTensor):
        return [structure]
    return [leaf for leaf in jax.tree.leaves(structure) if isinstance(leaf, SymbolicTensor)]


def replaced(structure: Any, known: Mapping[int, Any]) -> Any:
    """Puts what is known of symbolic tensors, by their `id`, in their place.

    Example:
        >>> tensor = SymbolicTensor((None,), "int32")
        >>> replaced([tensor, 2], {id(tensor): 1})
        [1, 2]
    """
    return jax.tree.map(lambda leaf: known[id(leaf)] if isinstance(leaf, SymbolicTensor) else leaf, structure)
