"""What went wrong on the test part: confusion counts or scatter, and the worst mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.evaluation.scores import answers
from gradwise.views.record import Mistake
from gradwise.workflow.prepared import Prepared
from gradwise.workflow.trained import TrainedModel

_WORST = 12


def errors_of(
    prepared: Prepared, trained: TrainedModel, truth: NDArray[Any], outputs: NDArray[np.float64]
) -> dict[str, Any]:
    """Gathers what a report shows of the errors on the test part.

    Args:
        prepared: The data.
        trained: The model.
        truth: The targets of the test part.
        outputs: float[B, K], the model's answers to it.

    Returns:
        Settings of `RunReport`: the confusion counts or the scatter, and the worst mistakes.
    """
    problem = trained.problem
    if problem.kind in ("binary", "single_label"):
        return _class_errors(prepared, [str(name) for name in problem.classes], problem.kind, truth, outputs)
    if problem.kind == "multi_label":
        return _label_errors(prepared, [str(name) for name in problem.classes], truth, outputs)
    if outputs.shape[1] > 1:
        return {}
    y_true, y_pred = truth.reshape(-1), outputs[:, 0]
    worst = np.argsort(-np.abs(y_pred - y_true), kind="stable")[:_WORST]
    mistakes = tuple(
        Mistake(float(y_true[index]), float(y_pred[index]), **prepared.show(int(index))) for index in worst
    )
    return {"y_true": y_true, "y_pred": y_pred, "mistakes": mistakes}


def _class_errors(
    prepared: Prepared, names: list[str], kind: str, truth: NDArray[Any], outputs: NDArray[np.float64]
) -> dict[str, Any]:
    said = answers(kind, outputs)
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (truth, said), 1)
    wrong = np.nonzero(said != truth)[0]
    # Worst is where the true class was thought least likely.
    order = wrong[np.argsort(outputs[wrong, truth[wrong]], kind="stable")][:_WORST]
    mistakes = tuple(
        Mistake(
            names[int(truth[index])],
            names[int(said[index])],
            float(outputs[index, said[index]]),
            **prepared.show(int(index)),
        )
        for index in order
    )
    return {"confusion": confusion, "mistakes": mistakes, "mistake_count": len(wrong)}


def _label_errors(
    prepared: Prepared, names: list[str], truth: NDArray[Any], outputs: NDArray[np.float64]
) -> dict[str, Any]:
    wrong = (outputs >= 0.5) != (truth > 0.5)  # [B, K]
    rows = np.nonzero(wrong.any(axis=1))[0]
    loss = np.abs(outputs - truth).sum(axis=1)
    order = rows[np.argsort(-loss[rows], kind="stable")][:_WORST]

    def spoken(flags: NDArray[np.bool_]) -> str:
        return ", ".join(name for name, on in zip(names, flags, strict=True) if on) or "no label"

    mistakes = tuple(
        Mistake(spoken(truth[index] > 0.5), spoken(outputs[index] >= 0.5), **prepared.show(int(index)))
        for index in order
    )
    return {"mistakes": mistakes, "mistake_count": len(rows)}
