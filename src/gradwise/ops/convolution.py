"""Convolution as deep learning means it: cross-correlation, the kernel is not flipped."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from gradwise.errors import InputError
from gradwise.ops.convolution_forms import Settings, choose_form
from gradwise.ops.windows import (
    channels_to_end,
    channels_to_front,
    check_choice,
    check_window_fits,
    padding_amounts,
    per_axis,
    windows_along,
)


def conv2d(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    dilation: int | Sequence[int] = (1, 1),
    groups: int = 1,
    data_format: str = "channels_last",
) -> jax.Array:
    """Slides a kernel over images and takes the sum of products at each place.

    output[b, i, j, f] = sum over h, w, c of x[b, i s + h d, j s + w d, c] kernel[h, w, c, f]
    (cross-correlation; stride s, dilation d). The output is floor((n + 2p - k)/s) + 1 long, with p = 0 for
    'valid'; for 'same' it is ceil(n / s), the odd element of padding being put after, as in Keras.

    Args:
        x: float[B, H, W, C], or float[B, C, H, W] for channels_first.
        kernel: float[KH, KW, C/groups, F] in both formats.
        strides: The steps of the kernel, one number or (height, width).
        padding: 'valid' (none) or 'same' (zeros).
        dilation: The distance between the input values that neighbours in the kernel meet.
        groups: The number of groups of channels, each seen by its own F/groups filters.
        data_format: 'channels_last' or 'channels_first'.

    Returns:
        float[B, OH, OW, F], or float[B, F, OH, OW] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the kernel is larger than the input.

    Example:
        >>> import jax.numpy as jnp
        >>> image = jnp.arange(9.0).reshape(1, 3, 3, 1)
        >>> conv2d(image, jnp.ones((2, 2, 1, 1)))[0, :, :, 0].tolist()
        [[8.0, 12.0], [20.0, 24.0]]
    """
    return convolution(
        x,
        kernel,
        rank=2,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
        data_format=data_format,
        where="conv2d",
    )


def convolution(
    x: jax.Array,
    kernel: jax.Array,
    *,
    rank: int,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    where: str = "convolution",
) -> jax.Array:
    """Slides a kernel over one, two or three spatial axes; see `conv2d` for the formula.

    The work is done in the form that is fastest for the shapes at hand; see `convolution_forms`.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        kernel: float[..., C/groups, F].
        rank: The number of spatial axes, 1 to 3.
        strides: One number, or one for each spatial axis.
        padding: 'valid' (none) or 'same' (zeros); on one axis also 'causal', all of (k - 1) d zeros before,
            so that no output sees a later input.
        dilation: One number, or one for each spatial axis.
        groups: The number of groups of channels, each seen by its own F/groups filters.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., F], or float[B, F, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the kernel is larger than the input.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.array([[[1.0], [2.0], [4.0]]])
        >>> convolution(x, jnp.array([[[-1.0]], [[1.0]]]), rank=1).ravel().tolist()
        [1.0, 2.0]
    """
    check_choice(padding, ("valid", "same", "causal") if rank == 1 else ("valid", "same"), where, "padding")
    check_choice(data_format, ("channels_last", "channels_first"), where, "data_format")
    strides = per_axis(strides, rank, where, "strides")
    dilation = per_axis(dilation, rank, where, "dilation")
    check_operands(x, kernel, rank, data_format, where)
    _check_channels(
        x.shape[1 if data_format == "channels_first" else -1], kernel.shape, groups, data_format, where
    )
    if data_format == "channels_first":
        x = channels_to_end(x)
    sizes = x.shape[1:-1]
    window = tuple((f - 1) * d + 1 for f, d in zip(kernel.shape[:rank], dilation, strict=True))
    pads: tuple[tuple[int, int], ...] = tuple((f - 1, 0) for f in window)
    if padding != "causal":
        check_window_fits(sizes, window, strides, padding, where, "kernel")
        pads = padding_amounts(sizes, window, strides, padding)
    padded = tuple(n + low + high for n, (low, high) in zip(sizes, pads, strict=True))
    form = choose_form(x, kernel, windows_along(padded, window, strides, (1,) * rank), groups)
    output = form(x, kernel, Settings(strides, pads, dilation, groups))
    return channels_to_front(output) if data_format == "channels_first" else output


def check_operands(x: jax.Array, kernel: jax.Array, rank: int, data_format: str, where: str) -> None:
    """Checks that inputs and kernel have the axes of a convolution, and one type.

    Args:
        x: The inputs.
        kernel: The kernel.
        rank: The number of spatial axes.
        data_format: 'channels_last' or 'channels_first'.
        where: The op or layer, for the error.

    Raises:
        InputError: An axis is missing or too many, or the types differ.

    Example:
        >>> import jax.numpy as jnp
        >>> check_operands(jnp.ones((2, 5, 3)), jnp.ones((2, 3, 1)), 1, "channels_last", "here")
    """
    last = data_format == "channels_last"
    if x.ndim != rank + 2:
        axes = {1: "L", 2: "H, W", 3: "D, H, W"}[rank]
        example = "x[..., None]" if last else "x[:, None]"
        raise InputError(
            where,
            expected=f"inputs of shape [B, {axes}, C]" if last else f"inputs of shape [B, C, {axes}]",
            got=x.shape,
            fix=f"Add the missing axis, for example the channel axis with {example}.",
        )
    if kernel.ndim != rank + 2:
        raise InputError(
            where,
            expected=f"a kernel with {rank} spatial axes, input channels and filters",
            got=kernel.shape,
            fix="Reshape the kernel.",
        )
    if x.dtype != kernel.dtype:
        raise InputError(
            where,
            expected="inputs and kernel of one type",
            got=f"{x.dtype} and {kernel.dtype}",
            fix="Convert one of them with .astype(...).",
        )


def _check_channels(
    channels: int, kernel: tuple[int, ...], groups: int, data_format: str, where: str
) -> None:
    if groups < 1 or kernel[-1] % groups:
        raise InputError(
            where,
            expected=f"the number of filters to be a multiple of groups={groups}",
            got=f"{kernel[-1]} filters",
            fix="Change `groups` or the number of filters.",
        )
    if channels != kernel[-2] * groups:
        each = f"{kernel[-2]} channels in each of {groups} groups" if groups > 1 else "as many as the kernel"
        raise InputError(
            where,
            expected=f"inputs with {kernel[-2] * groups} channels ({each})",
            got=f"{channels} channels",
            fix=f"Check the inputs, the kernel, `groups` and data_format={data_format!r}.",
        )
