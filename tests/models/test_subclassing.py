"""Layers, models, losses, metrics and training steps of a user's own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("B1", "B5")

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X[:, :1] * 2


class Block(gw.Layer):
    """A layer of layers, with a list and a dict of them."""

    def __init__(self, width, depth=2, **options):
        super().__init__(**options)
        self.width, self.depth = width, depth
        self.stack = [layers.Dense(width, "tanh") for _ in range(depth)]
        self.named = {"norm": layers.BatchNormalization(momentum=0.5), "drop": layers.Dropout(0.3)}

    def call(self, inputs, training=False):
        for layer in self.stack:
            inputs = layer(inputs)
        return self.named["drop"](self.named["norm"](inputs), training=training)


class Net(gw.Model):
    def __init__(self, width=4):
        super().__init__()
        self.block = Block(width)
        self.head = layers.Dense(1)

    def call(self, inputs):
        return self.head(self.block(inputs))


def test_variables_of_lists_and_dicts_are_found():
    model = Net()
    assert not model.built
    assert model(X).shape == (24, 1)
    assert list(model.named_variables()) == [
        *[f"block/{name}/{part}" for name in ("dense", "dense_1") for part in ("kernel", "bias")],
        *[
            f"block/batch_normalization/{part}"
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        ],
        "dense/kernel",
        "dense/bias",
    ]
    assert len(model.trainable_variables) == 8 and len(model.non_trainable_variables) == 2
    model.compile(gw.optimizers.Adam(0.05), "mse", metrics=["mae"])
    before = model.get_weights()
    history = model.fit(X, Y, epochs=15, batch_size=10, validation_split=0.25, verbose=0).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    np.testing.assert_array_equal(model.predict(X), model.predict(X))


def test_a_composite_layer_in_a_graph():
    x = gw.Input((3,))
    model = gw.Model(x, layers.Dense(1)(Block(4)(x)))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert model.count_params() == (12 + 4) + (16 + 4) + 16 + 5


def test_several_outputs_of_a_subclass():
    class Two(gw.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(2)

        def call(self, inputs):
            return self.a(inputs["left"]), self.b(inputs["right"])

    model = Two()
    model.compile("sgd", ["mse", "mae"])
    data = {"left": X, "right": X[:, :2]}
    history = model.fit(data, [Y, X[:, :2]], verbose=0).history
    assert list(history) == ["loss", "output_0_loss", "output_1_loss"]
    assert [part.shape for part in model.predict(data)] == [(24, 1), (24, 2)]


def test_a_loss_added_in_a_layer():
    class Penalised(gw.Layer):
        def call(self, inputs):
            self.add_loss(0.5 * jnp.mean(inputs**2))
            return inputs

    model = gw.Sequential([gw.Input((3,)), Penalised(), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(gw.optimizers.SGD(0.0), "mse")
    expected = np.mean(Y**2) + 0.5 * np.mean(X**2)
    assert model.evaluate(X, Y, batch_size=24, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history["loss"][0] == pytest.approx(
        expected, rel=1e-5
    )


COST = np.array([[0.0, 1.0], [99.0, 0.0]], "float32")  # to miss a case costs 99 times a false alarm


def expected_cost(y_true, y_pred):
    return jnp.sum(jnp.asarray(COST)[y_true.astype("int32").ravel()] * y_pred, axis=-1)


def test_a_cost_matrix_as_loss_and_metric():
    y = np.arange(24) % 2
    model = gw.Sequential([gw.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile(gw.optimizers.SGD(0.0), expected_cost, metrics=[expected_cost, "accuracy"])
    costs = (COST[y] * model.predict(X)).sum(1)
    loss, metric, _ = model.evaluate(X, y, batch_size=7, verbose=0)
    assert loss == pytest.approx(costs.mean(), rel=1e-5) and metric == pytest.approx(costs.mean(), rel=1e-5)
    with pytest.raises(InputError, match="one value for each of the .* samples"):
        model.compile("sgd", lambda t, p: jnp.ones(3))
        model.fit(X, y, verbose=0)


def test_loss_classes_and_metric_classes():
    class Quartic(gw.losses.Loss):
        def call(self, y_true, y_pred):
            return jnp.mean((y_true - y_pred) ** 4, axis=-1)

    class Largest(gw.metrics.Metric):
        def init(self):
            return {"sum": jnp.zeros(()), "count": jnp.zeros(())}

        def update(self, totals, y_true, y_pred, sample_weight=None):
            weight = jnp.ones(y_pred.shape[0]) if sample_weight is None else sample_weight
            return {
                "sum": totals["sum"] + jnp.sum(weight * jnp.max(y_pred, -1)),
                "count": totals["count"] + jnp.sum(weight),
            }

        def compute(self, totals):
            return totals["sum"] / totals["count"]

    model = gw.Sequential([gw.Input((3,)), layers.Dense(2)])
    model.compile("sgd", Quartic(), metrics=[Largest()])
    target = X[:, :2]
    outputs = model.predict(X)
    loss, largest = model.evaluate(X, target, batch_size=7, verbose=0)
    assert loss == pytest.approx(np.mean((outputs - target) ** 4), rel=1e-5)
    assert largest == pytest.approx(outputs.max(1).mean(), rel=1e-5)


def test_a_training_step_of_ones_own():
    class Noisy(gw.Sequential):
        """Moves every weight by 1 after the usual step."""

        def train_step(self, state, batch):
            state, seen = super().train_step(state, batch)
            return dataclasses.replace(state, weights=jax.tree.map(lambda w: w + 1, state.weights)), seen

    model = Noisy([gw.Input((3,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(gw.optimizers.SGD(0.0), "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], 6)
    assert list(history.history) == ["loss", "mae"]
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(model.get_weights()[1], 7)


def test_a_model_subclass_around_a_graph():
    class Doubled(gw.Model):
        def __init__(self, units):
            x = gw.Input((3,))
            super().__init__(x, layers.Dense(units)(x) * 2)
            self.units = units

    model = Doubled(4)
    assert model.output_shape == (None, 4) and model.get_config() == {"units": 4, "name": model.name}


def test_state_of_a_users_layer_is_kept_by_training():
    class Counts(gw.Layer):
        def build(self, input_shape):
            self.count = self.add_weight("count", (), initializer="zeros", trainable=False)

        def call(self, inputs, training=False):
            if training:
                self.count.assign(self.count.value + 1)
            return inputs

    model = gw.Sequential([gw.Input((3,)), Counts(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    assert float(model.layers[0].count.value) == 6
    model.evaluate(X, Y, verbose=0)
    assert float(model.layers[0].count.value) == 6


def test_settings_that_cannot_be_saved_are_refused_when_the_class_is_made():
    with pytest.raises(InputError, match=r"a constructor whose settings all have names.*'\*sizes'"):

        class Bad(gw.Layer):
            def __init__(self, *sizes):
                super().__init__()
