"""Schedules against Keras, closed forms, and their errors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradwise import config, registry
from gradwise.errors import InputError
from gradwise.optimizers import schedules

pytestmark = pytest.mark.feature("E2")

STEPS = [0, 1, 2, 3, 4, 5, 7, 10, 11, 12, 13, 17, 29, 30, 31, 42, 61, 100, 1000, 12345]

CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.96}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 11, 30], "values": [1.0, 0.5, 0.25, 0.125]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 12}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 30, "end_learning_rate": 0.01, "power": 0.5},
    ),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "power": 2.0, "cycle": True}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 30}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "alpha": 0.2}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 30,
            "alpha": 0.1,
            "warmup_target": 0.2,
            "warmup_steps": 11,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.01, "decay_steps": 30, "warmup_target": 0.2}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 9}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 9, "t_mul": 1.0, "m_mul": 0.5},
    ),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
    ),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_same_rates_as_keras(keras, name, settings, dtype, float_type):
    with float_type(dtype):
        ours = getattr(schedules, name)(**settings)
        rates = jax.jit(jax.vmap(ours))(jnp.asarray(STEPS, "int32"))
        assert rates.dtype == config.floatx()
        theirs = getattr(keras.optimizers.schedules, name)(**settings)
        with jax.numpy_dtype_promotion("standard"):
            expected = np.asarray(jax.jit(jax.vmap(theirs))(jnp.asarray(STEPS, "int32")))
        assert np.isfinite(rates).all()
        kept = np.isfinite(
            expected
        )  # Keras' root decay ends in NaN when compiled: 1 - 30 / 30 < 0 by rounding
        assert kept.sum() > 10
        np.testing.assert_allclose(np.asarray(rates)[kept], expected[kept], rtol=2e-5, atol=2e-7)
        # Eagerly, with a plain integer, too.
        np.testing.assert_allclose(ours(STEPS[5]), expected[5], rtol=2e-5)


def test_restarts_begin_exactly_when_they_should():
    # After 1, 2, 4, 8 ... times 10 steps; the logarithm in single precision misses some of these.
    schedule = schedules.CosineDecayRestarts(1.0, 10, t_mul=2.0, m_mul=0.5)
    for restart in range(12):
        begin = 10 * (2**restart - 1)
        assert float(schedule(begin)) == pytest.approx(0.5**restart, rel=1e-5)
        if restart:
            assert float(schedule(begin - 1)) < 0.02 * 0.5**restart + 0.05 * 0.5 ** (restart - 1)


@pytest.mark.parametrize("length", [3, 7, 30, 41, 49, 235, 469])
def test_compiled_stairs_change_on_the_right_step(length):
    # As floats, with the division compiled to a product, 41 * (1 / 41) is less than 1.
    schedule = jax.jit(jax.vmap(schedules.InverseTimeDecay(1.0, length, 1.0, staircase=True)))
    epochs = np.arange(1, 400)
    np.testing.assert_allclose(schedule(jnp.asarray(epochs * length)), 1 / (1 + epochs), rtol=1e-6)
    np.testing.assert_allclose(schedule(jnp.asarray(epochs * length - 1)), 1 / epochs, rtol=1e-6)


def test_fractional_intervals():
    schedule = schedules.ExponentialDecay(1.0, decay_steps=2.5, decay_rate=0.5, staircase=True)
    assert [float(schedule(step)) for step in (0, 2, 3, 5)] == [1.0, 1.0, 0.5, 0.25]


def test_square_root_decay_in_closed_form():
    schedule = schedules.SquareRootDecay(0.6)
    for step in (0, 1, 8, 99):
        assert float(schedule(step)) == pytest.approx(0.6 / math.sqrt(step + 1), rel=1e-6)
    by_epoch = schedules.SquareRootDecay(0.6, decay_steps=50, staircase=True)
    assert float(by_epoch(199)) == pytest.approx(0.3, rel=1e-6)


def test_epoch_decay_of_the_course():
    # α₀ / (1 + rate · epoch) with α₀ = 0.2 and rate = 1: 0.2, 0.1, 0.067, 0.05.
    schedule = schedules.InverseTimeDecay(0.2, decay_steps=25, decay_rate=1.0, staircase=True)
    rates = [round(float(schedule(25 * epoch + 24)), 3) for epoch in range(4)]
    assert rates == [0.2, 0.1, 0.067, 0.05]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_warm_up_before_a_cosine_is_that_of_keras(keras, dtype, float_type):
    with float_type(dtype):
        ours = schedules.WarmUp(schedules.CosineDecay(0.2, 30, 0.1), 11, 0.01)
        with jax.numpy_dtype_promotion("standard"):
            theirs = keras.optimizers.schedules.CosineDecay(0.01, 30, 0.1, warmup_target=0.2, warmup_steps=11)
            expected = [float(theirs(step)) for step in STEPS]
        rates = jax.jit(jax.vmap(ours))(jnp.asarray(STEPS, "int32"))
        assert rates.dtype == config.floatx()
        np.testing.assert_allclose(rates, expected, rtol=2e-5)


def test_warm_up_to_a_number():
    schedule = schedules.WarmUp(0.4, warmup_steps=4)
    assert [round(float(schedule(step)), 6) for step in range(7)] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    again = registry.deserialize(registry.serialize(schedules.WarmUp(schedule, 2, 0.1)))
    assert float(again(1)) == pytest.approx(0.05) and float(again(3)) == pytest.approx(0.1)


def test_piecewise_without_boundaries_is_constant():
    assert float(schedules.PiecewiseConstantDecay([], [0.5])(9)) == 0.5


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_settings_survive_a_file(name, settings):
    schedule = getattr(schedules, name)(**settings)
    again = registry.deserialize(registry.serialize(schedule))
    assert type(again) is type(schedule)
    assert float(again(5)) == float(schedule(5))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: schedules.ExponentialDecay(-0.1, 10, 0.5),
            r"ExponentialDecay: expected initial_learning_rate as a number of at least 0, but got -0\.1",
        ),
        (
            lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
            r"expected decay_steps as a number above 0, but got 0",
        ),
        (
            lambda: schedules.ExponentialDecay(0.1, 10, 0),
            r"expected decay_rate as a number above 0, but got 0",
        ),
        (lambda: schedules.InverseTimeDecay(0.1, 10, -1), r"InverseTimeDecay: expected decay_rate .* got -1"),
        (
            lambda: schedules.SquareRootDecay("0.1"),
            r"SquareRootDecay: expected initial_learning_rate .* got '0\.1'",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
            r"PiecewiseConstantDecay: expected rising boundaries and one value more than boundaries, but got",
        ),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), r"expected rising boundaries"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=0), r"PolynomialDecay: expected power .* above 0"),
        (
            lambda: schedules.CosineDecay(0.1, 10, warmup_steps=5),
            r"CosineDecay: expected a warmup_target with warmup_steps, but got warmup_steps=5 alone",
        ),
        (
            lambda: schedules.WarmUp(0.1, 0),
            r"WarmUp: expected warmup_steps as a whole number of at least 1, but got 0",
        ),
        (lambda: schedules.WarmUp(-1, 5), r"WarmUp: expected learning_rate as a number of at least 0"),
        (
            lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5),
            r"CosineDecayRestarts: expected t_mul as a number of at least 1, but got 0\.5",
        ),
    ],
)
def test_bad_settings_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
