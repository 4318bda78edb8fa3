"""The scores of one test part: the model's beside the baseline's, with the uncertainty of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.evaluation.baselines import Baseline
from gradwise.evaluation.intervals import Interval, mean_interval, wilson_interval

Values = NDArray[np.float64]
_LEAST_PROBABILITY = 1e-7  # as in Keras: the log loss of an impossible event stays finite


@dataclass(frozen=True)
class Score:
    """One score on the held-out test part, measured once.

    Args:
        name: What is measured, for example "accuracy" or "mean absolute error".
        value: The model's.
        baseline: The baseline's; None if it has none.
        interval: The 95 % interval (low, high) of `value`. None: for shares of right samples Wilson's
            interval is used, for anything else no claim about chance is made.
        difference: The 95 % interval (low, high) of the model's value minus the baseline's, measured on the
            same samples; decides whether the baseline is beaten. None decides by `interval`.
        counts_samples: True if the value is the share of samples that are right.
        higher_is_better: False for errors and losses.
        explanation: What the number means, for someone who has never seen the metric.

    Example:
        >>> Score("accuracy", 0.978, baseline=0.103, counts_samples=True).higher_is_better
        True
    """

    name: str
    value: float
    baseline: float | None = None
    interval: Interval | None = None
    difference: Interval | None = None
    counts_samples: bool = False
    higher_is_better: bool = True
    explanation: str = ""


@dataclass(frozen=True)
class _Measure:
    """How one score is computed: `values` per sample and their mean, or `whole` for scores that are none."""

    name: str
    explanation: str
    values: Callable[[Values, Values], Values] | None = None
    whole: Callable[[Values, Values], float] | None = None
    rooted: bool = False
    counts_samples: bool = False
    higher_is_better: bool = True


def measure(kind: str, y_true: NDArray[Any], outputs: NDArray[Any], baseline: Baseline) -> tuple[Score, ...]:
    """Measures a model and the baseline on the same samples.

    Args:
        kind: The kind of problem; see `data.problems.KINDS`.
        y_true: int[B] class numbers (binary, single_label), float[B, K] of 0 and 1 (multi_label), or
            float[B] or float[B, K] numbers (regressions).
        outputs: float[B, K] probabilities of the classes (also for two of them) or labels, or the
            predicted numbers.
        baseline: What to compare with.

    Returns:
        The scores, the main one first. A score that is not defined for these samples, such as the ROC AUC
        of a single class, is left out.

    Example:
        >>> y = np.array([0, 1, 1, 0])
        >>> outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
        >>> score = measure("binary", y, outputs, Baseline("binary", (0.5, 0.5)))[0]
        >>> score.name, score.value, score.baseline
        ('accuracy', 0.75, 0.5)
    """
    count = len(outputs)
    y = np.asarray(y_true, dtype=np.float64)
    y = y if kind in ("binary", "single_label") else y.reshape(count, -1)
    predicted = np.asarray(outputs, dtype=np.float64).reshape(count, -1)
    scores = []
    for item in _MEASURES[kind]:
        dumb = baseline.outputs(count, squared=item.name != "mean absolute error")
        score = (
            _mean_score(item, y, predicted, dumb) if item.values else _whole_score(item, y, predicted, dumb)
        )
        if score is not None:
            scores.append(score)
    return tuple(scores)


def answers(kind: str, outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Returns the class numbers that probabilities stand for; with two classes 0.5 counts as the second.

    Args:
        kind: "binary" or "single_label".
        outputs: float[B, K] probabilities.

    Returns:
        int64[B].

    Example:
        >>> answers("binary", np.array([[0.5, 0.5]])).tolist()
        [1]
    """
    if kind == "binary":
        return np.asarray(outputs[:, 1] >= 0.5, np.int64)
    return np.asarray(np.argmax(outputs, axis=1), np.int64)


def _mean_score(item: _Measure, y: Values, predicted: Values, dumb: Values) -> Score | None:
    if item.values is None:
        return None
    ours, theirs = item.values(y, predicted), item.values(y, dumb)
    if item.counts_samples:
        interval = wilson_interval(float(ours.mean()), len(ours))
    else:
        low, high = mean_interval(ours)
        interval = (low if item.higher_is_better else max(low, 0.0), high)  # errors are never below 0
    value, base, difference = float(ours.mean()), float(theirs.mean()), mean_interval(ours - theirs)
    shown: tuple[float, float, Interval] = (value, base, interval)
    if item.rooted:
        shown = (math.sqrt(value), math.sqrt(base), (_root(interval[0]), _root(interval[1])))
    return Score(
        item.name,
        shown[0],
        shown[1],
        _finite(shown[2]),
        None if item.rooted else _finite(difference),
        item.counts_samples,
        item.higher_is_better,
        item.explanation,
    )


def _whole_score(item: _Measure, y: Values, predicted: Values, dumb: Values) -> Score | None:
    if item.whole is None:
        return None
    value, base = item.whole(y, predicted), item.whole(y, dumb)
    if math.isnan(base):
        return None
    return Score(item.name, value, base, higher_is_better=item.higher_is_better, explanation=item.explanation)


def _root(value: float) -> float:
    return math.sqrt(max(value, 0.0))


def _finite(interval: Interval) -> Interval | None:
    return interval if all(math.isfinite(end) for end in interval) else None


def _right(y: Values, outputs: Values) -> Values:
    chosen = answers("binary" if outputs.shape[1] == 2 else "single_label", outputs)
    return np.asarray(chosen == y, np.float64)


def _log_loss(y: Values, outputs: Values) -> Values:
    # The class numbers come from targets that were checked, so they fit the K columns.
    given = outputs[np.arange(len(y)), y.astype(np.int64)]
    return -np.log(np.clip(given, _LEAST_PROBABILITY, 1.0))


def _label_log_loss(y: Values, outputs: Values) -> Values:
    given = np.where(y > 0.5, outputs, 1 - outputs)  # [B, K]
    return np.asarray(-np.log(np.clip(given, _LEAST_PROBABILITY, 1.0)).mean(axis=1))


def _labels_right(y: Values, outputs: Values) -> Values:
    return np.asarray(((outputs >= 0.5) == (y > 0.5)).mean(axis=1))


def _all_labels_right(y: Values, outputs: Values) -> Values:
    return np.asarray(((outputs >= 0.5) == (y > 0.5)).all(axis=1), np.float64)


def _balanced_accuracy(y: Values, outputs: Values) -> float:
    right = _right(y, outputs)
    return float(np.mean([right[y == label].mean() for label in np.unique(y)]))


def roc_auc(y_true: NDArray[Any], scores: NDArray[Any]) -> float:
    """Computes the area under the ROC curve exactly, ties counting half.

    It is the Mann-Whitney statistic: the share of pairs of a positive and a negative sample in which the
    positive one has the higher score (J. Hanley, B. McNeil 1982, "The meaning and use of the area under a
    receiver operating characteristic (ROC) curve", Radiology 143, 29-36).

    Args:
        y_true: [B] of 0 and 1.
        scores: float[B], higher for the positive class.

    Returns:
        The area, NaN if there is only one class.

    Example:
        >>> roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
        0.75
    """
    positive = np.asarray(y_true) > 0.5
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return math.nan
    _, places, counts = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places.reshape(-1)]
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))


def _r_squared(y: Values, outputs: Values) -> float:
    spread = np.square(y - y.mean(axis=0)).sum(axis=0)
    if (spread == 0).any():
        return math.nan
    return float(np.mean(1 - np.square(y - outputs).sum(axis=0) / spread))


_LOG_LOSS = "How improbable the truth was to the model: the mean of −log(probability it gave to it), in nats."
_REGRESSION = (
    _Measure(
        "mean absolute error",
        "How far off the predictions are on average, in the target's own unit.",
        values=lambda y, outputs: np.abs(outputs - y).mean(axis=1),
        higher_is_better=False,
    ),
    _Measure(
        "root mean squared error",
        "The same with large errors counting more, in the target's own unit.",
        values=lambda y, outputs: np.square(outputs - y).mean(axis=1),
        rooted=True,
        higher_is_better=False,
    ),
    _Measure(
        "R²",
        "The share of the target's variance that the predictions explain; 1 is perfect.",
        whole=_r_squared,
    ),
)
_MEASURES = {
    "binary": (
        _Measure("accuracy", "The share of samples given the right class.", _right, counts_samples=True),
        _Measure(
            "ROC AUC",
            "How often a sample of the second class gets a higher probability of it than one of the first; "
            "0.5 is guessing.",
            whole=lambda y, outputs: roc_auc(y, outputs[:, 1]),
        ),
        _Measure("log loss", _LOG_LOSS, _log_loss, higher_is_better=False),
    ),
    "single_label": (
        _Measure("accuracy", "The share of samples given the right class.", _right, counts_samples=True),
        _Measure(
            "balanced accuracy",
            "The same with every class counting alike, however rare it is.",
            whole=_balanced_accuracy,
        ),
        _Measure("log loss", _LOG_LOSS, _log_loss, higher_is_better=False),
    ),
    "multi_label": (
        _Measure(
            "label accuracy", "The share of right yes-or-no answers, one for each label.", _labels_right
        ),
        _Measure(
            "exact match",
            "The share of samples with every label right.",
            _all_labels_right,
            counts_samples=True,
        ),
        _Measure("log loss", _LOG_LOSS, _label_log_loss, higher_is_better=False),
    ),
    "regression": _REGRESSION,
    "unit_regression": _REGRESSION,
}
