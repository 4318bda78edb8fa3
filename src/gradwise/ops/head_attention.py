"""Attention with several heads: maps to heads and back, and products of queries, keys and values."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.ops.attention import causal_mask, dot_scores, masked_softmax, softmax_parts, wide_type
from gradwise.ops.linear import linear_map


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    fused: bool | None = None,
) -> Any:
    """Computes softmax(scale · query · keyᵀ) · value for each head (Vaswani et al., 2017, arXiv:1706.03762).

    A query that may attend to nothing gives 0, with gradients of 0.

    Args:
        query: float[B, T, H, D].
        key: float[B, S, H, D]. Also with fewer heads G, of which H / G successive heads share each
            (Ainslie et al., 2023, arXiv:2305.13245).
        value: float[B, S, H, E]. With as many heads as `key`.
        mask: bool[B or 1, H or 1, T or 1, S]. True where a query may attend to a key.
        causal: Whether a query attends to no later key.
        scale: By default 1 / √D.
        fused: Whether to use the device's fused kernel; by default where it has one, see `has_fused_kernel`.

    Returns:
        float[B, T, H, E].

    Raises:
        InputError: The fused kernel is asked for where there is none.

    Example:
        >>> ones = jnp.ones((1, 2, 1, 4))
        >>> dot_product_attention(ones, ones, 3 * ones)[0, :, 0, 0].tolist()
        [3.0, 3.0]
    """
    fits = fused is not False and has_fused_kernel(query, key, value, mask)
    if fused and not fits:
        raise InputError(
            "flash attention",
            expected="a CUDA device of compute capability 8.0 or more and 16-bit heads of 8 to 128 numbers",
            got=f"{query.dtype} heads of {query.shape[-1]} numbers on {jax.default_backend()}",
            fix="Leave flash_attention=None: it is then used where it can be.",
        )
    if fits:
        return _fused_attention(query, key, value, mask, causal, scale)
    if causal:
        earlier = causal_mask(query.shape[1], key.shape[1])[None, None]
        mask = earlier if mask is None else jnp.logical_and(mask, earlier)
    powers, total = softmax_parts(_head_scores(query, key, scale), mask)
    # Dividing after the product touches T·E numbers a head rather than T·S. On two cores, batch 32, 128
    # steps, 4 heads of 32, this and the heads-first layout take 3 ms where the plain form takes 9.
    return jnp.swapaxes(_average(powers, value) / total, 1, 2).astype(query.dtype)


def head_weights(query: Any, key: Any, mask: Any = None, scale: float | None = None) -> Any:
    """Computes softmax(scale · query · keyᵀ) for each head.

    Args:
        query: float[B, T, H, D].
        key: float[B, S, H, D]. Also with fewer heads G, of which H / G successive heads share each.
        mask: bool[B or 1, H or 1, T or 1, S]. True where a query may attend to a key.
        scale: By default 1 / √D.

    Returns:
        float[B, H, T, S].

    Example:
        >>> head_weights(jnp.ones((1, 1, 1, 2)), jnp.ones((1, 2, 1, 2))).tolist()
        [[[[0.5, 0.5]]]]
    """
    return masked_softmax(_head_scores(query, key, scale), mask)


def average_values(weights: Any, value: Any) -> Any:
    """Sums values with weights, for each head: Σ_s weights[t, s] · value[s].

    Args:
        weights: float[B, H, T, S].
        value: float[B, S, H, D]. Also with fewer heads G, of which H / G successive heads share each.

    Returns:
        float[B, T, H, D].

    Example:
        >>> average_values(jnp.full((1, 1, 1, 2), 0.5), jnp.array([[[[1.0]], [[3.0]]]])).tolist()
        [[[[2.0]]]]
    """
    return jnp.swapaxes(_average(weights, value), 1, 2).astype(value.dtype)


def has_fused_kernel(query: Any, key: Any, value: Any, mask: Any = None) -> bool:
    """Says whether the device computes this attention in one kernel that never stores the weights.

    That is cuDNN's (FlashAttention, Dao et al., 2022, arXiv:2205.14135), for 16-bit heads of equal sizes
    that are multiples of 8 up to 128; with a mask the lengths must be even.

    Args:
        query: float[B, T, H, D].
        key: float[B, S, G, D].
        value: float[B, S, G, E].
        mask: bool[B or 1, H or 1, T or 1, S], or None.

    Returns:
        True or False.

    Example:
        >>> has_fused_kernel(*[jnp.ones((1, 2, 1, 8))] * 3)
        False
    """
    half = all(array.dtype in (jnp.bfloat16, jnp.float16) for array in (query, key, value))
    size = query.shape[-1]
    fits = size % 8 == 0 and size <= 128 and value.shape[-1] == size
    even = mask is None or (query.shape[1] % 2 == 0 and key.shape[1] % 2 == 0)
    return half and fits and even and _device_has_kernel()


def split_heads(inputs: Any, kernel: Any, bias: Any = None) -> Any:
    """Maps vectors to one vector a head.

    Args:
        inputs: float[..., D].
        kernel: float[D, H, E].
        bias: float[H, E], or None.

    Returns:
        float[..., H, E].

    Example:
        >>> split_heads(jnp.ones((1, 2)), jnp.ones((2, 3, 1))).tolist()
        [[[2.0], [2.0], [2.0]]]
    """
    size, heads, width = kernel.shape
    outputs = _linear_map_of_rows(inputs, kernel.reshape(size, heads * width))
    if bias is not None:
        outputs = outputs + bias.reshape(1, heads * width)
    return outputs.reshape(*inputs.shape[:-1], heads, width)


def merge_heads(inputs: Any, kernel: Any, bias: Any = None) -> Any:
    """Maps one vector a head to outputs.

    Args:
        inputs: float[..., H, E].
        kernel: float[H, E, D]. Also with several output axes.
        bias: float[D], or None.

    Returns:
        float[..., D].

    Example:
        >>> merge_heads(jnp.ones((1, 3, 2)), jnp.ones((3, 2, 1))).tolist()
        [[6.0]]
    """
    heads, width, *sizes = kernel.shape
    flat = inputs.reshape(*inputs.shape[:-2], heads * width)
    outputs = _linear_map_of_rows(flat, kernel.reshape(heads * width, math.prod(sizes)))
    if bias is not None:
        outputs = outputs + bias.reshape(1, math.prod(sizes))
    return outputs.reshape(*inputs.shape[:-2], *sizes)


def _linear_map_of_rows(inputs: Any, kernel: Any) -> Any:
    # As one matrix of rows: the kernel's gradient then sums over one axis, by a third faster on a CPU.
    return linear_map(inputs.reshape(math.prod(inputs.shape[:-1]), inputs.shape[-1]), kernel)


def _head_scores(query: Any, key: Any, scale: float | None) -> Any:
    batch, length, heads, size = query.shape
    groups = key.shape[2]
    factor = jnp.asarray(1 / math.sqrt(size) if scale is None else scale, query.dtype)
    # Heads before steps: the batched products then read and write whole rows.
    grouped = jnp.swapaxes(query * factor, 1, 2).reshape(batch, groups, heads // groups * length, size)
    scores = dot_scores(grouped, jnp.swapaxes(key, 1, 2))
    return scores.reshape(batch, heads, length, key.shape[1])


def _average(weights: Any, value: Any) -> Any:
    """Returns Σ weights · value as float[B, H, T, D]."""
    batch, heads, length, sources = weights.shape
    groups = value.shape[2]
    grouped = weights.astype(value.dtype).reshape(batch, groups, heads // groups * length, sources)
    outputs = jnp.matmul(grouped, jnp.swapaxes(value, 1, 2), preferred_element_type=wide_type(value.dtype))
    return outputs.reshape(batch, heads, length, value.shape[-1])


def _device_has_kernel() -> bool:
    device = jax.devices()[0]
    return (
        device.platform == "gpu"
        and "cuda" in device.client.platform_version.lower()
        and float(device.compute_capability) >= 8.0
    )


def _fused_attention(query: Any, key: Any, value: Any, mask: Any, causal: bool, scale: float | None) -> Any:
    if mask is not None:  # the kernel takes no mask that broadcasts over steps
        mask = jnp.broadcast_to(mask, (*mask.shape[:2], query.shape[1], key.shape[1]))
    outputs = jax.nn.dot_product_attention(
        query, key, value, mask=mask, scale=scale, is_causal=causal, implementation="cudnn"
    )
    if mask is None:
        return outputs
    # The kernel averages over everything where the mask keeps nothing.
    kept = jnp.any(mask, -1, keepdims=True)  # [B, H, T, 1]
    return jnp.where(jnp.swapaxes(kept, 1, 2), outputs, jnp.zeros((), outputs.dtype))
