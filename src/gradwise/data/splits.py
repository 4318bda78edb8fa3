"""Splits of the samples into training, validation and test parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.config import next_seed
from gradwise.data.duplicates import row_keys
from gradwise.data.folds import Rows, as_classes, column, cuts_in_time, deal_evenly, sample_count
from gradwise.data.split_reports import SplitReport, split_report
from gradwise.errors import InputError


@dataclass(frozen=True)
class Holdout:
    """The row numbers of parts that share no row, each in ascending order.

    Args:
        train: int64[N], the rows to fit on.
        validation: int64[V], the rows to choose by.
        test: int64[M], the rows to judge by, once.
        notes: Sentences for the user, for example on classes too small to split.
        train_dev: int64[D], rows like those of `train` that are not trained on; empty unless asked for.
        samples: How many samples were split; None if that is not known.

    Example:
        >>> holdout(10, seed=0)
        Holdout(train 6, validation 2, test 2)
    """

    train: Rows
    validation: Rows
    test: Rows
    notes: tuple[str, ...] = ()
    train_dev: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    samples: int | None = None

    def __repr__(self) -> str:
        return f"Holdout({', '.join(f'{part} {len(rows)}' for part, rows in self.parts.items())})"

    @property
    def parts(self) -> dict[str, Rows]:
        """The rows of each part by its name, without train-dev where there is none."""
        held = {"train_dev": self.train_dev} if len(self.train_dev) else {}
        return {"train": self.train, **held, "validation": self.validation, "test": self.test}

    def report(
        self,
        x: Any = None,
        y: Any = None,
        *,
        groups: ArrayLike | None = None,
        time: ArrayLike | None = None,
    ) -> SplitReport:
        """Looks for classes, duplicates, drift, groups and times that make the parts differ or leak.

        Args:
            x: Inputs: an array [B, ...], a table, a frame or a list of texts.
            y: Targets [B] or [B, K].
            groups: A group for each sample: none should be in two parts.
            time: When each sample was taken: no part should begin before the one before it ends.

        Returns:
            The report; see `split_report`.

        Example:
            >>> holdout(10, seed=0).report(np.zeros((10, 2))).duplicates[0].share
            1.0
        """
        return split_report(self, x, y, groups=groups, time=time)


def default_parts(n: int) -> tuple[float, float, float]:
    """Returns the shares of training, validation and test that suit the number of samples.

    60/20/20 up to 10 000 samples, 98/1/1 at a million, 99.5/0.25/0.25 from ten million on (the classic
    figures for each size); between them the held-out share falls evenly on a log-log scale, so that more
    data never means fewer held-out samples.

    Args:
        n: The number of samples.

    Returns:
        Three fractions of 1 that add up to 1.

    Example:
        >>> default_parts(500)
        (0.6, 0.2, 0.2)
        >>> [round(part, 4) for part in default_parts(1_000_000)]
        [0.98, 0.01, 0.01]
    """
    sizes, shares = np.log([1e4, 1e6, 1e7]), np.log([0.2, 0.01, 0.0025])
    held = 0.2 if n <= 10_000 else float(np.exp(np.interp(math.log(n), sizes, shares)))
    return (round(1 - 2 * held, 12), held, held)


def holdout(
    n: int,
    *,
    y: ArrayLike | None = None,
    stratify: bool = True,
    parts: Sequence[float] | None = None,
    train_dev: float = 0.0,
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
    seed: int | None = None,
) -> Holdout:
    """Makes a training, a validation and a test part: at random, by groups, or by time.

    A fourth part, train-dev, tells apart two reasons for a poor validation score (A. Ng, Machine Learning
    Yearning, 2018, chapters 40-41): it is drawn from the training part but not trained on, so that a gap
    between training and train-dev is variance, and one between train-dev and validation is a difference
    of the data. Where validation and test samples come from elsewhere, split the two sources one by one:
    `holdout(n_web, parts=(1, 0, 0), train_dev=0.02)` and `holdout(n_app, parts=(0.5, 0.25, 0.25))`.

    Args:
        n: The number of samples.
        y: Classes [B], numbers or texts; with them each part gets the classes in the same shares. A class of
            fewer than three samples stays in the training part. Other targets are not looked at, and the
            notes say so; `folds.as_classes` tells what classes are.
        stratify: False ignores `y`.
        parts: Shares of training, validation and test; by default `default_parts(n)`. They are scaled to
            add up to 1, and 0 leaves a part empty.
        train_dev: The share of the training part to set aside as train-dev, from 0 (none) to below 1. It
            is always drawn at random, with `groups` or `time` in whole groups or times; the other parts
            are the same with and without it.
        groups: A group for each sample, such as a patient: all samples of a group are in the same part.
        time: When each sample was taken: the first samples are for training, the last for testing, and those
            of the same time stay together. Nothing else is drawn, and `y` is not looked at.
        seed: Seed of the draw; by default taken from the library's seed.

    Returns:
        The row numbers of each part and notes for the user.

    Raises:
        InputError: There are fewer samples than parts, the shares make no sense, or a value of `y`, `groups`
            or `time` is missing.

    Example:
        >>> parts = holdout(100, y=np.repeat([0, 1], [90, 10]), seed=1)
        >>> int((parts.test >= 90).sum())
        2
    """
    n = sample_count(n, "holdout")
    shares = checked_shares(default_parts(n) if parts is None else parts)
    wanted = sum(share > 0 for share in shares)
    if n < wanted:
        raise InputError(
            "holdout",
            expected=f"at least {wanted} samples",
            got=f"{n}",
            fix="Collect more data or use fewer parts.",
        )
    _check_train_dev(train_dev)
    classes, reason = None, ""
    if y is not None and stratify:
        classes, reason = (
            (None, "the order in time decides") if time is not None else as_classes(y, n, "holdout")
        )
    generator = np.random.default_rng(next_seed() if seed is None else seed)
    notes: tuple[str, ...] = (f"y was not looked at: {reason}.",) if reason else ()
    teams = None if groups is None else column("groups", groups, n, "holdout")
    if time is not None:
        teams = column("time", time, n, "holdout")
        rows = _in_order(teams, shares)
    else:
        rows, told = _at_random(n, classes, teams, shares, generator)
        notes += told
    train, validation, test = rows
    held = np.zeros(0, np.int64)
    if train_dev:
        train, held = _train_dev(train, train_dev, classes, teams, generator)
    return Holdout(train, validation, test, notes, held, n)


def _at_random(
    n: int,
    classes: NDArray[Any] | None,
    groups: NDArray[Any] | None,
    shares: tuple[float, ...],
    generator: np.random.Generator,
) -> tuple[list[Rows], tuple[str, ...]]:
    """Deals the samples, or whole groups of them, to the parts with a share; notes tell of small classes."""
    used = np.nonzero(np.array(shares))[0]
    labels, numbers = (None, None) if classes is None else np.unique(classes, return_inverse=True)
    teams = None if groups is None else np.unique(groups, return_inverse=True)[1]
    if teams is not None and teams.max() + 1 < len(used):
        raise InputError(
            "holdout, groups",
            expected=f"at least {len(used)} groups",
            got=f"{teams.max() + 1}",
            fix="Collect more data or use fewer parts.",
        )
    small = []
    if labels is not None and numbers is not None and teams is None:
        small = labels[np.bincount(numbers) < len(used)].tolist()
        if len(small) == len(labels):
            raise InputError(
                "holdout",
                expected=f"at least one class with {len(used)} samples",
                got=f"{len(small)} classes that are all smaller",
                fix="Collect more data, join classes, or pass stratify=False.",
            )
    part = used[deal_evenly(n, np.array(shares)[used], numbers, teams, generator, least=1)]
    notes: tuple[str, ...] = ()
    if small:
        shown = ", ".join(map(str, small[:10])) + (", …" if len(small) > 10 else "")
        notes = (f"Class {shown} has fewer than {len(used)} samples: all of them are in the training part.",)
    return [np.nonzero(part == number)[0] for number in range(len(shares))], notes


def _in_order(time: NDArray[Any], shares: tuple[float, ...]) -> list[Rows]:
    order = np.argsort(time, kind="stable")
    rows = [np.sort(part) for part in np.split(order, cuts_in_time(time[order], np.cumsum(shares)[:2]))]
    if any(share > 0 and not len(part) for share, part in zip(shares, rows, strict=True)):
        raise InputError(
            "holdout, time",
            expected="different times enough for every part",
            got=f"{len(np.unique(time))}",
            fix="Use fewer parts, or finer times.",
        )
    return rows


def _train_dev(
    train: Rows,
    share: float,
    classes: NDArray[Any] | None,
    groups: NDArray[Any] | None,
    generator: np.random.Generator,
) -> tuple[Rows, Rows]:
    """Takes a random share off the training part, as evenly by class and group as the parts themselves."""
    available = len(train) if groups is None else len(np.unique(groups[train]))
    if available < 2:
        kind = "samples" if groups is None else "groups or times"
        raise InputError(
            "holdout, train_dev",
            expected=f"at least 2 {kind} in the training part",
            got=f"{available}",
            fix="Leave train_dev out, or collect more data.",
        )
    chosen = [None if values is None else values[train] for values in (classes, groups)]
    classes = chosen[0]
    if classes is not None and np.unique(classes, return_counts=True)[1].max() < 2:
        classes = None  # every class has one sample: none could be shared out
    (kept, held), _ = _at_random(len(train), classes, chosen[1], (1 - share, share), generator)
    return train[kept], train[held]


def _check_train_dev(share: float) -> None:
    if isinstance(share, bool) or not 0 <= share < 1:
        raise InputError(
            "holdout, train_dev",
            expected="a share of the training part, of at least 0 and below 1",
            got=repr(share),
            fix="Write for example train_dev=0.05.",
        )


def checked_shares(parts: Sequence[float], where: str = "holdout") -> tuple[float, ...]:
    """Checks the shares of training, validation and test, and scales them to add up to 1.

    Args:
        parts: The three shares.
        where: The function they were given to, for errors.

    Returns:
        Three fractions of 1.

    Raises:
        InputError: They are not three numbers, of which none is negative and the first is above 0.

    Example:
        >>> checked_shares((70, 0, 30))
        (0.7, 0.0, 0.3)
    """
    shares = [float(part) for part in parts]
    if len(shares) != 3 or min(shares) < 0 or not shares[0] > 0 or not np.isfinite(sum(shares)):
        raise InputError(
            f"{where}, parts",
            expected="three shares (training, validation, test), the first above 0",
            got=repr(tuple(parts)),
            fix="Write for example (0.6, 0.2, 0.2).",
        )
    return tuple(share / sum(shares) for share in shares)


def validation_rows(
    n: int,
    fraction: float,
    *,
    y: NDArray[Any] | None = None,
    where: str = "fit",
    seed: int | None = None,
) -> tuple[Rows | slice, Rows | slice]:
    """Splits off the validation part that `validation_split` asks for.

    Args:
        n: The number of samples.
        fraction: The share of the samples to validate on, between 0 and 1.
        y: None takes the last samples as they come, before any shuffling, as Keras does. Class numbers
            int[B] take the same share of every class instead, drawn at random.
        where: The method it was given to, for errors.
        seed: Seed of the draw; by default taken from the library's seed.

    Returns:
        The rows to train on and the rows to validate on: two slices, or two index arrays if stratified.

    Raises:
        InputError: The fraction is not between 0 and 1, or leaves one part empty.

    Example:
        >>> validation_rows(10, 0.2)
        (slice(0, 8, None), slice(8, 10, None))
    """
    place = f"{where}, validation_split"
    if isinstance(fraction, bool) or not 0 < fraction < 1:
        raise InputError(
            place,
            expected="a number between 0 and 1",
            got=repr(fraction),
            fix="Write for example validation_split=0.2.",
        )
    start = math.floor(n * (1 - fraction))
    if start == 0 or start == n:
        raise InputError(
            place,
            expected="at least one sample on each side",
            got=f"{n} samples at {fraction}",
            fix="Choose another share, or pass validation_data.",
        )
    if y is None:
        return slice(0, start), slice(start, n)
    parts = holdout(n, y=y, parts=(1 - fraction, fraction, 0), seed=seed)
    return parts.train, parts.validation


def count_duplicates(x: NDArray[Any], parts: Holdout) -> dict[str, int]:
    """Counts the held-out samples whose inputs also occur, all values equal, among the training samples.

    Args:
        x: Inputs [B, ...].
        parts: The split to look at.

    Returns:
        The counts by part: {"validation": …, "test": …}.

    Example:
        >>> count_duplicates(np.zeros((10, 2)), holdout(10, seed=0))
        {'validation': 2, 'test': 2}
    """
    keys = row_keys(x)
    held = (("validation", parts.validation), ("test", parts.test))
    return {name: int(np.isin(keys[rows], keys[parts.train]).sum()) for name, rows in held}
