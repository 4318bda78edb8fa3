"""Ctrl-C in training leaves a usable model."""

import os
import signal
import threading

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("F2")

X = np.random.default_rng(0).normal(size=(512, 8)).astype("float32")


def model_with_history():
    model = gw.Sequential([gw.Input((8,)), layers.Dense(16, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], verbose=0)  # compiled before the clock runs
    return model


class Events(gw.callbacks.Callback):
    def __init__(self, seconds=0.1):
        super().__init__()
        self.seconds, self.seen = seconds, []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")
        threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGINT)).start()

    def on_train_end(self, logs=None):
        self.seen.append("end")


@pytest.mark.parametrize("way", ["spans", "steps", "stream"])
def test_an_interrupt_leaves_a_whole_model(way):
    model, events = model_with_history(), Events()
    callbacks = [events]
    if way == "steps":
        callbacks.append(
            gw.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: model.get_weights())
        )
    data = (X, X[:, 0])
    if way == "stream":
        data = (iter((X[:32], X[:32, 0]) for _ in range(10**9)), None)
    before, handler = model.get_weights(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        options = {} if way == "stream" else {"epochs": 10**6, "batch_size": 8}
        model.fit(*data, verbose=0, callbacks=callbacks, **options)
    assert signal.getsignal(signal.SIGINT) is handler
    assert events.seen == ["begin", "end"]
    after = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert not np.array_equal(before[0], after[0])
    assert np.isfinite(model.evaluate(X, X[:, 0], verbose=0))
    model.fit(X, X[:, 0], verbose=0)
    assert model.predict(X[:3]).shape == (3, 1)


def test_training_works_in_another_thread():
    model = gw.Sequential([gw.Input((8,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    worker = threading.Thread(target=lambda: model.fit(X, X[:, 0], verbose=0))
    worker.start()
    worker.join()
    assert len(model.history.history["loss"]) == 1


def test_an_error_in_a_callback_leaves_a_whole_model():
    model = model_with_history()

    class Fails(gw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("mine")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, X[:, 0], epochs=3, verbose=0, callbacks=[Fails()])
    assert signal.getsignal(signal.SIGINT) is handler
    assert np.isfinite(model.predict(X)).all()
    model.fit(X, X[:, 0], verbose=0)
