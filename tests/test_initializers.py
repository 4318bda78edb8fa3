"""Initial values: fans, limits, moments, truncation, orthogonality, seeds, errors."""

import math
import os
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import gradwise as gw
from gradwise import config, initializers, registry
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("E5")

SCALING = ["GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"]
RANDOM = [*SCALING, "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal"]


@pytest.fixture(scope="module")
def keras():
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((3, 5), (3, 5)),
        ((3, 4, 5), (12, 15)),
        ((3, 3, 16, 32), (144, 288)),
        ((2, 3, 4, 5, 6), (120, 144)),
    ],
)
def test_fans_are_keras_fans(keras, shape, fans):
    from keras.src.initializers.random_initializers import compute_fans

    assert initializers.compute_fans(shape) == fans == compute_fans(shape)


@pytest.mark.parametrize("name", SCALING)
@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 40, 60)])
def test_limits_and_spread_are_those_of_keras(keras, name, shape):
    values = getattr(initializers, name)(seed=1)(shape)
    theirs = getattr(keras.initializers, name)(seed=1)
    fan_in, fan_out = initializers.compute_fans(shape)
    fan = {"fan_in": fan_in, "fan_avg": (fan_in + fan_out) / 2}[theirs.mode]
    stddev = math.sqrt(theirs.scale / fan)
    limit = math.sqrt(3) * stddev if theirs.distribution == "uniform" else 2 * stddev / 0.87962566103423978
    assert abs(values).max() <= limit * (1 + 1e-6)
    assert abs(values).max() > 0.99 * limit
    # Five standard errors.
    assert abs(values.mean()) < 5 * stddev / math.sqrt(values.size)
    assert values.std() == pytest.approx(stddev, rel=5 / math.sqrt(2 * values.size))


def test_normal_values():
    values = initializers.RandomNormal(mean=1.0, stddev=0.5, seed=2)((400, 250))
    assert values.mean() == pytest.approx(1.0, abs=5 * 0.5 / math.sqrt(values.size))
    assert values.std() == pytest.approx(0.5, rel=5 / math.sqrt(2 * values.size))
    # Of 100 000 normal values about 4 550 lie beyond two standard deviations.
    assert (abs(values - 1) > 1).mean() == pytest.approx(0.0455, abs=0.0035)


def test_truncated_values():
    values = initializers.TruncatedNormal(mean=1.0, stddev=0.5, seed=2)((400, 250))
    assert abs(values - 1).max() <= 1.0 and abs(values - 1).max() > 0.99
    assert values.mean() == pytest.approx(1.0, abs=5 * 0.44 / math.sqrt(values.size))
    # The standard deviation of N(0, 1) cut at ±2: sqrt(1 - 4 φ(2) / (2 Φ(2) - 1)).
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    exact = math.sqrt(1 - 4 * density / math.erf(math.sqrt(2)))
    assert exact == pytest.approx(0.87962566103423978, rel=1e-12)
    assert values.std() == pytest.approx(0.5 * exact, rel=0.01)


def test_uniform_values():
    values = initializers.RandomUniform(-0.2, 0.6, seed=3)((400, 250))
    assert values.min() >= -0.2 and values.max() <= 0.6
    assert values.mean() == pytest.approx(0.2, abs=5 * 0.8 / math.sqrt(12 * values.size))
    assert values.std() == pytest.approx(0.8 / math.sqrt(12), rel=0.01)


@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal", "normal"])
def test_variance_scaling_has_the_variance_it_promises(distribution):
    values = initializers.VarianceScaling(3.0, "fan_out", distribution, seed=4)((200, 500))
    assert values.std() == pytest.approx(math.sqrt(3 / 500), rel=5 / math.sqrt(2 * values.size))


@pytest.mark.parametrize("shape", [(40, 40), (60, 20), (20, 60), (3, 3, 4, 20)])
def test_orthogonal_values(shape):
    values = initializers.Orthogonal(gain=2.0, seed=5)(shape)
    assert values.shape == shape and values.dtype == np.float32
    matrix = values.reshape(-1, shape[-1])
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


def test_orthogonal_is_uniform_over_signs():
    # Without the sign correction LAPACK's Q has a fixed sign pattern on its diagonal.
    positive = sum(initializers.Orthogonal(seed=seed)((2, 2))[0, 0] > 0 for seed in range(200))
    assert 65 < positive < 135


def test_constants():
    assert initializers.Zeros()((2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert initializers.Ones()((2,), "int32").dtype == np.int32
    assert initializers.Constant(0.1)((2,), "float64").tolist() == [0.1, 0.1]
    assert initializers.Constant([1.0, 2.0])((3, 2)).tolist() == [[1.0, 2.0]] * 3
    np.testing.assert_array_equal(initializers.Identity(gain=3.0)((3, 2)), 3 * np.eye(3, 2))


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    build = getattr(initializers, name)
    seeded = build(seed=11)
    first = seeded((4, 3))
    np.testing.assert_array_equal(first, seeded((4, 3)))
    np.testing.assert_array_equal(first, seeded((4, 3), rng=np.random.default_rng(0)))
    assert not np.array_equal(first, build(seed=12)((4, 3)))
    unseeded = build()
    config.set_random_seed(3)
    one, two = unseeded((4, 3)), unseeded((4, 3))
    assert not np.array_equal(one, two)
    config.set_random_seed(3)
    np.testing.assert_array_equal(one, build()((4, 3)))
    np.testing.assert_array_equal(
        unseeded((4, 3), rng=np.random.default_rng(5)), build()((4, 3), rng=np.random.default_rng(5))
    )


def test_values_never_change_between_releases():
    values = initializers.GlorotUniform(seed=0)((2, 2))
    np.testing.assert_allclose(
        values,
        [[0.858850359916687, 0.33548617362976074], [0.027278661727905273, -0.5639052391052246]],
        rtol=1e-7,
    )


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_float_types(name, dtype):
    values = getattr(initializers, name)(seed=1)((6, 4), dtype)
    assert isinstance(values, np.ndarray) and values.dtype == jnp.dtype(dtype)
    assert np.isfinite(values.astype("float32")).all()


def test_double_precision_is_drawn_as_such():
    values = initializers.RandomNormal(seed=1)((50,), "float64")
    assert not np.array_equal(values, values.astype("float32").astype("float64"))


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), ()])
def test_odd_shapes(shape):
    for name in ("GlorotUniform", "HeNormal", "Zeros"):
        assert getattr(initializers, name)()(shape).shape == shape


def test_get():
    assert isinstance(initializers.get("glorot_uniform"), initializers.GlorotUniform)
    assert isinstance(initializers.get("xavier_normal"), initializers.GlorotNormal)
    assert isinstance(initializers.get("zero"), initializers.Zeros)
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    ones = initializers.Ones()
    assert initializers.get(ones) is ones
    from_function = initializers.get(lambda shape, dtype=None: np.full(shape, 7, dtype))
    assert from_function((2,), "float64", rng=np.random.default_rng(0)).tolist() == [7.0, 7.0]


@pytest.mark.parametrize("name", [*RANDOM, "Zeros", "Ones", "Constant", "Identity"])
def test_settings_survive_a_file(name):
    initializer = getattr(initializers, name)()
    again = registry.deserialize(registry.serialize(initializer))
    assert type(again) is type(initializer)
    rng = np.random.default_rng
    np.testing.assert_array_equal(again((3, 3), rng=rng(1)), initializer((3, 3), rng=rng(1)))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: initializers.get("glorot_unifrom", "Dense 'head'"),
            r"Dense 'head': expected the name of an initializer, but got 'glorot_unifrom'\. Did you mean 'glorot",
        ),
        (
            lambda: initializers.get(0.5),
            r"initializer: expected the name of an initializer, .* but got an object of class float\..*Constant\(value\)",
        ),
        (lambda: initializers.get(np.ones(3)), r"got an object of class ndarray\..*Constant\(value\)"),
        (
            lambda: initializers.Zeros()((3, None)),
            r"Zeros: expected a shape of known sizes, but got \(3, None\)",
        ),
        (
            lambda: initializers.HeNormal()((3, 3), "int32"),
            r"HeNormal: expected a float type, but got int32\. Use",
        ),
        (
            lambda: initializers.Orthogonal()((3,)),
            r"Orthogonal: expected a shape of at least two sizes, but got \(3,\)",
        ),
        (
            lambda: initializers.Identity()((3, 3, 3)),
            r"Identity: expected a shape of two sizes, but got \(3, 3, 3\)",
        ),
        (
            lambda: initializers.Constant([1.0, 2.0])((3,)),
            r"Constant: expected a value that fits the shape \(3,\), but got an array of shape \(2,\)",
        ),
        (
            lambda: initializers.HeNormal(seed=-1),
            r"HeNormal: expected a seed of at least 0, or None, but got -1",
        ),
        (
            lambda: initializers.RandomNormal(stddev=-1),
            r"RandomNormal: expected a stddev of at least 0, but got -1",
        ),
        (
            lambda: initializers.RandomUniform(1, 0),
            r"RandomUniform: expected minval not above maxval, but got minval=1",
        ),
        (lambda: initializers.VarianceScaling(0), r"VarianceScaling: expected a scale above 0, but got 0"),
        (
            lambda: initializers.VarianceScaling(mode="fan"),
            r"VarianceScaling: expected a mode out of fan_in, fan_out, fan_avg, but got 'fan'",
        ),
        (
            lambda: initializers.VarianceScaling(distribution="beta"),
            r"VarianceScaling: expected a distribution out of .*, but got 'beta'",
        ),
        (
            lambda: initializers.get(lambda shape, dtype=None: np.zeros(3))((2,)),
            r"initializer '<lambda>': expected values of shape \(2,\), but got \(3,\)",
        ),
    ],
)
def test_errors(action, message):
    with pytest.raises(InputError, match=message):
        action()


def after_training(kernel_initializer):
    """The hidden kernel of a small regression after training, [inputs, units]."""
    gw.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = np.tanh(x @ [1.0, -2.0, 0.5]) + 0.3 * x[:, 0]
    model = gw.Sequential(
        [
            gw.Input((3,)),
            gw.layers.Dense(5, "tanh", kernel_initializer=kernel_initializer),
            gw.layers.Dense(1, kernel_initializer=kernel_initializer),
        ]
    )
    model.compile(gw.optimizers.SGD(0.1), "mse")
    losses = model.fit(x, y, batch_size=16, epochs=30, verbose=0).history["loss"]
    return model.get_weights()[0], losses


def test_zeros_show_the_problem_of_symmetry():
    """Units that start alike stay alike; from zeros a network with hidden units does not move at all."""
    zeros, losses = after_training("zeros")
    np.testing.assert_array_equal(zeros, 0)
    assert losses[-1] == pytest.approx(losses[1], rel=0.05)  # only the last bias learns
    alike, better = after_training(initializers.Constant(0.3))
    np.testing.assert_allclose(alike, alike[:, :1] * np.ones((1, 5)), rtol=1e-6)
    assert np.ptp(alike[:, 0]) > 0.1  # they do learn, all the same thing
    broken, best = after_training(initializers.RandomNormal(stddev=0.01))
    assert np.ptp(broken, axis=1).max() > 0.01
    assert min(better[-1], best[-1]) < 0.5 * losses[-1]
