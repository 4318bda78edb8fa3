"""Which steps of a sequence count after a convolution has slid over it."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops.convolution_transposed import transposed_length
from gradwise.ops.windows import pad_spatial, padding_amounts, shifted_slices


def convolved_mask(
    mask: jax.Array, *, window: int, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> jax.Array:
    """Tells which steps a convolution's output keeps of a masked sequence.

    With 'same' or 'causal' padding and stride 1 each step of the output stands for the step of the input at
    its place and keeps that one's mask. Otherwise a step counts if its window meets any step that counts.

    Args:
        mask: bool[B, T]. True keeps the step.
        window: The kernel's size.
        stride: The stride.
        padding: 'valid', 'same' or 'causal'.
        dilation: The distance between the steps that neighbours in the kernel meet.

    Returns:
        bool[B, T'].

    Example:
        >>> mask = jnp.array([[True, True, False, False, False]])
        >>> convolved_mask(mask, window=2).tolist()
        [[True, True, False, False]]
    """
    if padding != "valid" and stride == 1:
        return mask
    reach = (window - 1) * dilation
    pads: tuple[tuple[int, int], ...] = ((reach, 0),)
    if padding != "causal":
        pads = padding_amounts(mask.shape[1:], (reach + 1,), (stride,), padding)
    steps = pad_spatial(mask[..., None], pads)  # [B, T, 1]
    seen = functools.reduce(jnp.logical_or, shifted_slices(steps, (window,), (stride,), (dilation,)))
    return seen[..., 0]


def spread_mask(
    mask: jax.Array, *, window: int, stride: int, padding: str = "valid", output_padding: int | None = None
) -> jax.Array:
    """Tells which steps a transposed convolution's output keeps of a masked sequence.

    With 'same' padding each step of the input stands for `stride` steps of the output. With 'valid' a step
    counts if any step that counts reaches it; those that no step reaches belong to the step before.

    Args:
        mask: bool[B, T]. True keeps the step.
        window: The kernel's size, dilation included.
        stride: The stride.
        padding: 'valid' or 'same'.
        output_padding: What the output is longer by at its end.

    Returns:
        bool[B, T'].

    Example:
        >>> mask = jnp.array([[True, False, False]])
        >>> spread_mask(mask, window=3, stride=2).tolist()
        [[True, True, True, False, False, False, False]]
    """
    length = transposed_length(mask.shape[1], window, stride, padding, output_padding)
    if padding == "same":
        return mask if stride == 1 else jnp.repeat(mask, stride, axis=1)[:, :length]
    reached = max(window, stride, length - (mask.shape[1] - 1) * stride)
    steps = lax.pad(
        mask[..., None], jnp.array(False), [(0, 0, 0), (reached - 1, reached - 1, stride - 1), (0, 0, 0)]
    )
    seen = functools.reduce(jnp.logical_or, shifted_slices(steps, (reached,), (1,), (1,)))
    return seen[:, :length, 0]
