"""What a training report tells, as plain data: strings, numbers, tuples, arrays; no models, no layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradwise.evaluation.scores import Score as Score


@dataclass(frozen=True)
class Problem:
    """What the model has to predict, and what follows from it for the last layer.

    Args:
        kind: "binary", "single-label", "multi-label", "regression" or "regression in [0, 1]".
        target: The name of the target column or of what the classes are.
        classes: The class names in the order of the confusion counts; empty for regression.
        activation: The last activation, for example "softmax".
        loss: The loss, for example "categorical_crossentropy".
        reason: Why this activation and this loss, in one or two sentences.

    Example:
        >>> Problem("binary", "survived", ("no", "yes")).target
        'survived'
    """

    kind: str
    target: str
    classes: tuple[str, ...] = ()
    activation: str = ""
    loss: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Column:
    """One input column that was used.

    Args:
        name: Its name.
        kind: "numeric", "nominal", "ordinal", "image" and so on.
        treatment: What was done to it, for example "mean subtracted, divided by the deviation".

    Example:
        >>> Column("age", "numeric", "standardised").kind
        'numeric'
    """

    name: str
    kind: str
    treatment: str


@dataclass(frozen=True)
class DroppedColumn:
    """One column that was not used.

    Args:
        name: Its name.
        reason: Why not.

    Example:
        >>> DroppedColumn("name", "891 values, all different").name
        'name'
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Part:
    """One part of the split data.

    Args:
        name: "training", "validation" or "test".
        rows: Its number of samples.
        class_counts: int[K], samples of each class; empty if there are no classes.

    Example:
        >>> Part("test", 360, (180, 180)).rows
        360
    """

    name: str
    rows: int
    class_counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Data:
    """Where the samples came from and what was done to them.

    Args:
        source: A file name or the name of a data set.
        rows: Samples in it.
        columns: The inputs that were used.
        parts: How the samples were split.
        dropped: The columns that were not used.
        duplicates: Test samples that also occur in the training part (they make the score too good).
        warnings: Further full sentences the reader must know.
        split: How the parts were drawn, for example "at random".

    Example:
        >>> Data("iris.csv", 150, (), (Part("test", 30),)).duplicates
        0
    """

    source: str
    rows: int
    columns: tuple[Column, ...] = ()
    parts: tuple[Part, ...] = ()
    dropped: tuple[DroppedColumn, ...] = ()
    duplicates: int = 0
    warnings: tuple[str, ...] = ()
    split: str = ""


@dataclass(frozen=True)
class LayerRow:
    """One row of the model's summary.

    Args:
        name: The layer's name.
        type: Its class.
        output_shape: Written out, for example "(batch, 10)".
        parameters: How many numbers it holds.
        connected_to: The names of the layers it reads, comma-separated.

    Example:
        >>> LayerRow("dense", "Dense", "(batch, 10)", 5130).parameters
        5130
    """

    name: str
    type: str
    output_shape: str
    parameters: int
    connected_to: str = ""


@dataclass(frozen=True)
class ModelSummary:
    """The layers of the model and its size.

    Args:
        layers: The rows, from input to output.
        total_parameters: All numbers the model holds.
        trainable_parameters: Those that training changes; None if it is all of them.

    Example:
        >>> ModelSummary((), 407050).total_parameters
        407050
    """

    layers: tuple[LayerRow, ...]
    total_parameters: int
    trainable_parameters: int | None = None


@dataclass(frozen=True)
class Training:
    """How the model was trained.

    Args:
        optimizer: Its name.
        learning_rate: The first one, or a description of the schedule.
        batch_size: Samples per update.
        epochs_run: Epochs done.
        epochs_asked: Epochs allowed.
        stopped: Why training ended, a full sentence.
        seconds: Wall-clock time of the training.
        seed: The seed everything random came from; None if none was set.
        versions: Library name -> version.
        machine: For example "Linux x86_64, 2 cores, CPU".
        date: When, as it shall be printed.
        best_epoch: The epoch whose weights were kept, counted as the history's are; None for the last.

    Example:
        >>> Training("adam", 0.001, 32, 20, 100).epochs_run
        20
    """

    optimizer: str
    learning_rate: float | str
    batch_size: int
    epochs_run: int
    epochs_asked: int
    stopped: str = ""
    seconds: float = float("nan")
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    date: str = ""
    best_epoch: int | None = None


@dataclass(frozen=True)
class Mistake:
    """One test sample the model got (most) wrong.

    Args:
        true: The true class or number.
        predicted: The predicted one.
        confidence: The probability given to the predicted class; None for regression.
        image: uint8[H, W], uint8[H, W, 1] or uint8[H, W, 3], the sample as a picture; None if it is none.
        row: Column name -> value, the sample as a row; None if it is none.

    Example:
        >>> Mistake("3", "8", confidence=0.97).predicted
        '8'
    """

    true: str | float
    predicted: str | float
    confidence: float | None = None
    image: Any = None
    row: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Command:
    """Something to type in order to use or repeat the work.

    Args:
        purpose: What it does, in a few words.
        text: The exact lines.

    Example:
        >>> Command("Predict new rows", "gradwise predict model.gw new.csv").purpose
        'Predict new rows'
    """

    purpose: str
    text: str


@dataclass(frozen=True)
class RunReport:
    """Everything the report of one training run tells.

    Args:
        title: The page's title.
        problem: What was to be predicted.
        data: What it was learned from.
        model: The network.
        training: How it was trained.
        scores: The test scores; the first one makes the verdict.
        test_samples: How many samples the scores are from.
        baseline: What the baseline does, a phrase that follows "the baseline", such as "always answers '1'".
        history: Metric name -> a value per epoch; validation values under "val_" + name.
        epochs: The epochs' numbers; None counts from 1.
        confusion: int[K, K], counts by true class (row) and predicted class (column); None if there is none.
        y_true: float[B], the true numbers of a regression's test part; None if it is none.
        y_pred: float[B], the predicted ones.
        mistakes: The worst ones, worst first.
        mistake_count: How many test samples were wrong in all; None takes it from `confusion`.
        commands: How to use the model and how to train it again.

    Example:
        >>> from gradwise.views.verdict import verdict
        >>> run = RunReport(
        ...     title="Digits", problem=Problem("single-label", "digit"), data=Data("digits", 1797),
        ...     model=ModelSummary((), 0), training=Training("adam", 0.001, 32, 5, 5),
        ...     scores=(Score("accuracy", 0.978, baseline=0.103, counts_samples=True),), test_samples=360)
        >>> verdict(run).sentence
        '97.8 % of the held-out test samples right; the baseline gets 10.3 %.'
    """

    title: str
    problem: Problem
    data: Data
    model: ModelSummary
    training: Training
    scores: tuple[Score, ...]
    test_samples: int
    baseline: str = ""
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    epochs: tuple[int, ...] | None = None
    confusion: Any = None
    y_true: Any = None
    y_pred: Any = None
    mistakes: tuple[Mistake, ...] = ()
    mistake_count: int | None = None
    commands: tuple[Command, ...] = ()
