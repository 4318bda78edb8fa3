"""Penalties: closed forms, gradients, Keras, names, errors."""

import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import registry, regularizers
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("E4")

WEIGHTS = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")


@pytest.mark.parametrize(
    ("regularizer", "value", "slope"),
    [
        (regularizers.L1(0.3), 0.3 * abs(WEIGHTS).sum(), 0.3 * np.sign(WEIGHTS)),
        (regularizers.L2(0.3), 0.3 * (WEIGHTS**2).sum(), 0.6 * WEIGHTS),
        (
            regularizers.L1L2(l1=0.1, l2=0.3),
            0.1 * abs(WEIGHTS).sum() + 0.3 * (WEIGHTS**2).sum(),
            0.1 * np.sign(WEIGHTS) + 0.6 * WEIGHTS,
        ),
    ],
)
def test_values_and_gradients_in_closed_form(regularizer, value, slope):
    penalty, gradient = jax.jit(jax.value_and_grad(regularizer))(jnp.asarray(WEIGHTS))
    assert float(penalty) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("L1", {"l1": 0.2}),
        ("L2", {"l2": 0.2}),
        ("L1L2", {"l1": 0.1, "l2": 0.2}),
        ("L1L2", {}),
        ("OrthogonalRegularizer", {}),
        ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
    ],
)
def test_same_as_keras(name, settings):
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings(), jax.numpy_dtype_promotion("standard"):
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
        expected = float(getattr(keras.regularizers, name)(**settings)(jnp.asarray(WEIGHTS)))
    assert float(getattr(regularizers, name)(**settings)(jnp.asarray(WEIGHTS))) == pytest.approx(
        expected, rel=1e-6
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    "regularizer",
    [regularizers.L1(), regularizers.L2(), regularizers.L1L2(0.1, 0.1), regularizers.OrthogonalRegularizer()],
)
def test_type_is_kept(regularizer, dtype):
    with jax.enable_x64(dtype == "float64"):
        penalty = regularizer(jnp.asarray(WEIGHTS, dtype))
        assert penalty.dtype == dtype and penalty.shape == ()


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_vectors_cost_nothing_and_parallel_ones_all(mode):
    penalty = regularizers.OrthogonalRegularizer(0.4, mode)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0].astype("float32")
    assert float(penalty(jnp.asarray(3 * turned))) == pytest.approx(0, abs=1e-6)
    parallel = np.outer([1, -2, 3], [1, -1, 2]).astype("float32")
    assert float(penalty(jnp.asarray(parallel))) == pytest.approx(0.4, rel=1e-5)
    # Zeros and a single vector have no angles, and finite gradients.
    for weight in (np.zeros((3, 3), "float32"), np.ones((1, 1), "float32")):
        value, gradient = jax.value_and_grad(penalty)(jnp.asarray(weight))
        assert float(value) == 0 and np.isfinite(gradient).all()


def test_gradient_of_orthogonality_against_differences():
    penalty = regularizers.OrthogonalRegularizer(1.0)
    with jax.enable_x64(True):
        at, towards = np.random.default_rng(2).normal(size=(2, 3, 4))
        slope = float(jnp.sum(jax.grad(penalty)(jnp.asarray(at)) * jnp.asarray(towards)))
        ends = [float(penalty(jnp.asarray(at + sign * 1e-6 * towards))) for sign in (1, -1)]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_gradient_of_l1_at_zero_is_zero():
    assert jax.grad(regularizers.L1(1.0))(jnp.zeros(2)).tolist() == [0.0, 0.0]


def test_functions():
    assert regularizers.l1(0.5).l1 == 0.5
    assert regularizers.l2(0.5).l2 == 0.5
    both = regularizers.l1_l2(l1=0.1, l2=0.2)
    assert (both.l1, both.l2) == (0.1, 0.2)
    one = regularizers.l1_l2(l2=0.2)
    assert (one.l1, one.l2) == (0.0, 0.2)
    plain = regularizers.l1_l2()
    assert (plain.l1, plain.l2) == (0.01, 0.01)


def test_get():
    assert regularizers.get(None) is None
    assert regularizers.get("l2").l2 == 0.01
    # Keras' 'l1_l2' penalises nothing.
    assert (regularizers.get("l1_l2").l1, regularizers.get("l1_l2").l2) == (0.01, 0.01)
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    given = regularizers.l2(0.5)
    assert regularizers.get(given) is given
    assert regularizers.get(jnp.sum) is jnp.sum


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(0.3),
        regularizers.l2(0.4),
        regularizers.l1_l2(0.1, 0.2),
        regularizers.OrthogonalRegularizer(0.2, "columns"),
    ],
)
def test_settings_survive_a_file(regularizer):
    again = registry.deserialize(registry.serialize(regularizer))
    assert type(again) is type(regularizer)
    assert again.get_config() == regularizer.get_config()
    assert float(again(jnp.asarray(WEIGHTS))) == float(regularizer(jnp.asarray(WEIGHTS)))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: regularizers.L1(-0.1),
            r"L1: expected l1 as a number of at least 0, but got -0\.1\. Pass e\.g\. l1=0\.01",
        ),
        (lambda: regularizers.L2(float("nan")), r"L2: expected l2 as a number of at least 0, but got nan"),
        (lambda: regularizers.L1L2(l2="big"), r"L1L2: expected l2 as a number of at least 0, but got 'big'"),
        (
            lambda: regularizers.OrthogonalRegularizer(-1),
            r"OrthogonalRegularizer: expected factor as a number of at least 0, but got -1",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer(mode="row"),
            r"OrthogonalRegularizer: expected mode as 'rows' or 'columns', but got 'row'",
        ),
        (
            lambda: regularizers.OrthogonalRegularizer()(jnp.ones(3)),
            r"OrthogonalRegularizer: expected a weight of two axes, but got \(3,\)",
        ),
        (
            lambda: regularizers.get("l1l22", "Dense"),
            r"Dense: expected the name of a regularizer, but got 'l1l22'\. Did you",
        ),
        (
            lambda: regularizers.get(0.01),
            r"regularizer: expected the name of a regularizer.*0\.01.*regularizers\.l2",
        ),
    ],
)
def test_errors(action, message):
    with pytest.raises(InputError, match=message):
        action()
