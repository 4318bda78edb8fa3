"""Pairs of a word and a word near it, from which word vectors are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.config import next_seed
from gradwise.errors import InputError

_GAMMA = 0.577  # Euler's constant, to the three places that Keras takes


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> NDArray[np.float64]:
    """Gives the probability of keeping the i-th most frequent word: min(1, sqrt(sampling_factor / f(i))).

    The frequencies f(i) are those of Zipf's law, 1 / f(i) = i (ln i + 0.577) + 1/2 - 1 / (12 i). Source:
    Mikolov et al. 2013, arXiv:1310.4546, section 2.3.

    Args:
        size: How many words there are, the 0 of padding among them.
        sampling_factor: The frequency above which words are left out at times.

    Returns:
        float64[size].

    Raises:
        InputError: `size` is no positive whole number.

    Example:
        >>> make_sampling_table(4).round(5).tolist()
        [0.00315, 0.00315, 0.00548, 0.00742]
    """
    if isinstance(size, bool) or not hasattr(size, "__index__") or size < 1:
        raise InputError(
            "make_sampling_table",
            expected="size to be a positive whole number",
            got=repr(size),
            fix="Give the number of words, with the 0 of padding.",
        )
    rank = np.maximum(np.arange(size), 1)
    inverse = rank * (np.log(rank) + _GAMMA) + 0.5 - 1 / (12.0 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse))


def skipgrams(
    sequence: Sequence[int] | NDArray[Any],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: ArrayLike | None = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs each word with those around it (label 1), and as many with words drawn at random (label 0).

    Source: Mikolov et al. 2013, arXiv:1310.4546. Interface and rules are Keras 2's; other than there, the
    seed also settles which words are drawn and left out, not the order alone.

    Args:
        sequence: Word numbers; 0 is no word and in no pair.
        vocabulary_size: The highest word number + 1.
        window_size: How many words to each side count as near.
        negative_samples: How many random pairs for each real one; 0 for none.
        shuffle: Whether to shuffle the pairs; otherwise the real ones come first, in order.
        categorical: Whether labels are [0, 1] and [1, 0] instead of 1 and 0.
        sampling_table: float[vocabulary_size], the probability of taking each word as the first of pairs, as
            from `make_sampling_table`.
        seed: Seed of the draws; by default taken from the library's seed.

    Returns:
        The pairs, lists of two numbers, and their labels.

    Raises:
        InputError: A number is not below `vocabulary_size` or the table's length, or a setting is negative.

    Example:
        >>> skipgrams([1, 2, 3], vocabulary_size=4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    words = np.asarray(sequence, np.int64).reshape(-1)
    table = None if sampling_table is None else np.asarray(sampling_table, float)
    _check(words, vocabulary_size, table, {"window_size": window_size, "negative_samples": negative_samples})
    generator = np.random.default_rng(next_seed() if seed is None else seed)
    first = np.flatnonzero(words)
    if table is not None:
        first = first[generator.random(len(first)) <= table[words[first]]]
    steps = np.delete(np.arange(-window_size, window_size + 1), window_size)
    near = first[:, None] + steps  # [N, 2·window]
    inside = (near >= 0) & (near < len(words))
    inside &= words[np.where(inside, near, 0)] != 0 if len(words) else False
    pairs = np.stack([words[np.repeat(first, inside.sum(axis=1))], words[near[inside]]], axis=1)
    count = int(len(pairs) * negative_samples)
    drawn = np.stack(
        [
            np.resize(generator.permutation(pairs[:, 0]), count),
            generator.integers(1, max(vocabulary_size, 2), count),
        ],
        axis=1,
    )
    couples = np.concatenate([pairs, drawn])
    labels = np.repeat([1, 0], [len(pairs), count])
    if shuffle:
        order = generator.permutation(len(couples))
        couples, labels = couples[order], labels[order]
    return couples.tolist(), (np.eye(2, dtype=int)[labels] if categorical else labels).tolist()


def _check(
    words: NDArray[np.int64],
    vocabulary_size: int,
    table: NDArray[np.float64] | None,
    settings: dict[str, float],
) -> None:
    for name, value in settings.items():
        if not value >= 0:
            raise InputError(
                "skipgrams", expected=f"{name} of at least 0", got=value, fix=f"Set {name}=1, say."
            )
    limit = vocabulary_size if table is None else min(vocabulary_size, len(table))
    if words.size and not (0 <= words.min() and words.max() < limit):
        raise InputError(
            "skipgrams",
            expected=f"word numbers from 0 to {limit - 1}",
            got=f"numbers from {words.min()} to {words.max()}",
            fix="Set vocabulary_size to the highest number + 1, and make the sampling table as long.",
        )
