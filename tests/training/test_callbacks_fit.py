"""The built-in callbacks in real training."""

import csv
import math

import numpy as np
import pytest

from gradwise import Input, Sequential, layers
from gradwise.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("F2")


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(64, 3)).astype("float32")
    return x, x @ np.array([1.0, -2.0, 0.5], "float32")


def model_of(learning_rate=None):
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    if learning_rate is not None:
        model.optimizer.learning_rate = learning_rate
    return model


def test_early_stopping_ends_with_the_best_weights(problem):
    x, y = problem
    model = model_of()
    # Rising rates: training gets better at first and then worse.
    rates = LearningRateScheduler(lambda epoch: 0.02 * 2.0**epoch)
    stopping = EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(
        x, y, epochs=40, batch_size=16, validation_data=(x, y), callbacks=[rates, stopping], verbose=0
    )
    losses = history.history["val_loss"]
    assert len(losses) < 40
    assert stopping.best_epoch == int(np.argmin(losses)) == len(losses) - 4
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(min(losses), rel=1e-4)


def test_a_misspelt_monitor_stops_fit_before_the_first_epoch(problem):
    model = model_of()
    before = model.get_weights()
    with pytest.raises(InputError, match="Did you mean 'val_loss'"):
        model.fit(*problem, validation_split=0.25, callbacks=[EarlyStopping("val_los")], verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_learning_rates_are_used(problem):
    x, y = problem
    model = model_of()
    before = model.get_weights()
    model.fit(x, y, callbacks=LearningRateScheduler(lambda epoch: 0.0), verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    plateau = ReduceLROnPlateau("loss", factor=0.0, patience=1, min_delta=1e9)
    model.fit(x, y, epochs=3, callbacks=plateau, verbose=0)
    assert model.optimizer.learning_rate == 0.0


def test_learning_rates_are_in_the_history(problem):
    rates = LearningRateScheduler(lambda epoch: 0.5**epoch * 0.01)
    history = model_of().fit(*problem, epochs=3, callbacks=[rates], verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.01, 0.005, 0.0025])


def test_divergence_ends_training(problem, capsys):
    history = model_of(1e6).fit(*problem, epochs=50, batch_size=4, callbacks=[TerminateOnNaN()], verbose=0)
    assert len(history.history["loss"]) < 50
    assert not math.isfinite(history.history["loss"][-1])
    assert "TerminateOnNaN: the loss became" in capsys.readouterr().out


def test_weights_saved_between_steps_are_those_of_the_step(problem, tmp_path):
    x, y = problem
    seen = []

    class Recorder(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.run.weights())

    model = model_of()
    saver = ModelCheckpoint(tmp_path / "{batch}.weights.h5", save_freq=2, save_weights_only=True)
    model.save_weights = lambda path: np.savez(path, *model.get_weights())
    model.fit(x, y, batch_size=16, callbacks=[Recorder(), saver], verbose=0)
    for batch in (2, 4):
        with np.load(tmp_path / f"{batch}.weights.h5.npz") as saved:
            np.testing.assert_array_equal(saved["arr_0"], seen[batch - 1][0])


def test_reading_callbacks_see_every_step(problem, tmp_path):
    x, y = problem
    seen = []
    reading = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"])), reads_only_logs=True
    )
    logger = CSVLogger(tmp_path / "log.csv")
    history = model_of().fit(x, y, epochs=2, batch_size=16, callbacks=[reading, logger], verbose=0)
    assert [batch for batch, _ in seen] == [0, 1, 2, 3] * 2
    assert seen[-1][1] == pytest.approx(history.history["loss"][-1])
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["epoch", "loss", "mae"]
    assert [float(row[1]) for row in rows[1:]] == history.history["loss"]


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_one_line_per_epoch_in_a_pipe(problem, capsys, verbose):
    x, y = problem
    model_of().fit(x, y, epochs=1, batch_size=16, validation_data=(x, y), verbose=verbose)
    *plan, line = capsys.readouterr().out.splitlines()
    assert [text.split(":")[0] for text in plan] == (["Plan"] if verbose == 2 else [])
    assert line.startswith("Epoch 1/1  4/4  ")
    for name in ("samples/s", "  loss ", "  mae ", "  val_loss ", "  val_mae "):
        assert name in line
