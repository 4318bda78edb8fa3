"""Batches of sequences of about one length, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.config import next_seed
from gradwise.errors import InputError, StateError

_SHORTEST = 8  # the smallest length when boundaries are powers of two


class LengthBuckets:
    """Batches of padded sequences, made by `bucket_by_length`; `fit`, `evaluate` and `predict` take them.

    Iterating gives an epoch: every sample once. The batches of each epoch are drawn anew from the seed and
    the number of the epoch, which counts the iterations begun in earnest, that is, beyond their first batch.

    Args:
        tokens: int32[N], all sequences one after the other.
        offsets: int64[B + 1], where each begins; the last entry is N.
        y: [B, ...], or None.
        lengths: int64[B], the length to which each is padded at least.
        options: batch_size, shuffle, seed, padding and truncating, as for `bucket_by_length`.

    Example:
        >>> batches = bucket_by_length([[1, 2], [3], [4, 5, 6]], None, 2, boundaries=[2, 4], shuffle=False)
        >>> [batch.tolist() for batch in batches]
        [[[1, 2], [3, 0]], [[4, 5, 6, 0]]]
    """

    def __init__(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        y: NDArray[Any] | None,
        lengths: NDArray[np.int64],
        options: dict[str, Any],
    ) -> None:
        self.epoch = 0
        self._tokens, self._offsets, self._y, self._lengths = tokens, offsets, y, lengths
        self._options = options

    def __repr__(self) -> str:
        lengths = f"{self._lengths.min()} to {self._lengths.max()}"
        return (
            f"<LengthBuckets of {len(self._lengths)} sequences in {len(self)} batches, padded to {lengths}>"
        )

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes of the batches, each once: as many programs are compiled."""
        lengths = np.sort(self._lengths)
        size = self._options["batch_size"]
        starts = range(0, len(lengths), size)
        return sorted(
            {(len(part), int(part[-1])) for part in (lengths[start : start + size] for start in starts)}
        )

    def __len__(self) -> int:
        """Returns how many batches an epoch has."""
        return -(-len(self._lengths) // int(self._options["batch_size"]))

    def __iter__(self) -> Iterator[Any]:
        """Yields the batches of an epoch: (x, y), or x without targets."""
        epoch = self.epoch
        rows, turn = self._order(epoch)
        size = self._options["batch_size"]
        for place, number in enumerate(turn):
            # Whoever only looks at the first batch has not begun an epoch.
            if place == 1:
                self.epoch = max(self.epoch, epoch + 1)
            chosen = rows[number * size : (number + 1) * size]
            x = self._padded(chosen)
            yield x if self._y is None else (x, self._y[chosen])
        if len(turn) < 2:
            self.epoch = max(self.epoch, epoch + 1)

    def restore(self, outputs: ArrayLike) -> NDArray[Any]:
        """Brings predictions back into the order in which the sequences were given.

        Args:
            outputs: [B, ...], in the order of the batches.

        Returns:
            [B, ...].

        Raises:
            StateError: The batches are shuffled, so that their order was another.
            InputError: There is not one prediction for each sequence.

        Example:
            >>> batches = bucket_by_length([[1] * 9, [2], [3] * 9], batch_size=2, shuffle=False)
            >>> batches.restore([batch[0] for x in batches for batch in x]).tolist()
            [1, 2, 3]
        """
        if self._options["shuffle"]:
            raise StateError(
                "LengthBuckets.restore",
                expected="batches in a fixed order",
                got="shuffle=True",
                fix="Make the batches to predict from with shuffle=False.",
            )
        rows, _ = self._order(0)
        values = np.asarray(outputs)
        if values.shape[:1] != (len(rows),):
            raise InputError(
                "LengthBuckets.restore",
                expected=f"one prediction for each of the {len(rows)} sequences",
                got=f"shape {values.shape}",
                fix="Pass what predict returned for these batches, as a whole.",
            )
        result = np.empty_like(values)
        result[rows] = values
        return result

    def _order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # Sorted by bucket and cut into batches: what is left over from one bucket fills up a batch of the
        # next longer one, so that all batches but one are full, and few shapes occur.
        shuffle = self._options["shuffle"]
        generator = np.random.default_rng([self._options["seed"], epoch])
        drawn = generator.permutation(len(self._lengths)) if shuffle else np.arange(len(self._lengths))
        rows = drawn[np.argsort(self._lengths[drawn], kind="stable")]
        return rows, generator.permutation(len(self)) if shuffle else np.arange(len(self))

    def _padded(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        width = int(self._lengths[rows].max())
        starts, ends = self._offsets[rows], self._offsets[rows + 1]
        kept = np.minimum(ends - starts, width)
        starts = ends - kept if self._options["truncating"] == "pre" else starts
        steps = np.arange(width) - (
            (width - kept)[:, None] if self._options["padding"] == "pre" else np.zeros((len(rows), 1), int)
        )
        inside = (steps >= 0) & (steps < kept[:, None])
        result = np.zeros((len(rows), width), np.int32)
        result[inside] = self._tokens[(starts[:, None] + steps)[inside]]
        return result


def bucket_by_length(
    sequences: Sequence[Sequence[int]] | NDArray[Any],
    y: ArrayLike | None = None,
    batch_size: int = 32,
    boundaries: Sequence[int] | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    padding: str = "post",
    truncating: str = "pre",
    maxlen: int | None = None,
    offsets: ArrayLike | None = None,
) -> LengthBuckets:
    """Makes batches of sequences of about one length, each padded with 0 to the end of its bucket only.

    A model for them begins with Input(shape=(None,), dtype="int32"). Few lengths occur, so that few programs
    are compiled: one for each bucket, and one for the last, smaller batch. Sequences left over from a bucket
    fill up a batch of the next longer one. Source of bucketing: Khomenko et al. 2016, arXiv:1708.05604.

    Args:
        sequences: B lists of token numbers, or all tokens one after the other if `offsets` are given.
        y: [B, ...], the targets.
        batch_size: How many sequences a batch has.
        boundaries: The lengths to pad to; by default 8, 16, 32, ... Longer sequences are padded to the
            length of the longest.
        shuffle: Whether each epoch draws which sequences share a batch, and the order of the batches.
        seed: Seed of the draws; by default taken from the library's seed.
        padding: "post" fills after a short sequence, "pre" before it.
        truncating: "pre" drops the beginning of a sequence longer than `maxlen`, "post" its end.
        maxlen: The length to cut longer sequences to; by default none is cut.
        offsets: int[B + 1], where each sequence begins in `sequences`, then their total length.

    Returns:
        An iterable of (x int32[batch, T], y), or of x alone, anew for each epoch; `len` counts its batches.

    Raises:
        InputError: A setting cannot be used, there are more or fewer targets, or a token is no whole number.

    Example:
        >>> batches = bucket_by_length([[1], [2, 3], [4] * 9], [0, 1, 1], batch_size=2, seed=0)
        >>> len(batches), batches.shapes
        (2, [(1, 9), (2, 8)])
    """
    options = {
        "batch_size": batch_size,
        "shuffle": bool(shuffle),
        "padding": padding,
        "truncating": truncating,
    }
    _check_options(options, maxlen, boundaries)
    tokens, starts = _flat(sequences) if offsets is None else _given(sequences, np.asarray(offsets))
    count = len(starts) - 1
    targets = None if y is None else np.asarray(y)
    if count == 0 or (targets is not None and (targets.ndim == 0 or len(targets) != count)):
        raise InputError(
            "bucket_by_length",
            expected="at least one sequence, and as many targets as sequences",
            got=f"{count} sequences" + ("" if targets is None else f" and targets of shape {targets.shape}"),
            fix="Check y.",
        )
    lengths = np.diff(starts)
    lengths = lengths if maxlen is None else np.minimum(lengths, maxlen)
    options["seed"] = next_seed() if seed is None else seed
    return LengthBuckets(tokens, starts, targets, _bucket_lengths(lengths, boundaries, maxlen), options)


def _bucket_lengths(
    lengths: NDArray[np.int64], boundaries: Sequence[int] | None, maxlen: int | None
) -> NDArray[np.int64]:
    longest = max(int(lengths.max()), 1)
    powers = _SHORTEST * 2 ** np.arange(longest.bit_length())
    ends = np.array(boundaries) if boundaries is not None else np.minimum(powers, longest)
    ends = np.append(ends, max(longest, ends[-1]))
    found = ends[np.searchsorted(ends, lengths)]
    return np.asarray(found if maxlen is None else np.minimum(found, maxlen), np.int64)


def _flat(sequences: Any) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    wrong = next((place for place, item in enumerate(sequences) if not hasattr(item, "__len__")), None)
    if wrong is not None:
        raise InputError(
            "bucket_by_length",
            expected="a list of sequences",
            got=f"{type(sequences[wrong]).__name__} at position {wrong}",
            fix="Give lists of token numbers, or offsets=... if all tokens are in one array.",
        )
    lengths = np.fromiter((len(item) for item in sequences), np.int64, count=len(sequences))
    tokens = np.array(list(chain.from_iterable(sequences)) or np.zeros(0, int))
    return _whole(tokens), np.concatenate([[0], np.cumsum(lengths)])


def _given(tokens: Any, offsets: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    values = _whole(np.asarray(tokens))
    fits = offsets.ndim == 1 and offsets.size > 0 and offsets.dtype.kind in "iu"
    if (
        not fits
        or offsets[0] != 0
        or offsets[-1] != len(values)
        or (np.diff(offsets.astype(np.int64)) < 0).any()
    ):
        raise InputError(
            "bucket_by_length, offsets",
            expected=f"rising whole numbers from 0 to {len(values)}, the number of tokens",
            got=f"shape {offsets.shape}" + (f", from {offsets[0]} to {offsets[-1]}" if offsets.size else ""),
            fix="Write numpy.concatenate([[0], numpy.cumsum(lengths)]).",
        )
    return values, offsets.astype(np.int64)


def _whole(tokens: NDArray[Any]) -> NDArray[np.int32]:
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise InputError(
            "bucket_by_length",
            expected="sequences of whole numbers",
            got=f"values of type {tokens.dtype}" + (f" and shape {tokens.shape}" if tokens.ndim != 1 else ""),
            fix="Turn texts into numbers first, with Tokenizer or TextVectorization.",
        )
    return tokens.astype(np.int32)


def _check_options(options: dict[str, Any], maxlen: int | None, boundaries: Sequence[int] | None) -> None:
    for name in ("padding", "truncating"):
        if options[name] not in ("pre", "post"):
            raise InputError(
                f"bucket_by_length, {name}",
                expected="'pre' or 'post'",
                got=repr(options[name]),
                fix="Use one of the two.",
            )
    for name, value in (("batch_size", options["batch_size"]), ("maxlen", 1 if maxlen is None else maxlen)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
            raise InputError(
                f"bucket_by_length, {name}",
                expected="a positive whole number",
                got=repr(value),
                fix=f"Set {name}=32, say.",
            )
    ends = [] if boundaries is None else list(boundaries)
    if boundaries is not None and (not ends or ends[0] < 1 or ends != sorted(set(ends))):
        raise InputError(
            "bucket_by_length, boundaries",
            expected="rising lengths from 1 on",
            got=repr(boundaries),
            fix="Write boundaries=[50, 100, 200], say.",
        )
