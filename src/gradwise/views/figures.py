"""Figures of a training run, drawn from plain numbers as Matplotlib figures.

Nothing here touches pyplot, a display or the user's Matplotlib settings. All sizes are in units that become
CSS pixels when a figure is embedded (see `gradwise.views.embedding`), and the margins are computed from the
texts' widths, not measured from fonts, so that a figure comes out the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwise.errors import InputError
from gradwise.registry import register
from gradwise.views.canvas import (
    INK,
    LINE,
    MUTED,
    ON_DEEP,
    RIGHT,
    TRAINING,
    VALIDATION,
    WRONG,
    new_figure,
    own_settings,
    place_axes,
    title,
    write,
)
from gradwise.views.tallies import checked_counts, finite_pairs, metric_names, most_confused
from gradwise.views.text import display_width, number, percent, short_number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MATRIX_CLASSES = 20
_PANEL = (400, 280)
_MANY_POINTS = 2000
_LETTER = 6.6  # width of a column of text at size 11, on the wide side


@register("figures.learning_curves")
def learning_curves(
    history: Mapping[str, Sequence[float]],
    epochs: Sequence[int] | None = None,
    best_epoch: int | None = None,
) -> Figure:
    """Draws each metric over the epochs: training as dots, validation as a line.

    A loss that spans more than two decades gets a logarithmic axis; values that are not finite leave gaps.

    Args:
        history: Metric name -> float[E]; validation values under "val_" + name. A list shorter than the
            epochs is taken as measured every so many epochs.
        epochs: int[E], the epochs' numbers; None counts from 1.
        best_epoch: The epoch to mark, one of `epochs`.

    Returns:
        A figure with one panel per metric, two side by side.

    Raises:
        InputError: The history holds no values.

    Example:
        >>> figure = learning_curves({"loss": [0.9, 0.4], "val_loss": [0.8, 0.5]}, best_epoch=2)
        >>> len(figure.axes)
        1
    """
    names = metric_names(history)
    if not names:
        raise InputError(
            "learning_curves", expected="a history", got="no values", fix="Train for at least 1 epoch."
        )
    count = max(len(values) for values in history.values())
    numbers = list(epochs) if epochs is not None and len(epochs) >= count else list(range(1, count + 1))
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    with own_settings():
        figure = new_figure(_PANEL[0] * columns, _PANEL[1] * rows)
        for index, name in enumerate(names):
            left, top = index % columns * _PANEL[0], index // columns * _PANEL[1]
            axes = place_axes(figure, left + 56, top + 52, _PANEL[0] - 66, _PANEL[1] - 94)
            _draw_curves(axes, name, history, numbers, best_epoch)
    return figure


def _draw_curves(
    axes: Axes, name: str, history: Mapping[str, Sequence[float]], epochs: list[int], best_epoch: int | None
) -> None:
    training = _series(history.get(name, ()), epochs)
    validation = _series(history.get(f"val_{name}", ()), epochs)
    values = np.concatenate([training[1], validation[1]])
    finite = values[np.isfinite(values)]
    if training[0].size:
        label = "at each epoch" if name == "learning_rate" else "training"
        size = 4.5 if training[0].size <= 60 else 2.5
        axes.plot(*training, linestyle="", marker="o", markersize=size, color=TRAINING, label=label)
    if validation[0].size:
        alone = np.isfinite(validation[1]).sum() < 2
        marker: dict[str, Any] = {"marker": "D", "markersize": 6} if alone else {}
        axes.plot(*validation, color=VALIDATION, linewidth=2, label="validation", **marker)
    if best_epoch is not None and best_epoch in epochs:
        label = f"kept: epoch {best_epoch}"
        axes.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=0, label=label)
    if not finite.size:
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", color=MUTED)
    wide = finite.size and finite.min() > 0 and finite.max() / finite.min() > 100
    _finish_panel(axes, name, epochs, logarithmic="loss" in name and bool(wide))


def _finish_panel(axes: Axes, name: str, epochs: list[int], logarithmic: bool) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    # Each label says its whole value; Matplotlib's own factor or offset would stand where the legend is.
    axes.yaxis.set_major_formatter(FuncFormatter(_tick_label))
    axes.set_xticks(_epoch_ticks(epochs[0], epochs[-1]))
    span = max(epochs[-1] - epochs[0], 1)
    axes.set_xlim(epochs[0] - 0.03 * span, epochs[-1] + 0.03 * span)
    axes.set_xlabel("epoch", color=MUTED)
    title(axes, shorten(name.replace("_", " "), 48), 1 + 30 / (_PANEL[1] - 94))
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.015, 1.0),
        ncols=3,
        frameon=False,
        borderaxespad=0.2,
        borderpad=0,
        handlelength=1.3,
        handletextpad=0.5,
        columnspacing=1.4,
        labelcolor=MUTED,
    )


def _tick_label(value: float, _place: int | None) -> str:
    return short_number(value)


def _epoch_ticks(first: int, last: int) -> list[int]:
    """Chooses up to eight round epochs and the first one; epoch 0 is none unless it was run."""
    step = next(
        unit * 10**power for power in range(12) for unit in (1, 2, 5) if unit * 10**power * 7 >= last - first
    )
    round_ones = [tick for tick in range(-(-first // step) * step, last + 1, step)]
    return round_ones if round_ones and round_ones[0] - first < 0.6 * step else [first, *round_ones]


def _series(values: Sequence[float], epochs: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs values with their epochs; fewer values than epochs were measured at every so-manieth one."""
    array = np.asarray(values, dtype=np.float64)
    every = max(1, len(epochs) // max(1, array.size))
    places = np.asarray(epochs[every - 1 :: every][: array.size], dtype=np.float64)
    return places, np.where(np.isfinite(array), array, np.nan)[: places.size]


def confusion_matrix(counts: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draws how often each true class was predicted as which class.

    Counts are printed; the colour is their share of the true class (blue right, orange wrong). From 21
    classes on, only the most confused pairs are listed.

    Args:
        counts: int[K, K], by true class (row) and predicted class (column).
        class_names: K names.

    Returns:
        The figure.

    Raises:
        InputError: The counts are not square, or the names are too few or too many.

    Example:
        >>> figure = confusion_matrix(np.array([[9, 1], [0, 5]]), ["no", "yes"])
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['no', 'yes']
    """
    table = checked_counts(counts, class_names)
    if len(table) > MATRIX_CLASSES:
        return _pairs_figure(table, class_names)
    size = len(table)
    names = [shorten(name, 18) for name in class_names]
    widest = _LETTER * max((display_width(name) for name in names), default=1)
    high = float(np.clip(420 / max(size, 1), 28, 84))
    # Few classes leave room for cells as wide as the longest name; otherwise the names are tilted.
    wide = float(np.clip(widest + 14, high, max(high, 420 / max(size, 1))))
    tilted = widest > wide - 6
    left, below = widest + 36, (widest * 0.72 + 16 if tilted else 18) + 26
    with own_settings():
        figure = new_figure(left + size * wide + 8, size * high + below + 8)
        axes = place_axes(figure, left, 8, size * wide, size * high)
        _draw_cells(axes, table, wide, high)
        _name_cells(axes, names, tilted)
        write(figure, left + size * wide / 2, size * high + below, "predicted")
        write(figure, 14, 8 + size * high / 2, "true", rotation=90)
    return figure


def _name_cells(axes: Axes, names: Sequence[str], tilted: bool) -> None:
    centres = np.arange(len(names)) + 0.5
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if tilted else {}
    axes.set_xticks(centres, names, color=INK, parse_math=False, **slant)
    axes.set_yticks(centres, names, color=INK, parse_math=False)
    axes.tick_params(length=0, pad=6)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _draw_cells(axes: Axes, table: np.ndarray, wide: float, high: float) -> None:
    from matplotlib.patches import Rectangle

    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    size = len(table)
    axes.set_xlim(0, size)
    axes.set_ylim(size, 0)
    axes.add_patch(Rectangle((0, 0), size, size, facecolor=LINE, alpha=0.25, linewidth=0))
    for row, column in np.argwhere(table > 0).tolist():
        count = int(table[row, column])
        # Never invisible: a single mistake among thousands is still seen.
        depth = 0.14 + 0.86 * float(shares[row, column])
        corner, sides = (column + 0.5 / wide, row + 0.5 / high), (1 - 1 / wide, 1 - 1 / high)
        color = RIGHT if row == column else WRONG
        axes.add_patch(Rectangle(corner, *sides, facecolor=color, alpha=depth, linewidth=0))
        text = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
        ink = ON_DEEP if depth > 0.68 else INK
        font = min(13.0, 1.5 * wide / max(len(text), 2))
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", fontsize=font, color=ink)


def _pairs_figure(table: np.ndarray, class_names: Sequence[str]) -> Figure:
    pairs = most_confused(table)
    cells = [
        [shorten(class_names[row], 22), shorten(class_names[column], 22), number(count), percent(share)]
        for row, column, count, share in pairs
    ]
    places = ((0.02, "left"), (0.38, "left"), (0.82, "right"), (0.98, "right"))
    rows = [["true", "predicted", "times", "of the class"], *(cells or [["no mistakes", "", "", ""]])]
    with own_settings():
        figure = new_figure(520, 26 * len(rows) + 12)
        axes = place_axes(figure, 0, 0, 520, 26 * len(rows) + 12)
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) + 0.2, -0.2)
        for index, texts in enumerate(rows):
            for text, (place, side) in zip(texts, places, strict=True):
                axes.text(
                    place,
                    index + 0.5,
                    text,
                    ha=side,
                    va="center_baseline",
                    color=INK if index else MUTED,
                    parse_math=False,
                )
            axes.axhline(index + 1, color=LINE, linewidth=1)
    return figure


def predicted_against_true(y_true: np.ndarray, y_pred: np.ndarray, name: str = "") -> Figure:
    """Draws each predicted number against the true one; a perfect model has all dots on the diagonal.

    Of more than 2000 samples every so-manieth is drawn; pairs that are not finite are left out.

    Args:
        y_true: float[B], the true numbers.
        y_pred: float[B], the predicted ones.
        name: What the numbers are, for the axis labels.

    Returns:
        The figure.

    Raises:
        InputError: There are not as many predictions as true numbers.

    Example:
        >>> figure = predicted_against_true(np.array([1.0, 2.0]), np.array([1.1, 1.8]), "price")
        >>> figure.axes[0].get_xlabel()
        'true price'
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    pairs = finite_pairs(y_true, y_pred)
    pairs = pairs[:: -(-len(pairs) // _MANY_POINTS) or 1]
    low, high = (float(pairs.min()), float(pairs.max())) if pairs.size else (0.0, 1.0)
    margin = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    with own_settings():
        figure = new_figure(460, 440)
        axes = place_axes(figure, 68, 12, 376, 376)
        axes.plot(
            [low - margin, high + margin],
            [low - margin, high + margin],
            color=MUTED,
            linewidth=1,
            linestyle=(0, (3, 3)),
            zorder=1,
        )
        dots = 5 if len(pairs) <= 300 else 3.5
        axes.plot(
            pairs[:, 0],
            pairs[:, 1],
            linestyle="",
            marker="o",
            markersize=dots,
            markeredgewidth=0,
            color=TRAINING,
            alpha=0.6,
            zorder=2,
        )
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(low - margin, high + margin)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=6))
            axis.set_major_formatter(FuncFormatter(_tick_label))
        spoken = shorten(name, 30)
        axes.set_xlabel(f"true {spoken}".strip(), color=MUTED, parse_math=False)
        axes.set_ylabel(f"predicted {spoken}".strip(), color=MUTED, parse_math=False)
    return figure


def images_grid(images: Sequence[np.ndarray], captions: Sequence[str]) -> Figure:
    """Draws pictures in a grid, six to a row, their pixels unsmoothed.

    Args:
        images: uint8[H, W], uint8[H, W, 1] or uint8[H, W, 3] each.
        captions: One line below each picture.

    Returns:
        The figure.

    Raises:
        InputError: There is no picture, or not one caption for each.

    Example:
        >>> figure = images_grid([np.zeros((8, 8), np.uint8)] * 7, [str(index) for index in range(7)])
        >>> len(figure.axes)
        7
    """
    if not len(images) or len(images) != len(captions):
        raise InputError(
            "images_grid",
            expected="at least one picture and a caption for each",
            got=f"{len(images)} pictures and {len(captions)} captions",
            fix="Pass one caption, which may be empty, for each picture.",
        )
    columns = min(6, len(images))
    rows = -(-len(images) // columns)
    with own_settings():
        figure = new_figure(columns * 116, rows * 140)
        for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
            axes = place_axes(figure, index % columns * 116 + 6, index // columns * 140 + 6, 104, 104)
            axes.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(shorten(caption, 17), y=-0.2, fontsize=10, color=INK, parse_math=False)
    return figure
