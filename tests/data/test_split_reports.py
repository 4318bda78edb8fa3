"""Reports on splits: what is planted is found, and nothing else."""

import time

import numpy as np
import pandas as pd
import pytest

from gradwise.data import Fold, Holdout, holdout, k_folds, read_table, split_report, time_split, windows
from gradwise.data.split_reports import SplitReport
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A7")


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return random.normal(size=(500, 6)), random.integers(0, 3, size=500)


def test_two_hundred_columns_at_random_raise_no_alarm():
    alarms = 0
    for number in range(5):
        random = np.random.default_rng(number)
        x = random.normal(size=(400, 200))
        x[:, ::3] = random.integers(0, 3, size=(400, 67))
        x[random.random(x.shape) < 0.02] = np.nan
        report = holdout(400, seed=number).report(x, random.normal(size=400))
        assert len(report.drifts) > 600
        assert min(one.p_value for one in report.drifts) < 0.05  # single tests would alarm each time
        alarms += bool(report.problems)
    assert alarms == 0


def test_classes_are_counted(data):
    x, y = data
    split = holdout(500, y=y, train_dev=0.1, seed=0)
    report = split.report(y=y)
    assert report.sizes == {part: len(rows) for part, rows in split.parts.items()}
    for part, rows in split.parts.items():
        counts = dict(pd.Series(y[rows]).value_counts().sort_index())
        assert report.classes[part] == counts
        assert report.class_shares[part] == pytest.approx(
            {label: n / len(rows) for label, n in counts.items()}
        )
    assert report.problems == ()
    assert "Classes in every part: 0 " in str(report)
    hot = np.eye(3)[y]
    assert split.report(y=hot).classes == report.classes
    names = np.array(["ant", "bee", "cat"])[y]
    for other in (names, names.tolist(), pd.Series(names), y.astype(float), y[:, None]):
        assert [list(counts.values()) for counts in split.report(y=other).classes.values()] == [
            list(counts.values()) for counts in report.classes.values()
        ]


def test_classes_that_a_part_lacks_are_told():
    y = np.array([0] * 50 + [1] * 49 + [2])
    report = holdout(100, y=y, seed=0).report(y=y)
    assert report.problems == ("Not in 'validation': 1 class (2).", "Not in 'test': 1 class (2).")
    assert report.classes["test"][2] == 0
    sorted_folds = [Fold(np.arange(50, 100), np.arange(50)), Fold(np.arange(50), np.arange(50, 100))]
    report = split_report(sorted_folds, y=np.repeat(["a", "b"], 50))
    assert report.problems[:2] == ("Not in 'fold 1': 1 class (b).", "Not in 'fold 2': 1 class (a).")
    assert "'target' differs between 'fold 1' and 'train of fold 1': distance 1.00" in report.problems[2]
    assert "Classes in fold 1: a 100.0%, b 0.0%." in str(report)


def test_targets_that_are_missing_are_counted_by_themselves():
    y = pd.Series(["cat", None, "dog", "cat", None] * 8)
    split = holdout(40, seed=0)
    counts = split.report(y=y).classes["train"]
    assert list(counts) == ["cat", "dog", None]
    assert (
        counts[None] == y[split.train].isna().sum() > 0 and counts["dog"] == (y[split.train] == "dog").sum()
    )


def test_numbers_are_no_classes(data):
    x, _ = data
    split = holdout(500, seed=0)
    for y in (x[:, 0], np.arange(500), x[:, :2]):
        report = split.report(y=y)
        assert report.classes == {} and report.problems == ()
    assert {one.name for one in split.report(y=x[:, :2]).drifts} == {"target 0", "target 1"}


def test_duplicates_are_found_where_they_are(data):
    x, y = data
    split = holdout(500, seed=0)
    x[split.test[:5]] = x[split.train[:5]]
    x[split.test[7]] = x[split.validation[3]]
    x[split.validation[:2]] = x[split.train[10:12]] * (1 + 1e-9)
    report = split.report(x)
    found = {(one.part, one.other): one for one in report.duplicates}
    assert found["test", "train"].rows.tolist() == split.test[:5].tolist()
    assert found["test", "train"].matches.tolist() == split.train[:5].tolist()
    assert found["test", "train"].share == 0.05
    assert found["test", "validation"].rows.tolist() == [split.test[7]]
    assert found["validation", "train"].rows.tolist() == []
    assert found["validation", "train"].near.tolist() == split.validation[:2].tolist()
    assert report.problems[0] == (
        f"Also in 'train': 5 rows ({', '.join(map(str, split.test[:5]))}) of 'test' (5.0%); "
        f"row {split.test[0]} is like row {split.train[0]}."
    )
    assert report.problems[-1].startswith("Nearly the same in 'train': 2 rows")
    everything = holdout(30, seed=0).report(np.ones((30, 2)))
    assert [one.share for one in everything.duplicates] == [1.0, 1.0, 1.0]
    assert everything.drifts == ()


def test_duplicates_in_folds_cross_in_every_round():
    x = np.arange(40.0)[:, None]
    folds = k_folds(40, 4, seed=0)
    one, other = folds[0].validation[0], folds[2].validation[5]
    x[one] = x[other]
    report = split_report(folds, x)
    assert {(found.part, row) for found in report.duplicates for row in found.rows.tolist()} == {
        ("fold 1", one),
        ("fold 3", other),
    }
    assert split_report(folds[1], x).sizes == {"train": 30, "validation": 10}


@pytest.mark.parametrize("form", ["array", "frame", "table", "dict"])
def test_drift_is_found_in_the_column_it_is_in(data, form):
    x, y = data
    split = holdout(500, seed=1)
    x[split.test, 3] += 1.0
    x[split.validation[:60], 1] = np.nan
    frame = pd.DataFrame(x, columns=[f"column {number}" for number in range(6)])
    given = {
        "array": lambda: x,
        "frame": lambda: frame,
        "table": lambda: read_table(frame),
        "dict": lambda: {name: frame[name].to_numpy() for name in frame},
    }[form]()
    report = split.report(given, y)
    found = {(one.name, one.kind, one.part, one.other) for one in report.drifts if one.significant}
    assert found == {
        ("column 3", "numeric", "test", "train"),
        ("column 3", "numeric", "test", "validation"),
        ("column 1", "missing", "validation", "train"),
        ("column 1", "missing", "test", "validation"),
    }
    shift = next(one.shift for one in report.drifts if one.name == "column 3" and one.other == "train")
    a, b = x[split.test, 3], x[split.train, 3]
    assert shift == pytest.approx((a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2))
    assert [one.significant for one in report.drifts] == sorted(
        (one.significant for one in report.drifts), reverse=True
    )


def test_drift_of_a_nominal_column_and_of_the_target():
    random = np.random.default_rng(0)
    colours = random.choice(["red", "green", "blue"], size=600)
    size = random.normal(size=600)
    split = holdout(600, seed=0)
    colours[split.test[:60]] = "red"
    target = np.where(np.isin(np.arange(600), split.validation), size + 2, size)
    report = split.report({"colour": colours, "size": size}, target)
    named = [one.name for one in report.drifts if one.significant]
    assert sorted(set(named)) == ["colour", "target"]
    assert [problem.split(":")[0] for problem in report.problems[:2]] == [
        "'target' differs between 'test' and 'validation'",
        "'target' differs between 'validation' and 'train'",
    ]
    colour = next(one for one in report.drifts if one.name == "colour" and one.other == "train")
    shares = [pd.Series(colours[rows]).value_counts(normalize=True) for rows in (split.test, split.train)]
    assert colour.distance == pytest.approx((shares[0] - shares[1]).abs().sum() / 2)


def test_pictures_sequences_and_texts_are_compared_by_figures():
    random = np.random.default_rng(0)
    split = holdout(300, seed=0)
    pictures = random.integers(0, 200, size=(300, 8, 8, 3)).astype("uint8")
    pictures[split.test, :, :, 1] += 40
    found = {one.name for one in split.report(pictures).drifts if one.significant}
    assert found == {"mean of channel 1"}
    assert all(not len(one.near) for one in split.report(pictures).duplicates)
    grey = random.normal(size=(300, 28, 28))
    grey[split.test] *= 1.5
    assert {one.name for one in split.report(grey).drifts if one.significant} == {"standard deviation"}
    texts = [" ".join(["word"] * int(random.integers(5, 20))) + str(number) for number in range(300)]
    for row in split.validation:
        texts[row] += " more words at the end of it all"
    texts[split.test[0]] = texts[split.train[0]]
    report = split.report(texts)
    assert {one.name for one in report.drifts if one.significant} == {"characters", "words"}
    assert [found.rows.tolist() for found in report.duplicates] == [[], [split.test[0]], []]
    tokens = [list(range(int(random.integers(1, 9)))) + [number] for number in range(300)]
    for row in split.test:
        tokens[row] = tokens[row] * 2
    assert {one.name for one in split.report(tokens).drifts if one.significant} == {"length"}


def test_masks_and_many_labels_are_targets_too():
    random = np.random.default_rng(0)
    split = holdout(200, seed=0)
    masks = random.integers(0, 2, size=(200, 6, 6, 1))
    masks[split.test, :3] = 1
    found = {one.name for one in split.report(y=masks).drifts if one.significant}
    assert found == {"target, mean", "target, standard deviation"}
    labels = (random.random((200, 400)) < 0.3).astype(int)
    drifts = split.report(y=labels).drifts
    assert len({one.name for one in drifts}) == 100 and not any(one.significant for one in drifts)


def test_groups_in_two_parts_are_named():
    groups = np.array(["ann", "bob", "cid", "dan", "eve"] * 4)
    split = Holdout(np.arange(12), np.arange(12, 16), np.arange(16, 20))
    report = split.report(groups=groups)
    assert report.groups["validation", "train"].tolist() == ["ann", "cid", "dan", "eve"]
    assert report.groups["test", "validation"].tolist() == ["cid", "dan", "eve"]
    assert report.problems[0] == "In both 'validation' and 'train': 4 groups (ann, cid, dan, eve)."
    clean = holdout(20, groups=groups, seed=0).report(groups=groups)
    assert clean.problems == () and all(not len(found) for found in clean.groups.values())
    folds = k_folds(20, 4, groups=groups, seed=0)
    assert split_report(folds, groups=groups).problems == ()


def test_times_go_forwards_or_it_is_told():
    times = np.datetime64("2024-01-01") + np.arange(100)
    split = holdout(100, time=times, train_dev=0.1, seed=0)
    report = split.report(time=times)
    assert report.problems == ()
    assert report.times["test"] == (times[80], times[99]) and report.times["train"][1] <= times[59]
    late = Holdout(np.arange(50), np.arange(50, 75), np.arange(75, 100)).report(
        time=np.r_[0:48, 60, 50, 50:100]
    )
    assert late.late["validation", "train"].tolist() == [48, 49]
    assert late.problems == ("Not before the first of 'validation': 2 rows (48, 49) of 'train'.",)
    assert split_report(k_folds(100, 4, time=times), time=times).problems == ()
    assert len(split_report(k_folds(100, 4, seed=0), time=times).problems) == 4


def test_leaks_come_first_and_long_lists_are_cut(data):
    x, y = data
    split = holdout(500, seed=0)
    x[split.test] += 1
    x[split.test[0]] = x[split.train[0]]
    y[split.test] = 0
    report = split.report(x, y, groups=np.arange(500) // 2, time=np.arange(500))
    first_words = [problem.split(" ")[0] for problem in report.problems]
    kinds = [
        next(key for key in ("In", "Not", "Also", "'target'", "'column") if word.startswith(key))
        for word in first_words
    ]
    assert kinds == ["In"] * 3 + ["Not"] * 3 + ["Also"] + ["Not"] + ["'target'"] * 2 + ["'column"] * 12
    shown = str(report).splitlines()
    assert sum(line.startswith("- ") for line in shown) == 13
    assert any(line == f"- … and {len(report.problems) - 12} more." for line in shown)
    assert shown[0] == "Rows: train 300, validation 100, test 100."
    assert shown[-1].startswith("Drift: ") and "Holm" in shown[-1]


def test_a_clean_report_says_so_and_passes_on_notes():
    y = np.array([0] * 50 + [1] * 48 + [2] * 2)
    report = holdout(100, y=y, seed=0).report()
    assert str(report).splitlines() == [
        "Rows: train 60, validation 20, test 20.",
        "Nothing suspicious was found.",
        "Class 2 has fewer than 3 samples: all of them are in the training part.",
    ]
    with pytest.raises(AttributeError):
        report.notes = ()
    assert isinstance(report, SplitReport)


def test_large_data_are_looked_at_in_part():
    random = np.random.default_rng(0)
    x = random.normal(size=(40_000, 2)).astype("float32")
    split = holdout(40_000, seed=0)
    x[split.test[0]] = x[split.train[0]]
    report = split.report(x)
    assert report.notes[0] == "Drift was looked for in at most 5000 rows of each part."
    assert report.duplicates[1].rows.tolist() == [split.test[0]]
    wide = np.zeros((60, 3000), dtype="float32")
    wide[:] = random.normal(size=wide.shape)
    start = time.perf_counter()
    report = holdout(60, seed=0).report(wide)
    assert time.perf_counter() - start < 60
    assert report.notes[0] == "Drift was looked for in 333 of 3000 columns."
    assert len(report.drifts) == 999


def test_duplicates_of_huge_data_are_looked_for_among_some(monkeypatch):
    from gradwise.data import split_reports

    monkeypatch.setattr(split_reports, "_MOST_BYTES", 8000)
    monkeypatch.setattr(split_reports, "_MOST_NEAR", 100)
    x = np.zeros((1000, 2))
    x[:, 0] = np.arange(1000)
    split = holdout(1000, seed=0)
    report = split.report(x)
    assert report.notes[:2] == (
        "Duplicates were looked for among 500 of 1000 rows.",
        "Near duplicates were not looked for, as the data are large.",
    )
    assert sum(one.looked for one in report.duplicates[:2]) < 250 and not report.problems
    same = split.report(np.zeros((1000, 2)))
    found = same.duplicates[0]
    assert 0 < len(found.rows) == found.looked < 200 and found.share == 1.0
    assert np.isin(found.rows, split.validation).all() and np.isin(found.matches, split.train).all()


def test_a_million_rows_take_a_moment():
    random = np.random.default_rng(0)
    y = random.integers(0, 10, size=10**6)
    split = holdout(10**6, y=y, seed=0)
    start = time.perf_counter()
    report = split.report(y=y)
    assert time.perf_counter() - start < 60
    assert report.problems == () and sum(report.classes["train"].values()) == 980_000


def test_small_and_empty_parts():
    one = holdout(1, parts=(1, 0, 0), seed=0)
    assert one.report(np.zeros((1, 2)), np.zeros(1, int)).problems == ()
    assert holdout(3, seed=0).report(np.arange(6.0).reshape(3, 2), np.arange(3.0)).problems == ()
    empty = np.full((20, 2), np.nan)
    assert len(holdout(20, parts=(0.5, 0, 0.5), seed=0).report(empty).problems) == 1  # all are duplicates


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"x": np.zeros((9, 2))}, "split_report: expected the 10 samples of the split, but got x with 9"),
        ({"x": np.zeros((10, 2)), "y": np.zeros(11)}, "but got x with 10, y with 11"),
        ({"groups": np.zeros(9)}, "split_report, groups: expected one value for each of the 10 samples"),
        ({"time": np.full(10, np.nan)}, "split_report, time: expected no missing values, but got 10 of 10"),
    ],
)
def test_data_of_another_length_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        holdout(10, seed=0).report(**settings)


def test_windows_are_reported_on():
    found = windows(np.random.default_rng(0).normal(size=200), 12)
    split = time_split(found)
    report = split.report(found)
    assert sum(report.sizes.values()) < len(found) and report.problems == ()
    assert str(split_report(split, found)) == str(split.report(found.arrays()[0]))
    with pytest.raises(
        InputError, match=f"expected the {len(found)} samples of the split, but got x with 200"
    ):
        split.report(np.zeros((200, 1)))


def test_data_longer_than_the_split_are_refused_or_told_of():
    with pytest.raises(
        InputError, match="split_report: expected the 10 samples of the split, but got x with 12"
    ):
        holdout(10, seed=0).report(np.arange(12.0))
    folds = k_folds(12, 3, time=np.arange(12))
    assert split_report(folds[0], np.arange(12.0)).sizes == {"train": 3, "validation": 3}
    with pytest.raises(InputError, match="expected the 12 samples of the split, but got x with 13"):
        split_report(folds, np.arange(13.0))
    by_hand = Holdout(np.arange(6), np.arange(6, 8), np.arange(8, 10))
    assert (
        "The last 2 of 12 rows are in no part: check that the split is of these data."
        in by_hand.report(np.random.default_rng(0).normal(size=12)).notes
    )


@pytest.mark.parametrize("split", [None, [], 3, [None]])
def test_what_is_no_split_is_refused(split):
    message = (
        "split_report: expected a split: a Holdout, a Fold or a list of folds, but got an object of type"
    )
    with pytest.raises(InputError, match=message):
        split_report(split, np.zeros((3, 2)))


def test_columns_given_by_themselves_are_not_compared_twice():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=120),
            "patient": np.repeat(np.arange(40), 3),
            "size": random.normal(size=120),
            "sick": random.choice(["yes", "no", None], 120),
        }
    )
    split = holdout(120, time=frame["day"])
    report = split.report(frame, frame["sick"], groups=frame["patient"], time=frame["day"])
    assert {one.name for one in report.drifts} == {"size", "target"} and report.problems == ()
    assert report.notes[:3] == (
        "Column 'sick' is the target, and is not compared by itself.",
        "Column 'patient' is the groups, and is not compared by itself.",
        "Column 'day' is the time, and is not compared by itself.",
    )
    assert report.duplicates[0].looked == 24
    assert split.report(frame[["sick"]], frame["sick"]).duplicates == ()
