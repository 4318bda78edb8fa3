"""Layers that merge several inputs into one."""

from __future__ import annotations

from functools import reduce
from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.registry import register


class Merge(Layer):
    """Base of the merging layers: checks the inputs and merges their masks.

    As in Keras, a step of the output counts if it counts in any input. An input without a mask counts in
    full, so if there is one the output has no mask.
    """

    couples_rows = "never"
    supports_masking = True
    exactly: int | None = None

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Merges the inputs."""
        self.check_list(inputs)
        given = mask if mask is not None else [None] * len(inputs)
        rank = max(item.ndim for item in inputs)
        masks = [
            None if kept is None else _to_rank(_wide(kept, item.ndim), rank)
            for kept, item in zip(given, inputs, strict=True)
        ]
        try:
            return self.merge([_to_rank(jnp.asarray(item), rank) for item in inputs], masks)
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise self._mismatch(inputs) from None

    def check_list(self, inputs: Any) -> None:
        """Checks that the inputs are enough arrays, with batches of one size.

        Raises:
            InputError: They are not.
        """
        where = f"{type(self).__name__} '{self.name}'"
        listed = isinstance(inputs, (list, tuple))
        count = len(inputs) if listed else 0
        if count < 1 or (self.exactly is not None and count != self.exactly):
            wanted = (
                "a list of inputs" if self.exactly is None else f"a list of exactly {self.exactly} inputs"
            )
            raise InputError(
                where,
                expected=wanted,
                got=f"{count}" if listed else "a single one",
                fix=f"Call it on a list: {type(self).__name__}()([a, b]).",
            )
        batches = {item.shape[0] for item in inputs if item.ndim}
        if len(batches) > 1:
            raise InputError(
                where,
                expected="inputs with the same number of samples",
                got=", ".join(str(tuple(item.shape)) for item in inputs),
                fix="Give as many samples to each input of the model.",
            )

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """Merges arrays of one rank; the masks are None or can be broadcast to them."""
        return reduce(self.pair, inputs)

    def pair(self, first: Any, second: Any) -> Any:
        """Merges two arrays."""
        return first + second

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps a step if any input keeps it."""
        masks = mask or []
        if not masks or any(item is None for item in masks) or len({item.ndim for item in masks}) > 1:
            return None
        return reduce(jnp.logical_or, masks)

    def _mismatch(self, inputs: Any) -> InputError:
        return InputError(
            f"{type(self).__name__} '{self.name}'",
            expected="inputs of matching shapes",
            got=", ".join(str(tuple(item.shape)) for item in inputs),
            fix="Bring them to one shape first, for example with Dense or Reshape.",
        )


class _Extreme(Merge):
    """Base of Maximum and Minimum: where one input's step does not count, the other's is taken."""

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """Merges pair by pair."""
        output, counts = inputs[0], masks[0]
        for item, mask in zip(inputs[1:], masks[1:], strict=True):
            other = item if mask is None else jnp.where(mask, item, output)
            output = output if counts is None else jnp.where(counts, output, other)
            counts = None if counts is None or mask is None else jnp.logical_or(counts, mask)
            output = self.pair(output, other)
        return output


def _wide(mask: Any, rank: int) -> Any:
    """Gives a mask of steps the axes of features that its input has."""
    mask = jnp.asarray(mask)
    return mask.reshape(mask.shape + (1,) * (rank - mask.ndim))


def _to_rank(item: Any, rank: int) -> Any:
    """Puts axes of size 1 behind the batch axis."""
    return item.reshape(item.shape[:1] + (1,) * (rank - item.ndim) + item.shape[1:])


@register("layers.Add")
class Add(Merge):
    """Adds its inputs.

    Example:
        >>> Add()([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """


@register("layers.Subtract")
class Subtract(Merge):
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
class Multiply(Merge):
    """Multiplies its inputs element by element.

    Example:
        >>> Multiply()([jnp.full((1, 2), 2.0), jnp.full((1, 2), 3.0)]).tolist()
        [[6.0, 6.0]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """Multiplies; a step that does not count multiplies by 1, and where none counts there is 0."""
        counting = [
            item if mask is None else jnp.where(mask, item, jnp.ones((), item.dtype))
            for item, mask in zip(inputs, masks, strict=True)
        ]
        product = reduce(jnp.multiply, counting)
        if any(mask is None for mask in masks):
            return product
        return jnp.where(reduce(jnp.logical_or, masks), product, jnp.zeros((), product.dtype))


@register("layers.Average")
class Average(Merge):
    """Averages its inputs.

    Example:
        >>> Average()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.5, 0.5]]
    """

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """Averages."""
        return reduce(jnp.add, inputs) / len(inputs)


@register("layers.Maximum")
class Maximum(_Extreme):
    """Takes the larger of its inputs element by element.

    Example:
        >>> Maximum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    def pair(self, first: Any, second: Any) -> Any:
        """Takes the larger."""
        return jnp.maximum(first, second)


@register("layers.Minimum")
class Minimum(_Extreme):
    """Takes the smaller of its inputs element by element.

    Example:
        >>> Minimum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def pair(self, first: Any, second: Any) -> Any:
        """Takes the smaller."""
        return jnp.minimum(first, second)


@register("layers.Concatenate")
class Concatenate(Merge):
    """Joins its inputs along an axis.

    Args:
        axis: The axis, the last by default; never the batch axis.
        options: The settings every layer takes.

    Raises:
        InputError: `axis` is 0 or the inputs have no such axis, or other sizes differ.

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

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Joins."""
        self.check_list(inputs)
        ranks = {item.ndim for item in inputs}
        if len(ranks) > 1:
            raise InputError(
                f"Concatenate '{self.name}'",
                expected="inputs with the same number of axes",
                got=", ".join(str(tuple(item.shape)) for item in inputs),
                fix="Reshape or Flatten some of them first.",
            )
        rank = inputs[0].ndim
        if not -rank < self.axis < rank:
            raise InputError(
                f"Concatenate '{self.name}'",
                expected=f"an axis of inputs with {rank} axes, other than the batch",
                got=self.axis,
                fix="Use axis=-1.",
            )
        try:
            return jnp.concatenate([jnp.asarray(item) for item in inputs], self.axis)
        except (TypeError, ValueError):
            raise InputError(
                f"Concatenate '{self.name}'",
                expected=f"inputs whose shapes differ only along axis {self.axis}",
                got=", ".join(str(tuple(item.shape)) for item in inputs),
                fix="Choose another axis, or bring the other axes to one size first.",
            ) from None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Joins the masks when steps are joined, else keeps a step that any input keeps."""
        masks = mask or []
        if all(item is None for item in masks):
            return None
        rank = jnp.ndim(inputs[0])
        deepest = max(item.ndim for item in masks if item is not None)
        if self.axis % rank >= deepest:
            return super().compute_mask(inputs, mask)
        full = []
        for array, item in zip(inputs, masks, strict=True):
            sizes = jnp.shape(array)[:deepest]
            kept = jnp.ones(sizes, bool) if item is None else _wide(item, deepest)
            full.append(jnp.broadcast_to(kept, sizes))
        return jnp.concatenate(full, self.axis % rank)
