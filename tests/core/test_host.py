"""Layers that work on the host: models that begin with them take raw data everywhere."""

import numpy as np
import pytest

import gradwise
from gradwise.core.host import HostLayer
from gradwise.errors import InputError
from gradwise.layers import Concatenate, Dense, Dropout, Embedding, Flatten, Input
from gradwise.models.model import Model
from gradwise.models.sequential import Sequential
from gradwise.registry import register

TEXTS = ["abc", "dog", "cat", "zebra"] * 8
LABELS = np.arange(32) % 2


@register("layers.Letters")
class Letters(HostLayer):
    """The places of letters in the alphabet."""

    def __init__(self, length=4, **options):
        super().__init__(**options)
        self.length = length

    def output_like(self, shape):
        return (shape[0], self.length), "int32"

    def call(self, inputs):
        codes = np.zeros((len(inputs), self.length), "int32")
        for row, text in enumerate(inputs.ravel()):
            codes[row, : len(text)] = [ord(letter) % 32 for letter in text[: self.length]]
        return codes


def stack():
    model = Sequential([Letters(5), Embedding(32, 4), Flatten(), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def rest_of(model):
    """The same model without the host layer, made by hand."""
    codes = Input((5,), dtype="int32")
    outputs = codes
    for layer in model.layers[1:]:
        outputs = layer(outputs)
    return Model(codes, outputs)


@pytest.mark.feature("A4")
def test_every_method_takes_raw_texts_and_gives_what_the_rest_gives():
    model = stack()
    history = model.fit(TEXTS, LABELS, epochs=3, verbose=0, validation_data=(TEXTS, LABELS))
    assert len(history.history["val_loss"]) == 3
    codes = Letters(5)(TEXTS)
    expected = rest_of(model).predict(codes)
    np.testing.assert_allclose(model.predict(TEXTS), expected, rtol=1e-6)
    np.testing.assert_allclose(model(TEXTS), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(TEXTS), expected, rtol=1e-6)
    assert model.evaluate(TEXTS, LABELS, verbose=0)[1] == np.mean((expected.ravel() > 0.5) == LABELS)
    assert model.train_on_batch(TEXTS, LABELS)[0] > 0
    assert model.predict(np.array(TEXTS)).shape == model.predict([[text] for text in TEXTS]).shape == (32, 1)


def test_streams_of_raw_batches():
    model = stack()
    history = model.fit(((TEXTS, LABELS) for _ in range(4)), steps_per_epoch=2, epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def test_saved_models_take_raw_texts(tmp_path):
    model = stack()
    model.fit(TEXTS, LABELS, verbose=0)
    model.save(tmp_path / "model.gwz")
    loaded = gradwise.load_model(tmp_path / "model.gwz", custom_objects={"Letters": Letters})
    np.testing.assert_array_equal(loaded.predict(TEXTS), model.predict(TEXTS))


def mixed():
    word, number = Input((), dtype="string", name="word"), Input((2,), name="number")
    codes = Flatten()(Embedding(32, 4)(Letters()(word)))
    model = Model([word, number], Dense(1)(Concatenate()([codes, number])))
    model.compile("sgd", "mse")
    return model


def test_texts_beside_numbers_by_order_by_name_and_from_a_frame():
    pandas = pytest.importorskip("pandas")
    model = mixed()
    numbers = np.arange(64.0).reshape(32, 2)
    model.fit({"word": TEXTS, "number": numbers}, LABELS, verbose=0)
    by_order = model.predict([TEXTS, numbers])
    np.testing.assert_array_equal(by_order, model.predict({"number": numbers, "word": TEXTS}))
    word, left = Input((), dtype="string", name="word"), Input((1,), dtype="int32", name="left")
    flat = Model([word, left], Concatenate()([Letters()(word), left]))
    frame = pandas.DataFrame({"left": LABELS, "other": 1, "word": TEXTS})
    expected = np.concatenate([Letters()(TEXTS), LABELS[:, None]], axis=1)
    np.testing.assert_array_equal(flat.predict(frame), expected)


def test_a_model_with_host_layers_inside_another():
    inner = stack()
    expected = inner.predict(TEXTS)
    word = Input((), dtype="string")
    outer = Model(word, inner(word))
    np.testing.assert_array_equal(outer.predict(TEXTS), expected)


def test_the_summary_shows_host_layers(capsys):
    mixed().summary()
    shown = capsys.readouterr().out
    assert "Letters" in shown and "(None, 4)" in shown


def test_host_layers_come_first():
    numbers = Input((2,))
    with pytest.raises(InputError, match="raw inputs, or what another layer that works on the host returns"):
        Model(numbers, Dense(1)(Letters()(Dense(2)(numbers))))


def test_text_into_a_layer_that_computes():
    with pytest.raises(InputError, match="expected numbers, but got text, or the raw columns of a table"):
        Dense(3)(Input((2,), dtype="string"))


def test_a_host_layer_that_tells_no_shape():
    class Silent(HostLayer):
        def call(self, inputs):
            return inputs

    with pytest.raises(InputError, match="expected a method output_like"):
        Silent()(Input((), dtype="string"))


def test_missing_inputs_are_named():
    with pytest.raises(InputError, match="Add number"):
        mixed().predict({"word": TEXTS})


def test_stacks_that_nobody_has_drawn_inside_others():
    inner = stack()
    outer = Sequential([inner, Dense(1)])
    assert outer.predict(TEXTS).shape == (32, 1)
    word = Input((), dtype="string")
    assert Model(word, Dense(1)(stack()(word))).predict(TEXTS).shape == (32, 1)


def test_the_mode_given_to_an_inner_model_holds():
    inner = Sequential([Letters(5), Embedding(32, 4), Flatten(), Dropout(0.9)])
    word = Input((), dtype="string")
    outer = Model(word, inner(word, training=False))
    assert (np.asarray(outer(TEXTS, training=True)) == 0).mean() < 0.1
