"""Tests of whether two parts have the same distribution, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.tables import Column

ALPHA = 0.01
_FEWEST = 5  # samples that chance would put in a class of a part, for the chi-square test to hold


@dataclass(frozen=True)
class Drift:
    """How a column differs between two parts.

    Args:
        name: The column; "target" for the targets.
        part: The one part's name.
        other: The other part's name, which the first is compared with.
        kind: "numeric", "nominal", or "missing" for the share of missing values.
        distance: From 0 (the same distribution) to 1 (nothing in common): of numbers the largest difference
            of the cumulative shares (Kolmogorov-Smirnov), of classes half the sum of the differences of
            their shares (total variation).
        shift: Of numbers the difference of the means in standard deviations; else 0.
        p_value: How likely chance alone makes a distance like this; for this test by itself.
        adjusted: The same for all tests of the report together (Holm).

    Example:
        >>> Drift("age", "test", "train", "numeric", 0.4, 1.1, 1e-9, 1e-7).significant
        True
    """

    name: str
    part: str
    other: str
    kind: str
    distance: float
    shift: float
    p_value: float
    adjusted: float = 1.0

    @property
    def significant(self) -> bool:
        """Whether chance is ruled out, at 1 in 100 for the whole report."""
        return self.adjusted <= ALPHA

    def __str__(self) -> str:
        measure = f"mean {self.shift:+.2f} standard deviations, " if self.kind == "numeric" else ""
        what = f"the share of missing values of '{self.name}'" if self.kind == "missing" else f"'{self.name}'"
        return (
            f"{what} differs between '{self.part}' and '{self.other}': {measure}"
            f"distance {self.distance:.2f} (p {self.adjusted:.1g})."
        )


def compare_numbers(part: ArrayLike, other: ArrayLike) -> tuple[float, float, float]:
    """Compares two samples of numbers by the two-sample Kolmogorov-Smirnov test.

    Args:
        part: float[N] without missing values.
        other: float[M].

    Returns:
        The largest difference of the cumulative shares, the difference of the means in standard deviations
        (the root of the mean of both variances), and the p-value of the distance for large samples; equal
        values make it too large, never too small.

    Example:
        >>> distance, shift, p = compare_numbers([1, 2, 3, 4], [1, 2, 3, 4])
        >>> distance, shift, p
        (0.0, 0.0, 1.0)
    """
    from scipy import stats  # type: ignore[import-untyped]

    a, b = np.sort(np.asarray(part, np.float64)), np.sort(np.asarray(other, np.float64))
    both = np.concatenate([a, b])
    cumulative = [np.searchsorted(side, both, side="right") / len(side) for side in (a, b)]
    distance = float(np.abs(cumulative[0] - cumulative[1]).max())
    size = len(a) * len(b) / (len(a) + len(b))
    p_value = float(np.clip(stats.kstwo.sf(distance, max(1, round(size))), 0, 1))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return distance, 0.0, p_value
    difference = float(a.mean() - b.mean())
    spread = math.sqrt((a.var() + b.var()) / 2)
    if not spread:
        return distance, math.copysign(math.inf, difference) if difference else 0.0, p_value
    return distance, difference / spread, p_value


def compare_classes(part: ArrayLike, other: ArrayLike) -> tuple[float, float]:
    """Compares the classes of two samples by the chi-square test.

    Classes of which chance would put fewer than 5 samples in a part are tested as one (W. Cochran, 1954):
    where none are left to compare, the p-value is 1.

    Args:
        part: Classes [N] of any type.
        other: Classes [M].

    Returns:
        The total variation distance of the shares, and the p-value.

    Example:
        >>> distance, p = compare_classes(["a"] * 30 + ["b"] * 10, ["a"] * 10 + ["b"] * 30)
        >>> round(distance, 3), round(p, 6)
        (0.5, 8e-06)
    """
    from scipy import stats

    a, b = np.asarray(part), np.asarray(other)
    classes, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    counts = np.stack([np.bincount(side, minlength=len(classes)) for side in np.split(codes, [len(a)])])
    distance = min(float(np.abs(counts[0] / len(a) - counts[1] / len(b)).sum() / 2), 1.0)
    smallest = min(len(a), len(b)) / (len(a) + len(b))
    rare = counts.sum(axis=0) * smallest < _FEWEST
    joined = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)]) if rare.any() else counts
    if rare.any() and joined[:, -1].sum() * smallest < _FEWEST and joined.shape[1] > 1:
        last = joined[:, :-1].sum(axis=0).argmin()
        joined[:, last] += joined[:, -1]
        joined = joined[:, :-1]
    if joined.shape[1] < 2:
        return distance, 1.0
    return distance, float(stats.chi2_contingency(joined, correction=False).pvalue)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusts p-values for the number of tests, so that one false alarm in all of them is as rare as alpha.

    The smallest of m is multiplied by m, the next by m - 1, and so on, and none may be below one before it
    (S. Holm, 1979). Unlike the rule of Benjamini and Hochberg it holds whatever the tests have to do with
    each other, as columns and folds do.

    Args:
        p_values: float[M].

    Returns:
        float64[M].

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


def compare_columns(column: Column, part: str, rows: Any, other: str, others: Any) -> Iterator[Drift]:
    """Yields the tests of one column between two parts; none where it never changes.

    Args:
        column: The column.
        part: The one part's name.
        rows: Its rows.
        other: The other part's name.
        others: Its rows.

    Yields:
        At most one test of the values, by classes where there are two different ones, and one of the share
        of missing values.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> column = as_column("x", np.arange(20.0))
        >>> found = compare_columns(column, "test", np.arange(10, 20), "train", np.arange(10))
        >>> next(found).distance
        1.0
    """
    missing = column.missing[rows], column.missing[others]
    if 0 < missing[0].sum() + missing[1].sum() < len(rows) + len(others):
        distance, p_value = compare_classes(*missing)
        yield Drift(column.name, part, other, "missing", distance, 0.0, p_value)
    a, b = column.values[rows][~missing[0]], column.values[others][~missing[1]]
    if not len(a) or not len(b):
        return
    both = np.concatenate([a, b])
    numeric = column.content in ("number", "date")
    if numeric and ((both != both.min()) & (both != both.max())).any():
        floats = a.astype(np.float64), b.astype(np.float64)
        yield Drift(column.name, part, other, "numeric", *compare_numbers(*floats))
    elif (both != both[0]).any():
        distance, p_value = compare_classes(a, b)
        yield Drift(column.name, part, other, "nominal", distance, 0.0, p_value)


def adjust(found: list[Drift]) -> tuple[Drift, ...]:
    """Adjusts the p-values of all tests together and sorts them: significant ones first, by distance.

    Example:
        >>> adjust([Drift("x", "test", "train", "numeric", 0.5, 1.0, 0.004)])[0].significant
        True
    """
    adjusted = holm([drift.p_value for drift in found])
    drifts = [replace(drift, adjusted=float(p)) for drift, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(drifts, key=lambda drift: (not drift.significant, -drift.distance)))
