"""Keras' function for batches of windows: its own result where it can be run, else written out."""

import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.utils import timeseries_dataset_from_array

pytestmark = pytest.mark.feature("A6")


def drawn(number):
    random = np.random.default_rng(number)
    steps = int(random.integers(30, 80))
    settings = {
        "sequence_length": int(random.integers(1, 8)),
        "sequence_stride": int(random.integers(1, 5)),
        "sampling_rate": int(random.integers(1, 4)),
        "batch_size": int(random.integers(1, 9)),
    }
    if number % 3:
        settings["start_index"] = int(random.integers(1, 6))
        settings["end_index"] = int(random.integers(steps - 5, steps))
    data = random.normal(size=(steps, 2) if number % 2 else steps)
    return data, random.integers(0, 9, size=steps), settings


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("with_targets", [True, False])
def test_batches_are_those_written_out(number, with_targets):
    data, targets, settings = drawn(number)
    ours = timeseries_dataset_from_array(data, targets if with_targets else None, **settings)
    first, last = settings.get("start_index", 0), settings.get("end_index", len(data))
    wanted = []
    for start in range(first, last, settings["sequence_stride"]):
        steps = start + settings["sampling_rate"] * np.arange(settings["sequence_length"])
        if steps[-1] < last:
            wanted.append((data[steps], targets[start]))
    size = settings["batch_size"]
    batches = list(ours)
    assert len(ours) == len(batches) == -(-len(wanted) // size)
    for place, batch in enumerate(batches):
        part = wanted[place * size : (place + 1) * size]
        x = batch[0] if with_targets else batch
        np.testing.assert_array_equal(x, [one for one, _ in part])
        if with_targets:
            np.testing.assert_array_equal(batch[1], [goal for _, goal in part])


@pytest.mark.parametrize("number", range(6))
def test_batches_are_those_of_keras(number):
    pytest.importorskip("grain", reason="Keras' function needs grain or TensorFlow")
    import keras

    data, targets, settings = drawn(number)
    data = data.astype("float32")  # what its engine would make of it
    for goal in (targets, None):
        theirs = list(keras.utils.timeseries_dataset_from_array(data, goal, **settings, format="grain"))
        ours = list(timeseries_dataset_from_array(data, goal, **settings))
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            pairs = zip(one, other, strict=True) if goal is not None else [(one, other)]
            for mine, their in pairs:
                np.testing.assert_array_equal(mine, np.asarray(their))


def test_the_examples_of_keras_manual():
    found = list(timeseries_dataset_from_array(np.arange(99), None, 10, 3, 2, batch_size=None))
    assert found[0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert found[1].tolist() == [3, 5, 7, 9, 11, 13, 15, 17, 19, 21]
    assert found[-1].tolist() == [78, 80, 82, 84, 86, 88, 90, 92, 94, 96]
    data = np.arange(100)
    x, y = next(iter(timeseries_dataset_from_array(data[:-10], data[10:], 10)))
    assert x[0].tolist() == list(range(10)) and y[0] == 10 and len(x) == 81
    x = next(iter(timeseries_dataset_from_array(data, None, 20, sequence_stride=20)))
    assert x[1].tolist() == list(range(20, 40)) and len(x) == 5


def test_windows_without_a_target_are_left_out():
    ours = timeseries_dataset_from_array(np.arange(20), np.arange(6), 3, start_index=2, batch_size=None)
    assert [(x.tolist(), int(y)) for x, y in ours] == [([k, k + 1, k + 2], k) for k in range(2, 6)]


def test_each_epoch_has_an_order_of_its_own_and_the_seed_decides():
    def make(seed):
        return timeseries_dataset_from_array(
            np.arange(50), np.arange(50), 3, batch_size=8, shuffle=True, seed=seed
        )

    def epochs(ours):
        return [np.concatenate([y for _, y in ours]).tolist() for _ in range(2)]

    first, second = epochs(make(1))
    assert first != second and sorted(first) == sorted(second) == list(range(48))
    assert epochs(make(1)) == [first, second] != epochs(make(2))
    np.random.seed(3)
    free = epochs(make(None))
    np.random.seed(3)
    assert epochs(make(None)) == free
    for x, y in make(5):
        np.testing.assert_array_equal(x, y[:, None] + np.arange(3))  # pairs stay together


def test_a_model_learns_from_them():
    import gradwise as gw
    from gradwise import layers

    series = np.sin(np.arange(400) / 8).astype("float32")
    batches = timeseries_dataset_from_array(
        series[:-6, None], series[6:], 6, batch_size=32, shuffle=True, seed=0
    )
    model = gw.Sequential([layers.Input((6, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    losses = model.fit(batches, epochs=3, verbose=0).history["loss"]
    assert len(losses) == 3 and losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"sequence_length": 0},
            "timeseries_dataset_from_array, sequence_length: expected an integer of at least 1",
        ),
        ({"sequence_stride": 0}, "sequence_stride: expected an integer of at least 1, but got 0"),
        ({"sampling_rate": -1}, "sampling_rate: expected an integer of at least 1, but got -1"),
        ({"batch_size": 0}, "batch_size: expected an integer of at least 1, but got 0"),
        ({"start_index": -1}, "expected 0 <= start_index < end_index <= 10, but got -1 and None"),
        ({"start_index": 5, "end_index": 5}, "but got 5 and 5. Both are steps of the series."),
        ({"end_index": 11}, "but got None and 11"),
        ({"sequence_length": 11}, "but got 10 steps for windows that span 11"),
    ],
)
def test_what_cannot_be_cut_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        timeseries_dataset_from_array(np.arange(10.0), None, **{"sequence_length": 2, **settings})
