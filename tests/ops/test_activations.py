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
    "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "linear", "log_softmax", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip
ALL = [*IN_KERAS, "step", "sign", "hardmax"]


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
    [("gelu", {"approximate": True}), ("elu", {"alpha": 0.4}), ("leaky_relu", {"negative_slope": 0.01})],
)
def test_settings_equal_keras(name, settings, grid, keras_activations):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = np.asarray(getattr(keras_activations, name)(grid, **settings))
    np.testing.assert_allclose(activations.get(name)(grid, **settings), wanted, rtol=1e-6, atol=1e-7)


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
    for name in ALL:
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
