"""Words and brackets that have an order: Low, Medium, High; 0-17, 18-25, 55+."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Each scale runs from least to most; words joined by / mean the same. The shorter scales come first, so
# that Low, Medium, High count 1, 2, 3.
_SCALES = tuple(
    tuple(step.split("/") for step in scale.split(" < "))
    for scale in (
        "low < medium/moderate/mid/middle/med/average/normal < high",
        "very low < low < medium/moderate/average/normal < high < very high",
        "none < low < medium/moderate < high",
        "small < medium/mid/middle < large/big",
        "extra small/very small/tiny < small < medium < large/big < extra large/very large/huge",
        "first/1st < second/2nd < third/3rd < fourth/4th < fifth/5th < sixth/6th < seventh/7th < eighth/8th"
        " < ninth/9th < tenth/10th",
        "first class < second class < third class",
        "primary < secondary < tertiary",
        "short < medium/average < long/tall",
        "slow < medium < fast",
        "light < medium < heavy",
        "thin < medium < thick",
        "young < middle aged/adult < old/senior",
        "freezing < cold < cool < mild < warm < hot",
        "bad < average/ok/okay/neutral < good",
        "very bad/terrible < bad/poor < average/ok/okay/neutral < good < very good/great < excellent",
        "very poor < poor < fair < good < very good < excellent",
        "fair < good < very good < premium < ideal",
        "never < rarely/seldom < sometimes/occasionally < often/frequently < always",
        "none/no < mild < moderate < severe < critical",
        "minor < moderate < major < critical",
        "beginner/novice < intermediate < advanced < expert",
        "freshman < sophomore < junior < senior",
        "bronze < silver < gold < platinum < diamond",
        "strongly disagree < disagree < neutral/neither agree nor disagree < agree < strongly agree",
        "very dissatisfied < dissatisfied < neutral < satisfied < very satisfied",
        "very unlikely < unlikely < neutral < likely < very likely",
        "easy < medium/moderate < hard/difficult",
    )
)
# Abbreviations mean too much else to be trusted in pairs: at least three of them must occur.
_SHORT_SCALES = (
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("po", "fa", "ta", "gd", "ex"),
)
_NUMBER = r"[$€£]?\s*(\d[\d ,]*(?:\.\d+)?)\s*([km])?\s*%?"
_RANGE = re.compile(rf"{_NUMBER}\s*(?:-|–|—|to|\.\.)\s*{_NUMBER}(?:\s*(?:years?|yrs?))?")
_OPEN = re.compile(rf"{_NUMBER}\s*(?:\+|and (?:over|above|more|older)|or (?:over|above|more|older))")
_LIMIT = re.compile(rf"(?:<=?|>=?|≤|≥|under|over|below|above|up to|less than|more than)\s*{_NUMBER}")
_PLAIN = re.compile(_NUMBER)
_LOWER = re.compile(r"<|≤|under|below|up to|less than")
_UPPER = re.compile(r">|≥|^(?:over|above|more than)|\+$|(?:over|above|more|older)$")


def word_order(words: Iterable[str]) -> dict[str, float] | None:
    """Finds the order of words such as Low, Medium, High.

    Args:
        words: The different words of a column; case, blanks, hyphens and underscores do not matter.

    Returns:
        The place from 1 of every word of the scale (also of those that did not occur), by its normal form,
        or None if the words have no known order.

    Example:
        >>> word_order(["High", "low"])["medium"]
        2.0
        >>> word_order(["red", "blue"]) is None
        True
    """
    wanted = {normal_form(word) for word in words}
    if len(wanted) < 2:
        return None
    for scale in _SCALES:
        places = {word: float(place) for place, step in enumerate(scale, start=1) for word in step}
        if wanted <= places.keys() and len({places[word] for word in wanted}) == len(wanted):
            return places
    for short in _SHORT_SCALES:
        if len(wanted) >= 3 and wanted <= set(short):
            return {word: float(place) for place, word in enumerate(short, start=1)}
    return None


def normal_form(word: str) -> str:
    """Returns a word in lower case with single blanks, by which scales know it.

    Example:
        >>> normal_form("Very_High ")
        'very high'
    """
    return " ".join(re.split(r"[\s_-]+", word.strip().lower()))


def bracket_value(text: str) -> float | None:
    """Returns the number a bracket stands for: the mean of its ends, or its only end if it is open.

    Args:
        text: Such as "26-35" (30.5), "55+" (55), "<18" (18), "$10k-20k" (15000) or a plain number.

    Returns:
        The number, or None if the text is no bracket.

    Example:
        >>> bracket_value("0-17"), bracket_value("55+"), bracket_value("blue")
        (8.5, 55.0, None)
    """
    text = text.strip().lower()
    match = _RANGE.fullmatch(text)
    if match:
        # 10-20k means 10k-20k.
        low, high = _amount(match[1], match[2] or match[4]), _amount(match[3], match[4])
        return (low + high) / 2 if low <= high else None
    match = _OPEN.fullmatch(text) or _LIMIT.fullmatch(text) or _PLAIN.fullmatch(text)
    return _amount(match[1], match[2]) if match else None


def bracket_place(text: str) -> tuple[float, int]:
    """Returns what brackets are sorted by: their number, and for open ones the side they are open to.

    Args:
        text: A bracket.

    Example:
        >>> sorted([">50K", "<=50K", "0-10"], key=bracket_place)
        ['0-10', '<=50K', '>50K']
    """
    lowered = text.strip().lower()
    side = -1 if _LOWER.match(lowered) else int(bool(_UPPER.search(lowered)))
    return bracket_value(text) or 0.0, side


def are_brackets(texts: Iterable[str]) -> bool:
    """Tells whether all of the texts are brackets or numbers, and at least one is a bracket.

    Example:
        >>> are_brackets(["0-17", "18-25", "26+"])
        True
    """
    listed = list(texts)
    closed = any(not _PLAIN.fullmatch(text.strip().lower()) for text in listed)
    return len(listed) >= 2 and closed and all(bracket_value(text) is not None for text in listed)


def _amount(digits: str, unit: str | None) -> float:
    return float(re.sub(r"[ ,]", "", digits)) * {"k": 1e3, "m": 1e6}.get(unit or "", 1.0)
