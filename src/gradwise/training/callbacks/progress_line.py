"""The text of a progress line: numbers in few characters, a bar, all within the width of a terminal."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from typing import Any

from gradwise.training.callbacks.terminal import can_write, has_colors

_BAR_WIDTH = 20
_SHORTEST_BAR = 5
_GREEN, _GREY, _PLAIN = "\033[32m", "\033[90m", "\033[0m"


def duration(seconds: float) -> str:
    """Writes a time in few characters.

    Args:
        seconds: At least 0.

    Example:
        >>> duration(0.0042), duration(1.23), duration(125), duration(3725)
        ('4.2 ms', '1.2 s', '2 min 05 s', '1 h 02 min')
    """
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def measure(value: float) -> str:
    """Writes a loss or a metric with four decimals, or as a power of ten if that shows nothing.

    Args:
        value: The number.

    Example:
        >>> measure(0.98123), measure(0.00001234), measure(0), measure(float("nan"))
        ('0.9812', '1.2340e-05', '0.0000', 'nan')
    """
    plain = not math.isfinite(value) or value == 0 or 1e-3 <= abs(value) < 1e6
    return f"{value:.4f}" if plain else f"{value:.4e}"


def measures(logs: Mapping[str, float]) -> list[str]:
    """Writes the logs as "name value" each.

    Args:
        logs: Values by name.

    Example:
        >>> measures({"loss": 0.0621, "val_loss": 0.07})
        ['loss 0.0621', 'val_loss 0.0700']
    """
    return [f"{name} {measure(value)}" for name, value in logs.items()]


def speed(amount: int, seconds: float, unit: str) -> list[str]:
    """Writes how many there were a second; nothing if that is not known.

    Args:
        amount: How many.
        seconds: In which time.
        unit: Of what.

    Example:
        >>> speed(60000, 1.8, "samples"), speed(3, 2.0, "steps"), speed(0, 1.0, "steps")
        (['33,333 samples/s'], ['1.5 steps/s'], [])
    """
    if not amount or seconds <= 0:
        return []
    rate = amount / seconds
    return [f"{rate:,.0f} {unit}/s" if rate >= 10 else f"{rate:.1f} {unit}/s"]


class Bar:
    """Draws how much of an epoch is done, in what characters and colours a terminal has.

    Args:
        stream: The terminal.

    Example:
        >>> import io
        >>> Bar(io.StringIO()).draw(0.5, 10)
        '━━━━━─────'
    """

    def __init__(self, stream: Any) -> None:
        self.done, self.rest = ("━", "─") if can_write(stream, "━─") else ("=", "-")
        self.colors = has_colors(stream)

    def draw(self, share: float, width: int = _BAR_WIDTH) -> str:
        """Returns the bar.

        Args:
            share: How much is done, from 0 to 1.
            width: In characters.
        """
        filled = round(share * width)
        done, rest = self.done * filled, self.rest * (width - filled)
        return f"{_GREEN}{done}{_GREY}{rest}{_PLAIN}" if self.colors else done + rest


def fitted_line(bar: Bar, share: float | None, title: str, parts: list[str]) -> str:
    """Writes a line that is sure not to wrap, as a wrapped line cannot be drawn again.

    If the terminal is narrow the bar becomes shorter, then goes; then parts are left out from the end.

    Args:
        bar: The bar.
        share: How much is done; None for a line without bar.
        title: Comes before the bar.
        parts: Come after it.

    Example:
        >>> import io
        >>> fitted_line(Bar(io.StringIO()), 0.5, "Epoch 3/20", ["235/469", "1.2 s", "loss 0.0621"])
        'Epoch 3/20 ━━━━━━━━━━────────── 235/469  1.2 s  loss 0.0621'
    """
    columns = shutil.get_terminal_size().columns - 1  # some terminals wrap when the last column is written
    text = "  ".join(parts)
    room = columns - len(title) - len(text) - 2
    if share is not None and room >= _SHORTEST_BAR:
        return f"{title} {bar.draw(share, min(room, _BAR_WIDTH))} {text}"
    while len(parts) > 1 and len(title) + 2 + len(text) > columns:
        parts = parts[:-1]
        text = "  ".join(parts)
    return f"{title}  {text}"[:columns]
