"""Convolutions that see each channel by itself, alone or followed by a mix of the channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from gradwise.errors import InputError
from gradwise.ops.convolution import check_operands, convolution


def depthwise_convolution(
    x: jax.Array,
    kernel: jax.Array,
    *,
    rank: int,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    dilation: int | Sequence[int] = 1,
    data_format: str = "channels_last",
    where: str = "depthwise_convolution",
) -> jax.Array:
    """Convolves each channel by itself with M kernels of its own.

    output[..., c M + m] is the convolution of channel c with kernel[..., c, m]; see `conv2d` for its formula.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        kernel: float[..., C, M].
        rank: The number of spatial axes, 1 to 3.
        strides: One number, or one for each spatial axis.
        padding: 'valid', 'same', or on one axis 'causal'.
        dilation: One number, or one for each spatial axis.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., C M], or float[B, C M, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the kernel is larger than the input.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.array([[[1.0, 10.0], [2.0, 20.0]]])
        >>> depthwise_convolution(x, jnp.ones((2, 2, 1)), rank=1).tolist()
        [[[3.0, 30.0]]]
    """
    check_operands(x, kernel, rank, data_format, where)
    channels = x.shape[-1 if data_format == "channels_last" else 1]
    if channels != kernel.shape[-2]:
        raise InputError(
            where,
            expected=f"inputs with {kernel.shape[-2]} channels (as many as the kernel)",
            got=f"{channels} channels",
            fix=f"Check the inputs, the kernel and data_format={data_format!r}.",
        )
    return convolution(
        x,
        kernel.reshape(*kernel.shape[:rank], 1, -1),  # [..., 1, C M]
        rank=rank,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=channels,
        data_format=data_format,
        where=where,
    )


def separable_convolution(
    x: jax.Array,
    depthwise_kernel: jax.Array,
    pointwise_kernel: jax.Array,
    *,
    rank: int,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    dilation: int | Sequence[int] = 1,
    data_format: str = "channels_last",
    where: str = "separable_convolution",
) -> jax.Array:
    """Convolves each channel by itself, then mixes the channels at each place (Sifre, 2014; Chollet, 2017).

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        depthwise_kernel: float[..., C, M].
        pointwise_kernel: float[..., C M, F], of size 1 along the spatial axes.
        rank: The number of spatial axes, 1 to 3.
        strides: One number, or one for each spatial axis.
        padding: 'valid', 'same', or on one axis 'causal'.
        dilation: One number, or one for each spatial axis.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., F], or float[B, F, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the kernel is larger than the input.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.array([[[1.0, 10.0], [2.0, 20.0]]])
        >>> separable_convolution(x, jnp.ones((2, 2, 1)), jnp.ones((1, 2, 1)), rank=1).tolist()
        [[[33.0]]]
    """
    alone = depthwise_convolution(
        x,
        depthwise_kernel,
        rank=rank,
        strides=strides,
        padding=padding,
        dilation=dilation,
        data_format=data_format,
        where=where,
    )
    return convolution(alone, pointwise_kernel, rank=rank, data_format=data_format, where=where)
