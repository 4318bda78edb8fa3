"""One run from a data set to a model with its scores and its report."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import next_seed, set_random_seed
from gradwise.evaluation.baselines import fit_baseline
from gradwise.evaluation.scores import measure
from gradwise.models.sequential import Sequential
from gradwise.training.callbacks import EarlyStopping, TerminateOnNaN
from gradwise.views.record import RunReport
from gradwise.views.report import write_report
from gradwise.views.text import number
from gradwise.views.verdict import Verdict, verdict
from gradwise.workflow.architecture import Setup, default_setup, make_model
from gradwise.workflow.describing import tell_data, tell_files, tell_outcome
from gradwise.workflow.output import check_folder, publish
from gradwise.workflow.prepared import Prepared, fingerprint, prepare
from gradwise.workflow.reporting import Fitting, run_record, run_report, scores_by_name
from gradwise.workflow.telling import Teller
from gradwise.workflow.trained import TrainedModel

_LEAST_GAIN = 1e-4  # a smaller fall of the validation loss changes no answer


@dataclass
class Result:
    """What came out of a run.

    Args:
        trained: The model with all that belongs to it.
        prepared: The data.
        fitting: How it was trained.
        outputs: float[B, K], what the model answered to the test part.
        report_path: The report, once the run is saved.

    Example:
        >>> result = train({"size": list(range(40)), "y": [0] * 20 + [1] * 20}, epochs=2, verbose=0)
        >>> sorted(result.test)
        ['ROC AUC', 'accuracy', 'log loss']
    """

    trained: TrainedModel
    prepared: Prepared
    fitting: Fitting
    outputs: NDArray[np.float64]
    report_path: Path | None = None

    @property
    def model(self) -> Any:
        """The network."""
        return self.trained.model

    @property
    def test(self) -> dict[str, float]:
        """The scores on the test part, by name."""
        return scores_by_name(self.trained.scores)

    @property
    def baseline(self) -> dict[str, float]:
        """The baseline's scores on the same samples."""
        return scores_by_name(self.trained.scores, "baseline")

    @property
    def verdict(self) -> Verdict:
        """What the main score is worth, in a sentence."""
        return verdict(self.report())

    def predict(self, data: Any) -> NDArray[Any]:
        """Answers new samples in the target's own words or unit.

        Args:
            data: A file, frame or dict with the training columns; for pictures also an array.

        Returns:
            [B] classes, tuples of labels or numbers.
        """
        return self.trained.predict(data).values

    def report(self, folder: str = ".") -> RunReport:
        """Gathers everything the report tells.

        Args:
            folder: Where the model lies.
        """
        return run_report(self.prepared, self.trained, self.fitting, self.outputs, folder)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes model.gwz, report.html and run.json: all of them, or none.

        Args:
            folder: Where to; files of these names are replaced, others left alone.

        Returns:
            The report's path.

        Raises:
            FileError: The folder cannot be written to.
        """
        place = Path(folder)
        report = self.report(str(place))
        record = json.dumps(run_record(report, self.prepared, self.fitting), ensure_ascii=False, indent=1)
        publish(
            place,
            {
                "model.gwz": self.trained.save,
                "report.html": lambda path: write_report(path, report),
                "run.json": lambda path: path.write_text(record + "\n", encoding="utf-8"),
            },
        )
        self.report_path = place / "report.html"
        return self.report_path


def train(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    kind: str | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    verbose: int = 1,
) -> Result:
    """Trains a model on a data set and measures what it is worth.

    The steps are those of the universal workflow (F. Chollet 2017, section 4.5): the problem is found from
    the target and gives the last activation and the loss; the data are split, and encoded with statistics
    of the training part only; a network of moderate size is trained until the validation loss no longer
    falls; the test part is measured once, beside a dumb baseline.

    Args:
        data: A CSV file, the name of a data set, a pandas or polars frame, or a dict of columns.
        target: The target column or columns; by default found by name, else the last one.
        kind: The kind of problem, if the one found is not meant: "binary", "single_label", "multi_label",
            "regression" or "unit_regression".
        columns: Kinds of columns by name, likewise; a list of words is an ordinal column in that order.
        epochs: At most how many epochs.
        batch_size: Samples for each update.
        out: The folder for model.gwz, report.html and run.json; None writes nothing.
        seed: Seed of everything random; by default drawn from the library's seed.
        verbose: 0 prints nothing.

    Returns:
        The model, its scores and the baseline's, and the means to save, report and predict.

    Raises:
        InputError: The data or a setting cannot be used; nothing has been trained or written then.
        FileError: A file is damaged, or the folder cannot be written to.

    Example:
        >>> table = {"size": list(range(40)), "price": [3.0 * size + 1 for size in range(40)]}
        >>> train(table, columns={"size": "numeric"}, epochs=1, seed=1, verbose=0).trained.problem.kind
        Traceback (most recent call last):
        ...
        gradwise.errors.InputError: table: expected at least one column to learn from, but got 'size': ...
    """
    teller = Teller(verbose)
    if out is not None:
        check_folder(Path(out))
    chosen = next_seed() if seed is None else seed
    with _seeded(chosen):
        prepared = prepare(data, target, kind=kind, columns=columns, seed=chosen)
        tell_data(teller, prepared)
        setup = default_setup(
            prepared.encoder.problem,
            prepared.inputs.to_config()["kind"],
            prepared.inputs.shape,
            len(prepared.train),
        )
        model = make_model(setup, prepared.encoder.problem, _model_name(prepared.name))
        size, most = batch_size or setup.batch_size, epochs or setup.epochs
        teller.fact(
            "Model",
            f"{setup.about}, {number(model.count_params())} parameters; "
            f"{model.optimizer.name}, batches of {size}, at most {most} epochs",
        )
        teller.gap()
        fitting = _fit(model, prepared, setup, size, most, chosen, verbose)
    result = _measured(model, prepared, fitting)
    tell_outcome(teller, result.trained, result.fitting, result.verdict)
    if out is not None:
        tell_files(teller, result.save(out))
    return result


def _fit(
    model: Sequential, prepared: Prepared, setup: Setup, batch_size: int, epochs: int, seed: int, verbose: int
) -> Fitting:
    stopping = EarlyStopping(
        "val_loss", min_delta=_LEAST_GAIN, patience=setup.patience, restore_best_weights=True
    )
    begun = time.perf_counter()
    history = model.fit(
        prepared.train.x,
        prepared.train.y,
        batch_size=batch_size,
        epochs=epochs,
        verbose=verbose,
        callbacks=[stopping, TerminateOnNaN()],
        validation_data=(prepared.validation.x, prepared.validation.y),
    )
    seconds = time.perf_counter() - begun
    run = len(history.epoch)
    stopped = "Training ended after the last epoch that was allowed."
    if stopping.stopped_epoch:
        stopped = (
            f"Training stopped after epoch {run}: the validation loss had not fallen for {setup.patience} "
            f"epochs; the weights of epoch {stopping.best_epoch + 1} are kept."
        )
    scale = prepared.encoder.scale
    curves = {
        # Shown in the target's own unit; with several targets there is none.
        name: [value * float(scale[0]) for value in values]
        if name.endswith("mae") and len(scale) == 1
        else values
        for name, values in history.history.items()
    }
    rate = float(model.optimizer.learning_rate)
    return Fitting(curves, epochs, stopping.best_epoch + 1, stopped, seconds, batch_size, rate, seed)


def _measured(model: Sequential, prepared: Prepared, fitting: Fitting) -> Result:
    """Evaluates the test part: this is the only place where the model sees it."""
    problem = prepared.encoder.problem
    facts = {
        "name": prepared.name,
        "source": prepared.source,
        "rows": prepared.rows,
        "fingerprint": fingerprint(prepared.origin),
        "test_samples": len(prepared.test),
        "seed": fitting.seed,
        "epochs": fitting.best_epoch,
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }
    bare = TrainedModel(
        model, prepared.inputs, prepared.encoder, fit_baseline(problem.kind, np.zeros(1)), (), facts
    )
    baseline = fit_baseline(problem.kind, bare.truth(prepared.train.y), len(problem.classes))
    outputs = bare.outputs(prepared.test.x)
    scores = measure(problem.kind, bare.truth(prepared.test.y), outputs, baseline)
    trained = TrainedModel(model, prepared.inputs, prepared.encoder, baseline, scores, facts)
    return Result(trained, prepared, fitting, outputs)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Makes what happens inside repeatable, and leaves the caller's random numbers as they were."""
    before, plain = np.random.get_state(), random.getstate()
    set_random_seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
        random.setstate(plain)


def _model_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)
