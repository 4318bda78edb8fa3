"""Tests of drift: SciPy's tests and formulas written out as oracles."""

import numpy as np
import pytest
from scipy import stats

from gradwise.data.drift import Drift, adjust, compare_classes, compare_columns, compare_numbers, holm
from gradwise.data.tables import as_column

pytestmark = pytest.mark.feature("A7")


@pytest.mark.parametrize("number", range(15))
def test_numbers_are_compared_as_by_scipy(number):
    random = np.random.default_rng(number)
    a = random.normal(size=int(random.integers(1, 200)))
    b = random.normal(random.uniform(-1, 1), random.uniform(0.5, 2), size=int(random.integers(1, 200)))
    if number % 3 == 0:
        a, b = np.round(a), np.round(b)  # many equal values
    distance, shift, p_value = compare_numbers(a, b)
    wanted = stats.ks_2samp(a, b, method="asymp")
    assert distance == pytest.approx(wanted.statistic, abs=1e-12)
    assert p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    points = np.concatenate([a, b])
    by_hand = max(abs((a <= point).mean() - (b <= point).mean()) for point in points)
    assert distance == pytest.approx(by_hand, abs=1e-12)
    spread = np.sqrt((a.var() + b.var()) / 2)
    assert shift == pytest.approx((a.mean() - b.mean()) / spread if spread else np.inf * np.sign(a[0] - b[0]))


def test_numbers_at_the_edges():
    assert compare_numbers([2.0, 2.0], [2.0]) == (0.0, 0.0, 1.0)
    assert compare_numbers([3.0, 3.0], [2.0])[:2] == (1.0, np.inf)
    assert compare_numbers([2.0], [3.0])[:2] == (1.0, -np.inf)
    assert compare_numbers([np.inf, -np.inf], [np.inf, -np.inf]) == (0.0, 0.0, 1.0)
    distance, shift, _ = compare_numbers([np.inf, 1.0, 2.0], [1.0, 2.0, -np.inf])
    assert distance == pytest.approx(1 / 3) and shift == 0.0


@pytest.mark.parametrize("number", range(15))
def test_classes_are_compared_as_by_scipy(number):
    random = np.random.default_rng(number)
    shares = random.dirichlet(np.full(4, 5.0), size=2)
    sizes = random.integers(200, 500, size=2)
    a, b = (
        random.choice(["a", "b", "c", "d"], size=size, p=share)
        for size, share in zip(sizes, shares, strict=True)
    )
    table = np.array([[np.sum(side == label) for label in "abcd"] for side in (a, b)])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    distance, p_value = compare_classes(a, b)
    assert distance == pytest.approx(np.abs(table[0] / len(a) - table[1] / len(b)).sum() / 2)
    assert expected.min() >= 5
    chi = ((table - expected) ** 2 / expected).sum()
    assert p_value == pytest.approx(stats.chi2.sf(chi, 3), rel=1e-9)


def test_rare_classes_are_tested_as_one():
    a = np.array(["x"] * 60 + ["y"] * 40 + [f"rare {k}" for k in range(20)])
    b = np.array(["x"] * 40 + ["y"] * 60 + [f"odd {k}" for k in range(20)])
    distance, p_value = compare_classes(a, b)
    wanted = stats.chi2_contingency([[60, 40, 20], [40, 60, 20]], correction=False).pvalue
    assert p_value == pytest.approx(wanted)
    assert distance == pytest.approx((20 + 20 + 20 + 20) / 120 / 2)
    # Too few even together: they join the smallest class (x here); with one class there is no test.
    assert compare_classes(["x"] * 50 + ["y"] * 2, ["x"] * 50)[1] == 1.0
    joined = compare_classes(["x"] * 60 + ["y"] * 40 + ["z"], ["x"] * 40 + ["y"] * 61)[1]
    assert joined == pytest.approx(stats.chi2_contingency([[61, 40], [40, 61]], correction=False).pvalue)
    assert compare_classes(["x"], ["y"])[1] == 1.0
    names = np.arange(1000).astype(str)
    assert compare_classes(names[:500], names[500:]) == (1.0, 1.0)  # a name for each row says nothing


def test_the_tests_keep_to_their_level():
    random = np.random.default_rng(0)
    pairs = [(random.normal(size=80), random.normal(size=120)) for _ in range(400)]
    assert np.mean([compare_numbers(*pair)[2] < 0.05 for pair in pairs]) < 0.08
    words = [(random.choice(6, size=80), random.choice(6, size=120)) for _ in range(400)]
    assert 0.02 < np.mean([compare_classes(*pair)[1] < 0.05 for pair in words]) < 0.08


@pytest.mark.parametrize("number", range(10))
def test_holm_adjusts_step_by_step(number):
    values = np.random.default_rng(number).random(int(np.random.default_rng(number).integers(1, 12))) ** 3
    ordered = sorted(values)
    for value, adjusted in zip(values, holm(values), strict=True):
        place = ordered.index(value)
        wanted = max(min(1.0, ordered[k] * (len(values) - k)) for k in range(place + 1))
        assert adjusted == pytest.approx(wanted)
    assert holm([]).tolist() == []


def test_what_a_column_is_decides_its_test():
    rows, others = np.arange(50), np.arange(50, 100)

    def kinds(values):
        return [one.kind for one in compare_columns(as_column("x", values), "a", rows, "b", others)]

    assert kinds(np.arange(100.0)) == ["numeric"]
    assert kinds(np.arange(100) % 2) == ["nominal"]
    assert kinds([1, 0] + [0, 1] * 49) == ["nominal"]
    assert kinds(np.arange(100) % 2 == 0) == ["nominal"]
    assert kinds(["a", "b"] * 50) == ["nominal"]
    assert kinds(np.datetime64("2024-01-01") + np.arange(100)) == ["numeric"]
    assert kinds(np.full(100, 7.0)) == []
    assert kinds(np.full(100, np.nan)) == []
    assert kinds(np.where(np.arange(100) < 10, np.nan, np.arange(100.0))) == ["missing", "numeric"]
    assert kinds(np.where(np.arange(100) < 50, np.nan, np.arange(100.0))) == ["missing"]


def test_missing_values_drift_by_themselves():
    values = np.random.default_rng(0).normal(size=400)
    values[:200][::2] = np.nan
    lost, found = compare_columns(
        as_column("x", values), "test", np.arange(200), "train", np.arange(200, 400)
    )
    assert (lost.kind, lost.distance) == ("missing", 0.5) and lost.p_value < 1e-20
    assert found.p_value > 0.01


def test_drifts_are_adjusted_and_sorted():
    drifts = [
        Drift("small", "test", "train", "numeric", 0.1, 0.2, 0.001),
        Drift("chance", "test", "train", "nominal", 0.9, 0.0, 0.6),
        Drift("large", "test", "train", "numeric", 0.5, -1.5, 0.0001),
    ]
    found = adjust(drifts)
    assert [one.name for one in found] == ["large", "small", "chance"]
    assert [one.adjusted for one in found] == pytest.approx([0.0003, 0.002, 0.6])
    assert str(found[0]) == (
        "'large' differs between 'test' and 'train': mean -1.50 standard deviations, distance 0.50 (p 0.0003)."
    )
    assert str(Drift("age", "test", "train", "missing", 0.5, 0.0, 0.0)).startswith(
        "the share of missing values of 'age' differs"
    )
