"""Words replaced at random: how many, by what, and what stays."""

import jax
import numpy as np
import pytest
from scipy import stats

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A8")

SENTENCES = np.tile(np.array([0, 1, 2, 3, 4, 5, 6, 7], "int32"), (5000, 1))


def training(layer, x, key=0):
    layer(x)
    return np.asarray(gw.functional_call(layer, {}, x, training=True, key=jax.random.key(key))[0])


def test_any_word_takes_the_place_of_some_and_each_as_often():
    outputs = training(layers.RandomWordReplacement(10, 0.4, first_word=2), SENTENCES)
    assert outputs.dtype == np.int32
    np.testing.assert_array_equal(outputs[:, :2], SENTENCES[:, :2])  # padding and unknown words
    words, rest = outputs[:, 2:], SENTENCES[:, 2:]
    # One in eight draws is the word itself.
    assert np.mean(words != rest) == pytest.approx(0.4 * 7 / 8, abs=0.01)
    others = words[words != rest]
    assert set(others) == set(range(2, 10))
    new = words[:, 0][words[:, 0] != 2]
    assert stats.chisquare(np.bincount(new, minlength=10)[3:]).pvalue > 1e-4
    # Neither places nor sentences share their fate.
    changed = words != rest
    assert np.abs(np.corrcoef(changed.T) - np.eye(6)).max() < 0.1
    assert changed.sum(1).std() == pytest.approx(np.sqrt(6 * 0.35 * 0.65), abs=0.05)


def test_synonyms_are_taken_from_the_table_each_as_often():
    table = [[0, 0, 0], [0, 0, 0], [0, 5, 0], [4, 0, 6], [7, 8, 9], [0, 0, 0]]
    outputs = training(layers.RandomWordReplacement(10, 1.0, synonyms=np.array(table)), SENTENCES)
    allowed = {0: {0}, 1: {1}, 2: {5}, 3: {4, 6}, 4: {7, 8, 9}, 5: {5}, 6: {6}, 7: {7}}
    for word, choices in allowed.items():
        assert set(outputs[:, word]) == choices
        for choice in choices:
            assert np.mean(outputs[:, word] == choice) == pytest.approx(1 / len(choices), abs=0.04)
    half = training(layers.RandomWordReplacement(10, 0.5, synonyms=table), SENTENCES)
    assert np.mean(half[:, 2] == 5) == pytest.approx(0.5, abs=0.04)


def test_nothing_changes_at_prediction_or_at_rate_zero():
    np.testing.assert_array_equal(layers.RandomWordReplacement(10, 1.0)(SENTENCES), SENTENCES)
    layer = layers.RandomWordReplacement(10, 0.0)
    layer(SENTENCES)
    outputs, _ = gw.functional_call(layer, {}, SENTENCES, training=True)  # without a key
    np.testing.assert_array_equal(outputs, SENTENCES)


def test_it_trains_in_a_model_and_is_saved_with_its_table(tmp_path):
    model = gw.Sequential(
        [
            gw.Input((8,), dtype="int32"),
            layers.RandomWordReplacement(10, 0.5, synonyms=[[0], [2], [1]], seed=3),
            layers.Embedding(10, 3, mask_zero=True),
            layers.LSTM(2),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    x = SENTENCES[:8]
    losses = model.fit(x, np.ones((8, 1), "float32"), epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    model.save(tmp_path / "model.gwz")
    again = gw.load_model(tmp_path / "model.gwz")
    np.testing.assert_array_equal(again.layers[0].synonyms, [[0], [2], [1]])
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.RandomWordReplacement(0), "vocabulary_size to be a positive integer, but got 0"),
        (lambda: layers.RandomWordReplacement(9, 1.1), "rate to be a number from 0 to 1, but got 1.1"),
        (
            lambda: layers.RandomWordReplacement(9, first_word=9),
            "first_word below the vocabulary_size 9, but g",
        ),
        (
            lambda: layers.RandomWordReplacement(9, synonyms=[[1, 9]]),
            r"integers from 0 to 8, .* but got int64 of shape \(1, 2\), from 1 to 9. Fill rows of different",
        ),
        (
            lambda: layers.RandomWordReplacement(9, synonyms=[[1], [2, 3]]),
            "but got something else. Fill rows",
        ),
        (
            lambda: layers.RandomWordReplacement(9)(SENTENCES.astype("float32")),
            r"sentences of shape \[batch, words\], as integers, but got float32 of shape \(5000, 8\). Put it",
        ),
    ],
)
def test_what_cannot_work_is_refused(make, text):
    with pytest.raises(InputError, match=text):
        make()
