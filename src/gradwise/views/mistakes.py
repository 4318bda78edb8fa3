"""The samples a model got most wrong, as pictures or rows."""

from __future__ import annotations

import numpy as np

from gradwise.views.embedding import image_data_uri
from gradwise.views.markup import facts, folded, paragraph, safe, section
from gradwise.views.record import Mistake, RunReport
from gradwise.views.text import clean, number, percent, shorten

_SHOWN_COLUMNS = 8
_SHOWN_LETTERS = 280
_HEADING = "Worst mistakes"


def worst_mistakes(run: RunReport) -> str:
    """Writes the section of the worst mistakes.

    Args:
        run: The finished run.

    Returns:
        An HTML section.

    Raises:
        InputError: A picture is not uint8[H, W] or uint8[H, W, 3].

    Example:
        >>> from gradwise.views.record import Data, ModelSummary, Problem, Training
        >>> run = RunReport("t", Problem("binary", "sick"), Data("a.csv", 398), ModelSummary((), 0),
        ...     Training("adam", 0.001, 32, 1, 1), (), 40, mistake_count=0)
        >>> "Not one of the 40 test samples was wrong." in worst_mistakes(run)
        True
    """
    count = _count(run)
    if count == 0:
        spoken = f"Not one of the {number(run.test_samples)} test samples was wrong."
        return section("mistakes", _HEADING, paragraph(spoken))
    if not run.mistakes:
        return section("mistakes", _HEADING, paragraph("There were mistakes, but none is shown here."))
    lead = (
        f"{len(run.mistakes)} test samples, the worst first." if len(run.mistakes) > 1 else "One test sample."
    )
    if count and count > len(run.mistakes):
        lead = f"The worst {len(run.mistakes)} of {number(count)} wrong test samples."
    kind = "pictures" if any(mistake.image is not None for mistake in run.mistakes) else "rows"
    cards = "".join(_card(mistake, bool(run.problem.classes)) for mistake in run.mistakes)
    return section("mistakes", _HEADING, f'{paragraph(lead)}<ul class="{kind}">{cards}</ul>')


def _count(run: RunReport) -> int | None:
    if run.mistake_count is not None or run.confusion is None:
        return run.mistake_count
    counts = np.asarray(run.confusion)
    return int(counts.sum() - counts.trace())


def _card(mistake: Mistake, classes: bool) -> str:
    picture = ""
    if mistake.image is not None:
        source, name = image_data_uri(mistake.image), safe(_told(mistake.true))
        picture = f'<img src="{source}" alt="{name}" width="112" height="112">'
    return f"<li>{picture}<div>{_answer(mistake, classes)}{_row(mistake)}</div></li>"


def _answer(mistake: Mistake, classes: bool) -> str:
    true, predicted = safe(_told(mistake.true)), safe(_told(mistake.predicted))
    if classes or isinstance(mistake.true, str) or isinstance(mistake.predicted, str):
        sure = "" if mistake.confidence is None else paragraph(f"{percent(mistake.confidence)} sure", "sure")
        return f'<p class="answer"><span>{true}</span> taken for <b>{predicted}</b></p>{sure}'
    gap = float(mistake.predicted) - float(mistake.true)
    off = paragraph(f"{number(abs(gap))} too {'high' if gap > 0 else 'low'}", "sure")
    return f'<p class="answer">true <span>{true}</span>, predicted <b>{predicted}</b></p>{off}'


def _told(value: str | float) -> str:
    return number(value) if isinstance(value, float) else shorten(value, 60)


def _row(mistake: Mistake) -> str:
    if not mistake.row:
        return ""
    if len(mistake.row) == 1:
        return paragraph(_cell(next(iter(mistake.row.values()))), "quote")
    pairs = [(shorten(name, 40), _cell(value)) for name, value in mistake.row.items()]
    rest = pairs[_SHOWN_COLUMNS:]
    more = (
        folded("1 more column" if len(rest) == 1 else f"{len(rest)} more columns", facts(rest))
        if rest
        else ""
    )
    return facts(pairs[:_SHOWN_COLUMNS]) + more


def _cell(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    if value is None:
        return "missing"
    text = clean(value)
    return text if len(text) <= _SHOWN_LETTERS else text[: _SHOWN_LETTERS - 1] + "…"
