"""Rows that occur twice: pandas as oracle, and pairs of all rows."""

import numpy as np
import pandas as pd
import pytest

from gradwise.data.duplicates import repeated, row_keys
from gradwise.data.samples import as_rows
from gradwise.data.splits import count_duplicates, holdout

pytestmark = pytest.mark.feature("A7")


def same_partition(keys, groups):
    """Whether two numberings of the rows put the same rows together."""
    return len(set(keys.tolist())) == len(set(groups)) == len(set(zip(keys.tolist(), groups, strict=True)))


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_equal_rows_have_equal_keys_as_in_pandas(number, dtype):
    random = np.random.default_rng(number)
    x = random.integers(0, 2 if dtype == "bool" else 3, size=(200, int(random.integers(1, 6)))).astype(dtype)
    if dtype.startswith("float"):
        x[random.random(x.shape) < 0.1] = np.nan
        x[random.random(x.shape) < 0.2] *= -1  # some zeros become -0
    groups = pd.DataFrame(x).groupby(list(range(x.shape[1])), dropna=False, sort=False).ngroup().tolist()
    assert same_partition(row_keys(x), groups)
    for later in (False, True):  # whole blocks and single rows agree
        assert same_partition(row_keys(x[100 * later :]), groups[100 * later :])


def test_signs_and_places_matter():
    x = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    assert len(set(row_keys(x).tolist())) == 6
    rows = as_rows([[-1], [-2], [1, 2], [1], [2, 1]])
    assert len(set(row_keys(rows).tolist())) == 5


@pytest.mark.parametrize("number", range(5))
def test_counts_across_the_parts_are_those_of_pandas(number):
    random = np.random.default_rng(number)
    x = random.integers(0, 4, size=(300, 4)).astype(float)
    x[random.random(x.shape) < 0.05] = np.nan
    parts = holdout(300, seed=number)
    frame = pd.DataFrame(x)
    known = lambda row: pd.concat([frame.loc[parts.train], frame.loc[[row]]]).duplicated().iloc[-1]  # noqa: E731
    wanted = {
        "validation": sum(known(row) for row in parts.validation),
        "test": sum(known(row) for row in parts.test),
    }
    assert count_duplicates(x, parts) == wanted
    assert 0 < wanted["test"] < 60


def test_pictures_texts_tables_and_lists():
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, size=(20, 8, 8, 3)).astype("uint8")
    pictures[7] = pictures[2]
    texts = ["the first", "another", "The  first ", "another"]
    table = {"size": [1.5, None, 1.5, None], "colour": ["red", None, "red", "blue"]}
    ragged = [[1, 2], [1], np.array([1.0, 2.0]), [2, 1]]
    mixed = np.array([[1, "a"], [None, "a"], [1, "a"], [float("nan"), "a"]], dtype=object)
    groups = list(range(20))
    groups[7] = 2
    assert same_partition(row_keys(as_rows(pictures)), groups)
    assert same_partition(row_keys(as_rows(texts)), [0, 1, 2, 1])
    assert same_partition(row_keys(as_rows(texts), near=True), [0, 1, 0, 1])
    assert same_partition(row_keys(np.array(texts), near=True), [0, 1, 0, 1])
    assert same_partition(row_keys(np.array(texts)), [0, 1, 2, 1])
    assert same_partition(row_keys(as_rows(table)), [0, 1, 0, 2])
    assert same_partition(row_keys(as_rows(pd.DataFrame(table))), [0, 1, 0, 2])
    assert same_partition(row_keys(as_rows(ragged)), [0, 1, 0, 2])
    assert same_partition(row_keys(mixed), [0, 1, 0, 1])
    assert len(set(row_keys(np.zeros((5, 0))).tolist())) == 1


def test_one_missing_value_is_like_another_and_like_no_number():
    odd = np.array([[np.nan, 1.0], [np.copysign(np.nan, -1.0), 1.0], [0.0, 1.0]])
    assert odd[0].tobytes() != odd[1].tobytes()
    assert same_partition(row_keys(odd), [0, 0, 1])
    whole = pd.DataFrame(
        {"size": pd.array([0, None, 0, None], dtype="Int64"), "sure": [True, None, False, None]}
    )
    assert same_partition(row_keys(as_rows(whole)), [0, 1, 2, 1])
    assert same_partition(row_keys(as_rows(whole[["size"]])), [0, 1, 0, 1])


@pytest.mark.parametrize("form", ["array", "table"])
def test_near_is_within_a_hundredth_of_the_deviation(form):
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 4)) * [1, 1e-6, 1e6, 1]
    x[:, 3] = 5.0
    x[50:, :3] = x[:50, :3] * (1 + 1e-7)
    make = (lambda rows: rows) if form == "array" else (lambda rows: as_rows(pd.DataFrame(rows)))  # noqa: E731
    exact, near = row_keys(make(x)), row_keys(make(x), near=True)
    assert len(set(exact.tolist())) == 100
    assert (near[50:] == near[:50]).mean() > 0.95 and len(set(near[:50].tolist())) == 50
    x[50:, :3] = x[:50, :3] + 0.05 * x[:, :3].std(axis=0)
    near = row_keys(make(x), near=True)
    assert not np.isin(near[50:], near[:50]).any()


def test_rows_of_large_blocks_agree():
    x = np.zeros((70_000, 64), dtype="float64")  # 36 MB: more than one block
    x[:, 0] = np.arange(70_000) % 35_000
    keys = row_keys(x)
    assert (keys[:35_000] == keys[35_000:]).all() and len(np.unique(keys)) == 35_000


@pytest.mark.parametrize("number", range(5))
def test_repeated_rows_are_found_with_the_first_like_them(number):
    random = np.random.default_rng(number)
    codes = random.integers(0, 40, size=60)
    rows, others = np.arange(0, 60, 3), np.setdiff1d(np.arange(60), np.arange(0, 60, 3))
    found, matches = repeated(codes, rows, others)
    wanted = [
        (row, min(o for o in others if codes[o] == codes[row])) for row in rows if codes[row] in codes[others]
    ]
    assert list(zip(found.tolist(), matches.tolist(), strict=True)) == wanted
