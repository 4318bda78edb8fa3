"""Where the batches of a run come from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradwise.training.feeding import HostData, batches_of


@dataclasses.dataclass
class Source:
    """Where batches come from.

    Args:
        data: Arrays on the host, or None for a stream.
        stream: Makes an iterator of (x, y, sample_weight) batches for each epoch, or None for arrays.
        size: The batch size of arrays.
        steps: Steps in an epoch; None for a stream of unknown length.
        shuffle: Whether arrays are shuffled each epoch.
    """

    data: HostData | None
    stream: Callable[[], Iterator[Any]] | None
    size: int
    steps: int | None
    shuffle: bool = True

    def order(self, seed: int, update: int, length: int) -> np.ndarray:
        """Returns the rows in the order of an epoch, cut or filled up to a length.

        Args:
            seed: The seed of the run.
            update: How many updates there were before the epoch: no two epochs share an order, and going
                on with training later gives the same orders as not stopping.
            length: How many row numbers are wanted.

        Returns:
            int32[length].
        """
        count = self.data.count if self.data is not None else 0
        if self.shuffle:
            order = np.random.default_rng([seed, update]).permutation(count).astype("int32")
        else:
            order = np.arange(count, dtype="int32")
        return np.resize(order, length) if length > count else order[:length]


def source_of_arrays(data: HostData, size: int, steps: int | None = None, *, shuffle: bool = True) -> Source:
    """Makes a source of the whole data set, or of the first `steps` batches of each epoch's order."""
    full = math.ceil(data.count / size)
    return Source(data, None, min(size, data.count), full if steps is None else min(steps, full), shuffle)


def source_of_stream(stream: Any, steps: int | None, where: str) -> Source:
    """Makes a source of an iterable of batches; one generator goes on from epoch to epoch."""
    return Source(None, lambda: batches_of(stream, steps, where), 0, steps, False)
