"""CSV files of any size in blocks of rows that can be read on their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradwise.data.csv_form import count_plain_rows
from gradwise.data.frames import Cells
from gradwise.data.parsing import MISSING_MARKS, parse_texts, text_objects
from gradwise.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 1 << 20  # bytes
_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class _Block:
    path: Path
    start: int
    stop: int
    rows: int
    line: int  # both counted from 1, where the block begins; a quoted cell may have several lines
    row: int


class CsvBlocks:
    """The rows of CSV files, one after the other.

    The files are gone through once to find where rows begin; after that each block is read when it is
    needed. They must be UTF-8, not packed, with one line of names, the same in all.

    Args:
        paths: The files.

    Raises:
        InputError: A file is absent, packed, empty or has other columns than the first.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        with paths[0].open("rb") as stream:
            line = _text(stream.readline(), paths[0]).rstrip("\r\n")
        self._separator = max(_SEPARATORS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))
        self.names = self._header(line)
        self._blocks = [block for path in paths for block in self._index(path)]
        self.rows = [block.rows for block in self._blocks]

    def place(self, block: int, row: int = 0) -> str:
        """Names a place for errors."""
        found = self._blocks[block]
        return f"'{found.path}', row {found.row + row}"

    def frame(self, block: int) -> pl.DataFrame:
        """Reads one block as texts.

        Raises:
            InputError: A row has another length than the header, or is no UTF-8; the line is told.
        """
        import polars as pl

        found = self._blocks[block]
        with found.path.open("rb") as stream:
            stream.seek(found.start)
            content = stream.read(found.stop - found.start)
        content = content.replace(b"\r\n", b"\n").strip(b"\n")
        _text(content, found.path)
        if count_plain_rows(content, self._separator, len(self.names)) != found.rows:
            raise self._odd_row(content, found)
        return pl.read_csv(
            content,
            separator=self._separator,
            has_header=False,
            new_columns=list(self.names),
            infer_schema=False,
        )

    def cells(self, frame: pl.DataFrame, contents: dict[str, str]) -> Iterator[tuple[str, Cells]]:
        """Reads the texts of a frame as values; what is known to be text stays text."""
        for series in frame.iter_columns():
            if contents.get(series.name) == "text":
                series = series.str.strip_chars()
                missing = (series.is_null() | series.is_in(MISSING_MARKS)).fill_null(True)
                texts = text_objects(series.set(missing, None))
                yield series.name, Cells(texts, missing.to_numpy().astype(bool))
            else:
                yield series.name, Cells(*parse_texts(series, decimal_comma=self._separator != ","))

    def _header(self, line: str) -> list[str]:
        names = next(csv.reader([line], delimiter=self._separator, skipinitialspace=True), [])
        return [name.strip() or f"column_{place}" for place, name in enumerate(names, start=1)]

    def _index(self, path: Path) -> Iterator[_Block]:
        with path.open("rb") as stream:
            names = self._header(_text(stream.readline(), path).rstrip("\r\n"))
            if names != self.names or len(set(names)) < len(names):
                raise InputError(
                    f"'{path}', line 1",
                    expected="different names of columns, the same in all files",
                    got=", ".join(names[:10]),
                    fix="Give all files the same first line.",
                )
            start, line, row = stream.tell(), 2, 1
            while content := stream.read(_BLOCK):
                content += stream.readline()
                while content.count(b'"') % 2:  # the block ends within a quoted cell
                    more = stream.readline()
                    if not more:
                        raise _unpaired(path, line)
                    content += more
                rows = _count_rows(content)
                if rows:
                    yield _Block(path, start, stream.tell(), rows, line, row)
                start, line, row = stream.tell(), line + content.count(b"\n"), row + rows

    def _odd_row(self, content: bytes, block: _Block) -> InputError:
        reader = csv.reader(io.StringIO(content.decode()), delimiter=self._separator)
        width = len(self.names)
        line, odd = next(((reader.line_num, row) for row in reader if len(row) != width), (0, None))
        got = (
            "a quotation mark inside a cell" if odd is None else f"{len(odd)} in line {block.line - 1 + line}"
        )
        return InputError(
            f"'{block.path}', rows from line {block.line}",
            expected=f"{width} values in each row, and quotation marks around whole cells only",
            got=got,
            fix="Correct that line, or remove it if it is blank.",
        )


def _count_rows(content: bytes) -> int:
    content = content.strip(b"\r\n")
    if b'"' not in content:
        return content.count(b"\n") + bool(content)
    buffer = np.frombuffer(content, dtype=np.uint8)
    ends = np.flatnonzero(buffer == ord("\n"))
    quotes = np.searchsorted(np.flatnonzero(buffer == ord('"')), ends)
    return int(np.count_nonzero(quotes % 2 == 0)) + 1


def _text(content: bytes, path: Path) -> str:
    try:
        if content.startswith((b"\x1f\x8b", b"PK")):
            raise ValueError("a packed file")
        return content.decode("utf-8-sig")
    except ValueError as error:
        raise InputError(
            f"'{path}'",
            expected="a CSV file in UTF-8",
            got=str(error) if not isinstance(error, UnicodeDecodeError) else "bytes that are no UTF-8",
            fix="Unpack it, or save it as UTF-8: only then can it be read in parts.",
        ) from None


def _unpaired(path: Path, line: int) -> InputError:
    return InputError(
        f"'{path}', after line {line}",
        expected="quotation marks in pairs",
        got="an odd number of them",
        fix='Write a quotation mark inside a quoted cell twice: "".',
    )
