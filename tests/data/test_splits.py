import numpy as np
import pytest

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
    assert holdout(30, y=classes, stratify=False, seed=4).test.tolist() == holdout(30, seed=4).test.tolist()


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


def test_time_goes_forwards():
    time = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 2))
    result = holdout(100, time=time)
    assert [len(part) for part in (result.train, result.validation, result.test)] == [60, 20, 20]
    assert time[result.train].max() < time[result.validation].min()
    assert time[result.validation].max() < time[result.test].min()


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
