"""Fixture: real data files, skipped when absent."""

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
