import unicodedata

import numpy as np
import pytest

from gradwise.views.markup import safe
from gradwise.views.text import clean, display_width, duration, number, percent, printable, shorten

pytestmark = pytest.mark.feature("G10")


@pytest.mark.parametrize("columns", [5, 8, 17, 30])
@pytest.mark.parametrize("name", ["short", "a" * 100, "汉字" * 30, "é" * 50, "mixed 汉 and latin " * 5, ""])
def test_shortened_names_fit_and_keep_both_ends(name, columns):
    cut = shorten(name, columns)
    assert display_width(cut) <= columns
    if cut != clean(name):
        head, tail = cut.split("…")
        assert clean(name).startswith(head) and clean(name).endswith(tail)


def test_combining_marks_take_no_width():
    assert display_width(unicodedata.normalize("NFD", "é")) == 1


def test_control_characters_and_half_characters_go():
    assert clean("a\x00\x1b[1m\ud800b\r\nc") == "a[1mb c"
    assert printable("a\n  b\x07") == "a\n  b"
    safe("\ud800\x00").encode("utf-8")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50.0 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.9996, "99.96 %"),
        (0.99999, "> 99.99 %"),
        (1e-6, "< 0.01 %"),
    ],
)
def test_percent_never_rounds_to_certainty(share, text):
    assert percent(share) == text


def test_numbers():
    assert number(-3) == "−3"
    assert number(-0.5) == "−0.5"
    assert number(1234567.8) == "1\u202f234\u202f568"
    assert number(np.float32("nan")) == "NaN"
    assert number(float("-inf")) == "−∞"
    assert number(1e-7) == "1e-7"
    assert number(1e20) == "1e20"


def test_durations():
    assert duration(float("nan")) == "unknown"
    assert duration(59.7) == "1 min 0 s"
