"""Checks that an index outside an embedding's table is told of, also where it was computed on the way."""

import numpy as np
import pytest

import gradwise as gw
from gradwise.errors import InputError
from gradwise.training import lookups

INSIDE = np.array([[0, 1, 2, 3], [3, 2, 1, 0]] * 300, "int32")
OUTSIDE = INSIDE.copy()
OUTSIDE[500, 2] = 4
LABELS = np.zeros(len(INSIDE), "float32")


class Subclass(gw.Model):
    def __init__(self):
        super().__init__()
        self.table = gw.layers.Embedding(4, 2, name="words")
        self.last = gw.layers.Dense(1)

    def call(self, inputs):
        return self.last(self.table(inputs).sum(axis=1))


def behind_another_layer():
    return gw.Sequential(
        [
            gw.Input((4,), dtype="int32"),
            gw.layers.Reshape((2, 2)),
            gw.layers.Embedding(4, 2, name="words"),
            gw.layers.Flatten(),
            gw.layers.Dense(1),
        ]
    )


@pytest.mark.parametrize("make", [Subclass, behind_another_layer])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "call"])
def test_computed_indices_outside_the_table(make, method):
    model = make()
    model.compile("sgd", "mse")
    model.predict(INSIDE, verbose=0)
    call = {
        "fit": lambda x: model.fit(x, LABELS, batch_size=100, verbose=0),
        "evaluate": lambda x: model.evaluate(x, LABELS, verbose=0),
        "predict": lambda x: model.predict(x, verbose=0),
        "call": model,
    }[method]
    with pytest.raises(
        InputError, match=r"Embedding 'words': expected indices from 0 to 3 .* got values from 0 to 4"
    ):
        call(OUTSIDE)
    model = make()
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(INSIDE, LABELS, verbose=0).history["loss"][0])


def test_a_diverged_model_with_a_checked_table_is_not_run_again(monkeypatch):
    model = gw.Sequential(
        [gw.Input((4,), dtype="int32"), gw.layers.Embedding(4, 2), gw.layers.Flatten(), gw.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.predict(INSIDE[:1], verbose=0)
    assert not lookups.computes_indices(model, INSIDE)
    monkeypatch.setattr(model, "call", lambda *_: pytest.fail("the model was run outside a program"))
    lookups.explain_nan(model, INSIDE, len(INSIDE))
