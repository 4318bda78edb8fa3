import math

import numpy as np
import pytest
from sklearn import metrics

from gradwise.errors import FileError
from gradwise.evaluation.baselines import Baseline, fit_baseline
from gradwise.evaluation.scores import answers, measure, roc_auc

pytestmark = pytest.mark.feature("G3")
random = np.random.default_rng(0)


def _by_name(scores):
    return {score.name: score for score in scores}


def test_binary_scores_equal_sklearn():
    y, positive = random.integers(0, 2, 200), random.uniform(0.01, 0.99, 200).round(2)
    outputs = np.stack([1 - positive, positive], axis=1)
    scores = _by_name(measure("binary", y, outputs, fit_baseline("binary", y)))
    assert scores["accuracy"].value == pytest.approx(metrics.accuracy_score(y, positive >= 0.5))
    assert scores["ROC AUC"].value == pytest.approx(metrics.roc_auc_score(y, positive))
    assert scores["log loss"].value == pytest.approx(metrics.log_loss(y, outputs))
    assert scores["ROC AUC"].baseline == 0.5


def test_single_label_scores_equal_sklearn():
    y, outputs = random.integers(0, 4, 300), random.dirichlet(np.ones(4), 300)
    scores = _by_name(measure("single_label", y, outputs, fit_baseline("single_label", y, 4)))
    said = outputs.argmax(axis=1)
    assert scores["accuracy"].value == pytest.approx(metrics.accuracy_score(y, said))
    assert scores["balanced accuracy"].value == pytest.approx(metrics.balanced_accuracy_score(y, said))
    assert scores["log loss"].value == pytest.approx(metrics.log_loss(y, outputs), rel=1e-5)


def test_single_label_baseline_equals_sklearns_dummy():
    from sklearn.dummy import DummyClassifier

    y_train, y = random.integers(0, 3, 90), random.integers(0, 3, 50)
    outputs = np.tile([0.2, 0.3, 0.5], (50, 1))
    scores = _by_name(measure("single_label", y, outputs, fit_baseline("single_label", y_train, 3)))
    x_train, x = np.zeros((90, 1)), np.zeros((50, 1))
    often = DummyClassifier(strategy="most_frequent").fit(x_train, y_train)
    prior = DummyClassifier(strategy="prior").fit(x_train, y_train)
    assert scores["accuracy"].baseline == pytest.approx(often.score(x, y))
    assert scores["log loss"].baseline == pytest.approx(metrics.log_loss(y, prior.predict_proba(x)))


def test_regression_scores_and_baselines_equal_sklearn():
    y_train, y = random.exponential(size=80), random.exponential(size=60)
    predicted = y + random.normal(size=60)
    scores = _by_name(measure("regression", y, predicted[:, None], fit_baseline("regression", y_train)))
    median, mean = np.full(60, np.median(y_train)), np.full(60, y_train.mean())
    mae, rmse, r2 = (scores[name] for name in ("mean absolute error", "root mean squared error", "R²"))
    assert mae.value == pytest.approx(metrics.mean_absolute_error(y, predicted))
    assert mae.baseline == pytest.approx(metrics.mean_absolute_error(y, median))
    assert rmse.value == pytest.approx(metrics.root_mean_squared_error(y, predicted))
    assert rmse.baseline == pytest.approx(metrics.root_mean_squared_error(y, mean))
    assert r2.value == pytest.approx(metrics.r2_score(y, predicted))
    assert r2.baseline == pytest.approx(metrics.r2_score(y, mean))


def test_several_targets_are_averaged_as_in_sklearn():
    y = random.normal(size=(40, 3))
    predicted = y + random.normal(size=(40, 3))
    scores = _by_name(measure("regression", y, predicted, fit_baseline("regression", y)))
    assert scores["R²"].value == pytest.approx(metrics.r2_score(y, predicted))
    assert scores["mean absolute error"].value == pytest.approx(metrics.mean_absolute_error(y, predicted))


def test_multi_label_scores_equal_sklearn():
    y, outputs = random.integers(0, 2, (100, 3)), random.uniform(size=(100, 3))
    scores = _by_name(measure("multi_label", y, outputs, fit_baseline("multi_label", y, 3)))
    said = outputs >= 0.5
    assert scores["label accuracy"].value == pytest.approx(1 - metrics.hamming_loss(y, said))
    assert scores["exact match"].value == pytest.approx(metrics.accuracy_score(y, said))
    assert scores["log loss"].value == pytest.approx(
        np.mean([metrics.log_loss(y[:, label], outputs[:, label]) for label in range(3)])
    )


def test_the_difference_is_that_of_paired_samples():
    y = np.repeat([0, 1], 50)
    outputs = np.eye(2)[np.where(np.arange(100) < 80, y, 1 - y)]
    score = measure("binary", y, outputs, Baseline("binary", (0.9, 0.1)))[0]
    gains = (outputs.argmax(1) == y).astype(float) - (y == 0)
    half = 1.959964 * gains.std(ddof=1) / 10
    assert score.difference == pytest.approx((gains.mean() - half, gains.mean() + half))


def test_errors_are_never_below_zero():
    y = np.zeros(20, int)
    outputs = np.tile([0.999, 0.001], (20, 1))
    outputs[0] = [0.01, 0.99]
    low, _ = _by_name(measure("binary", y, outputs, Baseline("binary", (0.5, 0.5))))["log loss"].interval
    assert low == 0.0


def test_an_impossible_truth_gives_a_finite_log_loss():
    y, outputs = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])
    scores = _by_name(measure("binary", y, outputs, Baseline("binary", (0.5, 0.5))))
    assert scores["log loss"].value == pytest.approx(-math.log(1e-7) / 2)


def test_undefined_scores_are_left_out():
    y, outputs = np.zeros(5, int), np.tile([0.5, 0.5], (5, 1))
    assert "ROC AUC" not in _by_name(measure("binary", y, outputs, Baseline("binary", (0.5, 0.5))))
    constant = measure("regression", np.ones(5), np.ones((5, 1)), Baseline("regression", (), (1.0,), (1.0,)))
    assert "R²" not in _by_name(constant)


def test_a_single_sample_claims_no_interval():
    score = measure("regression", np.ones(1), np.zeros((1, 1)), Baseline("regression", (), (1.0,), (1.0,)))[0]
    assert score.interval is None and score.difference is None


def test_roc_auc_without_one_class_is_not_a_number():
    assert math.isnan(roc_auc(np.ones(3), np.arange(3.0)))


def test_one_half_is_the_second_class_of_two():
    assert answers("binary", np.array([[0.5, 0.5], [0.6, 0.4]])).tolist() == [1, 0]
    assert answers("single_label", np.array([[0.2, 0.5, 0.3]])).tolist() == [1]


@pytest.mark.parametrize(
    ("baseline", "classes", "phrase"),
    [
        (Baseline("binary", (0.6, 0.4)), (0, 1), "always answers '0', the most frequent class"),
        (Baseline("multi_label", (0.6, 0.4)), ("a", "b"), "always answers 'a', as most training samples"),
        (Baseline("multi_label", (0.1, 0.4)), ("a", "b"), "never gives a label, as most training samples"),
        (
            Baseline("regression", (), (21.5,), (23.14,)),
            (),
            "always answers the median, 21.5 (for squared errors the mean, 23.14)",
        ),
    ],
)
def test_what_a_baseline_does_is_said(baseline, classes, phrase):
    assert baseline.phrase(classes).startswith(phrase)


def test_a_baseline_survives_json():
    import json

    baseline = fit_baseline("regression", random.normal(size=(10, 2)))
    assert Baseline.from_config(json.loads(json.dumps(baseline.to_config()))) == baseline


def test_a_foreign_baseline_is_refused():
    with pytest.raises(FileError, match="Baseline.from_config: expected what to_config returned, but got"):
        Baseline.from_config({"kind": "binary"})
