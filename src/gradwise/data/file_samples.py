"""Samples that stay in their files until they are asked for, by position."""

from __future__ import annotations

import copy
import operator
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, Self, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.broken import BrokenSample
from gradwise.errors import FileError, InputError

_AT_ONCE = 64


class Reader(Protocol):
    """What reads a file as a sample."""

    def __call__(self, source: str, /) -> Any:
        """Reads the file, or raises BrokenSample."""

    def look(self, source: str, /) -> Any:
        """Reads so much of the file as shows whether it is one, or raises BrokenSample."""


class FileSamples:
    """Files with labels, read one at a time by position: `samples[i]`.

    What it holds are paths, labels and settings, so that it goes to other processes quickly; none of them
    looks through folders again.

    A file that cannot be read raises `BrokenSample`, upon which a stream skips the sample, counts it and
    tells at the end of the epoch. With on_broken="raise" it raises `FileError`, which ends the training.

    Args:
        paths: N paths.
        labels: [N, ...], or None for samples without labels.
        reader: Reads one file.
        class_names: The names of the classes that labels number, if they do.
        on_broken: "skip" or "raise".

    Raises:
        InputError: There is not one label for each path, or `on_broken` is neither.

    Example:
        >>> from pathlib import Path
        >>> from gradwise.data.text_reading import TextReader
        >>> for name, text in (("a.txt", "so good"), ("b.txt", "so so")):
        ...     _ = Path(name).write_text(text)
        >>> samples = FileSamples(["a.txt", "b.txt"], np.array([1, 0]), TextReader())
        >>> len(samples), samples[1]
        (2, ('so so', np.int64(0)))
    """

    def __init__(
        self,
        paths: Sequence[str],
        labels: ArrayLike | None,
        reader: Reader,
        *,
        class_names: Sequence[str] | None = None,
        on_broken: str = "skip",
    ) -> None:
        if on_broken not in ("skip", "raise"):
            raise InputError(
                "on_broken", expected="'skip' or 'raise'", got=repr(on_broken), fix="Use one of the two."
            )
        self.paths = [os.fspath(path) for path in paths]
        self.labels = None if labels is None else np.asarray(labels)
        if self.labels is not None and np.shape(self.labels)[:1] != (len(self.paths),):
            raise InputError(
                "labels",
                expected=f"one for each of {len(self.paths)} files",
                got=f"shape {self.labels.shape}",
                fix="Give as many labels as there are files.",
            )
        self.reader = reader
        self.class_names = None if class_names is None else list(class_names)
        self.on_broken = on_broken
        self.broken: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: SupportsIndex) -> Any:
        """Reads one sample: the value and its label, or the value alone where there are no labels."""
        place = operator.index(index)
        path = self.paths[place]
        try:
            value = self.reader(path)
        except BrokenSample as error:
            if self.on_broken == "raise":
                raise _refusal(path, error.reason) from error
            raise
        return value if self.labels is None else (value, self.labels[place])

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f" in {len(self.class_names)} classes"
        return f"<{type(self).__name__} of {len(self)} files{classes}>"

    def take(self, rows: ArrayLike) -> Self:
        """Returns the chosen samples only, for example a part that `holdout` made.

        Args:
            rows: Positions, or a bool array.

        Returns:
            An object of the same kind.

        Example:
            >>> from gradwise.data.text_reading import TextReader
            >>> FileSamples(["a.txt", "b.txt", "c.txt"], None, TextReader()).take([2, 0]).paths
            ['c.txt', 'a.txt']
        """
        places = self._places(rows)
        result = copy.copy(self)
        result.paths = [self.paths[place] for place in places]
        result.labels = None if self.labels is None else self.labels[places]
        kept = set(result.paths)
        result.broken = [item for item in self.broken if item[0] in kept]
        return result

    def class_counts(self) -> dict[str, int]:
        """Returns how many samples each class has.

        Raises:
            InputError: The labels are not the numbers of classes.

        Example:
            >>> from gradwise.data.text_reading import TextReader
            >>> FileSamples(["a", "b"], [1, 1], TextReader(), class_names=["no", "yes"]).class_counts()
            {'no': 0, 'yes': 2}
        """
        if self.class_names is None or self.labels is None or self.labels.ndim != 1:
            raise InputError(
                "class_counts", expected="labels that number classes", got="others", fix="Count `labels`."
            )
        counts = np.bincount(self.labels.astype(np.int64), minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def check(self, *, decode: bool = False) -> list[tuple[str, str]]:
        """Looks for files that cannot be read, in several threads.

        Args:
            decode: Whether each file is read as a whole, which also finds those cut off or damaged further
                on, and takes as long as an epoch of reading; else its header only.

        Returns:
            The path of each broken file with the reason; they stay in `broken`.

        Example:
            >>> from gradwise.data.text_reading import TextReader
            >>> FileSamples(["gone.txt"], None, TextReader()).check()
            [('gone.txt', 'No such file or directory')]
        """
        look: Callable[[str], Any] = self.reader if decode else self.reader.look
        self._note(self._each(lambda place: look(self.paths[place])))
        return self.broken

    def _places(self, rows: ArrayLike) -> NDArray[np.int64]:
        chosen = np.asarray(rows)
        numbers = np.arange(len(self))[chosen if chosen.size else chosen.astype(np.int64)]
        return np.asarray(numbers, dtype=np.int64)

    def _each(self, work: Callable[[int], object]) -> dict[int, str]:
        """Does something with every position, in threads; returns what was wrong with broken ones."""

        def some(start: int) -> list[tuple[int, str]]:
            wrong = []
            for place in range(start, min(start + _AT_ONCE, len(self))):
                try:
                    work(place)
                except BrokenSample as error:
                    wrong.append((place, error.reason))
            return wrong

        # Reading waits for the disk, and Pillow lets other threads work while it decodes.
        with ThreadPoolExecutor() as pool:
            return dict(item for part in pool.map(some, range(0, len(self), _AT_ONCE)) for item in part)

    def _note(self, reasons: dict[int, str]) -> None:
        self.broken = [(self.paths[place], reason) for place, reason in reasons.items()]

    def _left(
        self, values: NDArray[Any], reasons: dict[int, str]
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Leaves broken samples out of what was read, with a warning."""
        self._note(reasons)
        if not reasons:
            return values, self.labels
        path, reason = self.broken[0]
        if self.on_broken == "raise":
            raise _refusal(path, reason)
        warnings.warn(
            f"to_arrays: {len(reasons)} of {len(self)} files cannot be read and were left out, the first "
            f"'{path}': {reason}. All are listed in `broken`.",
            stacklevel=3,
        )
        kept = [place for place in range(len(self)) if place not in reasons]
        for new, old in enumerate(kept):  # in place: a copy would take the memory twice
            values[new] = values[old]
        return values[: len(kept)], None if self.labels is None else self.labels[kept]


def _refusal(path: str, reason: str) -> FileError:
    return FileError(
        f"'{path}'",
        expected="a file that can be read",
        got=reason,
        fix="Replace or remove the file, or skip such files with on_broken='skip'.",
    )
