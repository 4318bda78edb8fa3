"""Text files as strings, whatever their encoding."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import numpy as np

from gradwise.data.broken import BrokenSample
from gradwise.errors import InputError

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class TextReader:
    r"""Reads text files.

    UTF-8 is tried first, with or without a byte order mark; UTF-16 is known by its mark. A file that is
    neither is read as `fallback`, with one warning. Ends of lines become "\n".

    Args:
        max_length: The number of characters after which a text is cut off; None for no limit.
        fallback: The encoding of files that are not UTF-8; None refuses them.

    Raises:
        InputError: `max_length` is no number above 0, or `fallback` is no encoding.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("a.txt").write_bytes("Füße\r\n".encode())
        >>> TextReader()("a.txt")
        'Füße\n'
    """

    max_length: int | None = None
    fallback: str | None = "cp1252"

    def __post_init__(self) -> None:
        length = self.max_length
        if length is not None and (not isinstance(length, (int, np.integer)) or length < 1):
            raise InputError(
                "text max_length", expected="a number of characters", got=repr(length), fix="Use 1 or more."
            )
        try:
            b"    ".decode(self.fallback or "utf-8")
        except LookupError as error:
            raise InputError(
                "text fallback",
                expected="an encoding Python knows",
                got=repr(self.fallback),
                fix="Use for example 'cp1252', 'latin-1' or 'shift_jis'.",
            ) from error

    def __call__(self, source: str) -> str:
        """Reads one file.

        Args:
            source: The path.

        Returns:
            The text.

        Raises:
            BrokenSample: It cannot be read, holds no text, or is in no encoding that is read.
        """
        text, encoding = self.decoded(source)
        if encoding == self.fallback:
            # Without the path, so that Python tells it once and not for every file.
            warnings.warn(
                f"A text is not in UTF-8 and was read as {encoding}; check() lists all such files in "
                "`not_utf8`.",
                stacklevel=3,
            )
        return text[: self.max_length]

    def look(self, source: str) -> str:
        """Reads one file and tells its encoding.

        Args:
            source: The path.

        Returns:
            The encoding.

        Raises:
            BrokenSample: It cannot be read, holds no text, or is in no encoding that is read.
        """
        return self.decoded(source)[1]

    def decoded(self, source: str) -> tuple[str, str]:
        """Returns the text of a file, whole, and its encoding.

        Args:
            source: The path.

        Raises:
            BrokenSample: It cannot be read, holds no text, or is in no encoding that is read.
        """
        try:
            with open(source, "rb") as file:
                content = file.read()
        except OSError as error:
            raise BrokenSample(source, os.strerror(error.errno or 0)) from error
        first = _MARKS.get(content[:2], "utf-8-sig")
        for encoding in filter(None, (first, self.fallback)):
            try:
                # A fallback has no right answer for a few bytes; one odd letter is better than no text.
                text = content.decode(encoding, "strict" if encoding == first else "replace")
            except UnicodeDecodeError:
                continue
            if "\0" in text:
                break
            return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
        raise BrokenSample(source, "no text" if b"\0" in content else "text that is not in UTF-8")
