"""Tables larger than the memory, from CSV and Parquet files, as sources of a `Loader`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradwise.data.stream_csv import CsvBlocks
from gradwise.data.stream_order import Rows
from gradwise.data.stream_parquet import ParquetBlocks
from gradwise.data.stream_samples import Structure, join, rows_of
from gradwise.data.tables import Column, Table
from gradwise.errors import InputError, unknown_name

_LOOKED_AT = 8  # blocks, from all over the files, that settle what a column holds


class _Preprocessor(Protocol):
    """What turns a table into numbers, such as a fitted `TablePreprocessor`."""

    @property
    def columns(self) -> list[str]: ...

    def transform(self, table: Table) -> NDArray[np.float32]: ...


class TableStream:
    """The rows of files as samples (x, y); see `table_stream`."""

    def __init__(
        self,
        blocks: CsvBlocks | ParquetBlocks,
        target: str | None,
        features: Sequence[str] | None,
        preprocessor: _Preprocessor | None,
        classes: Sequence[Any] | None,
    ) -> None:
        self._blocks, self._target, self._preprocessor = blocks, target, preprocessor
        self._codes = None if classes is None else {str(name): code for code, name in enumerate(classes)}
        self.bounds: Rows = np.cumsum([0, *blocks.rows])
        if len(self) == 0:
            raise InputError(
                "table_stream", expected="at least one row", got="none", fix="Add rows to the files."
            )
        wanted = features or (preprocessor.columns if preprocessor else None)
        self.features = [name for name in wanted or blocks.names if name != target]
        for name in (*self.features, *([] if target is None else [target])):
            if name not in blocks.names:
                raise unknown_name("table_stream", "a column", name, blocks.names)
        self._contents: dict[str, str] = {}
        self._contents = {column.name: column.content for column in self.sample(0)}
        self._check_numbers()

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def sample(self, rows: int = 10_000) -> Table:
        """Returns some rows from all over the files, to look at or to fit a `TablePreprocessor` to.

        Args:
            rows: At least so many, as far as there are; whole blocks are read.

        Returns:
            The table, with all columns.
        """
        import polars as pl

        wanted = max(min(_LOOKED_AT, len(self._blocks.rows)), -(-rows * len(self._blocks.rows) // len(self)))
        chosen = np.unique(np.linspace(0, len(self._blocks.rows) - 1, min(wanted, len(self._blocks.rows))))
        frame = pl.concat([self._blocks.frame(int(block)) for block in chosen])
        return self._table(frame)

    def gather(self, rows: Rows) -> Structure:
        """Returns (x, y), or (x,) without a target, of the rows at some places, in that order."""
        block_of = np.searchsorted(self.bounds, rows, side="right") - 1
        needed, places = np.unique(block_of, return_inverse=True)
        parts = [self._values(int(block)) for block in needed]
        starts = np.cumsum([0, *(self._blocks.rows[block] for block in needed)])[:-1]
        return rows_of(join(parts), starts[places] + rows - self.bounds[block_of])

    def _table(self, frame: Any) -> Table:
        cells = self._blocks.cells(frame, self._contents)
        return Table((Column(name, *found) for name, found in cells), "table_stream")

    def _values(self, block: int) -> tuple[NDArray[Any], ...]:
        frame = self._blocks.frame(block)
        used = self.features if self._target is None else [*self.features, self._target]
        table = self._table(frame.select(used))
        if self._preprocessor is not None:
            x = self._preprocessor.transform(table)
        else:
            numbers = [self._numbers(table.column(name), block) for name in self.features]
            x = np.stack(numbers, axis=1)
        if self._target is None:
            return (x,)
        goal = table.column(self._target)
        return x, self._numbers(goal, block) if self._codes is None else self._encoded(goal, block)

    def _numbers(self, column: Column, block: int) -> NDArray[np.float32]:
        if column.content in ("number", "boolean"):
            values = column.values.astype(np.float32)
            values[column.missing] = np.nan
            return values
        texts = column.texts()
        row = next((row for row, text in enumerate(texts) if text and not _is_number(text)), 0)
        raise InputError(
            f"{self._blocks.place(block, row)}, column '{column.name}'",
            expected="a number, as in the rows before",
            got=repr(texts[row][:40]),
            fix="Correct the cell, or leave it empty if the value is missing.",
        )

    def _encoded(self, column: Column, block: int) -> NDArray[np.int32]:
        codes = self._codes or {}
        found = [codes.get(text, -1) for text in column.texts()]
        if -1 in found:
            row = found.index(-1)
            raise InputError(
                f"{self._blocks.place(block, row)}, column '{column.name}'",
                expected=f"one of the classes {', '.join(list(codes)[:10])}",
                got=repr(column.texts()[row]),
                fix="Name all classes, or correct the cell.",
            )
        return np.array(found, dtype=np.int32)

    def _check_numbers(self) -> None:
        """Refuses columns that cannot become numbers before any training begins."""
        checked = list(self.features) if self._preprocessor is None else []
        if self._target is not None and self._codes is None:
            checked.append(self._target)
        wrong = [name for name in checked if self._contents[name] not in ("number", "boolean")]
        if not wrong:
            return
        fix = "Leave it out with features=[…], or fit a TablePreprocessor to .sample() and pass it."
        if wrong[0] == self._target:
            fix = f"Name its classes in order: classes=[…], or choose another target than '{self._target}'."
        raise InputError(
            f"table_stream, column '{wrong[0]}'",
            expected="numbers",
            got=f"{self._contents[wrong[0]]}s",
            fix=fix,
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def table_stream(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    target: str | None = None,
    *,
    features: Sequence[str] | None = None,
    preprocessor: _Preprocessor | None = None,
    classes: Sequence[Any] | None = None,
) -> TableStream:
    r"""Opens CSV or Parquet files as a source for `Loader`, whose rows are read as they are needed.

    Blocks of neighbouring rows (1 MB of a CSV file, 16384 rows of a Parquet file) are read together. With
    shuffling, windows of 16 blocks from anywhere in the files are mixed; `window` of the `Loader` sets how
    many rows that is at least.

    Args:
        paths: One file or several with the same columns, all .csv or .tsv (not packed), or all .parquet.
        target: The column that becomes y; without one, samples are (x,).
        features: The columns that become x; by default all others.
        preprocessor: Turns tables into x, such as a `TablePreprocessor` fitted to `sample()`; by default
            numbers are taken as they are, NaN where missing.
        classes: The classes of the target in order, which become the numbers from 0.

    Returns:
        The source: x float32[B, D], y float32[B], or int32[B] with classes.

    Raises:
        InputError: A file cannot be read in parts, columns differ or are no numbers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "t.csv")
        ...     _ = path.write_text("a,b,kind\n1,2,no\n3,4,yes\n")
        ...     x, y = table_stream(path, "kind", classes=["no", "yes"]).gather(np.array([1, 0]))
        >>> x.tolist(), y.tolist()
        ([[3.0, 4.0], [1.0, 2.0]], [1, 0])
    """
    listed = [Path(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    for path in listed:
        if not path.is_file():
            raise InputError(f"'{path}'", expected="a file", got="no such file", fix="Check the path.")
    if not listed or isinstance(paths, Mapping):
        raise InputError("table_stream", expected="at least one path", got="none", fix="Check the paths.")
    parquet = {path.suffix.lower() in (".parquet", ".pq") for path in listed}
    if len(parquet) > 1:
        raise InputError(
            "table_stream",
            expected="files of one kind",
            got="CSV and Parquet files",
            fix="Make a Loader for each kind, or convert some of them.",
        )
    blocks = ParquetBlocks(listed) if parquet.pop() else CsvBlocks(listed)
    return TableStream(blocks, target, features, preprocessor, classes)
