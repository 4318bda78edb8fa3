"""Reads CSV files into columns of text, with errors that tell the line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradwise.data.csv_form import count_plain_rows
from gradwise.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_SEPARATORS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ROWS_AT_ONCE = 50_000
_START = 100_000
# First bytes of files that are often taken for CSV files.
_FOREIGN = {
    b"PK\x03\x04": ("an Excel or zip file", "Save the sheet as CSV (UTF-8)."),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "Save the sheet as CSV (UTF-8)."),
    b"\xff\xfe": ("UTF-16 text", "Save the file as UTF-8."),
    b"\xfe\xff": ("UTF-16 text", "Save the file as UTF-8."),
}


def read_csv_texts(path: Path) -> tuple[list[str], list[pl.Series], str]:
    r"""Reads a CSV file without interpreting its cells.

    Args:
        path: A plain or gzipped file.

    Returns:
        The names of the columns, their cells as polars series of text, and the separator.

    Raises:
        InputError: The file cannot be read as a table; the line is told.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "t.csv")
        ...     _ = path.write_text("a;b\n1;2\n")
        ...     names, columns, separator = read_csv_texts(path)
        >>> names, columns[1].to_list(), separator
        (['a', 'b'], ['2'], ';')
    """
    content = _checked_content(_content(path), path)
    start = content[:_START].decode("utf-8", errors="ignore")
    separator = "\t" if ".tsv" in path.suffixes else _find_separator(start)
    records = _records(content, separator, path)
    names = _header(records, path)
    _refuse_blanks(start, names, path)
    columns = _quickly(content, separator, names) or _columns(records, names, path)
    if not len(columns[0]):
        raise InputError(
            f"'{path}'",
            expected="at least one row",
            got="only a line of column names",
            fix="Add rows to the file.",
        )
    return names, columns, separator


def _refuse_blanks(text: str, names: list[str], path: Path) -> None:
    """Refuses a table whose columns stand apart by blanks only: it would read as one column of text."""
    widths = {len(line.split()) for line in text[:10_000].split("\n")[:3] if line.strip()}
    if len(names) == 1 and len(widths) == 1 and widths.pop() > 2:
        raise InputError(
            f"'{path}'",
            expected="values separated by , ; | or tab",
            got="what looks like columns separated by blanks",
            fix="Save the table with commas.",
        )


def _content(path: Path) -> bytes:
    if path.is_dir() or not path.exists():
        got = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"'{path}'", expected="a CSV file", got=got, fix="Check the path.")
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"'{path}'",
            expected="a readable file",
            got=f"an error ({error})",
            fix="Copy or download it anew.",
        ) from error


def _checked_content(content: bytes, path: Path) -> bytes:
    """Returns the content with plain line ends, without byte order mark and blank lines around it."""
    for start, (kind, fix) in _FOREIGN.items():
        if content.startswith(start):
            raise InputError(f"'{path}'", expected="a CSV file in UTF-8", got=kind, fix=fix)
    try:
        if not content.isascii():
            content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{path}'",
            expected="text in UTF-8",
            got=f"byte 0x{content[error.start]:02x} in line {content[: error.start].count(10) + 1}",
            fix="The file is probably in Latin-1 or Windows-1252: save it as UTF-8 (in Excel: 'CSV UTF-8').",
        ) from error
    if b"\0" in content:
        raise InputError(
            f"'{path}'", expected="a CSV file in UTF-8", got="a binary file", fix="Export the table as CSV."
        )
    content = content.removeprefix(codecs.BOM_UTF8)
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def _header(records: Iterator[tuple[int, list[str]]], path: Path) -> list[str]:
    header = next(records, None)
    if header is None:
        raise InputError(
            f"'{path}'",
            expected="a line of column names and rows",
            got="an empty file",
            fix="Check the file.",
        )
    return _checked_names(header[1], path)


def _quickly(content: bytes, separator: str, names: list[str]) -> list[pl.Series] | None:
    """Reads a file of plain form at several times the speed of `_columns`; None for others."""
    import polars as pl

    content = content.strip(b"\n")
    rows = count_plain_rows(content, separator, len(names))
    if rows is None or rows < 2:
        return None
    try:
        frame = pl.read_csv(content, separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, ValueError):
        return None
    return frame.get_columns() if frame.shape == (rows - 1, len(names)) else None


def _find_separator(text: str) -> str:
    """Takes the separator that cuts the first lines into the most even rows, then into the most columns."""
    best, best_score = ",", (0.0, 1)
    start = text.split("\n")[:50]
    for separator in _SEPARATORS:
        widths = [len(row) for row in csv.reader(start, delimiter=separator, skipinitialspace=True) if row]
        if not widths or widths[0] < 2:
            continue
        score = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = separator, score
    return best


def _records(content: bytes, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows that are not blank, each with the line it ends in."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"'{path}', line {reader.line_num}",
                expected="quotation marks in pairs",
                got=f"a cell that cannot be read ({error})",
                fix='Write a quotation mark inside a quoted cell twice: "".',
            ) from error
        if row is None:
            return
        if row:
            yield reader.line_num, row


def _columns(records: Iterator[tuple[int, list[str]]], names: list[str], path: Path) -> list[pl.Series]:
    import polars as pl

    pieces: list[list[pl.Series]] = [[pl.Series([], dtype=pl.String)] for _ in names]
    rows: list[list[str]] = []

    def flush() -> None:
        # Python strings take ten times the memory of a polars series: they are kept for a few rows only.
        for piece, cells in zip(pieces, zip(*rows, strict=True), strict=False):
            piece.append(pl.Series(cells, dtype=pl.String))
        rows.clear()

    for line, row in records:
        if len(row) != len(names):
            raise InputError(
                f"'{path}', line {line}",
                expected=f"{len(names)} values, as many as there are column names",
                got=f"{len(row)}",
                fix="Correct that line; a value that contains the separator must be in quotation marks.",
            )
        rows.append(row)
        if len(rows) == _ROWS_AT_ONCE:
            flush()
    flush()
    return [pl.concat(piece) for piece in pieces]


def _checked_names(header: list[str], path: Path) -> list[str]:
    names = [name.strip() or f"column_{index}" for index, name in enumerate(header, start=1)]
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    # Years or pixel numbers are fine names, and those run in order; measured values do not.
    fractions = [name for name in numbers if not name.isdigit()]
    counted = [int(name) for name in numbers if name.isdigit()]
    if fractions or counted not in (sorted(set(counted)), sorted(set(counted), reverse=True)):
        raise InputError(
            f"'{path}', line 1",
            expected="the names of the columns",
            got=f"what looks like data ({', '.join(numbers[:3])})",
            fix="Add a first line with a name for each column.",
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"'{path}', line 1",
            expected="columns of different names",
            got=f"'{twice}' {names.count(twice)} times",
            fix="Rename all but one of them.",
        )
    return names
