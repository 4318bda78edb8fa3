"""Transposed convolution: the linear map whose matrix is that of a convolution, transposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.errors import InputError
from gradwise.ops.convolution import check_operands
from gradwise.ops.convolution_forms import Settings, choose_form, engine_convolution, library_form
from gradwise.ops.windows import (
    AXIS_NAMES,
    channels_to_end,
    channels_to_front,
    check_choice,
    pad_spatial,
    per_axis,
)


@dataclass(frozen=True)
class _Axis:
    """One spatial axis: stride s, dilation d, kernel size k, and the zeros put before and after.

    They surround the input whose elements are moved s apart; the flipped kernel then slides over that.
    With (k - 1) d zeros on both sides the output holds everything that any input touches.
    """

    stride: int
    dilation: int
    kernel: int
    before: int
    after: int

    @property
    def reach(self) -> int:
        return (self.kernel - 1) * self.dilation

    def length(self, n: Any) -> Any:
        return (n - 1) * self.stride + 1 + self.before + self.after - self.reach


def convolution_transpose(
    x: jax.Array,
    kernel: jax.Array,
    *,
    rank: int,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    data_format: str = "channels_last",
    where: str = "convolution_transpose",
) -> jax.Array:
    """Puts a multiple of the kernel at each input's place and adds them up: the transpose of a convolution.

    output[b, i s + h d - p, f] = sum over all such i, h and over c of x[b, i, c] kernel[h, f, c], for each
    spatial axis (stride s, dilation d). With f = (k - 1) d + 1, the output's length is

    - 'valid': (n - 1) s + max(f, s), or (n - 1) s + f + output_padding if that is given;
    - 'same': n s, or (n - 1) s + (f mod 2) + output_padding if that is given.

    The p elements that 'same' cuts off in front are as in Keras with its JAX engine.

    Args:
        x: float[B, ..., C] with `rank` spatial axes, or float[B, C, ...] for channels_first.
        kernel: float[..., F, C]; filters come before input channels.
        rank: The number of spatial axes, 1 to 3.
        strides: One number, or one for each spatial axis.
        padding: 'valid' or 'same'.
        output_padding: What the output is longer by at its end, less than the stride; None for the default.
        dilation: One number, or one for each spatial axis.
        data_format: 'channels_last' or 'channels_first'.
        where: What to call this op in errors, such as a layer's name.

    Returns:
        float[B, ..., F], or float[B, F, ...] for channels_first.

    Raises:
        InputError: A shape or setting is wrong, or the output would be empty.

    Example:
        >>> x = jnp.array([[[1.0], [10.0]]])
        >>> kernel = jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
        >>> convolution_transpose(x, kernel, rank=1, strides=2).ravel().tolist()
        [1.0, 2.0, 13.0, 20.0, 30.0]
    """
    check_choice(padding, ("valid", "same"), where, "padding")
    check_choice(data_format, ("channels_last", "channels_first"), where, "data_format")
    check_operands(x, kernel, rank, data_format, where)
    steps = per_axis(strides, rank, where, "strides")
    spreads = per_axis(dilation, rank, where, "dilation")
    extra = check_output_padding(output_padding, steps, where)
    if data_format == "channels_first":
        x = channels_to_end(x)
    if x.shape[-1] != kernel.shape[-1]:
        raise InputError(
            where,
            expected=f"inputs with {kernel.shape[-1]} channels (as many as the kernel)",
            got=f"{x.shape[-1]} channels",
            fix=f"Check the inputs, the kernel and data_format={data_format!r}.",
        )
    every = zip(kernel.shape[:rank], steps, spreads, extra or (None,) * rank, strict=True)
    axes = [_axis(k, s, d, more, padding) for k, s, d, more in every]
    _check_lengths(x.shape[1:-1], axes, where)
    output = _spread_out(x, kernel, axes)
    return channels_to_front(output) if data_format == "channels_first" else output


def check_output_padding(
    output_padding: int | Sequence[int] | None, strides: tuple[int, ...], where: str
) -> tuple[int, ...] | None:
    """Spreads `output_padding` over the spatial axes and checks it.

    Args:
        output_padding: One number for all axes, or one for each; None for the default.
        strides: The strides.
        where: The op or layer, for the error.

    Returns:
        A number for each axis, or None.

    Raises:
        InputError: A number is negative or not less than the stride.

    Example:
        >>> check_output_padding(1, (2, 3), "here")
        (1, 1)
    """
    if output_padding is None:
        return None
    values: tuple[Any, ...] = (
        tuple(output_padding) if isinstance(output_padding, Sequence) else (output_padding,) * len(strides)
    )
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if (
        not whole
        or len(values) != len(strides)
        or any(not 0 <= v < s for v, s in zip(values, strides, strict=True))
    ):
        raise InputError(
            where,
            expected=f"output_padding to be at least 0 and less than the stride, which is {strides}",
            got=repr(output_padding),
            fix="Leave output_padding out, or choose a smaller one.",
        )
    return values


def transposed_length(
    n: Any, window: int, stride: int, padding: str = "valid", output_padding: int | None = None
) -> Any:
    """Computes how long the output of a transposed convolution is along an axis.

    Args:
        n: The input's length.
        window: The kernel's size, dilation included.
        stride: The stride.
        padding: 'valid' or 'same'.
        output_padding: What the output is longer by at its end; None for the default.

    Returns:
        The output's length, see `convolution_transpose`.

    Example:
        >>> transposed_length(14, 3, 2), transposed_length(14, 3, 2, "same")
        (29, 28)
    """
    return _axis(window, stride, 1, output_padding, padding).length(n)


def _axis(kernel: int, stride: int, dilation: int, extra: int | None, padding: str) -> _Axis:
    window = (kernel - 1) * dilation + 1
    if padding == "valid":
        after = max(stride - window, 0) if extra is None else extra
        return _Axis(stride, dilation, kernel, window - 1, window - 1 + after)
    total = stride + window - 2 if extra is None else window + window % 2 - 2 + extra
    before = min((total + 1) // 2, window - 1)
    return _Axis(stride, dilation, kernel, before, total - before)


def _check_lengths(sizes: Sequence[Any], axes: Sequence[_Axis], where: str) -> None:
    for name, n, axis in zip(AXIS_NAMES[len(axes)], sizes, axes, strict=True):
        if isinstance(n, int) and axis.length(n) < 1:
            raise InputError(
                where,
                expected="an output of at least one element along each axis",
                got=f"{name} {axis.length(n)} for an input of {name} {n}",
                fix="Leave output_padding out, or give larger inputs.",
            )


def _spread_out(x: jax.Array, kernel: jax.Array, axes: Sequence[_Axis]) -> jax.Array:
    """Splits the output by its places modulo s: each part is an ordinary convolution of the input.

    With m = ceil(k / s) and t = q s + r, output[j s + r] = sum over q < m of x[j - q] kernel[q s + r]. So one
    convolution with kernels of size m gives all parts as channels, which are then put into their places
    (Shi et al., 2016, arXiv:1609.07009). No product has a zero factor but those of the kernel's padding to
    m s, and for s = k it is one matrix product.
    """
    rank = len(axes)
    taps = [axis.kernel if axis.stride == 1 else -(-(axis.reach + 1) // axis.stride) for axis in axes]
    filters = kernel.shape[-2]
    split = _split_kernel(kernel, axes, taps)  # [m1, ..., C, s1 ... F]
    sizes = x.shape[1:-1]
    counts = tuple(axis.length(n) // axis.stride + 1 for n, axis in zip(sizes, axes, strict=True))
    form = choose_form(x, split, counts, 1)
    if form is library_form:
        return _by_library(x, kernel, axes)
    pads, cuts = [], []
    for n, axis, m in zip(sizes, axes, taps, strict=True):
        dilation = axis.dilation if axis.stride == 1 else 1
        reach = (m - 1) * dilation
        skipped = axis.reach - axis.before
        # Only the parts that hold something of the output are computed.
        first, last = skipped // axis.stride, -(-(skipped + axis.length(n)) // axis.stride)
        last = min(last, n + reach)
        pads.append((reach - first, last - n))
        start = skipped - first * axis.stride
        cuts.append((-start, start + axis.length(n) - (last - first) * axis.stride))
    dilations = tuple(axis.dilation if axis.stride == 1 else 1 for axis in axes)
    parts = form(x, split, Settings((1,) * rank, tuple(pads), dilations, 1))
    strides = [axis.stride for axis in axes]
    return pad_spatial(_interleave(parts, strides, filters), cuts)


def _split_kernel(kernel: jax.Array, axes: Sequence[_Axis], taps: Sequence[int]) -> jax.Array:
    rank = len(axes)
    # A dilated kernel cannot be split by places modulo s; its zeros are written out.
    amounts = [
        (0, 0, 0) if axis.stride == 1 else (0, m * axis.stride - axis.reach - 1, axis.dilation - 1)
        for axis, m in zip(axes, taps, strict=True)
    ]
    full = lax.pad(kernel, lax.full((), 0, dtype=kernel.dtype), [*amounts, (0, 0, 0), (0, 0, 0)])
    pairs = [size for axis, m in zip(axes, taps, strict=True) for size in (m, axis.stride)]
    parts = full.reshape(*pairs, *kernel.shape[rank:])  # [m1, s1, m2, s2, ..., F, C]
    order = (*range(0, 2 * rank, 2), 2 * rank + 1, *range(1, 2 * rank, 2), 2 * rank)
    parts = jnp.flip(parts.transpose(order), tuple(range(rank)))  # [m1, m2, ..., C, s1, s2, ..., F]
    return parts.reshape(*taps, kernel.shape[-1], -1)


def _interleave(parts: jax.Array, strides: Sequence[int], filters: int) -> jax.Array:
    rank = len(strides)
    sizes = parts.shape[1 : rank + 1]
    apart = parts.reshape(parts.shape[0], *sizes, *strides, filters)  # [B, j1, j2, ..., s1, s2, ..., F]
    order = [place for axis in range(rank) for place in (axis + 1, axis + 1 + rank)]
    together = apart.transpose(0, *order, 2 * rank + 1)  # [B, j1, s1, j2, s2, ..., F]
    long = [size * stride for size, stride in zip(sizes, strides, strict=True)]
    return together.reshape(parts.shape[0], *long, filters)


def _by_library(x: jax.Array, kernel: jax.Array, axes: Sequence[_Axis]) -> jax.Array:
    rank = len(axes)
    flipped = jnp.swapaxes(jnp.flip(kernel, tuple(range(rank))), -1, -2)  # [..., C, F]
    pads = tuple((axis.before, axis.after) for axis in axes)
    settings = Settings((1,) * rank, pads, tuple(axis.dilation for axis in axes), 1)
    return engine_convolution(x, flipped, settings, input_dilation=tuple(axis.stride for axis in axes))
