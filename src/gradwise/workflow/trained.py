"""A trained model with everything around it: what it reads, what its answers mean, what it is worth."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from gradwise.data.problems import Problem
from gradwise.data.target_encoding import TargetEncoder
from gradwise.errors import FileError
from gradwise.evaluation.baselines import Baseline
from gradwise.evaluation.scores import Score, measure
from gradwise.saving.files import load_model, read_extras, save_model
from gradwise.workflow.inputs import ImageInputs, TableInputs, WordInputs, inputs_from_config
from gradwise.workflow.prepared import fingerprint
from gradwise.workflow.reading import read_new


@dataclass(frozen=True)
class Predictions:
    """A model's answers to new samples.

    Args:
        values: [B] classes, tuples of labels or numbers; float64[B, K] numbers with several targets.
        probabilities: float[B, K], of each class or label; None for a regression.
        problem: What was predicted.
        notes: Sentences about what was out of the ordinary in the data.

    Example:
        >>> from gradwise.data.targets import find_problem
        >>> predictions = Predictions(np.array([2.5]), None, find_problem([1.5, 2.5, 3.5]))
        >>> predictions.header()
        ['predicted_target']
    """

    values: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    problem: Problem
    notes: tuple[str, ...] = ()

    def header(self) -> list[str]:
        """Returns the column names of the table that `write` writes."""
        named = self.problem.columns if not self.problem.is_classification else (_joint(self.problem),)
        head = [f"predicted_{name}" for name in named]
        if self.probabilities is not None:
            head += [f"probability_{name}" for name in self.problem.classes]
        return head

    def rows(self) -> Iterator[list[str]]:
        """Yields the rows of the table that `write` writes."""
        for index, value in enumerate(self.values):
            row = [f"{number:.6g}" for number in np.atleast_1d(value)] if self.probabilities is None else []
            if self.probabilities is not None:
                separator = self.problem.separator or ";"
                row.append(separator.join(map(str, value)) if isinstance(value, tuple) else str(value))
                row += [f"{share:.6f}" for share in self.probabilities[index]]
            yield row

    def write(self, stream: TextIO) -> None:
        """Writes the answers as CSV: a column with the prediction, then the probability of each class.

        Args:
            stream: An open text file.
        """
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.header())
        writer.writerows(self.rows())


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on new labelled samples.

    Args:
        scores: The scores, the baseline's and the intervals, the main one first.
        samples: How many samples they are from.
        notes: Sentences about what was out of the ordinary in the data.
        familiar: Whether these are the samples the model was trained or measured on before.

    Example:
        >>> Evaluation((), 10).samples
        10
    """

    scores: tuple[Score, ...]
    samples: int
    notes: tuple[str, ...] = ()
    familiar: bool = False


@dataclass(frozen=True)
class TrainedModel:
    """A model that reads tables, pictures or texts and answers in the user's words.

    Args:
        model: The network.
        inputs: How samples become arrays.
        encoder: How its outputs become answers.
        baseline: What to compare it with.
        scores: What it reached on its test part.
        facts: Further plain values worth keeping: the data's name, the seed, the date.

    Example:
        >>> TrainedModel.load("model.gwz").predict("new.csv")  # doctest: +SKIP
    """

    model: Any
    inputs: TableInputs | ImageInputs | WordInputs
    encoder: TargetEncoder
    baseline: Baseline
    scores: tuple[Score, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """What is predicted."""
        return self.encoder.problem

    def outputs(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Computes probabilities or numbers for arrays.

        Args:
            x: [B, ...], as the model takes it.

        Returns:
            float64[B, K]: the probabilities of all classes (also of two) or labels, or numbers in the
            target's own unit.
        """
        raw = np.asarray(self.model.predict(x), dtype=np.float64).reshape(len(x), -1)
        if self.problem.kind == "binary":
            return np.concatenate([1 - raw, raw], axis=1)
        if self.problem.is_classification:
            return raw
        return self.encoder.decode(raw).reshape(len(x), -1)

    def truth(self, y: NDArray[Any]) -> NDArray[Any]:
        """Turns targets as the loss takes them into what scores are measured on.

        Args:
            y: Encoded targets.

        Returns:
            Class numbers and flags as they are, numbers in the target's own unit.
        """
        return y if self.problem.is_classification else self.encoder.decode(y)

    def predict(self, data: Any) -> Predictions:
        """Answers new samples.

        Args:
            data: A file, frame, dict of columns or the name of a data set; for pictures also an array.

        Returns:
            The answers, in the order of the samples.

        Raises:
            InputError: The data cannot be read, or do not fit the model.
        """
        new = read_new(data, self.inputs, self.encoder, labelled=False)
        outputs = self.outputs(new.x)
        if not self.problem.is_classification:
            values = outputs[:, 0] if outputs.shape[1] == 1 else outputs
            return Predictions(values, None, self.problem, new.notes)
        decoded = self.encoder.decode(outputs[:, 1:] if self.problem.kind == "binary" else outputs)
        return Predictions(decoded, outputs, self.problem, new.notes)

    def evaluate(self, data: Any) -> Evaluation:
        """Measures the model on new labelled samples.

        Args:
            data: As for `predict`, with the target.

        Returns:
            The scores.

        Raises:
            InputError: The data cannot be read, do not fit the model, or have no target.
        """
        new = read_new(data, self.inputs, self.encoder, labelled=True)
        truth = self.truth(np.asarray(new.y))
        scores = measure(self.problem.kind, truth, self.outputs(new.x), self.baseline)
        told = self._familiar(data)
        return Evaluation(scores, len(new.x), (*new.notes, *told), familiar=bool(told))

    def _familiar(self, data: Any) -> tuple[str, ...]:
        """Says so if the samples are no new ones."""
        known = fingerprint(data)
        if not known or known != self.facts.get("fingerprint"):
            return ()
        if isinstance(self.inputs, TableInputs):
            return ("The model was trained on most of these rows: the scores are too good.",)
        return ("This is the test part that was measured at training, not a new one.",)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything into one file.

        Args:
            path: The file; ".gwz" is the usual ending.

        Raises:
            FileError: It cannot be written.
        """
        kept = {
            "inputs": self.inputs.to_config(),
            "target": self.encoder.to_config(),
            "baseline": self.baseline.to_config(),
            "scores": [asdict(score) for score in self.scores],
            "facts": dict(self.facts),
        }
        save_model(self.model, path, extras={"workflow": kept})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TrainedModel:
        """Reads what `save` wrote; nothing in the file is executed.

        Args:
            path: The file.

        Returns:
            The model.

        Raises:
            FileError: The file is missing, damaged, or was not written by `save`.
        """
        kept = read_extras(path).get("workflow")
        if not isinstance(kept, dict):
            raise FileError(
                f"load '{path}'",
                expected="a model that knows its data",
                got="a bare model without its preprocessing",
                fix="Use a file that 'gradwise train' wrote; gradwise.load_model reads bare models.",
            )
        try:
            encoder = TargetEncoder.from_config(kept["target"])
            inputs = inputs_from_config(kept["inputs"])
            baseline = Baseline.from_config(kept["baseline"])
            scores = tuple(_score(item) for item in kept["scores"])
            facts = dict(kept["facts"])
        except FileError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(
                f"load '{path}'",
                expected="all that belongs to a trained model",
                got=f"something else ({error})",
                fix="The file is damaged or of another version: train the model again.",
            ) from error
        return cls(load_model(path), inputs, encoder, baseline, scores, facts)


def _joint(problem: Problem) -> str:
    return problem.columns[0] if len(problem.columns) == 1 else "class"


def _score(config: Mapping[str, Any]) -> Score:
    pairs: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in config.items()
    }
    return Score(**pairs)
