"""Texts in folders, one class a folder, read one at a time or all at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.data.file_lists import list_classes
from gradwise.data.file_samples import FileSamples
from gradwise.data.text_reading import TextReader

TEXT_SUFFIXES = (".txt",)


class TextFiles(FileSamples):
    """Text files with labels, read one at a time by position: `texts[i]`.

    Args:
        paths: N paths.
        labels: [N, ...], or None for texts without labels.
        reader: Reads one file; by default a whole text in UTF-8.
        class_names: The names of the classes that labels number, if they do.
        on_broken: What a file that cannot be read does: "skip" or "raise", see `FileSamples`.

    Raises:
        InputError: There is not one label for each path.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("a.txt").write_text("so good")
        >>> TextFiles(["a.txt"])[0]
        'so good'
    """

    reader: TextReader

    def __init__(
        self,
        paths: Sequence[str],
        labels: ArrayLike | None = None,
        reader: TextReader | None = None,
        *,
        class_names: Sequence[str] | None = None,
        on_broken: str = "skip",
    ) -> None:
        super().__init__(paths, labels, reader or TextReader(), class_names=class_names, on_broken=on_broken)
        self.not_utf8: list[str] = []

    def take(self, rows: ArrayLike) -> Self:
        """Returns the chosen samples only, for example a part that `holdout` made.

        Args:
            rows: Positions, or a bool array.

        Returns:
            An object of the same kind.

        Example:
            >>> TextFiles(["a.txt", "b.txt", "c.txt"]).take([2, 0]).paths
            ['c.txt', 'a.txt']
        """
        result = super().take(rows)
        kept = set(result.paths)
        result.not_utf8 = [path for path in self.not_utf8 if path in kept]
        return result

    def check(self, *, decode: bool = True) -> list[tuple[str, str]]:
        """Looks for files that cannot be read, and for those that are not in UTF-8, in several threads.

        Args:
            decode: Texts are always read as a whole.

        Returns:
            The path of each broken file with the reason; they stay in `broken`. Files read in the fallback
            encoding are listed in `not_utf8`.

        Example:
            >>> from pathlib import Path
            >>> _ = Path("a.txt").write_bytes("Füße".encode("cp1252"))
            >>> texts = TextFiles(["a.txt"])
            >>> texts.check(), texts.not_utf8
            ([], ['a.txt'])
        """
        encodings = [""] * len(self)

        def look(place: int) -> None:
            encodings[place] = self.reader.look(self.paths[place])

        self._note(self._each(look))
        fallback = self.reader.fallback
        self.not_utf8 = [
            path for path, encoding in zip(self.paths, encodings, strict=True) if encoding == fallback
        ]
        return self.broken

    def to_arrays(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Reads everything into memory, in several threads.

        Broken files are left out with a warning, and listed in `broken`.

        Returns:
            object[N] of texts and the labels [N, ...], None if there are none.

        Raises:
            FileError: A file cannot be read, and on_broken="raise".

        Example:
            >>> from pathlib import Path
            >>> _ = Path("a.txt").write_text("so good")
            >>> TextFiles(["a.txt"], [1]).to_arrays()[0].tolist()
            ['so good']
        """
        texts = np.empty(len(self), dtype=object)

        def read(place: int) -> None:
            texts[place] = self.reader(self.paths[place])

        return self._left(texts, self._each(read))


class TextFolder(TextFiles):
    """The .txt files of a folder in which each folder is a class.

    Folders within a class are read too. Hidden files and those with another ending are passed over and
    counted in `ignored`. Classes and files are ordered by name, whatever the file system's order.

    - `folder[i]` reads one text: (str, int32 label).
    - `paths`, `labels`, `class_names` and `class_counts()` tell what is there, without reading a text.
    - `check()` looks for broken files (`broken`) and those not in UTF-8 (`not_utf8`); a stream skips broken
      ones, see `FileSamples`.
    - `take(rows)` gives a part, `to_arrays()` everything at once.

    Args:
        directory: The folder.
        class_names: The folders to read, in the order of their labels; by default all, by name.
        max_length: The number of characters after which a text is cut off; None for no limit.
        fallback: The encoding of files that are not UTF-8, told in a warning; None refuses them.
        follow_links: Whether links to folders within a class are followed; one that leads back up is not.
        on_broken: What a file that cannot be read does: "skip" or "raise".

    Raises:
        InputError: There is no such folder, no class or no text in it, or a setting cannot be used.

    Example:
        >>> from pathlib import Path
        >>> for name, text in (("good", "I like it"), ("bad", "I do not")):
        ...     os.makedirs(f"reviews/{name}")
        ...     _ = Path(f"reviews/{name}/1.txt").write_text(text)
        >>> folder = TextFolder("reviews")
        >>> folder.class_names, folder[0][0]
        (['bad', 'good'], 'I do not')
    """

    class_names: list[str]
    labels: NDArray[np.int32]

    def __init__(
        self,
        directory: str | os.PathLike[str],
        class_names: Sequence[str] | None = None,
        *,
        max_length: int | None = None,
        fallback: str | None = "cp1252",
        follow_links: bool = False,
        on_broken: str = "skip",
    ) -> None:
        reader = TextReader(max_length, fallback)
        files = list_classes(directory, TEXT_SUFFIXES, class_names=class_names, follow_links=follow_links)
        super().__init__(
            files.paths, files.labels, reader, class_names=files.class_names, on_broken=on_broken
        )
        self.ignored = files.ignored
