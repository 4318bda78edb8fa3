"""Dumb baselines: what can be answered without looking at the inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.errors import FileError


@dataclass(frozen=True)
class Baseline:
    """The answers that are best on the training targets if the inputs are ignored.

    The most frequent class makes the most answers right, the class frequencies give the least log loss; the
    median gives the least mean absolute error, the mean the least mean squared error (the "dumb baseline"
    with which F. Chollet 2017, section 4.5.5, measures statistical power).

    Args:
        kind: The kind of problem; see `data.problems.KINDS`.
        shares: The share of each class or label in the training targets; none for a regression.
        medians: The median of each target of a regression.
        means: Their means.

    Example:
        >>> fit_baseline("regression", np.array([1.0, 2.0, 6.0])).medians
        (2.0,)
    """

    kind: str
    shares: tuple[float, ...] = ()
    medians: tuple[float, ...] = ()
    means: tuple[float, ...] = ()

    def outputs(self, count: int, *, squared: bool = False) -> NDArray[np.float64]:
        """Returns the baseline's answers in the form of a model's.

        Args:
            count: How many samples to answer.
            squared: Whether squared errors will be measured, for which the mean is best.

        Returns:
            float64[B, K]: the shares of the classes or labels, or the medians or means.

        Example:
            >>> fit_baseline("single_label", np.array([0, 1, 1, 1]), 2).outputs(1).tolist()
            [[0.25, 0.75]]
        """
        row = self.shares or (self.means if squared else self.medians)
        return np.tile(np.asarray(row, dtype=np.float64), (count, 1))

    def phrase(self, classes: Sequence[object] = ()) -> str:
        """Says what the baseline does, in words that follow "the baseline".

        Args:
            classes: The names of the classes or labels.

        Example:
            >>> fit_baseline("binary", np.array([0, 1, 1])).phrase(("no", "yes"))
            "always answers 'yes', the most frequent class (for the log loss: the class frequencies)"
        """
        if self.kind == "multi_label":
            often = [str(name) for name, share in zip(classes, self.shares, strict=True) if share >= 0.5]
            said = f"always answers {', '.join(map(repr, often))}" if often else "never gives a label"
            return f"{said}, as most training samples (for the log loss: the label frequencies)"
        if self.shares:
            name = str(classes[int(np.argmax(self.shares))])
            return (
                f"always answers {name!r}, the most frequent class (for the log loss: the class frequencies)"
            )
        medians, means = (
            ", ".join(f"{value:.4g}" for value in row[:5]) for row in (self.medians, self.means)
        )
        return f"always answers the median, {medians} (for squared errors the mean, {means})"

    def to_config(self) -> dict[str, Any]:
        """Returns the baseline as values that JSON can hold."""
        return {key: list(item) if isinstance(item, tuple) else item for key, item in asdict(self).items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Baseline:
        """Rebuilds a baseline from `to_config`.

        Args:
            config: What `to_config` returned.

        Raises:
            FileError: It is not.

        Example:
            >>> Baseline.from_config(Baseline("binary", (0.5, 0.5)).to_config()).shares
            (0.5, 0.5)
        """
        try:
            rows = {key: tuple(float(item) for item in config[key]) for key in ("shares", "medians", "means")}
            return cls(kind=str(config["kind"]), **rows)
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                "Baseline.from_config",
                expected="what to_config returned",
                got=f"something else ({error})",
                fix="The file is damaged or of another version: train the model again.",
            ) from error


def fit_baseline(kind: str, y_train: NDArray[Any], classes: int = 2) -> Baseline:
    """Makes the baseline from the training targets.

    Args:
        kind: The kind of problem; see `data.problems.KINDS`.
        y_train: int[B] class numbers (binary, single_label), float[B, K] of 0 and 1 (multi_label), or
            float[B] or float[B, K] numbers in the target's own unit (regressions).
        classes: The number of classes.

    Returns:
        The baseline.

    Example:
        >>> fit_baseline("single_label", np.array([2, 2, 1, 2]), 3).shares
        (0.0, 0.25, 0.75)
    """
    y = np.asarray(y_train)
    if kind in ("binary", "single_label"):
        counts = np.bincount(y.astype(np.int64).ravel(), minlength=classes)
        return Baseline(kind, shares=tuple((counts / counts.sum()).tolist()))
    rows = y.reshape(len(y), -1).astype(np.float64)
    if kind == "multi_label":
        return Baseline(kind, shares=tuple(rows.mean(axis=0).tolist()))
    return Baseline(
        kind, medians=tuple(np.median(rows, axis=0).tolist()), means=tuple(rows.mean(axis=0).tolist())
    )
