"""From what users hand to `fit` and `evaluate` to arrays in the order of a model's inputs and outputs."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from gradwise.core.layer import Layer
from gradwise.core.symbolic import SymbolicTensor
from gradwise.data.arrays import count_samples, to_arrays
from gradwise.data.file_arrays import FileArray, in_memory
from gradwise.data.sparse import from_dense
from gradwise.data.weights import class_weights
from gradwise.errors import InputError, unknown_name
from gradwise.losses import Loss, check_targets
from gradwise.metrics import check_metric
from gradwise.training.objective import Objective


@dataclass
class HostData:
    """A data set on the host.

    Args:
        inputs: Arrays [N, ...], in the structure the model takes.
        targets: One array or None for each output; None before the outputs are known.
        weights: One array of sample weights or None for each output.
        count: The number of samples.
    """

    inputs: Any
    targets: Any
    weights: Any
    count: int

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """The inputs, targets and weights."""
        return self.inputs, self.targets, self.weights

    def rows(self, chosen: Any) -> HostData:
        """Returns the samples of an index array or slice."""
        inputs, targets, weights = jax.tree.map(
            lambda array: array[chosen], (self.inputs, self.targets, self.weights)
        )
        count = len(range(*chosen.indices(self.count))) if isinstance(chosen, slice) else len(chosen)
        return HostData(inputs, targets, weights, count)

    @property
    def in_files(self) -> bool:
        """Whether some of the arrays rest in files."""
        return any(isinstance(array, FileArray) for array in jax.tree.leaves(self.parts))

    def read(self) -> HostData:
        """Returns the data in memory, if they rest in files."""
        inputs, targets, weights = jax.tree.map(in_memory, self.parts)
        return HostData(inputs, targets, weights, self.count)

    def copy(self) -> HostData:
        """Returns the data in memory of their own: a generator may fill its arrays anew for each batch."""
        inputs, targets, weights = jax.tree.map(
            lambda array: array.copy() if isinstance(array, np.ndarray) else array, self.parts
        )
        return HostData(inputs, targets, weights, self.count)

    def bytes(self) -> int:
        """Returns how much memory the arrays take."""
        return sum(int(array.nbytes) for array in jax.tree.leaves((self.inputs, self.targets, self.weights)))


def read(layer: Layer, x: Any, y: Any, sample_weight: Any, where: str) -> HostData:
    """Converts and checks the arrays of one data set.

    Args:
        layer: The model.
        x: Inputs: an array, a list or dict of arrays, or a frame.
        y: Targets, likewise, or None.
        sample_weight: Weights [N] or [N, T], likewise, or None.
        where: The method, for errors.

    Returns:
        The data; targets and weights still in the user's structure.

    Raises:
        InputError: Something cannot be used, or lengths differ.
    """
    inputs = read_inputs(layer, x, where)
    # NaN may be the mark of a missing label: `check` asks the losses.
    targets = None if y is None else to_arrays(y, name="y", where=where, finite=False)
    weights = None if sample_weight is None else to_arrays(sample_weight, name="sample_weight", where=where)
    count = count_samples(where, x=inputs, y=targets, sample_weight=weights)
    return HostData(inputs, targets, weights, count)


def read_inputs(layer: Layer, x: Any, where: str) -> Any:
    """Converts and checks the inputs of a model; host layers that it begins with are run on them first.

    Args:
        layer: The model.
        x: Inputs in any form.
        where: The method, for errors.

    Returns:
        Arrays [N, ...], in the structure that programs take.

    Raises:
        InputError: Something cannot be used.
    """
    take_raw = getattr(layer, "take_raw", None)
    given = x if take_raw is None else take_raw(x)
    arrays = to_arrays(_one_input(layer, given), name="x", where=where, sparse=True, files=True)
    graph = getattr(layer, "numeric_graph", None)
    if graph is not None:
        graph.check_shapes(arrays)
    return arrays


def kept_sparse(layer: Layer, data: HostData) -> HostData:
    """Finds arrays that are mostly zeros, where the model's first layers can compute from what is not.

    Args:
        layer: A built model.
        data: Its data.

    Returns:
        The data, with matrices instead of such arrays.
    """
    graph = getattr(layer, "numeric_graph", None)
    if graph is None or not getattr(layer, "reads_sparse", False):
        return data
    arrays, structure = jax.tree.flatten(data.inputs)
    if len(arrays) != len(graph.input_list):
        return data
    names = sorted(data.inputs) if isinstance(data.inputs, dict) else graph.input_names
    takers = [graph.input_list[graph.input_names.index(name)] for name in names]
    found = [
        (graph.takes_sparse(taker) and isinstance(array, np.ndarray) and from_dense(array)) or array
        for taker, array in zip(takers, arrays, strict=True)
    ]
    return dataclasses.replace(data, inputs=jax.tree.unflatten(structure, found))


def _one_input(layer: Layer, x: Any) -> Any:
    """A list given to a model with a single input as its only array, or with its samples stacked."""
    graph = getattr(layer, "numeric_graph", None)
    if (
        not isinstance(x, (list, tuple))
        or not x
        or graph is None
        or not isinstance(graph.inputs, SymbolicTensor)
    ):
        return x
    if len(x) == 1 and np.ndim(x[0]) == graph.inputs.ndim:
        return x[0]
    alike = len({np.shape(item) for item in x if hasattr(item, "__array__")}) == 1
    return np.stack(x) if alike and np.ndim(x[0]) == graph.inputs.ndim - 1 > 0 else x


def order_outputs(items: Any, names: Sequence[str], what: str) -> list[Any]:
    """Brings targets or weights into the order of the outputs.

    Args:
        items: None, an array, a list in order or a dict by output name.
        names: The output names.
        what: "y" or "sample_weight", for errors.

    Returns:
        One item or None for each output.

    Raises:
        InputError: The number or a name does not fit.

    Example:
        >>> order_outputs({"b": 2}, ["a", "b"], "y")
        [None, 2]
    """
    if items is None:
        return [None] * len(names)
    if isinstance(items, Mapping):
        for key in items:
            if key not in names:
                raise unknown_name(what, "an output of the model", key, names)
        return [items.get(name) for name in names]
    if isinstance(items, (list, tuple)):
        if len(items) != len(names):
            raise InputError(
                what,
                expected=f"{len(names)} arrays, one for each output ({', '.join(names)})",
                got=f"{len(items)}",
                fix="Give a list in this order, or a dict by these names.",
            )
        return list(items)
    if len(names) == 1 or what == "sample_weight":
        return [items] * len(names)
    raise InputError(
        what,
        expected=f"{len(names)} arrays, one for each output ({', '.join(names)})",
        got="1",
        fix="Give a list in this order, or a dict by these names.",
    )


def apply_class_weight(
    data: HostData, class_weight: Mapping[int, float], where: str, loss: Loss | None = None
) -> HostData:
    """Multiplies the sample weights by the weights of the classes; needs a single output.

    Args:
        data: Bound data.
        class_weight: Weight by class number.
        where: The method, for errors.
        loss: The output's loss; samples whose labels it leaves out keep the weight 1.

    Returns:
        The data with new weights.

    Raises:
        InputError: There are several outputs, or targets that name no classes.
    """
    if len(data.targets) != 1 or data.targets[0] is None:
        raise InputError(
            f"{where}, class_weight",
            expected="a model with one output and targets",
            got=f"{len(data.targets)} outputs",
            fix="Use sample_weight, one array for each output.",
        )
    target = data.targets[0]
    present = None if loss is None or loss.couples_rows else loss.target_mask(target)
    rows = slice(None) if present is None else np.asarray(present).reshape(data.count, -1).any(axis=1)
    weights = np.ones(data.count, np.float32)
    weights[rows], warning = class_weights(class_weight, target[rows], where=where)
    if warning:
        warnings.warn(warning, stacklevel=4)
    old = data.weights[0]
    if old is not None:
        weights = weights.reshape(weights.shape + (1,) * (old.ndim - 1)) * old
    return HostData(data.inputs, data.targets, [weights], data.count)


def check(data: HostData, objective: Objective, shapes: Sequence[tuple[int | None, ...]], where: str) -> None:
    """Checks the targets against the losses, on the host, before anything runs."""
    for head, target, shape in zip(objective.heads, data.targets, shapes, strict=True):
        if head.loss is None:
            continue
        name = f"{where}, y" if len(objective.heads) == 1 else f"{where}, y['{head.name}']"
        if target is None:
            raise InputError(
                name,
                expected=f"targets for the output '{head.name}'",
                got="none",
                fix="Pass y, or leave out its loss.",
            )
        check_targets(head.loss, target, shape, name)
        for metric in head.metrics:
            check_metric(metric, loss=head.loss, y_true=target, where=name)
