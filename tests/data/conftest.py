"""Fixtures: real data files, skipped when absent, and small CSV files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gradwise.config import data_directory


@pytest.fixture
def real_file() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        folder = data_directory()
        if folder is None or not (folder / name).is_file():
            pytest.skip(f"{name} is not in the data directory (GRADWISE_DATA)")
        return folder / name

    return find


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write
