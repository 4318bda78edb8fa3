import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.ops import activations
from gradwise.registry import deserialize, serialize

pytestmark = pytest.mark.feature("C2")

IN_KERAS = [
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh",
    "tanh_shrink",
]  # fmt: skip
# Keras' sparsemax is wrong (3.15 adds cumulative sums up); the others take a setting without a default there or
# change the size.
OTHERS = ["threshold", "glu", "maxout"]
ALL = [*IN_KERAS, "step", "sign", "hardmax", "threshold", "sparsemax"]


@pytest.fixture(scope="module")
def keras_activations():
    return pytest.importorskip("keras").activations


@pytest.fixture
def grid():
    return np.linspace(-8.0, 8.0, 161, dtype=np.float32).reshape(7, 23)


@pytest.mark.parametrize("name", IN_KERAS)
def test_values_equal_keras(name, grid, keras_activations):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = np.asarray(getattr(keras_activations, name)(grid))
    np.testing.assert_allclose(activations.get(name)(grid), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("negative_slope", [0.0, 0.3])
@pytest.mark.parametrize("max_value", [None, 2.5, 6.0])
@pytest.mark.parametrize("threshold", [0.0, 1.5, -1.0])
def test_relu_settings_equal_keras(negative_slope, max_value, threshold, grid, keras_activations):
    settings = {"negative_slope": negative_slope, "max_value": max_value, "threshold": threshold}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = np.asarray(keras_activations.relu(grid, **settings))
    np.testing.assert_allclose(activations.relu(grid, **settings), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gelu", {"approximate": True}),
        ("elu", {"alpha": 0.4}),
        ("celu", {"alpha": 0.4}),
        ("leaky_relu", {"negative_slope": 0.01}),
        ("squareplus", {"b": 1.5}),
        ("hard_shrink", {"threshold": 1.3}),
        ("soft_shrink", {"threshold": 1.3}),
        ("threshold", {"threshold": 0.7, "default_value": -2.0}),
    ],
)
def test_settings_equal_keras(name, settings, grid, keras_activations):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = np.asarray(getattr(keras_activations, name)(grid, **settings))
    # Keras' squareplus loses digits below 0.
    np.testing.assert_allclose(activations.get(name)(grid, **settings), wanted, rtol=1e-6, atol=3e-7)


def test_every_name_of_keras_is_known(keras_activations):
    names = {name for name in dir(keras_activations) if not name.startswith("_")}
    for name in names - {"get", "serialize", "deserialize"}:
        assert callable(activations.get(name)), name


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_glu_equals_keras(axis, rng, keras_activations):
    x = rng.normal(size=(4, 6)).astype("float32")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = np.asarray(keras_activations.glu(x, axis=axis))
    np.testing.assert_allclose(activations.glu(x, axis), wanted, rtol=1e-6)


@pytest.mark.feature("C3")
def test_maxout_takes_groups_along_any_axis(rng):
    x = rng.normal(size=(6, 4)).astype("float32")
    np.testing.assert_array_equal(activations.maxout(x, 2), x.reshape(6, 2, 2).max(-1))
    np.testing.assert_array_equal(activations.maxout(x, 3, axis=0), x.reshape(2, 3, 4).max(1))
    np.testing.assert_array_equal(activations.maxout(x, 1), x)
    with_zero = jnp.stack([x, jnp.zeros_like(x)], -1).reshape(6, 8)
    np.testing.assert_array_equal(activations.maxout(with_zero), activations.relu(x))


def test_sparsemax_is_the_nearest_point_of_the_simplex(rng):
    x = rng.normal(size=(50, 6))
    with jax.enable_x64(True):
        output = np.asarray(activations.sparsemax(x))
        slopes = np.asarray(jax.jit(jax.vmap(jax.jacobian(activations.sparsemax)))(x))
    np.testing.assert_allclose(output.sum(1), np.ones(50), rtol=1e-12)
    turned = activations.sparsemax(x.T, axis=0)
    np.testing.assert_allclose(turned.T, output, rtol=1e-5, atol=1e-6)
    assert (output >= 0).all() and 0.2 < np.mean(output == 0) < 0.9
    # Optimality: x - output is one number on the support and at most that elsewhere.
    support = output > 0
    gap = x - output
    level = np.where(support, gap, -np.inf).max(1, keepdims=True)
    np.testing.assert_allclose(np.where(support, gap - level, 0), 0, atol=1e-12)
    assert (gap <= level + 1e-12).all()
    # Its Jacobian, proposition 2 of the paper: diag(s) - s sᵀ / |S| with s the support.
    s = support.astype("float64")
    wanted = s[:, :, None] * np.eye(6) - s[:, :, None] * s[:, None, :] / s.sum(1)[:, None, None]
    np.testing.assert_allclose(slopes, wanted, atol=1e-12)


def test_squareplus_keeps_its_digits_far_below_zero():
    x = np.array([-1e30, -1e4, -30.0, 0.0, 1e4])
    wanted = [1e-30, 1e-4, 2 / (30 + np.sqrt(904)), 1.0, 1e4 + 1e-4]
    np.testing.assert_allclose(activations.squareplus(jnp.asarray(x, "float32")), wanted, rtol=1e-6)
    np.testing.assert_array_equal(activations.squareplus(jnp.array([-1.0, 0.0, 2.0]), b=0), [0.0, 0.0, 2.0])


def test_softmax_axis(grid):
    np.testing.assert_allclose(activations.softmax(grid, axis=0).sum(0), np.ones(23), rtol=1e-6)
    np.testing.assert_allclose(activations.softmax(grid, axis=(0, 1)).sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(jnp.exp(activations.log_softmax(grid, axis=0)).sum(0), np.ones(23), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_every_float_type_under_jit(dtype, grid):
    every = jax.jit(lambda x: {name: activations.get(name)(x) for name in ALL})
    wanted = every(grid)
    with jax.enable_x64(dtype == "float64"):
        results = every(jnp.asarray(grid, dtype))
    tolerance = 0.05 if dtype == "bfloat16" else 1e-5
    for name, result in results.items():
        assert result.dtype == dtype and result.shape == grid.shape, name
        np.testing.assert_allclose(
            np.float64(result), np.float64(wanted[name]), rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_huge_inputs_stay_finite_also_in_the_gradient():
    finite = [name for name in ALL if name != "exponential"]
    x = jnp.array([-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30])
    values = jax.jit(lambda x: {name: activations.get(name)(x) for name in finite})(x)
    slopes = jax.jit(jax.jacobian(lambda x: {name: activations.get(name)(x) for name in finite}))(x[1:-1])
    for name in finite:
        assert jnp.isfinite(values[name]).all(), name
        assert jnp.isfinite(slopes[name]).all(), name


def test_gradient_is_that_of_finite_differences():
    with jax.enable_x64(True):
        x = jnp.array([-3.7, -2.2, -0.6, 0.4, 1.3, 2.9, 4.1], "float64")
        every = lambda x: {name: activations.get(name)(x) for name in ALL}  # noqa: E731
        way = jnp.arange(1.0, 8.0)
        _, slopes = jax.jit(lambda x: jax.jvp(every, (x,), (way,)))(x)
        after, before = jax.jit(every)(x + 1e-6 * way), jax.jit(every)(x - 1e-6 * way)
        for name in ALL:
            numeric = (after[name] - before[name]) / 2e-6
            np.testing.assert_allclose(slopes[name], numeric, rtol=1e-6, atol=1e-7, err_msg=name)


def test_step_sign_and_hardmax_at_their_edges():
    x = jnp.array([-1e-30, 0.0, 1e-30])
    assert activations.step(x).tolist() == [0.0, 1.0, 1.0]
    # the perceptron of the course document: +1 for x >= 0
    assert activations.sign(x).tolist() == [-1.0, 1.0, 1.0]
    assert activations.hardmax(jnp.array([[1.0, 2.0], [4.0, 4.0]])).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert activations.hardmax(jnp.array([[1.0, 2.0], [4.0, 3.0]]), axis=0).tolist() == [
        [0.0, 0.0],
        [1.0, 1.0],
    ]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("swish", "silu"),
        ("hard_swish", "hard_silu"),
        ("ReLU", "relu"),
        ("LeakyReLU", "leaky_relu"),
        (None, "linear"),
    ],
)
def test_spellings(spelling, name):
    assert activations.get(spelling) is getattr(activations, name)


def test_names_survive_a_file():
    for name in (*ALL, *OTHERS):
        function = activations.get(name)
        assert deserialize(serialize(function)) is function


def test_unknown_activation_names_the_nearest():
    with pytest.raises(
        InputError,
        match=r"Dense 'd': expected the name of an activation, but got 'sigmoyd'. Did you mean 'sigmoid'",
    ):
        activations.get("sigmoyd", "Dense 'd'")


def test_wrong_type_is_refused():
    with pytest.raises(
        InputError,
        match=r"activation: expected the name of an activation or a function, but got 3 of type int. Pass e.g. 'relu'",
    ):
        activations.get(3)
