import json
import re
import sys
import types

import keras.src.datasets.boston_housing as keras_boston
import keras.src.datasets.imdb as keras_imdb
import keras.src.datasets.reuters as keras_reuters
import numpy as np
import pytest

from gradwise import datasets
from gradwise.datasets import boston_housing, cifar10, digits, fashion_mnist, imdb, mnist, reuters
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("A2")


GENERATOR = np.random.default_rng(0)


def ragged(count):
    lengths = GENERATOR.integers(2, 30, size=count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return GENERATOR.integers(1, 200, size=offsets[-1]).astype(np.int32), offsets


def as_objects(tokens, offsets):
    result = np.empty(len(offsets) - 1, dtype=object)
    for row in range(len(result)):
        result[row] = tokens[offsets[row] : offsets[row + 1]].tolist()
    return result


RULES = [
    {},
    {"num_words": 100},
    {"num_words": 80, "skip_top": 10, "oov_char": None},
    {"maxlen": 12, "seed": 7},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 5, "skip_top": 20},
    {"start_char": 9, "oov_char": 8, "index_from": 1, "num_words": 50, "maxlen": 20},
]


def same(ours, theirs):
    for (x, y), (keras_x, keras_y) in zip(ours, theirs, strict=True):
        assert x.dtype == object and [list(row) for row in x] == [list(row) for row in keras_x]
        assert all(type(token) is int for row in x for token in row[:3])
        np.testing.assert_array_equal(y, keras_y)


@pytest.mark.parametrize("rules", RULES)
def test_imdb_follows_keras_rules(folder, monkeypatch, rules):
    train, test = ragged(60), ragged(40)
    y_train, y_test = GENERATOR.integers(0, 2, 60), GENERATOR.integers(0, 2, 40)
    np.savez(
        folder / "imdb.npz",
        x_train_tokens=train[0],
        x_train_offsets=train[1],
        y_train=y_train,
        x_test_tokens=test[0],
        x_test_offsets=test[1],
        y_test=y_test,
    )
    content = {
        "x_train": as_objects(*train),
        "y_train": y_train,
        "x_test": as_objects(*test),
        "y_test": y_test,
    }
    monkeypatch.setattr(keras_imdb, "get_file", lambda **_: None)
    monkeypatch.setattr(keras_imdb, "npz_utils", types.SimpleNamespace(load_npz=lambda _: content))
    same(imdb.load_data(**rules), keras_imdb.load_data(**rules))


@pytest.mark.parametrize("rules", [*RULES, {"test_split": 0.35}])
def test_reuters_follows_keras_rules(folder, monkeypatch, rules):
    tokens, offsets = ragged(90)
    y = GENERATOR.integers(0, 46, 90)
    np.savez(folder / "reuters.npz", x_tokens=tokens, x_offsets=offsets, y=y)
    monkeypatch.setattr(keras_reuters, "get_file", lambda **_: None)
    content = {"x": as_objects(tokens, offsets), "y": y}
    monkeypatch.setattr(keras_reuters, "npz_utils", types.SimpleNamespace(load_npz=lambda _: content))
    same(reuters.load_data(**rules), keras_reuters.load_data(**rules))


def test_label_names_are_keras():
    assert reuters.get_label_names() == keras_reuters.get_label_names()


@pytest.mark.parametrize("settings", [{}, {"test_split": 0.3, "seed": 4}, {"test_split": 0}])
def test_boston_follows_keras_rules(folder, monkeypatch, settings):
    np.savez(folder / "boston_housing.npz", x=GENERATOR.normal(size=(51, 13)), y=np.arange(51.0))
    monkeypatch.setattr(keras_boston, "get_file", lambda *_, **__: folder / "boston_housing.npz")
    for ours, theirs in zip(
        boston_housing.load_data(**settings), keras_boston.load_data(**settings), strict=True
    ):
        for array, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(array, other)
    with pytest.raises(InputError, match="expected a number from 0 to below 1, but got 1"):
        boston_housing.load_data(test_split=1)


def test_maxlen_that_keeps_nothing(folder):
    tokens, offsets = ragged(10)
    np.savez(folder / "reuters.npz", x_tokens=tokens, x_offsets=offsets, y=np.zeros(10, int))
    with pytest.raises(InputError, match="expected a length that some sequence stays below, but got 2"):
        reuters.load_data(maxlen=2)


@pytest.mark.parametrize("name", [name for name in datasets.__all__ if name != "digits"])
def test_an_absent_file_is_told_with_its_address_and_place(folder, name):
    module = sys.modules[f"gradwise.datasets.{name}"]
    with pytest.raises(FileError) as caught:
        module.load_data()
    message = str(caught.value)
    assert re.search(
        r"expected the file at https://\S+ \((its content with )?SHA-256 [0-9a-f]{64}\)", message
    )
    assert "no leave to fetch it (GRADWISE_OFFLINE is set)" in message
    assert f"put it at '{folder.parent / 'cache' / 'gradwise'}" in message and "GRADWISE_DATA" in message


def test_an_absent_file_that_nobody_publishes(folder):
    with pytest.raises(InputError) as caught:
        mnist.load_data("mine.npz")
    message = str(caught.value)
    assert "expected the file 'mine.npz'" in message
    assert str(folder) in message and str(folder.parent / "cache" / "gradwise") in message
    assert "export GRADWISE_DATA=" in message


def test_the_word_index(folder):
    with pytest.raises(FileError, match="imdb_word_index.json"):
        imdb.get_word_index()
    (folder / "imdb_word_index.json").write_text(json.dumps({"the": 1, "größe": 2}), encoding="utf-8")
    assert imdb.get_word_index() == {"the": 1, "größe": 2}
    (folder / "reuters_word_index.json").write_text("[1, 2]")
    with pytest.raises(FileError, match="expected a JSON object from words to ranks"):
        reuters.get_word_index()


def test_the_cache_is_the_second_place(folder):
    names = ("x_train", "y_train", "x_test", "y_test")
    cache = folder.parent / "cache" / "gradwise"
    np.savez(cache / "mnist.npz", **{name: np.full(2, 1) for name in names})
    assert mnist.load_data()[0][0].tolist() == [1, 1]
    np.savez(folder / "mnist.npz", **{name: np.full(2, 7) for name in names})
    assert mnist.load_data()[0][0].tolist() == [7, 7]
    assert mnist.load_data(path=str(cache / "mnist.npz"))[0][0].tolist() == [1, 1]


def test_pickles_and_damaged_files_are_refused(folder):
    lists = np.array([[1, 2], [3]], dtype=object)
    np.savez(folder / "boston_housing.npz", x=lists, y=lists)
    with pytest.raises(FileError, match="got pickled objects, which could run code when read"):
        boston_housing.load_data()
    (folder / "boston_housing.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(FileError, match="but got a damaged file"):
        boston_housing.load_data()
    np.savez(folder / "boston_housing.npz", x=np.zeros(2))
    with pytest.raises(FileError, match="expected the arrays x, y, but got only x"):
        boston_housing.load_data()


def test_cifar10_subset_is_used_with_a_warning(folder):
    arrays = {
        "x_train": np.zeros((4, 2, 2, 3)),
        "y_train": np.arange(4),
        "x_test": np.zeros((2, 2)),
        "y_test": np.arange(2),
    }
    np.savez(folder / "cifar10_subset.npz", **arrays)
    with pytest.warns(UserWarning, match="a part of CIFAR-10"):
        (_, y_train), _ = cifar10.load_data()
    assert y_train.shape == (4, 1)
    np.savez(folder / "cifar10.npz", **arrays)
    assert cifar10.load_data()[1][1].shape == (2, 1)


@pytest.mark.feature("A3")
def test_digits_need_no_file():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1438, 64) and x_test.shape == (359, 64)
    assert x_train.dtype == np.float32 and y_train.dtype == np.uint8 and x_train.max() == 16
    np.testing.assert_allclose(np.bincount(y_test) / 359, np.bincount(y_train) / 1438, atol=0.003)
    (pictures, labels), _ = digits.load_data(images=True)
    np.testing.assert_array_equal(pictures.reshape(-1, 64), x_train)
    np.testing.assert_array_equal(labels, y_train)


def test_real_mnist_and_fashion(real_file):
    real_file("mnist.npz")
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28) and x_train.dtype == np.uint8
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4] and y_test[:3].tolist() == [7, 2, 1]
    real_file("fashion_mnist.npz")
    (x_train, y_train), _ = fashion_mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and y_train[:3].tolist() == [9, 0, 0]


def test_real_imdb(real_file):
    real_file("imdb.npz")
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10000)
    assert len(x_train) == len(x_test) == 25000 and y_train.sum() == y_test.sum() == 12500
    assert [len(review) for review in x_train[:10]] == [218, 189, 141, 550, 147, 43, 123, 562, 233, 130]
    assert x_train[0][:10] == [1, 14, 22, 16, 43, 530, 973, 1622, 1385, 65] and y_train[0] == 1
    assert max(max(review) for review in x_train) == 9999
    words = {rank + 3: word for word, rank in imdb.get_word_index().items()}
    assert (
        " ".join(words.get(token, "?") for token in x_train[0][:9])
        == "? this film was just brilliant casting location scenery"
    )


def test_real_reuters(real_file):
    real_file("reuters.npz")
    (x_train, y_train), (x_test, _) = reuters.load_data(num_words=10000)
    assert (len(x_train), len(x_test)) == (8982, 2246)
    assert y_train[10] == 3
    assert x_train[10][:7] == [1, 245, 273, 207, 156, 53, 74]


def test_real_boston(real_file):
    real_file("boston_housing.npz")
    (x_train, y_train), (x_test, _) = boston_housing.load_data()
    assert x_train.shape == (404, 13) and x_test.shape == (102, 13) and x_train.dtype == np.float64
    assert y_train[:5].tolist() == [15.2, 42.3, 50.0, 21.1, 17.7]


def test_real_cifar10_subset(real_file):
    real_file("cifar10_subset.npz")
    with pytest.warns(UserWarning, match="cifar10_subset.npz"):
        (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (
        x_train.shape == (10000, 32, 32, 3)
        and y_train.shape == (10000, 1)
        and x_test.shape == (1000, 32, 32, 3)
    )
    assert x_train[0, 0, 0].tolist() == [59, 62, 63] and y_train[0] == 6
