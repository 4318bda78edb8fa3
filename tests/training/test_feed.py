"""Data that are brought to the device while steps compute: the same results as from memory, and no leftovers."""

import threading
import time

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.data import file_arrays
from gradwise.errors import InputError
from gradwise.training import feed as feeds

COUNT, WIDTH = 150, 6
generator = np.random.default_rng(5)
X = generator.normal(size=(COUNT, WIDTH)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")


def network(*, batch_statistics=False):
    gw.utils.set_random_seed(3)
    norm = [layers.BatchNormalization()] if batch_statistics else []
    model = gw.Sequential(
        [layers.Input((WIDTH,)), layers.Dense(8, activation="tanh"), *norm, layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def run(x, y, *, batch_statistics=False, **options):
    model = network(batch_statistics=batch_statistics)
    history = model.fit(x, y, epochs=3, verbose=0, **options)
    return history, model.predict(X)


@pytest.fixture
def mapped(tmp_path, monkeypatch):
    """The arrays in files, which are read in blocks however small they are."""
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    np.save(tmp_path / "x.npy", X)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


@pytest.mark.feature("A6")
@pytest.mark.parametrize("batch_statistics", [False, True])
@pytest.mark.parametrize("most_bytes", [16 * 2**20, 3 * 32 * (WIDTH + 1) * 4, 1])
def test_arrays_in_files_train_as_in_memory(mapped, monkeypatch, batch_statistics, most_bytes):
    monkeypatch.setattr(feeds, "_MOST_BYTES", most_bytes)  # one block an epoch, several, single batches
    expected, outputs = run(X, Y, batch_statistics=batch_statistics, validation_split=0.2)
    history, found = run(mapped, Y, batch_statistics=batch_statistics, validation_split=0.2)
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=2e-5, err_msg=name)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)


def test_methods_take_arrays_in_files(mapped):
    model = network()
    np.testing.assert_array_equal(model.predict(mapped), model.predict(X))
    np.testing.assert_allclose(
        model.evaluate(mapped, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-5
    )


def test_the_plan_and_the_waiting_are_told(mapped, capsys):
    history, _ = run(mapped, Y)
    model = network()
    model.fit(mapped, Y, verbose=2)
    assert "blocks of steps, read ahead: 0.0 GiB of data are read from files" in capsys.readouterr().out
    assert len(history.input_bound) == 3 and all(0 <= share <= 1 for share in history.input_bound)
    assert network().fit(X, Y, verbose=0).input_bound == []


def test_gaps_in_a_file_are_found_when_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    broken = X.copy()
    broken[77, 2] = np.nan
    np.save(tmp_path / "x.npy", broken)
    with pytest.raises(InputError, match="fit, x: expected finite numbers, but got NaN or infinity in 1 of"):
        run(np.load(tmp_path / "x.npy", mmap_mode="r"), Y)


def test_text_in_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    np.save(tmp_path / "x.npy", np.array(["a"] * COUNT))
    with pytest.raises(InputError, match="expected numbers, but got a file of <U1"):
        run(np.load(tmp_path / "x.npy", mmap_mode="r"), Y)


class Batches:
    """Batches of 32, the last of 22, as a re-iterable that notes who reads it."""

    def __init__(self):
        self.threads = set()

    def __len__(self):
        return 5

    def __iter__(self):
        for start in range(0, COUNT, 32):
            self.threads.add(threading.current_thread().name)
            yield X[start : start + 32], Y[start : start + 32]


@pytest.mark.parametrize("batch_statistics", [False, True])
@pytest.mark.parametrize("most_bytes", [16 * 2**20, 2 * 32 * (WIDTH + 1) * 4, 1])
def test_streams_train_as_arrays_in_order(monkeypatch, batch_statistics, most_bytes):
    monkeypatch.setattr(feeds, "_MOST_BYTES", most_bytes)
    expected, outputs = run(X, Y, batch_statistics=batch_statistics, shuffle=False)
    batches = Batches()
    history, found = run(batches, None, batch_statistics=batch_statistics)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=2e-5)
    np.testing.assert_allclose(history.history["mae"], expected.history["mae"], rtol=2e-5)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)
    assert "gradwise-feed" in batches.threads


def test_logs_of_each_step_are_exact():
    class Note(gw.callbacks.Callback):
        reads_only_logs = True

        def __init__(self):
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append((batch, logs["loss"]))

    expected, found = Note(), Note()
    run(X, Y, shuffle=False, callbacks=[expected])
    run(Batches(), None, callbacks=[found])
    assert [step for step, _ in found.seen] == [0, 1, 2, 3, 4] * 3
    np.testing.assert_allclose(
        [loss for _, loss in found.seen], [loss for _, loss in expected.seen], rtol=2e-5
    )


def test_batches_of_changing_shapes():
    def batches():
        for length in (3, 3, 5, 5, 5, 3, 4):
            yield np.ones((4, length), "int32"), np.ones((4, 1), "float32")

    model = gw.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(5, 2),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    steps = []
    note = gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(logs["loss"]))
    model.fit(batches(), verbose=0, callbacks=[note])
    assert len(steps) == 7 and steps == sorted(steps, reverse=True)


def test_errors_of_a_source_arrive_and_the_model_stays_whole():
    def failing():
        yield X[:32], Y[:32]
        raise OSError("the disk is gone")

    model = network()
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(failing(), steps_per_epoch=3, verbose=0)
    assert np.isfinite(model.predict(X)).all()
    assert not [thread for thread in threading.enumerate() if thread.name == "gradwise-feed"]


def test_a_stop_ends_the_thread():
    class Stop(gw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    def endless():
        while True:
            yield X[:32], Y[:32]

    network().fit(endless(), steps_per_epoch=1000, verbose=0, callbacks=[Stop()])
    time.sleep(0.3)
    assert not [thread for thread in threading.enumerate() if thread.name == "gradwise-feed"]


def test_a_slow_source_is_reported():
    def slow():
        while True:
            time.sleep(0.02)
            yield X[:32], Y[:32]

    model = network()
    model.fit(slow(), steps_per_epoch=2, verbose=0)  # compiles
    history = model.fit(slow(), steps_per_epoch=20, verbose=0)
    assert history.input_bound[0] > 0.5


def test_objects_with_items_come_in_a_new_order_each_epoch_and_are_told_of_its_end():
    class Items:
        def __init__(self):
            self.order, self.ends = [], 0

        def __len__(self):
            return 10

        def __getitem__(self, place):
            self.order.append(place)
            return X[:8], Y[:8]

        def on_epoch_end(self):
            self.ends += 1

    items = Items()
    network().fit(items, epochs=2, verbose=0)
    first, second = items.order[1:11], items.order[11:]  # one was looked at before
    assert sorted(first) == sorted(second) == list(range(10)) and first != second and items.ends == 2
    items = Items()
    network().fit(items, epochs=1, verbose=0, shuffle=False)
    assert items.order[1:] == list(range(10))


def test_a_given_number_of_steps_goes_on_where_the_epoch_before_has_ended():
    class Numbered:
        def __init__(self):
            self.given = []

        def __len__(self):
            return 5

        def __iter__(self):
            for place in range(5):
                self.given.append(place)
                yield X[:8], Y[:8]

    source = Numbered()
    network().fit(source, epochs=4, steps_per_epoch=3, verbose=0)
    assert source.given[:12] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
