"""Feeds: the endless row of pieces of all epochs, the same in this process and in a worker."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradwise.data.broken import BrokenSample
from gradwise.data.stream_order import Order, generator
from gradwise.data.stream_samples import Structure, as_arrays, copied, count_rows, rows_of, stack
from gradwise.data.stream_sources import ArraySource, Items, Stream
from gradwise.errors import GradwiseError, InputError

# What Grain asks for: an index up to which pieces can be counted.
_ENDLESS = 2**62


@dataclass
class Piece:
    """Some samples of an epoch, stacked.

    Args:
        values: The stacked samples, or None if there is none.
        count: How many.
        broken: The paths and reasons of samples that could not be read.
        last: Whether this is no piece but the end of the epoch.
    """

    values: Structure | None = None
    count: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    last: bool = False


class Feed(Protocol):
    """Pieces by number, from the position it was made for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Piece: ...


class Preparation:
    """Makes pieces of raw samples: the transform, the stacking, what is broken.

    Args:
        transform: The user's function, or None.
        seed: For the transform's random numbers.
        ready: Whether each sample of the source is a whole batch.
    """

    def __init__(self, transform: Callable[..., Any] | None, seed: int, *, ready: bool) -> None:
        self.transform = transform
        self._seed = seed
        self._ready = ready
        self._random = transform is not None and _takes_rng(transform)

    def piece(self, samples: Iterator[tuple[int, Callable[[], Any]]], epoch: int) -> Piece:
        """Stacks samples, each given by its number in errors and a function that reads it."""
        good, rows, broken = [], [], []
        for row, read in samples:
            try:
                good.append(as_arrays(self._transformed(read(), epoch, row)))
                rows.append(row)
            except BrokenSample as error:
                broken.append((error.path, error.reason))
            except (Exception, SystemExit) as error:
                raise failed(row, error) from error
        if not good:
            return Piece(broken=broken)
        if self._ready:
            return Piece(good[0], 1, broken)
        return Piece(stack(good, rows), len(good), broken)

    def _transformed(self, sample: Any, epoch: int, row: int) -> Any:
        if self._ready and isinstance(sample, list):
            sample = tuple(sample)  # PyTorch's loaders give lists [x, y]
        if self.transform is None:
            return sample
        if self._random:
            return self.transform(sample, rng=generator(self._seed, epoch, row))
        return self.transform(sample)


def _takes_rng(transform: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(transform).parameters
    except (TypeError, ValueError):
        return False


def failed(row: int, error: BaseException) -> InputError:
    """Returns the error that tells which sample failed, why and where; a worker can send it."""
    reason = str(error) if isinstance(error, GradwiseError) else f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return InputError(
        f"Loader, sample {row}",
        expected="a sample that can be read and transformed",
        got=f"{reason}{place}",
        fix="Try source[index] and the transform by hand; workers=0 shows the whole traceback.",
    )


class RowsFeed:
    """Pieces of a source with random access.

    Args:
        source: Arrays or items.
        order: Which samples each piece has.
        preparation: Transform and stacking.
        start: The epoch and piece of number 0.
    """

    def __init__(
        self, source: ArraySource | Items, order: Order, preparation: Preparation, start: tuple[int, int]
    ) -> None:
        self._source, self._order, self._preparation, self._start = source, order, preparation, start

    def __len__(self) -> int:
        return _ENDLESS

    def __getitem__(self, number: int) -> Piece:
        epochs, piece = divmod(self._start[1] + number, self._order.pieces + 1)  # one more for the end
        if piece == self._order.pieces:
            return Piece(last=True)
        epoch = self._start[0] + epochs
        rows = self._order.rows(epoch, piece)
        source, numbers = self._source, rows.tolist()
        if isinstance(source, Items):
            return self._preparation.piece(zip(numbers, _readers(source, numbers), strict=True), epoch)
        values = source.gather(rows)
        if self._preparation.transform is None:
            return Piece(values, count_rows(values))
        reads: list[Callable[[], Any]] = [_call(rows_of, values, place) for place in range(len(rows))]
        return self._preparation.piece(zip(numbers, reads, strict=True), epoch)


def _readers(source: Items, rows: Sequence[int]) -> list[Callable[[], Any]]:
    several = source.several(rows)
    if several is None:
        return [_call(source.__getitem__, row) for row in rows]
    return [_call(_same, sample) for sample in several]


def _call(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    return lambda: function(*args)


def _same(value: Any) -> Any:
    return value


class StreamFeed:
    """Pieces of an iterable, which is gone through from its beginning in each epoch.

    A worker that makes every second piece reads the samples of the others too, but does not transform them.

    Args:
        source: The samples.
        size: How many a piece has.
        window: How many samples are shuffled together; 1 keeps their order.
        seed: The seed of the shuffle.
        preparation: Transform and stacking.
        start: The epoch and piece of number 0.
    """

    def __init__(
        self,
        source: Stream,
        size: int,
        window: int,
        seed: int,
        preparation: Preparation,
        start: tuple[int, int],
    ) -> None:
        self._source, self._size, self._window, self._seed = source, size, window, seed
        self._preparation, self._start = preparation, start
        self._walk: Iterator[tuple[int, list[tuple[int, Any]]]] | None = None
        self._next = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_walk": None, "_next": 0}

    def __len__(self) -> int:
        return _ENDLESS

    def __getitem__(self, number: int) -> Piece:
        if self._walk is None or number < self._next:
            self._walk, self._next = self._pieces(), 0
        while True:
            epoch, samples = next(self._walk)
            self._next += 1
            if self._next > number:
                break
        if not samples:
            return Piece(last=True)
        reads = ((row, _call(_same, sample)) for row, sample in samples)
        return self._preparation.piece(reads, epoch)

    def _pieces(self) -> Iterator[tuple[int, list[tuple[int, Any]]]]:
        """Yields the epoch and the raw samples of each piece from the start on; none at an epoch's end."""
        epoch, skipped = self._start
        while True:
            piece: list[tuple[int, Any]] = []
            passed = 0
            for sample in self._shuffled(epoch):
                piece.append(sample)
                if len(piece) == self._size:
                    passed += 1
                    if passed > skipped:
                        yield epoch, piece
                    piece = []
            if piece and passed >= skipped:
                yield epoch, piece
            yield epoch, []
            epoch, skipped = epoch + 1, 0

    def _shuffled(self, epoch: int) -> Iterator[tuple[int, Any]]:
        """Yields the samples with their numbers, shuffled window by window.

        The first window is shorter, by another amount in each epoch, so that the same samples do not always
        share one.
        """
        if self._window == 1:
            yield from self._numbered()
            return
        held: list[tuple[int, Any]] = []
        draw = generator(self._seed, epoch)
        size = 1 + int(draw.integers(self._window))
        for sample in self._numbered():
            held.append(sample)
            if len(held) == size:
                yield from (held[place] for place in draw.permutation(len(held)))
                held, size = [], self._window
        yield from (held[place] for place in draw.permutation(len(held)))

    def _numbered(self) -> Iterator[tuple[int, Any]]:
        row = 0
        try:
            for sample in self._source:
                yield row, copied(sample)
                row += 1
        except (Exception, SystemExit) as error:
            raise failed(row, error) from error
