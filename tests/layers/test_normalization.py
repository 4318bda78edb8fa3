"""The normalising layers: types, frozen layers, refusals, spectral normalisation in training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("C6")

X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
IMAGES = np.random.default_rng(0).normal(size=(2, 4, 4, 6)).astype("float32")


def training(layer, x, **options):
    layer(x)
    values = {path: variable.value for path, variable in layer.named_variables().items()}
    return gw.functional_call(layer, values, x, training=True, **options)


def test_a_frozen_batch_normalisation_predicts_also_in_training():
    layer = layers.BatchNormalization()
    layer(X)
    layer.set_weights([np.full(5, 2), np.full(5, 1), np.full(5, 0.5), np.full(5, 4)])
    layer.trainable = False
    outputs, new = training(layer, X)
    np.testing.assert_allclose(outputs, 2 * (X - 0.5) / np.sqrt(4.001) + 1, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(new["moving_mean"], np.full(5, 0.5))
    np.testing.assert_array_equal(new["moving_variance"], np.full(5, 4))


def test_a_frozen_batch_normalisation_stays_as_it_is_in_fit():
    model = gw.Sequential([gw.Input((5,)), layers.BatchNormalization(trainable=False), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.layers[-2].get_weights()
    model.fit(X, X[:, 0], epochs=2, verbose=0)
    for one, other in zip(before, model.layers[-2].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_moving_averages_in_fit_are_those_of_the_batches():
    model = gw.Sequential(
        [gw.Input((5,)), layers.BatchNormalization(momentum=0.5, unbiased=True), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0], batch_size=3, shuffle=False, verbose=0)
    mean, variance = np.zeros(5), np.ones(5)
    for batch in (X[:3], X[3:]):
        mean = 0.5 * mean + 0.5 * batch.mean(0)
        variance = 0.5 * variance + 0.5 * batch.var(0, ddof=1)
    np.testing.assert_allclose(model.layers[-2].moving_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.layers[-2].moving_variance.numpy(), variance, rtol=1e-5)


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_bfloat16", "float16"])
def test_half_precision_layers_average_in_single_and_return_their_own_type(policy):
    layer = layers.BatchNormalization(momentum=0.0, dtype=policy)
    x = (300 + 8 * np.random.default_rng(0).normal(size=(2000, 3))).astype("float32")
    outputs, new = training(layer, x)
    kind = policy.removeprefix("mixed_")
    exact = np.asarray(jnp.asarray(x, kind), "float64")
    assert outputs.dtype == kind
    assert new["moving_mean"].dtype == layer.moving_mean.dtype
    # As exact as the variables can be, whatever the type of the inputs.
    np.testing.assert_allclose(np.asarray(new["moving_mean"], "float64"), exact.mean(0), rtol=4e-3)
    np.testing.assert_allclose(np.asarray(new["moving_variance"], "float64"), exact.var(0), rtol=4e-3)


def test_integers_are_normalised_as_numbers():
    whole = np.array([[1, 3], [5, 7]])
    np.testing.assert_allclose(layers.LayerNormalization(epsilon=0.0)(whole), [[-1, 1], [-1, 1]], rtol=1e-6)
    assert layers.BatchNormalization()(whole).dtype == "float32"


@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 5)])
def test_a_layer_normalisation_of_the_last_axis_takes_inputs_of_any_rank(shape):
    layer = layers.LayerNormalization()
    layer(X)
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_instance_normalisation_is_one_group_a_channel():
    mean, variance = IMAGES.mean((1, 2), keepdims=True), IMAGES.var((1, 2), keepdims=True)
    outputs = layers.GroupNormalization(groups=-1)(IMAGES)
    np.testing.assert_allclose(outputs, (IMAGES - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: layers.GroupNormalization(4, name="g")(IMAGES),
            r"GroupNormalization 'g': expected groups to divide the 6 channels on axis -1, but got groups=4. "
            r"Choose among 1, 2, 3, 6, or -1",
        ),
        (
            lambda: layers.GroupNormalization(0),
            "groups to be a positive integer, or -1 for one group a channel",
        ),
        (lambda: layers.GroupNormalization(2.5), "groups to be a positive integer"),
        (lambda: layers.GroupNormalization(axis=[1, 2]), r"axis to be an integer, but got \[1, 2\]"),
        (
            lambda: layers.LayerNormalization(axis=3, name="ln")(X),
            r"LayerNormalization 'ln': expected axes from 1 to 1 or from -1 to -1, each once \(0 is the batch's\), "
            r"but got axis=\[3\] for inputs of shape \(None, 5\)",
        ),
        (lambda: layers.LayerNormalization(axis=0)(X), "0 is the batch's"),
        (lambda: layers.LayerNormalization(axis=[1, -1])(X), "each once"),
        (lambda: layers.LayerNormalization(axis="last"), "axis to be an integer or a list of integers"),
        (lambda: layers.LayerNormalization(axis=[]), "axis to be an integer or a list of integers"),
        (lambda: layers.LayerNormalization(epsilon=-1), "epsilon of at least 0, but got -1"),
        (
            lambda: layers.LayerNormalization(axis=[1, 2])(gw.Input((None, 3))),
            r"a known size for axis 1, along which its variables lie, but got inputs of shape \(None, None, 3\)",
        ),
        (lambda: layers.BatchNormalization()(np.ones(3, "float32")), "inputs of at least 2 axes"),
        (lambda: layers.BatchNormalization(momentum="much"), "momentum from 0 to 1, but got 'much'"),
        (lambda: layers.BatchNormalization(renorm=True), "a setting"),
        (lambda: layers.RMSNormalization(axis=-4)(X), "RMSNormalization 'r.*axes from 1 to 1"),
        (lambda: layers.UnitNormalization(axis=2)(X), r"but got axis=\[2\]"),
        (lambda: layers.SpectralNormalization("dense"), r"a layer to wrap, but got 'dense'. Write Spectral"),
        (
            lambda: layers.SpectralNormalization(layers.ReLU(name="r"))(X),
            "a kernel or embeddings, but got ReLU 'r'",
        ),
        (
            lambda: layers.SpectralNormalization(layers.Dense(2), 0),
            "power_iterations to be a positive integer",
        ),
    ],
)
def test_settings_that_cannot_work(make, text):
    with pytest.raises(InputError, match=text):
        make()


@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization", "RMSNormalization"])
def test_a_built_layer_refuses_another_width(name):
    layer = getattr(layers, name)(name="norm")
    layer(X)
    with pytest.raises(
        InputError, match=rf"{name} 'norm': expected inputs of size 5 along axis -1, but got .*\(6, 4\)"
    ):
        layer(X[:, :4])


def spectral_pair(power_iterations=2):
    """The wrapped layer here and in Keras, with equal weights."""
    keras = pytest.importorskip("keras")
    mine = layers.SpectralNormalization(layers.Dense(4), power_iterations)
    mine(X)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        other = keras.layers.SpectralNormalization(keras.layers.Dense(4), power_iterations)
        other(X)
    generator = np.random.default_rng(1)
    weights = [generator.normal(size=array.shape).astype("float32") for array in mine.get_weights()]
    mine.set_weights(weights)
    other.set_weights(weights)
    return mine, other


def test_spectral_normalisation_trains_as_in_keras():
    mine, other = spectral_pair()
    np.testing.assert_allclose(
        mine(X), X @ mine.kernel.numpy() + mine.layer.bias.numpy(), rtol=1e-4, atol=1e-5
    )
    values = {path: jnp.asarray(v.value) for path, v in mine.named_variables().items()}
    upstream = np.random.default_rng(2).normal(size=(6, 4)).astype("float32")

    def ours(kernel):
        outputs, new = gw.functional_call(mine, {**values, "kernel": kernel}, X, training=True)
        return jnp.sum(outputs * upstream), new["vector_u"]

    def theirs(kernel):
        bias = other.trainable_variables[1].value
        outputs, new = other.stateless_call([kernel, bias], [values["vector_u"]], X, training=True)
        return jnp.sum(outputs * upstream), new[0]

    (loss, vector), slope = jax.value_and_grad(ours, has_aux=True)(values["kernel"])
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        (loss2, vector2), slope2 = jax.value_and_grad(theirs, has_aux=True)(values["kernel"])
    np.testing.assert_allclose(loss, loss2, rtol=1e-5)
    np.testing.assert_allclose(vector, vector2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(slope, slope2, rtol=1e-4, atol=1e-5)


def test_a_spectral_norm_is_one_after_training_so_prediction_is_the_trained_function():
    model = gw.Sequential([gw.Input((5,)), layers.SpectralNormalization(layers.Dense(4)), layers.Dense(1)])
    model.compile("adam", "mse")
    wrapper = model.layers[-2]
    wrapper.kernel.assign(wrapper.kernel.numpy() * 5)
    model.fit(X, X[:, 0] * 3, epochs=20, batch_size=2, verbose=0)
    assert np.linalg.norm(wrapper.kernel.numpy(), 2) == pytest.approx(1, rel=1e-3)
    outputs, _ = training(wrapper, X)
    np.testing.assert_allclose(wrapper(X), outputs, rtol=1e-3, atol=1e-4)


def test_a_frozen_spectral_normalisation_changes_nothing():
    mine, _ = spectral_pair()
    before = mine.get_weights()
    mine.trainable = False
    outputs, new = training(mine, X)
    np.testing.assert_array_equal(outputs, mine(X))
    for one, other in zip(before, new.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_wrapped_layer_keeps_its_own_constraint():
    inner = layers.Dense(4, kernel_constraint="non_neg")
    layers.SpectralNormalization(inner)(X)
    constrained = inner.kernel.constraint(
        jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), "float32")
    )
    assert float(constrained.min()) == 0
    assert np.linalg.norm(constrained, 2) == pytest.approx(1, rel=1e-3)


def test_the_wrapped_layer_decides_about_masks():
    x = gw.Input((4,), dtype="int32")
    model = gw.Model(x, layers.SpectralNormalization(layers.Embedding(9, 3, mask_zero=True))(x))
    data = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    np.testing.assert_array_equal(model.propagate(data)[1], data != 0)
