"""Decides what each column of a table is for a model, and says why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwise.data.scales import are_brackets, bracket_place, normal_form, word_order
from gradwise.data.tables import Column, Table, read_table
from gradwise.errors import unknown_name

KINDS = ("numeric", "boolean", "ordinal", "nominal", "date", "text", "identifier", "constant", "empty")
LEFT_OUT = ("text", "identifier", "constant", "empty")

YES_NO = {"yes": 1.0, "no": 0.0, "y": 1.0, "n": 0.0, "true": 1.0, "false": 0.0, "t": 1.0, "f": 0.0}
_IDENTIFIER_NAMES = {
    "id",
    "ids",
    "uuid",
    "guid",
    "index",
    "idx",
    "key",
    "no",
    "nr",
    "number",
    "rowid",
    "0",
    "1",
}
_MOST_BRACKETS = 30
_FEW = 20


@dataclass(frozen=True)
class Kind:
    """What a column is, and the reason in words for the user.

    Args:
        name: One of `KINDS`.
        reason: Why.
        order: The words of an ordinal column from least to most, if the caller gave them.

    Example:
        >>> Kind("constant", "always 'yes'").used
        False
    """

    name: str
    reason: str
    order: tuple[str, ...] = ()

    @property
    def used(self) -> bool:
        """Whether a model gets the column as input."""
        return self.name not in LEFT_OUT


def infer_kinds(table: Any, overrides: Mapping[str, str | Sequence[str]] | None = None) -> dict[str, Kind]:
    """Decides the kind of every column.

    - numeric: numbers; boolean: 0 and 1, yes and no, true and false; date: days and times.
    - ordinal: words of a known order (Low, Medium, High; First, Second, Third) and brackets (0-17, 55+).
    - nominal: text with few different values that repeat.
    - left out: text (long or hardly ever repeated), identifier (a number or code for each row),
      constant (one value throughout) and empty (no value at all).

    Args:
        table: The rows to look at, at best those of the training part only; a table, or anything
            `read_table` takes.
        overrides: Kinds by column name that the caller knows better; a list of words is an ordinal
            column with that order, from least to most.

    Returns:
        The kind of each column, in order.

    Raises:
        InputError: An override names no column or no kind.

    Example:
        >>> kinds = infer_kinds({"size": ["Low", "High"], "age": [31, 28]})
        >>> kinds["size"].name, kinds["age"].name
        ('ordinal', 'numeric')
    """
    table, chosen = read_table(table), dict(overrides or {})
    for name, kind in chosen.items():
        table.column(name)
        if isinstance(kind, str) and kind not in KINDS:
            raise unknown_name(f"kinds, column '{name}'", "a kind of column", kind, KINDS)
    return {
        column.name: _asked(chosen[column.name]) if column.name in chosen else _kind(column)
        for column in table
    }


def _asked(kind: str | Sequence[str]) -> Kind:
    if isinstance(kind, str):
        return Kind(kind, "as asked for")
    return Kind("ordinal", f"in the order asked for: {' < '.join(kind)}", tuple(kind))


def _kind(column: Column) -> Kind:
    present = column.present()
    if not len(present):
        return Kind("empty", "no row has a value")
    if column.content == "text":
        return _text_kind(column, column.counts())
    least, most = present.min(), present.max()
    if least == most and not column.missing.any():
        shown = str(least.item()) if column.content == "date" else repr(least.item())
        return Kind("constant", f"every row says {shown}")
    if column.content == "date":
        return Kind("date", column.note or "dates")
    if column.content == "boolean":
        return Kind("boolean", "true or false")
    if least >= 0 and most <= 1 and np.isin(present, (0, 1)).all():
        return Kind("boolean", "only 0 and 1")
    if _numbers_rows(column):
        return Kind(
            "identifier", f"a different whole number in each of {len(present)} rows, named like an id"
        )
    return Kind("numeric", f"numbers from {least:g} to {most:g}{f' ({column.note})' if column.note else ''}")


def _numbers_rows(column: Column) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", column.name)
    named = bool(words) and words[-1].lower() in _IDENTIFIER_NAMES
    if not named or column.values.dtype.kind != "i" or column.missing.any() or len(column) < 10:
        return False
    return len(np.unique(column.values)) == len(column)


def _text_kind(column: Column, counts: Counter[str]) -> Kind:
    total, different = sum(counts.values()), len(counts)
    if different == 1 and not column.missing.any():
        return Kind("constant", f"every row says {_shown(next(iter(counts)))}")
    if column.order:
        return Kind("ordinal", f"ordered categories: {_listed(column.order, ' < ')}", column.order)
    if {word.lower() for word in counts} in ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}):
        return Kind("boolean", "yes or no")
    if column.note:  # nearly all cells are numbers
        return Kind("text", f"{column.note}; mend or empty the odd cells to use the column")
    levels = word_order(counts)
    if levels is not None:
        ordered = sorted(counts, key=lambda word: levels[normal_form(word)])
        return Kind("ordinal", f"words in order: {' < '.join(ordered)}")
    if different <= _MOST_BRACKETS and are_brackets(counts):
        return _bracket_kind(sorted(counts, key=bracket_place))
    if max(counts.values()) == 1 and total > 1:
        return Kind("identifier", f"a different text in each of {total} rows")
    if different > _FEW and different > total / 2:
        return Kind("text", f"{different} different texts in {total} rows")
    words = sum(len(text.split()) * count for text, count in counts.items()) / total
    if different > _FEW and words >= 5:
        return Kind("text", f"sentences of {words:.0f} words on average")
    return Kind("nominal", f"{different} different text{'s' if different > 1 else ''} in {total} rows")


def _bracket_kind(ordered: list[str]) -> Kind:
    places = [bracket_place(text) for text in ordered]
    # <=50K and >50K both stand for 50 000: then it is their order that counts, not the number.
    if len({value for value, _ in places}) < len(set(places)):
        return Kind("ordinal", f"brackets in order: {_listed(ordered, ' < ')}", tuple(ordered))
    return Kind("ordinal", f"brackets: {_listed(ordered, ', ')}")


def _listed(texts: Sequence[str], between: str) -> str:
    return between.join(texts[:6]) + (f"{between}…" if len(texts) > 6 else "")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def find_leaks(table: Table, target: str) -> dict[str, str]:
    """Finds columns that are the target in other words, such as `alive` (yes, no) beside `survived` (1, 0).

    A column is reported if, in at least 20 rows and 90 % of those where the target is known, each of its
    values goes with one value of the target and the other way round, or if it is a number that depends on
    a numeric target along a straight line. Columns whose values hardly repeat are not judged by the first
    rule, as that would be chance.

    Args:
        table: The whole table.
        target: The name of the target column.

    Returns:
        Why each suspicious column is one, by name.

    Raises:
        InputError: There is no such target column.

    Example:
        >>> from gradwise.data.tables import read_table
        >>> table = read_table({"x": list(range(40)), "alive": ["no", "yes"] * 20, "y": [0, 1] * 20})
        >>> list(find_leaks(table, "y"))
        ['alive']
    """
    goal = table.column(target)
    known = int((~goal.missing).sum())
    reasons = {}
    for column in table:
        both = ~(column.missing | goal.missing)
        if column.name == target or both.sum() < max(20, 0.9 * known):
            continue
        if _one_to_one(column.take(both), goal.take(both)):
            reasons[column.name] = f"each value of it goes with exactly one value of '{target}'"
        elif _straight_line(column.take(both), goal.take(both)):
            reasons[column.name] = f"it follows '{target}' along a straight line"
    return reasons


def _one_to_one(column: Column, goal: Column) -> bool:
    ours, theirs = column.values.tolist(), goal.values.tolist()
    different = len(set(ours))
    if different < 2 or different > len(ours) / 2 or different != len(set(theirs)):
        return False
    return len(set(zip(ours, theirs, strict=True))) == different


def _straight_line(column: Column, goal: Column) -> bool:
    if column.content != "number" or goal.content != "number":
        return False
    first, second = column.values.astype(np.float64), goal.values.astype(np.float64)
    first, second = first - first.mean(), second - second.mean()
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return size > 0 and bool(np.isfinite(size)) and abs(float(first @ second)) / size > 1 - 1e-9
