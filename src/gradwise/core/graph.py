"""Graphs of layer calls: what lies between symbolic inputs and outputs, and how it runs on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.symbolic import Node, SymbolicTensor, replaced, symbolic_leaves
from gradwise.errors import InputError
from gradwise.ops.sparse import SparseRows


class Graph:
    """The calls between given inputs and outputs, in an order in which they can run.

    Args:
        inputs: A symbolic tensor, or a list or dict of them.
        outputs: Likewise.
        where: Whose graph it is, for errors.

    Raises:
        InputError: An output cannot be computed from the inputs alone, or something is no symbolic tensor.
    """

    def __init__(self, inputs: Any, outputs: Any, where: str) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.where = where
        self.input_list = symbolic_leaves(inputs)
        self.output_list = symbolic_leaves(outputs)
        _check_symbolic(inputs, "inputs", where)
        _check_symbolic(outputs, "outputs", where)
        self.nodes = _nodes_between(self.input_list, self.output_list, where)
        self.input_names = _keys(inputs) or _names_of_inputs(self.input_list)
        self.output_names = _keys(outputs) or _names_of_outputs(self.output_list)

    def layers(self) -> Iterator[Any]:
        """Yields each layer once, in the order of its first call."""
        seen: set[int] = set()
        for node in self.nodes:
            if id(node.layer) not in seen:
                seen.add(id(node.layer))
                yield node.layer

    def check_shapes(self, inputs: Any) -> None:
        """Refuses arrays that do not fit the inputs, before anything is padded or traced.

        Args:
            inputs: Arrays in the structure of the graph's inputs, or in their order, or by their names.

        Raises:
            InputError: The number, names or shapes do not fit.
        """
        arrays = match_inputs(inputs, self.input_list, self.input_names, self.where)
        for tensor, array in zip(self.input_list, arrays, strict=True):
            if array.ndim != tensor.ndim - 1 or tensor.shape[-1] != 1:
                _check_shape(array.shape, tensor, self.where)

    def takes_sparse(self, tensor: SymbolicTensor) -> bool:
        """Tells whether all layers that an input goes to can compute from what is not zero in it."""
        if not np.issubdtype(tensor.dtype, np.floating):
            return False  # filled up, the numbers are cast to what was declared
        takers = [node.layer for node in self.nodes if any(parent is tensor for parent in node.parents())]
        read = all(getattr(layer, "reads_sparse", False) for layer in takers)
        return read and bool(takers) and all(tensor is not output for output in self.output_list)

    def run(self, inputs: Any, masks: Any = None) -> tuple[Any, Any]:
        """Computes the outputs and their masks from arrays.

        Args:
            inputs: Arrays in the structure of the graph's inputs; a list in their order and a dict by
                their names are understood as well.
            masks: None, or masks in the same structure.

        Returns:
            The outputs in the structure of the graph's outputs, and their masks in the same structure.

        Raises:
            InputError: The number, names or shapes of the inputs do not fit.
        """
        arrays = match_inputs(inputs, self.input_list, self.input_names, self.where)
        given_masks = [None] * len(arrays) if masks is None else _mask_list(masks, len(arrays))
        values: dict[int, tuple[Any, Any]] = {}
        for tensor, array, mask in zip(self.input_list, arrays, given_masks, strict=True):
            by_index = isinstance(array, SparseRows) and self.takes_sparse(tensor)
            values[id(tensor)] = (_fit_input(array, tensor, self.where, by_index=by_index), mask)
        for node in self.nodes:
            known = [id(tensor) in values for tensor in symbolic_leaves(node.outputs)]
            if all(known):
                continue
            outputs, out_masks = _run_node(node, values)
            for tensor, output, mask in zip(
                symbolic_leaves(node.outputs),
                jax.tree.leaves(outputs),
                _output_masks(out_masks, len(known)),
                strict=True,
            ):
                values[id(tensor)] = (output, mask)
        return (
            jax.tree.map(lambda tensor: values[id(tensor)][0], self.outputs),
            [values[id(tensor)][1] for tensor in self.output_list],
        )

    def redraw(self, inputs: Any, training: bool | None = None) -> Any:
        """Calls the graph's layers on other symbolic inputs: they become part of a larger graph.

        Args:
            inputs: Symbolic tensors in the structure of the graph's inputs.
            training: The mode that each call is fixed to, or None.

        Returns:
            Symbolic tensors in the structure of the graph's outputs.
        """
        given = match_inputs(inputs, self.input_list, self.input_names, self.where)
        known = {id(tensor): new for tensor, new in zip(self.input_list, given, strict=True)}
        for node in self.nodes:
            if not node.parents():
                continue
            args, kwargs = replaced((node.args, node.kwargs), known)
            mode = {} if training is None else {"training": training}
            outputs = node.layer(*args, **mode, **kwargs)
            known.update(
                (id(old), new)
                for old, new in zip(symbolic_leaves(node.outputs), symbolic_leaves(outputs), strict=True)
            )
        return jax.tree.map(lambda tensor: known[id(tensor)], self.outputs)


def match_inputs(inputs: Any, tensors: list[SymbolicTensor], names: list[str], where: str) -> list[Any]:
    """Brings inputs given as an array, list or dict into the order of a model's inputs.

    Args:
        inputs: Arrays.
        tensors: The symbolic inputs.
        names: Their names.
        where: Whose inputs, for the error.

    Returns:
        The arrays in order.

    Raises:
        InputError: Their number or names do not fit.

    Example:
        >>> match_inputs({"b": 2, "a": 1}, [SymbolicTensor((None,), "float32")] * 2, ["a", "b"], "model")
        [1, 2]
    """
    if isinstance(inputs, dict):
        missing = [name for name in names if name not in inputs]
        if missing:
            raise InputError(
                where,
                expected=f"inputs named {', '.join(names)}",
                got=f"a dict with the keys {', '.join(map(str, inputs))}",
                fix=f"Add {', '.join(missing)}.",
            )
        return [inputs[name] for name in names]
    arrays = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if len(arrays) != len(tensors):
        raise InputError(
            where,
            expected=f"{len(tensors)} input array{'s' if len(tensors) > 1 else ''} ({', '.join(names)})",
            got=f"{len(arrays)}",
            fix="Pass one array an input, as a list in this order or a dict by these names.",
        )
    return arrays


def _run_node(node: Node, values: dict[int, tuple[Any, Any]]) -> tuple[Any, Any]:
    """Runs a call with the masks of its arguments.

    The mask of the first argument is passed on as the layer's own, and the mask of each argument as
    `<argument>_mask` where `call` has such a parameter. Masks given in the call itself come first.
    """

    def fill(leaf: Any) -> Any:
        return values[id(leaf)][0] if isinstance(leaf, SymbolicTensor) else leaf

    args = jax.tree.map(fill, node.args)
    kwargs = jax.tree.map(fill, node.kwargs)
    named = _arguments(node)
    for name, argument in named.items():
        own, found = f"{name}_mask", _masks_of(argument, values)
        if found is not None and own in node.layer._call_parameters and named.get(own) is None:
            kwargs[own] = found
    first = next(iter(named), "")
    mask = kwargs.pop("mask", None)
    if mask is None:
        mask = kwargs.get(f"{first}_mask", _masks_of(named.get(first), values))
    if not args:
        args = (kwargs.pop(first),)
    return node.layer.propagate(*args, mask=mask, **kwargs)  # type: ignore[no-any-return]


def _arguments(node: Node) -> dict[str, Any]:
    """The arguments of a call by name, in the order of the layer's parameters."""
    signature = inspect.signature(node.layer.call)
    # `training` may be passed to any layer.
    kwargs = {name: item for name, item in node.kwargs.items() if name in signature.parameters}
    return dict(signature.bind_partial(*node.args, **kwargs).arguments)


def _masks_of(argument: Any, values: dict[int, tuple[Any, Any]]) -> Any:
    """The mask of an argument, a list if it is one, or None if nothing in it has a mask."""
    masks = [
        values[id(leaf)][1] if isinstance(leaf, SymbolicTensor) else None
        for leaf in jax.tree.leaves(argument)
    ]
    if all(mask is None for mask in masks):
        return None
    return masks if isinstance(argument, (list, tuple)) else masks[0]


def _output_masks(masks: Any, count: int) -> list[Any]:
    """A mask for each output; a single mask is the first one's."""
    found = list(masks) if isinstance(masks, (list, tuple)) else [masks]
    return [*found, *[None] * count][:count]


def _mask_list(masks: Any, count: int) -> list[Any]:
    if isinstance(masks, (list, tuple)) and len(masks) == count:
        return list(masks)
    return [masks if count == 1 else None] * count


def _fit_input(array: Any, tensor: SymbolicTensor, where: str, *, by_index: bool) -> Any:
    """Casts an input to the declared type and checks its shape."""
    if isinstance(array, SymbolicTensor):
        return array
    if isinstance(array, SparseRows):
        if by_index and array.by_index and array.shape[1:] == tensor.shape[1:]:
            return array
        array = array.dense(tensor.dtype)
    array = jnp.asarray(array)
    if array.ndim == tensor.ndim - 1 and tensor.shape[-1] == 1:
        array = array[..., None]  # [B] given where [B, 1] is declared
    _check_shape(array.shape, tensor, where)
    return array if array.dtype == tensor.dtype else array.astype(tensor.dtype)


def _check_shape(shape: tuple[int, ...], tensor: SymbolicTensor, where: str) -> None:
    fits = len(shape) == tensor.ndim and all(
        want is None or want == have for want, have in zip(tensor.shape[1:], shape[1:], strict=True)
    )
    if not fits:
        raise InputError(
            where,
            expected=f"the input '{tensor.name}' with shape {tensor.shape}",
            got=tuple(shape),
            fix=_advice(tuple(shape), tensor.shape),
        )


def _advice(got: tuple[int, ...], want: tuple[int | None, ...]) -> str:
    if len(got) == len(want) - 1 and all(
        size in (None, have) for size, have in zip(want[1:], got, strict=True)
    ):
        return "This looks like a single sample: x[None] adds the batch axis."
    if len(got) == len(want) - 1 == 3:
        return "Images need a channel axis: x[..., None] adds one."
    if len(got) > len(want) == 2:
        return "Reshape each sample to a vector, x.reshape(len(x), -1), or start with Flatten."
    if len(got) == len(want):
        return "Reshape the data, or declare sizes that vary from batch to batch as None: Input((None, ...))."
    return "Reshape the data, or change the model's input shape."


def _check_symbolic(structure: Any, what: str, where: str) -> None:
    for leaf in jax.tree.leaves(structure):
        if not isinstance(leaf, SymbolicTensor):
            raise InputError(
                where,
                expected=f"{what} made by Input(...) and by calling layers on it",
                got=type(leaf).__name__,
                fix="Begin with x = Input(shape=...) and call layers: y = Dense(3)(x).",
            )


def _nodes_between(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor], where: str) -> list[Node]:
    stops = {id(tensor) for tensor in inputs}
    found: dict[int, Node] = {id(tensor.node): tensor.node for tensor in inputs if tensor.node is not None}
    waiting = [tensor for tensor in outputs if id(tensor) not in stops]
    while waiting:
        tensor = waiting.pop()
        node = tensor.node
        if node is None or not node.parents():
            raise InputError(
                where,
                expected="outputs that depend on the given inputs only",
                got=f"a path that starts at the input '{tensor.name}', which is not among them",
                fix="Add that input to `inputs`.",
            )
        if id(node) not in found:
            found[id(node)] = node
            waiting.extend(parent for parent in node.parents() if id(parent) not in stops)
    return sorted(found.values(), key=lambda node: node.serial)


def _keys(structure: Any) -> list[str] | None:
    """The names in a plain dict of tensors, in the order in which its leaves are taken."""
    if not isinstance(structure, dict) or not all(
        isinstance(item, SymbolicTensor) for item in structure.values()
    ):
        return None
    return sorted(structure)


def _names_of_inputs(tensors: list[SymbolicTensor]) -> list[str]:
    return [
        tensor.name or (tensor.node.layer.name if tensor.node is not None else f"input_{place}")
        for place, tensor in enumerate(tensors)
    ]


def _names_of_outputs(tensors: list[SymbolicTensor]) -> list[str]:
    names: list[str] = []
    for tensor in tensors:
        base = tensor.node.layer.name if tensor.node is not None else "output"
        name, count = base, 0
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names
