"""Windows of time series and what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradwise.config import floatx
from gradwise.data.folds import Rows, column
from gradwise.errors import InputError, unknown_name

_MISSING = ("refuse", "drop", "fill_forward")


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a series, each with the targets that follow it, gathered when asked for.

    `windows[3]` is one pair (x, y), `windows[rows]` and `windows[2:5]` are batches of them. Make them by
    `windows(...)`.

    Args:
        series: float[T, ...]. The steps of all series, one series after the other.
        targets: The values to predict [T, ...], or None for windows alone.
        starts: int64[N]. The step each window begins at.
        length: How many steps a window has.
        step: How many steps of the series it goes on from one to the next.
        delay: How many steps after its start the first target is.
        horizon: How many targets each window has, one after the other.
        ends: int64[S]. Where each series ends.
        mean: float[...]. What `scale_by` took off the series.
        scale: float[...]. What it divided it by.

    Example:
        >>> found = windows(np.arange(10.0), 3)
        >>> x, y = found[0]
        >>> x.ravel().tolist(), float(y), len(found)
        ([0.0, 1.0, 2.0], 3.0, 7)
    """

    series: NDArray[Any]
    targets: NDArray[Any] | None
    starts: Rows
    length: int
    step: int
    delay: int
    horizon: int
    ends: Rows
    mean: NDArray[Any] | float = 0.0
    scale: NDArray[Any] | float = 1.0

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self) -> str:
        features = " × ".join(map(str, self.series.shape[1:]))
        goal = "no targets" if self.targets is None else f"targets {self.horizon}"
        return f"Windows({len(self)} of length {self.length}, features {features}, {goal})"

    @property
    def target_times(self) -> Rows:
        """int64[N]: the step of the first target of each window."""
        return self.starts + self.delay

    def __getitem__(self, index: Any) -> Any:
        starts = self.starts[index]
        x = self.series[np.add.outer(starts, self.step * np.arange(self.length))]
        return x if self.targets is None else (x, self._targets_of(starts))

    def _targets_of(self, starts: Any) -> NDArray[Any]:
        targets = self.targets if self.targets is not None else self.series
        if self.horizon == 1:
            return np.asarray(targets[starts + self.delay])
        return np.asarray(targets[np.add.outer(starts + self.delay, np.arange(self.horizon))])

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Returns all windows and all targets.

        Where the windows begin at even distances, x is a read-only view of the series: windows that overlap
        take no memory of their own.

        Returns:
            x float[N, length, ...] and y [N, ...], or [N, horizon, ...] for a horizon above 1; y is None
            without targets.

        Example:
            >>> x, y = windows(np.arange(10.0), 3, horizon=2).arrays()
            >>> x.shape, y.shape
            ((6, 3, 1), (6, 2))
        """
        y = None if self.targets is None else self._targets_of(self.starts)
        strides = np.diff(self.starts)
        if not len(self) or (strides <= 0).any() or (strides != strides[:1]).any():
            return self.series[np.add.outer(self.starts, self.step * np.arange(self.length))], y
        span = (self.length - 1) * self.step + 1
        views = np.lib.stride_tricks.sliding_window_view(self.series, span, axis=0)[..., :: self.step]
        stride = int(strides[0]) if len(strides) else 1
        chosen = views[self.starts[0] : self.starts[-1] + 1 : stride]  # [N, ..., length]
        return np.moveaxis(chosen, -1, 1), y

    def take(self, rows: NDArray[Any] | slice) -> Windows:
        """Returns the windows of these numbers, for example of one part of a split.

        Example:
            >>> len(windows(np.arange(10.0), 3).take(slice(0, 5)))
            5
        """
        return replace(self, starts=self.starts[rows])

    def scale_by(self, rows: NDArray[Any] | slice) -> Windows:
        """Standardises the inputs by the steps that some of the windows read: those of the training part.

        Each feature loses its mean over these steps and is divided by its standard deviation, unless that
        is 0. Targets stay as they are. New data are scaled by `(new - mean) / scale`.

        Args:
            rows: The numbers of the training windows.

        Returns:
            The windows of the scaled series.

        Example:
            >>> found = windows(np.arange(10.0), 2)
            >>> found.scale_by(slice(0, 2)).mean.tolist()  # of the steps 0, 1 and 2
            [1.0]
        """
        used = np.zeros(len(self.series), dtype=bool)
        for place in range(self.length):
            used[self.starts[rows] + place * self.step] = True
        if not used.any():
            raise InputError(
                "scale_by",
                expected="at least one window to scale by",
                got="none",
                fix="Pass the numbers of the training windows.",
            )
        known = self.series[used].astype(np.float64)
        mean, spread = known.mean(axis=0), known.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        scaled = ((self.series - mean) / spread).astype(self.series.dtype)
        return replace(self, series=scaled, mean=self.mean + self.scale * mean, scale=self.scale * spread)


def windows(
    series: ArrayLike | Sequence[ArrayLike],
    length: int,
    *,
    targets: ArrayLike | Sequence[ArrayLike] | None = None,
    horizon: int = 1,
    gap: int = 0,
    step: int = 1,
    stride: int = 1,
    groups: ArrayLike | None = None,
    missing: str = "refuse",
) -> Windows:
    """Cuts a time series into windows and the values that follow each of them.

    The window that starts at step s holds the steps s, s + step, …, s + (length - 1) step; its targets are
    the `horizon` steps that begin 1 + gap after its last. So x never holds anything of the time of its
    targets or later, and neither do the values that `missing` fills in. No window reaches from one series
    into the next.

    Args:
        series: float[T] or float[T, D], in order of time at equal distances; a list of such arrays is
            several series.
        length: How many steps a window has.
        targets: What to predict, [T, ...], or a list of such arrays; by default the series itself.
        horizon: How many steps to predict.
        gap: How many steps lie between the end of a window and its first target.
        step: How many steps of the series it goes on inside a window: 6 takes every hour of ten-minute data.
        stride: How many steps one window starts after the one before.
        groups: Which series each step belongs to, [T]; the steps of a series follow each other.
        missing: What to do about NaN. "refuse" raises; "drop" leaves out the windows that would hold one;
            "fill_forward" puts the last value known before in its place and leaves out the windows where
            there is none. Targets are never filled in.

    Returns:
        The windows, in order of time.

    Raises:
        InputError: The series is too short for a window, holds text, or holds NaN and `missing` refuses them.

    Example:
        >>> found = windows(np.arange(10.0), 3, gap=1, step=2, stride=3)
        >>> [(x.ravel().tolist(), float(y)) for x, y in found]
        [([0.0, 2.0, 4.0], 6.0), ([3.0, 5.0, 7.0], 9.0)]
    """
    for name, number, least in (
        ("length", length, 1),
        ("horizon", horizon, 1),
        ("gap", gap, 0),
        ("step", step, 1),
        ("stride", stride, 1),
    ):
        check_whole("windows", name, number, least)
    if missing not in _MISSING:
        raise unknown_name("windows, missing", "a way with missing values", missing, _MISSING)
    values, ends = _joined("series", series)
    if groups is not None:
        ends = _borders(column("groups", groups, len(values), "windows"), ends)
    goal = values if targets is None else _joined("targets", targets, ends, len(values))[0]
    values = values if values.ndim > 1 else values[:, None]
    delay = (length - 1) * step + 1 + gap
    firsts = np.concatenate([[0], ends[:-1]])
    last = ends - delay - horizon
    starts = np.concatenate([np.arange(a, b + 1, stride) for a, b in zip(firsts, last, strict=True)])
    if not len(starts):
        raise InputError(
            "windows",
            expected=f"a series of at least {delay + horizon} steps",
            got=f"{int((ends - firsts).max())}",
            fix="Choose a shorter length, horizon or gap, or a smaller step.",
        )
    found = Windows(values, goal, starts, length, step, delay, horizon, ends)
    return _without_missing(found, firsts, missing)


def _joined(
    name: str, values: Any, ends: Rows | None = None, steps: int | None = None
) -> tuple[NDArray[Any], Rows]:
    """Lays several series one after the other, as numbers; targets must be as long as the series."""
    several = isinstance(values, (list, tuple)) and any(np.ndim(one) for one in values)
    pieces = [np.asarray(one) for one in (values if several else [values])]
    bad = [one for one in pieces if one.dtype.kind not in "biuf" or not one.ndim]
    if bad or len({one.shape[1:] for one in pieces}) > 1:
        raise InputError(
            f"windows, {name}",
            expected="numbers [T] or [T, D], or a list of such arrays of the same D",
            got=f"values of type {bad[0].dtype} and shape {bad[0].shape}" if bad else "arrays of different D",
            fix="Encode text first, and give every series the same features.",
        )
    lengths = np.cumsum([len(one) for one in pieces])
    if ends is not None and (lengths[-1] != steps or (several and not np.array_equal(lengths, ends))):
        raise InputError(
            f"windows, {name}",
            expected=f"one value for each of the {steps} steps",
            got=f"{int(lengths[-1])}" if lengths[-1] != steps else "arrays of other lengths than the series",
            fix="Pass them in the same form as the series.",
        )
    joined = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    kept = joined.dtype.kind == "f" or name == "targets"
    return joined if kept else joined.astype(floatx()), lengths


def _borders(groups: NDArray[Any], ends: Rows) -> Rows:
    changes = np.nonzero(groups[1:] != groups[:-1])[0] + 1
    if len(changes) + 1 > len(np.unique(groups)):
        raise InputError(
            "windows, groups",
            expected="the steps of each series one after the other",
            got="groups that come back after another one",
            fix="Sort the steps first, by numpy.argsort(groups, kind='stable').",
        )
    return np.unique(np.concatenate([changes, ends]))


def _without_missing(found: Windows, firsts: Rows, missing: str) -> Windows:
    """Fills in the series if asked to, and leaves out the windows that miss something all the same."""
    series, targets = found.series, found.targets
    steps = np.isnan(series).reshape(len(series), -1).any(axis=1)
    blank = np.zeros(len(steps), dtype=bool)
    if targets is not None and targets.dtype.kind == "f":
        blank = np.isnan(targets).reshape(len(targets), -1).any(axis=1)
    bad = steps | blank
    if not bad.any():
        return found
    if missing == "refuse":
        raise InputError(
            "windows",
            expected="a series without missing values",
            got=f"NaN at {int(bad.sum())} of {len(bad)} steps, first at step {int(bad.argmax())}",
            fix="Pass missing='drop' or missing='fill_forward'.",
        )
    if missing == "fill_forward":
        series = _filled(series, np.repeat(firsts, found.ends - firsts))
        steps = np.isnan(series).reshape(len(series), -1).any(axis=1)
    keep = np.ones(len(found), dtype=bool)
    for place in range(found.length):
        keep &= ~steps[found.starts + place * found.step]
    for place in range(found.horizon):
        keep &= ~blank[found.target_times + place]
    if not keep.any():
        raise InputError(
            "windows",
            expected="at least one window without missing values",
            got="none",
            fix="Choose a shorter length, or fill the gaps first.",
        )
    return replace(found, series=series, starts=found.starts[keep])


def _filled(series: NDArray[Any], firsts: Rows) -> NDArray[Any]:
    """Puts the last value present in place of each NaN, none from before the first step of its series."""
    shape = (-1,) + (1,) * (series.ndim - 1)
    own = np.arange(len(series)).reshape(shape)
    last = np.maximum.accumulate(np.where(np.isnan(series), -1, own), axis=0)
    return np.take_along_axis(series, np.where(last >= firsts.reshape(shape), last, own), axis=0)


def check_whole(where: str, name: str, value: Any, least: int) -> None:
    """Refuses what is no whole number of at least a least one.

    Args:
        where: The function, for errors.
        name: The argument, for errors.
        value: What was given.
        least: The smallest number that is right.

    Raises:
        InputError: It is something else.

    Example:
        >>> check_whole("windows", "length", 24, 1)
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(
            f"{where}, {name}",
            expected=f"an integer of at least {least}",
            got=repr(value),
            fix=f"Write for example {name}={max(least, 1)}.",
        )
