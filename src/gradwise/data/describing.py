"""Shows what the columns of a table are, before anything is done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradwise.data.columns import infer_kinds
from gradwise.data.tables import Column, read_table
from gradwise.errors import unknown_name

_MOST_SHOWN = 60  # columns; a screen or two
_WIDTHS = {"column": 28, "values": 44, "why": 60}
_EXAMPLES = 4


@dataclass(frozen=True)
class ColumnDescription:
    """What one column holds and what a model makes of it.

    Args:
        name: The column.
        kind: Its kind; see `infer_kinds`.
        reason: Why it has that kind.
        missing: How many rows have no value.
        different: How many different values there are.
        values: The most frequent values, or the ends of numbers and dates, as text.
        used: Whether a model gets the column as input.

    Example:
        >>> describe_columns({"age": [20, None, 40]})["age"].missing
        1
    """

    name: str
    kind: str
    reason: str
    missing: int
    different: int
    values: str
    used: bool


class TableDescription:
    """The columns of a table with their kinds; `print` shows them as a table.

    Args:
        rows: How many rows the table has.
        columns: What each column is, in order.

    Example:
        >>> [column.kind for column in describe_columns({"age": [20, 30], "size": ["Low", "High"]})]
        ['numeric', 'ordinal']
    """

    def __init__(self, rows: int, columns: Sequence[ColumnDescription]) -> None:
        self.rows = rows
        self.columns = tuple(columns)

    def __iter__(self) -> Iterator[ColumnDescription]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, name: str) -> ColumnDescription:
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown_name("describe_columns", "a column", name, [column.name for column in self.columns])

    def __str__(self) -> str:
        rows = [["column", "kind", "missing", "different", "values", "why"]]
        rows += [self._row(column) for column in self.columns[:_MOST_SHOWN]]
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = [
            "  ".join(
                # Counts are read from the right, words from the left.
                cell.rjust(width) if place in (2, 3) else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        head = f"{f'{self.rows:,}'.replace(',', ' ')} rows, {len(self)} column{'s' if len(self) != 1 else ''}"
        left_out = [f"{_cut(column.name, 28)} ({column.kind})" for column in self.columns if not column.used]
        tail = []
        if len(self) > _MOST_SHOWN:
            tail.append(f"… and {len(self) - _MOST_SHOWN} more columns.")
        if left_out:
            more = f", and {len(left_out) - 8} more" if len(left_out) > 8 else ""
            tail.append(f"Left out of a model's inputs: {', '.join(left_out[:8])}{more}.")
        return "\n".join([head, "", *lines, *tail])

    __repr__ = __str__

    def _row(self, column: ColumnDescription) -> list[str]:
        part = column.missing / self.rows
        share = f" ({part:.0%})" if part >= 0.005 else " (<1%)" if part else ""
        return [
            _cut(column.name, _WIDTHS["column"]),
            column.kind,
            f"{column.missing}{share}",
            str(column.different),
            _cut(column.values, _WIDTHS["values"]),
            _cut(column.reason, _WIDTHS["why"]),
        ]


def describe_columns(source: Any, kinds: Mapping[str, str | Sequence[str]] | None = None) -> TableDescription:
    """Finds the kind of each column of a table, with the reason, gaps and values.

    Args:
        source: A table, or anything `read_table` takes.
        kinds: Kinds by column name that the caller knows better; see `infer_kinds`.

    Returns:
        The description; `print` it, go through its columns, or ask for one by name.

    Raises:
        InputError: The table cannot be read, or `kinds` names no column or no kind.

    Example:
        >>> print(describe_columns({"age": [20, None, 40], "size": ["Low", "High", "Low"]}))
        3 rows, 2 columns
        <BLANKLINE>
        column  kind     missing  different  values     why
        age     numeric  1 (33%)          2  20, 40     numbers from 20 to 40
        size    ordinal        0          2  Low, High  words in order: Low < High
    """
    table = read_table(source)
    found = infer_kinds(table, kinds)
    return TableDescription(
        len(table),
        [
            ColumnDescription(
                column.name,
                kind.name,
                kind.reason,
                int(column.missing.sum()),
                *_values(column),
                used=kind.used,
            )
            for column, kind in zip(table, found.values(), strict=True)
        ],
    )


def _values(column: Column) -> tuple[int, str]:
    """Returns how many different values there are, and some of them in words."""
    if column.content in ("text", "boolean"):
        counts = column.counts()
        shown = ", ".join(_cut(text, 20) for text, _ in counts.most_common(_EXAMPLES))
        return len(counts), shown + (", …" if len(counts) > _EXAMPLES else "")
    texts, _ = column.distinct()  # in order of size
    if len(texts) <= 2:
        return len(texts), ", ".join(texts)
    return len(texts), f"{texts[0]} to {texts[-1]}"


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
