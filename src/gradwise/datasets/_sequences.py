"""Token sequences stored flat (ids and offsets), and Keras' rules for choosing among their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.errors import InputError


@dataclass(frozen=True)
class Rules:
    """Keras' options of `load_data` for texts.

    Args:
        num_words: Only ids below it are kept; None keeps all.
        skip_top: Only ids from it on are kept.
        maxlen: Only sequences shorter than it are kept, the start mark counted; None keeps all.
        start_char: Id put before each sequence; None puts none.
        oov_char: Id put in place of one not kept; None drops such ids.
        index_from: Added to every id of the file.

    Example:
        >>> Rules(num_words=10000).oov_char
        2
    """

    num_words: int | None = None
    skip_top: int = 0
    maxlen: int | None = None
    start_char: int | None = 1
    oov_char: int | None = 2
    index_from: int = 3


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths: number i is `tokens[offsets[i]:offsets[i + 1]]`.

    Args:
        tokens: int[N], all ids one after the other.
        offsets: int[B + 1].

    Example:
        >>> texts = Ragged(np.array([5, 6, 7]), np.array([0, 1, 3]))
        >>> texts.marked(Rules()).lists().tolist()
        [[1, 8], [1, 9, 10]]
    """

    tokens: NDArray[Any]
    offsets: NDArray[Any]

    def lengths(self) -> NDArray[np.int64]:
        """Returns int64[B], the lengths."""
        return np.diff(self.offsets).astype(np.int64)

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Returns the sequences of the given numbers, in that order."""
        lengths = self.lengths()[rows]
        offsets = _offsets(lengths)
        # Position of each token in the source: its place in the sequence + where the sequence starts.
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Ragged(self.tokens[source], offsets)

    def marked(self, rules: Rules) -> Ragged:
        """Returns the sequences with shifted ids and the start mark."""
        shift = rules.index_from or 0
        if rules.start_char is None:
            return Ragged(self.tokens + shift, self.offsets)
        tokens = np.insert(self.tokens + shift, self.offsets[:-1], rules.start_char)
        return Ragged(tokens, self.offsets + np.arange(len(self.offsets)))

    def limited(self, rules: Rules, num_words: int) -> Ragged:
        """Returns the sequences with the ids outside [skip_top, num_words) replaced or dropped."""
        kept = (self.tokens >= rules.skip_top) & (self.tokens < num_words)
        if rules.oov_char is not None:
            return Ragged(np.where(kept, self.tokens, rules.oov_char), self.offsets)
        before = np.concatenate([[0], np.cumsum(kept)])
        return Ragged(self.tokens[kept], before[self.offsets])

    def lists(self) -> NDArray[Any]:
        """Returns object[B], an array of lists of Python integers, as Keras does."""
        tokens, offsets = self.tokens.tolist(), self.offsets.tolist()
        result = np.empty(len(offsets) - 1, dtype=object)
        for index in range(len(result)):
            result[index] = tokens[offsets[index] : offsets[index + 1]]
        return result


def shorter_than(texts: Ragged, labels: NDArray[Any], maxlen: int | None) -> tuple[Ragged, NDArray[Any]]:
    """Keeps the sequences below a length.

    Args:
        texts: The sequences.
        labels: Their labels.
        maxlen: The first length that is too long; None or 0 keeps all.

    Returns:
        The kept sequences and labels.

    Raises:
        InputError: None is left.

    Example:
        >>> texts = Ragged(np.array([5, 6, 7]), np.array([0, 1, 3]))
        >>> shorter_than(texts, np.array([0, 1]), 2)[1].tolist()
        [0]
    """
    if not maxlen:
        return texts, labels
    rows = np.nonzero(texts.lengths() < maxlen)[0]
    if not len(rows):
        raise InputError(
            "load_data, maxlen",
            expected="a length that some sequence stays below",
            got=f"{maxlen}, and the shortest has {texts.lengths().min()} ids",
            fix="Increase maxlen.",
        )
    return texts.take(rows), labels[rows]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
