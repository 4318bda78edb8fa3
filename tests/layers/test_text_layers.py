"""Layers that read texts and raw numbers, against frozen answers of Keras with TensorFlow."""

import json
import os
from pathlib import Path

import numpy as np
import pandas
import pytest
import scipy.sparse

import gradwise
from gradwise import layers
from gradwise.data.sparse import from_scipy
from gradwise.errors import FileError, InputError, StateError
from gradwise.layers import Dense, Embedding, GlobalAveragePooling1D, Input
from gradwise.registry import deserialize, register, serialize
from tests.layers.keras_twin import keras

pytestmark = pytest.mark.feature("A4")

ANSWERS = json.loads((Path(__file__).parents[1] / "reference" / "keras_text.json").read_text())
TEXTS, ASK = ANSWERS["texts"], ANSWERS["ask"]


def settings_of(answer):
    given = answer["settings"]
    return {**given, "ngrams": tuple(given["ngrams"])} if isinstance(given.get("ngrams"), list) else given


def same(mine, theirs):
    if np.asarray(theirs).dtype.kind in "US":
        assert mine.tolist() == theirs
    else:
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def ids(answer):
    return "-".join(
        [answer.get("name", ""), *(f"{key}={value}" for key, value in answer["settings"].items())]
    )


@pytest.mark.parametrize("answer", ANSWERS["vectorizations"], ids=ids)
def test_text_vectorization_is_keras(answer):
    layer = layers.TextVectorization(**settings_of(answer))
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == answer["vocabulary"]
    assert layer.get_vocabulary(include_special_tokens=False) == answer["own"]
    assert layer.vocabulary_size() == answer["size"]
    same(layer(ASK), answer["outputs"])
    same(layer(np.array(ASK)[:, None]), answer["outputs"])
    again = deserialize(serialize(layer))
    same(again(ASK), answer["outputs"])
    assert again.get_vocabulary() == answer["vocabulary"]


@pytest.mark.parametrize("answer", ANSWERS["lookups"], ids=ids)
def test_lookups_are_keras(answer):
    layer = getattr(layers, answer["name"])(**answer["settings"])
    if answer["adapt"] is not None:
        layer.adapt(answer["adapt"])
    assert layer.get_vocabulary() == answer["vocabulary"]
    outputs = layer(answer["inputs"])
    same(outputs, answer["outputs"])
    same(deserialize(serialize(layer))(answer["inputs"]), answer["outputs"])
    if not answer["settings"].get("invert"):
        shape = np.shape(answer["inputs"])
        like, dtype = layer.output_like((None, *shape[1:]))
        assert like[1:] == outputs.shape[1:] and np.dtype(dtype) == outputs.dtype


@pytest.mark.parametrize("answer", ANSWERS["hashing_layers"], ids=ids)
def test_hashing_is_keras(answer):
    layer = layers.Hashing(**answer["settings"])
    outputs = layer(answer["inputs"])
    same(outputs, answer["outputs"])
    like, dtype = layer.output_like((None, 2))
    assert like[1:] == outputs.shape[1:] and np.dtype(dtype) == outputs.dtype


@pytest.mark.parametrize("answer", ANSWERS["crossings"], ids=lambda answer: answer["mode"])
def test_crossing_is_keras(answer):
    layer = layers.HashedCrossing(num_bins=11, output_mode=answer["mode"])
    columns = [np.array(column) for column in answer["inputs"]]
    same(layer(columns), answer["outputs"])
    same(layer(tuple(column.tolist() for column in columns)), answer["outputs"])


def test_every_way_to_hand_over_texts(tmp_path):
    expected = layers.TextVectorization(vocabulary=["a", "b"])(["a b", "b"]).tolist()
    (tmp_path / "words.txt").write_text("a\nb\n")
    layer = layers.TextVectorization(vocabulary=str(tmp_path / "words.txt"))
    ways = [("a b", "b"), np.array(["a b", "b"]), np.array([b"a b", b"b"]), pandas.Series(["a b", "b"])]
    ways += [np.array(["a b", "b"], object)[:, None], np.array(["a b", "b"], np.dtypes.StringDType())]
    for texts in ways:
        assert layer(texts).tolist() == expected == [[2, 3], [3, 0]]
    assert layer.get_config()["vocabulary"] == ["", "[UNK]", "a", "b"]


def test_adapt_reads_batches_and_takes_the_place_of_what_was_learned():
    whole, parts = (
        layers.TextVectorization(output_mode="tf_idf"),
        layers.TextVectorization(output_mode="tf_idf"),
    )
    whole.adapt(TEXTS)
    parts.adapt(["other words"])
    parts.adapt((TEXTS[start : start + 2], None) for start in range(0, len(TEXTS), 2))
    assert parts.get_vocabulary() == whole.get_vocabulary()
    np.testing.assert_array_equal(parts(ASK), whole(ASK))
    parts.adapt(iter([TEXTS[:2], TEXTS[2:]]), steps=1)
    assert "fox" in parts.get_vocabulary() and "caf\u00e9" not in parts.get_vocabulary()


def test_tokens_that_are_split_already():
    layer = layers.TextVectorization(split=None, standardize="lower", output_sequence_length=3)
    layer.adapt([["New York", "a"], ["new york", "b"]])
    assert layer.get_vocabulary() == ["", "[UNK]", "new york", "b", "a"]
    assert layer([["A", "new York"]]).tolist() == [[4, 2, 0]]
    assert layer(["a", "?"]).tolist() == [[4, 0, 0], [1, 0, 0]]


@register("test.lower_all")
def lower_all(texts):
    return np.strings.lower(texts)


@register("test.split_dashes")
def split_dashes(texts):
    return [text.split("-") for text in texts]


def test_functions_write_and_split_and_are_saved_by_name(tmp_path):
    layer = layers.TextVectorization(standardize=lower_all, split=split_dashes, output_sequence_length=2)
    layer.adapt(["\u00c9T\u00c9-a", "\u00e9t\u00e9"])
    assert layer.get_vocabulary() == ["", "[UNK]", "\u00e9t\u00e9", "a"]
    model = gradwise.Sequential([layer, Embedding(4, 2), GlobalAveragePooling1D()])
    expected = model.predict(["a-\u00c9t\u00e9"])
    model.save(tmp_path / "model.gwz")
    np.testing.assert_array_equal(
        gradwise.load_model(tmp_path / "model.gwz").predict(["a-\u00c9t\u00e9"]), expected
    )


@pytest.mark.parametrize("setting", ["standardize", "split"])
def test_functions_without_a_name_cannot_be_saved(setting, tmp_path):
    function = {"standardize": lambda texts: texts, "split": lambda texts: np.strings.upper(texts)}[setting]
    layer = layers.TextVectorization(vocabulary=["a"], **{setting: function})
    model = gradwise.Sequential([Input((), dtype="string"), layer, Embedding(3, 2), GlobalAveragePooling1D()])
    with pytest.raises(FileError, match="got a lambda. Register a named function"):
        model.save(tmp_path / "model.gwz")


def test_a_file_cannot_make_the_loader_read_another(tmp_path):
    (tmp_path / "secret.txt").write_text("password")
    layer = layers.StringLookup(vocabulary=["a"])
    config = {**layer.get_config(), "vocabulary": str(tmp_path / "secret.txt")}
    with pytest.raises(
        FileError, match="expected a vocabulary in the model file, but got the path of another"
    ):
        layers.StringLookup.from_config(config)


def test_a_vocabulary_may_change_only_while_no_model_has_its_size():
    layer = layers.StringLookup(output_mode="multi_hot")
    layer.set_vocabulary(["a", "b"])
    layer.set_vocabulary(["a", "b", "c"])
    model = gradwise.Sequential([Input((2,), dtype="string"), layer, Dense(1)])
    layer.set_vocabulary(["c", "d", "e"])
    with pytest.raises(
        StateError, match="expected a vocabulary of 4 numbers, with which a model was built, but got 2"
    ):
        layer.set_vocabulary(["x"])
    assert layer.get_vocabulary() == ["[UNK]", "c", "d", "e"]
    assert model.predict([["c", "d"]]).shape == (1, 1)


def test_numbers_of_64_bits_stay_what_they_are():
    layer = layers.IntegerLookup()
    layer.adapt(np.array([2**33 + 1, 1, 2**33 + 1]))  # equal in the lower 32 bits
    assert layer([1, 2**33 + 1, 2**34 + 1]).tolist() == [2, 1, 0]
    assert layer([1.0, 5.0]).tolist() == [2, 0]


def test_lookups_feed_models_and_are_saved_with_them(tmp_path):
    colour = Input((1,), dtype="string", name="colour")
    number = Input((1,), dtype="int64", name="number")
    look, count = layers.StringLookup(output_mode="one_hot"), layers.IntegerLookup(output_mode="one_hot")
    look.adapt(["red", "blue", "red"])
    count.adapt([7, 2**40])
    hashed, crossed = (
        layers.Hashing(4, output_mode="one_hot"),
        layers.HashedCrossing(5, output_mode="one_hot"),
    )
    parts = [look(colour), count(number), hashed(colour), crossed([colour, number])]
    assert [part.shape for part in parts] == [(None, 3), (None, 3), (None, 4), (None, 5)]
    model = gradwise.Model([colour, number], Dense(2)(layers.Concatenate()(parts)))
    data = {"colour": [["red"], ["ash"], ["blue"]], "number": [[7], [2**40], [8]]}
    model.compile("sgd", "mse")
    model.fit(data, np.zeros((3, 2)), epochs=2, verbose=0)
    model.save(tmp_path / "model.gwz")
    again = gradwise.load_model(tmp_path / "model.gwz")
    np.testing.assert_array_equal(again.predict(data), model.predict(data))
    kernel, bias = model.get_weights()
    columns = [np.array(data[name]) for name in ("colour", "number")]
    raw = np.concatenate([look(columns[0]), count(columns[1]), hashed(columns[0]), crossed(columns)], axis=1)
    np.testing.assert_allclose(model.predict(data), raw @ kernel + bias, rtol=1e-5, atol=1e-6)


REFUSED = [
    (
        lambda: layers.TextVectorization(standardize="upper"),
        "expected standardize to be one of lower_and_strip",
    ),
    (lambda: layers.TextVectorization(split="words"), "expected split to be one of whitespace, character"),
    (lambda: layers.TextVectorization(ngrams=0), "expected ngrams to be a positive whole number"),
    (
        lambda: layers.TextVectorization(ragged=True),
        "expected ragged=False, as compiled programs take arrays",
    ),
    (lambda: layers.TextVectorization(output_mode="one_hot"), "Use 'int', and CategoryEncoding"),
    (lambda: layers.TextVectorization(output_sequence_length=0), "output_sequence_length to be a positive"),
    (
        lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
        "expected output_sequence_length with output_mode='int' only",
    ),
    (lambda: layers.TextVectorization(max_tokens=1), "expected max_tokens of at least 2, or None"),
    (
        lambda: layers.TextVectorization(pad_to_max_tokens=True),
        "expected max_tokens, as pad_to_max_tokens=True",
    ),
    (lambda: layers.TextVectorization(vocabulary=["a", "a"]), "expected each token once, but got 'a' more"),
    (lambda: layers.TextVectorization(vocabulary=["a", ""]), "expected mask_token '' to be in front"),
    (lambda: layers.TextVectorization(vocabulary=[]), "expected at least one token, but got none"),
    (
        lambda: layers.TextVectorization(3, vocabulary=["a", "b"]),
        "expected at most 1 tokens, as max_tokens=3",
    ),
    (lambda: layers.TextVectorization(output_mode="tf_idf", vocabulary=["a"]), "expected 1 numbers, one for"),
    (lambda: layers.TextVectorization(vocabulary=["a"], idf_weights=[1]), "Set output_mode='tf_idf'"),
    (lambda: layers.TextVectorization(idf_weights=[1]), "expected a vocabulary with idf_weights"),
    (lambda: layers.TextVectorization(vocabulary=["a"])("a text"), "but got one text. Write [text]."),
    (
        lambda: layers.TextVectorization(vocabulary=["a"])(["a", None]),
        "got a missing value at position 1. Fill",
    ),
    (lambda: layers.TextVectorization(vocabulary=["a"])([1.5]), "got an object of class float at position 0"),
    (
        lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]),
        "set split=None for texts that are split",
    ),
    (lambda: layers.TextVectorization().adapt(["..."]), "expected data with at least one token to learn"),
    (
        lambda: layers.TextVectorization(standardize=lambda texts: texts[:1]).adapt(["a", "b"]),
        "expected a function that returns as many items as it gets texts, 2, but got 1",
    ),
    (lambda: layers.StringLookup(sparse=True), "expected sparse=False"),
    (lambda: layers.StringLookup(num_oov_indices=-1), "expected num_oov_indices of at least 0"),
    (
        lambda: layers.StringLookup(invert=True, output_mode="count"),
        "expected output_mode='int' with invert=True",
    ),
    (lambda: layers.StringLookup(salt="a"), "expected salt to be one or two whole numbers"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], invert=True)(["a"]),
        "expected whole numbers to turn back",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]), "unknown ones, such as 'b'"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="count")(["a"]),
        "inputs of shape [B, T] in mode",
    ),
    (
        lambda: layers.IntegerLookup(vocabulary=[1])([0.5]),
        "expected whole numbers, but got values of type float64",
    ),
    (lambda: layers.IntegerLookup(vocabulary=[1])(["a"]), "Use StringLookup for texts"),
    (lambda: layers.IntegerLookup(salt=1), "expected oov_method='farmhash' with salt"),
    (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "expected vocabulary_dtype to be one of int64"),
    (lambda: layers.Hashing(0), "expected num_bins to be a positive integer"),
    (lambda: layers.Hashing(3)([np.nan]), "expected finite numbers, but got NaN or infinity"),
    (
        lambda: layers.Hashing(3, output_mode="count")(["a"]),
        "expected inputs of shape [B, T] in mode 'count'",
    ),
    (lambda: layers.HashedCrossing(3)(["a", "b"]), "expected two or more columns of one shape"),
    (lambda: layers.HashedCrossing(3)([["a"], [1, 2]]), "but got shapes [(1,), (2,)]"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refused(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layers.TextVectorization()(["a"]),
            StateError,
            "Call adapt(training data) first, or pass voc",
        ),
        (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["a"]), StateError, "use set_vocabulary"),
        (
            lambda: layers.StringLookup(vocabulary="nowhere.txt"),
            FileError,
            "'nowhere.txt': expected a text file",
        ),
        (
            lambda: layers.TextVectorization(output_mode="count")(Input((1,), dtype="string")),
            StateError,
            "expected a vocabulary, but got none yet",
        ),
    ],
)
def test_vocabularies_that_are_missing(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def reviews(folder):
    table = pandas.read_csv(folder / "imdb_reviews_sample.csv.gz")
    for split in ("train", "test"):
        part = table[table["split"] == split]
        yield (
            part["text"].tolist(),
            part["label"].map(lambda label: float(label in (1, "pos"))).to_numpy("float32"),
        )


def test_reviews_are_told_apart_from_raw_text_also_after_loading(data_directory, tmp_path):
    if not os.path.isfile(data_directory / "imdb_reviews_sample.csv.gz"):
        pytest.skip("imdb_reviews_sample.csv.gz is not in the data directory")
    (texts, labels), (test_texts, test_labels) = reviews(data_directory)
    assert labels.mean() == test_labels.mean() == 0.5
    vectorize = layers.TextVectorization(max_tokens=10000, output_sequence_length=300)
    vectorize.adapt(texts)
    model = gradwise.Sequential(
        [
            vectorize,
            Embedding(10000, 16, mask_zero=True),
            GlobalAveragePooling1D(),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(gradwise.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(texts, labels, epochs=8, batch_size=64, verbose=0)
    _, accuracy = model.evaluate(test_texts, test_labels, verbose=0)
    assert accuracy > 0.8
    model.save(tmp_path / "reviews.gwz")
    again = gradwise.load_model(tmp_path / "reviews.gwz")
    asked = ["A wonderful film, moving and funny.", "Boring, bad acting, a waste of time."]
    np.testing.assert_array_equal(again.predict(asked), model.predict(asked))
    good, bad = model.predict(asked).ravel()
    assert good > 0.5 > bad
    same(np.array([accuracy]), np.array([again.evaluate(test_texts, test_labels, verbose=0)[1]]))


def test_keras_is_there_as_an_oracle():
    assert ANSWERS["versions"]["keras"].split(".")[0] == keras().__version__.split(".")[0]


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf"])
def test_many_rows_are_handed_to_the_model_sparse(monkeypatch, mode):
    layer = layers.TextVectorization(output_mode=mode, max_tokens=6)
    texts = ["a b b c", "", "c d e f g g", "a a a"] * 5
    layer.adapt(texts)
    monkeypatch.setattr("gradwise.layers.text_vectorization._MANY", 1)
    np.testing.assert_allclose(layer.hand_over(np.array(texts, object)).toarray(), layer(texts), rtol=1e-6)


@pytest.mark.parametrize("asked", [[""], ["!!!"], ["", "?"]])
def test_texts_without_a_token_are_padding(asked):
    layer = layers.TextVectorization()
    layer.adapt(["so good", "so so"])
    assert layer(asked).tolist() == [[0]] * len(asked)
    model = gradwise.Sequential([layer, Embedding(4, 3), GlobalAveragePooling1D(), Dense(1)])
    assert np.isfinite(model.predict(asked, verbose=0)).all()


def test_what_are_no_texts_is_told_in_words():
    layer = layers.TextVectorization(vocabulary=["so"])
    for values in (pandas.Series(["a", pandas.NA], dtype="string"), ["a", pandas.NA], ["a", None]):
        with pytest.raises(InputError, match="expected texts, but got a missing value at position 1. Fill"):
            layer(values)
    for matrix in (scipy.sparse.eye(3, format="csr"), from_scipy(scipy.sparse.eye(3), "x")):
        with pytest.raises(
            InputError, match=r"expected texts, but got a sparse matrix of shape \(3, 3\). Give"
        ):
            layer(matrix)
