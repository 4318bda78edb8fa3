"""EarlyStopping and ReduceLROnPlateau against Keras 3, driven with the same random logs."""

import os
import warnings

import numpy as np
import pytest
from callback_driver import FakeModel, drive

from gradwise.callbacks import EarlyStopping, History, ReduceLROnPlateau

pytestmark = pytest.mark.feature("F2")


@pytest.fixture(scope="module")
def keras_callbacks():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    return keras.callbacks


class KerasModel:
    """As much of a Keras model as its callbacks touch."""

    class Optimizer:
        learning_rate = 0.5

    def __init__(self):
        self.stop_training = False
        self.weight = 0.0
        self.optimizer = self.Optimizer()

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        (self.weight,) = weights


def drive_keras(callback, values):
    model = KerasModel()
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        model.weight = epoch + 1.0
        logs = {"loss": value}
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, logs)
        rates.append(logs.get("learning_rate"))
        if model.stop_training:
            break
    callback.on_train_end()
    return model, rates


def random_case(seed):
    """Values and settings that are sums of eighths: exact in float32, in which Keras compares."""
    random = np.random.default_rng(seed)
    trend = random.choice([-0.25, 0.0, 0.125])
    values = np.round((random.normal(size=30).cumsum() * 0.5 + trend * np.arange(30)) * 8) / 8
    settings = {
        "mode": str(random.choice(["min", "max"])),
        "min_delta": float(random.choice([0.0, 0.125, 0.5])),
        "patience": int(random.integers(0, 5)),
    }
    return random, values.tolist(), settings


@pytest.mark.parametrize("seed", range(40))
def test_early_stopping_agrees_with_keras(keras_callbacks, seed):
    random, values, settings = random_case(seed)
    settings["baseline"] = None if random.random() < 0.6 else float(np.round(random.normal() * 8) / 8)
    settings["start_from_epoch"] = int(random.integers(0, 4))
    theirs = keras_callbacks.EarlyStopping("loss", restore_best_weights=True, **settings)
    their_model, their_rates = drive_keras(theirs, values)
    mine = EarlyStopping("loss", restore_best_weights=True, **settings)
    my_model = FakeModel()
    _, count = drive([mine], [{"loss": value} for value in values], my_model)
    assert count == len(their_rates)
    assert (mine.best, mine.best_epoch, mine.stopped_epoch, mine.wait) == (
        theirs.best, theirs.best_epoch, theirs.stopped_epoch, theirs.wait,
    )  # fmt: skip
    assert my_model.weight == their_model.weight
    assert my_model.stop_training == their_model.stop_training


@pytest.mark.parametrize("seed", range(40))
def test_reduce_on_plateau_agrees_with_keras(keras_callbacks, seed):
    random, values, settings = random_case(seed)
    settings["factor"] = float(random.choice([0.5, 0.25, 0.0]))
    settings["cooldown"] = int(random.integers(0, 4))
    settings["min_lr"] = float(random.choice([0.0, 0.0625]))
    theirs = keras_callbacks.ReduceLROnPlateau("loss", **settings)
    their_model, their_rates = drive_keras(theirs, values)
    mine, history = ReduceLROnPlateau("loss", **settings), History()
    my_model = FakeModel(learning_rate=0.5)
    drive([mine, history], [{"loss": value} for value in values], my_model)
    assert history.history["learning_rate"] == their_rates
    assert my_model.optimizer.learning_rate == their_model.optimizer.learning_rate
    assert (mine.best, mine.wait, mine.cooldown_counter) == (
        theirs.best,
        theirs.wait,
        theirs.cooldown_counter,
    )
