"""What single layers compute, beyond the contracts: formulas, draws, masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def training(layer, x, seed=0):
    layer(x)
    values = {path: variable.value for path, variable in layer.named_variables().items()}
    return gw.functional_call(layer, values, x, training=True, key=jax.random.key(seed))


@pytest.mark.feature("C6")
@pytest.mark.parametrize("unbiased", [False, True])
def test_batch_normalisation_by_its_formulas(unbiased):
    layer = layers.BatchNormalization(momentum=0.9, epsilon=0.01, unbiased=unbiased)
    layer(X)
    gamma, beta = np.linspace(1, 2, 5), np.linspace(-1, 1, 5)
    layer.set_weights([gamma, beta, np.full(5, 0.5), np.full(5, 2.0)])
    outputs, new = training(layer, X)
    mean, variance = X.mean(0), X.var(0)
    np.testing.assert_allclose(
        outputs, gamma * (X - mean) / np.sqrt(variance + 0.01) + beta, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(new["moving_mean"], 0.9 * 0.5 + 0.1 * mean, rtol=1e-5)
    counted = variance * (6 / 5 if unbiased else 1)
    np.testing.assert_allclose(new["moving_variance"], 0.9 * 2 + 0.1 * counted, rtol=1e-5)
    np.testing.assert_allclose(layer(X), gamma * (X - 0.5) / np.sqrt(2.01) + beta, rtol=1e-4, atol=1e-5)


@pytest.mark.feature("C6")
def test_batch_normalisation_backwards_by_the_formulas_of_the_course():
    """dL/dx of the chain written out in the first document, against the gradient taken."""
    x, upstream, epsilon = X.astype("float64"), np.random.default_rng(1).normal(size=(6, 5)), 1e-3
    with jax.enable_x64(True):
        gw.config.set_floatx("float64")
        try:
            layer = layers.BatchNormalization(epsilon=epsilon)
            layer(x)
            gamma = np.linspace(0.5, 1.5, 5)
            values = {
                "gamma": gamma,
                "beta": np.zeros(5),
                "moving_mean": np.zeros(5),
                "moving_variance": np.ones(5),
            }

            def loss(values, x):
                return jnp.sum(gw.functional_call(layer, values, x, training=True)[0] * upstream)

            slopes, slope_x = jax.grad(loss, (0, 1))(values, x)
        finally:
            gw.config.set_floatx("float32")
    m, mean, variance = len(x), x.mean(0), x.var(0)
    hat = (x - mean) / np.sqrt(variance + epsilon)
    d_hat = upstream * gamma
    d_variance = (d_hat * (x - mean) * -0.5 * (variance + epsilon) ** -1.5).sum(0)
    d_mean = (-d_hat / np.sqrt(variance + epsilon)).sum(0) + d_variance * (-2 * (x - mean)).mean(0)
    expected = d_hat / np.sqrt(variance + epsilon) + d_variance * 2 * (x - mean) / m + d_mean / m
    np.testing.assert_allclose(slope_x, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(slopes["gamma"], (upstream * hat).sum(0), rtol=1e-9)
    np.testing.assert_allclose(slopes["beta"], upstream.sum(0), rtol=1e-9)


@pytest.mark.feature("C7")
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate):
    ones = np.ones((400, 500), "float32")
    outputs = np.asarray(training(layers.Dropout(rate), ones)[0])
    assert np.mean(outputs == 0) == pytest.approx(rate, abs=0.01)
    assert outputs.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / (1 - rate)], rtol=1e-3)
    np.testing.assert_array_equal(layers.Dropout(rate)(ones), ones)


@pytest.mark.feature("C7")
def test_dropout_shares_its_mask_along_an_axis():
    outputs = np.asarray(
        training(layers.Dropout(0.5, noise_shape=(None, 1, None)), np.ones((8, 7, 20), "float32"))[0]
    )
    assert np.array_equal(outputs, np.broadcast_to(outputs[:, :1], outputs.shape))
    assert 0 < np.mean(outputs == 0) < 1


@pytest.mark.feature("C7")
@pytest.mark.parametrize("rate", [1, 1.5, -0.1, "half"])
def test_dropout_refuses_rates_out_of_range(rate):
    with pytest.raises(InputError, match=r"a rate of at least 0 and below 1, the fraction dropped"):
        layers.Dropout(rate)


@pytest.mark.feature("C8")
def test_an_embedding_looks_up_and_masks():
    layer = layers.Embedding(5, 3, mask_zero=True)
    x = np.array([[0, 4], [2, 0]])
    np.testing.assert_array_equal(layer(x), layer.embeddings.numpy()[x])
    np.testing.assert_array_equal(layer.compute_mask(x), x != 0)
    assert layers.Embedding(5, 3).compute_mask(x) is None
    x = gw.Input((2,), dtype="int32")
    model = gw.Model(x, layer(x))
    slopes = jax.grad(lambda values: jnp.sum(gw.functional_call(model, values, np.array([[1, 1]]))[0]))
    np.testing.assert_array_equal(
        slopes({"embedding/embeddings": layer.embeddings.value})["embedding/embeddings"][:, 0],
        [0, 2, 0, 0, 0],
    )


def masks_of(make):
    """The mask at the end of a graph whose input is masked where it is 0."""
    x = gw.Input((4,), dtype="int32")
    model = gw.Model(x, make(layers.Embedding(9, 3, mask_zero=True)(x), x))
    data = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    return model.propagate(data)[1], data != 0


@pytest.mark.feature("C1", "C8")
@pytest.mark.parametrize(
    "make",
    [
        lambda t, x: layers.Dense(2)(t),
        lambda t, x: layers.Activation("relu")(layers.Dropout(0.5)(t)),
        lambda t, x: t * 2 + 1.0,
        lambda t, x: -t,
        lambda t, x: layers.Reshape((4, 3, 1))(t),
        lambda t, x: layers.add([t, layers.Dense(3)(t)]),
        lambda t, x: layers.concatenate([t, t]),
        lambda t, x: gw.Sequential([layers.Dense(2), layers.LeakyReLU()])(t),
    ],
)
def test_masks_are_carried(make):
    mask, kept = masks_of(make)
    np.testing.assert_array_equal(mask, kept)


@pytest.mark.feature("C1")
def test_masks_that_change_their_form():
    mask, kept = masks_of(lambda t, x: layers.Flatten()(t))
    np.testing.assert_array_equal(mask, np.repeat(kept, 3, axis=1))
    mask, kept = masks_of(lambda t, x: layers.concatenate([layers.Flatten()(t), layers.Flatten()(t)]))
    np.testing.assert_array_equal(mask, np.tile(np.repeat(kept, 3, axis=1), 2))
    mask, kept = masks_of(lambda t, x: layers.concatenate([t, t], axis=1))
    np.testing.assert_array_equal(mask, np.tile(kept, 2))
    for make in (
        lambda t, x: layers.Dense(2)(layers.Flatten()(t)),
        lambda t, x: t[:, 0],
        lambda t, x: layers.Reshape((3, 4))(t),
        lambda t, x: layers.dot([t, t], axes=1),
    ):
        assert masks_of(make)[0] is None


@pytest.mark.feature("C6", "C8")
def test_batch_normalisation_leaves_masked_steps_out_of_its_statistics():
    layer = layers.BatchNormalization(momentum=0.0)
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], bool)
    layer(x)
    values = {path: variable.value for path, variable in layer.named_variables().items()}
    _, new = gw.functional_call(layer, values, x, mask=jnp.asarray(mask), training=True)
    np.testing.assert_allclose(new["moving_mean"], x[mask].mean(0), rtol=1e-5)
    np.testing.assert_allclose(new["moving_variance"], x[mask].var(0), rtol=1e-4)


@pytest.mark.feature("C1")
@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(0), "units to be a positive integer, but got 0"),
        (lambda: layers.Dense(3.5), "units"),
        (lambda: layers.Dense(3)(np.ones(4, "float32")), r"inputs of shape \[batch, ..., features\]"),
        (lambda: layers.Dense(3)(gw.Input((None,))), "a known number of features"),
        (lambda: layers.Embedding(5, -1), "output_dim"),
        (lambda: layers.Reshape((2, -1, -1)), "at most one of them -1"),
        (lambda: layers.Reshape((4, 2))(X), r"samples that fit the shape \(4, 2\), but got 5 elements"),
        (lambda: layers.add([X, X[:, :3]]), r"inputs of matching shapes, but got \(6, 5\), \(6, 3\)"),
        (lambda: layers.subtract([X, X, X]), "a list of exactly 2 inputs, but got 3"),
        (lambda: layers.Add()(X), r"but got a single one. Call it on a list: Add\(\)\(\[a, b\]\)"),
        (lambda: layers.Concatenate(axis=0), "an axis other than the batch"),
        (lambda: layers.dot([X, X[:, :3]], axes=1), "the same size on both axes"),
        (lambda: layers.Conv2D(2, 9)(np.ones((1, 4, 4, 1), "float32")), "9"),
        (lambda: layers.BatchNormalization(momentum=2.0), "momentum from 0 to 1, but got 2.0"),
        (lambda: layers.BatchNormalization(epsilon=-1.0), "epsilon of at least 0"),
        (lambda: gw.Input((0,)), "a shape of positive integers"),
        (lambda: gw.Input(), "Give the shape of one sample"),
        (lambda: layers.Operation("sqrt"), "an operator, but got 'sqrt'"),
        (lambda: layers.Dense(2, dtype="int32"), "a float type"),
        (lambda: layers.Dense(2, dtype="float64"), "set_floatx"),
    ],
)
def test_settings_that_cannot_work(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_a_built_layer_refuses_another_width():
    layer = layers.Dense(2, name="head")
    layer(X)
    with pytest.raises(
        InputError, match=r"Dense 'head': expected inputs of shape \[..., 5\], but got \(6, 4\). Add Flatten"
    ):
        layer(X[:, :4])
