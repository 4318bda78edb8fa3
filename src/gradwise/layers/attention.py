"""Attention over a list [query, value] or [query, value, key], without projections."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.attention_checks import check_arrays, check_list, check_masks
from gradwise.layers.dropout import Dropout
from gradwise.ops import attention as ops
from gradwise.registry import register


@register("layers.Attention")
class Attention(Layer):
    """Averages values with weights softmax(scores of query and key) (Luong et al., 2015, arXiv:1508.04025).

    The scores are query · key, not divided by √D. Call it on a list [query, value] or [query, value, key];
    the key is the value by default. `mask` is a list of one bool[B, T] for the query and one bool[B, S] for
    the value (and the key's, which is not used), each of which may be None; in a graph the masks of the
    inputs come by themselves. Steps that the value's mask leaves out get no weight; outputs at steps that
    the query's mask leaves out are 0, and so are those of a query that may attend to nothing (Keras
    averages over everything then). The query's mask holds for the output.

    Args:
        use_scale: Whether to multiply the scores by a number that is trained.
        score_mode: "dot", or "concat" for a trained number times Σ tanh(query + key).
        dropout: The fraction of the weights dropped in training.
        seed: A number mixed into the random stream of the dropout.
        options: The settings every layer takes.

    Call:
        return_attention_scores: Whether to return the weights float[B, T, S] as well.
        use_causal_mask: Whether a query attends to no later key.

    Raises:
        InputError: A setting is unknown, the inputs are no list of two or three arrays, or shapes of
            inputs or masks do not fit.

    Shapes: [float[B, T, D], float[B, S, E], float[B, S, D]] to float[B, T, E].

    Example:
        >>> Attention()([jnp.ones((1, 2, 3)), jnp.ones((1, 4, 3))]).shape
        (1, 2, 3)
    """

    couples_rows = "never"

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if score_mode not in ("dot", "concat"):
            raise InputError(
                f"{type(self).__name__} '{self.name}'",
                expected="score_mode 'dot' or 'concat'",
                got=repr(score_mode),
                fix="'dot' is the usual one.",
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.drop = Dropout(dropout, seed=seed, name="dropout", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        """Declares the trained numbers, if any."""
        check_list(input_shape, f"{type(self).__name__} '{self.name}'")
        if self.use_scale:
            self.scale = self.add_weight("scale", (), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), initializer="ones")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Scores, masks, and averages."""
        where = f"{type(self).__name__} '{self.name}'"
        query, value, key = check_arrays(inputs, where)
        query_mask, value_mask = check_masks(mask, query, value, where)
        kept = None
        if value_mask is not None:
            kept = value_mask[..., None, :]  # [B, 1, S]
        if use_causal_mask:
            earlier = ops.causal_mask(query.shape[-2], key.shape[-2])
            earlier = earlier.reshape((1,) * (query.ndim - 2) + earlier.shape)
            kept = earlier if kept is None else jnp.logical_and(kept, earlier)
        weights = ops.masked_softmax(self.scores(query, key), kept).astype(value.dtype)
        weights = self.drop(weights, training=training)
        outputs = jnp.matmul(weights, value)
        if query_mask is not None:
            outputs = jnp.where(query_mask[..., None], outputs, jnp.zeros((), outputs.dtype))
        return (outputs, weights) if return_attention_scores else outputs

    def scores(self, query: Any, key: Any) -> Any:
        """Scores each pair of a query and a key."""
        cast = self.dtype_policy.cast
        scale = cast(jnp.asarray(self.scale.value)) if self.use_scale else jnp.ones((), query.dtype)
        if self.score_mode == "dot":
            return ops.dot_scores(query * scale, key)
        weight = cast(jnp.asarray(self.concat_score_weight.value))
        scores = ops.additive_scores(query * scale, key * scale)
        return scores * weight.astype(scores.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the query's mask."""
        return mask[0] if isinstance(mask, (list, tuple)) else None
