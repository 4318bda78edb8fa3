"""The paper the figures are drawn on: colours, settings, and placement in units that become CSS pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS_PER_INCH = 72  # as many as Matplotlib writes into SVG

# Okabe and Ito (2008), told apart with every kind of colour blindness; the embedding swaps each for a CSS
# variable, so each role has a colour of its own even where two look alike.
PAPER = "#ffffff"
INK = "#1b2430"
MUTED = "#5b6675"
LINE = "#dfe3e8"
TRAINING = "#0072b2"
VALIDATION = "#d55e00"
RIGHT = "#0067a3"
WRONG = "#c25400"
ON_DEEP = "#fdfdfd"

_WIDE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)


@contextlib.contextmanager
def own_settings() -> Iterator[None]:
    """Draws with our own settings, whatever the user's style sheet says, and leaves the user's as they were.

    Example:
        >>> with own_settings():
        ...     figure = new_figure(460, 300)
        >>> width_of(figure)
        460.0
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"font.family": _families(), "font.size": 11.0, "text.color": INK})
        yield


def _families() -> list[str]:
    """Adds to Matplotlib's own font what this machine has for Chinese, Japanese and Korean names."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _WIDE_FONTS if name in there)]


def new_figure(width: float, height: float) -> Figure:
    """Makes an empty figure of a size in units.

    Example:
        >>> height_of(new_figure(460, 300))
        300.0
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width / UNITS_PER_INCH, height / UNITS_PER_INCH), dpi=100, facecolor=PAPER)


def width_of(figure: Figure) -> float:
    """Returns a figure's width in units.

    Example:
        >>> width_of(new_figure(460, 300))
        460.0
    """
    return round(float(figure.get_figwidth()) * UNITS_PER_INCH, 3)


def height_of(figure: Figure) -> float:
    """Returns a figure's height in units.

    Example:
        >>> height_of(new_figure(460, 300))
        300.0
    """
    return round(float(figure.get_figheight()) * UNITS_PER_INCH, 3)


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Places axes by their distance from the figure's left and top edges, in units.

    Example:
        >>> axes = place_axes(new_figure(400, 200), 40, 20, 300, 100)
        >>> round(float(axes.get_position().y0), 3)
        0.4
    """
    whole_width, whole_height = width_of(figure), height_of(figure)
    place = (
        left / whole_width,
        1 - (top + height) / whole_height,
        width / whole_width,
        height / whole_height,
    )
    axes = figure.add_axes(place, facecolor="none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=MUTED, length=3, color=LINE)
    axes.grid(True, color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def title(axes: Axes, text: str, height: float) -> None:
    """Writes a panel's title at its left edge.

    Args:
        axes: The panel.
        text: The title.
        height: Where, 1 being the top of the panel.

    Example:
        >>> title(place_axes(new_figure(400, 200), 40, 20, 300, 100), "loss", 1.1)
    """
    axes.text(
        0, height, text, transform=axes.transAxes, fontsize=13, fontweight="bold", color=INK, parse_math=False
    )


def write(figure: Figure, left: float, top: float, text: str, rotation: float = 0) -> None:
    """Writes a muted text centred at a distance from the figure's left and top edges, in units.

    Example:
        >>> write(new_figure(400, 200), 200, 190, "epoch")
    """
    place = left / width_of(figure), 1 - top / height_of(figure)
    figure.text(*place, text, rotation=rotation, rotation_mode="anchor", ha="center", color=MUTED)
