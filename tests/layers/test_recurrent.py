"""Recurrent layers against Keras: masks, first states, weights, arguments; and in models of any length."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from tests.layers.keras_twin import assert_same, keras, keras_ways, share_weights

pytestmark = pytest.mark.feature("C8")

X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
# Padding at the end, at the start, in the middle, everywhere.
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
KINDS = {
    "SimpleRNN": {},
    "LSTM": {},
    "GRU": {},
    "GRU before": {"reset_after": False},
    "LSTM elu": {"activation": "elu"},
}


def pair(kind, **settings):
    name = kind.split()[0]
    options = {"units": 2, **KINDS[kind], **settings}
    layer, twin = getattr(layers, name)(**options), getattr(keras().layers, name)(**options)
    share_weights(layer, twin, X)
    return layer, twin


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("kind", KINDS)
def test_masks_act_as_in_keras(kind, backwards):
    layer, twin = pair(kind, return_sequences=True, return_state=True, go_backwards=backwards)
    with keras_ways():
        expected = twin(X, mask=MASK)
    assert_same(layer(X, mask=MASK), expected)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_first_states_and_zero_outputs_act_as_in_keras(kind):
    layer, twin = pair(kind, return_sequences=True, return_state=True, zero_output_for_mask=True)
    states = [np.full((4, 2), value, "float32") for value in (0.5, -0.3)][: 2 if kind == "LSTM" else 1]
    with keras_ways():
        expected = twin(X, mask=MASK, initial_state=states)
    result = layer(X, mask=MASK, initial_state=states)
    assert_same(result, expected)
    assert np.all(np.asarray(result[0])[~MASK] == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    layer, _ = pair(kind)
    padded = np.concatenate([X, np.full((4, 3, 3), 7.0, "float32")], axis=1)
    mask = np.arange(8)[None] < np.full((4, 1), 5)
    np.testing.assert_allclose(layer(padded, mask=mask), layer(X), rtol=1e-6)
    before = np.concatenate([padded[:, 5:], X], axis=1)
    np.testing.assert_allclose(layer(before, mask=mask[:, ::-1]), layer(X), rtol=1e-6)


def test_gradients_of_masked_sequences_equal_keras():
    layer, twin = pair("LSTM", return_sequences=True)

    def loss(weights, x):
        outputs, _ = gw.core.functional.functional_call(layer, weights, x, mask=MASK)
        return jnp.cos(outputs).sum()

    weights = {path: jnp.asarray(item.value) for path, item in layer.named_variables().items()}
    mine = jax.grad(loss, (0, 1))(weights, X)
    with keras_ways():
        others = [variable.value for variable in twin.non_trainable_variables]

        def reference(values, x):
            return jnp.cos(twin.stateless_call(values, others, x, mask=MASK)[0]).sum()

        theirs = jax.grad(reference, (0, 1))([v.value for v in twin.trainable_variables], jnp.asarray(X))
    assert_same(
        [[mine[0][path] for path in layer.named_variables()], mine[1]], list(theirs), rtol=1e-4, atol=1e-5
    )


def test_a_mask_of_an_embedding_reaches_the_layer():
    inputs = gw.Input((None,), dtype="int32")
    words = layers.Embedding(9, 3, mask_zero=True)(inputs)
    model = gw.Model(inputs, layers.GRU(2)(layers.LSTM(2, return_sequences=True)(words)))
    short, long = np.array([[3, 4, 5]]), np.array([[3, 4, 5, 0, 0]])
    np.testing.assert_allclose(model(short), model(long), rtol=1e-6)


def test_states_can_be_symbolic_and_come_from_another_layer():
    source, target = gw.Input((None, 3)), gw.Input((None, 3))
    _, h, c = layers.LSTM(2, return_state=True)(source)
    decoder = layers.LSTM(2, return_sequences=True)
    model = gw.Model([source, target], decoder(target, initial_state=[h, c]))
    encoder = model.layers[2]
    _, *states = encoder(X)
    np.testing.assert_allclose(model([X, X]), decoder(X, initial_state=states), rtol=1e-6)


def test_keras_has_the_same_arguments_in_the_same_order():
    for name in (
        *("SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell", "RNN", "StackedRNNCells"),
        *("Bidirectional", "TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    ):
        mine = inspect.signature(getattr(layers, name).__init__).parameters
        theirs = inspect.signature(getattr(keras().layers, name).__init__).parameters
        wanted = [(key, item.default) for key, item in theirs.items() if key != "kwargs"]
        assert [(key, mine[key].default) for key in mine][: len(wanted)] == wanted, name


def test_forget_bias_starts_at_one():
    layer = layers.LSTM(2, bias_initializer="zeros")
    layer(X)
    assert layer.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    layer = layers.LSTM(2, unit_forget_bias=False)
    layer(X)
    assert not layer.get_weights()[2].any()


def test_any_length_is_taken_and_trained_on():
    model = gw.Sequential([gw.Input((None, 3)), layers.GRU(4, return_sequences=True), layers.LSTM(2)])
    model.compile("sgd", "mse")
    assert model.output_shape == (None, 2)
    before = model.get_weights()
    for length in (2, 5):
        history = model.fit(X[:, :length], np.ones((4, 2)), verbose=0)
        assert np.isfinite(history.history["loss"][0])
    assert all(np.any(one != two) for one, two in zip(before, model.get_weights(), strict=True))


def test_every_step_of_an_lstm_learns_a_sum():
    """Backpropagation through time reaches early steps: the target depends on all of them."""
    x = np.random.default_rng(0).integers(0, 2, (128, 6, 1)).astype("float32")
    y = x.sum(axis=(1, 2), keepdims=False)[:, None]
    model = gw.Sequential([gw.Input((6, 1)), layers.LSTM(8), layers.Dense(1)])
    model.compile(gw.optimizers.Adam(0.02), "mse")
    history = model.fit(x, y, epochs=60, verbose=0).history["loss"]
    assert history[-1] < 0.05 < history[0]


@pytest.mark.parametrize("settings", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_dropout_masks_hold_at_all_steps_and_only_in_training(name, settings):
    layer = getattr(layers, name)(6, return_sequences=True, seed=3, **settings)
    x = np.ones((2, 4, 5), "float32")
    np.testing.assert_array_equal(layer(x), layer(x))
    weights = {path: jnp.asarray(item.value) for path, item in layer.named_variables().items()}
    call = gw.core.functional.functional_call
    outputs = [call(layer, weights, x, training=True, key=jax.random.key(seed))[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.any(np.asarray(outputs[0]) != np.asarray(outputs[2]))


def test_an_input_mask_is_the_same_at_every_step():
    """With a recurrent kernel of 0, equal inputs give equal outputs if and only if the mask is constant."""
    layer = layers.SimpleRNN(6, dropout=0.5, return_sequences=True)
    x = np.ones((2, 4, 5), "float32")
    layer(x)
    kernel, recurrent, bias = layer.get_weights()
    layer.set_weights([kernel, 0 * recurrent, bias])
    outputs = np.asarray(layer(x, training=True))
    assert np.abs(outputs - outputs[:, :1]).max() < 1e-6
    assert np.any(np.abs(outputs - np.asarray(layer(x))) > 1e-3)


def test_dropout_keeps_the_mean():
    layer = layers.SimpleRNN(1, activation=None, dropout=0.25, use_bias=False)
    x = np.ones((2000, 1, 4), "float32")
    layer(x)
    layer.set_weights([np.ones((4, 1), "float32"), np.zeros((1, 1), "float32")])
    assert abs(float(jnp.mean(layer(x, training=True))) - 4) < 0.1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.LSTM(0), "expected units to be a positive integer, but got 0"),
        (lambda: layers.GRU(3, dropout=1.0), "expected dropout to be at least 0 and below 1, the fraction"),
        (lambda: layers.GRU(3, use_cudnn=True), "expected use_cudnn to be 'auto' or False"),
        (lambda: layers.LSTM(3)(X[0]), r"sequences of shape \[batch, steps, features\], but got \(None, 3\)"),
        (lambda: layers.LSTM(3)(X[None]), "Reshape the inputs"),
        (lambda: layers.LSTM(3)(gw.Input((None, None))), "expected inputs with a known number of features"),
        (lambda: layers.LSTM(3)(X, mask=np.ones((4, 2), bool)), r"mask: expected one value for each step"),
        (
            lambda: layers.LSTM(3)(X, initial_state=[np.zeros((4, 3), "float32")]),
            r"initial_state: expected 2 arrays of shapes \[\(4, 3\), \(4, 3\)\], but got \[\(4, 3\)\]",
        ),
    ],
)
def test_errors_say_what_to_do(make, message):
    with pytest.raises(InputError, match=message):
        make()
