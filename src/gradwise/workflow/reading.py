"""New data for a trained model: rows to predict, or labelled rows to measure it on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.tables import Column
from gradwise.data.target_encoding import TargetEncoder
from gradwise.data.targets import rows_with_target
from gradwise.errors import FileError, InputError
from gradwise.workflow.inputs import ImageInputs, TableInputs, WordInputs
from gradwise.workflow.named_sets import NamedSet
from gradwise.workflow.prepared import open_data


@dataclass(frozen=True)
class NewData:
    """New samples as a model takes them.

    Args:
        x: [B, ...].
        y: The targets as the loss takes them; None if they were not asked for.
        notes: Sentences about what was out of the ordinary.

    Example:
        >>> NewData(np.zeros((2, 3)), None, ()).y is None
        True
    """

    x: NDArray[Any]
    y: NDArray[Any] | None
    notes: tuple[str, ...]


def read_new(
    data: Any, inputs: TableInputs | ImageInputs | WordInputs, encoder: TargetEncoder, *, labelled: bool
) -> NewData:
    """Reads new samples the way the training samples were read.

    Args:
        data: A file, the name of a data set (whose test part is taken), a frame or a dict of columns; for
            pictures also an .npy file or an array, for texts also lists of word ids.
        inputs: How samples become arrays.
        encoder: How targets become numbers.
        labelled: Whether the targets are needed.

    Returns:
        The samples.

    Raises:
        InputError: The data cannot be read, or do not fit the model.
        FileError: A file is damaged.
    """
    if isinstance(inputs, TableInputs):
        return _table(data, inputs, encoder, labelled)
    samples, labels = _samples(data, inputs, encoder)
    if labelled and labels is None:
        raise InputError(
            "evaluate",
            expected=f"samples with their {encoder.problem.columns[0]}",
            got="samples only",
            fix="Pass the name of the data set, or a CSV file with that column.",
        )
    return NewData(inputs.arrays(samples), labels if labelled else None, ())


def _table(data: Any, inputs: TableInputs, encoder: TargetEncoder, labelled: bool) -> NewData:
    _, table = open_data(data)
    if isinstance(table, NamedSet):
        raise _foreign(
            f"data set '{table.name}'", "a table with the columns of the training table", table.about
        )
    if not labelled:
        x, notes = inputs.arrays(table)
        return NewData(x, None, tuple(notes))
    for column in encoder.problem.columns:
        if column not in table.names:
            raise InputError(
                "evaluate",
                expected=f"a table with the target column '{column}', to compare predictions with",
                got=f"the columns {', '.join(table.names)}",
                fix="Add the column, or use `gradwise predict` for rows without it.",
            )
    rows, without = rows_with_target(table, encoder.problem.columns)
    table = table.take(rows)
    y = encoder.encode(table)
    x, notes = inputs.arrays(table)
    if without:
        told = "1 row has" if without == 1 else f"{without} rows have"
        notes.append(f"{told} no value for '{encoder.problem.columns[0]}', and cannot be judged.")
    return NewData(x, y, tuple(notes))


def _samples(
    data: Any, inputs: ImageInputs | WordInputs, encoder: TargetEncoder
) -> tuple[Any, NDArray[np.int32] | None]:
    """Returns pictures or texts, and their labels if there are any."""
    if isinstance(data, (str, os.PathLike)) and Path(data).suffix == ".npy":
        return _load_array(Path(data)), None
    if isinstance(data, (np.ndarray, list)):
        return data, None
    _, found = open_data(data)
    if isinstance(found, NamedSet):
        if found.inputs != inputs or found.classes != encoder.problem.classes:
            raise _foreign(f"data set '{found.name}'", _wanted(inputs), found.about)
        return found.test[0], np.asarray(found.test[1], np.int32)
    if isinstance(inputs, WordInputs):
        raise _foreign(found.source, _wanted(inputs), "a table")
    target = encoder.problem.columns[0]
    pixels = [column for column in found if column.name != target and column.content == "number"]
    if len(pixels) != int(np.prod(inputs.shape)):
        raise _foreign(found.source, _wanted(inputs), f"a table with {len(pixels)} columns of numbers")
    labels = encoder.encode(_as_texts(found.column(target))) if target in found else None
    return np.stack([column.values for column in pixels], axis=1), labels


def _as_texts(column: Column) -> Column:
    return Column(column.name, np.array([*column.texts(), None], dtype=object)[:-1], column.missing)


def _load_array(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise InputError(f"'{path}'", expected="an .npy file", got="no such file", fix="Check the path.")
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileError(
            f"'{path}'",
            expected="one plain array of numbers",
            got=f"something else ({error})",
            fix="Write it with numpy.save.",
        ) from error
    return np.asarray(found)


def _wanted(inputs: ImageInputs | WordInputs) -> str:
    if isinstance(inputs, WordInputs):
        return f"texts of {inputs.words} known words, such as the data set the model was trained on"
    height, width, channels = inputs.shape
    return (
        f"pictures of {height} × {width} × {channels}: an .npy file, a CSV file with a column for each "
        "pixel, or the data set the model was trained on"
    )


def _foreign(where: str, expected: str, got: str) -> InputError:
    return InputError(
        where, expected=expected, got=got, fix="'gradwise summary MODEL' shows what the model reads."
    )
