"""Tables in files of any known format, one file or several with the same columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradwise.data.csv_files import read_csv_texts
from gradwise.data.frames import Cells, frame_cells
from gradwise.data.parsing import parse_texts
from gradwise.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_CSV = (".csv", ".tsv", ".txt")
_EXPECTED = {
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
    "json": 'rows such as {"size": 1}, one on each line',
}
# Formats whose first bytes give them away, whatever the file is called.
_SIGNS = {b"PAR1": "parquet", b"ARROW1": "arrow"}
_ENDINGS = {
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".feather", ".arrow", ".ipc"), "arrow"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
}


def list_files(folder: Path) -> list[Path]:
    """Lists the files of a folder that hold tables, by name.

    Args:
        folder: The folder; hidden files, those that begin with _ and folders within are passed over.

    Returns:
        The files.

    Raises:
        InputError: There is none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "b.csv").write_text(""), Path(folder, "a.csv.gz").write_text("")
        ...     [path.name for path in list_files(Path(folder))]
        ['a.csv.gz', 'b.csv']
    """
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path.name[0] not in "._"
        and (_suffix(path) in _CSV or _suffix(path) in _ENDINGS)
    ]
    if not found:
        raise InputError(
            f"'{folder}'",
            expected="a CSV file, or a folder with CSV, Parquet, Arrow or JSON lines files",
            got="a folder without any",
            fix="Check the path; files in folders within are not read.",
        )
    return found


def file_cells(paths: Sequence[Path]) -> Iterator[tuple[str, Cells]]:
    """Reads one file, or several below each other.

    Args:
        paths: The files, all CSV or all of other formats, with the same columns in any order.

    Yields:
        The name and cells of each column, in the order of the first file.

    Raises:
        InputError: A file cannot be read, or has other columns than the first.
    """
    formats = [_format(path) for path in paths]
    if "csv" in formats and set(formats) != {"csv"}:
        odd = formats.index("csv" if formats[0] != "csv" else next(f for f in formats if f != "csv"))
        raise InputError(
            f"'{paths[odd]}'",
            expected=f"a file of the same kind as '{paths[0].name}'",
            got=f"{formats[odd]} beside {formats[0]}",
            fix="Read the files apart, or turn them into one kind.",
        )
    return _csv_cells(paths) if formats[0] == "csv" else _frame_cells(paths, formats)


def _csv_cells(paths: Sequence[Path]) -> Iterator[tuple[str, Cells]]:
    import polars as pl

    names, columns, separator = read_csv_texts(paths[0])
    decimal_comma = separator != ","
    for path in paths[1:]:
        others, cells, separator = read_csv_texts(path)
        _check_names(others, names, path, paths[0])
        places = {name: place for place, name in enumerate(others)}
        # Types are found only once all cells are together: one file may hold whole numbers by chance.
        columns = [
            pl.concat([column, cells[places[name]].rename(column.name)])
            for name, column in zip(names, columns, strict=True)
        ]
        decimal_comma |= separator != ","
    columns.reverse()
    for name in names:  # texts are let go one by one, so that they and the values never stand side by side
        yield name, Cells(*parse_texts(columns.pop(), decimal_comma=decimal_comma))


def _frame_cells(paths: Sequence[Path], formats: Sequence[str]) -> Iterator[tuple[str, Cells]]:
    import polars as pl

    frames = [_read(path, form) for path, form in zip(paths, formats, strict=True)]
    for path, frame in zip(paths[1:], frames[1:], strict=True):
        _check_names(frame.columns, frames[0].columns, path, paths[0])
    try:
        whole = pl.concat([frame.select(frames[0].columns) for frame in frames], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"'{paths[0].parent}'",
            expected="columns of the same types in all files",
            got=f"others ({error})",
            fix="Write the files anew with the same types.",
        ) from error
    yield from frame_cells(whole)


def _read(path: Path, form: str) -> pl.DataFrame:
    import polars as pl

    try:
        if form == "parquet":
            return pl.read_parquet(path, glob=False)
        if form == "arrow":
            return pl.read_ipc(path)
        if path.read_bytes()[:1000].lstrip()[:1] == b"[":
            return pl.read_json(path, infer_schema_length=None)
        return pl.read_ndjson(path, infer_schema_length=None)
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(
            f"'{path}'",
            expected=_EXPECTED[form],
            got=f"an error ({str(error).splitlines()[0]})",
            fix="Copy, download or export it anew.",
        ) from error


def _check_names(names: Sequence[str], first: Sequence[str], path: Path, where: Path) -> None:
    if set(names) == set(first):
        return
    absent = [name for name in first if name not in names]
    further = [name for name in names if name not in first]
    told = [f"without '{absent[0]}'"] if absent else []
    told += [f"with '{further[0]}'"] if further else []
    raise InputError(
        f"'{path}'",
        expected=f"the columns of '{where.name}'",
        got=f"a file {' and '.join(told)}",
        fix="Give all files the same columns, or read them apart.",
    )


def _format(path: Path) -> str:
    """Returns "parquet", "arrow", "json" or "csv", which also stands for what cannot be read."""
    if not path.is_file():
        return "csv"
    with path.open("rb") as stream:
        start = stream.read(8)
    for sign, form in _SIGNS.items():
        if start.startswith(sign):
            return form
    return _ENDINGS.get(_suffix(path), "csv")


def _suffix(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix
