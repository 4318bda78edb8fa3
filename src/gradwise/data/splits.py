"""Splits of the samples into training, validation and test parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import next_seed
from gradwise.data.folds import Rows, column, cuts_in_time, deal_evenly
from gradwise.errors import InputError


@dataclass(frozen=True)
class Holdout:
    """The row numbers of three parts that share no row, each in ascending order.

    Args:
        train: int64[N], the rows to fit on.
        validation: int64[V], the rows to choose by.
        test: int64[M], the rows to judge by, once.
        notes: Sentences for the user, for example on classes too small to split.

    Example:
        >>> parts = holdout(10, seed=0)
        >>> len(parts.train), len(parts.validation), len(parts.test)
        (6, 2, 2)
    """

    train: Rows
    validation: Rows
    test: Rows
    notes: tuple[str, ...] = ()


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
    y: NDArray[Any] | None = None,
    stratify: bool = True,
    parts: Sequence[float] | None = None,
    groups: NDArray[Any] | None = None,
    time: NDArray[Any] | None = None,
    seed: int | None = None,
) -> Holdout:
    """Makes a training, a validation and a test part: at random, by groups, or by time.

    Args:
        n: The number of samples.
        y: Class numbers int[B]; with them each part gets the classes in the same shares. A class of fewer
            than three samples stays in the training part. Other targets are not stratified.
        stratify: False ignores `y`.
        parts: Shares of training, validation and test; by default `default_parts(n)`. They are scaled to
            add up to 1, and 0 leaves a part empty.
        groups: A group for each sample, such as a patient: all samples of a group are in the same part.
        time: When each sample was taken: the first samples are for training, the last for testing, and those
            of the same time stay together. Nothing is drawn, and `y` is not looked at.
        seed: Seed of the draw; by default taken from the library's seed.

    Returns:
        The row numbers of each part and notes for the user.

    Raises:
        InputError: There are fewer samples than parts, or the shares make no sense.

    Example:
        >>> parts = holdout(100, y=np.repeat([0, 1], [90, 10]), seed=1)
        >>> int((parts.test >= 90).sum())
        2
    """
    shares = _checked_shares(default_parts(n) if parts is None else parts)
    wanted = sum(share > 0 for share in shares)
    if n < wanted:
        raise InputError(
            "holdout",
            expected=f"at least {wanted} samples",
            got=f"{n}",
            fix="Collect more data or use fewer parts.",
        )
    if time is not None:
        return _in_order(column("time", time, n, "holdout"), shares)
    generator = np.random.default_rng(next_seed() if seed is None else seed)
    if groups is not None:
        classes = y if stratify and y is not None and y.ndim == 1 and y.dtype.kind in "biu" else None
        return _by_groups(column("groups", groups, n, "holdout"), classes, shares, generator)
    if y is None or not stratify or y.ndim != 1 or y.dtype.kind not in "biu":
        train, validation, test = _deal(generator.permutation(n), shares)
        return Holdout(np.sort(train), np.sort(validation), np.sort(test))
    return _stratified(y, shares, generator)


def _by_groups(
    groups: NDArray[Any], y: NDArray[Any] | None, shares: tuple[float, ...], generator: np.random.Generator
) -> Holdout:
    numbers = np.unique(groups, return_inverse=True)[1]
    classes = None if y is None else np.unique(y, return_inverse=True)[1]
    used = [number for number, share in enumerate(shares) if share > 0]
    if numbers.max() + 1 < len(used):
        raise InputError(
            "holdout, groups",
            expected=f"at least {len(used)} groups",
            got=f"{numbers.max() + 1}",
            fix="Collect more data or use fewer parts.",
        )
    wanted = np.array([shares[number] for number in used])
    part = np.array(used)[deal_evenly(len(numbers), wanted, classes, numbers, generator)]
    train, validation, test = (np.nonzero(part == number)[0] for number in range(3))
    return Holdout(train, validation, test)


def _in_order(time: NDArray[Any], shares: tuple[float, ...]) -> Holdout:
    order = np.argsort(time, kind="stable")
    first, second = cuts_in_time(time[order], np.cumsum(shares)[:2])
    train, validation, test = (np.sort(part) for part in np.split(order, [first, second]))
    rows = (train, validation, test)
    if any(share > 0 and not len(part) for share, part in zip(shares, rows, strict=True)):
        raise InputError(
            "holdout, time",
            expected="different times enough for every part",
            got=f"{len(np.unique(time))}",
            fix="Use fewer parts, or finer times.",
        )
    return Holdout(train, validation, test)


def _stratified(y: NDArray[Any], shares: tuple[float, ...], generator: np.random.Generator) -> Holdout:
    wanted = sum(share > 0 for share in shares)
    piles: tuple[list[Rows], list[Rows], list[Rows]] = ([], [], [])
    small = []
    for label in np.unique(y):
        rows = generator.permutation(np.nonzero(y == label)[0])
        if len(rows) < wanted:
            small.append(label.item())
            piles[0].append(rows)
            continue
        for pile, part in zip(piles, _deal(rows, shares), strict=True):
            pile.append(part)
    train, validation, test = (
        np.sort(np.concatenate(pile)) if pile else np.zeros(0, np.int64) for pile in piles
    )
    if (shares[1] > 0 and not len(validation)) or (shares[2] > 0 and not len(test)):
        raise InputError(
            "holdout",
            expected=f"at least one class with {wanted} samples",
            got=f"{len(small)} classes that are all smaller",
            fix="Collect more data, join classes, or pass stratify=False.",
        )
    notes: tuple[str, ...] = ()
    if small:
        shown = ", ".join(map(str, small[:10])) + (", …" if len(small) > 10 else "")
        notes = (f"Class {shown} has fewer than {wanted} samples: all of them are in the training part.",)
    return Holdout(train, validation, test, notes)


def _checked_shares(parts: Sequence[float]) -> tuple[float, ...]:
    shares = [float(part) for part in parts]
    if len(shares) != 3 or min(shares) < 0 or not shares[0] > 0 or not np.isfinite(sum(shares)):
        raise InputError(
            "holdout, parts",
            expected="three shares (training, validation, test), the first above 0",
            got=repr(tuple(parts)),
            fix="Write for example (0.6, 0.2, 0.2).",
        )
    return tuple(share / sum(shares) for share in shares)


def _deal(rows: Rows, shares: tuple[float, ...]) -> list[Rows]:
    """Cuts shuffled rows by largest remainders; each part that is wanted gets at least one row."""
    exact = np.array(shares) * len(rows)
    counts = np.maximum(np.floor(exact + 1e-9), np.array(shares) > 0).astype(int)
    while counts.sum() > len(rows):
        counts[counts.argmax()] -= 1
    # The remainders of equal shares are equal only up to rounding: without it the last bits would decide.
    order = np.argsort(-np.round(exact - counts, 6), kind="stable")
    for part in order[: len(rows) - counts.sum()]:
        counts[part] += 1
    return np.split(rows, np.cumsum(counts)[:-1])


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
    """Counts the held-out samples whose inputs also occur, bit for bit, among the training samples.

    Args:
        x: Inputs [B, ...].
        parts: The split to look at.

    Returns:
        The counts by part: {"validation": …, "test": …}.

    Example:
        >>> count_duplicates(np.zeros((10, 2)), holdout(10, seed=0))
        {'validation': 2, 'test': 2}
    """
    seen = {np.ascontiguousarray(x[row]).tobytes() for row in parts.train}
    return {
        name: sum(np.ascontiguousarray(x[row]).tobytes() in seen for row in rows)
        for name, rows in (("validation", parts.validation), ("test", parts.test))
    }
