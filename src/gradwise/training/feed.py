"""Brings data to the device ahead of time: a thread reads and places the next steps while these compute."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from gradwise.training.feeding import HostData
from gradwise.training.gathering import has_sparse
from gradwise.training.interrupts import Interrupts

# What a block may hold: enough for the call of a program to cost nothing, little enough to be held thrice.
_MOST_BYTES = 16 * 2**20
_MOST_STEPS = 256
_PATIENCE = 5.0  # seconds for a source to end, once no more is wanted of it
_SECONDS = 0.1  # for which a block is filled at most
_AHEAD = 2  # blocks that wait on the device


@dataclass
class Block:
    """Data that several steps are run on.

    Args:
        data: A data set of `room` batches, or a single batch if `room` is 0.
        steps: How many batches there are in it.
        count: How many samples.
        size: The batch size.
        room: How many batches it has the shape for.
        positions: Where the source stands after each batch, if it can tell.
    """

    data: Any
    steps: int
    count: int
    size: int
    room: int = 0
    positions: tuple[Any, ...] = ()


class Feed:
    """Batches from the host, joined into blocks and placed on the device by a thread.

    Args:
        batches: Yields (data, position) for each batch of the epoch; runs in the thread.
        place: Puts a data set on the device.
        place_batch: Puts a batch on the device.
        joins: Whether blocks join several batches.
        pads: Whether a last batch with fewer samples may join the others.
        interrupts: Asked while nothing comes.
    """

    def __init__(
        self,
        batches: Callable[[], Iterator[tuple[HostData, Any]]],
        place: Callable[[HostData], Any],
        place_batch: Callable[[HostData], Any],
        *,
        joins: bool = False,
        pads: bool = False,
        interrupts: Interrupts | None = None,
    ) -> None:
        self.waited = 0.0  # seconds during which the device had nothing to do
        self._batches = batches
        self._place = place
        self._place_batch = place_batch
        self._joins = joins
        self._pads = pads
        self._interrupts = interrupts
        self._queue: queue.Queue[Any] = queue.Queue(_AHEAD)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gradwise-feed", daemon=True)

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        # A source that is stuck is not waited for: its thread ends with it.
        deadline = time.monotonic() + _PATIENCE
        while self._thread.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self._queue.get_nowait()
            self._thread.join(0.05)
            if self._interrupts is not None and error[0] is None:
                self._interrupts.check()

    def __iter__(self) -> Iterator[Block]:
        while True:
            began = time.perf_counter()
            item = self._next()
            self.waited += time.perf_counter() - began
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _next(self) -> Any:
        while True:
            try:
                return self._queue.get(timeout=0.1)
            except queue.Empty:
                if self._interrupts is not None:
                    self._interrupts.check()

    # In the thread ---------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            for block in self._blocks():
                self._put(block)
                if self._over.is_set():
                    return
            self._put(None)
        except BaseException as error:  # noqa: B036 - it is raised again where the data are used
            self._put(error)

    def _put(self, item: Any) -> None:
        while not self._over.is_set():
            try:
                return self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue

    def _blocks(self) -> Iterator[Block]:
        waiting: list[tuple[HostData, Any]] = []
        room = 0
        began = time.monotonic()
        for data, position in self._batches():
            first = waiting[0][0] if waiting else data
            smaller = self._pads and data.count < first.count
            if _form(data) != _form(first) or (data.count != first.count and not smaller):
                yield from self._joined(waiting, room)
                waiting, smaller = [], False
            waiting.append((data, position))
            if len(waiting) == 1:
                room = self._room(data)
            # A slow source's batches go on at once: nobody waits for a block to be full.
            late = time.monotonic() - began > _SECONDS
            if smaller or late or len(waiting) >= room:
                yield from self._joined(waiting, room)
                waiting = []
                began = time.monotonic()
        yield from self._joined(waiting, room)

    def _room(self, data: HostData) -> int:
        """How many batches like this one a block joins: a power of two."""
        if not self._joins or has_sparse(data.parts):
            return 1
        return 1 << max(0, min(_MOST_STEPS, _MOST_BYTES // max(1, data.bytes())).bit_length() - 1)

    def _joined(self, waiting: list[tuple[HostData, Any]], room: int) -> Iterator[Block]:
        if room == 1:
            for batch, position in waiting:
                yield Block(self._place_batch(batch), 1, batch.count, batch.count, 0, (position,))
        elif waiting:
            batches = [batch for batch, _ in waiting]
            size, count = batches[0].count, sum(batch.count for batch in batches)
            inputs, targets, weights = jax.tree.map(
                lambda *arrays: _filled(arrays, room * size), *(batch.parts for batch in batches)
            )
            data = HostData(inputs, targets, weights, room * size)
            positions = tuple(position for _, position in waiting)
            yield Block(self._place(data), len(batches), count, size, room, positions)


def _filled(arrays: tuple[Any, ...], rows: int) -> np.ndarray:
    """Joins arrays; the first row stands for what is missing to so many rows, and counts for nothing."""
    joined = np.empty((rows, *arrays[0].shape[1:]), arrays[0].dtype)
    count = sum(len(array) for array in arrays)
    np.concatenate(arrays, out=joined[:count])
    joined[count:] = joined[0]
    return joined


def _form(data: HostData) -> Any:
    """The structure of a batch, and the shapes and types of its samples."""
    leaves, structure = jax.tree.flatten(data.parts)
    return structure, [(leaf.shape[1:], leaf.dtype) for leaf in leaves]
