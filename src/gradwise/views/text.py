"""Names and numbers as people read them: cleaned, shortened, with as many digits as they deserve."""

from __future__ import annotations

import math
import unicodedata

NARROW_SPACE = "\u202f"


def clean(text: object) -> str:
    r"""Removes from a text what neither HTML nor SVG can hold: control characters and half characters.

    Args:
        text: Anything; its `str` is taken.

    Returns:
        The text on one line, white space runs made single spaces.

    Example:
        >>> clean("a\x00b\n c")
        'ab c'
    """
    return " ".join(printable(text).split())


def printable(text: object) -> str:
    r"""Removes control characters and half characters, keeping line ends, tabs and spaces as they are.

    Example:
        >>> printable("if a:\n    b\x00")
        'if a:\n    b'
    """
    return "".join(
        char for char in str(text) if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
    )


def display_width(text: str) -> int:
    """Counts the columns a text takes: 2 for each wide (Chinese, Japanese, Korean) character, else 1.

    Example:
        >>> display_width("cat"), display_width("汉字")
        (3, 4)
    """
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def shorten(text: object, columns: int) -> str:
    """Cleans a text and cuts it to a width, keeping both ends since long names often differ only there.

    Args:
        text: Anything; its `str` is taken.
        columns: The width, counted as `display_width` does.

    Returns:
        The text, with "…" for what was cut out of its middle.

    Example:
        >>> shorten("an_exceedingly_long_column_name", 16)
        'an_excee…mn_name'
    """
    cleaned = clean(text)
    if display_width(cleaned) <= columns:
        return cleaned
    tail = _fitting(cleaned[::-1], (columns - 1) // 2)[::-1]
    return _fitting(cleaned, columns - 1 - display_width(tail)) + "…" + tail


def _fitting(text: str, columns: int) -> str:
    taken = 0
    for position, char in enumerate(text):
        taken += display_width(char)
        if taken > columns:
            return text[:position]
    return text


def percent(share: float) -> str:
    """Writes a share of 1 in percent, with more digits near 0 and 1, where they matter.

    Example:
        >>> percent(0.978), percent(1.0), percent(0.99964), percent(float("nan"))
        ('97.8 %', '100 %', '99.96 %', 'NaN')
    """
    if not math.isfinite(share):
        return number(share)
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    edge = min(abs(share), abs(1 - share))
    digits = 1 if edge >= 0.001 else 2
    if edge < 0.00005:
        return "> 99.99 %" if share > 0.5 else "< 0.01 %"
    return f"{share * 100:.{digits}f} %"


def number(value: float) -> str:
    """Writes a number with thousands set apart, or with four significant digits.

    Example:
        >>> number(0.0123456), number(23.456), number(12), number(float("nan"))
        ('0.01235', '23.46', '12', 'NaN')
        >>> number(407050).replace(NARROW_SPACE, "'")
        "407'050"
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", NARROW_SPACE).replace("-", "−")
    if abs(value) >= 1e4 and abs(value) < 1e15:
        return f"{value:,.0f}".replace(",", NARROW_SPACE).replace("-", "−")
    digits, power, exponent = f"{abs(value):.4g}".partition("e")
    return ("−" if value < 0 else "") + digits + (f"e{int(exponent)}" if power else "")


def short_number(value: float) -> str:
    """Writes a number for the scale of a figure: thousands as k, millions as M.

    Example:
        >>> short_number(0.00025), short_number(2500.0), short_number(-1.25e6), short_number(3e4)
        ('0.00025', '2500', '−1.25M', '30k')
    """
    for unit, letter, start in ((1e9, "G", 1e9), (1e6, "M", 1e6), (1e3, "k", 1e4)):
        if start <= abs(value) < 1e12:
            return f"{value / unit:.6g}{letter}".replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def duration(seconds: float) -> str:
    """Writes a time in the units people use.

    Example:
        >>> duration(0.42), duration(8.25), duration(187), duration(7380)
        ('0.42 s', '8.2 s', '3 min 7 s', '2 h 3 min')
    """
    if not math.isfinite(seconds) or seconds < 0:
        return "unknown"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
