"""The ways to compute one convolution, all equal to rounding, and the rule that picks one.

On CPU the engine's own convolution of 32-bit floats reaches the speed of matrix products, but the gradients
that automatic differentiation derives from it (a window-reversed convolution, and one with the batch as
channels) run 25 to 40 times slower inside a compiled loop, and training runs inside such loops. The forms
below write the gradients as plain convolutions, matrix products, slices and pads, which run at full speed
everywhere. `benchmarks/ops_convolution.py` measures them.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops.convolution_depthwise import sum_over_places
from gradwise.ops.windows import pad_spatial, runs_on_cpu, shifted_slices


@dataclass(frozen=True)
class Settings:
    """How the kernel moves over the input; one entry for each spatial axis.

    Args:
        strides: The strides.
        pads: The padding (before, after).
        dilation: The distance between neighbours within a window.
        groups: The number of channel groups that do not see one another.

    Example:
        >>> Settings((1, 1), ((0, 0), (0, 0)), (1, 1), 1).groups
        1
    """

    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int


# From so many channels on, turning the cotangent costs less than a product that has to turn its operand.
_MANY = 64

Form = Callable[[jax.Array, jax.Array, Settings], jax.Array]


def choose_form(x: jax.Array, kernel: jax.Array, output_sizes: tuple[Any, ...], groups: int) -> Form:
    """Picks the fastest form for these shapes.

    - Accelerators, and shapes unknown until run time: the engine's own convolution.
    - Groups: each as below; with one input channel each, sums of products by place.
    - Kernels of size 1, kernels larger than the input, and types for which the engine has no fast convolution
      (64 bits, bfloat16): patches times kernel, one matrix product.
    - Volumes: as images whose channels hold the neighbours in depth.
    - Else the engine's convolution with gradients written out, which needs no patches.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C/groups, F].
        output_sizes: The output's spatial sizes.
        groups: The number of groups.

    Returns:
        A function of (x, kernel, settings).

    Example:
        >>> form = choose_form(jnp.ones((1, 8, 8, 3)), jnp.ones((3, 3, 3, 4)), (6, 6), 1)
        >>> form is library_form or form is direct_form
        True
    """
    if not runs_on_cpu() or not all(isinstance(n, int) for n in (*x.shape, *output_sizes)):
        return library_form
    if groups > 1:
        return depthwise_form if kernel.shape[-2] == 1 else grouped_form
    return _form_of_one_group(x, kernel)


def _form_of_one_group(x: jax.Array, kernel: jax.Array) -> Form:
    places = math.prod(kernel.shape[:-2])
    # The engine exchanges a kernel and an input that has fewer places, and takes 20 times as long.
    exchanged = places > math.prod(x.shape[1:-1])
    if kernel.dtype not in (jnp.float32, jnp.float16) or places == 1 or exchanged:
        return patch_form
    return volume_form if kernel.ndim == 5 else direct_form


def library_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves with the engine's own operation (cuDNN on NVIDIA).

    Args:
        x: float[B, ..., C].
        kernel: float[..., C/groups, F].
        settings: How the kernel moves.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 1)
        >>> library_form(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 1)), settings).ravel().tolist()
        [6.0, 6.0]
    """
    return engine_convolution(x, kernel, settings)


def patch_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Gathers what each window sees into one row, then multiplies rows and kernel (im2col).

    Its gradients are matrix products, too: patches^T g for the kernel, and for the input g kernel^T, padded
    and summed back.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C, F].
        settings: How the kernel moves.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 1)
        >>> patch_form(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 1)), settings).ravel().tolist()
        [6.0, 6.0]
    """
    return _patch_product(x, kernel, settings)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _patch_product(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    return _product_of_patches(x, kernel, settings)


@_patch_product.defjvp
def _patch_product_tangent(
    settings: Settings, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # Transposed, the second product is the gradient of the kernel: with the places first it is a plain
    # product of [places * C, N] and [N, F], three times as fast as one that has to turn the patches.
    x, kernel = primals
    output = _patch_product(x, kernel, settings)
    from_x = _product_of_patches(tangents[0], kernel, settings)
    rows = jnp.concatenate(
        [jnp.moveaxis(part, -1, 0).reshape(part.shape[-1], -1) for part in _slices(x, kernel, settings)]
    )  # [places * C, N]
    from_kernel = lax.dot_general(rows, tangents[1].reshape(-1, kernel.shape[-1]), (((0,), (0,)), ((), ())))
    return output, from_x + from_kernel.reshape(output.shape)


def _product_of_patches(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    parts = list(_slices(x, kernel, settings))
    patches = parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)  # [B, ..., places * C]
    return jnp.matmul(patches, kernel.reshape(-1, kernel.shape[-1]))


def grouped_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves each group of channels by itself and joins the results.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C/groups, F].
        settings: How the kernel moves.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 2)
        >>> grouped_form(jnp.ones((1, 3, 4)), jnp.ones((3, 2, 2)), settings).tolist()
        [[[6.0, 6.0]]]
    """
    alone = dataclasses.replace(settings, groups=1)
    pairs = zip(
        jnp.split(x, settings.groups, axis=-1), jnp.split(kernel, settings.groups, axis=-1), strict=True
    )
    return jnp.concatenate([_form_of_one_group(*pair)(*pair, alone) for pair in pairs], axis=-1)


def volume_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves volumes as images whose channels hold the neighbours in depth: 7 times as fast as directly.

    Args:
        x: float[B, L, H, W, C].
        kernel: float[KL, KH, KW, C, F].
        settings: How the kernel moves; one group.

    Returns:
        float[B, OL, OH, OW, F].

    Example:
        >>> settings = Settings((1, 1, 1), ((0, 0),) * 3, (1, 1, 1), 1)
        >>> volume_form(jnp.ones((1, 3, 3, 3, 1)), jnp.ones((3, 3, 3, 1, 1)), settings).ravel().tolist()
        [27.0]
    """
    images = Settings(settings.strides[1:], settings.pads[1:], settings.dilation[1:], 1)
    padded = pad_spatial(x, (settings.pads[0], (0, 0), (0, 0)))
    in_depth = (kernel.shape[0], 1, 1), (settings.strides[0], 1, 1), (settings.dilation[0], 1, 1)
    neighbours = jnp.concatenate(list(shifted_slices(padded, *in_depth)), axis=-1)  # [B, OL, H, W, KL * C]
    flat = neighbours.reshape(-1, *neighbours.shape[2:])
    planes = jnp.moveaxis(kernel, 0, 2).reshape(*kernel.shape[1:3], -1, kernel.shape[-1])
    output = _form_of_one_group(flat, planes)(flat, planes, images)
    return output.reshape(*neighbours.shape[:2], *output.shape[1:])


def depthwise_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves each channel by itself, as a sum over the kernel's places of slice times weight.

    Args:
        x: float[B, ..., C], C = groups.
        kernel: float[..., 1, F], F a multiple of C.
        settings: How the kernel moves.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 2)
        >>> depthwise_form(jnp.ones((1, 3, 2)), jnp.ones((3, 1, 2)), settings).tolist()
        [[[3.0, 3.0]]]
    """
    padded = pad_spatial(x, settings.pads)
    filters = kernel.shape[-1]
    repeats = filters // settings.groups
    wide = padded if repeats == 1 else jnp.repeat(padded, repeats, axis=-1)  # [B, ..., F]
    taps = kernel.reshape(-1, filters)  # [places, F]
    return sum_over_places(wide, taps, kernel.shape[:-2], settings.strides, settings.dilation)


def direct_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves with the engine's operation and gradients written out, which need no patches.

    The input's gradient is a convolution of the padded cotangent with the flipped kernel, or with strides the
    sum of what each window's products give back to the places it saw. The kernel's gradient is one matrix
    product, or a few. Forward-mode differentiation is refused here.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C, F].
        settings: How the kernel moves; one group.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 1)
        >>> direct_form(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 1)), settings).ravel().tolist()
        [6.0, 6.0]
    """
    return _direct(x, kernel, settings)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _direct(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    return engine_convolution(x, kernel, settings)


def _direct_forward(
    x: jax.Array, kernel: jax.Array, settings: Settings
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _direct(x, kernel, settings), (x, kernel)


def _direct_backward(
    settings: Settings, residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    return _input_gradient(x, kernel, cotangent, settings), _kernel_gradient(x, kernel, cotangent, settings)


def _input_gradient(x: jax.Array, kernel: jax.Array, cotangent: jax.Array, settings: Settings) -> jax.Array:
    if max(settings.strides) > 1:
        return _sum_of_windows(x, kernel, cotangent, settings)
    spatial = tuple(range(kernel.ndim - 2))
    flipped = jnp.swapaxes(jnp.flip(kernel, spatial), -1, -2)  # [..., F, C]
    reach = [(kernel.shape[axis] - 1) * settings.dilation[axis] for axis in spatial]
    pads = tuple(
        (far - before, far - after) for far, (before, after) in zip(reach, settings.pads, strict=True)
    )
    form = _form_of_one_group(cotangent, flipped)
    return form(cotangent, flipped, dataclasses.replace(settings, pads=pads))


def _sum_of_windows(x: jax.Array, kernel: jax.Array, cotangent: jax.Array, settings: Settings) -> jax.Array:
    channels = kernel.shape[-2]
    taps = kernel.reshape(-1, *kernel.shape[-2:])  # [places, C, F]
    columns = jnp.einsum("...f,pcf->...pc", cotangent, taps)
    columns = columns.reshape(*cotangent.shape[:-1], -1)  # [B, ..., places * C]
    padded = [n + low + high for n, (low, high) in zip(x.shape[1:-1], settings.pads, strict=True)]
    shape = (x.shape[0], *padded, channels)
    total = jnp.zeros(shape, x.dtype)
    for place, offsets in enumerate(itertools.product(*(range(size) for size in kernel.shape[:-2]))):
        part = columns[..., place * channels : (place + 1) * channels]
        for axis, offset in enumerate(offsets):
            part = _spread(part, axis + 1, offset * settings.dilation[axis], settings.strides[axis], shape)
        total = total + part
    return pad_spatial(total, [(-low, -high) for low, high in settings.pads])


def _spread(part: jax.Array, axis: int, start: int, stride: int, shape: tuple[int, ...]) -> jax.Array:
    """Puts entries along an axis at start, start + stride, ... of an axis as long as the input's."""
    after = shape[axis] - start - (part.shape[axis] - 1) * stride - 1
    amounts = [(0, 0, 0)] * part.ndim
    amounts[axis] = (start, after, stride - 1)
    return lax.pad(part, jnp.zeros((), part.dtype), amounts)


def _kernel_gradient(x: jax.Array, kernel: jax.Array, cotangent: jax.Array, settings: Settings) -> jax.Array:
    """The sum over windows of input times cotangent.

    The windows' shifts along the last axis are laid side by side in the channels of x. For those along the
    other axes, either the cotangent is shifted the other way, again side by side, and everything is a single
    product; or, where that would copy more, there is a product for each.
    """
    x = pad_spatial(x, settings.pads)
    *others, width = kernel.shape[:-2]
    channels, filters = kernel.shape[-2:]
    along_last = (
        (*(1 for _ in others), size) for size in (width, settings.strides[-1], settings.dilation[-1])
    )
    shifted = list(shifted_slices(x, *along_last))
    side_by_side = jnp.concatenate(shifted, axis=-1)  # [B, ..., outputs, width * C]
    if max((1, *settings.strides[:-1])) == 1 and filters <= 2 * channels < 2 * _MANY:
        spread = [
            _spread_all(cotangent, offsets, settings, x.shape)
            for offsets in itertools.product(*(range(size) for size in others))
        ]
        product = _rows_by_rows(side_by_side, jnp.concatenate(spread, axis=-1))  # [width * C, others * F]
        product = product.reshape(width, channels, -1, filters)
        return jnp.moveaxis(product, 2, 0).reshape(kernel.shape)
    rows = shifted_slices(
        side_by_side, (*others, 1), (*settings.strides[:-1], 1), (*settings.dilation[:-1], 1)
    )
    if channels < _MANY:
        return jnp.stack([_rows_by_rows(part, cotangent) for part in rows]).reshape(kernel.shape)
    turned = lax.optimization_barrier(cotangent.reshape(-1, filters).T)  # [F, N]
    products = [turned @ part.reshape(-1, part.shape[-1]) for part in rows]  # [F, width * C] each
    return jnp.moveaxis(jnp.stack(products), 1, -1).reshape(kernel.shape)


def _spread_all(
    cotangent: jax.Array, offsets: tuple[int, ...], settings: Settings, shape: tuple[int, ...]
) -> jax.Array:
    for axis, offset in enumerate(offsets):
        cotangent = _spread(cotangent, axis + 1, offset * settings.dilation[axis], 1, shape)
    return cotangent


def _rows_by_rows(left: jax.Array, right: jax.Array) -> jax.Array:
    """left^T right over all axes but the last: [M, N]."""
    return lax.dot_general(
        left.reshape(-1, left.shape[-1]), right.reshape(-1, right.shape[-1]), (((0,), (0,)), ((), ()))
    )


_direct.defvjp(_direct_forward, _direct_backward)


def _slices(x: jax.Array, kernel: jax.Array, settings: Settings) -> Iterator[jax.Array]:
    padded = pad_spatial(x, settings.pads)
    return shifted_slices(padded, kernel.shape[:-2], settings.strides, settings.dilation)


def engine_convolution(
    x: jax.Array, kernel: jax.Array, settings: Settings, input_dilation: tuple[int, ...] | None = None
) -> jax.Array:
    """Calls the engine's convolution in our axis order.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C/groups, F].
        settings: How the kernel moves.
        input_dilation: The distance to which neighbours in the input are first moved apart; None for 1.

    Returns:
        float[B, ..., F].

    Example:
        >>> settings = Settings((1,), ((0, 0),), (1,), 1)
        >>> engine_convolution(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), settings, (2,)).ravel().tolist()
        [1.0, 1.0]
    """
    letters = "DHW"[3 - len(settings.strides) :]
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=settings.strides,
        padding=settings.pads,
        lhs_dilation=input_dilation,
        rhs_dilation=settings.dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
        feature_group_count=settings.groups,
    )
