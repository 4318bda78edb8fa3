"""The formulas behind metrics, against scikit-learn, SciPy-like closed forms and worked numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as sk

from gradwise.errors import InputError
from gradwise.ops import confusion, correlation, curves
from gradwise.ops import metrics as ops

pytestmark = pytest.mark.feature("D3")


def column(values, dtype="float32"):
    return jnp.asarray(np.asarray(values, dtype)[:, None])


def test_average_precision_of_the_textbook_ranking():
    # Positives at ranks 1, 3 and 6 of 6: the mean of 1/1, 2/3 and 3/6.
    found = curves.average_precision(
        column([1, 0, 1, 0, 0, 1], bool), column([6, 5, 4, 3, 2, 1]), jnp.ones((6, 1))
    )
    assert float(found[0]) == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)


@pytest.mark.parametrize("digits", [1, 2, 7])  # 1: most scores are tied
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_curves_equal_sklearn(digits, weighted, rng):
    y_true = rng.integers(0, 2, 300)
    y_pred = np.round(np.clip(0.3 * y_true + rng.uniform(size=300) * 0.7, 0, 1), digits)
    weights = rng.choice([0.0, 0.5, 2.0], 300) if weighted else np.ones(300)
    arguments = column(y_true, bool), column(y_pred), column(weights)
    wanted = sk.average_precision_score(y_true, y_pred.astype("float32"), sample_weight=weights)
    assert float(curves.average_precision(*arguments)[0]) == pytest.approx(wanted, rel=1e-5)
    yes, no = curves.exact_counts(*arguments)
    area = curves.area_under_curve(yes, no, yes[0], no[0], "ROC", "interpolation")
    wanted = sk.roc_auc_score(y_true, y_pred.astype("float32"), sample_weight=weights)
    assert float(area[0]) == pytest.approx(wanted, rel=1e-5)


def test_a_score_that_is_no_number_shows_unless_it_has_no_weight():
    scores, yes = column([0.1, np.nan, 0.9]), column([0, 1, 1], bool)
    assert np.isnan(curves.average_precision(yes, scores, jnp.ones((3, 1)))[0])
    assert float(curves.average_precision(yes, scores, column([1, 0, 1]))[0]) == 1


def test_interpolated_precision_recall_lies_below_the_straight_line():
    # Davis and Goadrich: from (tp, fp) = (5, 5) to (10, 30) of 20 positives, intermediate points lie lower.
    right, wrong = jnp.array([10.0, 5.0, 0.0]), jnp.array([30.0, 5.0, 0.0])
    area = float(
        curves.area_under_curve(right, wrong, jnp.array(20.0), jnp.array(30.0), "PR", "interpolation")
    )
    grid = np.linspace(5, 10, 20001)
    precision = grid / (grid + 5 + 5 * (grid - 5))
    wanted = np.trapezoid(precision, grid) / 20 + 0.5 * 5 / 20
    assert area == pytest.approx(wanted, rel=1e-4)
    assert area < (0.5 + 0.25) / 2 * 5 / 20 + 0.5 * 5 / 20


def test_confusion_matrix_and_agreements_equal_sklearn(rng):
    true, called, weights = rng.integers(0, 4, 200), rng.integers(0, 4, 200), rng.uniform(size=200)
    called = np.where(rng.uniform(size=200) < 0.5, true, called)
    matrix = confusion.confusion_matrix(
        jnp.asarray(true), jnp.asarray(called), jnp.asarray(weights, "float32"), 4
    )
    np.testing.assert_allclose(matrix, sk.confusion_matrix(true, called, sample_weight=weights), rtol=1e-5)
    wanted = sk.matthews_corrcoef(true, called, sample_weight=weights)
    assert float(confusion.matthews_correlation(matrix)) == pytest.approx(wanted, rel=1e-4)
    wanted = sk.cohen_kappa_score(true, called, sample_weight=weights)
    assert float(confusion.cohen_kappa(matrix, 1.0 - jnp.eye(4))) == pytest.approx(wanted, rel=1e-4)
    shares, occurs = confusion.intersection_over_union(matrix)
    wanted = sk.jaccard_score(true, called, average=None, sample_weight=weights)
    np.testing.assert_allclose(shares, wanted, rtol=1e-5)
    assert occurs.all()


def test_classes_out_of_range_are_left_out():
    matrix = confusion.confusion_matrix(jnp.array([0, -1, 5, 1]), jnp.array([0, 0, 0, 9]), jnp.ones(4), 2)
    assert matrix.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("name", ["matthews_correlation", "cohen_kappa"])
def test_agreements_of_one_class_only_are_zero(name):
    matrix = jnp.array([[3.0, 0.0], [0.0, 0.0]])
    more = (1.0 - jnp.eye(2),) if name == "cohen_kappa" else ()
    assert float(getattr(confusion, name)(matrix, *more)) == 0
    assert float(getattr(confusion, name)(jnp.zeros((2, 2)), *more)) == 0


def test_correlations_against_numpy(rng):
    x, y = rng.normal(size=(5, 30)), rng.normal(size=(5, 30))
    y = 2 * x + y + 3
    pearson = correlation.pearson_correlation(jnp.asarray(x, "float32"), jnp.asarray(y, "float32"))
    np.testing.assert_allclose(
        pearson, [np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)], rtol=1e-5
    )
    lin = correlation.concordance_correlation(jnp.asarray(x, "float32"), jnp.asarray(y, "float32"))
    wanted = [
        2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(lin, wanted, rtol=1e-5)
    assert float(correlation.pearson_correlation(jnp.ones((1, 3)), jnp.ones((1, 3)))[0]) == 0


def test_moments_merge_to_those_of_the_whole_far_from_zero(rng):
    # Plain sums of squares would lose every digit: the mean is 100 000 times the standard deviation.
    x = (1e5 + rng.normal(size=(900, 1))).astype("float32")
    y = (2 * x + rng.normal(size=(900, 1))).astype("float32")
    merged = {key: jnp.zeros(1) for key in ("weight", "true", "pred", "true_true", "pred_pred", "true_pred")}
    for part in np.split(np.arange(900), [1, 100, 101, 500]):
        ones = jnp.ones((len(part), 1))
        merged = correlation.merge_moments(merged, correlation.moments(x[part], y[part], ones))
    wide_x, wide_y = x[:, 0].astype("float64"), y[:, 0].astype("float64")
    wanted = np.cov(wide_x, wide_y, bias=True) * 900
    assert float(merged["true_true"][0]) == pytest.approx(wanted[0, 0], rel=0.02)
    assert float(merged["true_pred"][0]) == pytest.approx(wanted[0, 1], rel=0.02)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_types_stay(dtype):
    with jax.enable_x64(dtype == "float64"):
        scores = jnp.asarray([[0.25], [0.5], [0.75]], dtype)
        yes, weights = jnp.array([[False], [True], [True]]), jnp.ones((3, 1), dtype)
        assert curves.average_precision(yes, scores, weights).dtype == dtype
        assert correlation.pearson_correlation(scores.T, scores.T).dtype == dtype
        assert ops.sparse_top_k_categorical_accuracy(jnp.array([0]), scores.T, 2).dtype == dtype
        matrix = confusion.confusion_matrix(jnp.array([0]), jnp.array([1]), jnp.ones(1, dtype), 2)
        assert confusion.matthews_correlation(matrix).dtype == matrix.dtype == dtype


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: correlation.pearson_correlation(jnp.ones((3, 1)), jnp.ones((3, 1))), r"pearson_correlation: expected at least 2 values along axis -1, but got predictions of shape \(3, 1\). For a model of one output take axis=0"),
        (lambda: correlation.concordance_correlation(jnp.ones((3, 2)), jnp.ones((3, 2)), 2), "concordance_correlation: expected at least 2 values along axis 2"),
        (lambda: ops.keep_top_k(jnp.ones((3, 2)), 3), r"top_k: expected at least k = 3 predictions a sample, but got predictions of shape \(3, 2\). Lower top_k."),
        (lambda: ops.sparse_top_k_categorical_accuracy(jnp.array([1]), jnp.ones((1, 2)), 3, True), "expected at least k = 3 class numbers a sample"),
    ],
)  # fmt: skip
def test_errors_help(call, text):
    with pytest.raises(InputError, match=text):
        call()
