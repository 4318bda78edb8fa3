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
@pytest.mark.parametrize(
    ("most_bytes", "batch_statistics"), [(16 * 2**20, False), (3 * 32 * (WIDTH + 1) * 4, True), (1, False)]
)
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


@pytest.mark.parametrize(
    ("most_bytes", "batch_statistics"), [(16 * 2**20, True), (2 * 32 * (WIDTH + 1) * 4, False), (1, True)]
)
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


def test_an_index_outside_a_table_in_a_file_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    numbers = np.zeros((COUNT, 4), "int32")
    numbers[90, 1] = 7
    np.save(tmp_path / "x.npy", numbers)
    model = gw.Sequential(
        [layers.Input((4,), dtype="int32"), layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="expected indices from 0 to 4 .*, but got values from 0 to 7"):
        model.fit(np.load(tmp_path / "x.npy", mmap_mode="r"), Y, verbose=0)


def refilled(count, size=2):
    """Batches that all lie in the same memory."""
    x, y = np.empty((size, WIDTH), "float32"), np.empty(size, "float32")
    for start in range(0, count, size):
        x[:], y[:] = X[start : start + size], Y[start : start + size]
        yield x, y


def test_a_generator_may_fill_its_arrays_anew():
    expected, outputs = run(X, Y, batch_size=2, shuffle=False)
    model = network()
    for _ in range(3):
        model.fit(refilled(COUNT), verbose=0)
    np.testing.assert_allclose(model.predict(X), outputs, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        model.evaluate(refilled(COUNT), verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-4
    )


def test_what_fills_a_block_up_does_no_harm():
    import jax.numpy as jnp

    def root(values):
        return jnp.sqrt(jnp.abs(values))  # its gradient is infinite at 0

    model = gw.Sequential(
        [layers.Input((WIDTH,)), layers.Dense(4, use_bias=False, activation=root), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(Batches(), verbose=0)
    assert np.isfinite(model.predict(X)).all()


def test_validation_in_a_file_and_training_in_memory(mapped):
    expected, _ = run(X, Y, validation_data=(X, Y))
    history, _ = run(X, Y, validation_data=(mapped, Y))
    np.testing.assert_allclose(history.history["val_loss"], expected.history["val_loss"], rtol=2e-5)


def test_training_mode_on_an_array_in_a_file(mapped):
    assert network()(mapped, training=True).shape == (COUNT, 1)


def test_other_byte_orders(tmp_path, monkeypatch):
    expected = network().predict(X)
    np.testing.assert_array_equal(network().predict(X.astype(">f4")), expected)
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    np.save(tmp_path / "x.npy", X.astype(">f4"))
    np.testing.assert_array_equal(network().predict(np.load(tmp_path / "x.npy", mmap_mode="r")), expected)


class Placed:
    """A source that tells where it stands."""

    def __init__(self):
        self.given = 0

    def __len__(self):
        return 20

    def __iter__(self):
        for _ in range(20):
            self.given += 1
            yield X[:8], Y[:8]

    def state(self):
        return self.given


@pytest.mark.parametrize("reads_only", [True, False])
def test_the_position_is_that_of_the_last_step(reads_only):
    class Note(gw.callbacks.Callback):
        reads_only_logs = reads_only

        def __init__(self):
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            if reads_only:
                return
            self.seen.append((batch, self.run.position))

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(("end", self.run.position))

    note = Note()
    network().fit(Placed(), verbose=0, callbacks=[note])
    assert note.seen[-1] == ("end", 20)
    assert note.seen[:-1] == ([] if reads_only else [(step, step + 1) for step in range(20)])


def test_targets_and_weights_beside_a_stream_are_refused():
    model = network()
    for where, call in (("fit", model.fit), ("evaluate", model.evaluate)):
        for name in ("y", "sample_weight"):
            text = f"{where}: expected batches of .* from the stream alone, but got {name}. Yield it"
            with pytest.raises(InputError, match=text):
                call(Batches(), **{name: Y})
    with pytest.raises(InputError, match="predict: expected at least one batch"):
        model.predict(iter([]))


def test_a_stuck_source_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(feeds, "_PATIENCE", 0.2)
    over = threading.Event()

    def stuck():
        yield X[:8], Y[:8]
        yield X[:8], Y[:8]
        over.wait(20)
        yield X[:8], Y[:8]

    class Stop(gw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = network()
    model.fit(stuck(), steps_per_epoch=1, verbose=0)  # compiles
    began = time.monotonic()
    model.fit(stuck(), steps_per_epoch=3, verbose=0, callbacks=[Stop()])
    assert time.monotonic() - began < 10
    over.set()


def test_stateful_models_remember_in_validation_whatever_the_plan():
    def build():
        gw.utils.set_random_seed(0)
        model = gw.Sequential(
            [layers.Input((5, 2), batch_size=10), layers.SimpleRNN(3, stateful=True), layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        return model

    z, v = generator.normal(size=(60, 5, 2)).astype("float32"), generator.normal(size=60).astype("float32")
    options = {"batch_size": 10, "shuffle": False, "epochs": 2, "validation_data": (z, v), "verbose": 0}
    note = gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    alone = build().fit(z, v, **options).history["val_loss"]
    np.testing.assert_allclose(
        alone, build().fit(z, v, callbacks=[note], **options).history["val_loss"], rtol=1e-5
    )


def test_gaps_in_a_file_are_told_by_their_place_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    broken = X.copy()
    broken[77, 2] = np.inf
    np.save(tmp_path / "x.npy", broken)
    with pytest.raises(InputError, match="first in row 77, column 2"):
        network().fit(np.load(tmp_path / "x.npy", mmap_mode="r"), Y, verbose=0)


def test_data_sets_of_samples_are_put_into_batches():
    series = gw.data.windows(np.sin(np.arange(100.0) / 5), 12, horizon=12)
    gw.utils.set_random_seed(0)
    model = gw.Sequential([layers.Input((12, 1)), layers.Flatten(), layers.Dense(12)])
    model.compile("adam", "mse")
    model.fit(series, batch_size=16, verbose=0)
    assert model.predict(series).shape == (len(series), 12)
    x, y = series.arrays()
    assert model.evaluate(series, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-4)


def test_what_a_stream_cannot_heed_is_refused():
    for options, text in (
        ({"batch_size": 7}, "fit, batch_size: expected none, as the data come as batches, but got 7"),
        ({"stratify": True}, "fit, stratify: expected arrays, of which a part can be split off"),
        ({"validation_split": 0.2}, "fit, validation_split: expected arrays"),
    ):
        with pytest.raises(InputError, match=text):
            network().fit(Batches(), verbose=0, **options)


def test_a_sample_without_its_batch_axis_is_told_as_it_came():
    with pytest.raises(
        InputError, match=r"got \(6,\)\. This looks like a single sample: x\[None\] adds the batch"
    ):
        network().predict(X[0])
    model = gw.Sequential([layers.Input((8, 8, 3)), layers.Flatten()])
    with pytest.raises(InputError, match=r"got \(8, 8, 3\)\. This looks like a single sample"):
        model.predict(np.zeros((8, 8, 3)))
    with pytest.raises(InputError, match=r"got \(4, 8, 8\)\. Images need a channel axis"):
        model.predict(np.zeros((4, 8, 8)))


def test_logs_of_the_last_step_are_left_alone():
    kept = []
    note = gw.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: kept.append(logs))
    network().fit(X, Y, validation_data=(X, Y), verbose=0, callbacks=[note])
    assert all(set(logs) == {"loss", "mae"} for logs in kept)


def test_other_sizes_and_functions_are_told_with_a_way_out():
    with pytest.raises(
        InputError, match=r"declare sizes that vary from batch to batch as None: Input\(\(None"
    ):
        network().predict(np.zeros((4, 9)))
    with pytest.raises(
        InputError, match=r"got an object of type function\. Pass gradwise\.data\.Loader\(function\)"
    ):
        network().fit(lambda: iter([]), Y)


def test_batches_of_a_slow_source_do_not_wait_for_each_other():
    came = []

    def slow(pause, count):
        for place in range(count):
            time.sleep(pause)
            came.append(place)
            yield X[:32], Y[:32]

    class Note(gw.callbacks.Callback):
        reads_only_logs = True

        def __init__(self):
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append(len(came))

    model = network()
    for pause, count in ((0.0, 1), (0.0, 2), (0.3, 6)):  # compiled for one step and for two first
        came.clear()
        note = Note()
        model.fit(slow(pause, count), verbose=0, callbacks=[note])
    assert len(note.seen) == 6 and note.seen[0] < 6


def test_arrays_of_h5py_train_as_in_memory(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr(file_arrays, "_LARGE", 1)
    expected, outputs = run(X, Y)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        stored = file.create_dataset("x", data=X)
        history, found = run(stored, Y)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=2e-5)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)
