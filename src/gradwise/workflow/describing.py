"""What is printed: the data and outcome of a run, a trained model, its scores on new samples."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gradwise.evaluation.scores import Score
from gradwise.views.method import duplicates_caution
from gradwise.views.text import number
from gradwise.views.verdict import Verdict, shown
from gradwise.workflow.prepared import Prepared
from gradwise.workflow.reporting import Fitting
from gradwise.workflow.telling import Teller
from gradwise.workflow.trained import Evaluation, TrainedModel

_MOST_LISTED = 40
_MOST_NAMED = 20  # columns of a table in the short account of a run
_SURE = {
    "better": "The gain is more than luck.",
    "within noise": "What it seems to have learned may be luck.",
    "worse": "Do not use this model.",
    "unknown": "",
}


def tell_model(trained: TrainedModel) -> None:
    """Prints the layers, what is predicted, from what, and how well.

    Args:
        trained: The model.
    """
    trained.model.summary()
    teller, problem, facts = Teller(1), trained.problem, trained.facts
    teller.gap()
    what = ", ".join(problem.columns)
    classes = ", ".join(map(str, problem.classes[:12])) + (", …" if len(problem.classes) > 12 else "")
    kind = problem.kind.replace("_", "-")
    teller.fact("Predicts", f"{what} ({kind}: {classes})" if classes else f"{what} ({kind})")
    used = [report for report in trained.inputs.columns if report.features]
    teller.table("From", [[report.name, report.kind, report.action] for report in used], _MOST_LISTED)
    if facts.get("source"):
        told = f"{facts['source']}, {number(facts['rows'])} samples, seed {facts['seed']}, {facts['date']}"
        teller.fact("Trained", told)
    if trained.scores:
        teller.table("Test", score_table(trained.scores, facts.get("test_samples")))


def tell_evaluation(trained: TrainedModel, evaluation: Evaluation, source: str) -> None:
    """Prints the scores on new samples beside those of the training's test part.

    Args:
        trained: The model.
        evaluation: What was measured.
        source: The new data.
    """
    teller = Teller(1)
    teller.fact("Data", f"{source}: {number(evaluation.samples)} samples")
    then = {score.name: score for score in trained.scores}
    rows = [["", "now", "95 % interval", "baseline now", "at training"]]
    for score in evaluation.scores:
        before = then.get(score.name)
        rows.append([*_cells(score), "–" if before is None else shown(before, before.value)])
    teller.table("Scores", rows)
    first = evaluation.scores[0]
    # Rows the model knows say nothing about a change since training.
    teller.fact(
        "Meaning", first.explanation if evaluation.familiar else _meaning(first, then.get(first.name))
    )


def score_table(scores: Sequence[Score], samples: int | None) -> list[list[str]]:
    """Writes scores as the cells of a table with a line of heads.

    Args:
        scores: The scores.
        samples: How many samples they are from, if known.

    Example:
        >>> score_table([Score("accuracy", 0.9, 0.5, (0.8, 0.95), counts_samples=True)], 60)[1]
        ['accuracy', '90.0 %', '80.0 % to 95.0 %', '50.0 %']
    """
    head = [f"{number(samples)} samples" if samples else "", "model", "95 % interval", "baseline"]
    return [head, *(_cells(score) for score in scores)]


def _cells(score: Score) -> list[str]:
    interval = "–" if score.interval is None else " to ".join(shown(score, end) for end in score.interval)
    base = "–" if score.baseline is None else shown(score, score.baseline)
    return [score.name, shown(score, score.value), interval, base]


def _meaning(now: Score, then: Score | None) -> str:
    if then is None or now.interval is None or then.interval is None:
        return now.explanation
    # The half widths of independent intervals add like deviations: by their squares.
    doubt = math.hypot(
        *((score.interval[1] - score.interval[0]) / 2 for score in (now, then) if score.interval)
    )
    value = shown(then, then.value)
    if abs(now.value - then.value) <= doubt:
        return f"No clear change since training, where the {now.name} was {value}."
    if (now.value > then.value) == now.higher_is_better:
        return f"Better than at training, where the {now.name} was {value}, by more than chance."
    return (
        f"Worse than at training, where the {now.name} was {value}, by more than chance: "
        "these samples may be of another kind."
    )


def tell_data(teller: Teller, prepared: Prepared) -> None:
    """Prints what the data are and what was done to them.

    Args:
        teller: Where to.
        prepared: The data.
    """
    problem = prepared.encoder.problem
    target = ", ".join(problem.columns)
    teller.fact("Data", f"{prepared.source}: {number(prepared.rows)} {prepared.about}")
    if prepared.target_reason:
        target += f" ({prepared.target_reason})"
    if problem.kind == "regression" and len(problem.columns) == 1:
        target += f"; loss and mae below are in standard deviations of {prepared.encoder.scale[0]:.4g}"
    teller.fact("Target", target)
    teller.fact(
        "Problem",
        f"{problem.kind.replace('_', '-')} ({problem.reason}), so the last activation is "
        f"{problem.last_activation} and the loss {problem.loss} (table 4-1)",
    )
    used = [report for report in prepared.columns if report.features]
    if len(used) > _MOST_NAMED:
        kinds = Counter((report.kind, _brief(report.action)) for report in used)
        teller.table(
            "Columns", [[f"{count} {kind}", action] for (kind, action), count in kinds.most_common()]
        )
    else:
        teller.table("Columns", [[report.name, report.kind, _brief(report.action)] for report in used])
    dropped = [
        report for report in prepared.columns if not report.features and report.name not in prepared.leaks
    ]
    if len(dropped) > _MOST_NAMED:
        teller.table(
            "Left out",
            [[f"{count} {kind}"] for kind, count in Counter(report.kind for report in dropped).most_common()],
        )
    else:
        teller.table("Left out", [[report.name, report.kind, report.reason] for report in dropped])
    sizes = [number(len(part)) for part in (prepared.train, prepared.validation, prepared.test)]
    teller.fact("Split", f"{sizes[0]} training, {sizes[1]} validation, {sizes[2]} test ({prepared.split})")
    for warning in _cautions(prepared):
        teller.fact("Warning", warning, "warn")


def _brief(action: str) -> str:
    """Leaves the figures in brackets to the report."""
    return re.sub(r" \([^)]*\)", "", action)


def _cautions(prepared: Prepared) -> list[str]:
    said = list(prepared.warnings)
    if prepared.duplicates:
        said.append(duplicates_caution(prepared.duplicates))
    return said


def tell_outcome(teller: Teller, trained: TrainedModel, fitting: Fitting, outcome: Verdict) -> None:
    """Prints how training ended and the scores with the verdict.

    Args:
        teller: Where to.
        trained: The model with its scores.
        fitting: How it was trained.
        outcome: The verdict.
    """
    teller.gap()
    teller.fact("Training", fitting.stopped.removeprefix("Training "))
    teller.table("Test", score_table(trained.scores, trained.facts.get("test_samples")))
    teller.fact("Baseline", trained.baseline.phrase(trained.problem.classes))
    teller.fact(
        "Verdict",
        f"{outcome.sentence} {_SURE[outcome.standing]}".rstrip(),
        "bold" if outcome.standing == "better" else "warn",
    )


def tell_files(teller: Teller, report: Path) -> None:
    """Prints where model and report are.

    Args:
        teller: Where to.
        report: The report's path.
    """
    teller.fact("Model", str(report.with_name("model.gwz")))
    teller.fact("Report", str(report))
