"""The dot product of two inputs as a layer."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.merging import Merge
from gradwise.registry import register


@register("layers.Dot")
class Dot(Merge):
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
        pair = tuple(axes) if isinstance(axes, (tuple, list)) else (axes, axes)
        if len(pair) != 2 or 0 in pair or not all(isinstance(axis, int) for axis in pair):
            raise InputError(
                f"Dot '{self.name}'",
                expected="one or two axes other than the batch",
                got=axes,
                fix="Use axes=1.",
            )
        self.axes = pair
        self.normalize = normalize

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Multiplies and sums."""
        self.check_list(inputs)
        first, second = (jnp.asarray(item) for item in inputs)
        for axis, item in zip(self.axes, (first, second), strict=True):
            if not -item.ndim < axis < item.ndim:
                raise InputError(
                    f"Dot '{self.name}'",
                    expected=f"an axis of inputs with {item.ndim} axes, other than the batch",
                    got=axis,
                    fix="Choose other axes.",
                )
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
