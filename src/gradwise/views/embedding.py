"""Figures and pictures as text that an HTML page can hold, the same bytes for the same picture."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from gradwise.errors import InputError
from gradwise.views import canvas
from gradwise.views.text import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The page gives these variables a value for light and one for dark; without the page the colour itself holds.
_VARIABLES = {
    canvas.PAPER: "paper",
    canvas.INK: "ink",
    canvas.MUTED: "muted",
    canvas.LINE: "line",
    canvas.TRAINING: "training",
    canvas.VALIDATION: "validation",
    canvas.RIGHT: "right",
    canvas.WRONG: "wrong",
}
_COLOR = re.compile("|".join(_VARIABLES))
# Matplotlib up to 3.10 writes one "font: 700 13px 'DejaVu Sans', …", later ones a declaration for each.
_FONT = re.compile(r"\bfont: (?:\w+ )??(?:(700|bold) )?([\d.]+px)[^;]*")
_FAMILY = re.compile(r"font-family: [^;]*;? ?")


def to_svg(figure: Figure, label: str) -> str:
    """Writes a figure as an SVG element for the body of a page.

    Texts stay texts in the page's own font, so that any script is shown and can be searched; colours follow
    the page's variables (--figure-ink and so on), so that the figure is legible on light and dark paper.

    Args:
        figure: A figure made by `gradwise.views.figures`.
        label: What it shows, for those who cannot see it.

    Returns:
        `<svg …>…</svg>` without name spaces, scripts, style sheets or anything to be fetched.

    Example:
        >>> from gradwise.views import figures
        >>> svg = to_svg(figures.learning_curves({"loss": [0.9, 0.4]}), "the loss falls")
        >>> svg.startswith("<svg"), "http" in svg, "the loss falls" in svg
        (True, False, True)
    """
    root = ElementTree.fromstring(_drawn(figure))
    _drop_namespaces(root)
    for child in list(root):
        if child.tag == "metadata" or (child.tag == "defs" and child.find("style") is not None):
            root.remove(child)
    _keep_needed_ids(root)
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _page_style(element.attrib["style"]))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        element.tail = None
        if element.tag not in ("text", "tspan"):
            element.text = None
    width = canvas.width_of(figure)
    viewed = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "figure",
            "role": "img",
            "aria-label": clean(label),
            "viewBox": viewed,
            "style": f"max-width: {width:.0f}px; font-family: var(--figure-font, sans-serif)",
            "stroke-linejoin": "round",
        }
    )
    return ElementTree.tostring(root, encoding="unicode")


def _page_style(style: str) -> str:
    style = _FONT.sub(lambda font: f"font-size: {font[2]}" + ("; font-weight: 700" if font[1] else ""), style)
    style = _FAMILY.sub("", style)
    return _COLOR.sub(lambda color: f"var(--figure-{_VARIABLES[color[0]]}, {color[0]})", style)


def _drawn(figure: Figure) -> str:
    import matplotlib

    buffer = io.StringIO()
    # Ticks are made while drawing, so our own settings must hold here too.
    with canvas.own_settings(), _any_script():
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gradwise"})
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


@contextlib.contextmanager
def _any_script() -> Iterator[None]:
    """Keeps Matplotlib quiet about names its fonts cannot show: the page's fonts can, a picture has boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        yield


def _drop_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [name for name in element.attrib if "}" in name]:
            element.set(name.rpartition("}")[2], element.attrib.pop(name))


def _keep_needed_ids(root: ElementTree.Element) -> None:
    """Keeps the ids something refers to, made unique among the figures of a page."""
    whole = ElementTree.tostring(root, encoding="unicode")
    prefix = "f" + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:8]
    needed = set()
    for element in root.iter():
        for name in ("clip-path", "href"):
            target = element.get(name, "")
            found = re.search(r"#([\w-]+)", target)
            if found and not target.startswith("data:"):
                needed.add(found[1])
                element.set(name, target.replace("#", f"#{prefix}"))
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in needed:
            element.set("id", f"{prefix}{identity}")


def to_png_data_uri(figure: Figure, dots_per_inch: int = 144) -> str:
    """Writes a figure as a PNG picture for the `src` of an `<img>`.

    Args:
        figure: A figure made by `gradwise.views.figures`.
        dots_per_inch: 72 gives one pixel per unit, 144 is sharp on fine screens.

    Returns:
        "data:image/png;base64,…".

    Example:
        >>> from gradwise.views import figures
        >>> to_png_data_uri(figures.learning_curves({"loss": [0.9, 0.4]}))[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    with canvas.own_settings(), _any_script():
        figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return _data_uri(buffer.getvalue())


def image_data_uri(image: np.ndarray) -> str:
    """Writes a picture as PNG, pixel by pixel, for the `src` of an `<img>`.

    Args:
        image: uint8[H, W], uint8[H, W, 1] or uint8[H, W, 3].

    Returns:
        "data:image/png;base64,…".

    Raises:
        InputError: The array is no such picture.

    Example:
        >>> image_data_uri(np.zeros((8, 8), np.uint8))[:22]
        'data:image/png;base64,'
    """
    from PIL import Image

    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)
    if array.dtype != np.uint8 or not fits or not array.size:
        raise InputError(
            "image",
            expected="uint8[H, W] or uint8[H, W, 3]",
            got=f"{array.dtype}{list(array.shape)}",
            fix="Scale the values to 0 … 255 and convert them with astype('uint8').",
        )
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return _data_uri(buffer.getvalue())


def _data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
