"""Finds the problem that a target column poses: its kind, the last activation and the loss (table 4-1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.columns import YES_NO
from gradwise.data.multi_targets import find_separator, multi_label_problem, several_columns_problem
from gradwise.data.problems import KINDS, Problem, check_classes, make_problem
from gradwise.data.scales import normal_form, word_order
from gradwise.data.tables import Column, Table, as_column
from gradwise.errors import InputError, unknown_name

_USUAL_TARGETS = ("target", "label", "y", "outcome", "survived", "species")
_USUAL_AT_AN_END = ("class", "type")
_MOST_INTEGER_CLASSES = 20


def default_target(table: Table) -> tuple[str, str]:
    """Chooses the target column when none is named.

    Args:
        table: The table.

    Returns:
        The name of the column and the reason: one called target, label, y, outcome, survived or species, a
        first or last one called class or type, else the last one.

    Example:
        >>> from gradwise.data.tables import read_table
        >>> default_target(read_table({"x": [1, 2], "z": [3, 4]}))
        ('z', "'z' is the last column")
    """
    for usual in _USUAL_TARGETS:
        for name in table.names:
            if name.lower() == usual:
                return name, f"a column is called '{name}'"
    for name in (table.names[-1], table.names[0]):
        if name.lower() in _USUAL_AT_AN_END:
            return name, f"a column is called '{name}'"
    return table.names[-1], f"'{table.names[-1]}' is the last column"


def rows_with_target(table: Table, target: str | Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """Finds the rows whose target is known.

    Args:
        table: The table.
        target: The target column or columns.

    Returns:
        int64[N], the rows that can be used, and the number of the others.

    Raises:
        InputError: There is no such column, or no row has a target.

    Example:
        >>> from gradwise.data.tables import read_table
        >>> rows_with_target(read_table({"y": [1, None, 3]}), "y")
        (array([0, 2]), 1)
    """
    names = [target] if isinstance(target, str) else list(target)
    gone = np.any([table.column(name).missing for name in names], axis=0)
    if gone.all():
        raise InputError(
            f"target '{', '.join(names)}'",
            expected="values",
            got="none in any row",
            fix="Name another column.",
        )
    return np.nonzero(~gone)[0], int(gone.sum())


def find_problem(target: Any, *, kind: str | None = None) -> Problem:
    """Finds what kind of problem a target poses, by these rules in order.

    1. Several columns: 0 and 1 throughout is multi_label, or single_label if each row has exactly one 1;
       numbers are a regression with as many outputs.
    2. Cells with several labels between ; or | : multi_label.
    3. Two different values of any type: binary.
    4. Text or booleans: single_label.
    5. Whole numbers: single_label if there are at most 20 different ones and they are fewer than 5 % of
       the rows, or count from 0 or 1 without a gap, at least three rows each; else a regression.
    6. Other numbers: unit_regression if all are within [0, 1] and they cover at least a tenth of it,
       else a regression.

    Args:
        target: The target column, several of them, or one array; missing values are ignored.
        kind: The kind, if the caller knows better.

    Returns:
        The problem. Classes are sorted, words of a known order by it, yes after no; with two classes the
        second is the positive one.

    Raises:
        InputError: There is nothing to learn: no value, one class only, dates, or nearly as many classes
            as rows; or the target does not allow the kind asked for.

    Example:
        >>> problem = find_problem(["cat", "dog", "cat", "bird", "dog", "bird"])
        >>> problem.kind, problem.classes, problem.last_activation
        ('single_label', ('bird', 'cat', 'dog'), 'softmax')
    """
    if kind is not None and kind not in KINDS:
        raise unknown_name("find_problem", "a kind of problem", kind, KINDS)
    several = (
        isinstance(target, (list, tuple)) and len(target) > 0 and all(isinstance(c, Column) for c in target)
    )
    if several and len(target) > 1:
        return several_columns_problem(list(target), kind)
    column = target[0] if several else target if isinstance(target, Column) else as_column("target", target)
    place = f"target '{column.name}'"
    present = column.present()
    if not len(present):
        raise InputError(place, expected="values", got="none in any row", fix="Name another column.")
    if column.content == "date":
        raise InputError(
            place,
            expected="classes or numbers",
            got="dates",
            fix="Turn them into a number, such as days from a start.",
        )
    separator = find_separator(column) if kind in (None, "multi_label") else ""
    if kind == "multi_label" or (separator and kind is None):
        return multi_label_problem(column, separator)
    found, reason = _kind(present, column.content)
    if kind is not None and kind != found:
        found, reason = kind, "as asked for"
    if found in ("regression", "unit_regression"):
        _check_numbers(column, found)
        return make_problem(found, (), reason, (column.name,), units=1)
    classes = _classes(present)
    check_classes(classes, len(present), found, place)
    return make_problem(
        found, classes, reason, (column.name,), units=1 if found == "binary" else len(classes)
    )


def _kind(present: NDArray[Any], content: str) -> tuple[str, str]:
    counts = Counter(present.tolist())
    different, rows = len(counts), len(present)
    if different <= 2:
        return "binary", f"two different values: {' and '.join(map(repr, _classes(present)))}"
    if content == "text":
        return "single_label", f"text with {different} different values"
    if present.dtype.kind == "i":
        low, high = int(present.min()), int(present.max())
        gapless = low in (0, 1) and high - low + 1 == different and min(counts.values()) >= 3
        if different <= _MOST_INTEGER_CLASSES and (gapless or different < 0.05 * rows):
            return "single_label", f"only {different} different whole numbers in {rows} rows"
        return "regression", f"{different} different whole numbers in {rows} rows"
    least, most = float(present.min()), float(present.max())
    if least >= 0 and most <= 1 and most - least >= 0.1:
        return "unit_regression", f"numbers within 0 and 1 (from {least:g} to {most:g})"
    return "regression", f"{different} different numbers from {least:g} to {most:g}"


def _classes(present: NDArray[Any]) -> tuple[Any, ...]:
    different = sorted(set(present.tolist()))
    if present.dtype.kind != "O":
        return tuple(different)
    order = word_order(different) or {}
    if not order and {text.lower() for text in different} <= YES_NO.keys():
        order = YES_NO
    return tuple(sorted(different, key=lambda text: (order.get(normal_form(text), 0.0), text)))


def _check_numbers(column: Column, kind: str) -> None:
    place, present = f"target '{column.name}'", column.present()
    if column.content == "text":
        raise InputError(
            place,
            expected="numbers",
            got=f"text ({present[0]!r})",
            fix="Ask for kind='single_label', or mend the cells.",
        )
    numbers = present.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise InputError(
            place, expected="finite numbers", got="infinity", fix="Correct the cells or empty them."
        )
    if numbers.min() == numbers.max():
        raise InputError(
            place,
            expected="at least two different values",
            got=f"{present[0]} in every row",
            fix="Name another column: nothing can be learned from a constant.",
        )
    if kind == "unit_regression" and (numbers.min() < 0 or numbers.max() > 1):
        raise InputError(
            place,
            expected="numbers within 0 and 1",
            got=f"{numbers.min():g} to {numbers.max():g}",
            fix="Ask for kind='regression', or divide the numbers.",
        )
