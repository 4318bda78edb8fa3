"""Folds: complete, even, by class, by group and by time; scikit-learn as oracle."""

import time
import warnings

import numpy as np
import pytest
from sklearn import model_selection as sk

from gradwise.data.folds import deal_evenly, k_folds
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A7")


def check_complete(folds, n, k):
    assert len(folds) == k
    assert sorted(np.concatenate([fold.validation for fold in folds]).tolist()) == list(range(n))
    for fold in folds:
        assert sorted([*fold.train, *fold.validation]) == list(range(n))
        assert (np.diff(fold.train) > 0).all() and (np.diff(fold.validation) > 0).all()


@pytest.mark.parametrize(("n", "k"), [(2, 2), (10, 3), (404, 4), (101, 10)])
def test_folds_are_complete_and_even(n, k):
    folds = k_folds(n, k, seed=1)
    check_complete(folds, n, k)
    sizes = sorted(len(fold.validation) for fold in folds)
    theirs = sorted(len(test) for _, test in sk.KFold(k).split(np.zeros(n)))
    assert sizes == theirs
    assert n < 10 or not np.array_equal(folds[0].validation, np.arange(sizes[0]))  # drawn, not cut


def test_the_seed_decides(monkeypatch):
    import gradwise as gw

    one, two, other = (k_folds(50, 5, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a.validation, b.validation) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].validation, other[0].validation)
    gw.set_random_seed(3)
    first = k_folds(50, 5)[0].validation
    gw.set_random_seed(3)
    assert np.array_equal(k_folds(50, 5)[0].validation, first)


def test_repeats_are_drawn_anew():
    folds = k_folds(30, 3, repeats=4, seed=0)
    for start in range(0, 12, 3):
        check_complete(folds[start : start + 3], 30, 3)
    assert len({tuple(folds[start].validation) for start in range(0, 12, 3)}) == 4


@pytest.mark.parametrize("number", range(20))
def test_classes_are_as_even_as_scikit_learns(number):
    random = np.random.default_rng(number)
    k = int(random.integers(2, 7))
    y = random.permutation(np.repeat(np.arange(4), random.integers(k, 60, size=4)))
    labels = np.array(["ant", "bee", "cat", "dog"])[y]
    folds = k_folds(len(y), k, y=labels, seed=number)
    check_complete(folds, len(y), k)
    counts = np.array([np.bincount(y[fold.validation], minlength=4) for fold in folds])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    theirs = [len(test) for _, test in sk.StratifiedKFold(k).split(y, y)]
    assert np.ptp(counts.sum(axis=1)) <= max(1, np.ptp(theirs))


def test_a_rare_class_is_told_of():
    with pytest.warns(UserWarning, match="a class has 2 samples, so not every one of 5 folds has it"):
        check_complete(k_folds(20, 5, y=[0] * 18 + [1] * 2, seed=0), 20, 5)


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("with_classes", [False, True])
def test_groups_stay_together(number, with_classes):
    random = np.random.default_rng(number)
    k = int(random.integers(2, 6))
    groups = np.repeat(np.arange(30), random.integers(1, 12, size=30))
    y = random.integers(0, 3, size=len(groups)) if with_classes else None
    folds = k_folds(len(groups), k, y=y, groups=groups, seed=number)
    check_complete(folds, len(groups), k)
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
    sizes = np.array([len(fold.validation) for fold in folds])
    if not with_classes:
        theirs = [len(test) for _, test in sk.GroupKFold(k).split(groups, groups=groups)]
        assert np.ptp(sizes) <= np.ptp(theirs) + 3
        return
    spread = lambda parts: np.mean([np.std(np.bincount(y[part], minlength=3) / len(part)) for part in parts])  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = sk.StratifiedGroupKFold(k, shuffle=True, random_state=number).split(groups, y, groups)
    assert spread([fold.validation for fold in folds]) < spread([test for _, test in other]) + 0.05


@pytest.mark.parametrize("number", range(10))
def test_repeats_are_as_complete_and_even_as_scikit_learns(number):
    random = np.random.default_rng(number)
    k, repeats = int(random.integers(2, 6)), int(random.integers(1, 5))
    y = random.permutation(np.repeat(np.arange(3), random.integers(k, 40, size=3)))
    folds = k_folds(len(y), k, y=y, repeats=repeats, seed=number)
    theirs = list(sk.RepeatedStratifiedKFold(n_splits=k, n_repeats=repeats).split(y, y))
    assert len(folds) == len(theirs)
    for start in range(0, len(folds), k):
        check_complete(folds[start : start + k], len(y), k)
        ours = np.sort(
            [np.bincount(y[fold.validation], minlength=3) for fold in folds[start : start + k]], axis=0
        )
        other = np.sort([np.bincount(y[test], minlength=3) for _, test in theirs[start : start + k]], axis=0)
        np.testing.assert_array_equal(ours, other)


def test_the_parts_of_a_fold_have_names():
    fold = k_folds(10, 5, seed=0)[0]
    assert list(fold.parts) == ["train", "validation"]
    assert fold.parts["validation"] is fold.validation and fold.parts["train"] is fold.train


@pytest.mark.parametrize("classes", [1, 10, 1000])
def test_a_million_labels_take_a_moment(classes):
    y = np.random.default_rng(0).integers(0, classes, size=10**6)
    start = time.perf_counter()
    folds = k_folds(10**6, 5, y=y, seed=0)
    assert time.perf_counter() - start < 30
    assert [len(fold.validation) for fold in folds] == [200_000] * 5


@pytest.mark.parametrize("least", [0, 1])
def test_dealing_gives_each_part_its_least(least):
    random = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [2, 3, 50])
    part = deal_evenly(55, np.array([0.9, 0.05, 0.05]), classes, None, random, least)
    table = np.zeros((3, 3), int)
    np.add.at(table, (classes, part), 1)
    assert table.sum(axis=1).tolist() == [2, 3, 50]
    if least:
        assert table[0].tolist() == [2, 0, 0] and table[1].tolist() == [1, 1, 1]
    assert abs(table.sum(axis=0) - 55 * np.array([0.9, 0.05, 0.05])).max() <= 1 + least


def test_as_many_groups_as_folds():
    folds = k_folds(12, 3, groups=[0] * 10 + [1, 2], seed=0)
    assert sorted(len(fold.validation) for fold in folds) == [1, 1, 10]


@pytest.mark.parametrize(("n", "k"), [(6, 2), (24, 5), (100, 4)])
def test_time_goes_forwards_as_in_scikit_learn(n, k):
    times = np.random.default_rng(0).permutation(n)
    rows = np.argsort(times)
    folds = k_folds(n, k, time=times)
    for fold, (train, test) in zip(folds, sk.TimeSeriesSplit(k).split(rows), strict=True):
        assert times[fold.train].max() < times[fold.validation].min()
        if n % (k + 1) == 0:
            assert (
                sorted(rows[train]) == fold.train.tolist() and sorted(rows[test]) == fold.validation.tolist()
            )
    assert folds[-1].validation.tolist() == sorted(rows[-len(folds[-1].validation) :].tolist())


def test_samples_of_one_time_stay_together_and_a_gap_is_left():
    days = np.repeat(np.arange(12), 5)
    for fold in k_folds(60, 3, time=days):
        assert not set(days[fold.train]) & set(days[fold.validation])
    for fold in k_folds(60, 3, time=np.arange(60), gap=4):
        assert fold.validation.min() - fold.train.max() == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 1}, "k_folds, k: expected an integer of at least 2, but got 1"),
        ({"k": True}, "k_folds, k: expected an integer of at least 2, but got True"),
        ({"repeats": 0}, "k_folds, repeats: expected an integer of at least 1"),
        ({"gap": -1}, "k_folds, gap: expected an integer of at least 0"),
        ({"k": 11}, "expected at least 11 samples for 11 folds, but got 10. Choose a smaller k."),
        ({"k": 3, "groups": [0] * 5 + [1] * 5}, "expected at least 3 groups for 3 folds, but got 2"),
        ({"y": [1, 2]}, r"k_folds, y: expected one value for each of the 10 samples, but got \(2,\)"),
        ({"time": [np.nan] * 10}, "k_folds, time: expected no missing values, but got 10 of 10 missing"),
        ({"time": range(10), "y": range(10)}, "expected time alone, but got time with y, groups or repeats"),
        ({"time": [1] * 9 + [2]}, "expected at least 6 times apart"),
        ({"time": range(10), "k": 2, "gap": 5}, "k_folds, gap: expected fewer than the 3 samples before"),
    ],
)
def test_what_cannot_be_split_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        k_folds(10, **settings)


def test_targets_that_are_no_classes_are_told_of():
    message = "k_folds: y was not looked at: 40 different numbers are no classes."
    with pytest.warns(UserWarning, match=message):
        folds = k_folds(40, 4, y=np.linspace(0, 1, 40), seed=0)
    assert [fold.validation.tolist() for fold in folds] == [
        fold.validation.tolist() for fold in k_folds(40, 4, seed=0)
    ]
    with pytest.warns(UserWarning, match=r"y was not looked at: shape \(40, 2\) is not one class for each"):
        k_folds(40, 4, y=np.eye(2)[np.arange(40) % 2], seed=0)
    with pytest.warns(UserWarning, match="a class has 1 sample, so not every one of 4 folds has it"):
        k_folds(40, 4, y=[1] + [0] * 39, seed=0)
    assert repr(folds[0]) == "Fold(train 30, validation 10)"
