import dataclasses

import pytest

from gradwise.errors import InputError
from gradwise.views.record import Score
from gradwise.views.verdict import verdict

pytestmark = pytest.mark.feature("G3")


def _with(run, **settings):
    return dataclasses.replace(run, scores=(dataclasses.replace(run.scores[0], **settings),))


def test_better(run):
    found = verdict(run)
    assert found.standing == "better"
    assert found.sentence == "97.8 % of the held-out test samples right; the baseline gets 10.3 %."
    assert "95 % interval 95.7 % to 98.9 %" in found.detail
    assert "not luck" in found.detail


def test_within_noise_is_said_plainly(run):
    found = verdict(dataclasses.replace(_with(run, value=0.55, baseline=0.5), test_samples=60))
    assert found.standing == "within noise"
    assert found.sentence.startswith("No better than the baseline: 55.0 %")
    assert "luck" in found.detail


def test_worse(run):
    found = verdict(_with(run, value=0.3, baseline=0.5))
    assert found.standing == "worse"
    assert found.sentence.startswith("Worse than the baseline: 30.0 %")


@pytest.mark.parametrize(
    ("interval", "standing"),
    [((2.0, 3.0), "better"), ((2.0, 7.0), "within noise"), ((7.0, 8.0), "worse"), (None, "unknown")],
)
def test_errors_are_better_when_lower(regression, interval, standing):
    assert verdict(_with(regression, interval=interval)).standing == standing


def test_regression_sentence(regression):
    assert verdict(regression).sentence == "Test mean absolute error 2.41; the baseline gets 6.53."


def test_the_difference_on_the_same_samples_decides(regression):
    found = verdict(_with(regression, interval=(1.0, 9.0), difference=(-6.0, -2.0)))
    assert found.standing == "better"
    assert "differs from the baseline by −6 to −2 (95 %): the gain is not luck." in found.detail
    assert verdict(_with(regression, difference=(-6.0, 0.5))).standing == "within noise"


def test_no_interval_makes_no_claim(regression):
    found = verdict(_with(regression, interval=None))
    assert "luck is not ruled out" in found.detail


def test_no_baseline(run):
    found = verdict(_with(run, baseline=None))
    assert found.standing == "unknown"
    assert found.sentence == "97.8 % of the held-out test samples right."


def test_a_score_that_is_no_number(run):
    found = verdict(_with(run, value=float("nan")))
    assert found.standing == "worse"
    assert found.sentence == "The model is useless: its test accuracy is NaN."


def test_no_score_is_refused(run):
    with pytest.raises(
        InputError, match="report: expected at least one test score, but got none. Pass scores"
    ):
        verdict(dataclasses.replace(run, scores=()))


def test_score_defaults_to_higher_is_better():
    assert Score("auc", 0.9).higher_is_better
