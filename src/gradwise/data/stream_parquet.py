"""Parquet files of any size in blocks of rows that can be read on their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradwise.data.frames import Cells, frame_cells
from gradwise.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 16_384  # rows


class ParquetBlocks:
    """The rows of Parquet files, one after the other.

    Args:
        paths: The files, with the same columns.

    Raises:
        InputError: A file cannot be read, or has other columns than the first.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        import polars as pl

        self._blocks: list[tuple[Path, int, int]] = []
        self.names: list[str] = []
        for path in paths:
            try:
                names = list(pl.read_parquet_schema(path))
                rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
            except (OSError, pl.exceptions.PolarsError) as error:
                raise InputError(
                    f"'{path}'",
                    expected="a Parquet file",
                    got=f"an error ({str(error).splitlines()[0]})",
                    fix="Copy, download or export it anew.",
                ) from error
            self.names = self.names or names
            if set(names) != set(self.names):
                raise InputError(
                    f"'{path}'",
                    expected=f"the columns of '{paths[0]}'",
                    got=", ".join(names[:10]),
                    fix="Give all files the same columns.",
                )
            self._blocks += [(path, start, min(_BLOCK, rows - start)) for start in range(0, rows, _BLOCK)]
        self.rows = [count for _, _, count in self._blocks]

    def place(self, block: int, row: int = 0) -> str:
        """Names a place for errors."""
        path, start, _ = self._blocks[block]
        return f"'{path}', row {start + row + 1}"

    def frame(self, block: int) -> pl.DataFrame:
        """Reads one block."""
        import polars as pl

        path, start, count = self._blocks[block]
        return pl.scan_parquet(path, glob=False).select(self.names).slice(start, count).collect()

    def cells(self, frame: pl.DataFrame, contents: dict[str, str]) -> Iterator[tuple[str, Cells]]:
        """Reads the columns of a frame, whose types came with the file."""
        del contents
        return frame_cells(frame)
