"""Layers that merge several inputs into one."""

from __future__ import annotations

from functools import reduce
from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


class _Merge(Layer):
    """Base of the merging layers: checks the inputs and merges their masks."""

    couples_rows = "never"
    supports_masking = True
    exactly: int | None = None

    def build(self, input_shape: Any) -> None:
        """Checks that there are enough inputs."""
        count = len(input_shape) if isinstance(input_shape, list) else 0
        if count < 1 or (self.exactly is not None and count != self.exactly):
            wanted = (
                "a list of inputs" if self.exactly is None else f"a list of exactly {self.exactly} inputs"
            )
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected=wanted,
                got=f"{count}" if isinstance(input_shape, list) else "a single one",
                fix=f"Call it on a list: {type(self).__name__}()([a, b]).",
            )

    def call(self, inputs: Any) -> Any:
        """Merges the inputs."""
        try:
            return self.merge([jnp.asarray(item) for item in _same_rank(inputs)])
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected="inputs of matching shapes",
                got=", ".join(str(tuple(item.shape)) for item in inputs),
                fix="Bring them to one shape first, for example with Dense or Reshape.",
            ) from None

    def merge(self, inputs: list[Any]) -> Any:
        """Merges arrays of one rank."""
        return reduce(self.pair, inputs)

    def pair(self, first: Any, second: Any) -> Any:
        """Merges two arrays."""
        return first + second

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps a step if every masked input keeps it."""
        masks = [item for item in (mask or []) if item is not None]
        return reduce(jnp.logical_and, masks) if masks else None


def _same_rank(inputs: Any) -> list[Any]:
    rank = max(item.ndim for item in inputs)
    return [
        item
        if item.ndim == rank
        else item.reshape(item.shape[:1] + (1,) * (rank - item.ndim) + item.shape[1:])
        for item in inputs
    ]


@register("layers.Add")
class Add(_Merge):
    """Adds its inputs.

    Example:
        >>> Add()([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """


@register("layers.Subtract")
class Subtract(_Merge):
    """Subtracts its second input from the first.

    Example:
        >>> Subtract()([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    exactly = 2

    def pair(self, first: Any, second: Any) -> Any:
        """Subtracts."""
        return first - second


@register("layers.Multiply")
class Multiply(_Merge):
    """Multiplies its inputs element by element.

    Example:
        >>> Multiply()([jnp.full((1, 2), 2.0), jnp.full((1, 2), 3.0)]).tolist()
        [[6.0, 6.0]]
    """

    def pair(self, first: Any, second: Any) -> Any:
        """Multiplies."""
        return first * second


@register("layers.Average")
class Average(_Merge):
    """Averages its inputs.

    Example:
        >>> Average()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.5, 0.5]]
    """

    def merge(self, inputs: list[Any]) -> Any:
        """Averages."""
        return reduce(jnp.add, inputs) / len(inputs)


@register("layers.Maximum")
class Maximum(_Merge):
    """Takes the larger of its inputs element by element.

    Example:
        >>> Maximum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    def pair(self, first: Any, second: Any) -> Any:
        """Takes the larger."""
        return jnp.maximum(first, second)


@register("layers.Minimum")
class Minimum(_Merge):
    """Takes the smaller of its inputs element by element.

    Example:
        >>> Minimum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def pair(self, first: Any, second: Any) -> Any:
        """Takes the smaller."""
        return jnp.minimum(first, second)


@register("layers.Concatenate")
class Concatenate(_Merge):
    """Joins its inputs along an axis.

    Args:
        axis: The axis, the last by default; never the batch axis.
        options: The settings every layer takes.

    Raises:
        InputError: `axis` is 0, or other sizes differ.

    Example:
        >>> Concatenate()([jnp.ones((1, 2)), jnp.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis: int = -1, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        if axis == 0:
            raise InputError(
                f"Concatenate '{self.name}'",
                expected="an axis other than the batch",
                got=0,
                fix="Use axis=-1.",
            )
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """Joins."""
        ranks = {item.ndim for item in inputs}
        if len(ranks) > 1:
            raise InputError(
                f"Concatenate '{self.name}'",
                expected="inputs with the same number of axes",
                got=", ".join(str(tuple(item.shape)) for item in inputs),
                fix="Reshape or Flatten some of them first.",
            )
        return super().call(inputs)

    def merge(self, inputs: list[Any]) -> Any:
        """Joins."""
        return jnp.concatenate(inputs, self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Joins the masks when steps are joined, else keeps a step that all inputs keep."""
        masks = mask or []
        if all(item is None for item in masks):
            return None
        if self.axis % inputs[0].ndim != 1:
            return super().compute_mask(inputs, mask)
        full = [
            jnp.broadcast_to(jnp.ones((), bool) if item is None else item, array.shape[:2])
            for array, item in zip(inputs, masks, strict=True)
        ]
        return jnp.concatenate(full, 1)


@register("layers.Dot")
class Dot(_Merge):
    """Computes the product of two inputs over an axis of each.

    Args:
        axes: An axis of both, or a pair of axes, counted with the batch.
        normalize: Whether to scale the vectors to length 1 first (cosine similarity).
        options: The settings every layer takes.

    Raises:
        InputError: The sizes of the two axes differ, or an axis is the batch.

    Example:
        >>> Dot(axes=1)([jnp.ones((1, 3)), jnp.ones((1, 3))]).tolist()
        [[3.0]]
    """

    exactly = 2
    supports_masking = False

    def __init__(self, axes: Any, normalize: bool = False, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(pair) != 2 or 0 in pair:
            raise InputError(
                f"Dot '{self.name}'",
                expected="one or two axes other than the batch",
                got=axes,
                fix="Use axes=1.",
            )
        self.axes = pair
        self.normalize = normalize

    def call(self, inputs: Any) -> Any:
        """Multiplies and sums."""
        first, second = (jnp.asarray(item) for item in inputs)
        one, two = self.axes[0] % first.ndim, self.axes[1] % second.ndim
        if first.shape[one] != second.shape[two]:
            raise InputError(
                f"Dot '{self.name}'",
                expected="the same size on both axes",
                got=f"{tuple(first.shape)} axis {one} and {tuple(second.shape)} axis {two}",
                fix="Choose other axes.",
            )
        if self.normalize:
            first, second = _unit(first, one), _unit(second, two)
        left = [0, *range(1, first.ndim)]
        right = [0, *(100 + axis for axis in range(1, second.ndim))]
        right[two] = left[one]
        kept = [0, *(a for a in left[1:] if a != left[one]), *(b for b in right[1:] if b != left[one])]
        labels = {number: place for place, number in enumerate(dict.fromkeys([*left, *right]))}
        outputs = jnp.einsum(
            first, [labels[a] for a in left], second, [labels[b] for b in right], [labels[k] for k in kept]
        )
        return outputs[:, None] if outputs.ndim == 1 else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns None: the steps are summed over."""
        return None


def _unit(values: Any, axis: int) -> Any:
    squares = jnp.sum(values * values, axis, keepdims=True)
    return values / jnp.sqrt(jnp.maximum(squares, jnp.asarray(1e-12, values.dtype)))


def add(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Adds the tensors of a list; see `Add`.

    Example:
        >>> add([jnp.ones(1), jnp.ones(1)]).tolist()
        [2.0]
    """
    return Add(**options)(inputs)


def subtract(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Subtracts the second tensor from the first; see `Subtract`.

    Example:
        >>> subtract([jnp.ones(1), jnp.ones(1)]).tolist()
        [0.0]
    """
    return Subtract(**options)(inputs)


def multiply(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Multiplies the tensors of a list; see `Multiply`.

    Example:
        >>> multiply([jnp.ones(1), jnp.ones(1)]).tolist()
        [1.0]
    """
    return Multiply(**options)(inputs)


def average(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Averages the tensors of a list; see `Average`.

    Example:
        >>> average([jnp.ones(1), jnp.ones(1)]).tolist()
        [1.0]
    """
    return Average(**options)(inputs)


def maximum(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Takes the larger elements of the tensors of a list; see `Maximum`.

    Example:
        >>> maximum([jnp.ones(1), jnp.zeros(1)]).tolist()
        [1.0]
    """
    return Maximum(**options)(inputs)


def minimum(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Takes the smaller elements of the tensors of a list; see `Minimum`.

    Example:
        >>> minimum([jnp.ones(1), jnp.zeros(1)]).tolist()
        [0.0]
    """
    return Minimum(**options)(inputs)


def concatenate(inputs: Any, axis: int = -1, **options: Unpack[LayerOptions]) -> Any:
    """Joins the tensors of a list along an axis; see `Concatenate`.

    Example:
        >>> concatenate([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
        [[1.0, 0.0]]
    """
    return Concatenate(axis, **options)(inputs)


def dot(inputs: Any, axes: Any = -1, normalize: bool = False, **options: Unpack[LayerOptions]) -> Any:
    """Multiplies two tensors over an axis of each; see `Dot`.

    Example:
        >>> dot([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0]]
    """
    return Dot(axes, normalize, **options)(inputs)
