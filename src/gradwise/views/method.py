"""The second half of a report: how it came about. Data, model, training, and how to use and repeat it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from gradwise.views.markup import facts, folded, paragraph, safe, section, table
from gradwise.views.record import Data, RunReport
from gradwise.views.text import duration, number, printable

_LONG = 20


def method(run: RunReport) -> str:
    """Writes the sections about how the model came about: data, model, training, and how to repeat it.

    Args:
        run: The finished run.

    Returns:
        HTML sections.

    Example:
        >>> from gradwise.views.record import ModelSummary, Problem, Training
        >>> run = RunReport("t", Problem("regression", "mpg"), Data("cars.csv", 398), ModelSummary((), 0),
        ...     Training("adam", 0.001, 32, 1, 1), (), 40)
        >>> "<dt>optimizer</dt><dd>adam</dd>" in method(run)
        True
    """
    return "\n".join(part for part in (_data(run), _model(run), _training(run), _reproduce(run)) if part)


def _data(run: RunReport) -> str:
    """Writes where the samples came from, how they were split and what was done to each column."""
    found = run.data
    parts = facts(
        [
            ("source", found.source),
            ("samples", number(found.rows)),
            *_part_facts(found),
            ("split", found.split),
        ]
    )
    content = "".join(paragraph(text, "caution") for text in found.warnings) + parts
    content += paragraph(_duplicates(found), "note" if not found.duplicates else "caution")
    content += _class_counts(found, run.problem.classes)
    if found.columns:
        rows = [[column.name, column.kind, column.treatment] for column in found.columns]
        content += "<h3>Columns used</h3>" + _long(
            table(["column", "kind", "what was done to it"], rows), rows, "columns"
        )
    if found.dropped:
        rows = [[column.name, column.reason] for column in found.dropped]
        content += "<h3>Columns left out</h3>" + _long(table(["column", "why"], rows), rows, "columns")
    return section("data", "Data", content)


def _part_facts(found: Data) -> list[tuple[str, str]]:
    whole = sum(part.rows for part in found.parts) or 1
    return [
        (part.name, f"{number(part.rows)} ({part.rows / whole:.0%})".replace("%", " %"))
        for part in found.parts
    ]


def _duplicates(found: Data) -> str:
    if not found.duplicates:
        return "No test sample also occurs in the training part."
    return duplicates_caution(found.duplicates)


def duplicates_caution(count: int) -> str:
    """Says what test samples that also occur in the training part mean.

    Example:
        >>> duplicates_caution(2)
        '2 test samples also occur in the training part: the score may be too good.'
    """
    samples = "1 test sample also occurs" if count == 1 else f"{number(count)} test samples also occur"
    return f"{samples} in the training part: the score may be too good."


def _class_counts(found: Data, classes: Sequence[str]) -> str:
    counted = [part for part in found.parts if len(part.class_counts) == len(classes)]
    if not classes or not counted:
        return ""
    rows = [
        [name, *(number(part.class_counts[place]) for part in counted)] for place, name in enumerate(classes)
    ]
    heads = ["class", *(part.name for part in counted)]
    return "<h3>Samples of each class</h3>" + _long(
        table(heads, rows, range(1, len(heads)), narrow=True), rows, "classes"
    )


def _long(content: str, rows: Sequence[object], what: str) -> str:
    return folded(f"All {len(rows)} {what}", content) if len(rows) > _LONG else content


def _model(run: RunReport) -> str:
    """Writes the summary of the network and why it ends as it does."""
    heads = ["layer", "type", "output shape", "parameters", "connected to"]
    rows = [
        [row.name, row.type, row.output_shape, number(row.parameters), row.connected_to or "–"]
        for row in run.model.layers
    ]
    total = f"{number(run.model.total_parameters)} parameters"
    if (
        run.model.trainable_parameters is not None
        and run.model.trainable_parameters != run.model.total_parameters
    ):
        total += f", {number(run.model.trainable_parameters)} of them trainable"
    problem = run.problem
    ends = facts([("problem", problem.kind), ("last activation", problem.activation), ("loss", problem.loss)])
    why = paragraph(problem.reason) if problem.reason else ""
    layers = _long(table(heads, rows, numeric=(3,)), rows, "layers") if rows else ""
    return section("model", "Model", f"{ends}{why}{layers}{paragraph(total + '.', 'note')}")


def _training(run: RunReport) -> str:
    """Writes every setting of the training and what it ran on."""
    done = run.training
    rate = number(done.learning_rate) if isinstance(done.learning_rate, float | int) else done.learning_rate
    listed: list[tuple[str, object]] = [
        ("optimizer", done.optimizer),
        ("learning rate", rate),
        ("batch size", number(done.batch_size)),
        ("epochs", f"{done.epochs_run} of at most {done.epochs_asked}"),
        (
            "weights kept",
            f"those of epoch {done.best_epoch}" if done.best_epoch is not None else "those of the last epoch",
        ),
        ("why it stopped", done.stopped),
        ("time", duration(done.seconds) if math.isfinite(done.seconds) else ""),
        ("seed", "none set" if done.seed is None else str(done.seed)),
        ("machine", done.machine),
        ("versions", ", ".join(f"{name} {version}" for name, version in done.versions.items())),
        ("date", done.date),
    ]
    return section("training", "Training", facts(listed))


def _reproduce(run: RunReport) -> str:
    """Writes the exact lines that use the model and train it again."""
    if not run.commands:
        return ""
    blocks = "".join(
        f"<h3>{safe(command.purpose)}</h3><pre><code>{html.escape(printable(command.text))}</code></pre>"
        for command in run.commands
    )
    return section("reproduce", "Use it and repeat it", blocks)
