"""The ways to compute one convolution, all equal to rounding, and the rule that picks one.

On CPU the gradients that automatic differentiation derives from the engine's own convolution run 25 to 40
times slower inside a compiled loop (`fori_loop`, `scan`) than outside, and training runs inside such loops.
The forms below avoid those gradients: matrix products, slices and pads run at full speed everywhere.
`benchmarks/ops_convolution.py` measures them.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gradwise.ops.windows import pad_spatial, runs_on_cpu, shifted_slices

# Patches repeat each input value once for every place in the kernel, and live until the backward pass.
# Above this size the memory costs more than the 10 to 50 % of time that the direct form takes longer.
PATCH_BYTES_LIMIT = 64 * 2**20


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


Form = Callable[[jax.Array, jax.Array, Settings], jax.Array]


def choose_form(x: jax.Array, kernel: jax.Array, output_sizes: tuple[Any, ...], groups: int) -> Form:
    """Picks the fastest form for these shapes.

    - Accelerators, and shapes unknown until run time: the engine's own convolution.
    - One input channel for each group: sums of products, place by place.
    - Patches of at most 64 MiB, or groups: patches times kernel, one matrix product.
    - Larger: the engine's convolution with gradients written out, which needs no patches.

    Args:
        x: float[B, ..., C].
        kernel: float[..., C/groups, F].
        output_sizes: The output's spatial sizes.
        groups: The number of groups.

    Returns:
        A function of (x, kernel, settings).

    Example:
        >>> form = choose_form(jnp.ones((1, 8, 8, 3)), jnp.ones((3, 3, 3, 4)), (6, 6), 1)
        >>> form is library_form or form is patch_form
        True
    """
    if not runs_on_cpu() or not all(isinstance(n, int) for n in (*x.shape, *output_sizes)):
        return library_form
    if groups > 1:
        return depthwise_form if kernel.shape[-2] == 1 else grouped_form
    patches = math.prod((x.shape[0], *output_sizes, *kernel.shape[:-1]))
    return patch_form if patches * x.dtype.itemsize <= PATCH_BYTES_LIMIT else direct_form


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
    return _lax_convolution(x, kernel, settings, input_dilation=None)


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
    """Does what `patch_form` does, for each group of channels by itself.

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
    groups, depth = settings.groups, kernel.shape[-2]
    patches = jnp.stack(list(_slices(x, kernel, settings)), axis=-2)  # [B, ..., places, C]
    patches = patches.reshape(*patches.shape[:-1], groups, depth)  # [B, ..., places, G, C/G]
    taps = kernel.reshape(-1, depth, groups, kernel.shape[-1] // groups)  # [places, C/G, G, F/G]
    output = jnp.einsum("...pgc,pcgf->...gf", patches, taps)
    return output.reshape(*output.shape[:-2], kernel.shape[-1])


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
    channels, filters = settings.groups, kernel.shape[-1]
    taps = kernel.reshape(-1, channels, filters // channels)  # [places, C, F/C]
    products = []
    for part, tap in zip(_slices(x, kernel, settings), taps, strict=True):
        products.append(
            part[..., None] * jnp.expand_dims(tap, tuple(range(part.ndim - 1)))
        )  # [B, ..., C, F/C]
    output = functools.reduce(jnp.add, products)
    return output.reshape(*output.shape[:-2], filters)


def direct_form(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    """Convolves with the engine's operation and gradients written out, which need no patches.

    The input's gradient is a convolution of the padded cotangent with the flipped kernel; the kernel's is
    a matrix product for each place in the kernel. Forward-mode differentiation is refused here.

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
    padded = pad_spatial(x, settings.pads)
    unpadded = dataclasses.replace(settings, pads=((0, 0),) * len(settings.pads))
    return _direct(padded, kernel, unpadded)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _direct(x: jax.Array, kernel: jax.Array, settings: Settings) -> jax.Array:
    return _lax_convolution(x, kernel, settings, input_dilation=None)


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
    spatial = tuple(range(kernel.ndim - 2))
    flipped = jnp.swapaxes(jnp.flip(kernel, spatial), -1, -2)  # [..., F, C]
    pads = []
    for axis in spatial:
        reach = (kernel.shape[axis] - 1) * settings.dilation[axis]
        # Input beyond the last window is seen by none; its gradient is zero.
        unseen = (x.shape[axis + 1] - reach - 1) % settings.strides[axis]
        pads.append((reach, reach + unseen))
    backward = Settings((1,) * len(spatial), tuple(pads), settings.dilation, 1)
    return _lax_convolution(cotangent, flipped, backward, input_dilation=settings.strides)


def _kernel_gradient(x: jax.Array, kernel: jax.Array, cotangent: jax.Array, settings: Settings) -> jax.Array:
    everything_but_channels = tuple(range(x.ndim - 1))
    contracted = ((everything_but_channels, everything_but_channels), ((), ()))
    places = [lax.dot_general(part, cotangent, contracted) for part in _slices(x, kernel, settings)]
    return jnp.stack(places).reshape(kernel.shape)  # [places, C, F] -> [..., C, F]


_direct.defvjp(_direct_forward, _direct_backward)


def _slices(x: jax.Array, kernel: jax.Array, settings: Settings) -> Iterator[jax.Array]:
    padded = pad_spatial(x, settings.pads)
    return shifted_slices(padded, kernel.shape[:-2], settings.strides, settings.dilation)


def _lax_convolution(
    x: jax.Array, kernel: jax.Array, settings: Settings, input_dilation: tuple[int, ...] | None
) -> jax.Array:
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
