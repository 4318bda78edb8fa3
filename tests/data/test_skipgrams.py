import json
from pathlib import Path

import numpy as np
import pytest

from gradwise.data.skipgrams import make_sampling_table, skipgrams
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A4")

ANSWERS = json.loads((Path(__file__).parents[1] / "reference" / "keras_text.json").read_text())


def test_sampling_table_is_keras():
    np.testing.assert_allclose(make_sampling_table(12), ANSWERS["sampling_table"], rtol=1e-12)
    np.testing.assert_allclose(make_sampling_table(100, 1e-3), ANSWERS["sampling_table_10"], rtol=1e-12)
    assert make_sampling_table(10, sampling_factor=1e3).max() == 1


@pytest.mark.parametrize("answer", ANSWERS["skipgrams"])
def test_real_pairs_are_keras(answer):
    couples, labels = skipgrams(
        [1, 2, 0, 3, 4, 5, 0, 0, 2],
        6,
        window_size=answer["window_size"],
        negative_samples=0,
        shuffle=False,
        categorical=answer["categorical"],
    )
    assert couples == answer["couples"] and labels == answer["labels"]


def test_random_pairs_begin_like_real_ones_and_end_anywhere():
    words = np.random.default_rng(0).integers(0, 50, 400)
    couples, labels = skipgrams(words, 50, negative_samples=1.5, shuffle=False, seed=3)
    real = [pair for pair, label in zip(couples, labels, strict=True) if label]
    drawn = np.array([pair for pair, label in zip(couples, labels, strict=True) if not label])
    assert len(drawn) == int(1.5 * len(real))
    # All real first words once, then half of them again, at random.
    counts = np.bincount(drawn[:, 0], minlength=50) / np.bincount(
        [pair[0] for pair in real], minlength=50
    ).clip(1)
    assert counts[0] == 0 and (abs(counts[1:] - 1.5) < 0.35).all()
    assert set(drawn[:, 1]) == set(range(1, 50))


def test_the_seed_settles_everything():
    words = list(range(1, 40))
    table = np.full(40, 0.5)
    first, second, other = (skipgrams(words, 40, sampling_table=table, seed=seed) for seed in (1, 1, 2))
    assert first == second != other
    shuffled = skipgrams(words, 40, seed=1)
    plain = skipgrams(words, 40, seed=1, shuffle=False)
    assert sorted(zip(*shuffled, strict=True)) == sorted(zip(*plain, strict=True))
    assert shuffled != plain


def test_frequent_words_are_left_out_as_the_table_says():
    words = np.tile([1, 2], 2000)
    couples, _ = skipgrams(words, 3, 1, negative_samples=0, sampling_table=[0, 1, 0.25], seed=0)
    first = np.bincount([pair[0] for pair in couples])
    assert first[2] / first[1] == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize("words", [[], [0, 0], [3]])
def test_no_pairs(words):
    assert skipgrams(words, 4) == ([], [])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_sampling_table(0), "expected size to be a positive whole number, but got 0"),
        (lambda: skipgrams([1, 5], 5), "expected word numbers from 0 to 4, but got numbers from 1 to 5"),
        (lambda: skipgrams([1, 3], 5, sampling_table=[1, 1]), "expected word numbers from 0 to 1"),
        (lambda: skipgrams([1, -1], 5), "but got numbers from -1 to 1"),
        (lambda: skipgrams([1], 5, window_size=-1), "expected window_size of at least 0, but got -1"),
        (lambda: skipgrams([1], 5, negative_samples=-0.5), "expected negative_samples of at least 0"),
    ],
)
def test_refused(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)
