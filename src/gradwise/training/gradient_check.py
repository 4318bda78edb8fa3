"""Gradient checking: the gradients of a model against differences of its loss, in double precision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from gradwise import config
from gradwise.core.dtypes import as_policy
from gradwise.core.layer import Layer
from gradwise.core.variable import Frame
from gradwise.errors import InputError
from gradwise.training import feeding
from gradwise.training.step import Batch, Forward

# The error of a two-sided difference is about ε² f'''/6 + 1e-16 |f| / ε; this ε keeps both near 1e-10.
_SHIFT = 3e-6


@dataclass(frozen=True)
class GradientCheck:
    """What `check_gradients` found; prints as a table, the worst tensor first.

    Args:
        errors: For each trainable tensor the relative error |g - d| / (|g| + |d|) between its gradient g and
            the differences d, in the Euclidean norm.
        checked: How many entries of each tensor were tried.
        tolerance: The largest error that passes.

    Example:
        >>> GradientCheck({"dense/kernel": 2e-9}, {"dense/kernel": 6}, 1e-7).passed
        True
    """

    errors: Mapping[str, float]
    checked: Mapping[str, int]
    tolerance: float

    @property
    def worst(self) -> str:
        """The tensor with the largest error."""
        return max(self.errors, key=lambda path: self.errors[path])

    @property
    def passed(self) -> bool:
        """Whether every error is within the tolerance."""
        return all(error <= self.tolerance for error in self.errors.values())

    def __str__(self) -> str:
        verdict = "agree with" if self.passed else "DIFFER from"
        lines = [
            f"Gradients {verdict} two-sided differences: worst {self.worst}, "
            f"relative error {self.errors[self.worst]:.1e} (tolerance {self.tolerance:.0e})."
        ]
        width = max(len(path) for path in self.errors)
        for path in sorted(self.errors, key=lambda path: -self.errors[path]):
            flag = "" if self.errors[path] <= self.tolerance else "  <- differs"
            lines.append(f"  {path:<{width}}  {self.errors[path]:.1e}  {self.checked[path]} entries{flag}")
        return "\n".join(lines)


def check_gradients(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    tolerance: float = 1e-7,
    entries: int | None = 100,
    seed: int = 0,
) -> GradientCheck:
    """Compares the gradient of a compiled model's loss with two-sided differences, tensor by tensor.

    The loss is the one that training minimises: on the whole of `x` as one batch, in training mode, with the
    penalties of regularizers. Everything runs in float64; the model keeps its own weights and types. A
    gradient that agrees has a relative error below 1e-7; one above 1e-3 is wrong (deep-learning course notes
    001, gradient checking). Near a kink, such as ReLU's at 0, a difference may cross it: try other rows.

    Args:
        model: A compiled model without layers that draw random numbers.
        x: Inputs, a few rows: each entry tried costs two forward passes.
        y: Targets.
        sample_weight: Weights [N], if any.
        tolerance: The largest relative error that passes.
        entries: How many entries of each tensor are tried, drawn at random; None for all.
        seed: Of that draw.

    Returns:
        The errors by tensor.

    Raises:
        InputError: A layer draws random numbers (dropout, noise), or there is nothing to train.

    Example:
        >>> from gradwise.models import Sequential
        >>> from gradwise.layers import Dense, Input
        >>> model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> check_gradients(model, np.ones((5, 3)), np.arange(5.0)).passed
        True
    """
    where = "check_gradients"
    if entries is not None and (
        isinstance(entries, bool) or not hasattr(entries, "__index__") or entries < 1
    ):
        raise InputError(
            where, expected="entries as a positive integer or None", got=repr(entries), fix="Leave it out."
        )
    session = model.compiled(where)
    data = session.bind(feeding.read(model, x, y, sample_weight, where), where)
    paths = model.trainable_paths()
    values = {path: variable.numpy() for path, variable in model.named_variables().items()}
    if not paths:
        raise InputError(
            where, expected="trainable weights", got="none", fix="Set trainable = True on some layer."
        )
    with _double_precision(model):
        values, inputs, targets, weights = jax.tree.map(
            _double, (values, data.inputs, data.targets, data.weights)
        )
        trained = {path: value for path, value in values.items() if path in paths}
        state = {path: value for path, value in values.items() if path not in paths}
        forward = _Repeatable(model, session.objective)
        totals = session.objective.init()

        def loss(weights_now: dict[str, Any]) -> Any:
            batch = Batch(inputs, targets, weights)
            return forward.loss(weights_now, state, totals, batch, training=True)[0]

        chosen = _chosen(trained, entries, np.random.default_rng(seed))
        return GradientCheck(
            _errors(loss, trained, chosen, tolerance),
            {path: len(places) for path, places in chosen.items()},
            tolerance,
        )


def _errors(
    loss: Any, trained: dict[str, Any], chosen: dict[str, np.ndarray], tolerance: float
) -> dict[str, float]:
    point, unravel = ravel_pytree(trained)  # the tensors one after another, sorted by path
    starts = dict(zip(sorted(trained), _offsets(trained), strict=True))
    places = np.concatenate([starts[path] + chosen[path] for path in sorted(trained)])

    def difference(place: Any) -> Any:
        up, down = (loss(unravel(point.at[place].add(shift))) for shift in (_SHIFT, -_SHIFT))
        return (up - down) / (2 * _SHIFT)

    value, gradient = jax.jit(jax.value_and_grad(loss))(trained)
    found = np.asarray(jax.jit(lambda all_places: jax.lax.map(difference, all_places))(places))
    # What rounding alone does to a difference must not count where the gradient is (nearly) zero.
    noise = 4 * np.finfo(np.float64).eps * max(abs(float(value)), 1.0) / _SHIFT
    errors, begin = {}, 0
    for path in sorted(trained):
        end = begin + len(chosen[path])
        exact, near = np.asarray(gradient[path]).ravel()[chosen[path]], found[begin:end]
        size = float(np.linalg.norm(exact) + np.linalg.norm(near))
        floor = noise * np.sqrt(end - begin) / tolerance
        errors[path] = float(np.linalg.norm(exact - near)) / max(size, floor)
        begin = end
    return errors


def _offsets(trained: dict[str, Any]) -> np.ndarray:
    sizes = [trained[path].size for path in sorted(trained)]
    return np.cumsum([0, *sizes[:-1]])


def _chosen(trained: dict[str, Any], entries: int | None, draw: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        path: np.arange(value.size)
        if entries is None or value.size <= entries
        else np.sort(draw.choice(value.size, entries, replace=False))
        for path, value in trained.items()
    }


def _double(array: Any) -> Any:
    return np.asarray(array, np.float64) if np.asarray(array).dtype.kind in "fV" else array


@contextlib.contextmanager
def _double_precision(model: Layer) -> Iterator[None]:
    """Lets every layer compute in float64, and puts all settings back."""
    floatx = config.floatx()
    layers = [layer for _, layer in model.walk()]
    policies = [layer.dtype_policy for layer in layers]
    graphs = [layer.graph for layer in layers if getattr(layer, "graph", None) is not None]
    declared = [(tensor, tensor.dtype) for graph in graphs for tensor in graph.input_list]
    config.set_floatx("float64")
    try:
        for layer in layers:
            layer.dtype_policy = as_policy("float64", "check_gradients")
        for tensor, kind in declared:
            tensor.dtype = np.dtype("float64") if kind.kind == "f" else kind
        yield
    finally:
        for tensor, kind in declared:
            tensor.dtype = kind
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy
        config.set_floatx(floatx)


class _NothingRandom(Frame):
    """A frame that refuses to give random keys."""

    def next_key(self, layer: object) -> Any:
        kind, name = type(layer).__name__, getattr(layer, "name", "")
        raise InputError(
            "check_gradients",
            expected="a model without random numbers, as both sides of a difference must see one loss",
            got=f"{kind} '{name}', which draws some",
            fix="Set its rate to 0 (noise: its stddev), or build the model without it.",
        )


class _Repeatable(Forward):
    """A forward pass in which nothing is random."""

    def frame(self, values: Mapping[str, Any], *, training: bool, key: Any = None) -> Frame:
        """Opens a frame without random keys."""
        given = {self.variables[path]: value for path, value in values.items()}
        return _NothingRandom(given, training=training, paths=self.paths)
