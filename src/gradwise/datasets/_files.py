"""Finds the files of the named data sets, or fetches them, and reads them without executing anything."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import data_directory
from gradwise.datasets._download import download, refusal
from gradwise.datasets._official import SOURCES
from gradwise.errors import FileError, InputError


def cache_directory() -> Path:
    """Returns the user's folder for data files: $XDG_CACHE_HOME/gradwise, else ~/.cache/gradwise.

    Example:
        >>> cache_directory().name
        'gradwise'
    """
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gradwise"


def look_for(name: str) -> Path | None:
    """Returns the first file of that name in the data directory, then the cache; None if there is none.

    Args:
        name: A file name, or an absolute path, which is taken as it is.

    Example:
        >>> look_for("no_such_file.npz") is None
        True
    """
    for folder in (data_directory(), cache_directory()):
        if folder is not None and (folder / name).is_file():
            return folder / name
    return None


def find_file(name: str) -> Path:
    """Returns the path of a data file: in the data directory, in the cache, or downloaded into the cache.

    With the environment variable GRADWISE_OFFLINE set nothing is downloaded.

    Args:
        name: A file name, or an absolute path.

    Raises:
        InputError: The file is in neither place, and is not known to be published.
        FileError: It could not be downloaded; the message says where to get it and where to put it.

    Example:
        >>> find_file("no_such_file.npz")
        Traceback (most recent call last):
        ...
        gradwise.errors.InputError: load_data: expected the file 'no_such_file.npz' in ...
    """
    found = look_for(name)
    if found is not None:
        return found
    if name in SOURCES:
        if os.environ.get("GRADWISE_OFFLINE"):
            told = "no leave to fetch it (GRADWISE_OFFLINE is set)"
            raise refusal(name, SOURCES[name], cache_directory() / name, told)
        return download(name, SOURCES[name], cache_directory())
    first = data_directory()
    named = "(GRADWISE_DATA is not set)" if first is None else f"'{first}'"
    raise InputError(
        "load_data",
        expected=f"the file '{name}' in the data directory {named} or in the cache '{cache_directory()}'",
        got="no such file in either",
        fix="Put it into one of them, or point to its folder: export GRADWISE_DATA=/path/to/folder.",
    )


def read_npz(path: Path, keys: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Reads named arrays from an .npz file; pickled objects are never loaded.

    Args:
        path: The file.
        keys: The arrays that must be in it.

    Returns:
        The arrays by name.

    Raises:
        FileError: The file is damaged, lacks an array, or holds pickled objects.
    """
    try:
        # Opened here, as numpy leaves the file open when its content is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            missing = [key for key in keys if key not in archive.files]
            if missing:
                raise FileError(
                    f"load_data, '{path}'",
                    expected=f"the arrays {', '.join(keys)}",
                    got=f"only {', '.join(archive.files)}",
                    fix="Replace it by a file in the layout described in this data set's module.",
                )
            return {key: archive[key] for key in keys}
    except FileError:
        raise
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        pickled = "pickle" in str(error).lower()
        raise FileError(
            f"load_data, '{path}'",
            expected="an .npz archive of plain arrays",
            got="pickled objects, which could run code when read" if pickled else "a damaged file",
            fix="Replace it by a file in the layout described in this data set's module.",
        ) from error


def read_idx(path: Path) -> NDArray[Any]:
    """Reads a compressed array of bytes in the format of MNIST's authors.

    Args:
        path: A .gz file: two zeros, 8 for bytes, the number of axes, each size in 4 bytes, then the bytes.

    Returns:
        uint8[...].

    Raises:
        FileError: It is something else.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
        sizes = np.frombuffer(content, ">u4", content[3], 4).astype(np.int64)
        if content[:3] != b"\0\0\x08":
            raise ValueError("another format")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise FileError(
            f"load_data, '{path}'",
            expected="a compressed file of bytes in the idx format",
            got=f"something else ({error})",
            fix="Delete the file, so that it is downloaded again.",
        ) from error


def read_word_index(name: str) -> dict[str, int]:
    """Reads a JSON table from words to ranks.

    Args:
        name: A file name, or an absolute path.

    Returns:
        Rank by word, 1 for the most frequent.

    Raises:
        InputError: There is no such file.
        FileError: It is not a table from words to numbers.
    """
    path = find_file(name)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {str(word): int(rank) for word, rank in table.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise FileError(
            f"get_word_index, '{path}'",
            expected="a JSON object from words to ranks",
            got="something else",
            fix="Replace the file.",
        ) from error
