"""`RNN` with cells of the library, stacks of them, and cells of the user's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.core.functional import functional_call
from gradwise.errors import InputError, StateError
from tests.layers.keras_twin import assert_same, keras, keras_ways, share_weights

pytestmark = pytest.mark.feature("C8")

X = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0]], bool)


@gw.register("tests.Adder")
class Adder(gw.layers.Layer):
    """A cell as users write it: it adds up its inputs, and counts steps in a second state."""

    state_size = (3, 1)
    output_size = 4

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (), initializer="ones")

    def call(self, inputs, states):
        total, count = states
        total = total + self.scale.value * inputs
        return jnp.concatenate([total, count], axis=1), (total, count + 1)


def test_a_cell_of_ones_own_is_run_over_the_steps():
    layer = layers.RNN(Adder(), return_sequences=True, return_state=True)
    outputs, total, count = layer(X)
    np.testing.assert_allclose(outputs[..., :3], np.cumsum(X, axis=1), rtol=1e-6)
    np.testing.assert_allclose(outputs[..., 3], np.tile(np.arange(4.0), (2, 1)))
    np.testing.assert_allclose(total, X.sum(axis=1), rtol=1e-6)
    assert count.tolist() == [[4.0], [4.0]]


def test_a_cell_of_ones_own_is_masked_trained_and_saved(tmp_path):
    inputs = gw.Input((None, 3))
    model = gw.Model(inputs, layers.Dense(1)(layers.RNN(Adder())(inputs)))
    model.compile("sgd", "mse")
    history = model.fit(X, np.ones((2, 1)), epochs=3, verbose=0).history["loss"]
    assert history[2] < history[0]
    model.save(tmp_path / "model.gwz")
    np.testing.assert_array_equal(gw.load_model(tmp_path / "model.gwz").predict(X), model.predict(X))
    total = layers.RNN(Adder())(X, mask=MASK)[:, :3]
    np.testing.assert_allclose(total, (X * MASK[..., None]).sum(axis=1), rtol=1e-5, atol=1e-6)


class Deep(gw.layers.Layer):
    """A cell made of other layers, which build themselves."""

    def __init__(self):
        super().__init__()
        self.state_size = 3
        self.dense = layers.Dense(3, activation="softmax", activity_regularizer="l2")
        self.drop = layers.Dropout(0.5)

    def get_initial_state(self, batch_size=None):
        return jnp.ones((batch_size, 3))

    def call(self, inputs, states):
        output = self.drop(self.dense(inputs) * states[0])
        return output, [output]


def test_layers_inside_a_cell_are_built_regularised_and_random():
    layer = layers.RNN(Deep(), return_sequences=True)
    by_hand, state = [], jnp.ones((2, 3))
    outputs = layer(X)
    for step in range(4):
        state = layer.cell.dense(X[:, step]) * state
        by_hand.append(state)
    np.testing.assert_allclose(outputs, jnp.stack(by_hand, 1), rtol=1e-5)
    weights = {path: jnp.asarray(item.value) for path, item in layer.named_variables().items()}

    def call(x, key):
        return functional_call(layer, weights, x, training=True, key=key)[0]

    with jax.checking_leaks():
        dropped = jax.jit(call)(X, jax.random.key(0))
    zeros = np.asarray(dropped == 0)
    assert zeros.any() and not zeros.all()
    model = gw.Sequential([gw.Input((4, 3)), layer])
    model.compile("sgd", None)
    plain = float(jnp.square(outputs).sum())
    penalties = 0.01 * sum(float(jnp.square(layer.cell.dense(X[:, step])).sum()) for step in range(4)) / 2
    model.compile("sgd", "mse")
    loss = model.evaluate(X, np.zeros((2, 4, 3)), verbose=0)
    assert loss == pytest.approx(plain / 24 + penalties, rel=1e-5)


class Assigning(gw.layers.Layer):
    state_size = 3

    def build(self, input_shape):
        self.seen = self.add_weight("seen", (), initializer="zeros", trainable=False)

    def call(self, inputs, states):
        self.seen.assign(self.seen.value + 1)
        return inputs, [inputs]


def test_a_cell_that_assigns_is_told_to_return():
    with pytest.raises(
        StateError, match="an assignment to the variable 'seen' inside a step. Make it one of the"
    ):
        layers.RNN(Assigning())(X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RNN(3), "RNN 'rnn.*': expected a cell, a layer with `state_size`, but got an int"),
        (lambda: layers.RNN(layers.Dense(3)), "but got the layer Dense, which has none"),
        (lambda: layers.StackedRNNCells([]), "expected at least one cell, but got none"),
    ],
)
def test_what_is_no_cell_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_a_layer_is_its_cell_run_over_the_steps(name):
    layer = getattr(layers, name)(2, return_sequences=True, return_state=True)
    outputs, *last = layer(X)
    states = layer.get_initial_state(2)
    for step in range(4):
        output, states = layer.cell(X[:, step], states)
        np.testing.assert_allclose(outputs[:, step], output, rtol=1e-5, atol=1e-6)
    assert_same(last, states)
    bare = layer.cell(X[:, 0], states[0])[1] if name != "LSTM" else states[0]
    assert bare.shape == (2, 2)


@pytest.mark.parametrize("masked", [False, True])
def test_stacked_cells_equal_keras(masked):
    def cells(home):
        return [home.LSTMCell(2), home.GRUCell(3), home.SimpleRNNCell(2)]

    settings = {"return_sequences": True, "return_state": True}
    layer = layers.RNN(cells(layers), **settings)
    twin = keras().layers.RNN(cells(keras().layers), **settings)
    share_weights(layer, twin, X)
    options = {"mask": MASK} if masked else {}
    with keras_ways():
        expected = twin(X, **options)
    assert_same(layer(X, **options), expected)
    assert layer.cell.state_size == [[2, 2], 3, 2] and layer.cell.output_size == 2


def test_stacked_cells_make_a_single_step():
    stack = layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(3)])
    output, states = stack(X[:, 0], stack.get_initial_state(2))
    layer = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], return_state=True)
    layer(X[:, :1])
    layer.set_weights(stack.get_weights())
    assert_same(layer(X[:, :1]), (output, *states))


def test_a_stack_of_own_and_foreign_cells_is_trained_with_dropout():
    layer = layers.RNN([Adder(), layers.GRUCell(2, dropout=0.5, recurrent_dropout=0.5)])
    model = gw.Sequential([gw.Input((None, 3)), layer])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, np.ones((2, 2)), verbose=0)
    assert all(np.any(one != two) for one, two in zip(before, model.get_weights(), strict=True))
