"""Lists of the files in folders: one class a folder, in an order that never changes."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradwise.errors import InputError


@dataclass(frozen=True)
class ClassFiles:
    """The files of a folder with one class in each folder within.

    Args:
        paths: Their paths, class by class.
        labels: int32[N]. The number of each file's class.
        class_names: The names of the classes.
        ignored: How many other files there are, by their ending; 'hidden' for hidden ones, and 'outside' for
            those that lie in no class.

    Example:
        >>> ClassFiles(["a/1.png"], np.zeros(1, np.int32), ["a"], {".txt": 2}).described_ignored()
        '2 .txt'
    """

    paths: list[str]
    labels: NDArray[np.int32]
    class_names: list[str]
    ignored: dict[str, int]

    def described_ignored(self) -> str:
        """Returns what was passed over, in words."""
        return ", ".join(f"{count} {kind}" for kind, count in self.ignored.items())


def list_classes(
    directory: str | os.PathLike[str],
    suffixes: tuple[str, ...],
    *,
    class_names: Sequence[str] | None = None,
    follow_links: bool = False,
    hidden: bool = False,
) -> ClassFiles:
    """Lists the files of a folder whose folders are classes; files in folders further down count too.

    The order is that of Keras: by class, then by the path of the folder, then by name.

    Args:
        directory: The folder.
        suffixes: The endings of the files wanted, in lower case.
        class_names: The folders to read, in this order; by default all but hidden ones, by name.
        follow_links: Whether links to folders within a class are followed.
        hidden: Whether hidden files are listed.

    Returns:
        The files.

    Raises:
        InputError: There is no such folder, no class in it, no folder of a class named, or no file wanted.

    Example:
        >>> from pathlib import Path
        >>> os.makedirs("pets/cat"), os.makedirs("pets/dog")
        (None, None)
        >>> for name in ("pets/dog/1.png", "pets/cat/2.png", "pets/cat/notes.txt"):
        ...     Path(name).touch()
        >>> files = list_classes("pets", (".png",))
        >>> files.paths, files.labels.tolist(), files.ignored
        (['pets/cat/2.png', 'pets/dog/1.png'], [0, 1], {'.txt': 1})
    """
    place = os.fspath(directory)
    ignored: Counter[str] = Counter()
    names = _class_names(place, class_names, suffixes, ignored)
    paths: list[str] = []
    labels: list[int] = []
    empty = []
    for number, name in enumerate(names):
        found = list_files(os.path.join(place, name), suffixes, follow_links, hidden, ignored)
        paths += found
        labels += [number] * len(found)
        if not found:
            empty.append(name)
    files = ClassFiles(paths, np.array(labels, dtype=np.int32), names, dict(ignored.most_common()))
    if not paths:
        others = f", but {files.described_ignored()}" if ignored else ""
        raise InputError(
            f"'{place}'",
            expected=f"files that end in {', '.join(suffixes)}",
            got=f"none in {len(names)} class folders{others}",
            fix="Check the path.",
        )
    if empty:
        shown = ", ".join(repr(name) for name in empty[:5]) + (", …" if len(empty) > 5 else "")
        warnings.warn(
            f"'{place}': no file in {shown}; {'the class stays' if len(empty) == 1 else 'the classes stay'}, "
            "without a sample.",
            stacklevel=3,
        )
    return files


def _class_names(
    place: str, wanted: Sequence[str] | None, suffixes: tuple[str, ...], ignored: Counter[str]
) -> list[str]:
    if not os.path.isdir(place):
        got = "a file" if os.path.exists(place) else "no such folder"
        raise InputError(
            f"'{place}'", expected="a folder with a folder for each class", got=got, fix="Check the path."
        )
    with os.scandir(place) as entries:
        listed = [(entry.name, entry.is_dir()) for entry in entries]
    folders = sorted(name for name, is_folder in listed if is_folder and not name.startswith("."))
    loose = sum(name.lower().endswith(suffixes) for name, is_folder in listed if not is_folder)
    if loose:
        ignored["outside"] = loose
    if not folders:
        fix = "Put each class into a folder of its own, or read a table of the names: ImageTable."
        raise InputError(
            f"'{place}'",
            expected="a folder for each class",
            got=f"no folder, but {loose} files" if loose else "no folder",
            fix=fix if loose else "Check the path.",
        )
    if wanted is None:
        return folders
    absent = [name for name in wanted if name not in set(folders)]
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    if absent or twice:
        shown = ", ".join(folders[:20]) + (", …" if len(folders) > 20 else "")
        raise InputError(
            f"'{place}', class_names",
            expected=f"different names of folders ({shown})",
            got=f"{absent[0]!r}, which is none" if absent else f"{twice[0]!r} twice",
            fix="Correct the names.",
        )
    return list(wanted)


def list_files(
    folder: str,
    suffixes: tuple[str, ...],
    follow_links: bool,
    hidden: bool,
    ignored: Counter[str],
) -> list[str]:
    """Lists the files in a folder and the folders in it, by the path of the folder, then by name.

    Args:
        folder: The folder.
        suffixes: The endings of the files wanted, in lower case.
        follow_links: Whether links to folders are followed; one that leads back up is not.
        hidden: Whether hidden files and folders are listed.
        ignored: Is told of the files passed over, by their ending.

    Returns:
        The paths.

    Example:
        >>> from pathlib import Path
        >>> os.mkdir("deep")
        >>> Path("deep/A.PNG").touch()
        >>> list_files("deep", (".png",), False, False, Counter())
        ['deep/A.PNG']
    """
    paths = []
    for place, names in sorted(_walk(folder, follow_links, hidden)):
        for name in sorted(names):
            if name.startswith(".") and not hidden:
                ignored["hidden"] += 1
            elif name.lower().endswith(suffixes):
                paths.append(os.path.join(place, name))
            else:
                ignored[os.path.splitext(name)[1].lower() or "without ending"] += 1
    return paths


def _walk(folder: str, follow_links: bool, hidden: bool) -> Iterator[tuple[str, list[str]]]:
    """Yields each folder with the names of its files; links to nowhere count as files, devices do not."""
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(folder, ())]
    while waiting:
        place, above = waiting.pop()
        status = os.stat(place)
        own = (status.st_dev, status.st_ino)
        if own in above:
            continue
        names = []
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir():
                    if (follow_links or not entry.is_symlink()) and (hidden or entry.name[0] != "."):
                        waiting.append((entry.path, (*above, own)))
                elif entry.is_file() or entry.is_symlink():
                    names.append(entry.name)
        yield place, names
