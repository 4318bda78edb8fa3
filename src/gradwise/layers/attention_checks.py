"""Checks of what attention layers are called on."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from gradwise.errors import InputError
from gradwise.layers.checks import check_count


def check_list(inputs: Any, where: str) -> None:
    """Refuses anything but a list of two or three inputs.

    Args:
        inputs: What came.
        where: The layer, for the error.

    Raises:
        InputError: It is no such list.

    Example:
        >>> check_list([(None, 2, 3), (None, 4, 3)], "Attention")
    """
    count = len(inputs) if isinstance(inputs, list) else 0
    if count not in (2, 3):
        raise InputError(
            where,
            expected="a list [query, value] or [query, value, key]",
            got=f"a list of {count}" if isinstance(inputs, list) else "a single input",
            fix="For self-attention call it on [x, x].",
        )


def check_arrays(inputs: Any, where: str) -> tuple[Any, Any, Any]:
    """Returns query, value and key, of sizes that fit each other.

    Args:
        inputs: A list [query, value] or [query, value, key].
        where: The layer, for the error.

    Returns:
        Query, value and key.

    Raises:
        InputError: The inputs are no such list, or sizes do not fit.

    Example:
        >>> [array.shape for array in check_arrays([jnp.ones((1, 2, 3)), jnp.ones((1, 4, 3))], "Attention")]
        [(1, 2, 3), (1, 4, 3), (1, 4, 3)]
    """
    check_list(inputs, where)
    query, value = jnp.asarray(inputs[0]), jnp.asarray(inputs[1])
    key = jnp.asarray(inputs[2]) if len(inputs) == 3 else value
    fits = (
        query.ndim == value.ndim >= 3
        and value.shape[:-1] == key.shape[:-1]
        and query.shape[:-2] == key.shape[:-2]
        and query.shape[-1] == key.shape[-1]
    )
    if not fits:
        raise InputError(
            where,
            expected="query [batch, T, D], value [batch, S, E] and key [batch, S, D]",
            got=", ".join(str(tuple(array.shape)) for array in (query, value, key)),
            fix="The key is the value unless given. Bring the features to one size with Dense.",
        )
    return query, value, key


def check_masks(mask: Any, query: Any, value: Any, where: str) -> tuple[Any, Any]:
    """Returns the masks of query and value out of a list of masks.

    Args:
        mask: None, or a list [query_mask, value_mask], whose entries may be None; a third is not used.
        query: The query.
        value: The value.
        where: The layer, for the error.

    Returns:
        The two masks as bool, or None.

    Raises:
        InputError: The masks are no such list, or sizes do not fit.

    Example:
        >>> check_masks([None, None], jnp.ones((1, 2, 3)), jnp.ones((1, 4, 3)), "Attention")
        (None, None)
    """
    if mask is None:
        return None, None
    if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
        raise InputError(
            where,
            expected="a list of masks [query_mask, value_mask]",
            got=f"a list of {len(mask)}" if isinstance(mask, (list, tuple)) else "a single mask",
            fix="Write mask=[None, value_mask] to mask the values only.",
        )
    return (
        check_mask(mask[0], query.shape[:-1], "query", where),
        check_mask(mask[1], value.shape[:-1], "value", where),
    )


def check_mask(mask: Any, shape: tuple[int, ...], what: str, where: str) -> Any:
    """Refuses a mask that does not say of each step whether it is kept.

    Args:
        mask: The mask, or None.
        shape: The sizes of the batch and of the steps.
        what: What it masks, for the error.
        where: The layer, for the error.

    Returns:
        The mask as bool, or None.

    Raises:
        InputError: It has another shape.

    Example:
        >>> check_mask(jnp.ones((1, 2)), (1, 2), "query", "Attention").tolist()
        [[True, True]]
    """
    if mask is None:
        return None
    mask = jnp.asarray(mask)
    if mask.shape != shape:
        raise InputError(
            where,
            expected=f"a {what} mask of shape {shape}, one entry a step",
            got=tuple(mask.shape),
            fix="True keeps a step, False leaves it out.",
        )
    return mask.astype(bool)


def check_operands(args: tuple[Any, ...], where: str) -> tuple[Any, Any, Any]:
    """Returns query, value and key out of the arguments of a call.

    Args:
        args: The arguments.
        where: The layer, for the error.

    Returns:
        Query, value and key; the key is the value unless given.

    Raises:
        InputError: There is no value, or the query is a list.

    Example:
        >>> check_operands((1, 2), "MultiHeadAttention")
        (1, 2, 2)
    """
    if len(args) < 2 or isinstance(args[0], (list, tuple)):
        raise InputError(
            where,
            expected="a query and a value as two arguments",
            got="one argument" if len(args) < 2 else "a list",
            fix="For self-attention call it as layer(x, x).",
        )
    query, value, key = (*args, None)[:3]
    return query, value, value if key is None else key


def check_operand_shapes(
    shapes: list[tuple[int, ...]], built: Any, axes: tuple[int, ...], where: str
) -> None:
    """Refuses a query, value and key that do not fit each other or the kernels.

    Args:
        shapes: Their shapes.
        built: The shapes that the layer was built for.
        axes: The attended axes.
        where: The layer, for the error.

    Raises:
        InputError: A number of axes or a size differs.

    Example:
        >>> check_operand_shapes([(1, 2, 3)] * 3, [(None, 2, 3)] * 3, (1,), "MultiHeadAttention")
    """
    names = ("query", "value", "key")
    for name, shape, known in zip(names, shapes, built, strict=True):
        if len(shape) != len(known) or shape[-1] != known[-1]:
            raise InputError(
                where,
                expected=f"a {name} of {len(known)} axes, the last one of size {known[-1]}",
                got=tuple(shape),
                fix="Kernels were made for these sizes; build a new layer for others.",
            )
    query, value, key = shapes
    others = [axis for axis in range(len(query) - 1) if axis not in axes]
    if value[:-1] != key[:-1] or any(query[axis] != value[axis] for axis in others):
        raise InputError(
            where,
            expected="as many values as keys, and the query's sizes on every axis not attended",
            got=", ".join(f"{name} {tuple(shape)}" for name, shape in zip(names, shapes, strict=True)),
            fix="The key is the value unless given.",
        )


def check_sizes(where: str, sizes: Any) -> tuple[int, ...]:
    """Returns the sizes of an output vector.

    Args:
        where: The layer, for the error.
        sizes: A positive integer or several.

    Returns:
        The sizes.

    Raises:
        InputError: They are something else.

    Example:
        >>> check_sizes("MultiHeadAttention", 3)
        (3,)
    """
    given = tuple(sizes) if isinstance(sizes, (list, tuple)) and sizes else (sizes,)
    return tuple(check_count(where, "output_shape", size) for size in given)


def attended_axes(axes: Any, rank: int, where: str) -> tuple[int, ...]:
    """Returns which axes are attended.

    Args:
        axes: An axis or several, negative ones counted from the end; None for all but the first and the last.
        rank: How many axes the inputs have.
        where: The layer, for the error.

    Returns:
        The axes, counted from the batch's 0.

    Raises:
        InputError: An axis is that of the batch or the features, or not there, or named twice.

    Example:
        >>> attended_axes(-2, 4, "MultiHeadAttention")
        (2,)
    """
    if axes is None:
        return tuple(range(1, rank - 1))
    given = tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)
    found = tuple(axis + rank if axis < 0 else axis for axis in given)
    if not found or len(set(found)) < len(found) or not all(0 < axis < rank - 1 for axis in found):
        raise InputError(
            where,
            expected=f"attention_axes out of 1 to {rank - 2} for inputs of {rank} axes, each once",
            got=axes,
            fix="Axis 0 is the batch and the last one the features.",
        )
    return found
