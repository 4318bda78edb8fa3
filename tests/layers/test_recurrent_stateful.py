"""Layers that go on from batch to batch where the last one ended."""

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError, StateError

pytestmark = pytest.mark.feature("C8")

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")


def model_of(make, batch=4):
    model = gw.Sequential([gw.Input(batch_shape=(batch, None, 3)), make(), layers.Dense(1)])
    model.compile(gw.optimizers.SGD(0.1), "mse")
    return model


def plain_like(model, make):
    plain = gw.Sequential([gw.Input((None, 3)), make(), layers.Dense(1)])
    plain.compile(gw.optimizers.SGD(0.1), "mse")
    plain.set_weights(model.get_weights())
    return plain


MAKERS = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(2, **o),
    "LSTM": lambda **o: layers.LSTM(2, **o),
    "GRU": lambda **o: layers.GRU(2, **o),
    "RNN": lambda **o: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **o),
}


@pytest.mark.parametrize("name", MAKERS)
def test_two_halves_are_one_whole(name):
    make = MAKERS[name]
    model = model_of(lambda: make(stateful=True))
    whole = plain_like(model, make).predict(X)
    model.predict(X[:, :2])
    np.testing.assert_allclose(model.predict(X[:, 2:]), whole, rtol=1e-5, atol=1e-6)
    assert np.abs(model.predict(X) - whole).max() > 1e-4
    model.layers[0].reset_states()
    np.testing.assert_allclose(model.predict(X), whole, rtol=1e-5, atol=1e-6)


def test_a_layer_alone_keeps_its_states():
    layer = layers.GRU(2, stateful=True, return_sequences=True)
    halves = [layer(X[:, :3]), layer(X[:, 3:])]
    layer.reset_state()
    np.testing.assert_allclose(np.concatenate(halves, axis=1), layer(X), rtol=1e-5, atol=1e-6)


def test_batches_of_predict_and_evaluate_follow_each_other():
    """Rows 4 to 7 continue rows 0 to 3."""
    model = model_of(lambda: layers.LSTM(2, stateful=True))
    plain = plain_like(model, MAKERS["LSTM"])
    stream = np.concatenate([X[:, :3], X[:, 3:]])
    wanted = np.concatenate([plain.predict(X[:, :3]), plain.predict(X)])
    np.testing.assert_allclose(model.predict(stream), wanted, rtol=1e-5, atol=1e-6)
    model.layers[0].reset_states()
    loss = model.evaluate(stream, np.zeros((8, 1)), verbose=0)
    assert loss == pytest.approx(float(np.square(wanted).mean()), rel=1e-5)
    left = model.layers[0].states[0].numpy()
    model.layers[0].reset_states()
    model.test_on_batch(X[:, :3], np.zeros((4, 1)))
    model(X[:, 3:])
    np.testing.assert_allclose(model.layers[0].states[0].numpy(), left, rtol=1e-5)


def test_training_keeps_order_and_carries_states():
    """Two batches of an epoch, never shuffled: the same as two updates by hand, the second one going on."""
    make = lambda: layers.GRU(2, stateful=True)  # noqa: E731
    model, other = model_of(make), model_of(make)
    other.set_weights(model.get_weights())
    stream, y = np.concatenate([X[:, :3], X[:, 3:]]), np.arange(8, dtype="float32")[:, None]
    model.fit(stream, y, verbose=0)
    for part in (slice(0, 4), slice(4, 8)):
        other.train_on_batch(stream[part], y[part])
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        model.layers[0].states[0].numpy(), other.layers[0].states[0].numpy(), rtol=1e-5
    )
    assert np.abs(model.layers[0].states[0].numpy()).max() > 0


def test_validation_goes_on_from_training_and_leaves_its_states_alone():
    make = lambda: layers.GRU(2, stateful=True)  # noqa: E731
    model, other = model_of(make), model_of(make)
    other.set_weights(model.get_weights())
    y = np.ones((4, 1))
    history = model.fit(X, y, validation_data=(X, y), verbose=0).history
    other.fit(X, y, verbose=0)
    np.testing.assert_allclose(
        model.layers[0].states[0].numpy(), other.layers[0].states[0].numpy(), rtol=1e-6
    )
    assert history["val_loss"][0] == pytest.approx(other.evaluate(X, y, verbose=0), rel=1e-5)


class Reset(gw.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].reset_states()


def test_a_callback_may_reset_states_at_each_epoch():
    model = model_of(lambda: layers.SimpleRNN(2, stateful=True))
    plain = plain_like(model, MAKERS["SimpleRNN"])
    y = np.ones((4, 1))
    model.fit(X, y, epochs=3, callbacks=[Reset()], verbose=0)
    plain.fit(X, y, epochs=3, batch_size=4, shuffle=False, verbose=0)
    for one, two in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_states_are_no_weights(tmp_path):
    """Weights go from a model for training to one that predicts row by row, and files hold no states."""
    model = model_of(lambda: layers.LSTM(2, stateful=True))
    single = model_of(lambda: layers.LSTM(2, stateful=True), batch=1)
    assert [w.shape for w in model.get_weights()][:3] == [(3, 8), (2, 8), (8,)]
    assert model.count_params() == 24 + 16 + 8 + 3
    single.set_weights(model.get_weights())
    first = model.predict(X)
    np.testing.assert_allclose(single.predict(X[:1]), first[:1], rtol=1e-5)
    model.save(tmp_path / "model.gwz")
    np.testing.assert_allclose(gw.load_model(tmp_path / "model.gwz").predict(X), first, rtol=1e-6)


def test_bidirectional_layers_reset_both_ways():
    layer = layers.Bidirectional(layers.LSTM(2, stateful=True))
    first = layer(X)
    assert np.abs(np.asarray(layer(X) - first)).max() > 1e-4
    layer.reset_states()
    np.testing.assert_allclose(layer(X), first, rtol=1e-6)
    with pytest.raises(StateError, match="expected a stateful layer, but got one that keeps no states"):
        layers.Bidirectional(layers.LSTM(2)).reset_state()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda m: m.fit(X, X[:, 0, :1], batch_size=2),
            "batch_size: expected 4, as the model has a stateful",
        ),
        (
            lambda m: m.fit(X[:3], X[:3, 0, :1]),
            "expected a multiple of 4 samples, as .* Pass 4 samples at a time",
        ),
        (
            lambda m: m.predict(np.concatenate([X, X[:1]])),
            "predict: expected a multiple of 4.*Leave out the last 1",
        ),
        (lambda m: m.evaluate(X[:2], X[:2, 0, :1]), "evaluate: expected a multiple of 4"),
        (
            lambda m: m.fit(X, X[:, 0, :1], validation_data=(X[:2], X[:2, 0, :1])),
            "fit, validation_data: expected a multiple of 4",
        ),
        (lambda m: m(X[:3]), r"stateful=True: expected batches of 4 samples.*got 3. Pass batch_size=4"),
        (
            lambda m: gw.Sequential([gw.Input((6, 3)), layers.LSTM(2, stateful=True)]),
            r"expected a known batch size, but got \(None, 6, 3\). Say it in the input: Input\(batch_shape",
        ),
    ],
)
def test_other_batches_are_refused(use, message):
    model = model_of(lambda: layers.LSTM(2, stateful=True))
    with pytest.raises(InputError, match=message):
        use(model)


def test_batch_input_shape_says_the_batch_size():
    model = gw.Sequential([layers.LSTM(2, stateful=True, batch_input_shape=(4, 6, 3))])
    assert model.layers[0].batch_size == 4
