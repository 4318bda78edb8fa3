"""Output folders: checked before training, filled in one go after it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from gradwise.errors import FileError, InputError

Writer = Callable[[Path], object]


def next_folder(name: str, base: Path = Path("runs")) -> Path:
    """Returns the first folder runs/NAME-1, runs/NAME-2, … that does not exist.

    Args:
        name: The name of the data.
        base: The folder of all runs.

    Example:
        >>> next_folder("iris", Path("/no/such/folder")).name
        'iris-1'
    """
    number = 1
    while os.path.lexists(base / f"{name}-{number}"):
        number += 1
    return base / f"{name}-{number}"


def check_folder(folder: Path) -> None:
    """Refuses a folder that could not be written to, before any work is done.

    Args:
        folder: Where the results will go; it need not exist.

    Raises:
        InputError: It is a file, or neither it nor the folder it would be made in can be written to.

    Example:
        >>> check_folder(Path("/no/such/folder").parents[2] / "tmp")
    """
    there = folder
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise InputError(
            f"out '{folder}'",
            expected="a folder",
            got=f"'{there}', which is a file",
            fix="Choose another path.",
        )
    try:
        os.rmdir(tempfile.mkdtemp(dir=there, prefix=".gradwise-"))
    except OSError as error:
        raise _unwritable(folder, error) from error


def publish(folder: Path, writers: Mapping[str, Writer]) -> None:
    """Writes a set of files into a folder: all of them, or none.

    They are written next to their places and moved there when all are whole, so that older ones of the same
    names stay until then. Other files of the folder are left alone.

    Args:
        folder: The folder; it is made if need be.
        writers: For each file's name a function that writes it to a path.

    Raises:
        FileError: The folder cannot be written to.

    Example:
        >>> with tempfile.TemporaryDirectory() as base:
        ...     publish(Path(base) / "new", {"a.txt": lambda path: path.write_text("a")})
        ...     (Path(base) / "new" / "a.txt").read_text()
        'a'
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    staging = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder, prefix=".gradwise-"))
        for name, write in writers.items():
            write(staging / name)
        for name in writers:
            os.replace(staging / name, folder / name)
        new = []
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        for path in new:  # nothing is left of a folder that was made in vain
            if path.is_dir():
                path.rmdir()


def replace_file(path: Path, write: Writer) -> None:
    """Writes one file, whole or not at all.

    Args:
        path: The file; one that exists is replaced in a single step.
        write: Writes the content to a path.

    Raises:
        FileError: It cannot be written.

    Example:
        >>> with tempfile.TemporaryDirectory() as base:
        ...     replace_file(Path(base) / "a.txt", lambda path: path.write_text("a"))
        ...     os.listdir(base)
        ['a.txt']
    """
    if path.is_dir() or not path.parent.is_dir():
        got = "a folder" if path.is_dir() else f"no folder '{path.parent}'"
        raise InputError(
            f"out '{path}'", expected="a file in an existing folder", got=got, fix="Choose another."
        )
    publish(path.parent, {path.name: write})


def _unwritable(path: Path, error: OSError) -> InputError | FileError:
    return FileError(
        f"out '{path}'",
        expected="a place that can be written to",
        got=f"an error ({error.strerror or error})",
        fix="Choose another path, or change its permissions.",
    )
