"""One optimising metric under satisficing ones."""

import math

import pytest

from gradwise import metrics
from gradwise.errors import InputError
from gradwise.metrics.goal import Constraint
from gradwise.registry import deserialize, serialize

pytestmark = pytest.mark.feature("D4")

# The worked example: classifiers by accuracy and running time, which must not be above 100 ms.
CLASSIFIERS = {
    "A": {"accuracy": 0.90, "running_ms": 80},
    "B": {"accuracy": 0.92, "running_ms": 95},
    "C": {"accuracy": 0.95, "running_ms": 1500},
}


def test_the_worked_example():
    goal = metrics.Goal("accuracy", subject_to={"running_ms": "<= 100"})
    assert goal.best(CLASSIFIERS) == "B"
    assert goal.rank(CLASSIFIERS) == ["B", "A", "C"]
    assert goal.rank(list(CLASSIFIERS.values())) == [1, 0, 2]
    assert metrics.Goal("accuracy").best(CLASSIFIERS) == "C"
    assert metrics.Goal("running_ms", mode="min").rank(CLASSIFIERS) == ["A", "B", "C"]
    assert goal.better(CLASSIFIERS["A"], CLASSIFIERS["C"])
    assert not goal.better(CLASSIFIERS["C"], CLASSIFIERS["A"])
    assert max(CLASSIFIERS.values(), key=goal.key) is CLASSIFIERS["B"]
    assert goal.explain(CLASSIFIERS).splitlines() == [
        "B is best: accuracy 0.92, the highest of the 2 that keep running_ms <= 100.",
        "A is second: accuracy 0.9.",
        "C is out: accuracy 0.95, but running_ms is 1500, 1400% beyond <= 100.",
    ]
    assert str(goal) == "max accuracy with running_ms <= 100"


def test_a_trigger_word_under_a_limit_of_false_alarms():
    # Few misses, at most one false alarm in 24 hours: N - 1 metrics only have to be good enough.
    goal = metrics.Goal("false_negatives", {"alarms_a_day": "<= 1", "memory_mb": "< 50"})
    models = [
        {"false_negatives": 9, "alarms_a_day": 0.2, "memory_mb": 49},
        {"false_negatives": 3, "alarms_a_day": 1.0, "memory_mb": 20},
        {"false_negatives": 0, "alarms_a_day": 0.9, "memory_mb": 50},
        {"false_negatives": 1, "alarms_a_day": 3.0, "memory_mb": 20},
    ]
    assert goal.mode == "min"
    assert goal.rank(models) == [1, 0, 2, 3]
    assert goal.explain(models[2:]).splitlines() == [
        "No model keeps all constraints; the nearest comes first.",
        "Model 0 is out: false_negatives 0, but memory_mb is 50, not < 50.",
        "Model 1 is out: false_negatives 1, but alarms_a_day is 3, 200% beyond <= 1.",
    ]


def test_infeasible_models_rank_by_their_total_relative_excess():
    goal = metrics.Goal("auc", {"ms": "<= 100", "recall": ">= 0.8"})
    models = {
        "slow": {"auc": 0.99, "ms": 150, "recall": 0.8},  # 0.5
        "blind": {"auc": 0.5, "ms": 100, "recall": 0.6},  # 0.25
        "both": {"auc": 0.99, "ms": 120, "recall": 0.72},  # 0.2 + 0.1
        "poor but allowed": {"auc": 0.1, "ms": 1, "recall": 1.0},
    }
    assert goal.rank(models) == ["poor but allowed", "blind", "both", "slow"]
    assert goal.key(models["both"]).violation == pytest.approx(0.3)
    assert goal.rank(
        {"a": {"auc": 0.4, "ms": 150, "recall": 1}, "b": {"auc": 0.6, "ms": 150, "recall": 1}}
    ) == [
        "b",
        "a",
    ]
    assert "the only one that keeps ms <= 100 and recall >= 0.8" in goal.explain(models)


def test_equal_models_keep_their_order():
    goal = metrics.Goal("val_loss")
    logs = {"val_loss": 0.5}
    assert goal.rank([logs, {"val_loss": 0.2}, dict(logs), dict(logs)]) == [1, 0, 2, 3]
    assert not goal.better(logs, dict(logs)) and goal.key(logs) == goal.key(dict(logs))


def test_values_that_are_no_numbers_rank_last():
    goal = metrics.Goal("accuracy", {"ms": "<= 100"})
    models = {
        "nan": {"accuracy": math.nan, "ms": 1},
        "unmeasured": {"accuracy": 0.99, "ms": math.nan},
        "slow": {"accuracy": 0.1, "ms": 1000},
        "good": {"accuracy": 0.8, "ms": 100},
    }
    assert goal.rank(models) == ["good", "slow", "nan", "unmeasured"]
    told = goal.explain(models)
    assert "nan is last: accuracy is NaN." in told
    assert "unmeasured is out: accuracy 0.99, but ms is NaN." in told
    assert not goal.better(models["nan"], models["slow"])


def test_names_mean_what_they_mean_elsewhere():
    goal = metrics.Goal("val_acc", {"val_mse": "<= 1"})
    assert goal.key({"val_accuracy": 0.5, "val_mean_squared_error": 0.3}).feasible
    assert metrics.Goal("val_recall_at_precision").mode == "max"
    assert metrics.Goal("speed", mode="max").better({"speed": 2}, {"speed": 1})


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [("<= 1", 1, 1.1), (">= 1", 1, 0.9), ("<1", 0.9, 1), ("> 1e-3", 0.002, 0.001), ("<= 0", 0, 0.1)],
)
def test_relations(bound, inside, outside):
    goal = metrics.Goal("accuracy", {"x": bound})
    assert goal.key({"accuracy": 1, "x": inside}).feasible
    assert not goal.key({"accuracy": 1, "x": outside}).feasible


def test_a_limit_of_zero_counts_absolutely():
    assert Constraint("x", "<=", 0.0).excess(0.25) == 0.25


def test_standings_sort_and_format():
    goal = metrics.Goal("loss", {"ms": "<= 10"})
    good, bad = goal.key({"loss": 0.25, "ms": 1}), goal.key({"loss": 0.1, "ms": 20})
    assert good > bad and bad < good and good != bad and len({good, goal.key({"loss": 0.25, "ms": 2})}) == 1
    assert f"{good:.2f}" == "0.25" and f"{bad:.2f}" == "0.10 (against a constraint)" and float(bad) == 0.1


def test_survives_a_file():
    goal = metrics.Goal("val_auc", {"ms": "<= 10"})
    again = deserialize(serialize(goal))
    assert again.constraints == goal.constraints and again.mode == "max" and again.optimize == "val_auc"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: metrics.Goal("speed"), "Goal: expected a direction for 'speed', whose name does not tell whether more is better, but got mode='auto'. Pass mode='min' or mode='max'."),
        (lambda: metrics.Goal(3), "Goal: expected the name of the metric to optimize, but got 3. Write for example"),
        (lambda: metrics.Goal("loss", mode="down"), "Goal: expected mode 'auto', 'min' or 'max', but got 'down'. Name one"),
        (lambda: metrics.Goal("loss", ["ms <= 3"]), r"Goal: expected subject_to as a dict of limits by metric, but got \['ms <= 3'\]. Write for example \{'predict_ms': '<= 100'\}"),
        (lambda: metrics.Goal("loss", {"ms": "100"}), "Goal, subject_to 'ms': expected a relation and a number, such as '<= 100', but got '100'. Begin with <=, >=, < or >."),
        (lambda: metrics.Goal("loss", {"ms": 100}), "expected a relation and a number, such as '<= 100', but got 100"),
        (lambda: metrics.Goal("loss", {"ms": "<= fast"}), "expected a relation and a number, such as '<= 100', but got '<= fast'"),
        (lambda: metrics.Goal("loss", {"ms": "<= nan"}), "expected a relation and a number"),
        (lambda: metrics.Goal("val_loss").key({"val_los": 1}), "Goal: expected the name of a metric of the model, but got 'val_loss'. Did you mean 'val_los'?"),
        (lambda: metrics.Goal("loss").key({"loss": [1, 2]}), r"Goal: expected 'loss' as a number, but got \[1, 2\]. Pass the value of the last epoch"),
        (lambda: metrics.Goal("loss").best([]), "Goal: expected at least one model, but got none. Pass their metrics."),
    ],
)  # fmt: skip
def test_errors_help(call, text):
    with pytest.raises(InputError, match=text):
        call()
