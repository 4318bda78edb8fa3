"""Cuts pieces of any length into batches of one length, and knows the position of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gradwise.data.stream_feed import Piece
from gradwise.data.stream_samples import Structure, join, rows_of


@dataclass(frozen=True)
class Position:
    """Where a stream stands: what the next batch begins with.

    Args:
        epoch: The epoch, from 0.
        piece: The piece of that epoch.
        row: How many of that piece's samples are delivered already.
        broken: How many samples of the earlier pieces could not be read.
    """

    epoch: int = 0
    piece: int = 0
    row: int = 0
    broken: int = 0


class Cutter:
    """Takes batches off a row of pieces, up to the end of their epoch.

    Broken samples make pieces shorter; the batches have one size all the same, so that a compiled training
    step fits them all.

    Args:
        pieces: The pieces from that of `position` on.
        position: Where to begin.
        size: Samples in a batch, or None if each piece is one.
        drop_remainder: Whether a shorter last batch is left out.
    """

    def __init__(
        self, pieces: Iterator[Piece], position: Position, size: int | None, *, drop_remainder: bool
    ) -> None:
        self.position = position
        self.examples: list[tuple[str, str]] = []  # the first broken samples
        self._pieces, self._size, self._drop = pieces, size, drop_remainder
        self._held: deque[Piece] = deque()
        self._rows = -position.row  # those held and not delivered
        self._ended = False

    def __iter__(self) -> Iterator[Structure]:
        wanted = 1 if self._size is None else self._size
        while True:
            while self._rows < wanted and not self._ended:
                self._take_in()
            rows = min(wanted, self._rows)
            if rows <= 0 or (rows < wanted and self._drop):
                return
            yield self._cut(rows)

    @property
    def broken(self) -> int:
        """How many samples of the epoch could not be read so far."""
        return self.position.broken + sum(len(piece.broken) for piece in self._held)

    def _take_in(self) -> None:
        piece = next(self._pieces)
        self._ended = piece.last
        if not piece.last:
            self._held.append(piece)
            self._rows += piece.count
            self.examples += piece.broken[: 3 - len(self.examples)]

    def _cut(self, rows: int) -> Structure:
        parts = []
        self._rows -= rows
        place = self.position
        epoch, number, row, broken = place.epoch, place.piece, place.row, place.broken
        while self._held and (rows or row == self._held[0].count):
            piece = self._held[0]
            taken = min(rows, piece.count - row)
            if taken:
                whole = self._size is None or taken == piece.count
                parts.append(piece.values if whole else rows_of(piece.values, slice(row, row + taken)))
            rows, row = rows - taken, row + taken
            if row == piece.count:
                self._held.popleft()
                number, row, broken = number + 1, 0, broken + len(piece.broken)
        self.position = Position(epoch, number, row, broken)
        return join(parts)
