import json
from pathlib import Path

import numpy as np
import pytest

from gradwise.data.hashing import cross_buckets, farmhash64, hash_buckets, siphash64

pytestmark = pytest.mark.feature("A4")

ANSWERS = json.loads((Path(__file__).parents[1] / "reference" / "keras_text.json").read_text())


def test_hashes_of_all_lengths_are_those_of_tensorflow():
    (answer,) = ANSWERS["hashes"]
    sizes = {len(text.encode()) for text in answer["texts"]}
    # Every branch of FarmHash, by the number of bytes.
    for low, high in ((0, 0), (1, 3), (4, 7), (8, 16), (17, 32), (33, 64), (65, 128), (129, 900)):
        assert any(low <= size <= high for size in sizes)
    for text, farm, sip in zip(answer["texts"], answer["farmhash"], answer["siphash"], strict=True):
        assert farmhash64(text.encode()) % 2**62 == farm
        assert siphash64(text.encode(), (2**62 + 5, 7)) % 2**62 == sip


def test_siphash_is_that_of_its_authors():
    # Aumasson and Bernstein 2012, appendix A.
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert siphash64(bytes(range(15)), key) == 0xA129CA6149BE45E5


@pytest.mark.parametrize("answer", [item for item in ANSWERS["crossings"] if item["mode"] == "int"])
def test_crossings_are_those_of_tensorflow(answer):
    columns = [np.ravel(np.array(column, object)).tolist() for column in answer["inputs"]]
    assert cross_buckets(columns, 11).tolist() == np.ravel(answer["outputs"]).tolist()


def test_buckets_are_used_evenly():
    counts = np.bincount(hash_buckets((str(number) for number in range(8000)), 8), minlength=8)
    assert (abs(counts - 1000) < 120).all()  # four standard deviations
