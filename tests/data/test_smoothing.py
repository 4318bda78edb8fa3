"""Exponentially weighted averages: the properties of the temperature example, and their errors."""

import math

import numpy as np
import pytest

from gradwise.errors import InputError
from gradwise.utils import exponentially_weighted_average

pytestmark = pytest.mark.feature("E6")

# A year of temperatures: a season and noise.
DAYS = np.arange(365)
TEMPERATURES = 12 - 10 * np.cos(2 * np.pi * DAYS / 365) + np.random.default_rng(0).normal(0, 3, 365)


def test_first_days_in_closed_form():
    """v = 0.98 v + 0.02 x: 0.8 after a first day of 40, 0.0196 · 40 + 0.02 · 49 after the second."""
    plain = exponentially_weighted_average([40.0, 49.0], beta=0.98, bias_correction=False)
    np.testing.assert_allclose(plain, [0.8, 0.0196 * 40 + 0.02 * 49], rtol=1e-12)
    corrected = exponentially_weighted_average([40.0, 49.0], beta=0.98)
    np.testing.assert_allclose(corrected, [40.0, (0.0196 * 40 + 0.02 * 49) / 0.0396], rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
def test_it_is_a_sum_with_fading_weights(beta):
    averages = exponentially_weighted_average(TEMPERATURES, beta=beta)
    for day in (0, 3, 100, 364):
        weights = (1 - beta) * beta ** np.arange(day + 1)
        assert weights.sum() == pytest.approx(1 - beta ** (day + 1))
        expected = np.average(TEMPERATURES[day::-1], weights=weights)
        assert averages[day] == pytest.approx(expected, rel=1e-10)


def test_a_constant_stays_what_it_is():
    np.testing.assert_allclose(exponentially_weighted_average(np.full(50, 7.0), 0.98), 7.0, rtol=1e-12)
    plain = exponentially_weighted_average(np.full(50, 7.0), 0.98, bias_correction=False)
    np.testing.assert_allclose(plain, 7.0 * (1 - 0.98 ** np.arange(1, 51)), rtol=1e-12)


def test_the_correction_matters_at_the_beginning_only():
    plain = exponentially_weighted_average(TEMPERATURES, 0.9, bias_correction=False)
    corrected = exponentially_weighted_average(TEMPERATURES, 0.9)
    assert abs(plain - corrected)[0] > 0.8 * abs(corrected[0])
    np.testing.assert_allclose(plain[100:], corrected[100:], rtol=1e-4)


def test_larger_beta_is_flatter_and_further_to_the_right():
    roughness, delay = [], []
    season = 12 - 10 * np.cos(2 * np.pi * DAYS / 365)
    for beta in (0.5, 0.9, 0.98):
        roughness.append(np.std(np.diff(exponentially_weighted_average(TEMPERATURES, beta)[100:])))
        delay.append(int(exponentially_weighted_average(season, beta).argmax()) - int(season.argmax()))
    assert roughness[0] > 3 * roughness[1] and roughness[1] > 2 * roughness[2]
    assert delay[0] < delay[1] < delay[2]
    # About 1 / (1 - beta) days count: what is older has together the weight 1 / e.
    assert 0.9**10 == pytest.approx(1 / math.e, abs=0.02)
    assert delay[1] == pytest.approx(0.9 / 0.1, abs=1)


def test_along_an_axis():
    both = np.stack([TEMPERATURES, TEMPERATURES[::-1]])
    expected = [exponentially_weighted_average(row, 0.9) for row in both]
    np.testing.assert_array_equal(exponentially_weighted_average(both, 0.9, axis=1), expected)
    np.testing.assert_array_equal(exponentially_weighted_average(both, 0.9, axis=-1), expected)
    np.testing.assert_array_equal(exponentially_weighted_average(both.T, 0.9), np.transpose(expected))


def test_types():
    assert exponentially_weighted_average([1, 3], 0.5).tolist() == [1.0, 7 / 3]
    for kind in ("float16", "float32", "float64"):
        averages = exponentially_weighted_average(np.ones(2000, kind), 0.999)
        assert averages.dtype == kind
        np.testing.assert_allclose(averages, 1, rtol=1e-3)
    assert exponentially_weighted_average(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: exponentially_weighted_average([1.0], 1.0),
            r"expected beta as a number of at least 0 and below 1, but got 1\.0\. 0\.9 averages about",
        ),
        (lambda: exponentially_weighted_average([1.0], -0.1), r"expected beta .* but got -0\.1"),
        (lambda: exponentially_weighted_average(["a"]), r"expected an array of numbers with an axis 0"),
        (
            lambda: exponentially_weighted_average(3.0),
            r"expected an array of numbers with an axis 0, but got values of type float64 and shape \(\)",
        ),
        (lambda: exponentially_weighted_average([1.0], axis=1), r"an axis 1, but got .* shape \(1,\)"),
    ],
)
def test_errors(action, message):
    with pytest.raises(InputError, match=message):
        action()
