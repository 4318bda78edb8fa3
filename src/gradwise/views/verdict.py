"""One honest sentence about a finished run: whether it beats the baseline, and by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gradwise.errors import InputError
from gradwise.evaluation.intervals import wilson_interval
from gradwise.views.record import RunReport, Score
from gradwise.views.text import clean, number, percent

Standing = Literal["better", "within noise", "worse", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run in words.

    Args:
        standing: The model against the baseline; "unknown" if there is no baseline or no interval.
        sentence: The outcome in one sentence.
        detail: How sure that is.
        interval: The 95 % interval of the first score; None if none is known.

    Example:
        >>> Verdict("better", "90 % right.", "", (0.8, 0.95)).standing
        'better'
    """

    standing: Standing
    sentence: str
    detail: str
    interval: tuple[float, float] | None


def verdict(run: RunReport) -> Verdict:
    """Says in one sentence what the first test score is worth.

    "Better" needs the whole 95 % interval of the difference from the baseline on the good side; where none is
    given, the interval of the score itself, the baseline's score being taken as fixed.

    Args:
        run: The finished run.

    Returns:
        The verdict.

    Raises:
        InputError: The run has no score.

    Example:
        See `RunReport`.
    """
    if not run.scores:
        raise InputError(
            "report", expected="at least one test score", got="none", fix="Pass scores=(Score(...),)."
        )
    score = run.scores[0]
    if not math.isfinite(score.value):
        sentence = f"The model is useless: its test {clean(score.name)} is {number(score.value)}."
        return Verdict(
            "worse", sentence, "The numbers overflowed during training; a lower learning rate helps.", None
        )
    interval = score.interval
    if interval is None and score.counts_samples:
        interval = wilson_interval(score.value, run.test_samples)
    standing = _standing(score, interval)
    return Verdict(standing, _sentence(score, standing), _detail(score, interval, standing, run), interval)


def shown(score: Score, value: float) -> str:
    """Writes a value of a score: shares of right samples in percent, everything else as a number.

    Example:
        >>> shown(Score("accuracy", 0.9, counts_samples=True), 0.9), shown(Score("R²", 0.9), 0.9)
        ('90.0 %', '0.9')
    """
    return percent(value) if score.counts_samples else number(value)


def _standing(score: Score, interval: tuple[float, float] | None) -> Standing:
    if score.baseline is None or not math.isfinite(score.baseline):
        return "unknown"
    sign = 1 if score.higher_is_better else -1
    if score.difference is not None:
        low, high = sorted(sign * end for end in score.difference)
        return "better" if low > 0 else "worse" if high < 0 else "within noise"
    gain = sign * (score.value - score.baseline)
    if interval is None:
        return "unknown" if gain > 0 else "worse" if gain < 0 else "within noise"
    low, high = sorted(sign * (end - score.baseline) for end in interval)
    return "better" if low > 0 else "worse" if high < 0 else "within noise"


def _sentence(score: Score, standing: Standing) -> str:
    value = shown(score, score.value)
    name = clean(score.name)
    achieved = (
        f"{value} of the held-out test samples right" if score.counts_samples else f"test {name} {value}"
    )
    if score.baseline is None:
        return f"{achieved[0].upper()}{achieved[1:]}."
    base = shown(score, score.baseline)
    if standing == "worse":
        return f"Worse than the baseline: {achieved}, where the baseline gets {base}."
    if standing == "within noise":
        return f"No better than the baseline: {achieved}, where the baseline gets {base}."
    return f"{achieved[0].upper()}{achieved[1:]}; the baseline gets {base}."


def _detail(score: Score, interval: tuple[float, float] | None, standing: Standing, run: RunReport) -> str:
    samples = f"{number(run.test_samples)} samples"
    if score.difference is not None and standing != "unknown":
        return _paired_detail(score, interval, standing, samples)
    if interval is None:
        luck = (
            " No interval is known for this score, so luck is not ruled out." if standing == "unknown" else ""
        )
        return f"Measured once, on {samples} the model has never seen.{luck}"
    ends = f"{shown(score, interval[0])} to {shown(score, interval[1])}"
    first = f"Measured once, on {samples} the model has never seen: 95 % interval {ends}."
    meaning = {
        "better": " The baseline is outside it: the gain is not luck.",
        "worse": " The baseline is outside it, on the better side: do not use this model.",
        "within noise": " The baseline is inside it: what the model seems to have learned may be luck.",
        "unknown": " There is no baseline to compare it with.",
    }[standing]
    return first + meaning


def _paired_detail(
    score: Score, interval: tuple[float, float] | None, standing: Standing, samples: str
) -> str:
    low, high = score.difference or (0.0, 0.0)
    own = f": 95 % interval {shown(score, interval[0])} to {shown(score, interval[1])}" if interval else ""
    meaning = {
        "better": "the gain is not luck",
        "worse": "do not use this model",
    }.get(standing, "what the model seems to have learned may be luck")
    return (
        f"Measured once, on {samples} the model has never seen{own}. On the same samples it differs from the "
        f"baseline by {shown(score, low)} to {shown(score, high)} (95 %): {meaning}."
    )
