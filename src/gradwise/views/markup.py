"""The few pieces of HTML a report is made of. Every text that goes in is cleaned and escaped here."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from gradwise.views.text import clean


def safe(text: object) -> str:
    """Cleans and escapes a text for the body of a page or a quoted attribute.

    A number stays on one line with its percent sign.

    Example:
        >>> safe('<b> & "c"')
        '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return re.sub(r"(?<=\d) %", "\u00a0%", html.escape(clean(text), quote=True))


def tag(name: str, content: str, style_class: str = "") -> str:
    """Wraps HTML that is already safe in an element.

    Example:
        >>> tag("p", "hello", "note")
        '<p class="note">hello</p>'
    """
    opening = f'{name} class="{style_class}"' if style_class else name
    return f"<{opening}>{content}</{name}>"


def paragraph(text: object, style_class: str = "") -> str:
    """Makes a paragraph of a text.

    Example:
        >>> paragraph("a < b")
        '<p>a &lt; b</p>'
    """
    return tag("p", safe(text), style_class)


def section(identity: str, heading: str, content: str) -> str:
    """Makes a section with a heading that can be linked to.

    Example:
        >>> section("data", "Data", "<p>…</p>")
        '<section id="data"><h2>Data</h2><p>…</p></section>'
    """
    return f'<section id="{identity}"><h2>{safe(heading)}</h2>{content}</section>'


def table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], numeric: Sequence[int] = (), narrow: bool = False
) -> str:
    """Makes a table.

    Args:
        heads: The heads of the columns.
        rows: The cells; the first of each row names it.
        numeric: The places of the columns that hold numbers, which are set to the right.
        narrow: True for a few short columns, set close together on every screen. Else the table takes the
            whole width, and on a telephone each row becomes a block of labelled lines.

    Returns:
        `<table …>…</table>`.

    Example:
        >>> table(["a"], [["<"]])[-72:]
        '<tbody><tr><th scope="row" data-label="a">&lt;</th></tr></tbody></table>'
    """
    classes = [' class="number"' if place in numeric else "" for place in range(len(heads))]
    head = "".join(
        f'<th scope="col"{style}>{safe(text)}</th>' for text, style in zip(heads, classes, strict=True)
    )
    body = "".join(f"<tr>{_cells(heads, row, classes)}</tr>" for row in rows)
    opening = f'<table class="{"narrow" if narrow else "stacks"}">'
    return f"{opening}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(heads: Sequence[str], row: Sequence[object], classes: Sequence[str]) -> str:
    cells = []
    for place, (label, value, style) in enumerate(zip(heads, row, classes, strict=True)):
        name, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
        cells.append(f'<{name}{scope}{style} data-label="{safe(label)}">{safe(value)}</{name}>')
    return "".join(cells)


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """Makes a list of names and values; pairs with an empty value are left out.

    Example:
        >>> facts([("seed", 7), ("machine", "")])
        '<dl class="facts"><div><dt>seed</dt><dd>7</dd></div></dl>'
    """
    rows = [(name, clean(value)) for name, value in pairs if value is not None]
    inner = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in rows if value
    )
    return f'<dl class="facts">{inner}</dl>'


def folded(summary: str, content: str) -> str:
    """Makes a part that is opened by a click; printing opens it.

    Example:
        >>> folded("All 60 classes", "<p>…</p>")
        '<details><summary>All 60 classes</summary><p>…</p></details>'
    """
    return f"<details><summary>{safe(summary)}</summary>{content}</details>"


def figure(picture: str, caption: object = "") -> str:
    """Makes a figure of a picture that is already safe HTML, with a caption.

    Example:
        >>> figure("<svg></svg>", "It falls.")
        '<figure><svg></svg><figcaption>It falls.</figcaption></figure>'
    """
    below = f"<figcaption>{safe(caption)}</figcaption>" if caption else ""
    return f"<figure>{picture}{below}</figure>"
