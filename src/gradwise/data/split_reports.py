"""Reports on splits: classes, duplicates, drift, groups and times of the parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.drift import ALPHA, Drift, adjust, compare_columns
from gradwise.data.duplicates import Duplicates, repeated, row_keys
from gradwise.data.folds import Rows, column
from gradwise.data.samples import as_rows, columns_of
from gradwise.data.tables import Column, Table, as_column
from gradwise.data.time_series import Windows
from gradwise.errors import InputError

_MOST_ROWS = 5_000  # of each part, for drift
_MOST_TESTS = 1_000
_MOST_TARGETS = 100
_MOST_BYTES = 10**9  # for duplicates
_MOST_NEAR = 5 * 10**7  # values that are rounded
_MOST_LINES = 12
_FEW_CLASSES = 20
_EQUAL = 0.01


class Split(Protocol):
    """What has parts: a `Holdout` or a `Fold`."""

    @property
    def parts(self) -> dict[str, Rows]:
        """The rows of each part by its name."""


@dataclass(frozen=True)
class SplitReport:
    """What may be wrong with a split, most serious first.

    Args:
        sizes: The number of rows in each part.
        classes: For each part the number of rows of each class; empty without class targets.
        duplicates: Rows in two parts that are to be independent.
        drifts: Every test of a column between two parts; significant ones first, then by distance.
        groups: For two parts the groups that are in both.
        times: For each part its first and last time.
        late: For a part and the one before it, the rows of the latter that are not before the former.
        notes: What was looked at only in part, and how to read the report.

    Example:
        >>> from gradwise.data import holdout
        >>> x, y = np.arange(60.0).reshape(30, 2), np.repeat([0, 1], 15)
        >>> holdout(30, y=y, seed=0).report(x, y).problems
        ()
    """

    sizes: dict[str, int]
    classes: dict[str, dict[Any, int]] = field(default_factory=dict)
    duplicates: tuple[Duplicates, ...] = ()
    drifts: tuple[Drift, ...] = ()
    groups: dict[tuple[str, str], NDArray[Any]] = field(default_factory=dict)
    times: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    late: dict[tuple[str, str], Rows] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def class_shares(self) -> dict[str, dict[Any, float]]:
        """For each part the share of each class, as fractions of 1."""
        return {
            part: {label: count / max(sum(counts.values()), 1) for label, count in counts.items()}
            for part, counts in self.classes.items()
        }

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each finding, most serious first: leaks, missing classes, drift, near duplicates."""
        return tuple(self._leaks()) + tuple(self._differences())

    def _leaks(self) -> Iterator[str]:
        for (part, other), groups in self.groups.items():
            if len(groups):
                yield f"In both '{part}' and '{other}': {_told(groups, 'group')}."
        for (part, other), rows in self.late.items():
            if len(rows):
                yield f"Not before the first of '{part}': {_told(rows, 'row')} of '{other}'."
        for found in sorted(self.duplicates, key=lambda found: -found.share):
            if len(found.rows):
                yield (
                    f"Also in '{found.other}': {_told(found.rows, 'row')} of '{found.part}' "
                    f"({found.share:.1%}); row {found.rows[0]} is like row {found.matches[0]}."
                )

    def _differences(self) -> Iterator[str]:
        for part, counts in self.classes.items():
            absent = [label for label, count in counts.items() if not count]
            if absent and self.sizes[part]:
                yield f"Not in '{part}': {_told(absent, 'class')}."
        drifts = sorted(self.drifts, key=lambda drift: not drift.name.startswith("target"))
        yield from (str(drift) for drift in drifts if drift.significant)
        for found in self.duplicates:
            if len(found.near):
                yield f"Nearly the same in '{found.other}': {_told(found.near, 'row')} of '{found.part}'."

    def _class_lines(self) -> Iterator[str]:
        parts = {part: shares for part, shares in self.class_shares.items() if self.sizes[part]}
        if not parts or len(next(iter(parts.values()))) > _FEW_CLASSES:
            return
        table = np.array([list(shares.values()) for shares in parts.values()])
        if len(table) > 1 and np.ptp(table, axis=0).max() <= _EQUAL:
            parts = {"every part": next(iter(parts.values()))}
        for part, shares in parts.items():
            told = ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
            yield f"Classes in {part}: {told}."

    def __str__(self) -> str:
        lines = [f"Rows: {', '.join(f'{part} {size}' for part, size in self.sizes.items())}."]
        problems = self.problems
        lines += [*self._class_lines(), *(f"- {problem}" for problem in problems[:_MOST_LINES])]
        if len(problems) > _MOST_LINES:
            lines.append(f"- … and {len(problems) - _MOST_LINES} more.")
        return "\n".join([*lines, *([] if problems else ["Nothing suspicious was found."]), *self.notes])


def split_report(
    split: Split | Sequence[Split],
    x: Any = None,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
) -> SplitReport:
    """Looks for what makes the parts of a split differ, or leak from one into another.

    Drift is tested column by column: numbers by the Kolmogorov-Smirnov test, classes and the share of
    missing values by the chi-square test, between each held-out part and training, and between test and
    validation. The p-values of all tests are adjusted together (S. Holm, 1979), so that in a split at random
    even hundreds of columns raise a false alarm in one report of a hundred. The tests take rows as
    independent: where they are not (groups, series), some drift is to be expected.

    Large data are looked at in part, drawn at random, and the notes say so.

    Args:
        split: A `Holdout`, a `Fold`, or all the folds of a cross-validation.
        x: Inputs: an array [B, ...], a table, a frame, a dict of columns, or a list of texts or other
            objects, or `Windows`. Pictures and sequences are compared by the mean and standard deviation of
            each sample, texts by their length. Columns that are the target, groups or time are not
            compared by themselves.
        y: Targets [B], [B, K] (of which at most 100 columns are compared) or masks and sequences [B, ..., K].
            Whole numbers of few different values, texts and one-hot rows are classes.
        groups: A group for each sample: none should be in two parts.
        time: When each sample was taken: no part should begin before the one before it ends.

    Returns:
        The report. `print(report)` shows the findings, `report.problems` lists them.

    Raises:
        InputError: The split is none, or the data have other lengths than what was split.

    Example:
        >>> from gradwise.data import k_folds
        >>> print(split_report(k_folds(40, 2, seed=0), np.arange(40.0)[:, None]))
        Rows: fold 1 20, fold 2 20.
        Nothing suspicious was found.
        Drift: 2 tests, adjusted together (Holm): a false alarm in 1 of 100 reports.
    """
    named, pairs = _pairs(split)
    least = 1 + max((int(rows.max(initial=-1)) for _, rows in _all_rows(named, pairs)), default=-1)
    x = x.arrays()[0] if isinstance(x, Windows) else x
    samples = None if x is None else as_rows(x)
    targets = () if y is None else tuple(_targets(y))
    notes = list(getattr(split, "notes", ()))
    n = _checked_length(_samples_of(split), least, samples, targets, notes)
    classes = _class_counts(targets, named)
    target = {"the target": targets[0].values} if len(targets) == 1 else {}
    samples = _without(samples, target, notes)
    duplicates = () if samples is None else tuple(_duplicates(samples, pairs, notes))
    others = {
        name: given for name, given in (("the groups", groups), ("the time", time)) if given is not None
    }
    drifts = adjust(list(_drifts(_without(samples, others, notes), targets, pairs, notes)))
    if drifts:
        notes.append(
            f"Drift: {len(drifts)} test{'s' if len(drifts) > 1 else ''}, adjusted together (Holm): "
            f"a false alarm in 1 of {round(1 / ALPHA)} reports."
        )
    crossing = {}
    if groups is not None:
        teams = column("groups", groups, n, "split_report")
        crossing = {
            (part, other): np.intersect1d(teams[rows], teams[others]) for part, rows, other, others in pairs
        }
    times, late = ({}, {}) if time is None else _times(column("time", time, n, "split_report"), named, pairs)
    sizes = {part: len(rows) for part, rows in named.items()}
    return SplitReport(sizes, classes, duplicates, drifts, crossing, times, late, tuple(notes))


_Pair = tuple[str, Rows, str, Rows]


def _pairs(split: Split | Sequence[Split]) -> tuple[Mapping[str, Rows], list[_Pair]]:
    """Returns the parts to tell of, and pairs of a part and the one before it that it must not share with."""
    whole = split if isinstance(split, Sequence) else [split]
    if not whole or not all(hasattr(one, "parts") for one in whole):
        raise InputError(
            "split_report",
            expected="a split: a Holdout, a Fold or a list of folds",
            got=f"an object of type {type(split).__name__}",
            fix="Write for example split_report(holdout(len(x)), x).",
        )
    if isinstance(split, Sequence):
        folds = {f"fold {number}": fold.parts for number, fold in enumerate(split, 1)}
        named = {name: parts["validation"] for name, parts in folds.items()}
        return named, [
            (name, parts["validation"], f"train of {name}", parts["train"]) for name, parts in folds.items()
        ]
    named = split.parts
    wanted = [(name, "train") for name in named if name != "train"]
    if "test" in named:
        wanted.append(("test", "validation"))
    pairs = [(part, named[part], other, named[other]) for part, other in wanted]
    return named, [pair for pair in pairs if len(pair[1]) and len(pair[3])]


def _all_rows(named: Mapping[str, Rows], pairs: list[_Pair]) -> Iterator[tuple[str, Rows]]:
    yield from named.items()
    yield from ((other, others) for _, _, other, others in pairs)


def _samples_of(split: Split | Sequence[Split]) -> int | None:
    """Returns how many samples were split, if that is known."""
    whole = split if isinstance(split, Sequence) else [split]
    known = {getattr(one, "samples", None) for one in whole}
    return known.pop() if len(known) == 1 else None


def _checked_length(
    known: int | None,
    least: int,
    x: NDArray[Any] | Table | None,
    targets: Sequence[Column],
    notes: list[str],
) -> int:
    lengths = {} if x is None else {"x": len(x)}
    if targets:
        lengths["y"] = len(targets[0])
    wrong = [length for length in lengths.values() if length < least or known not in (None, length)]
    if len(set(lengths.values())) > 1 or wrong:
        raise InputError(
            "split_report",
            expected=f"the {least if known is None else known} samples of the split",
            got=", ".join(f"{name} with {length}" for name, length in lengths.items()),
            fix="Pass the data the split was made of.",
        )
    n = next(iter(lengths.values()), least if known is None else known)
    if known is None and n > least:
        notes.append(
            f"The last {n - least} of {n} rows are in no part: check that the split is of these data."
        )
    return n


def _without(
    x: NDArray[Any] | Table | None, given: Mapping[str, ArrayLike], notes: list[str]
) -> NDArray[Any] | Table | None:
    """Leaves the columns out of a table that were also given by themselves."""
    if not isinstance(x, Table):
        return x
    kept = list(x)
    for role, values in given.items():
        one = as_column(role, values)
        same = [column.name for column in kept if _equal(column, one)]
        notes += [f"Column '{name}' is {role}, and is not compared by itself." for name in same]
        kept = [column for column in kept if column.name not in same]
    return Table(kept, x.source) if kept else None


def _equal(one: Column, other: Column) -> bool:
    return (
        one.content == other.content
        and np.array_equal(one.missing, other.missing)
        and np.array_equal(one.present(), other.present())
    )


def _targets(y: Any) -> Iterator[Column]:
    values = as_rows(y)
    if isinstance(values, Table):
        for one in values:
            yield Column(
                "target" if len(values.names) == 1 else f"target {one.name}", one.values, one.missing
            )
        return
    if values.ndim > 2:  # masks and sequences: by the figures of each sample, as inputs are
        for one in columns_of(values, np.arange(len(values)), np.arange(1)):
            yield replace(one, name=f"target, {one.name}")
        return
    values = values.reshape(len(values), -1)
    one_hot = values.shape[1] > 1 and values.dtype.kind in "biuf" and np.isin(values, (0, 1)).all()
    if one_hot and (values.sum(axis=1) == 1).all():
        values = values.argmax(axis=1)[:, None]
    for number in _sample(np.arange(values.shape[1]), _MOST_TARGETS):
        yield as_column("target" if values.shape[1] == 1 else f"target {number}", values[:, number])


def _are_classes(target: Column) -> bool:
    values = target.present()
    if target.content != "number":
        return target.content != "date"
    most = min(len(values) // 2, max(_FEW_CLASSES, len(values) // 10))
    return values.dtype.kind == "i" and len(np.unique(values)) <= most


def _class_counts(targets: Sequence[Column], named: Mapping[str, Rows]) -> dict[str, dict[Any, int]]:
    if len(targets) != 1 or not _are_classes(targets[0]):
        return {}
    values = targets[0].values.astype(object)
    values[targets[0].missing] = None
    counts = {part: Counter(values[rows].tolist()) for part, rows in named.items()}
    labels = sorted(set().union(*counts.values()), key=lambda label: (label is None, label))
    return {part: {label: found[label] for label in labels} for part, found in counts.items()}


def _sample(rows: Rows, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _row_bytes(x: NDArray[Any] | Table) -> int:
    return 8 * len(x.names) if isinstance(x, Table) else max(1, x[:1].nbytes)


def _duplicates(x: NDArray[Any] | Table, pairs: list[_Pair], notes: list[str]) -> Iterator[Duplicates]:
    n, most = len(x), max(1, _MOST_BYTES // _row_bytes(x))
    looked = _sample(np.arange(n), most)
    if n > most:
        notes.append(f"Duplicates were looked for among {most} of {n} rows.")
    chosen = x if n <= most else x.take(looked) if isinstance(x, Table) else x[looked]
    place = np.full(n, -1)
    place[looked] = np.arange(len(looked))
    codes = np.unique(row_keys(chosen), return_inverse=True)[1]
    close = None
    if not isinstance(x, Table) and x.ndim <= 2 and x[:1].size * len(looked) > _MOST_NEAR:
        notes.append("Near duplicates were not looked for, as the data are large.")
    elif isinstance(x, Table) or x.ndim <= 2:  # pictures are never equal after rounding each value
        close = np.unique(row_keys(chosen, near=True), return_inverse=True)[1]
    for part, rows, other, others in pairs:
        mine, theirs = (place[side][place[side] >= 0] for side in (rows, others))
        found, matches = repeated(codes, mine, theirs)
        near = np.setdiff1d(repeated(close, mine, theirs)[0], found) if close is not None else mine[:0]
        yield Duplicates(part, other, looked[found], looked[matches], looked[near], len(mine))


def _drifts(
    x: NDArray[Any] | Table | None, targets: Sequence[Column], pairs: list[_Pair], notes: list[str]
) -> Iterator[Drift]:
    for part, rows, other, others in pairs:
        for target in targets:
            yield from compare_columns(target, part, rows, other, others)
    if x is None or not pairs:
        return
    width = len(x.names) if isinstance(x, Table) else x.shape[1] if x.ndim == 2 else 1
    numbers = _sample(np.arange(width), max(1, _MOST_TESTS // len(pairs)))
    if len(numbers) < width:
        notes.append(f"Drift was looked for in {len(numbers)} of {width} columns.")
    most = int(np.clip(_MOST_BYTES // 5 // _row_bytes(x), 100, _MOST_ROWS))
    if any(len(side) > most for pair in pairs for side in (pair[1], pair[3])):
        notes.append(f"Drift was looked for in at most {most} rows of each part.")
    sampled = [
        (part, _sample(rows, most), other, _sample(others, most)) for part, rows, other, others in pairs
    ]
    chosen = np.unique(np.concatenate([side for pair in sampled for side in (pair[1], pair[3])]))
    for one in columns_of(x, chosen, numbers):
        for part, rows, other, others in sampled:
            places = np.searchsorted(chosen, rows), np.searchsorted(chosen, others)
            yield from compare_columns(one, part, places[0], other, places[1])


def _times(
    time: NDArray[Any], named: Mapping[str, Rows], pairs: list[_Pair]
) -> tuple[dict[str, tuple[Any, Any]], dict[tuple[str, str], Rows]]:
    sides = dict(_all_rows(named, pairs))
    ends = {part: np.sort(time[rows])[[0, -1]] for part, rows in sides.items() if len(rows)}
    late = {
        (part, other): others[time[others] >= ends[part][0]]
        for part, _, other, others in pairs
        if part != "train_dev"  # drawn from the training part, in the midst of it
    }
    return {part: (first, last) for part, (first, last) in ends.items()}, late


def _told(found: Sequence[Any] | NDArray[Any], noun: str) -> str:
    plural = "" if len(found) == 1 else "es" if noun.endswith("s") else "s"
    shown = ", ".join(str(item) for item in found[:5]) + (", …" if len(found) > 5 else "")
    return f"{len(found)} {noun}{plural} ({shown})"
