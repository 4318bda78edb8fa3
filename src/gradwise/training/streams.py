"""Data that come as batches: generators, sequences of batches, and loaders of this and other libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradwise.data.image_folders import ImageFiles
from gradwise.data.stream import Loader
from gradwise.data.tables import Table
from gradwise.data.text_folders import TextFiles
from gradwise.data.time_series import Windows
from gradwise.errors import InputError

Triple = tuple[Any, Any, Any]
_TARGETS = ("label", "labels", "target", "targets", "y")


def is_stream(x: Any) -> bool:
    """Tells whether data come as batches: a generator, an iterator or a sequence object of batches.

    Example:
        >>> is_stream(iter([])), is_stream([1, 2])
        (True, False)
    """
    if hasattr(x, "__next__") or type(x).__name__ == "DatasetDict":  # a dict, told of later
        return True
    if isinstance(x, (list, tuple, Mapping, str, range, Table)):
        return False
    if any(hasattr(type(x), name) for name in ("__array__", "columns", "toarray")):
        return False  # an array, a frame or a sparse matrix
    return hasattr(x, "__getitem__") or hasattr(x, "__iter__")


def refuse_beside_stream(where: str, **given: Any) -> None:
    """Refuses targets and weights beside a stream, which brings its own.

    Args:
        where: The method, for errors.
        **given: The arguments by name; None was not given.

    Raises:
        InputError: One was given.

    Example:
        >>> refuse_beside_stream("fit", y=None)
    """
    for name, value in given.items():
        if value is not None:
            raise InputError(
                where,
                expected="batches of (x, y) or (x, y, sample_weight) from the stream alone",
                got=name,
                fix="Yield it with the inputs.",
            )


class Stream:
    """Batches (x, y, sample_weight), epoch after epoch.

    A generator goes on from one epoch to the next. So does anything else whose epochs have a given number
    of steps; where it ends, it begins anew. An object with a length and items, such as Keras' `Sequence`, is
    read in a new order each epoch, and its `on_epoch_end` is called. Data sets of samples (PyTorch's, Hugging
    Face's, image and text folders, windows of time series) are put into batches.

    Args:
        source: A generator, an iterable, or an object with `__len__` and `__getitem__`, of batches.
        where: The method it was given to, for errors.
        steps: Batches in an epoch; None for all there are.
        batch_size: For data sets of samples.
        shuffle: Whether the order is new each epoch, for objects with items.
        goes_on: Whether an epoch begins where the one before has ended, if it has a number of steps.

    Raises:
        InputError: It is a data set whose target is not known.

    Example:
        >>> stream = Stream(iter([(1, 2), (3, 4)]), "fit")
        >>> stream.first(), list(stream.epoch())
        ((1, 2, None), [(1, 2, None), (3, 4, None)])
    """

    def __init__(
        self,
        source: Any,
        where: str,
        *,
        steps: int | None = None,
        batch_size: int | None = None,
        shuffle: bool = False,
        goes_on: bool = False,
    ) -> None:
        self.source = _batched(source, where, batch_size or 32, shuffle=shuffle)
        if batch_size is not None and self.source is source:
            raise InputError(
                f"{where}, batch_size",
                expected="none, as the data come as batches",
                got=batch_size,
                fix="Leave it out, and make batches of that size where they come from.",
            )
        self.where = where
        self.steps = steps
        self.endless = hasattr(self.source, "__next__")
        self._shuffle = shuffle
        self._goes_on = self.endless or (goes_on and steps is not None)
        self._indexed = (
            hasattr(self.source, "__getitem__") and hasattr(self.source, "__len__") and not self.endless
        )
        self._running: Iterator[Any] | None = None
        self._looked_at: list[Any] = []

    @property
    def length(self) -> int | None:
        """Batches in an epoch, None if unknown."""
        if self.steps is not None:
            return self.steps
        try:
            return len(self.source)
        except TypeError:
            return None

    def first(self) -> Triple:
        """Looks at the first batch without taking it away.

        Raises:
            InputError: There is none.
        """
        if self._looked_at:
            return self._unpacked(self._looked_at[0])
        try:
            if self._indexed:
                if not len(self.source):
                    raise StopIteration
                return self._unpacked(self.source[0])
            self._running = self._open(None)
            self._looked_at.append(next(self._running))
        except StopIteration:
            raise InputError(
                self.where,
                expected="at least one batch",
                got="an empty stream",
                fix="Check what the generator yields.",
            ) from None
        return self._unpacked(self._looked_at[0])

    def epoch(self, seed: Any = None) -> Iterator[Triple]:
        """Yields the batches of the next epoch.

        Args:
            seed: What the order of an object with items is drawn from.

        Yields:
            Batches as triples.

        Raises:
            InputError: An item is no tuple of one to three parts, or the data end too early.
        """
        if not self._goes_on and not self._looked_at:
            self._running = None
        taken, fresh = 0, self._running is None
        while self.steps is None or taken < self.steps:
            if self._running is None:
                self._running = self._open(seed)
            try:
                item = self._looked_at.pop() if self._looked_at else next(self._running)
            except StopIteration:
                self._running = None
                if self.steps is None:
                    break
                if fresh or self.endless or not self._goes_on:
                    raise self._too_short(taken) from None
                fresh = True
                continue
            taken, fresh = taken + 1, False
            yield self._unpacked(item)
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def position(self) -> Any:
        """Returns where the source stands, for sources that can tell: a `Loader`."""
        return self.source.state() if hasattr(self.source, "state") else None

    def _open(self, seed: Any) -> Iterator[Any]:
        if not self._indexed:
            return self.source if self.endless else iter(self.source)  # type: ignore[no-any-return]
        order: Any = range(len(self.source))
        if self._shuffle and seed is not None:
            order = np.random.default_rng(seed).permutation(len(self.source)).tolist()
        return (self.source[place] for place in order)

    def _unpacked(self, item: Any) -> Triple:
        parts = tuple(item) if isinstance(item, (tuple, list)) else (item,)
        if not 1 <= len(parts) <= 3:
            raise InputError(
                self.where,
                expected="batches of the form (x, y) or (x, y, sample_weight)",
                got=f"a tuple of {len(parts)}",
                fix="Yield such tuples; several inputs go into a list or dict inside.",
            )
        return (*parts, *[None] * (3 - len(parts)))  # type: ignore[return-value]

    def _too_short(self, taken: int) -> InputError:
        return InputError(
            self.where,
            expected=f"{self.steps} batches",
            got=f"{taken}, then the data ended",
            fix="Lower the number of steps, or let the generator run forever (while True).",
        )


def _batched(source: Any, where: str, batch_size: int, *, shuffle: bool) -> Any:
    """Puts a data set of samples into batches; anything else comes in batches already."""
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(source).__mro__}
    if ("torch", "Dataset") in kinds or isinstance(source, (Windows, ImageFiles, TextFiles)):
        return Loader(source, batch_size, shuffle=shuffle)
    if ("datasets", "Dataset") in kinds or ("datasets", "IterableDataset") in kinds:
        return Loader(source, batch_size, shuffle=shuffle, columns=_columns(source, where))
    if ("datasets", "DatasetDict") in kinds:
        raise InputError(
            where,
            expected="one part of the data set",
            got=f"all of them: {', '.join(source)}",
            fix="Pass one, such as dataset['train'].",
        )
    return source


def _columns(source: Any, where: str) -> tuple[str, str]:
    names = list(source.column_names or ())
    targets = [name for name in names if name in _TARGETS]
    inputs = [name for name in names if name not in _TARGETS]
    if len(targets) != 1 or len(inputs) != 1:
        raise InputError(
            where,
            expected="a data set with one input column and one named 'label'",
            got=f"the columns {', '.join(names) or 'unknown'}",
            fix="Say which: gradwise.data.Loader(dataset, batch_size, columns=('image', 'label')).",
        )
    return inputs[0], targets[0]
