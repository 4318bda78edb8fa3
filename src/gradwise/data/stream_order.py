"""The order of samples in each epoch: a pure function of the seed and the epoch, in pieces."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.signedinteger]

BLOCKS_IN_A_WINDOW = 16


class Order(Protocol):
    """Which samples each piece of an epoch has."""

    pieces: int

    def rows(self, epoch: int, piece: int) -> Rows:
        """Returns the places of the samples of one piece."""


def generator(*key: int) -> np.random.Generator:
    """Returns the generator of random numbers that belongs to a key, the same on every machine.

    Example:
        >>> int(generator(1, 2).integers(10)) == int(generator(1, 2).integers(10))
        True
    """
    return np.random.default_rng(key)


class BatchOrder:
    """Pieces of `size` samples out of one order of all samples.

    Args:
        samples: How many samples there are.
        size: How many a piece has; the last one has what is left.
        seed: The seed of the order, or None to keep the order of the source.
        windows: By default all samples are shuffled together; with windows, in those.

    Example:
        >>> order = BatchOrder(5, 2, seed=None)
        >>> [order.rows(0, piece).tolist() for piece in range(order.pieces)]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, samples: int, size: int, *, seed: int | None, windows: WindowOrder | None = None
    ) -> None:
        self.pieces = -(-samples // size)
        self._samples, self._size, self._seed, self._windows = samples, size, seed, windows
        self._drawn: tuple[int, Rows] | None = None

    def rows(self, epoch: int, piece: int) -> Rows:
        """Returns int[size], the places of the samples of one piece."""
        start = piece * self._size
        stop = min(start + self._size, self._samples)
        return np.arange(start, stop) if self._seed is None else self._order(epoch)[start:stop]

    def _order(self, epoch: int) -> Rows:
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = (epoch, self._draw(epoch))
        return self._drawn[1]

    def _draw(self, epoch: int) -> Rows:
        small: Any = np.int32 if self._samples < 2**31 else np.int64
        windows = self._windows
        if windows is not None:
            parts = (windows.rows(epoch, piece) for piece in range(windows.pieces))
            return np.concatenate([part.astype(small) for part in parts])
        order: Rows = np.arange(self._samples, dtype=small)
        generator(self._seed or 0, epoch).shuffle(order)
        return order


class WindowOrder:
    """Pieces of several blocks from anywhere in the source, whose samples are shuffled together.

    Blocks are neighbouring samples, so that a disk reads them at full speed; a window holds blocks that are
    far apart, so that samples which lie together in the file do not stay together.

    Args:
        bounds: int[blocks + 1], where the blocks begin, and the number of samples.
        group: How many blocks a window has.
        seed: The seed of the order, or None to keep the order of the source.

    Example:
        >>> order = WindowOrder(np.array([0, 2, 4, 6]), 2, seed=None)
        >>> [order.rows(0, piece).tolist() for piece in range(order.pieces)]
        [[0, 1, 2, 3], [4, 5]]
    """

    def __init__(self, bounds: Rows, group: int, *, seed: int | None) -> None:
        self._bounds, self._group, self._seed = bounds, group, seed
        self.pieces = -(-(len(bounds) - 1) // group)

    @classmethod
    def of(cls, samples: int, window: int, *, seed: int | None) -> WindowOrder:
        """Cuts `samples` into even blocks, `BLOCKS_IN_A_WINDOW` of which make a window."""
        block = max(1, window // BLOCKS_IN_A_WINDOW)
        starts = np.append(np.arange(0, samples, block), samples)
        return cls(starts, max(1, window // block), seed=seed)

    def rows(self, epoch: int, piece: int) -> Rows:
        """Returns the places of the samples of one window."""
        blocks = np.arange(len(self._bounds) - 1)
        if self._seed is not None:
            generator(self._seed, epoch).shuffle(blocks)
        chosen = blocks[piece * self._group : (piece + 1) * self._group]
        rows = np.concatenate([np.arange(self._bounds[block], self._bounds[block + 1]) for block in chosen])
        if self._seed is not None:
            generator(self._seed, epoch, piece).shuffle(rows)
        return rows
