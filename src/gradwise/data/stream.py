"""Batches from data of any size, shuffled, transformed by worker processes, resumable at every batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from typing import Any

from gradwise.config import next_seed
from gradwise.data.stream_feed import Feed, Piece, Preparation, RowsFeed, StreamFeed
from gradwise.data.stream_order import BLOCKS_IN_A_WINDOW, BatchOrder, Order, WindowOrder
from gradwise.data.stream_rows import Cutter, Position
from gradwise.data.stream_samples import as_batch
from gradwise.data.stream_sources import Items, Stream, as_source
from gradwise.data.stream_workers import Workers
from gradwise.errors import InputError, StateError

# Samples of an iterable that are shuffled together unless told otherwise.
_WINDOW = 1024


class Loader:
    """Gives the batches of one epoch after the other, in an order that a seed fixes.

    The same seed and epoch give the same batches whatever the number of workers. `state()` names the
    position after the last batch that was delivered; a loader of the same settings goes on from there, exact
    to the bit, after `restore`.

    Args:
        source: NumPy arrays (memory-mapped ones are read from their files without filling the memory), or a
            tuple (x, y) or dict of them; or anything with `len()` and `[index]` that gives samples, such as
            a list, an image folder, a PyTorch or Hugging Face data set; or an iterable of samples that can
            begin again, such as a function that returns a generator. A sample is an array or number, a tuple
            (x, y) or (x, y, weight), and may hold dicts.
        batch_size: Samples in a batch; None if the source itself gives batches, as a PyTorch `DataLoader`.
        shuffle: Whether each epoch has another order.
        seed: Seed of the orders; by default taken from the library's seed.
        workers: Processes that read and transform; with 0 all happens in the caller's thread. Data in memory
            is copied to each worker. Scripts need the line `if __name__ == "__main__":`.
        transform: A function of one sample. With a parameter `rng` it gets a random generator of its own
            for each sample and epoch, so that augmentation repeats exactly.
        drop_remainder: Whether a shorter last batch is left out.
        window: How many samples are shuffled together. By default all of a source with random access, and
            1024 of an iterable. On a disk, shuffling windows of 16 distant blocks is far faster than
            reading each sample from another place.
        prefetch: How many pieces (batches; windows where a file is read in windows) each worker makes ahead.
        columns: For samples that are dicts, the entries that make the tuple, such as ("image", "label").

    Raises:
        InputError: The source cannot be read, or a setting is out of range.

    Example:
        >>> import numpy as np
        >>> loader = Loader((np.arange(10).reshape(5, 2), np.arange(5)), batch_size=2, seed=0)
        >>> len(loader), [len(y) for x, y in loader]
        (3, [2, 2, 1])
    """

    def __init__(
        self,
        source: Any,
        batch_size: int | None = 32,
        *,
        shuffle: bool = True,
        seed: int | None = None,
        workers: int = 0,
        transform: Callable[..., Any] | None = None,
        drop_remainder: bool = False,
        window: int | None = None,
        prefetch: int = 2,
        columns: Sequence[str] | None = None,
    ) -> None:
        for name, value, least in (
            ("batch_size", 1 if batch_size is None else batch_size, 1),
            ("workers", workers, 0),
            ("window", 1 if window is None else window, 1),
            ("prefetch", prefetch, 1),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(
                    f"Loader, {name}",
                    expected=f"a whole number from {least}",
                    got=repr(value),
                    fix=f"Pass such a number, for example {name}={max(least, 1) * 2}.",
                )
        self._source = as_source(source, columns)
        if batch_size is None and not isinstance(self._source, (Items, Stream)):
            raise InputError(
                "Loader, batch_size",
                expected="a number of samples",
                got="None, and arrays of samples",
                fix="Leave it out; None is for sources that give whole batches.",
            )
        if batch_size is not None and hasattr(source, "collate_fn"):
            raise InputError(
                "Loader",
                expected="a source of samples",
                got=f"a {type(source).__name__}, which gives batches",
                fix="Pass its data set (loader.dataset), or batch_size=None to take its batches.",
            )
        self.batch_size, self.shuffle, self.workers = batch_size, shuffle, workers
        self.drop_remainder, self.window, self.prefetch = drop_remainder, window, prefetch
        self.seed = next_seed() if seed is None else int(seed)
        self._transform = transform
        self._position = Position()
        self._told = 0  # broken samples
        self._begun = False  # whether a loop began at the position, so that the next loop is another epoch
        self._turn: object = None
        self._running: Iterator[Piece] | None = None
        self._next: tuple[int, int] | None = None  # the epoch and piece that `_running` gives next
        if self.samples == 0:
            raise InputError("Loader", expected="at least one sample", got="none", fix="Check the source.")

    @property
    def samples(self) -> int | None:
        """How many samples an epoch has, or None if the source cannot tell."""
        try:
            return len(self._source)
        except TypeError:
            return None

    @property
    def epoch(self) -> int:
        """The epoch of the position, from 0."""
        return self._position.epoch

    def __len__(self) -> int:
        samples = self.samples
        if samples is None:
            raise _UnknownLength(
                "len(Loader)",
                expected="a source that knows its length",
                got="an iterable without len()",
                fix="Count the batches of the first epoch.",
            )
        size = self.batch_size or 1
        return samples // size if self.drop_remainder else -(-samples // size)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yields the batches of the next epoch, or the rest of the one that `restore` came back to."""
        turn = self._turn = object()
        try:
            cutter = self._begin()
            for batch in cutter:
                self._position = cutter.position
                yield as_batch(batch)
                if self._turn is not turn:
                    raise StateError(
                        "Loader",
                        expected="one loop over it at a time",
                        got="a second one, which took over",
                        fix="Make a loader for each loop.",
                    )
            self._end(cutter)
        finally:
            if self._turn is turn and self._next is None:
                self.close()  # left before the end: what was made ahead is of no use

    def state(self) -> dict[str, Any]:
        """Returns the position after the last batch delivered, and what it depends on, for a checkpoint."""
        return {**asdict(self._position), **self._settings(), "seed": self.seed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes to a position, so that the next loop begins with the batch that followed it.

        After the last batch of an epoch that is a loop without batches; the one after it is the next epoch.
        The seed is taken from the state; the number of workers may be another.

        Args:
            state: What `state` returned.

        Raises:
            InputError: It came from other data or from other settings.
        """
        known = {*Position.__dataclass_fields__, *self._settings(), "seed"}
        if set(state) != known:
            raise InputError(
                "Loader.restore",
                expected="what Loader.state returned",
                got=f"entries {', '.join(sorted(map(str, state)))[:200]}",
                fix="Take the loader's part of the checkpoint.",
            )
        for name, value in self._settings().items():
            if state[name] != value:
                raise InputError(
                    "Loader.restore",
                    expected=f"a state with {name} {value}, as this loader has",
                    got=f"one with {state[name]}",
                    fix="Make the loader as it was: its position means nothing in another order.",
                )
        self.close()
        self.seed = int(state["seed"])
        self._position = Position(**{name: int(state[name]) for name in Position.__dataclass_fields__})
        self._begun = False

    def close(self) -> None:
        """Ends the worker processes; a new loop starts them again."""
        if isinstance(self._running, Workers):
            self._running.close()
        self._running = self._next = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _settings(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "window": self.window,
        }

    def _begin(self) -> Cutter:
        if self._begun:
            self._position = Position(self._position.epoch + 1)
        self._begun = True
        start = (self._position.epoch, self._position.piece)
        if self._running is None or self._next != start:
            self.close()
            feed = self._feed(start)
            self._running = Workers(feed, self.workers, self.prefetch) if self.workers else _here(feed)
        self._next = None
        return Cutter(self._running, self._position, self.batch_size, drop_remainder=self.drop_remainder)

    def _feed(self, start: tuple[int, int]) -> Feed:
        ready = self.batch_size is None
        preparation = Preparation(self._transform, self.seed, ready=ready)
        size = self.batch_size or 1
        if isinstance(self._source, Stream):
            window = (self.window or _WINDOW) if self.shuffle else 1
            return StreamFeed(self._source, size, window, self.seed, preparation, start)
        return RowsFeed(self._source, self._order(size), preparation, start)

    def _order(self, size: int) -> Order:
        source, seed = self._source, self.seed if self.shuffle else None
        samples = len(source)
        if isinstance(source, (Items, Stream)):
            windows = None if self.window is None else WindowOrder.of(samples, self.window, seed=seed)
            return BatchOrder(samples, size, seed=seed, windows=windows)
        if source.bounds is not None:
            rows_in_a_block = samples / (len(source.bounds) - 1)
            group = BLOCKS_IN_A_WINDOW if self.window is None else round(self.window / rows_in_a_block)
            return WindowOrder(source.bounds, max(1, group), seed=seed)
        if self.window is not None:
            return WindowOrder.of(samples, self.window, seed=seed)
        return BatchOrder(samples, size, seed=seed)

    def _end(self, cutter: Cutter) -> None:
        """Goes on to the next epoch, and warns of skipped samples if there are more than told of before."""
        epoch, broken = cutter.position.epoch, cutter.broken
        self._position, self._begun, self._next = Position(epoch + 1), False, (epoch + 1, 0)
        shown = "; ".join(f"'{path}': {reason}" for path, reason in cutter.examples)
        told = f"{broken} sample{'' if broken == 1 else 's'} that could not be read" + (
            f" ({shown})" if shown else ""
        )
        if cutter.position == Position(epoch):
            raise InputError(
                f"Loader, epoch {epoch}",
                expected="at least one batch",
                got=told if broken else f"fewer samples than batch_size {self.batch_size}, or none",
                fix="Check the source." if broken else "Check the source, or pass drop_remainder=False.",
            )
        if broken > self._told:  # each epoch meets the same ones
            self._told = broken
            warnings.warn(
                f"Loader, epoch {epoch}: skipped {told}. Replace or remove the files.", stacklevel=3
            )


class _UnknownLength(InputError, TypeError):
    """Also a TypeError: `list(loader)` asks for the length and takes that for an answer."""


def _here(feed: Feed) -> Iterator[Piece]:
    return (feed[number] for number in count())
