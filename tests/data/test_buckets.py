"""Batches of sequences of about one length."""

import keras
import numpy as np
import pytest

import gradwise
from gradwise.data.buckets import bucket_by_length
from gradwise.data.text import pad_sequences
from gradwise.errors import InputError, StateError
from gradwise.layers import Dense, Embedding, GlobalAveragePooling1D, Input

pytestmark = pytest.mark.feature("A4")


@pytest.fixture
def sequences(rng):
    return [rng.integers(1, 100, size).tolist() for size in rng.integers(0, 60, 203)]


def rows_of(batches):
    return [
        (tuple(row[row > 0].tolist()), target) for x, y in batches for row, target in zip(x, y, strict=True)
    ]


@pytest.mark.parametrize("boundaries", [None, [10, 20], [5, 100, 200]])
def test_each_sample_once_an_epoch_and_few_shapes(sequences, boundaries):
    y = np.arange(len(sequences))
    batches = bucket_by_length(sequences, y, batch_size=16, boundaries=boundaries, seed=1)
    wanted = sorted((tuple(sequence), target) for sequence, target in zip(sequences, y, strict=True))
    for _ in range(3):
        found = list(batches)
        assert len(found) == len(batches) == 13
        assert sorted(rows_of(found)) == wanted
        assert {x.shape for x, _ in found} == set(batches.shapes)
        assert sum(len(x) != 16 for x, _ in found) == 1
        assert all(x.dtype == np.int32 for x, _ in found)
    lengths = {"None": {8, 16, 32, 59}, "[10, 20]": {10, 20, 59}, "[5, 100, 200]": {5, 100}}[str(boundaries)]
    assert {length for _, length in batches.shapes} <= lengths
    assert len(batches.shapes) <= len(lengths) + 1


def test_no_row_is_longer_than_its_bucket_needs(sequences):
    for x in bucket_by_length(sequences, batch_size=8, boundaries=[10, 20, 30], seed=0):
        longest = (x > 0).sum(axis=1).max()
        assert x.shape[1] == min(end for end in (10, 20, 30, 59) if end >= longest)


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 7, 25])
def test_rows_are_padded_and_cut_as_keras_does(sequences, padding, truncating, maxlen):
    batches = bucket_by_length(
        sequences, np.arange(203), 16, padding=padding, truncating=truncating, maxlen=maxlen, seed=2
    )
    for x, y in batches:
        chosen = [sequences[place][: maxlen if truncating == "post" else None] for place in y]
        if maxlen and truncating == "pre":
            chosen = [sequence[-maxlen:] for sequence in chosen]
        expected = keras.utils.pad_sequences(chosen, x.shape[1], padding=padding)
        np.testing.assert_array_equal(x, expected)


def test_tokens_and_offsets_are_the_same_as_lists(sequences):
    tokens = np.concatenate([np.array(sequence, "int64") for sequence in sequences])
    offsets = np.concatenate([[0], np.cumsum([len(sequence) for sequence in sequences])])
    one = bucket_by_length(sequences, batch_size=16, seed=5)
    two = bucket_by_length(tokens, batch_size=16, seed=5, offsets=offsets)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_orders_follow_from_seed_and_epoch(sequences):
    def epochs(seed):
        batches = bucket_by_length(sequences, np.arange(203), seed=seed)
        return [[y.tolist() for _, y in batches] for _ in range(3)]

    assert epochs(1) == epochs(1) != epochs(2)
    first, second, third = epochs(1)
    assert first != second != third != first
    again = bucket_by_length(sequences, np.arange(203), seed=1)
    again.epoch = 2
    assert [y.tolist() for _, y in again] == third


def test_a_look_at_the_first_batch_begins_no_epoch(sequences):
    batches = bucket_by_length(sequences, np.arange(203), seed=1)
    first = next(iter(batches))[1].tolist()
    assert [y.tolist() for _, y in batches][0] == first
    assert [y.tolist() for _, y in batches][0] != first
    single = bucket_by_length([[1], [2], [3], [4]], seed=1)
    assert len({str(list(single)) for _ in range(8)}) > 1  # an epoch of one batch counts as well


def test_predictions_are_brought_back_into_order(sequences):
    batches = bucket_by_length(sequences, batch_size=16, shuffle=False)
    sums = np.concatenate([x.sum(axis=1) for x in batches])
    assert batches.restore(sums).tolist() == [sum(sequence) for sequence in sequences]
    with pytest.raises(StateError, match="Make the batches to predict from with shuffle=False"):
        bucket_by_length(sequences).restore(sums)
    with pytest.raises(
        InputError,
        match=r"LengthBuckets.restore: expected one prediction for each of the 203 sequences, but got shape \(5,\)",
    ):
        batches.restore(sums[:5])


def test_buckets_are_shown_by_their_sizes():
    batches = bucket_by_length([[1], [2, 3], [4] * 9], batch_size=2, seed=0)
    assert repr(batches) == "<LengthBuckets of 3 sequences in 2 batches, padded to 8 to 9>"


def test_models_train_and_predict_on_buckets(rng):
    sequences = [rng.integers(1, 20, size).tolist() for size in rng.integers(1, 20, 256)]
    y = np.array([float(np.mean(np.array(sequence) > 9) > 0.5) for sequence in sequences], "float32")
    model = gradwise.Sequential(
        [
            Input((None,), dtype="int32"),
            Embedding(20, 4, mask_zero=True),
            GlobalAveragePooling1D(),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(gradwise.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(bucket_by_length(sequences, y, boundaries=[10, 20], seed=0), epochs=12, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    in_order = bucket_by_length(sequences, boundaries=[10, 20], shuffle=False)
    predicted = in_order.restore(model.predict(in_order))
    # The mask makes padding without effect, so that the buckets do not matter.
    np.testing.assert_allclose(predicted, model.predict(pad_sequences(sequences, 20)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequences": [1, 2]}, "expected a list of sequences, but got int at position 0"),
        ({"sequences": []}, "expected at least one sequence, and as many targets as sequences, but got 0"),
        ({"sequences": [[1.5]]}, "expected sequences of whole numbers, but got values of type float64"),
        ({"y": [1, 2, 3]}, "but got 2 sequences and targets of shape (3,)"),
        ({"padding": "left"}, "padding: expected 'pre' or 'post', but got 'left'"),
        ({"truncating": "x"}, "truncating: expected 'pre' or 'post'"),
        ({"batch_size": 0}, "batch_size: expected a positive whole number, but got 0"),
        ({"maxlen": 0}, "maxlen: expected a positive whole number, but got 0"),
        ({"boundaries": [5, 5]}, "expected rising lengths from 1 on, but got [5, 5]"),
        ({"boundaries": []}, "expected rising lengths from 1 on"),
        (
            {"sequences": np.arange(5), "offsets": [0, 4]},
            "expected rising whole numbers from 0 to 5, the number of tokens, but got shape (2,), from 0 to 4",
        ),
        ({"sequences": np.arange(5), "offsets": [0, 4, 3, 5]}, "expected rising whole numbers from 0 to 5"),
    ],
)
def test_refused(settings, message):
    with pytest.raises(InputError) as caught:
        bucket_by_length(**{"sequences": [[1], [2, 3]], **settings})
    assert message in str(caught.value)
