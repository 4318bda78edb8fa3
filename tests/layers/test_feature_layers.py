"""Layers that prepare numbers inside the compiled program, against Keras."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import gradwise
from gradwise import layers
from gradwise.errors import InputError, StateError
from gradwise.layers import Dense
from tests.layers.keras_twin import keras, keras_ways

pytestmark = pytest.mark.feature("A5")

ANSWERS = json.loads((Path(__file__).parents[1] / "reference" / "keras_text.json").read_text())


@pytest.mark.parametrize(
    ("axis", "shape"),
    [(-1, (20, 3)), (None, (20, 3)), ((1, 2), (20, 3, 2)), (1, (20, 3, 2)), ((-1, 1), (9, 2, 2, 3))],
)
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_is_keras(axis, shape, invert, rng):
    data = (rng.normal(3, 5, shape) * np.arange(1, shape[-1] + 1)).astype("float32")
    data[..., 0] = 4  # a constant feature
    x = rng.normal(size=(4, *shape[1:])).astype("float32")
    layer, twin = layers.Normalization(axis, invert=invert), keras().layers.Normalization(axis, invert=invert)
    layer.adapt(data)
    with keras_ways():
        twin.adapt(data.astype("float64"))
        expected = twin(x)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(
        np.asarray(layer(x))[finite], np.asarray(expected)[finite], rtol=2e-4, atol=1e-5
    )


def test_batches_give_the_moments_of_the_whole(rng):
    data = rng.normal(1e4, 1, (100, 3))
    whole, parts, listed = (layers.Normalization() for _ in range(3))
    whole.adapt(data)
    parts.adapt((data[start : start + 7], None) for start in range(0, 100, 7))
    listed.adapt([data[:90], data[90:]])
    for layer in (whole, parts, listed):
        np.testing.assert_allclose(layer.mean.numpy(), data.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(layer.variance.numpy(), data.var(axis=0), rtol=1e-5)
    whole.adapt(data * 2)
    np.testing.assert_allclose(whole.mean.numpy(), 2 * data.mean(axis=0), rtol=1e-6)


def test_what_was_learned_trains_with_a_model_and_is_saved(rng, tmp_path):
    x = rng.normal(50, 9, (200, 2)).astype("float32")
    y = (x @ [[1.0], [-2.0]]).astype("float32")
    normal = layers.Normalization()
    normal.adapt(x)
    bins = layers.Discretization(num_bins=4, output_mode="one_hot")
    bins.adapt(x)
    inputs = gradwise.Input((2,))
    flat = layers.Flatten()(bins(inputs))
    model = gradwise.Model(inputs, Dense(1)(layers.Concatenate()([normal(inputs), flat])))
    model.compile(gradwise.optimizers.Adam(0.3), "mse")
    model.fit(x, y, epochs=60, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.02 * y.var() + 60
    np.testing.assert_allclose(normal.mean.numpy(), x.mean(axis=0), rtol=1e-5)  # no gradient moved it
    model.save(tmp_path / "model.gwz")
    again = gradwise.load_model(tmp_path / "model.gwz")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.layers[1].built and not any(layer.trainable_variables for layer in (normal, bins))


@pytest.mark.parametrize(
    "answer", ANSWERS["discretizations"], ids=lambda answer: f"{answer['name']}-{answer['num_bins']}"
)
def test_learned_boundaries_are_keras(answer):
    layer = layers.Discretization(num_bins=answer["num_bins"], epsilon=answer["epsilon"])
    parts = [np.array(part, "float32") for part in answer["data"]]
    layer.adapt(iter(parts) if len(parts) > 1 else parts[0])
    known = answer["boundaries"][: answer["num_bins"] - 1]
    np.testing.assert_allclose(layer.bin_boundaries, known, rtol=1e-5)
    x = np.concatenate([part.ravel() for part in parts])
    np.testing.assert_array_equal(layer(x), np.digitize(x, np.array(layer.bin_boundaries, "float32")))


def test_bins_hold_about_equally_many(rng):
    data = rng.exponential(size=5000)
    layer = layers.Discretization(num_bins=8)
    layer.adapt(data)
    counts = np.bincount(layer(data.astype("float32")), minlength=8)
    assert (abs(counts / 5000 - 1 / 8) < 0.012).all()  # epsilon


def test_categories_of_any_weight_are_keras():
    x, weights = (
        np.array([[0, 1], [0, 0], [1, 2], [3, 1]]),
        np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]], "float32"),
    )
    layer = layers.CategoryEncoding(num_tokens=4, output_mode="count")
    twin = keras().layers.CategoryEncoding(num_tokens=4, output_mode="count")
    with keras_ways():
        expected = twin(jnp.asarray(x), count_weights=jnp.asarray(weights))
    np.testing.assert_allclose(layer(x, count_weights=weights), expected, rtol=1e-6)


def test_numbers_outside_are_refused_before_training():
    model = gradwise.Sequential([layers.CategoryEncoding(num_tokens=3), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(
        InputError, match="expected whole numbers from 0 to 2 .num_tokens=3., but got values from 0 to 3"
    ):
        model.fit(np.array([[0, 1], [3, 1]]), np.zeros((2, 1)), verbose=0)


def test_boundaries_not_learned_are_missed_before_training():
    model = gradwise.Sequential([layers.Discretization(num_bins=3, output_mode="one_hot"), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(StateError, match="expected known boundaries, but got none learned yet. Call adapt"):
        model.fit(np.zeros((4, 1)), np.zeros((4, 1)), verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Normalization(mean=1.0), InputError, "but got shape () and none. Give both"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), InputError, "of at most 1 axes"),
        (lambda: layers.Normalization(mean=0.0, variance=-1.0), InputError, "variances of at least 0"),
        (
            lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(np.ones((2, 3), "float32")),
            InputError,
            "expected mean and variance of shape (3,)",
        ),
        (
            lambda: layers.Normalization(axis=2)(np.ones((2, 3), "float32")),
            InputError,
            "but got inputs of shape (None, 3)",
        ),
        (
            lambda: layers.Normalization(mean=0.0, variance=1.0).adapt(np.ones((2, 3))),
            StateError,
            "Make the layer without them",
        ),
        (
            lambda: layers.Normalization().adapt(np.array([[np.nan]])),
            InputError,
            "got NaN or infinity. Fill missing",
        ),
        (lambda: layers.Normalization().adapt(iter([])), InputError, "expected at least one sample"),
        (
            lambda: layers.Normalization().adapt(iter([np.ones((2, 3)), np.ones((2, 4))])),
            InputError,
            "of size (3,) along axis=(-1,), but got (2, 4)",
        ),
        (
            lambda: layers.Discretization(),
            InputError,
            "expected either bin_boundaries or num_bins, but got neither",
        ),
        (lambda: layers.Discretization([1.0], 2), InputError, "but got both"),
        (
            lambda: layers.Discretization([2.0, 1.0]),
            InputError,
            "expected rising numbers, but got [2.0, 1.0]",
        ),
        (lambda: layers.Discretization(num_bins=0), InputError, "expected num_bins to be a positive integer"),
        (
            lambda: layers.Discretization(num_bins=2, epsilon=0),
            InputError,
            "expected epsilon between 0 and 1",
        ),
        (
            lambda: layers.Discretization(num_bins=2, sparse=True, output_mode="count"),
            InputError,
            "expected sparse=False",
        ),
        (
            lambda: layers.Discretization([1.0]).adapt([1.0]),
            StateError,
            "Make the layer with num_bins instead",
        ),
        (lambda: layers.Discretization(num_bins=2).adapt([np.inf]), InputError, "expected finite numbers"),
        (lambda: layers.Discretization(num_bins=2).adapt([]), InputError, "expected at least one number"),
        (
            lambda: layers.Discretization(num_bins=2)(np.ones(3, "float32")),
            StateError,
            "Call adapt(training data) first",
        ),
        (lambda: layers.CategoryEncoding(), InputError, "expected num_tokens to be a positive integer"),
        (
            lambda: layers.CategoryEncoding(3, "tf_idf"),
            InputError,
            "expected output_mode to be one of multi_hot",
        ),
        (
            lambda: layers.CategoryEncoding(3)([1, 2]),
            InputError,
            "expected inputs of shape [B, T] in mode 'multi_hot'",
        ),
        (lambda: layers.CategoryEncoding(3)([[-1]]), InputError, "but got values from -1 to -1"),
        (
            lambda: layers.CategoryEncoding(3)([[1]], count_weights=[[1.0]]),
            InputError,
            "expected count_weights in mode 'count' only",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
