import keras
import numpy as np
import pytest

from gradwise import utils
from gradwise.data.encoding import normalize, to_categorical
from gradwise.data.text import pad_sequences, vectorize_sequences
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A4")


@pytest.mark.parametrize("y", [[0, 2, 1], [[0], [2]], [[0, 1], [2, 0]], [1.0, 0.0], [True, False]])
@pytest.mark.parametrize("num_classes", [None, 4])
def test_to_categorical_is_keras(y, num_classes):
    result = to_categorical(y, num_classes)
    np.testing.assert_array_equal(result, keras.utils.to_categorical(y, num_classes))
    assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, -1], "expected labels from 0 to 2, but got -1 (at position 1)"),
        ([0, 3], "expected labels from 0 to 2, but got 3 (at position 1)"),
        ([0.5], "expected whole numbers"),
        (["a"], "Number the classes with numpy.unique"),
    ],
)
def test_labels_out_of_range_are_refused(y, message):
    with pytest.raises(InputError) as caught:
        to_categorical(y, 3)
    assert message in str(caught.value)


def test_to_categorical_of_nothing():
    with pytest.raises(InputError, match="expected at least one label"):
        to_categorical([])


@pytest.mark.parametrize(("axis", "order"), [(-1, 2), (-1, 1), (1, 2)])
def test_normalize_is_keras(axis, order):
    x = np.random.default_rng(0).normal(size=(4, 3))
    x[2] = 0
    np.testing.assert_allclose(normalize(x, axis, order), keras.utils.normalize(x, axis, order), rtol=1e-12)


def test_vectorize_sequences_is_listing_3_2():
    sequences = [[3, 5, 3], [], [0, 9]]
    expected = np.zeros((3, 10))
    for row, sequence in enumerate(sequences):
        expected[row, sequence] = 1.0
    result = vectorize_sequences(np.array(sequences, dtype=object), dimension=10)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.float32
    with pytest.raises(
        InputError, match="expected ids from 0 to 8, but got ids from 0 to 9. Load the data with num_words=9"
    ):
        vectorize_sequences(sequences, dimension=9)


@pytest.mark.parametrize("maxlen", [None, 0, 2, 3, 6])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_pad_sequences_is_keras(maxlen, padding, truncating):
    sequences = [[1], [2, 3], [4, 5, 6, 7], []]
    settings = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": -1}
    result = pad_sequences(sequences, **settings)
    if maxlen == 0:
        assert result.shape == (4, 0)
        return
    expected = keras.utils.pad_sequences(sequences, **settings)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


def test_pad_sequences_of_vectors_and_floats():
    sequences = [[[1.5, 2]], [[3, 4], [5, 6]]]
    expected = keras.utils.pad_sequences(sequences, dtype="float32", value=0.5)
    np.testing.assert_array_equal(pad_sequences(sequences, dtype="float32", value=0.5), expected)


@pytest.mark.parametrize(
    ("sequences", "settings", "message"),
    [
        ([[1]], {"padding": "before"}, "pad_sequences, padding: expected 'pre' or 'post', but got 'before'"),
        ([[1]], {"truncating": "x"}, "pad_sequences, truncating: expected 'pre' or 'post'"),
        ([1, 2], {}, "expected a list of sequences, but got int at position 0"),
        (
            [[[1, 2]], [[1, 2, 3]]],
            {},
            "expected steps of shape (2,) in every sequence, but got shape (3,) at position 1",
        ),
    ],
)
def test_pad_sequences_refuses(sequences, settings, message):
    with pytest.raises(InputError) as caught:
        pad_sequences(sequences, **settings)
    assert message in str(caught.value)


def test_utils_offer_them():
    assert utils.to_categorical is to_categorical and utils.pad_sequences is pad_sequences
