"""Numbers as rows of zeros, ones and counts, for layers that work on the host."""

from __future__ import annotations

import numpy as np

from gradwise.data.token_table import encode_rows
from gradwise.errors import InputError


def encoded_shape(
    where: str, shape: tuple[int | None, ...], mode: str, depth: int
) -> tuple[tuple[int | None, ...], str]:
    """Returns the shape and type of what `encoded` gives for numbers of a shape.

    Args:
        where: The layer, for errors.
        shape: The shape of the numbers.
        mode: The setting `output_mode`.
        depth: The length K of a row.

    Returns:
        The shape, with None for unknown sizes, and the type.

    Raises:
        InputError: The mode makes one row of each sample, and samples have no axis.

    Example:
        >>> encoded_shape("Hashing", (None, 1), "one_hot", 3)
        ((None, 3), 'float32')
    """
    if mode == "int":
        return shape, "int32"
    if mode == "one_hot":  # a last axis of size 1 is dropped
        front = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
        return (*front, depth), "float32"
    if len(shape) < 2:
        raise InputError(
            where,
            expected=f"inputs of shape [B, T] in mode '{mode}'",
            got=shape,
            fix="Add an axis, inputs[:, None] and Input(shape=(1,)), or set output_mode='one_hot'.",
        )
    return (*shape[:-1], depth), "float32"


def encoded(where: str, numbers: np.ndarray, mode: str, depth: int) -> np.ndarray:
    """Encodes numbers on the host as the setting `output_mode` says.

    Args:
        where: The layer, for errors.
        numbers: int32[B, ...]; negative ones give zeros.
        mode: "int", "one_hot", "multi_hot" or "count".
        depth: The length K of a row.

    Returns:
        The numbers, or float32[B, ..., K].

    Raises:
        InputError: The mode makes one row of each sample, and samples have no axis.

    Example:
        >>> encoded("Hashing", np.array([[0, 2]], "int32"), "multi_hot", 3).tolist()
        [[1.0, 0.0, 1.0]]
    """
    shape, _ = encoded_shape(where, numbers.shape, mode, depth)
    if mode == "int":
        return numbers
    each = 1 if mode == "one_hot" else numbers.shape[-1]
    count = numbers.size // each if each else int(np.prod(numbers.shape[:-1]))
    rows = np.repeat(np.arange(count), each)
    return encode_rows(
        rows, numbers.ravel(), (count, depth), "count" if mode == "count" else "multi_hot"
    ).reshape(tuple(size or 0 for size in shape))
