"""Problems with several labels in a cell, or with several target columns."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gradwise.data.problems import Problem, check_classes, make_problem
from gradwise.data.tables import Column
from gradwise.errors import InputError


def find_separator(column: Column) -> str:
    """Finds what separates several labels in a cell: it must cut the cells into labels that repeat.

    Args:
        column: A target column.

    Returns:
        "|" or ";", or '' if the cells hold one label each.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> find_separator(as_column("genre", ["drama;comedy", "comedy", "drama", "drama;comedy"]))
        ';'
    """
    if column.content != "text":
        return ""
    present = column.present().tolist()
    for separator in ("|", ";"):
        if any(separator in text for text in present):
            labels = Counter(label for text in present for label in split_labels(text, separator))
            if 2 <= len(labels) <= len(present) / 2:
                return separator
    return ""


def split_labels(text: str, separator: str) -> list[str]:
    """Returns the labels of one cell.

    Example:
        >>> split_labels("drama; comedy", ";")
        ['drama', 'comedy']
    """
    parts = text.split(separator) if separator else [text]
    return [part.strip() for part in parts if part.strip()]


def multi_label_problem(column: Column, separator: str) -> Problem:
    """Describes the problem of a column whose cells name any number of labels.

    Args:
        column: The target column.
        separator: What stands between the labels, or ''.

    Returns:
        The problem, with the labels in order.

    Raises:
        InputError: There are fewer than two labels, or hardly any of them repeats.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> multi_label_problem(as_column("tags", ["a;b", "b", "a", "b"]), ";").classes
        ('a', 'b')
    """
    texts = [text for text, gone in zip(column.texts(), column.missing, strict=True) if not gone]
    labels = tuple(sorted({label for text in texts for label in split_labels(text, separator)}))
    check_classes(labels or ("",), len(texts), "multi_label", f"target '{column.name}'")
    shown = f"several labels in a cell, between '{separator}'" if separator else "as asked for"
    return make_problem("multi_label", labels, shown, (column.name,), units=len(labels), separator=separator)


def several_columns_problem(columns: list[Column], kind: str | None) -> Problem:
    """Describes the problem of several target columns.

    Args:
        columns: The target columns.
        kind: The kind, if the caller knows better.

    Returns:
        The problem: labels for columns of 0 and 1, one class if each row has exactly one 1, else a
        regression with as many outputs.

    Raises:
        InputError: A column holds no numbers, or they do not allow the kind asked for.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> columns = [as_column("a", [0, 1, 1]), as_column("b", [1, 1, 0])]
        >>> several_columns_problem(columns, None).kind
        'multi_label'
    """
    names = tuple(column.name for column in columns)
    place = f"targets {', '.join(names[:5])}"
    wrong = [column.name for column in columns if column.content not in ("number", "boolean")]
    if wrong:
        raise InputError(
            place,
            expected="numbers in each of several target columns",
            got=f"'{wrong[0]}'",
            fix="Name one column.",
        )
    known = ~np.any([column.missing for column in columns], axis=0)
    values = np.stack([column.values[known] for column in columns], axis=1).astype(np.float64)
    if not len(values):
        raise InputError(place, expected="rows with all targets", got="none", fix="Fill in the cells.")
    flags = bool(np.isin(values, (0, 1)).all())
    found = "regression"
    if flags:
        found = "single_label" if (values.sum(axis=1) == 1).all() else "multi_label"
    elif values.min() >= 0 and values.max() <= 1:
        found = "unit_regression"
    told = {
        "single_label": "columns of 0 and 1 with exactly one 1 in each row",
        "multi_label": "columns of 0 and 1",
        "unit_regression": "several columns of numbers within 0 and 1",
        "regression": "several columns of numbers",
    }
    if kind not in (None, found):
        if kind == "binary" or not (flags or kind == "regression"):
            raise InputError(
                place, expected=f"what {kind} needs", got=told[found], fix=f"Ask for kind='{found}'."
            )
        found = str(kind)
    return make_problem(
        found, names if flags and "label" in found else (), told[found], names, units=len(names)
    )
