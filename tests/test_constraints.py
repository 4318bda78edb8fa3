"""Projections: what they promise, Keras, float types, names, errors."""

import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import constraints, registry
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("E4")

KERNEL = np.random.default_rng(1).normal(size=(6, 5)).astype("float32")
FILTERS = np.random.default_rng(2).normal(size=(3, 3, 2, 4)).astype("float32")

CASES = [
    ("MaxNorm", {}, KERNEL),
    ("MaxNorm", {"max_value": 1.5, "axis": 1}, KERNEL),
    ("MaxNorm", {"max_value": 3.0, "axis": [0, 1, 2]}, FILTERS),
    ("UnitNorm", {}, KERNEL),
    ("UnitNorm", {"axis": [0, 1, 2]}, FILTERS),
    ("NonNeg", {}, KERNEL),
    ("MinMaxNorm", {"min_value": 1.9, "max_value": 2.3}, KERNEL),
    ("MinMaxNorm", {"min_value": 1.9, "max_value": 2.3, "rate": 0.25, "axis": 1}, KERNEL),
]


@pytest.mark.parametrize(("name", "settings", "weights"), CASES)
def test_same_as_keras(name, settings, weights):
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings(), jax.numpy_dtype_promotion("standard"):
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
        expected = np.asarray(getattr(keras.constraints, name)(**settings)(jnp.asarray(weights)))
    projected = jax.jit(getattr(constraints, name)(**settings))(jnp.asarray(weights))
    np.testing.assert_allclose(projected, expected, rtol=1e-6)


def test_lengths():
    before = np.linalg.norm(KERNEL, axis=0)
    after = np.linalg.norm(constraints.MaxNorm(2.0)(jnp.asarray(KERNEL)), axis=0)
    np.testing.assert_allclose(after, np.minimum(before, 2.0), rtol=1e-5)
    assert (before > 2).any() and (before < 2).any()
    unit = constraints.UnitNorm(axis=(0, 1, 2))(jnp.asarray(FILTERS))
    np.testing.assert_allclose(np.square(unit).sum((0, 1, 2)), np.ones(4), rtol=1e-5)
    half = np.linalg.norm(constraints.MinMaxNorm(1.9, 2.3, rate=0.5)(jnp.asarray(KERNEL)), axis=0)
    np.testing.assert_allclose(half, (before + np.clip(before, 1.9, 2.3)) / 2, rtol=1e-5)
    assert constraints.NonNeg()(jnp.asarray(KERNEL)).min() == 0


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "settings", "weights"), CASES)
def test_types_are_kept_and_zeros_stay(name, settings, weights, dtype):
    constraint = getattr(constraints, name)(**settings)
    with jax.enable_x64(dtype == "float64"):
        projected = constraint(jnp.asarray(weights, dtype))
        assert projected.dtype == dtype and projected.shape == weights.shape
        assert not np.asarray(constraint(jnp.zeros(weights.shape, dtype)), "float32").any()


def test_get():
    assert constraints.get(None) is None
    assert constraints.get("max_norm").max_value == 2.0
    assert isinstance(constraints.get("nonneg"), constraints.NonNeg)
    assert isinstance(constraints.get(constraints.UnitNorm), constraints.UnitNorm)
    given = constraints.MaxNorm(3)
    assert constraints.get(given) is given
    assert constraints.get(jnp.abs) is jnp.abs


@pytest.mark.parametrize(("name", "settings", "weights"), CASES)
def test_settings_survive_a_file(name, settings, weights):
    constraint = getattr(constraints, name)(**settings)
    again = registry.deserialize(registry.serialize(constraint))
    np.testing.assert_array_equal(again(jnp.asarray(weights)), constraint(jnp.asarray(weights)))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: constraints.MaxNorm(-1),
            r"MaxNorm: expected max_value as a number of at least 0, but got -1\. Pass",
        ),
        (lambda: constraints.MaxNorm(axis="0"), r"MaxNorm: expected an axis or a list of axes, but got '0'"),
        (
            lambda: constraints.UnitNorm(axis=[0.5]),
            r"UnitNorm: expected an axis or a list of axes, but got \[0\.5\]",
        ),
        (
            lambda: constraints.MinMaxNorm(2.0, 1.0),
            r"MinMaxNorm: expected min_value not above max_value .* min_value=2\.0",
        ),
        (
            lambda: constraints.MinMaxNorm(rate=1.5),
            r"MinMaxNorm: expected .* a rate of at most 1, but got .* rate=1\.5",
        ),
        (
            lambda: constraints.get("maxnrom"),
            r"constraint: expected the name of a constraint, but got 'maxnrom'\. Did you",
        ),
        (
            lambda: constraints.get(2.0),
            r"constraint: expected the name of a constraint.* but got 2\.0.*MaxNorm\(2\.0\)",
        ),
    ],
)
def test_errors(action, message):
    with pytest.raises(InputError, match=message):
        action()
