"""The first half of a report, what came out: headline, learning curves, confusion or scatter, mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradwise.views.embedding import to_svg
from gradwise.views.figures import MATRIX_CLASSES, confusion_matrix, learning_curves, predicted_against_true
from gradwise.views.markup import facts, figure, folded, paragraph, safe, section, table
from gradwise.views.method import duplicates_caution
from gradwise.views.mistakes import worst_mistakes
from gradwise.views.record import RunReport, Score
from gradwise.views.tallies import checked_counts, finite_pairs, metric_names, most_confused
from gradwise.views.text import duration, number, percent
from gradwise.views.verdict import Verdict, shown, verdict

_BADGES = {
    "better": ("✓", "Beats the baseline"),
    "within noise": ("≈", "Does not beat the baseline"),
    "worse": ("✗", "Worse than the baseline"),
    "unknown": ("?", "Not compared beyond chance"),
}
_BESIDE_CLASSES = 12  # more make the matrix too wide for a neighbour
_MATRIX_LEGEND = (
    "Rows are the true classes, columns the predicted ones. Blue is right, orange wrong; the deeper, "
    "the larger the share of the true class."
)
_CLASS_LEGEND = (
    "Found (recall): how many of the class were recognised. Held (precision): how often the answer was right "
    "when this class was predicted."
)


def results(run: RunReport) -> str:
    """Writes the sections about what came out: headline, learning curves, confusion or scatter, mistakes.

    Args:
        run: The finished run.

    Returns:
        HTML sections.

    Raises:
        InputError: The run has no score, or its confusion counts do not fit its classes.

    Example:
        >>> from gradwise.views.record import Data, ModelSummary, Problem, Training
        >>> run = RunReport("t", Problem("regression", "mpg"), Data("cars.csv", 398), ModelSummary((), 0),
        ...     Training("adam", 0.001, 32, 1, 1), (Score("mae", 2.4),), 40)
        >>> "Test mae 2.4." in results(run)
        True
    """
    return "\n".join(
        part for part in (_headline(run), _curves(run), _errors(run), worst_mistakes(run)) if part
    )


def _headline(run: RunReport) -> str:
    """Writes the verdict, the scale it is read from, the key figures and all test scores."""
    outcome = verdict(run)
    mark, badge = _BADGES[outcome.standing]
    kind = outcome.standing.replace(" ", "-")
    card = (
        f'<p class="badge"><span aria-hidden="true">{mark}</span> {safe(badge)}</p>'
        f'<p class="sentence">{safe(outcome.sentence)}</p>{_scale(run.scores[0], outcome)}'
        f"{paragraph(outcome.detail, 'detail')}{_cautions(run)}"
    )
    rows = [[score.name, shown(score, score.value), _base(score), _meaning(score)] for score in run.scores]
    heads = ["test score", "model", "baseline", "what it means"]
    note = paragraph(f"The baseline {run.baseline}.", "note") if run.baseline else ""
    return (
        f'<section id="verdict" class="verdict {kind}" aria-label="Verdict">{card}</section>'
        f"{_key_figures(run)}"
        f"{section('scores', 'Test scores', table(heads, rows, numeric=(1, 2)) + note)}"
    )


def _meaning(score: Score) -> str:
    return score.explanation if score.higher_is_better else f"{score.explanation} Lower is better.".strip()


def _base(score: Score) -> str:
    return "–" if score.baseline is None else shown(score, score.baseline)


def _cautions(run: RunReport) -> str:
    cautions = []
    if run.data.duplicates:
        cautions.append(duplicates_caution(run.data.duplicates))
    if run.data.warnings:
        plural = "s" if len(run.data.warnings) > 1 else ""
        cautions.append(f"{len(run.data.warnings)} warning{plural} about the data, see below.")
    return "".join(paragraph(text, "caution") for text in cautions)


def _key_figures(run: RunReport) -> str:
    training = run.training
    tiles = [
        ("test samples", number(run.test_samples)),
        ("parameters", number(run.model.total_parameters)),
        ("epochs", f"{training.epochs_run} of {training.epochs_asked}"),
    ]
    if math.isfinite(training.seconds):
        tiles.append(("training time", duration(training.seconds)))
    inner = "".join(f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">{inner}</dl>'


def _scale(score: Score, outcome: Verdict) -> str:
    """Draws the score, its interval and the baseline on one line from the worst to the best."""
    if not math.isfinite(score.value):
        return ""
    given = [score.value, *(outcome.interval or ()), *([] if score.baseline is None else [score.baseline])]
    values = [value for value in given if math.isfinite(value)]
    low, high = (0.0, 1.0) if score.counts_samples else (min(0.0, *values), max(0.0, *values) * 1.08)
    if high <= low:
        return ""

    def place(value: float) -> float:
        return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 2)

    marks = ""
    if outcome.interval:
        start, end = (place(value) for value in outcome.interval)
        marks += f'<span class="span" style="left:{start}%;width:{round(max(end - start, 0.4), 2)}%"></span>'
    marks += f'<span class="dot" style="left:{place(score.value)}%"></span>'
    above = _mark_label(f"model {shown(score, score.value)}", place(score.value), "model")
    below = ""
    if score.baseline is not None and math.isfinite(score.baseline):
        marks += f'<span class="tick" style="left:{place(score.baseline)}%"></span>'
        below = _mark_label(f"baseline {shown(score, score.baseline)}", place(score.baseline), "base")
    return f'<div class="scale" aria-hidden="true">{above}<div class="track">{marks}</div>{below}</div>'


def _mark_label(text: str, place: float, kind: str) -> str:
    # Shifted left by its own share of the width, a label never leaves the scale.
    style = f"left:{place}%;transform:translateX(-{place}%)"
    return f'<div class="labels"><span class="{kind}" style="{style}">{safe(text)}</span></div>'


def _curves(run: RunReport) -> str:
    """Writes the learning curves, a figure for each metric."""
    names = metric_names(run.history)
    if not names:
        return section("curves", "Learning curves", paragraph("No history was kept."))
    best = run.training.best_epoch
    count = max(len(values) for values in run.history.values())
    epochs = list(run.epochs) if run.epochs is not None and len(run.epochs) >= count else range(1, count + 1)
    panels = []
    for name in names:
        part = {key: run.history[key] for key in (name, f"val_{name}") if key in run.history}
        drawn = learning_curves(part, epochs, best)
        panels.append(figure(to_svg(drawn, f"{name} over {count} epochs")))
    return section(
        "curves", "Learning curves", f'<div class="panels">{"".join(panels)}</div>{_reading(run, epochs)}'
    )


def _reading(run: RunReport, epochs: Sequence[int]) -> str:
    lines = []
    validation = np.asarray(run.history.get("val_loss", ()), dtype=np.float64)
    if not any(key.startswith("val_") for key in run.history):
        lines.append("There was no validation part, so overfitting cannot be seen here.")
    elif validation.size == len(epochs) and np.isfinite(validation).any():
        place = int(np.nanargmin(np.where(np.isfinite(validation), validation, np.nan)))
        lines.append(
            f"The validation loss was lowest, {number(float(validation[place]))}, at epoch {epochs[place]}."
        )
    if run.training.stopped:
        lines.append(run.training.stopped)
    broken = [
        key for key, values in run.history.items() if not np.isfinite(np.asarray(values, np.float64)).all()
    ]
    if broken:
        first = int(np.argmin(np.isfinite(np.asarray(run.history[broken[0]], np.float64))))
        where = f" from epoch {epochs[first]} on" if first < len(epochs) else ""
        lines.append(f"Values of {', '.join(broken)} are not finite{where}: the training has diverged.")
    return "".join(paragraph(line, "note") for line in lines)


def _errors(run: RunReport) -> str:
    """Writes the confusion matrix of a classification or the scatter of a regression; nothing for neither."""
    if run.confusion is not None:
        return _confusion(run)
    if run.y_true is not None and run.y_pred is not None:
        return _scatter(run)
    return ""


def _confusion(run: RunReport) -> str:
    classes = run.problem.classes
    counts = checked_counts(run.confusion, classes)
    if len(classes) <= MATRIX_CLASSES:
        drawn = to_svg(confusion_matrix(counts, classes), "confusion matrix")
        matrix, listed = figure(drawn, _MATRIX_LEGEND), _class_table(counts, classes)
        content = f'<div class="beside">{matrix}{listed}</div>'
        if len(classes) > _BESIDE_CLASSES:
            content = matrix + folded(f"All {len(classes)} classes in numbers", listed)
        return section("confusion", "Which classes are confused", content)
    pairs = [
        [classes[row], classes[column], number(count), percent(share)]
        for row, column, count, share in most_confused(counts)
    ]
    heads = ["true class", "predicted as", "times", "of the class"]
    content = paragraph("No class was taken for another.")
    if pairs:
        content = paragraph(f"The {len(pairs)} most frequent confusions among {len(classes)} classes:")
        content += table(heads, pairs, numeric=(2, 3), narrow=True)
    content += folded(
        f"All {len(classes)} classes, the hardest first", _class_table(counts, classes, hardest=True)
    )
    return section("confusion", "Which classes are confused", content)


def _class_table(counts: np.ndarray, classes: Sequence[str], hardest: bool = False) -> str:
    right, there, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    found = np.where(there > 0, right / np.maximum(there, 1), np.nan)
    held = np.where(said > 0, right / np.maximum(said, 1), np.nan)
    order = np.argsort(found, kind="stable") if hardest else np.arange(len(classes))
    rows = [
        [classes[place], number(int(there[place])), _share(found[place]), _share(held[place])]
        for place in order
    ]
    content = table(["class", "samples", "found", "held"], rows, numeric=(1, 2, 3), narrow=True)
    return f"<div>{content}{paragraph(_CLASS_LEGEND, 'note')}</div>"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else percent(float(value))


def _scatter(run: RunReport) -> str:
    drawn = to_svg(
        predicted_against_true(run.y_true, run.y_pred, run.problem.target), "predicted against true values"
    )
    caption = "Each dot is a test sample; a perfect model puts all of them on the dashed line."
    pairs = finite_pairs(run.y_true, run.y_pred)
    if not pairs.size:
        return section(
            "confusion", "Predicted against true", figure(drawn, "No prediction is a finite number.")
        )
    bias = float((pairs[:, 1] - pairs[:, 0]).mean())
    off = np.abs(pairs[:, 1] - pairs[:, 0])
    listed = [
        ("half of the predictions are within", number(float(np.median(off)))),
        ("nine in ten are within", number(float(np.quantile(off, 0.9)))),
        ("the largest error is", number(float(off.max()))),
        (f"on average they are too {'low' if bias < 0 else 'high'} by", number(abs(bias))),
    ]
    content = f'<div class="beside">{figure(drawn, caption)}<div>{facts(listed)}</div></div>'
    return section("confusion", "Predicted against true", content)
