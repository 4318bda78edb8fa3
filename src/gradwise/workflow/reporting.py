"""A finished run as a report: for the page, and as numbers for programs."""

from __future__ import annotations

import math
import os
import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from gradwise.evaluation.scores import Score
from gradwise.models.summary import rows_of, totals_of
from gradwise.version import __version__
from gradwise.views.record import (
    Column,
    Command,
    Data,
    DroppedColumn,
    LayerRow,
    ModelSummary,
    Problem,
    RunReport,
    Training,
)
from gradwise.views.record import Part as PartRecord
from gradwise.workflow.mistakes import errors_of
from gradwise.workflow.prepared import Part, Prepared
from gradwise.workflow.trained import TrainedModel

SPOKEN_KINDS = {
    "binary": "binary",
    "single_label": "single-label",
    "multi_label": "multi-label",
    "regression": "regression",
    "unit_regression": "regression in [0, 1]",
}


@dataclass(frozen=True)
class Fitting:
    """How the training went.

    Args:
        history: Values for each epoch by name, errors in the target's own unit.
        epochs_asked: Epochs allowed.
        best_epoch: The epoch whose weights were kept, counted from 1.
        stopped: Why training ended, a full sentence.
        seconds: Wall-clock time.
        batch_size: Samples for each update.
        learning_rate: The optimizer's.
        seed: The seed everything random came from.

    Example:
        >>> Fitting({"loss": [0.5]}, 10, 1, "", 0.1, 32, 0.001, 0).epochs_run
        1
    """

    history: Mapping[str, Sequence[float]]
    epochs_asked: int
    best_epoch: int
    stopped: str
    seconds: float
    batch_size: int
    learning_rate: float
    seed: int

    @property
    def epochs_run(self) -> int:
        """How many epochs were done."""
        return len(self.history["loss"])


def problem_reason(trained: TrainedModel) -> str:
    """Says why this problem, this last activation and this loss.

    Args:
        trained: The model.
    """
    problem = trained.problem
    return (
        f"{problem.reason[0].upper()}{problem.reason[1:]}; a {SPOKEN_KINDS[problem.kind]} problem ends in "
        f"{problem.last_activation} and is trained with {problem.loss} (F. Chollet 2017, table 4-1)."
    )


def run_report(
    prepared: Prepared, trained: TrainedModel, fitting: Fitting, outputs: NDArray[np.float64], folder: str
) -> RunReport:
    """Gathers everything a report tells.

    Args:
        prepared: The data.
        trained: The model with its scores.
        fitting: How it was trained.
        outputs: float64[B, K], what the model answered to the test part.
        folder: Where model and report will lie.

    Returns:
        The record of the run.
    """
    problem = trained.problem
    target = ", ".join(problem.columns)
    truth = trained.truth(prepared.test.y)
    return RunReport(
        title=f"{prepared.name}: predicting {target}",
        problem=Problem(
            SPOKEN_KINDS[problem.kind],
            target,
            tuple(map(str, problem.classes)),
            problem.last_activation,
            problem.loss,
            problem_reason(trained),
        ),
        data=_data(prepared, problem.kind, len(problem.classes)),
        model=_model(trained.model),
        training=_training(fitting),
        scores=trained.scores,
        test_samples=len(prepared.test),
        baseline=trained.baseline.phrase(problem.classes),
        history=fitting.history,
        commands=_commands(prepared, fitting, target, folder),
        **errors_of(prepared, trained, truth, outputs),
    )


def _data(prepared: Prepared, kind: str, classes: int) -> Data:
    used = [report for report in prepared.columns if report.features]
    left_out = [report for report in prepared.columns if not report.features]
    parts = {"training": prepared.train, "validation": prepared.validation, "test": prepared.test}
    return Data(
        prepared.source,
        prepared.rows,
        tuple(Column(report.name, report.kind, report.action) for report in used),
        tuple(PartRecord(name, len(part), _counts(part, kind, classes)) for name, part in parts.items()),
        tuple(DroppedColumn(report.name, report.reason) for report in left_out),
        prepared.duplicates,
        prepared.warnings,
        prepared.split,
    )


def _counts(part: Part, kind: str, classes: int) -> tuple[int, ...]:
    if kind == "multi_label":
        return tuple(int(count) for count in part.y.sum(axis=0))
    return tuple(np.bincount(part.y, minlength=classes).tolist()) if classes else ()


def _model(model: Any) -> ModelSummary:
    rows = tuple(
        LayerRow(
            row.name,
            row.kind,
            row.shape.replace("None", "batch"),
            row.parameters,
            ", ".join(row.connected_to),
        )
        for row in rows_of(model)
    )
    trainable, fixed = totals_of(model)
    return ModelSummary(rows, trainable + fixed, trainable)


def _training(fitting: Fitting) -> Training:
    versions = {
        "gradwise": __version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    device = jax.devices()[0]
    kind = "CPU" if device.platform == "cpu" else device.device_kind
    return Training(
        "adam",
        fitting.learning_rate,
        fitting.batch_size,
        fitting.epochs_run,
        fitting.epochs_asked,
        fitting.stopped,
        fitting.seconds,
        fitting.seed,
        versions,
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {kind}",
        time.strftime("%Y-%m-%d %H:%M"),
        fitting.best_epoch,
    )


def _commands(prepared: Prepared, fitting: Fitting, target: str, folder: str) -> tuple[Command, ...]:
    file = f"{folder}/model.gwz"
    new = prepared.origin if prepared.inputs.to_config()["kind"] != "table" else "new.csv"
    python = (
        "from gradwise.workflow import TrainedModel\n\n"
        f"model = TrainedModel.load({file!r})\nanswers = model.predict({new!r}).values"
    )
    commands = [
        Command("Predict new samples", f"gradwise predict {shlex.quote(file)} {new} --out predictions.csv"),
        Command("Measure it on new labelled samples", f"gradwise evaluate {shlex.quote(file)} {new}"),
        Command("Use it in Python", python),
    ]
    if prepared.origin is not None:
        named = prepared.inputs.to_config()["kind"] == "table"
        asked = "".join(f" --target {shlex.quote(name)}" for name in target.split(", ")) if named else ""
        settings = (
            f"{asked} --epochs {fitting.epochs_asked} --batch-size {fitting.batch_size} --seed {fitting.seed}"
        )
        commands.append(Command("Train it again", f"gradwise train {shlex.quote(prepared.origin)}{settings}"))
    return tuple(commands)


def run_record(report: RunReport, prepared: Prepared, fitting: Fitting) -> dict[str, Any]:
    """Returns the numbers of a run for programs, as values that JSON can hold.

    Args:
        report: The report.
        prepared: The data.
        fitting: How the model was trained.

    Returns:
        Names and plain values; numbers that are not finite are None.
    """
    record = {
        "problem": asdict(report.problem),
        "data": {
            **asdict(report.data),
            "origin": prepared.origin,
        },
        "model": asdict(report.model),
        "training": asdict(report.training),
        "test_samples": report.test_samples,
        "scores": [asdict(score) for score in report.scores],
        "baseline": report.baseline,
        "history": {name: list(values) for name, values in fitting.history.items()},
        "confusion": None if report.confusion is None else np.asarray(report.confusion).tolist(),
    }
    plain: dict[str, Any] = _finite(record)
    return plain


def scores_by_name(scores: Sequence[Score], which: str = "value") -> dict[str, float]:
    """Returns scores, or with "baseline" the baseline's, by name.

    Example:
        >>> scores_by_name([Score("accuracy", 0.9, 0.5)], "baseline")
        {'accuracy': 0.5}
    """
    return {score.name: getattr(score, which) for score in scores}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
