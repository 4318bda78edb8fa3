"""Models that remember something from batch to batch: their batches have one size and come in order."""

from __future__ import annotations

from typing import Any

from gradwise.core.layer import Layer
from gradwise.errors import InputError


def fixed_batch(layer: Layer) -> int | None:
    """Returns the batch size of a model with stateful layers, or None if it has none.

    Args:
        layer: A built model.

    Returns:
        How many rows the layers keep states of.
    """
    sizes: list[Any] = [
        getattr(below, "batch_size", None) for _, below in layer.walk() if getattr(below, "stateful", False)
    ]
    return next((size for size in sizes if size is not None), None)


def fit_batches(layer: Layer, where: str, count: int, given: int | None) -> int | None:
    """Checks that data come in batches of the size that a stateful model needs.

    Args:
        layer: A built model.
        where: The method, for errors.
        count: The number of samples.
        given: The batch size asked for, or None.

    Returns:
        The batch size, or None if the model has no stateful layer.

    Raises:
        InputError: Another size was given, or the last batch would be smaller.
    """
    size = fixed_batch(layer)
    if size is None:
        return None
    if given not in (None, size):
        raise InputError(
            f"{where}, batch_size",
            expected=f"{size}, as the model has a stateful layer that keeps states of {size} rows",
            got=given,
            fix=f"Pass batch_size={size}, or build the model for another size and copy the weights with "
            "set_weights.",
        )
    if count % size:
        raise InputError(
            where,
            expected=f"a multiple of {size} samples, as the model keeps the states of {size} rows",
            got=count,
            fix=f"Leave out the last {count % size}." if count > size else f"Pass {size} samples at a time.",
        )
    return size
