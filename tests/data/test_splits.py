import time

import numpy as np
import pandas
import polars
import pytest
from sklearn.model_selection import StratifiedShuffleSplit

from gradwise.data.folds import k_folds
from gradwise.data.splits import count_duplicates, default_parts, holdout, validation_rows
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A7", "G4")


@pytest.mark.parametrize(
    ("n", "parts"),
    [
        (100, (0.6, 0.2, 0.2)),
        (10_000, (0.6, 0.2, 0.2)),
        (1_000_000, (0.98, 0.01, 0.01)),
        (10_000_000, (0.995, 0.0025, 0.0025)),
        (10**9, (0.995, 0.0025, 0.0025)),
    ],
)
def test_the_classic_shares(n, parts):
    np.testing.assert_allclose(default_parts(n), parts, atol=1e-12)


def test_more_data_never_means_fewer_held_out_rows():
    sizes = np.geomspace(100, 1e9, 60)
    held = [default_parts(int(size))[1] * size for size in sizes]
    assert (np.diff(held) > 0).all()
    assert all(abs(sum(default_parts(int(size))) - 1) < 1e-9 for size in sizes)


@pytest.mark.parametrize("n", [3, 4, 5, 7, 10, 101, 1000])
@pytest.mark.parametrize("parts", [None, (0.7, 0, 0.3), (0.98, 0.01, 0.01), (98, 1, 1)])
def test_parts_are_disjoint_and_complete(n, parts):
    result = holdout(n, parts=parts, seed=3)
    together = np.concatenate([result.train, result.validation, result.test])
    assert sorted(together.tolist()) == list(range(n))
    shares = np.array(default_parts(n) if parts is None else parts) / sum(parts or (1,))
    for rows, share in zip((result.train, result.validation, result.test), shares, strict=True):
        assert (np.diff(rows) > 0).all()
        assert (len(rows) > 0) == (share > 0)
        assert abs(len(rows) - share * n) < 2


def test_the_seed_decides():
    first, again, other = (holdout(50, seed=seed).test.tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_the_library_seed_is_used_without_one():
    np.random.seed(5)
    first = holdout(50).test.tolist()
    np.random.seed(5)
    assert holdout(50).test.tolist() == first != holdout(50).test.tolist()


def test_classes_keep_their_shares():
    y = np.repeat([0, 1, 2], [500, 300, 15])
    result = holdout(len(y), y=y, seed=0)
    for rows, share in ((result.train, 0.6), (result.validation, 0.2), (result.test, 0.2)):
        np.testing.assert_allclose(np.bincount(y[rows]), np.array([500, 300, 15]) * share, atol=1)
    assert result.notes == ()


def test_tiny_classes():
    y = np.array([0] * 20 + [1] * 3 + [2] * 2)
    result = holdout(len(y), y=y, seed=0)
    assert all((y[rows] == 1).sum() == 1 for rows in (result.train, result.validation, result.test))
    assert (y[result.train] == 2).sum() == 2
    assert result.notes == ("Class 2 has fewer than 3 samples: all of them are in the training part.",)


def test_what_is_not_classes_is_not_stratified():
    y = np.linspace(0, 1, 30)
    assert holdout(30, y=y, seed=4).test.tolist() == holdout(30, seed=4).test.tolist()
    classes = np.repeat([0, 1], 15)
    plain = holdout(30, y=classes, stratify=False, seed=4)
    assert plain.test.tolist() == holdout(30, seed=4).test.tolist() and plain.notes == ()
    assert holdout(30, y=y, seed=4).notes == ("y was not looked at: 30 different numbers are no classes.",)
    days = np.datetime64("2024-01-01") + np.arange(30)
    assert holdout(30, y=days, seed=4).notes == ("y was not looked at: 30 different times are no classes.",)
    assert holdout(30, y=np.eye(3)[classes], seed=4).notes == (
        "y was not looked at: shape (30, 3) is not one class for each sample.",
    )
    assert holdout(30, y=classes, time=np.arange(30)).notes == (
        "y was not looked at: the order in time decides.",
    )


@pytest.mark.parametrize(
    "form",
    [
        lambda y: y.tolist(),
        lambda y: y.astype(float),
        lambda y: y + 0.5,
        lambda y: np.array(["no", "yes"])[y],
        lambda y: np.array(["no", "yes"])[y].tolist(),
        lambda y: polars.Series(y),
        lambda y: pandas.Series(np.array(["no", "yes"])[y]),
        lambda y: pandas.Series(np.array(["no", "yes"])[y], dtype="category"),
        lambda y: pandas.Series(y, dtype="Int64"),
        lambda y: y[:, None],
        lambda y: [[1, "a"][one] for one in y],
    ],
)
def test_classes_of_any_form_keep_their_shares(form):
    y = np.repeat([0, 1], [80, 20])
    result, folds = holdout(100, y=form(y), seed=0), k_folds(100, 4, y=form(y), seed=0)
    assert [int(y[rows].sum()) for rows in result.parts.values()] == [12, 4, 4] and result.notes == ()
    assert [int(y[fold.validation].sum()) for fold in folds] == [5] * 4


def test_a_short_list_is_split_and_shown_by_its_sizes():
    assert repr(holdout(6, y=[0, 1] * 3, seed=0)) == "Holdout(train 2, validation 2, test 2)"
    assert repr(holdout(100, train_dev=0.1, seed=0)).startswith("Holdout(train 54, train_dev 6, validation")


@pytest.mark.parametrize("missing", [None, np.nan, pandas.NA])
@pytest.mark.parametrize("name", ["y", "groups"])
def test_missing_classes_and_groups_are_counted(missing, name):
    values = pandas.Series(["a", "b", missing] * 4, dtype=object)
    message = f"{name}: expected no missing values, but got 4 of 12 missing. Fill or drop these samples"
    for given in (values, values.astype("category"), values.tolist()):
        with pytest.raises(InputError, match=f"holdout, {message}"):
            holdout(12, **{name: given})
        with pytest.raises(InputError, match=f"k_folds, {message}"):
            k_folds(12, 3, **{name: given})


@pytest.mark.parametrize(
    ("n", "got"),
    [
        (pandas.DataFrame({"a": [1, 2]}), "an object of type DataFrame"),
        (100.0, "100.0"),
        (True, "True"),
        ("titanic.csv", "'titanic.csv'"),
    ],
)
def test_what_is_no_number_of_samples_is_refused(n, got):
    for split in (holdout, k_folds):
        message = f"{split.__name__}: expected the number of samples, a whole number, but got {got}. Write "
        with pytest.raises(InputError, match=message + split.__name__ + r"\(len\(x\)\)"):
            split(n)


def test_splits_that_cannot_be_made():
    with pytest.raises(InputError, match="holdout: expected at least 3 samples, but got 2"):
        holdout(2, seed=0)
    with pytest.raises(InputError, match="expected three shares"):
        holdout(10, parts=(0.5, 0.5), seed=0)
    with pytest.raises(InputError, match="expected three shares"):
        holdout(10, parts=(0, 0.5, 0.5), seed=0)
    with pytest.raises(InputError, match="expected at least one class with 3 samples, but got 3 classes"):
        holdout(4, y=np.array([0, 0, 1, 2]), seed=0)


@pytest.mark.parametrize(
    ("n", "fraction", "start"), [(10, 0.2, 8), (25000, 0.4, 15000), (7, 0.5, 3), (404, 0.25, 303)]
)
def test_the_tail_before_shuffling_as_keras_takes_it(n, fraction, start):
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    assert validation_rows(n, fraction) == (slice(0, start), slice(start, n))
    (x_train,), (x_validation,) = train_validation_split((np.arange(n),), fraction)
    assert (len(x_train), int(x_validation[0])) == (start, start)


def test_the_stratified_validation_part():
    y = np.repeat([0, 1, 2], [50, 30, 20])  # sorted by class: the tail would be class 2 alone
    train, validation = validation_rows(100, 0.2, y=y, seed=0)
    assert np.bincount(y[validation]).tolist() == [10, 6, 4]
    assert sorted(np.concatenate([train, validation]).tolist()) == list(range(100))


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, True])
def test_fractions_that_are_none(fraction):
    with pytest.raises(InputError, match="fit, validation_split: expected a number between 0 and 1"):
        validation_rows(10, fraction)


def test_a_part_without_samples():
    with pytest.raises(
        InputError, match="expected at least one sample on each side, but got 1 samples at 0.5"
    ):
        validation_rows(1, 0.5)


def test_duplicates_across_the_split_are_counted():
    parts = holdout(20, seed=0)
    x = np.arange(40.0).reshape(20, 2)
    assert count_duplicates(x, parts) == {"validation": 0, "test": 0}
    x[parts.test[1]] = x[parts.train[0]]
    x[parts.validation[:2]] = x[parts.train[3]]
    assert count_duplicates(x, parts) == {"validation": 2, "test": 1}


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("parts", [None, (0.7, 0, 0.3)])
def test_groups_stay_in_one_part(number, parts):
    random = np.random.default_rng(number)
    groups = np.repeat(np.arange(60), random.integers(1, 6, size=60))
    y = random.integers(0, 2, size=len(groups))
    result = holdout(len(groups), y=y, groups=groups, parts=parts, seed=number)
    rows = (result.train, result.validation, result.test)
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(groups)))
    shares = parts or default_parts(len(groups))
    for part, share in zip(rows, shares, strict=True):
        others = np.setdiff1d(np.arange(len(groups)), part)
        assert not set(groups[part]) & set(groups[others])
        assert abs(len(part) / len(groups) - share) < 0.04
        assert not share or abs(y[part].mean() - y.mean()) < 0.1


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("parts", [(0.6, 0.2, 0.2), (0.9, 0.05, 0.05), (0.7, 0, 0.3)])
def test_many_classes_keep_the_size_of_the_parts(number, parts):
    random = np.random.default_rng(number)
    sizes = random.integers(8, 60, size=40)
    y = random.permutation(np.repeat(np.arange(40), sizes))
    result = holdout(len(y), y=y, parts=parts, seed=number)
    for rows, share in zip((result.train, result.validation, result.test), parts, strict=True):
        counts = np.bincount(y[rows], minlength=40)
        assert (np.abs(counts - share * sizes) < 1.5 + (0 < share * sizes) * (share * sizes < 1)).all()
        # Rounding each class by itself would shift whole parts: 40 classes of 7 give 4 + 2 + 1 each.
        assert parts == (0.9, 0.05, 0.05) or abs(len(rows) - share * len(y)) <= 1
    assert all((np.bincount(y[rows], minlength=40) > 0).all() for rows in (result.train, result.test))


def test_equal_classes_do_not_favour_a_part():
    y = np.repeat(np.arange(30), 7)
    result = holdout(210, y=y, parts=(0.6, 0.2, 0.2), seed=0)
    assert [len(result.train), len(result.validation), len(result.test)] == [126, 42, 42]


@pytest.mark.parametrize("number", range(10))
def test_sizes_are_those_of_scikit_learns_stratified_split(number):
    random = np.random.default_rng(number)
    y = random.integers(0, 4, size=int(random.integers(40, 400)))
    result = holdout(len(y), y=y, parts=(0.75, 0, 0.25), seed=number)
    (train, test), *_ = StratifiedShuffleSplit(1, test_size=0.25, random_state=number).split(y, y)
    assert abs(len(result.test) - len(test)) <= 1
    assert np.abs(np.bincount(y[result.test]) - np.bincount(y[test])).max() <= 1


@pytest.mark.parametrize("number", range(10))
def test_train_dev_is_a_share_of_the_training_part(number):
    random = np.random.default_rng(number)
    n, share = int(random.integers(30, 300)), float(random.uniform(0.02, 0.5))
    y = random.integers(0, 3, size=n)
    plain, result = holdout(n, y=y, seed=number), holdout(n, y=y, train_dev=share, seed=number)
    np.testing.assert_array_equal(result.validation, plain.validation)
    np.testing.assert_array_equal(result.test, plain.test)
    np.testing.assert_array_equal(np.sort([*result.train, *result.train_dev]), plain.train)
    assert not set(result.train) & set(result.train_dev)
    assert (np.diff(result.train_dev) > 0).all() and (np.diff(result.train) > 0).all()
    wanted = share * np.bincount(y[plain.train])
    assert (np.abs(np.bincount(y[result.train_dev], minlength=3) - wanted) < 1.5).all()
    assert list(result.parts) == ["train", "train_dev", "validation", "test"]
    assert list(plain.parts) == ["train", "validation", "test"] and len(plain.train_dev) == 0


def test_train_dev_is_like_training_and_unlike_the_rest():
    # The validation samples come later and from elsewhere; a fit to the training part tells variance from it.
    times = np.arange(1000)
    result = holdout(1000, time=times, train_dev=0.2, seed=0)
    assert len(result.train_dev) == 120 and len(result.train) == 480
    assert abs(times[result.train_dev].mean() - times[result.train].mean()) < 40
    assert max(times[result.train_dev].max(), times[result.train].max()) < times[result.validation].min()
    pairs = holdout(1000, time=times // 2, train_dev=0.2, seed=0)
    assert not set(pairs.train // 2) & set(pairs.train_dev // 2)


def test_train_dev_keeps_groups_whole():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(80), random.integers(1, 6, size=80))
    y = random.integers(0, 2, size=len(groups))
    result = holdout(len(groups), y=y, groups=groups, train_dev=0.25, seed=0)
    assert not set(groups[result.train_dev]) & set(
        groups[np.setdiff1d(np.arange(len(groups)), result.train_dev)]
    )
    whole = len(result.train) + len(result.train_dev)
    assert abs(len(result.train_dev) / whole - 0.25) < 0.05


def test_two_sources_are_split_one_by_one():
    web = holdout(1000, parts=(1, 0, 0), train_dev=0.02, seed=0)
    assert [len(rows) for rows in web.parts.values()] == [980, 20, 0, 0]
    alone = holdout(3, y=np.array([0, 1, 2]), parts=(1, 0, 0), train_dev=0.5, seed=0)
    assert (len(alone.train), len(alone.train_dev)) == (2, 1)  # no class can be shared out: at random


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"train_dev": 1},
            "holdout, train_dev: expected a share of the training part, of at least 0 and below 1",
        ),
        ({"train_dev": -0.1}, "but got -0.1. Write for example train_dev=0.05."),
        ({"train_dev": True}, "but got True"),
        (
            {"n": 3, "train_dev": 0.5},
            "holdout, train_dev: expected at least 2 samples in the training part, but got 1",
        ),
        (
            {"n": 9, "train_dev": 0.5, "groups": [0, 0, 0, 1, 1, 1, 2, 2, 2]},
            "expected at least 2 groups or times in the training part, but got 1",
        ),
        (
            {"y": np.zeros(8, int)},
            r"holdout, y: expected one value for each of the 9 samples, but got \(8,\)",
        ),
    ],
)
def test_train_devs_that_cannot_be_made(settings, message):
    with pytest.raises(InputError, match=message):
        holdout(**{"n": 9, "seed": 0, **settings})


@pytest.mark.parametrize("classes", [2, 1000])
def test_a_million_labels_take_a_moment(classes):
    y = np.random.default_rng(0).integers(0, classes, size=10**6)
    start = time.perf_counter()
    result = holdout(10**6, y=y, train_dev=0.02, seed=0)
    assert time.perf_counter() - start < 30
    assert len(result.train) + len(result.train_dev) == 980_000


def test_edges():
    one = holdout(1, parts=(1, 0, 0), y=np.zeros(1, int), seed=0)
    assert [len(rows) for rows in one.parts.values()] == [1, 0, 0]
    same = holdout(10, y=np.zeros(10, int), seed=0)
    assert [len(rows) for rows in same.parts.values()] == [6, 2, 2]
    lonely = holdout(11, y=np.array([0] * 10 + [1]), seed=0)
    assert 10 in lonely.train and lonely.notes[0].startswith("Class 1 has fewer than 3 samples")


def test_time_goes_forwards():
    times = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 2))
    result = holdout(100, time=times)
    assert [len(part) for part in (result.train, result.validation, result.test)] == [60, 20, 20]
    assert times[result.train].max() < times[result.validation].min()
    assert times[result.validation].max() < times[result.test].min()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": np.zeros(9)}, "holdout, groups: expected at least 3 groups, but got 1"),
        ({"groups": np.zeros(8)}, "holdout, groups: expected one value for each of the 9 samples"),
        ({"time": np.zeros(9)}, "holdout, time: expected different times enough for every part, but got 1"),
    ],
)
def test_groups_and_times_that_cannot_be_parted(settings, message):
    with pytest.raises(InputError, match=message):
        holdout(9, **settings)
