"""The error of a sample that cannot be read, which a stream skips and counts."""

from __future__ import annotations

import os
from typing import Any

from gradwise.errors import InputError


class BrokenSample(InputError):
    """One sample cannot be read: its file is damaged, cut off or of another kind.

    Args:
        path: The file.
        reason: What is wrong with it, in a few words.

    Example:
        >>> print(BrokenSample("7.jpg", "a file cut off"))
        '7.jpg': expected a sample that can be read, but got a file cut off. Replace or remove the file.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        super().__init__(
            f"'{self.path}'",
            expected="a sample that can be read",
            got=reason,
            fix="Replace or remove the file.",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason)
