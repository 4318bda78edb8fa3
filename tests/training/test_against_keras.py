"""Twenty training steps from equal weights, against Keras 3."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from tests.training.keras_reference import run_both

pytestmark = pytest.mark.feature("B2", "D1")
STEPS, SIZE = 20, 8
COUNT = STEPS * SIZE


def inputs(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=(COUNT, *shape)).astype("float32")


def targets(kind, width=3):
    generator = np.random.default_rng(7)
    if kind == "real":
        return generator.normal(size=(COUNT, width)).astype("float32")
    if kind == "positive":
        return generator.uniform(0.1, 2, (COUNT, width)).astype("float32")
    if kind == "binary":
        return generator.integers(0, 2, (COUNT, width)).astype("float32")
    if kind == "signed":
        return generator.integers(0, 2, (COUNT, width)).astype("float32") * 2 - 1
    labels = generator.integers(0, width, COUNT)
    if kind == "labels":
        return labels
    if kind == "onehot":
        return np.eye(width, dtype="float32")[labels]
    shares = generator.uniform(0.1, 1, (COUNT, width))
    return (shares / shares.sum(1, keepdims=True)).astype("float32")


def perceptron(activation, hidden="tanh", units=3, **kernel):
    def make(library):
        layers = library.layers
        return library.Sequential(
            [library.Input((4,)), layers.Dense(5, hidden), layers.Dense(units, activation, **kernel)]
        )

    return make


LOSSES = [
    ("MeanSquaredError", None, "real"),
    ("MeanAbsoluteError", None, "real"),
    ("MeanAbsolutePercentageError", None, "positive"),
    ("MeanSquaredLogarithmicError", "softplus", "positive"),
    ("Huber", None, "real"),
    ("LogCosh", None, "real"),
    ("CosineSimilarity", None, "real"),
    ("Poisson", "softplus", "positive"),
    ("KLDivergence", "softmax", "shares"),
    ("Hinge", "tanh", "signed"),
    ("SquaredHinge", "tanh", "signed"),
    ("CategoricalHinge", "softmax", "onehot"),
    ("BinaryCrossentropy", "sigmoid", "binary"),
    ("CategoricalCrossentropy", "softmax", "onehot"),
    ("SparseCategoricalCrossentropy", "softmax", "labels"),
    ("BinaryFocalCrossentropy", "sigmoid", "binary"),
    ("CategoricalFocalCrossentropy", "softmax", "onehot"),
]


@pytest.mark.parametrize(("name", "activation", "kind"), LOSSES)
def test_every_loss(name, activation, kind):
    def settings(library):
        return {"optimizer": library.optimizers.SGD(0.05), "loss": getattr(library.losses, name)()}

    # MAPE's gradients are a hundred times larger.
    x = inputs(4) * (0.01 if name == "MeanAbsolutePercentageError" else 1)
    got, expected = run_both(perceptron(activation), settings, (x, targets(kind)), gw, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["loss"], expected["loss"], rtol=1e-4)


OPTIMIZERS = [
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5}),
    ("Adam", {"learning_rate": 0.02, "amsgrad": True, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.02, "weight_decay": 0.1}),
    ("Adagrad", {"learning_rate": 0.1, "global_clipnorm": 0.3}),
]


@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
@pytest.mark.feature("E1", "E3")
def test_every_optimizer(name, settings):
    def compiled(library):
        optimizer = getattr(library.optimizers, name)(**settings)
        if library is gw:
            optimizer.exclude_from_weight_decay([])  # Keras decays biases as well
        return {"optimizer": optimizer, "loss": "mse", "metrics": ["mae"]}

    got, expected = run_both(
        perceptron(None), compiled, (inputs(4), targets("real")), gw, rtol=2e-4, atol=1e-5
    )
    np.testing.assert_allclose(got["mae"], expected["mae"], rtol=1e-4)


def convolutional(library):
    layers, regularizers = library.layers, library.regularizers
    return library.Sequential(
        [
            library.Input((6, 6, 2)),
            layers.Conv2D(3, 3, padding="same", kernel_regularizer=regularizers.L2(0.01)),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_regularizer="l1", bias_regularizer="l2"),
        ]
    )


@pytest.mark.feature("C6", "E4")
def test_convolution_batch_normalisation_and_penalties():
    def compiled(library):
        return {
            "optimizer": library.optimizers.SGD(0.05),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["acc"],
        }

    data = (inputs(6, 6, 2), targets("labels"))
    fit = {"validation_data": (data[0][:20], data[1][:20]), "validation_batch_size": 10}
    got, expected = run_both(convolutional, compiled, data, gw, fit=fit, rtol=5e-4, atol=2e-5)
    assert got.keys() == expected.keys()
    for name in got:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-4, atol=1e-6)


def masked(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((5,), dtype="int32"),
            layers.Embedding(7, 4, mask_zero=True),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.feature("C8")
def test_a_mask_reaches_batch_normalisation_and_the_loss():
    """Keras leaves the masked steps out of the statistics and the loss; so do we."""

    def compiled(library):
        return {"optimizer": library.optimizers.SGD(0.5), "loss": "sparse_categorical_crossentropy"}

    generator = np.random.default_rng(0)
    data = (generator.integers(0, 7, (COUNT, 5)), generator.integers(0, 3, (COUNT, 5)))
    run_both(masked, compiled, data, gw, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["sample_weight", "class_weight"])
def test_weights_of_samples_and_classes(kind):
    def compiled(library):
        return {"optimizer": library.optimizers.SGD(0.1), "loss": "sparse_categorical_crossentropy"}

    weights = np.random.default_rng(1).uniform(0, 3, COUNT).astype("float32")
    fit = {kind: weights if kind == "sample_weight" else {0: 0.5, 1: 2.0, 2: 1.0}}
    run_both(perceptron("softmax"), compiled, (inputs(4), targets("labels")), gw, fit=fit)


def two_headed(library):
    layers = library.layers
    x = library.Input((4,))
    hidden = layers.Dense(5, "tanh")(x)
    return library.Model(
        x, [layers.Dense(3, name="real")(hidden), layers.Dense(3, "softmax", name="kind")(hidden)]
    )


@pytest.mark.feature("B1")
def test_two_outputs_with_shares_of_the_loss():
    def compiled(library):
        return {
            "optimizer": library.optimizers.SGD(0.05),
            "loss": {"real": "mse", "kind": "sparse_categorical_crossentropy"},
            "loss_weights": {"real": 0.3, "kind": 2.0},
            "metrics": {"kind": ["accuracy"], "real": ["mae"]},
        }

    # Keras takes dicts of targets only for dicts of outputs.
    data = (inputs(4), [targets("real"), targets("labels")])
    got, expected = run_both(two_headed, compiled, data, gw)
    assert set(got) == set(expected)
    for name in got:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-4)


def test_a_smaller_last_batch_and_three_epochs():
    def compiled(library):
        return {"optimizer": library.optimizers.Adam(0.01), "loss": "mse", "metrics": ["mae"]}

    data = (inputs(4)[:53], targets("real")[:53])
    fit = {"epochs": 3, "validation_split": 0.2}
    got, expected = run_both(perceptron(None), compiled, data, gw, fit=fit, rtol=1e-4, atol=1e-5)
    for name in ("loss", "mae", "val_loss", "val_mae"):
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-4)


def test_in_64_bits_to_ten_digits():
    """Against the formulas in plain JAX: Keras itself keeps but eight digits here."""

    def loss(weights, x, y):
        hidden = jnp.tanh(x @ weights[0] + weights[1][None])
        return jnp.mean((hidden @ weights[2] + weights[3][None] - y) ** 2) + 0.01 * jnp.sum(weights[2] ** 2)

    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(COUNT, 4)), generator.normal(size=(COUNT, 3))
    with jax.enable_x64(True):
        gw.config.set_floatx("float64")
        try:
            model = perceptron(None, kernel_regularizer="l2")(gw)
            expected = [generator.normal(size=weight.shape) for weight in model.get_weights()]
            model.set_weights(expected)
            model.compile(gw.optimizers.SGD(0.01), "mse")
            model.fit(x, y, batch_size=SIZE, shuffle=False, verbose=0)
            gradient = jax.jit(jax.grad(loss))
            for start in range(0, COUNT, SIZE):
                slopes = gradient(expected, x[start : start + SIZE], y[start : start + SIZE])
                expected = [weight - 0.01 * slope for weight, slope in zip(expected, slopes, strict=True)]
            for mine, other in zip(model.get_weights(), expected, strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)
        finally:
            gw.config.set_floatx("float32")
