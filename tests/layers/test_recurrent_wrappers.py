"""Bidirectional, TimeDistributed and ConvLSTM against Keras and against their definitions."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from tests.layers.keras_twin import assert_same, keras, keras_ways, share_weights

pytestmark = pytest.mark.feature("C8")

X = np.random.default_rng(0).normal(size=(3, 4, 3)).astype("float32")
MASK = np.array([[1, 1, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize("mode", ["sum", "mul", "concat", "ave", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_equals_keras(mode, sequences):
    def make(home):
        inner = home.GRU(2, return_sequences=sequences)
        return home.Bidirectional(inner, merge_mode=mode)

    layer, twin = make(layers), make(keras().layers)
    share_weights(layer, twin, X)
    with keras_ways():
        expected = [twin(X), twin(X, mask=MASK)]
    assert_same([layer(X), layer(X, mask=MASK)], expected)


@pytest.mark.parametrize("mode", ["concat", None])
def test_bidirectional_states_equal_keras(mode):
    def make(home):
        return home.Bidirectional(home.LSTM(2, return_state=True, return_sequences=True), merge_mode=mode)

    layer, twin = make(layers), make(keras().layers)
    share_weights(layer, twin, X)
    start = [np.full((3, 2), value, "float32") for value in (0.1, -0.2, 0.3, 0.5)]
    with keras_ways():
        expected = twin(X, initial_state=start)
    assert_same(layer(X, initial_state=start), expected)
    masks = layer.compute_mask(X, MASK)
    assert masks[0] is MASK and len(masks) == len(expected) and masks[-1] is None


def test_a_backward_layer_of_its_own_equals_keras():
    def make(home):
        backward = home.SimpleRNN(2, activation="relu", go_backwards=True)
        return home.Bidirectional(home.LSTM(2), backward_layer=backward)

    layer, twin = make(layers), make(keras().layers)
    share_weights(layer, twin, X)
    with keras_ways():
        expected = twin(X)
    assert_same(layer(X), expected)


def test_the_backward_half_reads_the_reversed_sequence():
    layer = layers.Bidirectional(layers.LSTM(2, return_sequences=True))
    whole = np.asarray(layer(X))
    again = layers.LSTM(2, return_sequences=True)
    again(X)
    again.set_weights(layer.backward_layer.get_weights())
    np.testing.assert_allclose(whole[..., 2:], np.asarray(again(X[:, ::-1]))[:, ::-1], rtol=1e-6)


def test_bidirectional_makes_new_layers_and_takes_weights():
    inner = layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)], name="inner")
    layer = layers.Bidirectional(inner)
    layer(X)
    assert not inner.built
    assert layer.forward_layer.name == "forward_inner" and layer.backward_layer.name == "backward_inner"
    assert layer.forward_layer.cell is not layer.backward_layer.cell
    weights = [weight + 1 for weight in layer.get_weights()]
    other = layers.Bidirectional(inner, weights=weights)
    other(X)
    assert_same(other.get_weights(), weights)


def test_a_bidirectional_model_is_trained_and_saved(tmp_path):
    inputs = gw.Input((None,), dtype="int32")
    words = layers.Embedding(9, 3, mask_zero=True)(inputs)
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="ave")(words)
    outputs = layers.Dense(1)(layers.Bidirectional(layers.GRU(2))(both))
    model = gw.Model(inputs, outputs)
    model.compile("adam", "mse")
    numbers = np.array([[1, 2, 0, 0], [3, 4, 5, 6]])
    model.fit(numbers, np.ones((2, 1)), verbose=0)
    np.testing.assert_allclose(model.predict(numbers[:1, :2]), model.predict(numbers[:1]), rtol=1e-5)
    model.save(tmp_path / "model.gwz")
    np.testing.assert_array_equal(
        gw.load_model(tmp_path / "model.gwz").predict(numbers), model.predict(numbers)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.Bidirectional(3),
            "expected a layer, but got an int. Pass a layer, as in Bidirectional",
        ),
        (lambda: layers.Bidirectional(layers.LSTM), "expected a layer, but got the class LSTM"),
        (lambda: layers.Bidirectional(layers.Dense(3)), "with the attribute go_backwards, but got Dense"),
        (lambda: layers.Bidirectional(layers.GRU(2), "max"), "merge_mode to be one of sum, mul, concat, ave"),
        (
            lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)),
            "read in different directions, but got go_backwards=False in both",
        ),
        (
            lambda: layers.Bidirectional(
                layers.GRU(2), backward_layer=layers.GRU(2, return_state=True, go_backwards=True)
            ),
            "the same return_state in both layers, but got False forwards and True backwards",
        ),
        (
            lambda: layers.Bidirectional(layers.GRU(2), weights=[np.ones(3)])(X),
            r"weights: expected 6 arrays of shapes .*, but got 1 of shapes \[\(3,\)\]",
        ),
        (lambda: layers.TimeDistributed(3), "expected a layer, but got an int"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), "with at least three axes, but got"),
        (lambda: layers.ConvLSTM2D(2, 2, strides=2, dilation_rate=2), "a dilation_rate above 1, not both"),
        (lambda: layers.ConvLSTM2D(2, 2)(X), r"\[batch, steps, height, width, channels\], but got"),
        (lambda: layers.ConvLSTM1D(2, 2)(gw.Input((4, None, 3))), "known sizes of the images"),
    ],
)
def test_errors_say_what_to_do(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_time_distributed_applies_one_layer_to_each_step():
    inner = layers.Conv1D(2, 2, activation="relu")
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    outputs = layers.TimeDistributed(inner)(x)
    np.testing.assert_allclose(outputs, np.stack([inner(x[:, t]) for t in range(3)], 1), rtol=1e-5, atol=1e-6)


def test_time_distributed_batch_normalisation_goes_step_by_step_as_in_keras():
    layer = layers.TimeDistributed(layers.BatchNormalization())
    twin = keras().layers.TimeDistributed(keras().layers.BatchNormalization())
    share_weights(layer, twin, X)
    layer.set_weights([np.abs(weight) for weight in layer.get_weights()])
    with keras_ways():
        twin.set_weights(layer.get_weights())
        expected = twin(X, training=True)
        moved = [np.asarray(variable.value) for variable in twin.weights]
    assert_same(layer(X, training=True), expected, rtol=1e-4, atol=1e-5)
    assert_same(layer.get_weights(), moved)
    assert gw.Sequential([gw.Input((None, 3)), layer]).output_shape == (None, None, 3)


def test_time_distributed_models_are_trained():
    inner = gw.Sequential([layers.Flatten(), layers.Dense(4, activation="relu"), layers.Dropout(0.5)])
    model = gw.Sequential([gw.Input((3, 2, 2)), layers.TimeDistributed(inner), layers.GRU(2)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(np.ones((4, 3, 2, 2)), np.ones((4, 2)), epochs=2, verbose=0)
    assert model.layers[0].output.shape == (None, 3, 4)
    assert any(np.any(one != two) for one, two in zip(before, model.get_weights(), strict=True))


def test_time_distributed_passes_masks_of_inner_sequences():
    """A text of sentences: the mask of words goes to the inner layer, that of sentences on."""
    words = np.array([[[1, 2, 0], [3, 0, 0], [0, 0, 0]]])
    mask = words != 0
    x = np.random.default_rng(0).normal(size=(1, 3, 3, 2)).astype("float32")
    inner = layers.GRU(2)
    layer = layers.TimeDistributed(inner)
    outputs = layer(x, mask=mask)
    np.testing.assert_allclose(outputs[:, 0], inner(x[:, 0, :2]), rtol=1e-5)
    assert layer.compute_mask(x, mask).tolist() == [[True, True, False]]
    every = layers.TimeDistributed(layers.GRU(2, return_sequences=True))
    assert every.compute_mask(x, mask).tolist() == mask.tolist()


def test_masked_images_act_as_a_shorter_film():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 4, 1)).astype("float32")
    layer = layers.ConvLSTM2D(2, 3, padding="same")
    mask = np.array([[True, True, False, False]] * 2)
    np.testing.assert_allclose(layer(x, mask=mask), layer(x[:, :2]), rtol=1e-5, atol=1e-6)


def test_conv_lstm_with_channels_first_is_the_same():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4, 2)).astype("float32")
    last = layers.ConvLSTM2D(2, 3, return_sequences=True)
    first = layers.ConvLSTM2D(2, 3, return_sequences=True, data_format="channels_first")
    expected = last(x)
    first(np.moveaxis(x, -1, 2))
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(
        np.moveaxis(first(np.moveaxis(x, -1, 2)), 2, -1), expected, rtol=1e-5, atol=1e-6
    )


def test_a_conv_lstm_over_single_pixels_is_an_lstm():
    layer, plain = layers.ConvLSTM1D(2, 1), layers.LSTM(2)
    expected = plain(X)
    layer(X[:, :, None])
    layer.set_weights([w[None] if w.ndim == 2 else w for w in plain.get_weights()])
    np.testing.assert_allclose(layer(X[:, :, None])[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_a_stateful_conv_lstm_goes_on():
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 1)).astype("float32")
    layer = layers.ConvLSTM1D(2, 2, stateful=True)
    layer(x[:, :2])
    after = layer(x[:, 2:])
    layer.reset_states()
    np.testing.assert_allclose(layer(x), after, rtol=1e-5, atol=1e-6)
