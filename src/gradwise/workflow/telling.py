"""What the workflow prints: facts in two aligned columns, cautions, and the outcome."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from gradwise.training.callbacks.terminal import has_colors

_LABEL = 10
_BOLD, _YELLOW, _PLAIN = "\033[1m", "\033[33m", "\033[0m"


class Teller:
    """Prints facts as "label  text", wrapped to the terminal's width.

    Args:
        verbose: 0 prints nothing.
        stream: Where to; None takes the standard output of the moment.

    Example:
        >>> Teller(1).fact("Data", "iris.csv: 150 rows")
        Data      iris.csv: 150 rows
    """

    def __init__(self, verbose: int, stream: Any = None) -> None:
        self.verbose = verbose
        self._stream = stream

    def fact(self, label: str, text: str, style: str = "bold") -> None:
        """Prints a labelled fact; further lines are indented.

        Args:
            label: A word.
            text: What is to be said.
            style: "bold" or "warn", where the terminal has colours.
        """
        lines = _wrapped(text, _columns())
        self.lines([(label if place == 0 else "", line) for place, line in enumerate(lines)], style)

    def table(self, label: str, rows: Sequence[Sequence[str]], limit: int = 30) -> None:
        """Prints rows in aligned columns beneath one label.

        Args:
            label: A word.
            rows: The cells; the last one of each row is wrapped.
            limit: At most how many rows.
        """
        if not rows:
            return
        shown = list(rows[:limit])
        widths = [max(len(row[place]) for row in shown) for place in range(len(shown[0]) - 1)]
        indent = sum(widths) + 2 * len(widths)
        lines = []
        for row in shown:
            cells = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
            last = _wrapped(row[-1], max(20, _columns() - indent))
            lines += [cells + last[0], *(" " * indent + line for line in last[1:])]
        if len(rows) > limit:
            lines.append(f"… and {len(rows) - limit} more")
        self.lines([(label if place == 0 else "", line) for place, line in enumerate(lines)])

    def lines(self, pairs: Sequence[tuple[str, str]], style: str = "bold") -> None:
        """Prints lines as they are, each with its label or none."""
        stream = sys.stdout if self._stream is None else self._stream
        if not self.verbose or stream is None:
            return
        start = "" if not has_colors(stream) else _YELLOW if style == "warn" else _BOLD
        for label, line in pairs:
            head = f"{start}{label:<{_LABEL}}{_PLAIN}" if start and label else f"{label:<{_LABEL}}"
            stream.write(f"{head}{line}".rstrip() + "\n")
        stream.flush()

    def gap(self) -> None:
        """Prints an empty line."""
        self.lines([("", "")])


def _columns() -> int:
    """Returns the room beside the labels."""
    return max(60, min(shutil.get_terminal_size().columns, 120)) - _LABEL


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
