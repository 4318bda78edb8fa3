"""Data ready to train on: read, understood, split, turned into arrays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.columns import find_leaks
from gradwise.data.duplicates import row_keys
from gradwise.data.preprocessing import ColumnReport, TablePreprocessor
from gradwise.data.problems import make_problem
from gradwise.data.splits import Holdout, count_duplicates, default_parts, holdout
from gradwise.data.tables import Table, read_table
from gradwise.data.target_encoding import TargetEncoder
from gradwise.data.targets import default_target, find_problem, rows_with_target
from gradwise.errors import InputError, unknown_name
from gradwise.workflow.inputs import ImageInputs, TableInputs, WordInputs
from gradwise.workflow.named_sets import NAMES, NamedSet, load_named

_LEAST_ROWS = 10
_ROUGH = 30  # test samples below which a score is hardly more than a hint


@dataclass(frozen=True)
class Part:
    """One part of the split data.

    Args:
        x: [B, ...], as the model takes it.
        y: The targets, as the loss takes them.

    Example:
        >>> len(Part(np.zeros((3, 2)), np.zeros(3)))
        3
    """

    x: NDArray[Any]
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Prepared:
    """A data set that is ready to train on, with all that was decided on the way.

    Args:
        name: A short name, from which the output folder's is made.
        source: Where the samples came from, for people.
        origin: What to type to get them again; None for objects in memory.
        about: What a sample is.
        inputs: How samples become arrays.
        encoder: How targets become numbers, with the problem.
        target_reason: Why this target; '' if it was asked for.
        train: The part to fit on.
        validation: The part to stop by.
        test: The part to judge by, once.
        split: How the parts were made, in words.
        duplicates: Test samples that also occur in the training part.
        leaks: Why columns that give the answer away were left out, by name.
        warnings: Sentences that the user must know.
        show: From the number of a test sample to what a report shows of it.

    Example:
        >>> prepared = prepare({"size": list(range(40)), "heavy": ["no", "yes"] * 20}, seed=0)
        >>> prepared.encoder.problem.kind, len(prepared.test)
        ('binary', 8)
    """

    name: str
    source: str
    origin: str | None
    about: str
    inputs: TableInputs | ImageInputs | WordInputs
    encoder: TargetEncoder
    target_reason: str
    train: Part
    validation: Part
    test: Part
    split: str
    duplicates: int
    leaks: Mapping[str, str]
    warnings: tuple[str, ...]
    show: Callable[[int], Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """The number of samples in all parts."""
        return len(self.train) + len(self.validation) + len(self.test)

    @property
    def columns(self) -> list[ColumnReport]:
        """What was done to each column."""
        return self.inputs.columns


def prepare(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    kind: str | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    seed: int = 0,
) -> Prepared:
    """Reads, understands and splits a data set.

    Args:
        data: A CSV file, the name of a data set, a pandas or polars frame, or a dict of columns.
        target: The target column or columns; found by itself if not given.
        kind: The kind of problem, if the caller knows better; see `data.problems.KINDS`.
        columns: Kinds of columns by name, likewise; a list of words is an order.
        seed: Seed of the split.

    Returns:
        The parts and all that was decided.

    Raises:
        InputError: The data cannot be read or nothing can be learned from them.
        FileError: The file of a named data set is damaged.
    """
    name, found = open_data(data)
    if isinstance(found, NamedSet):
        _refuse_settings(name, target, kind, columns)
        return _prepare_named(found, seed)
    origin = os.fspath(data) if isinstance(data, (str, os.PathLike)) else None
    return _prepare_table(found, name, origin, target, kind, columns, seed)


def open_data(data: Any) -> tuple[str, Table | NamedSet]:
    """Opens a file, a named data set, a frame or a dict of columns.

    Args:
        data: What it is, or its path or name.

    Returns:
        A short name, and the data.

    Raises:
        InputError: There is no such file or data set, or it cannot be read.

    Example:
        >>> open_data("digits")[0]
        'digits'
    """
    if not isinstance(data, (str, os.PathLike)):
        return "table", read_table(data)
    text = os.fspath(data)
    path = Path(text).expanduser()
    if text in NAMES and not path.is_file():
        return text, load_named(text)
    if not path.exists() and not path.suffix and path.name == text:
        raise unknown_name("data", "a file or of a data set", text, NAMES)
    return short_name(text), read_table(path)


def fingerprint(data: Any) -> str:
    """Returns what tells a file or named data set from others, '' for objects in memory.

    Args:
        data: A path, the name of a data set, or an object.

    Example:
        >>> fingerprint("digits"), fingerprint({"x": [1]})
        ('data set digits', '')
    """
    if not isinstance(data, (str, os.PathLike)):
        return ""
    path = Path(data).expanduser()
    if path.is_file():
        return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return f"data set {os.fspath(data)}"


def short_name(data: str) -> str:
    """Returns the name of a file without folder and endings, or of a data set.

    Example:
        >>> short_name("data/titanic.csv.gz")
        'titanic'
    """
    return Path(data).name.split(".")[0] or "table"


def _refuse_settings(name: str, target: Any, kind: Any, columns: Any) -> None:
    given = {"a target": target, "a kind": kind, "kinds of columns": columns}
    for what, value in given.items():
        if value:
            raise InputError(
                f"data set '{name}'",
                expected="no further settings, as its classes come with it",
                got=what,
                fix="Leave it out.",
            )


def _prepare_table(
    whole: Table,
    name: str,
    origin: str | None,
    target: str | Sequence[str] | None,
    kind: str | None,
    columns: Mapping[str, str | Sequence[str]] | None,
    seed: int,
) -> Prepared:
    chosen, target_reason = (target, "") if target else default_target(whole)
    targets = [chosen] if isinstance(chosen, str) else list(chosen)
    known, without = rows_with_target(whole, targets)
    table = whole.take(known)
    _refuse_few(table, targets)
    problem = find_problem([table.column(name) for name in targets], kind=kind)
    leaks = {} if len(targets) > 1 else find_leaks(table, targets[0])
    encoder = TargetEncoder(problem)
    labels = encoder.encode(table)
    parts = holdout(len(table), y=labels if labels.dtype.kind == "i" else None, seed=seed)
    encoder = TargetEncoder.fit(problem, table, parts.train)
    preprocessor = TablePreprocessor().fit(table, targets, parts.train, kinds=columns, leave_out=leaks)
    x, y = preprocessor.transform(table), encoder.encode(table)
    keys = row_keys(table)
    train, validation, test = (Part(x[part], y[part]) for part in (parts.train, parts.validation, parts.test))
    return Prepared(
        name=name,
        source=Path(origin).name if origin else "a table in memory",
        origin=origin,
        about=f"rows of {len(whole.names)} columns",
        inputs=TableInputs(preprocessor),
        encoder=encoder,
        target_reason=target_reason,
        train=train,
        validation=validation,
        test=test,
        split="at random, the classes in equal shares" if labels.dtype.kind == "i" else "at random",
        duplicates=int(np.isin(keys[parts.test], keys[parts.train]).sum()),
        leaks=leaks,
        warnings=_table_warnings(leaks, targets[0], without, parts),
        show=lambda index: {"row": _row_of(table, int(parts.test[index]), targets)},
    )


def _refuse_few(table: Table, targets: list[str]) -> None:
    if len(table) < _LEAST_ROWS:
        raise InputError(
            table.source,
            expected=f"at least {_LEAST_ROWS} rows with a value for '{targets[0]}'",
            got=f"{len(table)}",
            fix="Add rows: some are needed to learn from, some to stop by, some to judge by.",
        )


def _table_warnings(leaks: Mapping[str, str], target: str, without: int, parts: Holdout) -> tuple[str, ...]:
    said = [f"Column '{name}' gives the answer away and is left out: {why}." for name, why in leaks.items()]
    if without:
        rows = "1 row without" if without == 1 else f"{without} rows without"
        said.append(f"{rows} a value for '{target}' {'is' if without == 1 else 'are'} left out.")
    if len(parts.test) < _ROUGH:
        said.append(f"There are only {len(parts.test)} test samples: the scores are rough.")
    return (*said, *parts.notes)


def _row_of(table: Table, row: int, targets: list[str]) -> dict[str, Any]:
    inputs = [column for column in table if column.name not in targets]
    number = inputs[0].row_number(row) if inputs else row + 1
    return {
        "(row)": number,
        **{column.name: None if column.missing[row] else _plain(column.values[row]) for column in inputs},
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, np.datetime64) else getattr(value, "item", lambda: value)()


def _prepare_named(found: NamedSet, seed: int) -> Prepared:
    (x, labels), (x_test, y_test) = found.train, found.test
    y, y_test = np.asarray(labels, np.int32), np.asarray(y_test, np.int32)
    kind = "binary" if len(found.classes) == 2 else "single_label"
    problem = make_problem(
        kind,
        found.classes,
        f"{len(found.classes)} classes",
        (found.target,),
        units=1 if kind == "binary" else len(found.classes),
    )
    held = default_parts(len(y))[1]
    parts = holdout(len(y), y=y, parts=(1 - held, held, 0), seed=seed)
    inputs = found.inputs
    arrays, test = inputs.arrays(x), inputs.arrays(x_test)
    whole = Holdout(np.arange(len(y)), np.zeros(0, np.int64), np.arange(len(y), len(y) + len(y_test)))
    duplicates = count_duplicates(np.concatenate([arrays, test]), whole)["test"]
    show: Callable[[int], Mapping[str, Any]] = lambda index: {}  # noqa: E731
    if isinstance(inputs, ImageInputs):
        pictures = inputs
        show = lambda index: {"image": pictures.picture(test[index])}  # noqa: E731
    return Prepared(
        name=found.name,
        source=f"the data set {found.name}",
        origin=found.name,
        about=found.about,
        inputs=inputs,
        encoder=TargetEncoder(problem),
        target_reason="",
        train=Part(arrays[parts.train], y[parts.train]),
        validation=Part(arrays[parts.validation], y[parts.validation]),
        test=Part(test, y_test),
        split="the set's own test part, the rest at random with the classes in equal shares",
        duplicates=duplicates,
        leaks={},
        warnings=(),
        show=show,
    )
