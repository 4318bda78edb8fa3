"""Batches of windows of a time series, under Keras' name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradwise.config import next_seed
from gradwise.data.time_series import Windows, check_whole
from gradwise.errors import InputError


class TimeSeriesBatches:
    """Batches of windows to iterate over as often as wanted, with the number of them as length.

    Args:
        source: The windows.
        batch_size: How many windows there are in a batch; None gives single ones.
        shuffle: Whether each iteration takes them in a new order.
        seed: Where the orders come from; by default the library's seed.

    Example:
        >>> from gradwise.data.time_series import windows
        >>> batches = TimeSeriesBatches(windows(np.arange(10.0), 3), 4)
        >>> [len(x) for x, y in batches]
        [4, 3]
    """

    def __init__(
        self, source: Windows, batch_size: int | None = 128, *, shuffle: bool = False, seed: int | None = None
    ) -> None:
        self.source = source
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._generator = np.random.default_rng(next_seed() if shuffle and seed is None else seed or 0)

    def __len__(self) -> int:
        return math.ceil(len(self.source) / (self.batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        count = len(self.source)
        order = self._generator.permutation(count) if self.shuffle else np.arange(count)
        if self.batch_size is None:
            yield from (self.source[place] for place in order)
        else:
            for start in range(0, count, self.batch_size):
                yield self.source[order[start : start + self.batch_size]]


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> TimeSeriesBatches:
    """Makes batches of the windows of a series, with the arguments and the order of Keras' function.

    Unlike in `windows`, `targets[i]` belongs to the window that *starts* at step i: for a forecast pass
    `data[:-delay]` and `targets[delay:]`, with a delay of at least the span of a window.

    Args:
        data: The steps of the series [T, ...].
        targets: The target of the window that starts at each step, [T', ...], or None for windows alone;
            windows that have none are left out.
        sequence_length: How many steps a window has.
        sequence_stride: How many steps one window starts after the one before.
        sampling_rate: How many steps of the series it goes on inside a window.
        batch_size: How many windows there are in a batch; None gives single ones.
        shuffle: Whether each epoch takes the windows in a new order.
        seed: Seed of the orders; by default taken from the library's seed.
        start_index: The first step to use.
        end_index: The step after the last one to use.

    Returns:
        An iterable of batches (x, y), or x alone without targets, for `fit` and loops; `len` is the number
        of batches.

    Raises:
        InputError: The steps are too few for one window, or a number is out of range.

    Example:
        >>> series = np.arange(13.0)
        >>> x, y = next(iter(timeseries_dataset_from_array(series[:-3], series[3:], 3, batch_size=2)))
        >>> x.tolist(), y.tolist()
        ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [3.0, 4.0])
    """
    where = "timeseries_dataset_from_array"
    for name, number in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
        ("batch_size", 1 if batch_size is None else batch_size),
    ):
        check_whole(where, name, number, 1)
    series = np.asarray(data)
    start, end = start_index or 0, len(series) if end_index is None else end_index
    if not 0 <= start < end <= len(series):
        raise InputError(
            where,
            expected=f"0 <= start_index < end_index <= {len(series)}",
            got=f"{start_index} and {end_index}",
            fix="Both are steps of the series.",
        )
    goal = None if targets is None else np.asarray(targets)
    last = end - (sequence_length - 1) * sampling_rate
    if goal is not None:
        last = min(last, len(goal))
    starts = np.arange(start, last, sequence_stride)
    if not len(starts):
        raise InputError(
            where,
            expected="steps and targets for at least one window",
            got=f"{end - start} steps for windows that span {(sequence_length - 1) * sampling_rate + 1}",
            fix="Choose a smaller sequence_length or sampling_rate.",
        )
    found = Windows(series, goal, starts, sequence_length, sampling_rate, 0, 1, np.array([len(series)]))
    return TimeSeriesBatches(found, batch_size, shuffle=shuffle, seed=seed)
