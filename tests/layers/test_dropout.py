"""Dropout and noise: their distributions, and when masks are equal and when not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import InputError
from gradwise.ops import dropout as ops

pytestmark = pytest.mark.feature("C7")

ONES = np.ones((200, 500), "float32")


def training(layer, x, key=0):
    layer(x)
    return np.asarray(gw.functional_call(layer, {}, x, training=True, key=jax.random.key(key))[0])


def assert_mean(values, mean, variance):
    """The mean of independent values, to five standard errors."""
    assert np.mean(values) == pytest.approx(mean, abs=5 * np.sqrt(variance / np.size(values)))


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_inverted_dropout_keeps_the_mean_and_has_the_variance_of_its_formula(rate):
    outputs = training(layers.Dropout(rate), ONES)
    assert_mean(outputs == 0, rate, rate * (1 - rate))
    assert_mean(outputs, 1, rate / (1 - rate))
    assert outputs.var() == pytest.approx(rate / (1 - rate), rel=0.05)
    np.testing.assert_array_equal(layers.Dropout(rate)(ONES), ONES)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_the_original_form_scales_at_prediction_instead(rate):
    layer = layers.Dropout(rate, inverted=False)
    outputs = training(layer, ONES)
    np.testing.assert_array_equal(np.unique(outputs), [0, 1])
    assert_mean(outputs, 1 - rate, rate * (1 - rate))
    np.testing.assert_allclose(layer(ONES), (1 - rate) * ONES, rtol=1e-4)
    inverted = training(layers.Dropout(rate, name=layer.name), ONES)
    np.testing.assert_array_equal(inverted != 0, outputs != 0)


def test_the_original_form_is_the_course_s_rule_for_weights():
    """At prediction, all the weights times 1 - p: the outputs of the next layer are the same."""
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    model = gw.Sequential([gw.Input((4,)), layers.Dropout(0.5, inverted=False), layers.Dense(2)])
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(x, verbose=0), x @ (0.5 * kernel) + bias, rtol=1e-5, atol=1e-6)


def test_the_gradient_goes_where_the_mask_lets_values_pass():
    layer, x = layers.Dropout(0.5), np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    layer(x)

    def total(x):
        return jnp.sum(gw.functional_call(layer, {}, x, training=True, key=jax.random.key(0))[0])

    outputs = gw.functional_call(layer, {}, x, training=True, key=jax.random.key(0))[0]
    np.testing.assert_array_equal(jax.grad(total)(x), np.where(outputs == 0, 0, 2))


@pytest.mark.parametrize(
    ("make", "shape", "shared"),
    [
        (lambda: layers.SpatialDropout1D(0.3), (300, 4, 20), (1,)),
        (lambda: layers.SpatialDropout2D(0.3), (300, 3, 4, 20), (1, 2)),
        (lambda: layers.SpatialDropout2D(0.3, data_format="channels_first"), (300, 20, 3, 4), (2, 3)),
        (lambda: layers.SpatialDropout3D(0.3), (300, 2, 3, 2, 20), (1, 2, 3)),
        (lambda: layers.SpatialDropout3D(0.3, "channels_first"), (300, 20, 2, 3, 2), (2, 3, 4)),
        (lambda: layers.Dropout(0.3, noise_shape=(None, 1, None)), (300, 4, 20), (1,)),
    ],
)
def test_whole_maps_are_dropped_each_by_itself(make, shape, shared):
    outputs = training(make(), np.ones(shape, "float32"))
    maps = outputs.max(shared)
    np.testing.assert_array_equal(outputs, np.broadcast_to(np.expand_dims(maps, shared), shape))
    np.testing.assert_allclose(np.unique(maps), [0, 1 / 0.7], rtol=1e-4)
    assert_mean(maps == 0, 0.3, 0.21)
    # Neither samples nor channels share their fate.
    assert (maps == 0).mean(0).std() < 0.1
    assert (maps == 0).mean(1).std() < 0.2
    assert np.corrcoef(maps[:, 0], maps[:, 1])[0, 1] == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_alpha_dropout_keeps_mean_zero_and_variance_one(rate):
    normal = np.random.default_rng(0).normal(size=(500, 1000)).astype("float32")
    outputs = training(layers.AlphaDropout(rate), normal)
    assert outputs.mean() == pytest.approx(0, abs=0.01)
    assert outputs.var() == pytest.approx(1, abs=0.02)
    # Through selu and a LeCun normal kernel as well.
    kernel = np.random.default_rng(1).normal(size=(1000, 50)).astype("float32") / np.sqrt(1000)
    passed = np.asarray(jax.nn.selu(outputs @ kernel))
    assert passed.mean() == pytest.approx(0, abs=0.05)
    assert passed.var() == pytest.approx(1, abs=0.1)


def test_alpha_dropout_has_two_formulas_for_what_stays_and_what_goes():
    limit, rate = -1.0507009873554805 * 1.6732632423543772, 0.25
    factor = ((1 - rate) * (1 + rate * limit**2)) ** -0.5
    outputs = training(layers.AlphaDropout(rate), 2 * ONES)
    expected = [factor * limit - factor * limit * rate, factor * 2 - factor * limit * rate]
    np.testing.assert_allclose(np.unique(outputs), expected, rtol=1e-5)
    shared = training(layers.AlphaDropout(rate, noise_shape=(None, 1)), 2 * ONES)
    np.testing.assert_array_equal(shared, np.broadcast_to(shared[:, :1], shared.shape))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_gaussian_dropout_has_the_moments_of_dropout(rate):
    outputs = training(layers.GaussianDropout(rate), 3 * ONES)
    assert_mean(outputs, 3, 9 * rate / (1 - rate))
    assert outputs.var() == pytest.approx(9 * rate / (1 - rate), rel=0.05)


def test_gaussian_noise_adds_a_normal_distribution():
    noise = training(layers.GaussianNoise(2.0), 5 * ONES) - 5
    assert_mean(noise, 0, 4)
    assert noise.std() == pytest.approx(2, rel=0.02)
    assert np.mean(np.abs(noise) < 2) == pytest.approx(0.6827, abs=0.01)


def test_half_precision_noise_is_drawn_in_single():
    noise = training(layers.GaussianNoise(1.0, dtype="bfloat16"), np.zeros((500, 2000), "float32"))
    assert noise.dtype == jnp.bfloat16
    assert np.abs(noise.astype("float32")).max() > 4  # bfloat16's own draws end near 3


RANDOM = [
    lambda **options: layers.Dropout(0.5, **options),
    lambda **options: layers.SpatialDropout1D(0.5, **options),
    lambda **options: layers.AlphaDropout(0.5, **options),
    lambda **options: layers.GaussianDropout(0.5, **options),
    lambda **options: layers.GaussianNoise(0.5, **options),
]


@pytest.mark.parametrize("make", RANDOM)
def test_masks_depend_on_seed_step_and_place_in_the_model_only(make):
    x = np.ones((4, 2, 30), "float32")
    first = training(make(seed=1), x)
    np.testing.assert_array_equal(first, training(make(seed=1), x))
    assert not np.array_equal(first, training(make(seed=2), x))
    assert not np.array_equal(first, training(make(seed=1), x, key=1))  # another step
    np.testing.assert_array_equal(training(make(seed=-1), x), training(make(seed=2**32 - 1), x))
    inputs = gw.Input((2, 30))
    model = gw.Model(inputs, [make(seed=1)(inputs), make(seed=1)(inputs), make()(inputs)])
    outputs = gw.functional_call(model, {}, x, training=True, key=jax.random.key(0))[0]
    assert len({np.asarray(output).tobytes() for output in outputs}) == 3


@pytest.mark.parametrize("make", RANDOM)
def test_outside_of_models_a_seed_gives_the_same_draws_in_turn(make):
    x = np.ones((4, 2, 30), "float32")
    one, other = make(seed=7), make(seed=7)
    gw.set_random_seed(1)
    draws = [np.asarray(one(x, training=True)) for _ in range(2)]
    gw.set_random_seed(2)
    again = [np.asarray(other(x, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(draws, again)
    assert not np.array_equal(draws[0], draws[1])
    loose = make()
    assert not np.array_equal(loose(x, training=True), loose(x, training=True))


@pytest.mark.parametrize("make", RANDOM)
def test_padding_a_batch_changes_nothing_for_the_rows_there_were(make):
    x = np.random.default_rng(0).normal(size=(5, 3, 7)).astype("float32")
    padded = np.concatenate([x, np.zeros((3, 3, 7), "float32")])
    np.testing.assert_array_equal(training(make(name="same"), padded)[:5], training(make(name="same"), x))


def test_fit_draws_a_new_mask_each_step_and_the_same_ones_again_from_one_seed():
    def history(seed):
        gw.set_random_seed(seed)
        model = gw.Sequential(
            [
                gw.Input((20,)),
                layers.Dropout(0.5),
                layers.Dense(1, kernel_initializer="ones", trainable=False),
            ]
        )
        model.compile("sgd", "mse")
        x = np.ones((8, 20), "float32")
        return model.fit(x, x[:, 0], epochs=3, verbose=0).history["loss"]

    losses = history(1)
    assert len(set(losses)) == 3
    assert losses == history(1) != history(2)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.3, 0.999999])
def test_the_fraction_kept_is_the_one_that_masks_keep(rate):
    kept = ops.kept_fraction(rate)
    assert 0 < kept <= 1
    assert kept == pytest.approx(1 - rate, abs=1e-4 / 6)
    mask = ops.keep_mask(jax.random.key(0), rate, (1000, 301))
    assert mask.shape == (1000, 301)
    assert_mean(mask, kept, max(kept * (1 - kept), 1e-5))
    assert ops.keep_mask(jax.random.key(0), rate, (7,)).shape == (7,)


def test_nothing_is_drawn_at_rate_zero():
    for layer in (layers.Dropout(0), layers.Dropout(0.0, inverted=False), layers.GaussianNoise(0)):
        layer(ONES)
        outputs, _ = gw.functional_call(layer, {}, ONES, training=True)  # without a key
        np.testing.assert_array_equal(outputs, ONES)


def test_integers_are_taken_as_numbers():
    layer = layers.Dropout(0.5)
    whole = np.arange(1, 41).reshape(2, 20)
    assert layer(whole).dtype == "float32"
    outputs = training(layer, whole)
    np.testing.assert_array_equal(outputs[outputs != 0], 2 * whole[outputs != 0])


ALL_RATES = ["Dropout", "AlphaDropout", "GaussianDropout", *(f"SpatialDropout{rank}D" for rank in (1, 2, 3))]


@pytest.mark.parametrize("name", ALL_RATES)
@pytest.mark.parametrize("rate", [1, -0.1, float("nan"), True, None])
def test_rates_out_of_range_are_refused(name, rate):
    text = (
        rf"{name} 'noisy': expected a rate of at least 0 and below 1, the fraction dropped, but got {rate}. "
    )
    with pytest.raises(InputError, match=text + rf"Write {name}\(0.5\) to drop half."):
        getattr(layers, name)(rate, name="noisy")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.GaussianNoise(-1), "stddev, a standard deviation of at least 0, but got -1"),
        (lambda: layers.GaussianNoise(float("inf")), "stddev, a standard deviation"),
        (lambda: layers.GaussianNoise("big"), "but got 'big'. Set stddev=0.1"),
        (lambda: layers.Dropout(0.5, seed="one"), "seed to be an integer or None, but got 'one'"),
        (
            lambda: layers.Dropout(0.5, noise_shape="batch"),
            "noise_shape to be a tuple of positive integers and",
        ),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(None, 0)), r"noise_shape .* but got \(None, 0\)"),
        (
            lambda: training(layers.Dropout(0.5, noise_shape=(None, 3)), ONES),
            r"an entry for each axis of the inputs: None, 1 or its size, but got noise_shape=\(None, 3\) for",
        ),
        (
            lambda: training(layers.Dropout(0.5, noise_shape=(None, 1, None)), ONES),
            r"for inputs of shape \(200, 500\). Write for example noise_shape=\(None, None\)",
        ),
        (lambda: layers.SpatialDropout2D(0.5, data_format="last"), "data_format to be one of channels_last"),
        (lambda: layers.SpatialDropout1D(0.5)(ONES), r"sequences of shape \[batch, steps, channels\]"),
    ],
)
def test_settings_that_cannot_work(make, text):
    with pytest.raises(InputError, match=text):
        make()
