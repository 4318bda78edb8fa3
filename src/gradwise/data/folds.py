"""Splits into folds, of which each is once the validation part: at random, by class, by group or by time."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.config import next_seed
from gradwise.errors import InputError

Rows = NDArray[np.int64]
_FEW = 20  # so many different floats may be classes


@dataclass(frozen=True)
class Fold:
    """The row numbers of one round, each part in ascending order.

    Args:
        train: int64[N], the rows to fit on.
        validation: int64[V], the rows to judge by.
        samples: How many samples were split; None if that is not known.

    Example:
        >>> k_folds(10, 5, seed=0)[0]
        Fold(train 8, validation 2)
    """

    train: Rows
    validation: Rows
    samples: int | None = None

    @property
    def parts(self) -> dict[str, Rows]:
        """The rows of each part by its name."""
        return {"train": self.train, "validation": self.validation}

    def __repr__(self) -> str:
        return f"Fold(train {len(self.train)}, validation {len(self.validation)})"


def k_folds(
    n: int,
    k: int = 5,
    *,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
    gap: int = 0,
    repeats: int = 1,
    seed: int | None = None,
) -> list[Fold]:
    """Makes the rounds of K-fold cross-validation (F. Chollet 2017, section 4.2).

    Args:
        n: The number of samples.
        k: The number of folds, at least 2.
        y: Classes [B]: each fold gets them in the same shares. Other targets are not looked at, with a
            warning; `as_classes` tells what classes are.
        groups: A group for each sample, such as a patient or a user: all samples of a group are in the same
            fold.
        time: When each sample was taken: a fold is validated after training on everything before it, never on
            what came later. Samples of the same time stay together.
        gap: With `time`, how many samples before each validation part are left out of training, where
            neighbours share information (overlapping windows).
        repeats: How often everything is done anew with other draws.
        seed: Seed of the draw; by default taken from the library's seed.

    Returns:
        `repeats` times k rounds. Without `time` the validation parts of k rounds cover every sample once.
        `split_report` tells of classes, duplicates and drift in them.

    Raises:
        InputError: There are fewer samples, groups or times than folds, or settings that exclude each other.

    Example:
        >>> [fold.validation.tolist() for fold in k_folds(6, 2, time=[1, 2, 3, 4, 5, 6])]
        [[2, 3], [4, 5]]
    """
    n, k = sample_count(n, "k_folds"), _whole("k", k, 2)
    _whole("repeats", repeats, 1)
    _whole("gap", gap, 0)
    if time is not None:
        if y is not None or groups is not None or repeats != 1:
            raise InputError(
                "k_folds",
                expected="time alone",
                got="time with y, groups or repeats",
                fix="Leave them out: the order in time decides everything.",
            )
        return _by_time(column("time", time, n), k, gap)
    generator = np.random.default_rng(next_seed() if seed is None else seed)
    labels, reason = (None, "") if y is None else as_classes(y, n, "k_folds")
    if reason:
        warnings.warn(f"k_folds: y was not looked at: {reason}.", stacklevel=2)
    classes = None if labels is None else np.unique(labels, return_inverse=True)[1]
    teams = None if groups is None else np.unique(column("groups", groups, n), return_inverse=True)[1]
    available = n if teams is None else int(teams.max(initial=-1)) + 1
    if available < k:
        raise InputError(
            "k_folds",
            expected=f"at least {k} {'samples' if teams is None else 'groups'} for {k} folds",
            got=f"{available}",
            fix="Choose a smaller k.",
        )
    if classes is not None and (rare := int(np.bincount(classes).min())) < k:
        warnings.warn(
            f"k_folds: a class has {rare} sample{'' if rare == 1 else 's'}, "
            f"so not every one of {k} folds has it.",
            stacklevel=2,
        )
    rounds = []
    for _ in range(repeats):
        place = deal_evenly(n, np.full(k, 1 / k), classes, teams, generator)
        rounds += [Fold(np.nonzero(place != fold)[0], np.nonzero(place == fold)[0], n) for fold in range(k)]
    return rounds


def deal_evenly(
    n: int,
    shares: NDArray[np.float64],
    classes: NDArray[np.intp] | None,
    groups: NDArray[np.intp] | None,
    generator: np.random.Generator,
    least: int = 0,
) -> Rows:
    """Deals samples out to parts of given shares, each class evenly, groups whole.

    Groups are taken in random order, larger ones first, and each goes to the part that lacks most of its
    classes.

    Args:
        n: The number of samples.
        shares: float[P]. The share of each part, above 0, adding up to 1.
        classes: int[n] from 0, or None for one class.
        groups: int[n] from 0, or None if each sample is by itself.
        generator: Where chance comes from.
        least: Without groups, how many samples of each class every part gets at least. Classes too small
            for that go to the first part as a whole.

    Returns:
        int64[n], the part of each sample.

    Example:
        >>> part = deal_evenly(6, np.full(3, 1 / 3), np.repeat([0, 1], 3), None, np.random.default_rng(0))
        >>> np.bincount(part).tolist()
        [2, 2, 2]
    """
    classes = np.zeros(n, np.intp) if classes is None else classes
    if groups is None:
        return _deal_samples(classes, shares, generator, least)
    table = np.zeros((int(groups.max()) + 1, int(classes.max()) + 1))  # samples of each group in each class
    np.add.at(table, (groups, classes), 1)
    order = generator.permutation(len(table))
    order = order[np.argsort(-table[order].sum(axis=1), kind="stable")]
    wanted = shares[:, None] * table.sum(axis=0)  # [P, classes]
    held = np.zeros_like(wanted)
    part = np.zeros(len(table), np.int64)
    scale = np.maximum(wanted, 1e-12)
    for number, group in enumerate(order):
        # How much nearer each part comes to its share of every class by this group.
        before = np.square((held - wanted) / scale).sum(axis=1)
        after = np.square((held + table[group] - wanted) / scale).sum(axis=1)
        gain = before - after
        empty = held.sum(axis=1) == 0
        if empty.any() and len(order) - number <= empty.sum():
            gain = np.where(empty, gain, -math.inf)  # no part stays without a group
        part[group] = int(gain.argmax())
        held[part[group]] += table[group]
    return part[groups]


def _deal_samples(
    classes: NDArray[np.intp], shares: NDArray[np.float64], generator: np.random.Generator, least: int
) -> Rows:
    """Deals single samples: each class by its shares, and what remains of them so that parts keep theirs."""
    sizes = np.bincount(classes)
    piles = np.split(np.argsort(classes, kind="stable"), np.cumsum(sizes)[:-1])
    piles = [generator.permutation(pile) for pile in piles]
    place = np.zeros(len(classes), np.int64)
    held = np.zeros(len(shares))
    held[0] = dealt = sizes[sizes < least * len(shares)].sum()
    order = np.argsort(sizes, kind="stable")
    for label in order[sizes[order] >= least * len(shares)]:
        dealt += (size := sizes[label])
        counts = np.maximum(np.floor(shares * size + 1e-9).astype(int), least)
        while counts.sum() > size:
            counts[counts.argmax()] -= 1
        # Equal lacks are equal only up to rounding: without it the last bits would decide.
        first = np.argsort(-np.round(shares * dealt - held - counts, 6), kind="stable")
        counts[first[: size - counts.sum()]] += 1
        held += counts
        place[piles[label]] = np.repeat(np.arange(len(shares)), counts)
    return place


def _by_time(time: NDArray[Any], k: int, gap: int) -> list[Fold]:
    order = np.argsort(time, kind="stable")
    starts = cuts_in_time(time[order], np.arange(1, k + 1) / (k + 1))
    if len(set(starts)) < k or starts[0] == 0 or starts[-1] >= len(order):
        raise InputError(
            "k_folds, time",
            expected=f"at least {k + 1} times apart, for {k} folds and what comes before the first",
            got=f"{len(np.unique(time))}",
            fix="Choose a smaller k.",
        )
    rounds = []
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        known = order[: max(0, start - gap)]
        if not len(known):
            raise InputError(
                "k_folds, gap",
                expected=f"fewer than the {start} samples before the first validation part",
                got=f"{gap}",
                fix="Choose a smaller gap or a smaller k.",
            )
        rounds.append(Fold(np.sort(known), np.sort(order[start:stop]), len(order)))
    return rounds


def cuts_in_time(times: NDArray[Any], shares: NDArray[np.float64]) -> list[int]:
    """Finds where to cut samples in order of time, so that none of the same time are parted.

    Args:
        times: Times [B] in ascending order.
        shares: The shares of samples before each cut, ascending.

    Returns:
        For each the number of samples before it: of the changes of time, the nearest.

    Example:
        >>> cuts_in_time(np.array([1, 1, 1, 2, 3]), np.array([0.5]))
        [3]
    """
    changes = np.concatenate([[0], np.nonzero(times[1:] != times[:-1])[0] + 1, [len(times)]])
    return [int(changes[np.abs(changes - share * len(times)).argmin()]) for share in shares]


def column(name: str, values: ArrayLike, n: int, where: str = "k_folds") -> NDArray[Any]:
    """Checks that there is one value for each sample.

    Args:
        name: The argument's name, for errors.
        values: The values.
        n: The number of samples.
        where: The function, for errors.

    Returns:
        The values as an array [n].

    Raises:
        InputError: There are more or fewer, or some are missing.

    Example:
        >>> column("time", [3, 1], 2).tolist()
        [3, 1]
    """
    found = _array(values)
    if found.shape != (n,):
        raise InputError(
            f"{where}, {name}",
            expected=f"one value for each of the {n} samples",
            got=found.shape,
            fix="Pass an array of one axis.",
        )
    if gone := _missing(found):
        raise InputError(
            f"{where}, {name}",
            expected="no missing values",
            got=f"{gone} of {n} missing",
            fix="Fill or drop these samples first.",
        )
    return _sortable(found)


def as_classes(y: ArrayLike, n: int, where: str) -> tuple[NDArray[Any] | None, str]:
    """Reads targets as classes, if they can be.

    Texts, booleans and integers are classes; floats and times are if few of them are different: at most 20,
    or a tenth of the samples, and each three times on average.

    Args:
        y: Targets [B] or [B, 1].
        n: The number of samples B.
        where: The function, for errors.

    Returns:
        The classes [B] and "", or None and why they are none.

    Raises:
        InputError: There are more or fewer, or some are missing.

    Example:
        >>> as_classes(["a", "b", "a"], 3, "here")[0].tolist()
        ['a', 'b', 'a']
        >>> as_classes([0.5, 1.5, 2.5], 3, "here")
        (None, '3 different numbers are no classes')
    """
    values = _array(y)
    if values.ndim == 2 and values.shape == (n, 1):
        values = values[:, 0]
    if values.ndim > 1 and len(values) == n:
        return None, f"shape {values.shape} is not one class for each sample"
    values = column("y", values, n, where)
    if values.dtype.kind in "fmM":
        different = len(np.unique(values))
        if different > min(n // 3, max(_FEW, n // 10)):
            kind = "numbers" if values.dtype.kind == "f" else "times"
            return None, f"{different} different {kind} are no classes"
    return values, ""


def sample_count(n: Any, where: str) -> int:
    """Refuses what is no number of samples, such as the samples themselves.

    Args:
        n: What was given.
        where: The function, for errors.

    Returns:
        The number.

    Raises:
        InputError: It is something else.

    Example:
        >>> sample_count(10, "holdout")
        10
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise InputError(
            where,
            expected="the number of samples, a whole number",
            got=repr(n) if isinstance(n, (bool, float, str)) else f"an object of type {type(n).__name__}",
            fix=f"Write {where}(len(x)).",
        )
    return int(n)


def _array(values: ArrayLike) -> NDArray[Any]:
    found = np.asarray(values)
    if found.dtype.kind in "US" and isinstance(values, (list, tuple)):
        return np.asarray(values, dtype=object)  # NaN beside texts would be the text 'nan'
    return found


def _missing(values: NDArray[Any]) -> int:
    """Counts NaN, NaT, None and pandas' marks."""
    if values.dtype.kind in "fc":
        return int(np.isnan(values).sum())
    if values.dtype.kind in "mM":
        return int(np.isnat(values).sum())
    if values.dtype.kind != "O":
        return 0
    # pandas' NA answers a comparison with itself, which is neither true nor false.
    return sum(item is None or type(item).__name__ == "NAType" or item != item for item in values.tolist())


def _sortable(values: NDArray[Any]) -> NDArray[Any]:
    """Turns objects that cannot be put in order, such as numbers beside texts, into texts."""
    if values.dtype.kind != "O":
        return values
    kinds = set(map(type, values.tolist()))
    if all(issubclass(kind, (bool, int, np.integer)) for kind in kinds):
        return np.array(values.tolist())
    if all(issubclass(kind, (int, float, np.number)) for kind in kinds):
        return values.astype(np.float64)
    return values if len(kinds) == 1 else values.astype(str)


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(
            f"k_folds, {name}",
            expected=f"an integer of at least {least}",
            got=repr(value),
            fix=f"Write for example {name}={max(least, 1)}.",
        )
    return int(value)
