"""Raw columns of a table as features, inside the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from gradwise.core.host import HostLayer
from gradwise.core.layer import LayerOptions
from gradwise.data.columns import find_leaks
from gradwise.data.frames import is_any_frame
from gradwise.data.preprocessing import TablePreprocessor, TransformNotes, training_rows
from gradwise.data.tables import Table, read_table
from gradwise.errors import InputError, StateError
from gradwise.registry import register


@register("layers.TableFeatures")
class TableFeatures(HostLayer):
    """Turns the raw columns of a table into numbers with what it learned from the training rows.

    Numbers and ordered words are standardised, categories one-hot, gaps filled and marked; see
    `TablePreprocessor`. Runs on the host, on frames, dicts of columns, tables and files. The model file
    holds what was learned: a loaded model takes raw tables at once. What is out of the ordinary in new
    rows (values not seen in training, gaps in columns that had none) is kept in `last_notes` and told once
    for each column as a warning.

    Args:
        preprocessor: A fitted `TablePreprocessor`, or its `to_config()`; or call `adapt`.
        options: The settings every layer takes.

    Raises:
        InputError: The preprocessor is none, or has learned nothing.

    Shapes: the columns of a table of B rows to float32[B, D].

    Example:
        >>> layer = TableFeatures()
        >>> layer.adapt({"age": [20, 30, 40], "sex": ["f", "m", "f"], "y": [0, 1, 1]}, target="y")
        >>> layer.feature_names
        ['age', 'sex=f', 'sex=(other)']
        >>> layer({"age": [30], "sex": ["f"]}).tolist()
        [[0.0, 1.0, 0.0]]
    """

    sample_shape = (None,)

    def __init__(
        self,
        preprocessor: TablePreprocessor | Mapping[str, Any] | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.last_notes = TransformNotes()
        self._told: set[tuple[str, str]] = set()
        if isinstance(preprocessor, Mapping):
            preprocessor = TablePreprocessor.from_config(preprocessor)
        fitted = isinstance(preprocessor, TablePreprocessor) and preprocessor.is_fitted
        if preprocessor is not None and not fitted:
            raise InputError(
                self._where(),
                expected="a fitted TablePreprocessor, or what its to_config returned",
                got="one that has learned nothing"
                if isinstance(preprocessor, TablePreprocessor)
                else f"an object of type {type(preprocessor).__name__}",
                fix="Call its fit(table, target, rows) first, or leave it out and call adapt.",
            )
        self._preprocessor = preprocessor

    def adapt(
        self,
        table: Any,
        target: str | Sequence[str] | None = None,
        rows: NDArray[Any] | Sequence[int] | None = None,
        kinds: Mapping[str, str | Sequence[str]] | None = None,
        leave_out: Mapping[str, str] | None = None,
    ) -> None:
        """Learns kinds, categories, medians, means and standard deviations from the training rows.

        A column that is the target in other words, as `alive` beside `survived`, is left out with a warning,
        and so is one without a value in the training rows if other rows have one.

        Args:
            table: The table, or anything `gradwise.data.read_table` takes.
            target: The target column or columns, which are no inputs.
            rows: The numbers of the training rows; by default all.
            kinds: Kinds by column name that the caller knows better; see `gradwise.data.infer_kinds`.
            leave_out: Columns to leave out, each with the reason; an empty dict keeps those that give the
                target away, too.

        Raises:
            InputError: A column does not fit its kind, no column is left, or there are no such rows.
            StateError: A model was built on the layer already, for another number of features.
        """
        known = read_table(table)
        chosen = None if rows is None else training_rows(rows, len(known), f"{self._where()}.adapt")
        if leave_out is None:
            leave_out = self._leaks(known, target, chosen)
        fitted = TablePreprocessor().fit(known, target, chosen, kinds=kinds, leave_out=leave_out)
        for node in self.nodes:
            if node.outputs.shape[-1] != len(fitted.feature_names):
                raise StateError(
                    self._where(),
                    expected=f"{node.outputs.shape[-1]} features, for which the model is built",
                    got=f"{len(fitted.feature_names)}",
                    fix="Adapt a new layer, and make a new model on it.",
                )
        self._preprocessor = fitted
        self.last_notes = TransformNotes()
        self._told.clear()

    def _leaks(self, table: Table, target: Any, rows: Any) -> dict[str, str]:
        if not isinstance(target, str):
            return {}
        leaks = find_leaks(table if rows is None else table.take(rows), target)
        for name, reason in leaks.items():
            warnings.warn(
                f"{self._where()}: column '{name}' is left out: {reason}. If it is known before the target "
                "is, pass leave_out={}.",
                stacklevel=3,
            )
        return leaks

    @property
    def preprocessor(self) -> TablePreprocessor:
        """What was learned.

        Raises:
            StateError: Nothing was learned yet.
        """
        if self._preprocessor is None:
            raise StateError(
                self._where(),
                expected="to have learned from a table",
                got="a layer that knows no columns yet",
                fix="Call adapt(table, target, rows) with the training rows before the model is used.",
            )
        return self._preprocessor

    @property
    def feature_names(self) -> list[str]:
        """The names of the D features, in order."""
        return self.preprocessor.feature_names

    def receive(self, values: Any) -> Table:
        """Reads a frame, dict of columns, list of dicts, table or file; a dict of values is one row."""
        if isinstance(values, Mapping) and values and not any(map(np.ndim, values.values())):
            return read_table([values])
        one_column = self._preprocessor is not None and len(self._preprocessor.columns) == 1
        if is_any_frame(values) and type(values).__name__ == "Series" and not one_column:
            raise InputError(
                self._where(),
                expected="a table",
                got=f"a Series of {len(values)} values",
                fix="For one row of a frame write frame.iloc[[0]], with two brackets.",
            )
        return read_table(values)

    def call(self, inputs: Table) -> NDArray[np.float32]:
        """Returns float32[B, D]."""
        features = self.preprocessor.transform(inputs)
        self.last_notes = self.preprocessor.last_notes
        self._warn(self.last_notes)
        return features

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns (B, D) and float32."""
        return (shape[0], len(self.feature_names)), "float32"

    def get_config(self) -> dict[str, Any]:
        """Returns the settings with what was learned."""
        learned = None if self._preprocessor is None else self._preprocessor.to_config()
        return {**super().get_config(), "preprocessor": learned}

    def _warn(self, notes: TransformNotes) -> None:
        """Tells what is new since the last time; the same column is not told of at every batch."""
        fresh = TransformNotes(
            {name: values for name, values in notes.unseen.items() if ("unseen", name) not in self._told},
            tuple(name for name in notes.extra if ("extra", name) not in self._told),
            {name: count for name, count in notes.filled.items() if ("filled", name) not in self._told},
        )
        self._told |= {("unseen", name) for name in fresh.unseen} | {("extra", name) for name in fresh.extra}
        self._told |= {("filled", name) for name in fresh.filled}
        if sentences := fresh.sentences():
            warnings.warn(f"{self._where()}: {' '.join(sentences)}", UserWarning, stacklevel=2)

    def _where(self) -> str:
        return f"TableFeatures '{self.name}'"
