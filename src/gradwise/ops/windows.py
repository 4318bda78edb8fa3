"""Sliding windows, as convolution and pooling share them: settings, padding, output sizes, shifted slices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
from jax import lax

from gradwise.errors import InputError

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def runs_on_cpu() -> bool:
    """Tells whether programs traced now run on the CPU, whose fast forms differ from an accelerator's.

    Example:
        >>> isinstance(runs_on_cpu(), bool)
        True
    """
    return jax.default_backend() == "cpu"


def per_axis(value: int | Sequence[int], rank: int, where: str, setting: str) -> tuple[int, ...]:
    """Spreads a window setting over the spatial axes and checks it.

    Args:
        value: One positive integer for all axes, or one for each.
        rank: The number of spatial axes.
        where: The op, for the error.
        setting: The setting's name, for the error.

    Returns:
        `rank` positive integers.

    Raises:
        InputError: `value` is anything else.

    Example:
        >>> per_axis(2, 2, "conv2d", "strides")
        (2, 2)
    """
    values: tuple[Any, ...] = tuple(value) if isinstance(value, Sequence) else (value,) * rank
    if len(values) != rank or any(isinstance(v, bool) or not isinstance(v, int) or v < 1 for v in values):
        raise InputError(
            where,
            expected=f"{setting} to be a positive integer or {rank} of them",
            got=repr(value),
            fix=f"Pass for example {setting}={(2,) * rank}.",
        )
    return values


def check_choice(value: str, choices: tuple[str, ...], where: str, setting: str) -> None:
    """Checks a setting that is one of a few words.

    Args:
        value: The setting.
        choices: The words allowed.
        where: The op, for the error.
        setting: The setting's name, for the error.

    Raises:
        InputError: `value` is not among `choices`.

    Example:
        >>> check_choice("same", ("valid", "same"), "conv2d", "padding")
    """
    if value not in choices:
        shown = " or ".join(repr(choice) for choice in choices)
        raise InputError(
            where,
            expected=f"{setting} to be {shown}",
            got=repr(value),
            fix=f"Write {setting}={choices[0]!r}.",
        )


def padding_amounts(
    sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: str
) -> tuple[tuple[int, int], ...]:
    """Computes how much padding goes before and after each spatial axis.

    'valid' pads nothing. 'same' makes the output ceil(n / s) long; an odd amount puts the extra element
    after, as Keras and TensorFlow do (PyTorch differs for strides above 1).

    Args:
        sizes: The input's spatial sizes n.
        window: The window's sizes f, dilation included.
        strides: The strides s.
        padding: 'valid' or 'same'.

    Returns:
        (before, after) for each axis.

    Example:
        >>> padding_amounts((28, 5), (3, 2), (1, 2), "same")
        ((1, 1), (0, 1))
    """
    # The library's rule also accepts sizes that are unknown until run time.
    return tuple((low, high) for low, high in lax.padtype_to_pads(sizes, window, strides, padding.upper()))


def check_window_fits(
    sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], padding: str, where: str, noun: str
) -> None:
    """Checks that at least one window fits into the input.

    Without padding there are floor((n + 2p - f)/s) + 1 windows along an axis, with p = 0.

    Args:
        sizes: The input's spatial sizes n; unknown ones are not checked.
        window: The window's sizes f, dilation included.
        strides: The strides s.
        padding: 'valid' or 'same'; 'same' always fits.
        where: The op, for the error.
        noun: What the window is called there, for the error.

    Raises:
        InputError: No window fits; the formula is given with its numbers.

    Example:
        >>> check_window_fits((5, 5), (3, 3), (1, 1), "valid", "conv2d", "kernel")
    """
    if padding == "same":
        return
    for axis, n, f, s in zip(AXIS_NAMES[len(sizes)], sizes, window, strides, strict=True):
        if isinstance(n, int) and n < f:
            raise InputError(
                where,
                expected=f"an input whose {axis} is at least the {noun}'s {f}, as the output's {axis} is "
                f"floor((n + 2p - f)/s) + 1 = floor(({n} + 0 - {f})/{s}) + 1 = {(n - f) // s + 1}",
                got=f"{axis} {n}",
                fix=f"Use a smaller {noun}, padding='same' or larger inputs, or pool less before.",
            )


def windows_along(
    sizes: Sequence[Any], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> tuple[Any, ...]:
    """Counts the windows along each axis of an input that is already padded: floor((n - f)/s) + 1.

    Args:
        sizes: The padded spatial sizes n.
        window: The window's sizes without dilation.
        strides: The strides s.
        dilation: The distance between neighbours within a window.

    Returns:
        The output's spatial sizes.

    Example:
        >>> windows_along((28, 28), (3, 3), (2, 2), (1, 1))
        (13, 13)
    """
    every = zip(sizes, window, strides, dilation, strict=True)
    return tuple((n - (f - 1) * d - 1) // s + 1 for n, f, s, d in every)


def shifted_slices(
    x: jax.Array, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Iterator[jax.Array]:
    """Yields, for each place in the window, what all windows see there.

    Args:
        x: float[B, ..., C]. Padded already.
        window: The window's sizes without dilation.
        strides: The strides.
        dilation: The distance between neighbours within a window.

    Yields:
        float[B, ..., C] with the output's spatial sizes, places in row-major order.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.arange(4.0).reshape(1, 4, 1)
        >>> [part.ravel().tolist() for part in shifted_slices(x, (2,), (1,), (1,))]
        [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    counts = windows_along(x.shape[1:-1], window, strides, dilation)
    for place in itertools.product(*(range(f) for f in window)):
        starts = [i * d for i, d in zip(place, dilation, strict=True)]
        stops = [a + (m - 1) * s + 1 for a, m, s in zip(starts, counts, strides, strict=True)]
        spatial = tuple(slice(a, b, s) for a, b, s in zip(starts, stops, strides, strict=True))
        yield x[(slice(None), *spatial, slice(None))]


def pad_spatial(x: jax.Array, amounts: Sequence[tuple[int, int]], value: float = 0.0) -> jax.Array:
    """Pads the spatial axes of an array with a constant.

    Args:
        x: float[B, ..., C].
        amounts: (before, after) for each spatial axis.
        value: The constant.

    Returns:
        float[B, ..., C], the same array if there is nothing to pad.

    Example:
        >>> import jax.numpy as jnp
        >>> pad_spatial(jnp.ones((1, 2, 1)), [(1, 0)]).ravel().tolist()
        [0.0, 1.0, 1.0]
    """
    if all(isinstance(low, int) and isinstance(high, int) and low == high == 0 for low, high in amounts):
        return x
    filler = lax.full((), value, dtype=x.dtype)
    return lax.pad(x, filler, [(0, 0, 0), *((low, high, 0) for low, high in amounts), (0, 0, 0)])


def channels_to_end(x: jax.Array) -> jax.Array:
    """Moves the channel axis from the second place to the last.

    Args:
        x: float[B, C, ...].

    Returns:
        float[B, ..., C].

    Example:
        >>> import jax.numpy as jnp
        >>> channels_to_end(jnp.ones((2, 3, 5, 7))).shape
        (2, 5, 7, 3)
    """
    return lax.transpose(x, (0, *range(2, x.ndim), 1))


def channels_to_front(x: jax.Array) -> jax.Array:
    """Moves the channel axis from the last place to the second.

    Args:
        x: float[B, ..., C].

    Returns:
        float[B, C, ...].

    Example:
        >>> import jax.numpy as jnp
        >>> channels_to_front(jnp.ones((2, 5, 7, 3))).shape
        (2, 3, 5, 7)
    """
    return lax.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))
