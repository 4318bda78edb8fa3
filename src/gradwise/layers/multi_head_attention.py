"""Attention with several heads."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.variable import Variable
from gradwise.errors import InputError
from gradwise.layers.attention_checks import (
    attended_axes,
    check_mask,
    check_operand_shapes,
    check_operands,
    check_sizes,
)
from gradwise.layers.checks import check_count
from gradwise.layers.dropout import Dropout
from gradwise.ops import attention as masking
from gradwise.ops import attention_axes as folding
from gradwise.ops import head_attention as ops
from gradwise.registry import register

_OPERANDS = ("query", "value", "key")


@register("layers.MultiHeadAttention")
class MultiHeadAttention(Layer):
    """Attends with several heads, each to projections of its own (Vaswani et al., 2017, arXiv:1706.03762).

    Each head computes softmax(q · kᵀ / √key_dim) · v with q, k and v mapped from query, key and value; the
    heads' outputs together are mapped to the output (section 3.2.2). Call it as layer(query, value) or
    layer(query, value, key); for self-attention as layer(x, x).

    Masks: `query_mask` bool[B, T], `value_mask` and `key_mask` bool[B, S] keep steps, and `attention_mask`
    bool[B, T, S] or bool[B, H, T, S] keeps pairs; a key is attended to where all of them keep it. In a
    graph, and so in `Sequential` and functional models, the first three come by themselves from the masks of
    the arguments, such as those of an `Embedding` with `mask_zero`, unless given; in a `call` that you write
    yourself, pass them: `self.attention(x, x, query_mask=mask, value_mask=mask)`. The query's mask holds for
    the output. A query that may attend to nothing averages to 0, with gradients of 0.

    Kernels start as Keras' do: "glorot_uniform" takes a kernel [D, H, E] for a convolution's, with fans D · H
    and D · E, and so starts smaller than a Dense layer of the same size.

    Args:
        num_heads: The number of heads, H.
        key_dim: The size of queries and keys of one head.
        value_dim: The size of values of one head; `key_dim` by default.
        dropout: The fraction of the weights dropped in training.
        use_bias: Whether the four maps have biases.
        output_shape: The size of an output vector, or its sizes; the query's by default.
        attention_axes: The attended axes, an int or several, counted with the batch as 0; all axes between
            batch and features by default.
        sliding_window: A query attends only to keys fewer than this many places away; all by default.
        flash_attention: Whether to use the device's fused kernel, by default where it can be, see
            `ops.head_attention.has_fused_kernel`. True refuses to run without it.
        kernel_initializer: How the kernels start.
        bias_initializer: How the biases start.
        kernel_regularizer: A penalty on each kernel.
        bias_regularizer: A penalty on each bias.
        kernel_constraint: Applied to each kernel after each update.
        bias_constraint: Applied to each bias after each update.
        use_gate: Whether to multiply the heads' outputs by sigmoid(query · kernel + bias), a gate each
            (Qiu et al., 2025, arXiv:2505.06708).
        seed: A number mixed into the random stream of the dropout.
        options: The settings every layer takes.

    Call:
        return_attention_scores: Whether to return the weights float[B, H, T, S], before dropout, as well.
        use_causal_mask: Whether a query attends to no later key.

    Raises:
        InputError: A setting cannot be used, or shapes of inputs or masks do not fit.

    Shapes: float[B, T, D], float[B, S, E] and float[B, S, F] to float[B, T, D].

    Example:
        >>> x = jnp.ones((1, 5, 8))
        >>> MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        (1, 5, 8)
    """

    couples_rows = "never"
    supports_masking = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        super().__init__(**options)
        where = self.where
        self.num_heads = self.key_heads = check_count(where, "num_heads", num_heads)
        self.key_dim = check_count(where, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else check_count(where, "value_dim", value_dim)
        self.use_bias = use_bias
        self.output_sizes = None if output_shape is None else check_sizes(where, output_shape)
        self.attention_axes = attention_axes
        self.sliding_window = sliding_window
        if sliding_window is not None:
            check_count(where, "sliding_window", sliding_window)
        self.flash_attention = flash_attention
        self.kernel_settings = (kernel_initializer, kernel_regularizer, kernel_constraint)
        self.bias_settings = (bias_initializer, bias_regularizer, bias_constraint)
        self.use_gate = use_gate
        self.drop = Dropout(dropout, seed=seed, name="dropout", dtype=self.dtype_policy)
        if flash_attention and dropout > 0:
            raise InputError(
                where,
                expected="no dropout with flash_attention=True",
                got=f"dropout={dropout}",
                fix="Set dropout=0.0, or leave flash_attention=None.",
            )

    @property
    def where(self) -> str:
        """The layer's class and name, for errors."""
        return f"{type(self).__name__} '{self.name}'"

    # Building --------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes outputs from query, value and key, given in this order or by name."""
        operands = list(args[:3])
        for name in _OPERANDS[len(operands) :]:
            if name not in kwargs:
                break
            operands.append(kwargs.pop(name))
        args = (*operands, *args[3:])
        if not self.built:
            self.ensure_built(args, kwargs)
        return super().__call__(*args, **kwargs)

    def ensure_built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Builds the layer for the query, value and key at hand."""
        query, value, key = check_operands(args, self.where)
        super().ensure_built(([query, value, key],), kwargs)

    def build(self, input_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Declares kernels and biases for query, key and value, for the gate if any, and for the output.

        Args:
            input_shape: The query's shape, or a list of those of query, value and key.
            value_shape: The value's; by default the query's.
            key_shape: The key's; by default the value's.
        """
        if isinstance(input_shape, list):
            input_shape, value_shape, key_shape = input_shape
        value_shape = value_shape or input_shape
        self.shapes = (input_shape, value_shape, key_shape or value_shape)
        rank, size = len(input_shape), input_shape[-1]
        if rank < 3 or any(len(shape) != rank for shape in self.shapes):
            raise InputError(
                self.where,
                expected="inputs of shape [batch, steps, features], all with as many axes",
                got=", ".join(str(tuple(shape)) for shape in self.shapes),
                fix="Add an axis of steps, as in x[:, :, None], or take Dense for single vectors.",
            )
        self.drop.run_build(None)
        self.axes = attended_axes(self.attention_axes, rank, self.where)
        heads, width = self.num_heads, self.value_dim
        self.query_kernel, self.query_bias = self._projection("query", size, (heads, self.key_dim))
        self.key_kernel, self.key_bias = self._projection(
            "key", self.shapes[2][-1], (self.key_heads, self.key_dim)
        )
        if self.use_gate:
            self.gate_kernel, self.gate_bias = self._projection("gate", size, (heads, width))
        self.value_kernel, self.value_bias = self._projection(
            "value", value_shape[-1], (self.key_heads, width)
        )
        sizes = (size,) if self.output_sizes is None else self.output_sizes
        self.output_kernel, self.output_bias = self._projection("output", heads, sizes, width)

    def _projection(
        self, name: str, size: int, sizes: tuple[int, ...], *inner: int
    ) -> tuple[Variable, Variable | None]:
        initializer, regularizer, constraint = self.kernel_settings
        kernel = self.add_weight(
            f"{name}_kernel",
            (size, *inner, *sizes),
            initializer=initializer,
            regularizer=regularizer,
            constraint=constraint,
        )
        if not self.use_bias:
            return kernel, None
        initializer, regularizer, constraint = self.bias_settings
        bias = self.add_weight(
            f"{name}_bias", sizes, initializer=initializer, regularizer=regularizer, constraint=constraint
        )
        return kernel, bias

    # Computing -------------------------------------------------------------------------------------

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Projects, attends and maps the heads' outputs to the output."""
        query, value, key = self._arrays([query, value, value if key is None else key])
        steps, sources = query.shape[:-1], value.shape[:-1]
        mask = self._mask(steps, sources, attention_mask, query=query_mask, value=value_mask, key=key_mask)
        heads = [
            folding.fold_axes(self._split(array, kernel, bias), self.axes, 2)  # [B, T or S, H, E]
            for array, kernel, bias in (
                (query, self.query_kernel, self.query_bias),
                (key, self.key_kernel, self.key_bias),
                (value, self.value_kernel, self.value_bias),
            )
        ]
        if use_causal_mask and len(self.axes) > 1:
            raise InputError(
                self.where,
                expected="one attended axis with use_causal_mask=True",
                got=f"the axes {self.axes}",
                fix="Several axes have no order. Set attention_axes=1, say.",
            )
        if return_attention_scores or (training and self.drop.rate > 0):
            outputs, weights = self._attend_by_weights(heads, mask, use_causal_mask, training)
        else:
            outputs = self._attend(heads, mask, use_causal_mask)
        outputs = folding.unfold_axes(outputs, self.axes, steps)
        if self.use_gate:
            outputs = outputs * jax.nn.sigmoid(self._split(query, self.gate_kernel, self.gate_bias))
        outputs = ops.merge_heads(outputs, *self._values(self.output_kernel, self.output_bias))
        if return_attention_scores:
            return outputs, folding.unfold_weights(weights, self.axes, steps, sources)
        return outputs

    def _arrays(self, operands: list[Any]) -> list[Any]:
        arrays = [jnp.asarray(operand) for operand in operands]
        check_operand_shapes([array.shape for array in arrays], self.shapes, self.axes, self.where)
        compute = self.dtype_policy.compute
        return [array if array.dtype == compute else array.astype(compute) for array in arrays]

    def _values(self, kernel: Variable, bias: Variable | None) -> list[Any]:
        cast = self.dtype_policy.cast
        return [None if item is None else cast(jnp.asarray(item.value)) for item in (kernel, bias)]

    def _split(self, array: Any, kernel: Variable, bias: Variable | None) -> Any:
        return ops.split_heads(array, *self._values(kernel, bias))

    def _mask(self, steps: tuple[int, ...], sources: tuple[int, ...], pairs: Any, **masks: Any) -> Any:
        """Joins all masks to one that broadcasts to [B, H, T, S]."""
        parts = []
        for name, mask in masks.items():
            if mask is None:
                continue
            sizes = steps if name == "query" else sources
            mask = check_mask(mask, sizes[: max(2, jnp.ndim(mask))], name, self.where)
            folded = folding.fold_step_mask(mask, self.axes, sizes)  # [B, T] or [B, S]
            parts.append(folded[:, None, :, None] if name == "query" else folded[:, None, None, :])
        if pairs is not None:
            pairs = jnp.asarray(pairs).astype(bool)
            parts.append(folding.fold_pair_mask(pairs, self.axes, steps, sources, self.num_heads))
        if self.sliding_window is not None:
            length, source = (math.prod(sizes[axis] for axis in self.axes) for sizes in (steps, sources))
            parts.append(masking.window_mask(length, source, self.sliding_window)[None, None])
        return reduce(jnp.logical_and, parts) if parts else None

    def _attend(self, heads: list[Any], mask: Any, causal: bool) -> Any:
        query, key, value = heads
        return ops.dot_product_attention(query, key, value, mask, causal=causal, fused=self.flash_attention)

    def _attend_by_weights(
        self, heads: list[Any], mask: Any, causal: bool, training: bool
    ) -> tuple[Any, Any]:
        """Returns the heads' outputs, and the weights before dropout."""
        query, key, value = heads
        if self.flash_attention:
            raise InputError(
                self.where,
                expected="no return_attention_scores with flash_attention=True",
                got="both",
                fix="The fused kernel never has the weights. Leave flash_attention=None.",
            )
        if causal:
            earlier = masking.causal_mask(query.shape[1], key.shape[1])[None, None]
            mask = earlier if mask is None else jnp.logical_and(mask, earlier)
        weights = ops.head_weights(query, key, mask).astype(query.dtype)
        return ops.average_values(self.drop(weights, training=training), value), weights
