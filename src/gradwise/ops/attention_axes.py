"""Attention over chosen axes: bringing inputs of any rank to [batch, steps, heads, features] and back."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from gradwise.errors import InputError


def fold_axes(array: Any, axes: tuple[int, ...], trailing: int) -> Any:
    """Joins the attended axes to one axis of steps, and the others to the batch.

    Args:
        array: number[B, ..., H, D], or with fewer axes at the end.
        axes: The attended axes, counted from the batch's 0.
        trailing: How many axes at the end are neither: 2 for heads and features, 0 for a mask of steps.

    Returns:
        An array of 2 + `trailing` axes: batch and all axes not attended, steps, and the trailing ones.

    Example:
        >>> fold_axes(jnp.ones((2, 3, 4, 5, 6)), (2,), 2).shape
        (6, 4, 5, 6)
    """
    free = _free_axes(array.ndim - trailing, axes)
    shape, rank = array.shape, array.ndim
    ordered = array.transpose(*free, *axes, *range(rank - trailing, rank))
    sizes = [math.prod(shape[axis] for axis in free), math.prod(shape[axis] for axis in axes)]
    return ordered.reshape(*sizes, *shape[rank - trailing :])


def unfold_axes(array: Any, axes: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """Undoes `fold_axes`.

    Args:
        array: number[B', T, ...].
        axes: The attended axes.
        shape: The sizes of the batch and of the steps before folding.

    Returns:
        An array of these sizes, followed by the trailing ones of `array`.

    Example:
        >>> unfold_axes(jnp.ones((6, 4, 5, 6)), (2,), (2, 3, 4)).shape
        (2, 3, 4, 5, 6)
    """
    rank = len(shape)
    order = (*_free_axes(rank, axes), *axes)
    ordered = array.reshape(*(shape[axis] for axis in order), *array.shape[2:])
    places = sorted(range(rank), key=order.__getitem__)
    return ordered.transpose(*places, *range(rank, ordered.ndim))


def fold_step_mask(mask: Any, axes: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """Folds a mask of the first axes of inputs as the inputs are folded.

    Args:
        mask: bool[B, ...], of the batch and the first axis of steps, or more of them.
        axes: The attended axes.
        shape: The sizes of the batch and of the steps of the inputs.

    Returns:
        bool[B', T].

    Example:
        >>> fold_step_mask(jnp.array([[True, False]]), (2,), (1, 2, 1)).tolist()
        [[True], [False]]
    """
    full = mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim))
    return fold_axes(jnp.broadcast_to(full, shape), axes, 0)


def fold_pair_mask(
    mask: Any, axes: tuple[int, ...], shape: tuple[int, ...], source_shape: tuple[int, ...], heads: int
) -> Any:
    """Folds a mask of pairs of a query and a key.

    Args:
        mask: bool, with the attended axes of queries and then of keys at the end; before them the batch, the
            axes not attended and the heads, of which any may be left out from the end.
        axes: The attended axes.
        shape: The sizes of the batch and of the steps of the queries.
        source_shape: Those of the keys.
        heads: The number of heads.

    Returns:
        bool[B', H or 1, T, S], with B' = 1 where the mask is the same for all.

    Raises:
        InputError: The sizes do not fit.

    Example:
        >>> fold_pair_mask(jnp.ones((2, 4, 5), bool), (1,), (2, 4), (2, 5), 3).shape
        (2, 1, 4, 5)
    """
    free = [shape[axis] for axis in _free_axes(len(shape), axes)]
    steps = [shape[axis] for axis in axes]
    sources = [source_shape[axis] for axis in axes]
    wanted = (*free, heads, *steps, *sources)
    pairs = len(steps) + len(sources)
    missing = (1,) * (len(wanted) - mask.ndim)
    given = mask.shape[: mask.ndim - pairs] + missing + mask.shape[mask.ndim - pairs :]
    fits = pairs <= mask.ndim <= len(wanted) and all(
        have in (1, want) for have, want in zip(given, wanted, strict=True)
    )
    if not fits:
        raise InputError(
            "attention_mask",
            expected=f"a mask of shape {(*free, *steps, *sources)}, or with the heads {wanted}",
            got=tuple(mask.shape),
            fix="It says of each query and each key whether the one attends to the other.",
        )
    batch = free if any(size != 1 for size in given[: len(free)]) else [1] * len(free)
    full = jnp.broadcast_to(mask.reshape(given), (*batch, given[len(free)], *steps, *sources))
    return full.reshape(math.prod(batch), given[len(free)], math.prod(steps), math.prod(sources))


def unfold_weights(
    weights: Any, axes: tuple[int, ...], shape: tuple[int, ...], source_shape: tuple[int, ...]
) -> Any:
    """Gives weights back the axes of the inputs.

    Args:
        weights: float[B', H, T, S].
        axes: The attended axes.
        shape: The sizes of the batch and of the steps of the queries.
        source_shape: Those of the keys.

    Returns:
        An array of the batch and the axes not attended, the heads, and the attended axes of queries and keys.

    Example:
        >>> unfold_weights(jnp.ones((6, 3, 4, 5)), (2,), (2, 3, 4), (2, 3, 5)).shape
        (2, 3, 3, 4, 5)
    """
    free = [shape[axis] for axis in _free_axes(len(shape), axes)]
    steps = [shape[axis] for axis in axes]
    sources = [source_shape[axis] for axis in axes]
    return weights.reshape(*free, weights.shape[1], *steps, *sources)


def _free_axes(rank: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axis for axis in range(rank) if axis not in axes)
