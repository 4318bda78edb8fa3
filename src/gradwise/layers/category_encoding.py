"""Whole numbers as one-hot and multi-hot rows and as counts."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.adapting import refuse_sparse
from gradwise.layers.checks import check_choice, check_count
from gradwise.ops import categories
from gradwise.registry import register


def encode(where: str, indices: Any, mode: str, num_tokens: int, dtype: Any, weights: Any = None) -> Any:
    """Encodes indices as the setting `output_mode` of several layers says.

    Args:
        where: The layer, for errors.
        indices: int[B, ...].
        mode: "one_hot", "multi_hot" or "count".
        num_tokens: The length K of a row.
        dtype: The type of the result.
        weights: What each index counts in mode "count".

    Returns:
        float[B, ..., K] for "one_hot", where a last axis of size 1 is dropped first; float[B, K] else.

    Raises:
        InputError: The mode takes two axes, and there are others.

    Example:
        >>> encode("here", jnp.array([[0, 2]]), "multi_hot", 3, "float32").tolist()
        [[1.0, 0.0, 1.0]]
    """
    if mode == "one_hot":
        dropped = indices[..., 0] if indices.ndim > 1 and indices.shape[-1] == 1 else indices
        return categories.one_hot(dropped, num_tokens, dtype)
    if indices.ndim != 2:
        raise InputError(
            where,
            expected=f"inputs of shape [B, T] in mode '{mode}'",
            got=tuple(indices.shape),
            fix="Add an axis, inputs[:, None], or set output_mode='one_hot'.",
        )
    if mode == "multi_hot":
        return categories.multi_hot(indices, num_tokens, dtype)
    return categories.count(indices, num_tokens, weights, dtype)


@register("layers.CategoryEncoding")
class CategoryEncoding(Layer):
    """Turns whole numbers below `num_tokens` into rows of zeros and ones, or counts.

    Args:
        num_tokens: How many numbers there are, from 0 on.
        output_mode: "multi_hot" gives each sample one row with a 1 for each number in it, "count" how often
            each is in it, "one_hot" a row for each number.
        sparse: Not supported.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used; `fit`, `evaluate`, `predict` and a call on arrays also refuse
            numbers outside, which Keras leaves out in silence.

    Shapes: int[B, T] to float[B, num_tokens]; for "one_hot" int[B, ...] to float[B, ..., num_tokens], where a
    last axis of size 1 is dropped.

    Example:
        >>> CategoryEncoding(num_tokens=4)(jnp.array([[0, 1], [3, 3]])).tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    couples_rows = "never"
    input_dtype = "int32"

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"CategoryEncoding '{self.name}'"
        self.num_tokens = check_count(where, "num_tokens", num_tokens)
        mode = "multi_hot" if output_mode == "binary" else output_mode  # the name in Keras 2
        self.output_mode = check_choice(where, "output_mode", mode, ("multi_hot", "one_hot", "count"))
        refuse_sparse(where, sparse=sparse)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """Encodes; `count_weights` float[B, T] are added up in mode "count"."""
        where = f"CategoryEncoding '{self.name}'"
        if count_weights is not None and self.output_mode != "count":
            raise InputError(
                where,
                expected="count_weights in mode 'count' only",
                got=f"them in mode '{self.output_mode}'",
                fix="Set output_mode='count', or leave them out.",
            )
        if not isinstance(inputs, jax.core.Tracer):
            self.check_values(np.asarray(inputs))
        dtype = self.dtype_policy.compute
        return encode(where, jnp.asarray(inputs), self.output_mode, self.num_tokens, dtype, count_weights)

    def check_values(self, values: np.ndarray) -> None:
        """Refuses numbers outside, on the host, before anything runs."""
        if not values.size:
            return
        low, high = values.min(), values.max()
        if not (low >= 0 and high < self.num_tokens):
            raise InputError(
                f"CategoryEncoding '{self.name}'",
                expected=f"whole numbers from 0 to {self.num_tokens - 1} (num_tokens={self.num_tokens})",
                got=f"values from {low} to {high}",
                fix="Raise num_tokens, or number the values first with IntegerLookup or StringLookup.",
            )
