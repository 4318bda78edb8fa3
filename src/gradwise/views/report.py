"""The training report: one HTML file that tells what a model is worth and how it came about.

The page needs nothing but itself: no scripts, no fonts, no network; the same run gives the same bytes.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from string import Template

from gradwise.views.markup import safe
from gradwise.views.method import method
from gradwise.views.record import (
    Column,
    Command,
    Data,
    DroppedColumn,
    LayerRow,
    Mistake,
    ModelSummary,
    Part,
    Problem,
    RunReport,
    Score,
    Training,
)
from gradwise.views.results import results
from gradwise.views.text import clean, number

__all__ = [
    "Column",
    "Command",
    "Data",
    "DroppedColumn",
    "LayerRow",
    "Mistake",
    "ModelSummary",
    "Part",
    "Problem",
    "RunReport",
    "Score",
    "Training",
    "render_report",
    "write_report",
]


def write_report(path: str | os.PathLike[str], run: RunReport) -> Path:
    """Writes the report of a run into one HTML file, whole or not at all.

    Args:
        path: The file; one that exists is replaced in a single step. Its folder is made if need be.
        run: What the report tells.

    Returns:
        The file's path.

    Raises:
        InputError: The run contradicts itself, for example in the shape of the confusion counts.
        OSError: The file cannot be written.

    Example:
        >>> run = RunReport(
        ...     title="Digits", problem=Problem("single-label", "digit"), data=Data("digits", 1797),
        ...     model=ModelSummary((), 0), training=Training("adam", 0.001, 32, 5, 5),
        ...     scores=(Score("accuracy", 0.978, baseline=0.103, counts_samples=True),), test_samples=360)
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(Path(folder) / "report.html", run).name
        'report.html'
    """
    target = Path(path)
    content = render_report(run).encode("utf-8", "replace")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not from tempfile, whose files only their owner may read.
    temporary = target.parent / f".report-{os.getpid()}-{threading.get_ident()}.part"
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def render_report(run: RunReport) -> str:
    """Makes the HTML page of a run's report.

    Args:
        run: What the report tells.

    Returns:
        The page, the same for the same run.

    Raises:
        InputError: The run has no score, or contradicts itself.

    Example:
        >>> run = RunReport(
        ...     title="Digits <1>", problem=Problem("single-label", "digit"), data=Data("digits", 1797),
        ...     model=ModelSummary((), 0), training=Training("adam", 0.001, 32, 5, 5),
        ...     scores=(Score("accuracy", 0.978, baseline=0.103, counts_samples=True),), test_samples=360)
        >>> "<h1>Digits &lt;1&gt;</h1>" in render_report(run)
        True
    """
    body = results(run) + "\n" + method(run)
    folder = Path(__file__).parent
    page = Template(folder.joinpath("page.html").read_text(encoding="utf-8"))
    shown = [("Training report", True), (run.training.date, bool(run.training.date))]
    return page.substitute(
        title=safe(run.title),
        style=folder.joinpath("page.css").read_text(encoding="utf-8").strip(),
        eyebrow=" · ".join(safe(text) for text, wanted in shown if wanted),
        lede=safe(_lede(run)),
        nav=_nav(body),
        main=body,
        footer=safe(_footer(run)),
    )


def _lede(run: RunReport) -> str:
    problem = run.problem
    kind = f"{problem.kind}, {len(problem.classes)} classes" if problem.classes else problem.kind
    rows = number(run.data.rows)
    learned = f"learned from {rows} samples of {clean(run.data.source)}"
    return f"Predicts “{clean(problem.target)}” ({clean(kind)}), {learned}."


def _nav(body: str) -> str:
    headings = re.findall(r'<section id="([a-z]+)"><h2>([^<]*)</h2>', body)
    return "".join(f'<a href="#{identity}">{heading}</a>' for identity, heading in headings)


def _footer(run: RunReport) -> str:
    version = run.training.versions.get("gradwise")
    maker = f"Gradwise {version}" if version else "Gradwise"
    return f"Written by {maker}. This page is complete in itself: it loads nothing and runs no scripts."
