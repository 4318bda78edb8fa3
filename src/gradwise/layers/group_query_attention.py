"""Attention whose heads share keys and values in groups."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_count
from gradwise.layers.multi_head_attention import MultiHeadAttention
from gradwise.registry import register


@register("layers.GroupQueryAttention", aliases=("GroupedQueryAttention",))
class GroupQueryAttention(MultiHeadAttention):
    """Attends with several heads of which groups share keys and values.

    The method is that of Ainslie et al., 2023, arXiv:2305.13245. One key head is multi-query attention; as
    many as query heads is `MultiHeadAttention`, whose arguments of the call and masks it has. The output is
    as wide as the query.

    Args:
        head_dim: The size of one head.
        num_query_heads: The number of heads of the query.
        num_key_value_heads: The number of heads of key and value, a divisor of the former.
        dropout: The fraction of the weights dropped in training.
        use_bias: Whether the four maps have biases.
        sliding_window: A query attends only to keys fewer than this many places away; all by default.
        flash_attention: Whether to use the device's fused kernel; by default where it can be.
        kernel_initializer: How the kernels start.
        bias_initializer: How the biases start.
        kernel_regularizer: A penalty on each kernel.
        bias_regularizer: A penalty on each bias.
        kernel_constraint: Applied to each kernel after each update.
        bias_constraint: Applied to each bias after each update.
        use_gate: Whether to multiply the heads' outputs by sigmoid gates of the query.
        seed: A number mixed into the random stream of the dropout.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or shapes of inputs or masks do not fit.

    Shapes: float[B, T, D], float[B, S, E] and float[B, S, F] to float[B, T, D].

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.ones((1, 5, 8))
        >>> GroupQueryAttention(head_dim=4, num_query_heads=6, num_key_value_heads=2)(x, x).shape
        (1, 5, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        kind = type(self).__name__
        super().__init__(
            check_count(kind, "num_query_heads", num_query_heads),
            check_count(kind, "head_dim", head_dim),
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **options,
        )
        self.key_heads = check_count(self.where, "num_key_value_heads", num_key_value_heads)
        if self.num_heads % self.key_heads:
            raise InputError(
                self.where,
                expected="num_query_heads to be a multiple of num_key_value_heads",
                got=f"{self.num_heads} and {self.key_heads}",
                fix="Each key head serves the same number of query heads.",
            )
