"""Turns one column of a table into features: fitted on training rows, applied to any rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.columns import YES_NO, Kind
from gradwise.data.scales import are_brackets, bracket_value, normal_form, word_order
from gradwise.data.tables import Column
from gradwise.errors import InputError

_MOST_CATEGORIES = 50
_OTHER, _MISSING = "(other)", "(missing)"
_DATE_PARTS = ("day", "month_sin", "month_cos", "weekday_sin", "weekday_cos")
_TIME_PARTS = ("hour_sin", "hour_cos")
_ACTIONS = {
    "boolean": "0 or 1",
    "ordinal": "placed in order, standardised",
    "date": "split into parts, standardised",
}


@dataclass(frozen=True)
class Encoder:
    """How one column becomes features; plain values only, so that it can be saved as JSON.

    Args:
        name: The column.
        kind: "numeric", "boolean", "ordinal", "date" or "nominal".
        features: The names of the D features it makes.
        action: What is done, in words for the user.
        categories: The texts that have a feature of their own, with "(other)" and "(missing)" (nominal).
        rare: The texts that share "(other)" (nominal).
        levels: The place of each word of the scale (ordinal words; none for brackets).
        medians: What stands in for a missing value, for each feature that is a number.
        means: What is subtracted from it.
        scales: What it is then divided by.
        indicator: Whether the last feature is 1 where the value is missing.

    Example:
        >>> Encoder("sex", "nominal", ("sex=f", "sex=m"), "one-hot", categories=("f", "m")).indicator
        False
    """

    name: str
    kind: str
    features: tuple[str, ...]
    action: str
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    levels: dict[str, float] = field(default_factory=dict)
    medians: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    indicator: bool = False


def fit_encoder(column: Column, kind: Kind) -> Encoder:
    """Chooses the settings for a column from its training rows.

    Numbers are standardised, (x - mean) / standard deviation, with a median for missing ones and, if any
    were missing, a feature that says so. Ordinal words count 1, 2, 3 …, brackets stand for their mean, and
    both are then treated as numbers; dates become the day plus circles for month, weekday and hour.
    Booleans are 0 and 1. Nominal values are one-hot: a category gets a feature if it is not rare (at
    least one in 200 rows, never more than ten rows asked, and at least two rows) and among the 50 most
    frequent; the others share the feature "(other)".

    Args:
        column: The training rows.
        kind: What the column is.

    Returns:
        The settings.

    Raises:
        InputError: The cells do not fit the kind.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> column = as_column("colour", ["red", "blue", "red", "blue"])
        >>> fit_encoder(column, Kind("nominal", "")).features
        ('colour=blue', 'colour=red')
    """
    if kind.name == "nominal":
        return _fit_nominal(column)
    levels = _levels(column, kind) if kind.name == "ordinal" else {}
    names = _feature_names(column, kind.name)
    numbers, _ = _numbers(column, kind.name, levels, len(names))
    medians = np.nanmedian(numbers, axis=0)
    filled = np.where(np.isnan(numbers), medians, numbers)
    means, scales = filled.mean(axis=0), filled.std(axis=0)
    if kind.name == "boolean":
        means, scales = np.zeros(1), np.ones(1)
    # What rounding leaves of a constant must not be blown up to 1.
    scales = np.where(scales > 1e-12 * np.abs(means), scales, 1.0)
    missing = int(column.missing.sum())
    told = _ACTIONS.get(kind.name, f"standardised (mean {means[0]:.4g}, standard deviation {scales[0]:.4g})")
    if missing:
        stand_in = f"median {medians[0]:.4g}" if len(names) == 1 else "medians"
        told += f"; {missing} missing: {stand_in} and an indicator"
    return Encoder(
        column.name,
        kind.name,
        names + ((f"{column.name} {_MISSING}",) if missing else ()),
        told,
        levels=levels,
        medians=tuple(medians.tolist()),
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        indicator=missing > 0,
    )


def encode(encoder: Encoder, column: Column) -> tuple[NDArray[np.float32], Counter[str]]:
    """Applies the settings to a column.

    Args:
        encoder: The settings.
        column: Any rows of that column.

    Returns:
        float32[B, D], and the values that did not occur in training with their counts. Such a nominal
        value sets "(other)" if there is that feature, else none; such an ordinal word counts as missing.

    Raises:
        InputError: A cell has the wrong type; the row and the value are told.

    Example:
        >>> from gradwise.data.tables import as_column
        >>> encoder = fit_encoder(as_column("age", [20, 30, 40]), Kind("numeric", ""))
        >>> encode(encoder, as_column("age", [30]))[0].tolist()
        [[0.0]]
    """
    if encoder.kind == "nominal":
        return _one_hot(encoder, column)
    width = len(encoder.medians)
    numbers, unseen = _numbers(column, encoder.kind, encoder.levels, width)
    gone = np.isnan(numbers)
    scaled = (np.where(gone, encoder.medians, numbers) - encoder.means) / encoder.scales
    if encoder.indicator:
        scaled = np.concatenate([scaled, gone[:, :1]], axis=1)
    return scaled.astype(np.float32), unseen


def _feature_names(column: Column, kind: str) -> tuple[str, ...]:
    if kind != "date":
        return (column.name,)
    present: NDArray[Any] = column.present()
    timed = column.content == "date" and bool((present != present.astype("datetime64[D]")).any())
    return tuple(f"{column.name}.{part}" for part in _DATE_PARTS + (_TIME_PARTS if timed else ()))


def _levels(column: Column, kind: Kind) -> dict[str, float]:
    order = kind.order or column.order
    if order:
        return {normal_form(word): float(place) for place, word in enumerate(order, start=1)}
    if column.content != "text" or are_brackets(words := set(column.present().tolist())):
        return {}
    levels = word_order(words)
    if levels is None:
        raise InputError(
            f"column '{column.name}'",
            expected="words of a known order, or brackets such as 18-25",
            got=", ".join(repr(word) for word in sorted(words)[:5]) + (", …" if len(words) > 5 else ""),
            fix=f"Give the order, from least to most: kinds={{'{column.name}': ['little', 'some', 'much']}}.",
        )
    return levels


def _fit_nominal(column: Column) -> Encoder:
    counts = column.counts()
    enough = max(2, min(10, round(len(column) / 200)))
    frequent = [text for text, count in counts.most_common(_MOST_CATEGORIES) if count >= enough]
    categories = sorted(frequent)
    rare = tuple(sorted(counts.keys() - set(frequent)))
    told = f"one-hot, {len(categories)} categories"
    if rare:
        categories += [_OTHER] * (_OTHER not in categories)  # a table may have that very text
        told += f"; {len(rare)} rare or further ones as '{_OTHER}'"
    missing = int(column.missing.sum())
    if missing:
        categories += [_MISSING] * (_MISSING not in categories)
        told += f"; {missing} missing as a category"
    features = tuple(f"{column.name}={category}" for category in categories)
    return Encoder(column.name, "nominal", features, told, categories=tuple(categories), rare=rare)


def _one_hot(encoder: Encoder, column: Column) -> tuple[NDArray[np.float32], Counter[str]]:
    features = {category: place for place, category in enumerate(encoder.categories)}
    other, gone = features.get(_OTHER, -1), features.get(_MISSING, -1)
    known = {*features, *encoder.rare, _OTHER, _MISSING}
    texts, places = column.distinct()
    named = texts
    if column.content != "text":
        # Among other words in training, "true" was text; in a column of its own it is read as a boolean.
        plain = {_plain(text): text for text in known}
        named = [text if text in known else plain.get(_plain(text), text) for text in texts]
    counts = column.counts()
    unseen = Counter(
        {text: counts[text] for text, name in zip(texts, named, strict=True) if name not in known}
    )
    # The feature of each different text, with that of a missing value at the end, where -1 finds it.
    table = np.array([*(features.get(name, other) for name in named), gone])
    chosen = table[places]
    result = np.zeros((len(column), len(encoder.categories)), dtype=np.float32)
    rows = np.flatnonzero(chosen >= 0)
    result[rows, chosen[rows]] = 1
    return result, unseen


def _plain(text: str) -> str:
    """Returns a form that is the same however a number, a boolean or a day was written."""
    try:
        return repr(float(text))
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text.removesuffix(" 00:00:00")


def _numbers(
    column: Column, kind: str, levels: dict[str, float], width: int
) -> tuple[NDArray[np.float64], Counter[str]]:
    """Returns float64[B, width] with NaN where missing, and the unseen values."""
    if kind == "date":
        return _date_numbers(column, width), Counter()
    if kind == "ordinal" and (levels or column.content == "text"):
        return _ordinal_numbers(column, levels)
    if column.content == "date":
        raise _wrong_type(column, "a number", 0)
    if column.content == "text":
        read = {word: value for word, value in YES_NO.items() if kind == "boolean"}
        texts, places = column.distinct()
        values = np.array([*(_number(text, read) for text in texts), np.nan])[places]
        wrong = np.isnan(values) & ~column.missing
        if wrong.any():
            raise _wrong_type(column, "yes or no" if kind == "boolean" else "a number", int(wrong.argmax()))
    else:
        values = column.values.astype(np.float64)
    endless = np.isinf(values) & ~column.missing
    if endless.any():
        raise _wrong_type(column, "a finite number", int(endless.argmax()))
    return np.where(column.missing, np.nan, values)[:, None], Counter()


def _number(text: str, words: dict[str, float]) -> float:
    try:
        return words.get(text.lower(), float("nan")) if words else float(text)
    except ValueError:
        return float("nan")


def _ordinal_numbers(column: Column, levels: dict[str, float]) -> tuple[NDArray[np.float64], Counter[str]]:
    texts, places = column.distinct()
    found = [levels.get(normal_form(text)) if levels else bracket_value(text) for text in texts]
    counts = column.counts()
    unseen = Counter({text: counts[text] for text, value in zip(texts, found, strict=True) if value is None})
    numbers = [np.nan if value is None else value for value in found]
    return np.array([*numbers, np.nan])[places][:, None], unseen


def _date_numbers(column: Column, width: int) -> NDArray[np.float64]:
    if column.content != "date":
        if column.missing.all():
            return np.full((len(column), width), np.nan)
        raise _wrong_type(column, "a date", int((~column.missing).argmax()))
    dates = column.values
    days = dates.astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
    hour = (dates - days).astype("timedelta64[s]").astype(np.int64) / 3600
    parts = [dates.astype("datetime64[s]").astype(np.int64) / 86400]
    for turn in (month / 12, weekday / 7, hour / 24):
        parts += [np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)]
    numbers = np.stack(parts[:width], axis=1)
    numbers[column.missing] = np.nan
    return numbers


def _wrong_type(column: Column, wanted: str, row: int) -> InputError:
    shown = str(column.values[row])
    return InputError(
        f"column '{column.name}', row {column.row_number(row)}",
        expected=wanted,
        got=repr(shown if len(shown) <= 40 else shown[:37] + "…"),
        fix="Correct the cell, or leave it empty if the value is missing.",
    )
