"""Tables as matrices: every statistic comes from the training rows and is used on all others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.columns import Kind, infer_kinds
from gradwise.data.encoders import Encoder, encode, fit_encoder
from gradwise.data.tables import Column, Table, read_table
from gradwise.errors import FileError, InputError, StateError


@dataclass(frozen=True)
class ColumnReport:
    """What was done to one column.

    Args:
        name: The column.
        kind: Its kind; see `columns.infer_kinds`.
        reason: Why it has that kind.
        action: What was done, or "left out".
        features: The features it became.
        missing: How many of its training rows had no value.

    Example:
        >>> ColumnReport("id", "identifier", "a different text in each of 9 rows", "left out").features
        ()
    """

    name: str
    kind: str
    reason: str
    action: str
    features: tuple[str, ...] = ()
    missing: int = 0


@dataclass(frozen=True)
class TransformNotes:
    """What was out of the ordinary in the last table that was transformed.

    Args:
        unseen: For each column the values that did not occur in training, with their counts.
        extra: Columns that were not there when fitted, and were ignored.
        filled: For each column the number of missing values filled although none was missing in training.

    Example:
        >>> TransformNotes(extra=("age",)).sentences()
        ['Ignored, as not part of the training table: age.']
    """

    unseen: dict[str, dict[str, int]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    filled: dict[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Returns the notes in words, one sentence for each column.

        Example:
            >>> TransformNotes(unseen={"colour": {"pink": 2}}).sentences()
            ["Column 'colour': 2 rows with values not seen in training ('pink')."]
        """
        said = []
        for name, values in self.unseen.items():
            shown = ", ".join(repr(value) for value in list(values)[:5]) + (", …" if len(values) > 5 else "")
            total = sum(values.values())
            rows = "1 row" if total == 1 else f"{total} rows"
            said.append(f"Column '{name}': {rows} with values not seen in training ({shown}).")
        for name, count in self.filled.items():
            said.append(f"Column '{name}': {count} missing, filled in; none was missing in training.")
        if self.extra:
            said.append(f"Ignored, as not part of the training table: {', '.join(self.extra)}.")
        return said


class TablePreprocessor:
    """Turns a table into float32[B, D] with settings learned from its training rows.

    Example:
        >>> table = read_table({"age": [20, 30, 40, 50], "sex": ["f", "m", "f", "m"], "y": [0, 1, 0, 1]})
        >>> preprocessor = TablePreprocessor().fit(table, "y", rows=np.arange(4))
        >>> preprocessor.feature_names
        ['age', 'sex=f', 'sex=m']
        >>> preprocessor.transform(table).shape
        (4, 3)
    """

    def __init__(self) -> None:
        self.last_notes = TransformNotes()
        self._encoders: list[Encoder] | None = None
        self._reports: list[ColumnReport] = []
        self._ignored: list[str] = []

    def fit(
        self,
        table: Any,
        target: str | Sequence[str] | None = None,
        rows: NDArray[Any] | Sequence[int] | None = None,
        *,
        kinds: Mapping[str, str | Sequence[str]] | None = None,
        leave_out: Mapping[str, str] | None = None,
    ) -> TablePreprocessor:
        """Learns kinds, categories, medians, means and standard deviations.

        A column without a value in the training rows is left out, with a warning if other rows have one.

        Args:
            table: The table, or anything `read_table` takes.
            target: The target column or columns, which are no inputs.
            rows: The numbers of the training rows; by default all.
            kinds: Kinds by column name that the caller knows better; a list of words is an ordinal column
                with that order, from least to most.
            leave_out: Further columns to leave out, each with the reason, for example from `find_leaks`.

        Returns:
            This object.

        Raises:
            InputError: A column does not fit its kind, no column is left, or there are no such rows.
        """
        table = read_table(table)
        targets = [target] if isinstance(target, str) else list(target or ())
        reasons = dict(leave_out or {})
        for name in (*targets, *reasons):
            table.column(name)
        inputs = Table((column for column in table if column.name not in targets), table.source)
        part = (
            inputs if rows is None else inputs.take(training_rows(rows, len(table), "TablePreprocessor.fit"))
        )
        found = infer_kinds(part, kinds)
        encoders, reports = [], []
        for column in part:
            kind = found[column.name]
            missing = int(column.missing.sum())
            if column.name in reasons:
                kind = Kind("left out", reasons[column.name])
            elif missing == len(column):
                kind = _empty(inputs.column(column.name))
            elif kind.used:
                encoder = fit_encoder(column, kind)
                encoders.append(encoder)
                reports.append(
                    ColumnReport(column.name, *_words(kind), encoder.action, encoder.features, missing)
                )
                continue
            reports.append(ColumnReport(column.name, *_words(kind), "left out", (), missing))
        if not encoders:
            raise _nothing_left(part, reports)
        self._encoders, self._reports, self._ignored = encoders, reports, targets
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` was called."""
        return self._encoders is not None

    @property
    def feature_names(self) -> list[str]:
        """The names of the D features, in order."""
        return [name for encoder in self._fitted() for name in encoder.features]

    @property
    def columns(self) -> list[str]:
        """The names of the columns a table must have to be transformed."""
        return [encoder.name for encoder in self._fitted()]

    @property
    def report(self) -> list[ColumnReport]:
        """What was done to each column when fitted, in the order of the table."""
        return list(self._reports)

    def transform(self, table: Any) -> NDArray[np.float32]:
        """Applies what was learned; `last_notes` then tells what was out of the ordinary.

        Args:
            table: A table with the columns used in training, or anything `read_table` takes; further
                columns are ignored.

        Returns:
            float32[B, D].

        Raises:
            InputError: A column is missing, or a cell has the wrong type.
            StateError: Nothing was learned yet.
        """
        encoders, table = self._fitted(), read_table(table)
        absent = [encoder.name for encoder in encoders if encoder.name not in table]
        if absent:
            shown = ", ".join(f"'{name}'" for name in absent[:10]) + (", …" if len(absent) > 10 else "")
            raise InputError(
                table.source,
                expected="the columns the model was trained on",
                got=f"a table without {shown}",
                fix="Add the columns; cells may be empty.",
            )
        blocks, unseen, filled = [], {}, {}
        for encoder in encoders:
            column = table.column(encoder.name)
            block, strange = encode(encoder, column)
            blocks.append(block)
            if strange:
                unseen[encoder.name] = dict(strange)
            expected_gaps = encoder.indicator or "(missing)" in encoder.categories
            if column.missing.any() and not expected_gaps:
                filled[encoder.name] = int(column.missing.sum())
        known = {*self._ignored, *(report.name for report in self._reports)}
        extra = tuple(name for name in table.names if name not in known)
        self.last_notes = TransformNotes(unseen, extra, filled)
        return np.concatenate(blocks, axis=1)

    def to_config(self) -> dict[str, Any]:
        """Returns everything learned as values that JSON can hold."""
        return {
            "encoders": [_listed(asdict(encoder)) for encoder in self._fitted()],
            "report": [_listed(asdict(report)) for report in self._reports],
            "targets": list(self._ignored),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TablePreprocessor:
        """Rebuilds a preprocessor from `to_config`.

        Args:
            config: What `to_config` returned.

        Raises:
            FileError: It is not.
        """
        self = cls()
        try:
            self._encoders = [Encoder(**_tupled(item)) for item in config["encoders"]]
            self._reports = [ColumnReport(**_tupled(item)) for item in config["report"]]
            self._ignored = [str(name) for name in config["targets"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise FileError(
                "TablePreprocessor.from_config",
                expected="what to_config returned",
                got=f"something else ({error})",
                fix="The file is damaged or of another version: train the model again.",
            ) from error
        return self

    def _fitted(self) -> list[Encoder]:
        if self._encoders is None:
            raise StateError(
                "TablePreprocessor",
                expected="a call of fit first",
                got="none",
                fix="Call fit(table, target, rows).",
            )
        return self._encoders


def training_rows(rows: Any, n: int, where: str) -> NDArray[np.int64]:
    """Reads the numbers of the training rows.

    Args:
        rows: Row numbers, or a bool for each row.
        n: How many rows the table has.
        where: Who asks, for errors.

    Returns:
        int64[N].

    Raises:
        InputError: They are no such numbers, or there is none.

    Example:
        >>> training_rows([True, False, True], 3, "here").tolist()
        [0, 2]
    """
    chosen = np.asarray(rows)
    if chosen.dtype.kind == "b" and chosen.shape == (n,):
        chosen = np.flatnonzero(chosen)
    wrong = chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu"
    if wrong or chosen.min() < 0 or chosen.max() >= n:
        got = f"values of type {chosen.dtype} and shape {chosen.shape}"
        if not chosen.size:
            got = "none"
        elif not wrong:
            got = f"numbers from {chosen.min()} to {chosen.max()}"
        raise InputError(
            f"{where}, rows",
            expected=f"row numbers from 0 to {n - 1}, at least one",
            got=got,
            fix="Write for example rows=holdout(len(table)).train.",
        )
    return chosen.astype(np.int64)


def _empty(column: Column) -> Kind:
    """Returns the kind of a column without a value in the training rows."""
    elsewhere = int((~column.missing).sum())
    if not elsewhere:
        return Kind("empty", "no row has a value")
    warnings.warn(
        f"Column '{column.name}' is left out: no training row has a value, {elsewhere} other "
        f"row{'s have' if elsewhere > 1 else ' has'} one.",
        stacklevel=3,
    )
    return Kind("empty", "no training row has a value")


def _nothing_left(part: Table, reports: Sequence[ColumnReport]) -> InputError:
    texts = [
        report.name
        for report in reports
        if report.kind in ("text", "identifier") and part.column(report.name).content == "text"
    ]
    fix = "Add columns, or in Python name their kinds: kinds={'column': 'numeric'} (in train, columns=)."
    if texts:
        fix = f"Add other columns; texts such as '{texts[0]}' need layers.TextVectorization, in Python."
    return InputError(
        part.source,
        expected="at least one column to learn from",
        got="; ".join(f"'{report.name}': {report.reason}" for report in reports[:5]) or "no column",
        fix=fix,
    )


def _words(kind: Kind) -> tuple[str, str]:
    return kind.name, kind.reason


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _tupled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
