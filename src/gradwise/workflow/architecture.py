"""A sensible network for a problem that nobody has tuned yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradwise.data.problems import Problem
from gradwise.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from gradwise.models.sequential import Sequential


@dataclass(frozen=True)
class Setup:
    """A network and how it is to be trained.

    Args:
        layers: The layers, the input first.
        batch_size: Samples for each update.
        epochs: At most how many epochs.
        patience: After how many epochs without a lower validation loss training ends.
        about: The network in a line.

    Example:
        >>> Setup((), 32, 100, 10, "Dense 64").batch_size
        32
    """

    layers: tuple[Any, ...]
    batch_size: int
    epochs: int
    patience: int
    about: str


def default_setup(problem: Problem, kind: str, shape: tuple[int, ...], samples: int) -> Setup:
    """Chooses a network by what it reads and by how much there is to learn from.

    Two layers of rectified units with dropout, more of it the fewer the samples; for pictures two
    convolutions before them; for texts narrow layers. The last layer is the one of table 4-1.

    Args:
        problem: The problem, which gives the last layer.
        kind: What the inputs are: "table", "image" or "words".
        shape: The shape of one sample.
        samples: The number of training samples.

    Returns:
        The layers and settings.

    Example:
        >>> from gradwise.data.targets import find_problem
        >>> default_setup(find_problem(["a", "b", "c"] * 9), "table", (4,), 16).about
        'Dense 64 → Dense 64 → Dense 3'
    """
    if kind == "image":
        return _picture_setup(problem, shape, samples)
    if kind == "words":
        layers = (Input(shape), *_stack((64,), 0.5), _last(problem))
        return Setup(layers, 512, 20, 2, f"Dense 64 → Dense {problem.output_units}")
    rate = 0.3 if samples < 1000 else 0.2 if samples < 10_000 else 0.1
    about = f"Dense 64 → Dense 64 → Dense {problem.output_units}"
    return Setup(
        (Input(shape), *_stack((64, 64), rate), _last(problem)), batch_size_for(samples), 100, 12, about
    )


def _last(problem: Problem) -> Dense:
    return Dense(problem.output_units, activation=problem.last_activation)


def _picture_setup(problem: Problem, shape: tuple[int, ...], samples: int) -> Setup:
    # On small pictures wide layers cost little; on large ones they would take minutes an epoch without a GPU.
    few, many = (32, 64) if shape[0] * shape[1] <= 256 else (16, 32)
    layers = (
        Input(shape),
        Conv2D(few, 3, activation="relu", padding="same"),
        MaxPooling2D(2),
        Conv2D(many, 3, activation="relu", padding="same"),
        MaxPooling2D(2),
        Flatten(),
        Dropout(0.3),
        *_stack((64,), 0.3),
        _last(problem),
    )
    about = f"Conv2D {few} → Conv2D {many} → Dense 64 → Dense {problem.output_units}"
    epochs = max(10, min(100, 600_000 // samples))
    return Setup(layers, 128 if samples > 10_000 else 32, epochs, 8 if samples < 10_000 else 3, about)


def _stack(widths: tuple[int, ...], rate: float) -> list[Any]:
    return [layer for width in widths for layer in (Dense(width, activation="relu"), Dropout(rate))]


def batch_size_for(samples: int) -> int:
    """Chooses a power of two from 8 to 128 that gives some thirty updates an epoch or more.

    Args:
        samples: The number of training samples.

    Example:
        >>> batch_size_for(90), batch_size_for(1000), batch_size_for(20_000)
        (8, 32, 128)
    """
    size = 8
    while size < 128 and size * 2 * 30 <= samples:
        size *= 2
    return size


def make_model(setup: Setup, problem: Problem, name: str) -> Sequential:
    """Builds and compiles the network.

    Args:
        setup: The layers.
        problem: The problem, which gives the loss and metrics.
        name: The model's name.

    Returns:
        The compiled model.

    Example:
        >>> from gradwise.data.targets import find_problem
        >>> problem = find_problem([0, 1, 1, 0])
        >>> make_model(default_setup(problem, "table", (3,), 4), problem, "tiny").count_params()
        4481
    """
    model = Sequential(list(setup.layers), name=name)
    model.compile("adam", problem.loss, metrics=list(problem.metrics))
    return model
