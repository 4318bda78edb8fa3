"""The kinds of problems, with the last activation and loss of each (table 4-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradwise.errors import InputError

KINDS = ("binary", "single_label", "multi_label", "regression", "unit_regression")

_SETTINGS = {
    "binary": ("sigmoid", "binary_crossentropy", ("accuracy",)),
    "single_label": ("softmax", "sparse_categorical_crossentropy", ("accuracy",)),
    "multi_label": ("sigmoid", "binary_crossentropy", ("binary_accuracy",)),
    "regression": ("linear", "mse", ("mae",)),
    "unit_regression": ("sigmoid", "mse", ("mae",)),
}


@dataclass(frozen=True)
class Problem:
    """What is to be predicted, and the last layer and loss that suit it.

    The pairs of activation and loss are those of F. Chollet 2017, table 4-1.

    Args:
        kind: "binary", "single_label", "multi_label", "regression" or "unit_regression" (within [0, 1]).
        classes: The K classes or labels in the order of the outputs; none for a regression.
        output_units: The size of the last layer.
        last_activation: Its activation.
        loss: The loss to train with.
        metrics: What to watch besides.
        reason: Why it is this kind, in words for the user.
        columns: The target column, or several for one-hot or several numbers.
        separator: What stands between the labels of one cell, or ''.

    Example:
        >>> problem = make_problem("single_label", ("a", "b", "c"), "text", ("y",), units=3)
        >>> problem.last_activation, problem.loss
        ('softmax', 'sparse_categorical_crossentropy')
    """

    kind: str
    classes: tuple[Any, ...]
    output_units: int
    last_activation: str
    loss: str
    metrics: tuple[str, ...]
    reason: str
    columns: tuple[str, ...]
    separator: str = ""

    @property
    def is_classification(self) -> bool:
        """Whether the outputs are classes or labels rather than numbers."""
        return bool(self.classes)


def make_problem(
    kind: str,
    classes: tuple[Any, ...],
    reason: str,
    columns: tuple[str, ...],
    *,
    units: int,
    separator: str = "",
) -> Problem:
    """Makes a problem of a kind with the last activation, loss and metrics that belong to it.

    Args:
        kind: One of `KINDS`.
        classes: The classes in the order of the outputs; none for a regression.
        reason: Why it is this kind.
        columns: The target columns.
        units: The size of the last layer.
        separator: What stands between the labels of one cell, or ''.

    Returns:
        The problem.

    Example:
        >>> make_problem("binary", (0, 1), "as asked for", ("y",), units=1).loss
        'binary_crossentropy'
    """
    activation, loss, metrics = _SETTINGS[kind]
    return Problem(kind, classes, units, activation, loss, metrics, reason, columns, separator)


def check_classes(classes: tuple[Any, ...], rows: int, kind: str, place: str) -> None:
    """Refuses classes from which nothing can be learned.

    Args:
        classes: The different classes.
        rows: The number of rows they occur in.
        kind: The kind of problem.
        place: What they are the classes of, for errors.

    Raises:
        InputError: There is one class only, nearly as many classes as rows, or too many for a binary problem.

    Example:
        >>> check_classes((0, 1), 10, "binary", "target 'y'")
    """
    if len(classes) < 2:
        raise InputError(
            place,
            expected="at least two different values",
            got=f"{classes[0]!r} in every row",
            fix="Name another column, or add rows of another class.",
        )
    if len(classes) > rows / 2 and rows > 4:
        raise InputError(
            place,
            expected="classes that occur several times",
            got=f"{len(classes)} different values in {rows} rows",
            fix="Name another column; this one looks like a name or a number for each row.",
        )
    if kind == "binary" and len(classes) > 2:
        raise InputError(
            place, expected="two classes", got=f"{len(classes)}", fix="Ask for kind='single_label' instead."
        )
