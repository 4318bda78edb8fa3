import numpy as np
import pytest
from scipy import stats

from gradwise.errors import InputError
from gradwise.evaluation.intervals import mean_interval, wilson_interval

pytestmark = pytest.mark.feature("G3")


@pytest.mark.parametrize(
    ("right", "samples"), [(0, 10), (1, 3), (352, 360), (50, 100), (7, 7), (99999, 100000)]
)
def test_wilson_interval_equals_scipy(right, samples):
    reference = stats.binomtest(right, samples).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right / samples, samples) == pytest.approx(
        (reference.low, reference.high), abs=1e-12
    )


def test_wilson_interval_without_samples_says_nothing():
    assert wilson_interval(0.5, 0) == (0.0, 1.0)


def test_wilson_interval_refuses_percent():
    with pytest.raises(
        InputError, match=r"wilson_interval: expected a share in \[0, 1\], but got 97.8. Pass 0.9"
    ):
        wilson_interval(97.8, 360)


def test_mean_interval_equals_scipy():
    values = np.random.default_rng(0).exponential(size=500)
    reference = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx(reference)


def test_mean_interval_of_one_sample_claims_nothing():
    assert mean_interval([3.0]) == (-np.inf, np.inf)
