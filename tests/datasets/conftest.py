"""Fixtures: real data files, skipped when absent; an empty data directory and cache."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gradwise.config import data_directory, set_data_directory


@pytest.fixture
def real_file() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        folder = data_directory()
        if folder is None or not (folder / name).is_file():
            pytest.skip(f"{name} is not in the data directory (GRADWISE_DATA)")
        return folder / name

    return find


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data directory and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GRADWISE_OFFLINE", "1")
    (tmp_path / "cache" / "gradwise").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    set_data_directory(tmp_path / "data")
    yield tmp_path / "data"
    set_data_directory(None)
