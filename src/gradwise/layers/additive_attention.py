"""Additive attention."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import LayerOptions
from gradwise.layers.attention import Attention
from gradwise.layers.attention_checks import check_list
from gradwise.ops import attention as ops
from gradwise.registry import register


@register("layers.AdditiveAttention")
class AdditiveAttention(Attention):
    """Averages values with weights softmax(Σ scale · tanh(query + key)).

    The method is that of Bahdanau et al., 2015, arXiv:1409.0473, section A.1.2; its projections of query and
    key are left to Dense layers, as in Keras, and scale is its vector v. Inputs, masks and further arguments
    of the call are those of `Attention`.

    Args:
        use_scale: Whether to train a scale for each feature; ones otherwise.
        dropout: The fraction of the weights dropped in training.
        seed: A number mixed into the random stream of the dropout.
        options: The settings every layer takes.

    Raises:
        InputError: The inputs are no list of two or three arrays, or shapes of inputs or masks do not fit.

    Shapes: [float[B, T, D], float[B, S, E], float[B, S, D]] to float[B, T, E].

    Example:
        >>> AdditiveAttention()([jnp.ones((1, 2, 3)), jnp.ones((1, 4, 3))]).shape
        (1, 2, 3)
    """

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **options)

    def build(self, input_shape: Any) -> None:
        """Declares scale [D]."""
        check_list(input_shape, f"AdditiveAttention '{self.name}'")
        if self.use_scale:
            self.scale = self.add_weight("scale", (input_shape[0][-1],), initializer="glorot_uniform")

    def scores(self, query: Any, key: Any) -> Any:
        """Scores each pair of a query and a key."""
        scale = self.dtype_policy.cast(jnp.asarray(self.scale.value)) if self.use_scale else None
        return ops.additive_scores(query, key, scale)
