import dataclasses

import numpy as np
import pytest

from gradwise.views.record import (
    Column,
    Command,
    Data,
    DroppedColumn,
    LayerRow,
    Mistake,
    ModelSummary,
    Part,
    Problem,
    RunReport,
    Score,
    Training,
)

DIGITS = tuple("0123456789")


def _digits():
    confusion = np.diag(np.full(10, 35))
    confusion[3, 8] = 7
    confusion[9, 1] = 3
    return RunReport(
        title="Handwritten digits",
        problem=Problem(
            "single-label", "digit", DIGITS, "softmax", "categorical_crossentropy", "One of ten."
        ),
        data=Data(
            "digits",
            1797,
            (Column("pixels", "image", "divided by 16"),),
            (Part("training", 1437, (143,) * 10), Part("test", 360, (36,) * 10)),
            (DroppedColumn("writer", "names the row"),),
            2,
            ("A warning of its own.",),
        ),
        model=ModelSummary((LayerRow("hidden", "Dense", "(batch, 64)", 4160, "input"),), 4810, 4160),
        training=Training(
            "adam",
            0.001,
            32,
            3,
            50,
            "Stopped early.",
            3.4,
            7,
            {"gradwise": "0.1.0"},
            "a machine",
            "a date",
            2,
        ),
        scores=(
            Score("accuracy", 352 / 360, 0.103, counts_samples=True, explanation="Share of right ones."),
        ),
        test_samples=360,
        baseline="always answers '3'",
        history={"loss": [2.1, 0.7, 0.4], "val_loss": [1.9, 0.6, 0.65], "accuracy": [0.4, 0.8, 0.9]},
        confusion=confusion,
        mistakes=(Mistake("3", "8", 0.973, np.arange(64, dtype=np.uint8).reshape(8, 8)),),
        commands=(Command("Predict new rows", "gradwise predict model.gw new.csv\n  --out here  x"),),
    )


@pytest.fixture
def run():
    return _digits()


@pytest.fixture
def regression(run):
    y_true = np.linspace(0.0, 50.0, 40)
    return dataclasses.replace(
        run,
        problem=Problem("regression", "price"),
        scores=(Score("mean absolute error", 2.41, 6.53, (2.1, 2.7), higher_is_better=False),),
        confusion=None,
        y_true=y_true,
        y_pred=y_true + 2.0,
        mistakes=(Mistake(21.5, 50.0, row={"rooms": 6.0, "town": None, "note": "<i>"}),),
    )
