"""How many updates an epoch makes, in which order samples come, and what a seed fixes."""

import subprocess
import sys

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers

pytestmark = pytest.mark.feature("F1")


def linear(width=1, **options):
    model = gw.Sequential([gw.Input((width,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(gw.optimizers.SGD(**options), "mse")
    return model


def steps_of(model):
    return int(np.asarray(model.session._step))


def test_60000_samples_make_469_updates_of_which_the_last_is_smaller():
    model = linear(learning_rate=1e-3)
    sizes = []

    class Sizes(gw.callbacks.Callback):
        def on_train_begin(self, logs=None):
            sizes.append(self.params["steps"])

    model.fit(
        np.ones((60_000, 1), "float32"), np.zeros(60_000), batch_size=128, verbose=0, callbacks=[Sizes()]
    )
    assert sizes == [469]
    assert steps_of(model) == 469
    model.fit(np.ones((60_000, 1), "float32"), np.zeros(60_000), batch_size=128, epochs=2, verbose=0)
    assert steps_of(model) == 3 * 469


def test_the_smaller_last_batch_is_an_average_over_its_own_samples():
    """With gradient 2 (w x - y) x averaged over each batch, by hand."""
    x, y = np.arange(1.0, 8.0)[:, None] / 7, np.linspace(-1, 1, 7)[:, None]
    model = linear(learning_rate=0.1)
    model.fit(x, y, batch_size=3, shuffle=False, verbose=0)
    w = 0.0
    for rows in ([0, 1, 2], [3, 4, 5], [6]):
        w -= 0.1 * np.mean(2 * (w * x[rows] - y[rows]) * x[rows])
    assert model.get_weights()[0].item() == pytest.approx(w, rel=1e-5)


def orders(model, fits=1, epochs=3, count=12, **options):
    """The order in which samples are seen: each batch of one leaves its target in the weight."""
    seen = []

    class Note(gw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(round(model.get_weights()[0].item()))

    # w - 0.5 * 2 (w - y) = y
    for _ in range(fits):
        model.fit(
            np.ones((count, 1)),
            np.arange(count),
            batch_size=1,
            epochs=epochs,
            verbose=0,
            callbacks=[Note()],
            **options,
        )
    return np.reshape(seen, (-1, count))


def test_every_epoch_is_a_fresh_shuffle_of_all_samples():
    seen = orders(linear(learning_rate=0.5))
    assert len({tuple(row) for row in seen}) == 3
    for row in seen:
        assert sorted(row) == list(range(12))
        assert list(row) != list(range(12))


def test_a_second_fit_shuffles_anew():
    seen = orders(linear(learning_rate=0.5), fits=2, epochs=1)
    assert list(seen[0]) != list(seen[1])


def test_no_shuffle_keeps_the_order():
    assert orders(linear(learning_rate=0.5), epochs=2, shuffle=False).tolist() == [list(range(12))] * 2


def small_run(seed, plain=True):
    gw.set_random_seed(seed)
    x, y = np.random.default_rng(0).normal(size=(50, 4)), np.arange(50) % 3
    stack = [
        layers.Dense(8, "relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        layers.Dense(3, "softmax"),
    ]
    model = gw.Sequential([gw.Input((4,)), *stack])
    model.compile("adam", "sparse_categorical_crossentropy")
    options = (
        {}
        if plain
        else {"callbacks": [gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]}
    )
    model.fit(x, y, batch_size=16, epochs=2, verbose=0, validation_split=0.1, **options)
    return [model.get_weights(), model.predict(x)]


def test_one_seed_one_result_whatever_the_layers_are_called():
    first = small_run(3)
    for _ in range(3):
        layers.Dense(1), layers.Dropout(0.1)  # moves the automatic numbers on
    second, other = small_run(3), small_run(4)
    for a, b in zip(first[0], second[0], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])


def test_one_seed_one_result_in_another_process():
    code = (
        "import tests.training.test_updates as t, hashlib\n"
        "print(hashlib.sha256(b''.join(w.tobytes() for w in t.small_run(5)[0])).hexdigest())"
    )
    import hashlib

    mine = hashlib.sha256(b"".join(w.tobytes() for w in small_run(5)[0])).hexdigest()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == mine, done.stderr


def test_numpys_own_seed_is_enough():
    np.random.seed(11)
    first = layers.Dense(3)
    first(np.ones((1, 2), "float32"))
    np.random.seed(11)
    second = layers.Dense(3)
    second(np.ones((1, 2), "float32"))
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_watching_does_not_change_the_numbers():
    for a, b in zip(small_run(6)[0], small_run(6, plain=False)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6)


def test_training_goes_on_where_it_stopped():
    """Two epochs at once equal two times one: the optimizer keeps its memory."""
    x, y = np.random.default_rng(0).normal(size=(20, 1)), np.arange(20.0)

    def trained(*spans):
        model = gw.Sequential([gw.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
        model.compile(gw.optimizers.Adam(0.1), "mse")
        for first, last in spans:
            history = model.fit(x, y, initial_epoch=first, epochs=last, shuffle=False, verbose=0)
        assert history.epoch[-1] == last - 1
        return model.get_weights()

    for a, b in zip(trained((0, 4)), trained((0, 2), (2, 4)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_programs_are_traced_once_for_all_epochs_and_fits():
    model = gw.Sequential([gw.Input((3,)), layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((50, 3)), np.ones(50)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    programs = model.session.programs()
    traces = programs.traces
    assert traces <= 4  # full batches and the smaller last one
    model.optimizer.learning_rate = 0.005
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    assert model.session.programs() is programs and programs.traces == traces
