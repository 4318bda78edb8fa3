"""Splits of time series by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gradwise.data.folds import Rows
from gradwise.data.frames import is_any_frame
from gradwise.data.splits import Holdout, checked_shares
from gradwise.data.tables import Table
from gradwise.data.time_series import Windows
from gradwise.errors import InputError


def time_split(
    source: Windows | ArrayLike, parts: Sequence[float] = (0.6, 0.2, 0.2), *, purge: bool = True
) -> Holdout:
    """Splits windows, or the steps of a series, by time: the first for training, the last for testing.

    Each series is cut at the same shares of its steps. A window belongs to the part all its targets are in,
    so no target is in two parts; windows whose targets reach over a cut are left out.

    Args:
        source: Windows, or a series [T, ...].
        parts: Shares of training, validation and test; 0 leaves a part empty.
        purge: True also leaves out the windows whose inputs reach back over a cut: no step is then in two
            parts. False keeps them, as the past is known when a forecast is made; their inputs may hold
            what an earlier part had to predict.

    Returns:
        The numbers of the windows, or the steps, of each part, for `windows.take` and `windows.scale_by`.

    Raises:
        InputError: The shares make no sense, or no window fits into a part.

    Example:
        >>> from gradwise.data.time_series import windows
        >>> found = windows(np.arange(20.0), 3)
        >>> split = time_split(found)
        >>> int(found.target_times[split.train].max()), int(found.starts[split.validation].min())
        (11, 12)
    """
    shares = checked_shares(parts, "time_split")
    if not isinstance(source, Windows):
        count = _steps(source)
        return _parts(_part_of_steps(np.array([count]), shares), shares, ())
    part = _part_of_steps(source.ends, shares)
    place = part[source.target_times]
    crossing = part[source.target_times + source.horizon - 1] != place
    if purge:
        crossing |= part[source.starts] != place
    place[crossing] = -1
    left = int(crossing.sum())
    note = f"{left} window{'s' if left > 1 else ''} over a cut {'are' if left > 1 else 'is'} in no part."
    return _parts(place, shares, (note,) if left else ())


def _steps(source: ArrayLike) -> int:
    """Returns how many steps a series has; anything else is refused."""
    values = np.asarray(source)
    mixed = is_any_frame(source) and values.dtype.kind == "O"
    if mixed or not values.ndim or isinstance(source, (str, bytes, Mapping, Table)):
        raise InputError(
            "time_split",
            expected="windows, or a series as an array [T, ...]",
            got=f"an object of type {type(source).__name__}",
            fix="Write time_split(windows(series, length)); for a table with a column of times "
            "holdout(len(table), time=times).",
        )
    return len(values)


def _part_of_steps(ends: Rows, shares: Sequence[float]) -> Rows:
    part = np.zeros(int(ends[-1]), np.int64)
    for first, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        cuts = np.round(np.cumsum(shares)[:2] * (end - first)).astype(int)
        part[first:end] = np.searchsorted(cuts, np.arange(end - first), side="right")
    return part


def _parts(place: Rows, shares: Sequence[float], notes: tuple[str, ...]) -> Holdout:
    train, validation, test = (np.nonzero(place == number)[0] for number in range(3))
    for name, share, rows in zip(
        ("training", "validation", "test"), shares, (train, validation, test), strict=True
    ):
        if share > 0 and not len(rows):
            raise InputError(
                "time_split",
                expected="windows or steps for every part",
                got=f"none for the {name} part",
                fix="Use fewer parts, larger shares, shorter windows, or purge=False.",
            )
    return Holdout(train, validation, test, notes, samples=len(place))
