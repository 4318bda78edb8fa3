"""Reads the pickles in published data files, which may build arrays and lists of numbers and nothing else."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from gradwise.datasets._sequences import Ragged
from gradwise.errors import FileError

_ADMITTED = {
    **{
        (f"numpy.{core}.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0]  # type: ignore[index]
        for core in ("core", "_core")
    },
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays, lists, dicts, numbers and texts; every other name in a pickle is refused."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None


def has_lists(path: Path) -> bool:
    """Tells whether an .npz file holds lists of different lengths as Keras publishes them.

    Args:
        path: The file.

    Returns:
        Whether one of its arrays is called x or x_train.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return bool({"x.npy", "x_train.npy"} & set(archive.namelist()))
    except (OSError, zipfile.BadZipFile):
        return False


def read_lists(path: Path, key: str) -> Ragged:
    """Reads an array of lists of integers from an .npz file.

    Args:
        path: The file.
        key: The array's name.

    Returns:
        The lists.

    Raises:
        FileError: The file is damaged, or the array holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as file:
            if np.lib.format.read_magic(file) == (1, 0):
                np.lib.format.read_array_header_1_0(file)
            else:
                np.lib.format.read_array_header_2_0(file)
            rows = _ArraysOnly(file).load()
        if not isinstance(rows, np.ndarray) or rows.ndim != 1 or not all(type(row) is list for row in rows):
            raise TypeError(f"it is no array of lists but {type(rows).__name__}")
        if not all(type(token) is int for token in chain.from_iterable(rows)):
            raise TypeError("a list holds something else than integers")
        lengths = np.array([len(row) for row in rows], np.int64)
        tokens = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
    except _DAMAGES as error:
        _refuse(path, "an array of lists of integers", error)
    return Ragged(tokens, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))


def read_batches(path: Path, names: tuple[str, ...], label: str) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Reads batches of CIFAR's pictures from its .tar.gz file; nothing is extracted to the disk.

    Args:
        path: The file.
        names: The last parts of the members' names.
        label: Which labels.

    Returns:
        For each name (pictures uint8[N, 32, 32, 3], labels uint8[N, 1]).

    Raises:
        FileError: The file is damaged, or holds anything else.
    """
    found = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in names and member.isfile():
                    content = archive.extractfile(member)
                    found[name] = _ArraysOnly(io.BytesIO(content.read()), encoding="bytes").load()  # type: ignore[union-attr]
        batches = []
        for name in names:
            pixels, labels = found[name][b"data"], found[name][label.encode()]
            pictures = np.asarray(pixels, np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            batches.append((pictures, np.asarray(labels, np.uint8).reshape(len(pictures), 1)))
    except _DAMAGES as error:
        _refuse(path, f"the batches {', '.join(names)} with {label}", error)
    return batches


_DAMAGES = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ImportError,
    OverflowError,
    MemoryError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    tarfile.TarError,
)


def _refuse(path: Path, expected: str, error: Exception) -> NoReturn:
    raise FileError(
        f"load_data, '{path}'",
        expected=expected,
        got=f"something else ({type(error).__name__}: {error})",
        fix="Delete the file, so that it is downloaded again, or replace it by the published one.",
    ) from error
