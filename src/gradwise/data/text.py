"""Sequences of token ids as arrays: multi-hot rows and padded matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradwise.errors import InputError


def vectorize_sequences(
    sequences: Sequence[Sequence[int]] | NDArray[Any], dimension: int = 10000, dtype: DTypeLike = "float32"
) -> NDArray[Any]:
    """Turns each sequence into a row with ones at the ids it contains (F. Chollet 2017, listing 3-2).

    Args:
        sequences: B sequences of ids from 0 to `dimension` - 1; order and repetition are lost.
        dimension: The length D of a row.
        dtype: The type of the result; "uint8" takes a quarter of the memory.

    Returns:
        float[B, D].

    Raises:
        InputError: An id is negative or not below `dimension`.

    Example:
        >>> vectorize_sequences([[0, 3], [1]], dimension=4).tolist()
        [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]
    """
    lengths = np.fromiter((len(sequence) for sequence in sequences), dtype=np.int64, count=len(sequences))
    ids = np.fromiter(chain.from_iterable(sequences), dtype=np.int64, count=int(lengths.sum()))
    if ids.size and not (0 <= ids.min() and ids.max() < dimension):
        raise InputError(
            "vectorize_sequences",
            expected=f"ids from 0 to {dimension - 1}",
            got=f"ids from {ids.min()} to {ids.max()}",
            fix=f"Load the data with num_words={dimension}, or raise dimension.",
        )
    result = np.zeros((len(lengths), dimension), dtype=dtype)
    result[np.repeat(np.arange(len(lengths)), lengths), ids] = 1
    return result


def pad_sequences(
    sequences: Sequence[Sequence[Any]] | NDArray[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> NDArray[Any]:
    """Cuts and fills sequences to one length, with Keras' rules.

    Args:
        sequences: B sequences of ids, or of vectors of one shape.
        maxlen: The length T of the result; by default that of the longest sequence.
        dtype: The type of the result.
        padding: "pre" fills before a short sequence, "post" after it.
        truncating: "pre" drops the beginning of a long sequence, "post" its end.
        value: What to fill with.

    Returns:
        [B, T], or [B, T, ...] for sequences of vectors.

    Raises:
        InputError: An option is unknown, or an item is no sequence or has vectors of another shape.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]
    """
    for name, option in (("padding", padding), ("truncating", truncating)):
        if option not in ("pre", "post"):
            raise InputError(
                f"pad_sequences, {name}",
                expected="'pre' or 'post'",
                got=repr(option),
                fix="Use one of the two.",
            )
    wrong = next((index for index, item in enumerate(sequences) if not hasattr(item, "__len__")), None)
    if wrong is not None:
        raise InputError(
            "pad_sequences",
            expected="a list of sequences",
            got=f"{type(sequences[wrong]).__name__} at position {wrong}",
            fix="Put a single sequence into a list: [sequence].",
        )
    length = max((len(item) for item in sequences), default=0) if maxlen is None else maxlen
    shape = next((np.shape(item)[1:] for item in sequences if len(item)), ())
    result = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for index, item in enumerate(sequences):
        kept = np.asarray(
            item[max(len(item) - length, 0) :] if truncating == "pre" else item[:length], dtype=dtype
        )
        if not len(kept):
            continue
        if kept.shape[1:] != shape:
            raise InputError(
                "pad_sequences",
                expected=f"steps of shape {shape} in every sequence",
                got=f"shape {kept.shape[1:]} at position {index}",
                fix="Bring the steps to one shape.",
            )
        start = length - len(kept) if padding == "pre" else 0
        result[index, start : start + len(kept)] = kept
    return result
