"""Targets as numbers to train on, and predictions back as what the user called them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.multi_targets import split_labels
from gradwise.data.problems import Problem
from gradwise.data.tables import Column, Table, as_column
from gradwise.errors import FileError, InputError


class TargetEncoder:
    """Encodes the targets of one problem and decodes its predictions.

    In a regression the targets are standardised with the mean and standard deviation of the training rows,
    so that the loss does not depend on the unit; `decode` undoes it. An error in encoded units times
    `scale` is the error in the target's own unit.

    Args:
        problem: The problem.
        mean: What is subtracted from the targets of a regression.
        scale: What they are then divided by.

    Example:
        >>> from gradwise.data.targets import find_problem
        >>> encoder = TargetEncoder(find_problem(["no", "yes", "no", "yes"]))
        >>> encoder.encode(["yes", "no"]).tolist()
        [1, 0]
        >>> encoder.decode(np.array([[0.9], [0.2]])).tolist()
        ['yes', 'no']
    """

    def __init__(
        self, problem: Problem, mean: tuple[float, ...] = (0.0,), scale: tuple[float, ...] = (1.0,)
    ) -> None:
        self.problem = problem
        self.mean = np.asarray(mean, dtype=np.float64)
        self.scale = np.asarray(scale, dtype=np.float64)

    @classmethod
    def fit(cls, problem: Problem, table: Table, rows: NDArray[Any]) -> TargetEncoder:
        """Makes the encoder, for a regression with the statistics of the training rows.

        Args:
            problem: The problem.
            table: The table with the target column.
            rows: The numbers of the training rows.

        Returns:
            The encoder.

        Raises:
            InputError: The table lacks the column, or a target is missing.
        """
        if problem.kind != "regression":
            return cls(problem)
        numbers = cls(problem)._numbers(_columns(table.take(rows), problem))
        scale = numbers.std(axis=0)
        return cls(
            problem, tuple(numbers.mean(axis=0).tolist()), tuple(np.where(scale > 0, scale, 1.0).tolist())
        )

    def encode(self, target: Table | Column | Any) -> NDArray[Any]:
        """Turns targets into what the loss takes.

        Args:
            target: A table with the target column or columns, a column, or one array.

        Returns:
            int32[B] class numbers (binary, single_label), float32[B, K] of 0 and 1 (multi_label), or
            float32[B], float32[B, K] with several columns (regressions).

        Raises:
            InputError: A target is missing, or is a class that the problem does not have.
        """
        columns = _columns(target, self.problem)
        problem = self.problem
        if problem.kind == "multi_label" and len(columns) == 1:
            return self._flags(columns[0])
        if problem.is_classification and len(columns) == 1:
            return self._class_numbers(columns[0])
        numbers = self._numbers(columns)
        if problem.kind == "single_label":
            return np.asarray(numbers.argmax(axis=1), dtype=np.int32)
        if problem.kind == "regression":
            numbers = (numbers - self.mean) / self.scale
        return (numbers[:, 0] if len(columns) == 1 else numbers).astype(np.float32)

    def decode(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Turns the model's outputs into classes, labels or numbers in the target's own unit.

        Args:
            predictions: float[B, K], or float[B] for one output.

        Returns:
            [B] classes; object[B] of tuples of labels (multi_label, outputs of at least 0.5); float64[B]
            numbers, or float64[B, K] with several target columns.
        """
        outputs = np.asarray(predictions, dtype=np.float64)
        problem = self.problem
        if problem.kind == "binary":
            return self._named((outputs.reshape(len(outputs)) >= 0.5).astype(np.int64))
        if problem.kind == "single_label":
            return self._named(outputs.argmax(axis=-1))
        if problem.kind == "multi_label":
            rows = np.empty(len(outputs), dtype=object)
            for index, row in enumerate(outputs >= 0.5):
                rows[index] = tuple(name for name, on in zip(problem.classes, row, strict=True) if on)
            return rows
        numbers = outputs.reshape(len(outputs), -1) * self.scale + self.mean
        return numbers[:, 0] if len(problem.columns) == 1 else numbers

    def to_config(self) -> dict[str, Any]:
        """Returns the encoder as values that JSON can hold."""
        problem = {
            key: list(item) if isinstance(item, tuple) else item for key, item in asdict(self.problem).items()
        }
        return {"problem": problem, "mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TargetEncoder:
        """Rebuilds an encoder from `to_config`.

        Args:
            config: What `to_config` returned.

        Raises:
            FileError: It is not.
        """
        try:
            settings: dict[str, Any] = dict(config["problem"])
            for key in ("classes", "metrics", "columns"):
                settings[key] = tuple(settings[key])
            return cls(Problem(**settings), tuple(config["mean"]), tuple(config["scale"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise FileError(
                "TargetEncoder.from_config",
                expected="what to_config returned",
                got=f"something else ({error})",
                fix="The file is damaged or of another version: train the model again.",
            ) from error

    def _named(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        kinds = {type(name) for name in self.problem.classes}
        names = np.array(self.problem.classes, dtype=object if str in kinds else None)
        return names[numbers]

    def _class_numbers(self, column: Column) -> NDArray[np.int32]:
        # Compared as text: 1 in one file may be 1.0, True or "1" in another.
        places = {_key(name): place for place, name in enumerate(self.problem.classes)}
        found = [places.get(_key(value), -1) for value in column.values.tolist()]
        if min(found) < 0:
            row = found.index(-1)
            raise self._unknown(column, row, str(column.values[row]))
        return np.array(found, dtype=np.int32)

    def _flags(self, column: Column) -> NDArray[np.float32]:
        places = {name: place for place, name in enumerate(self.problem.classes)}
        result = np.zeros((len(column), len(places)), dtype=np.float32)
        for row, text in enumerate(column.texts()):
            for label in split_labels(text, self.problem.separator):
                if label not in places:
                    raise self._unknown(column, row, label)
                result[row, places[label]] = 1
        return result

    def _numbers(self, columns: list[Column]) -> NDArray[np.float64]:
        for column in columns:
            if column.content not in ("number", "boolean"):
                raise InputError(
                    f"target '{column.name}'",
                    expected="numbers",
                    got=f"{column.content} ({str(column.values[0])!r})",
                    fix="Correct the cells that are no numbers.",
                )
        return np.stack([column.values for column in columns], axis=1).astype(np.float64)

    def _unknown(self, column: Column, row: int, got: str) -> InputError:
        classes = self.problem.classes
        shown = ", ".join(map(str, classes[:10])) + (", …" if len(classes) > 10 else "")
        return InputError(
            f"target '{column.name}', row {column.row_number(row)}",
            expected=f"one of the classes the model knows ({shown})",
            got=repr(got),
            fix="Correct the label, leave the row out, or train again with rows of that class.",
        )


def _key(value: object) -> str:
    if isinstance(value, (bool, int, float)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _columns(target: Table | Column | Any, problem: Problem) -> list[Column]:
    if isinstance(target, Table):
        columns = [target.column(name) for name in problem.columns]
    else:
        columns = [target if isinstance(target, Column) else as_column(problem.columns[0], target)]
    for column in columns:
        if column.missing.any():
            first = column.row_number(int(column.missing.argmax()))
            raise InputError(
                f"target '{column.name}'",
                expected="a value in every row",
                got=f"{int(column.missing.sum())} missing, first in row {first}",
                fix="Leave out the rows without a target: gradwise.data.targets.rows_with_target.",
            )
    return columns
