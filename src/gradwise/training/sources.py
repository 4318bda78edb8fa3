"""Where the batches of a run come from."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from gradwise.training.feeding import HostData
from gradwise.training.streams import Stream


@dataclasses.dataclass
class Source:
    """Where batches come from.

    Args:
        data: Arrays on the host, or None for a stream.
        stream: Yields (x, y, sample_weight) batches epoch after epoch, or None for arrays.
        size: The batch size of arrays.
        steps: Steps in an epoch; None for a stream of unknown length.
        shuffle: Whether arrays are shuffled each epoch.
    """

    data: HostData | None
    stream: Stream | None
    size: int
    steps: int | None
    shuffle: bool = True

    @property
    def kind(self) -> str:
        """Whether it holds "arrays", arrays in "files", or a "stream"."""
        if self.data is None:
            return "stream"
        return "files" if self.data.in_files else "arrays"

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


def source_of_stream(stream: Stream) -> Source:
    """Makes a source of a stream of batches."""
    return Source(None, stream, 0, stream.length, False)
