import numpy as np
import pandas
import polars
import pytest

from gradwise.data import read_table
from gradwise.data.parsing import parse_texts, text_objects
from gradwise.data.tables import as_column

pytestmark = pytest.mark.feature("A5")


@pytest.mark.parametrize(
    ("cells", "numbers", "note"),
    [
        (["1,234", "567", "1,234,567.5"], [1234, 567, 1234567.5], "thousands separators"),
        (["12%", "3.5 %", "-1%"], [12, 3.5, -1], "percent signs"),
        (["$1,200.50", "-$3"], [1200.5, -3], "thousands separators, currency signs"),
        (["€5", "7"], [5, 7], "currency signs"),
        (["+5", " 6 ", "-7e2"], [5, 6, -700], ""),
    ],
)
def test_signs_around_numbers(cells, numbers, note):
    column = as_column("x", cells)
    assert column.values.tolist() == numbers and column.note == note


@pytest.mark.parametrize(
    "cells",
    [
        ["12%", "0.5"],  # of what?
        ["$5", "€6"],
        ["1,5", "2,5"],  # a file separated by commas has no decimal ones
        ["1_000", "2"],
        ["007", "012"],
        ["12,34", "1"],
        ["1 000", "x"],
    ],
)
def test_what_is_no_number_for_sure_stays_text(cells):
    assert as_column("x", cells).content == "text"


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2"], [1.5, 2]),
        (["1.234,5", "2,25", "1.000"], [1234.5, 2.25, 1000]),
        (["1.234", "2.345"], [1.234, 2.345]),
        (["12,5%", "3%"], [12.5, 3]),
    ],
)
def test_decimal_commas_as_pandas_reads_them(csv_file, cells, numbers):
    path = csv_file("a;b\n" + "".join(f"{cell};x\n" for cell in cells))
    assert read_table(path).column("a").values.tolist() == numbers
    if "%" not in cells[0] and "," in cells[0]:
        frame = pandas.read_csv(path, sep=";", decimal=",", thousands=".")
        assert frame["a"].tolist() == numbers


def test_random_numbers_are_read_exactly(rng):
    values = np.concatenate(
        [rng.normal(size=500) * 10.0 ** rng.integers(-300, 300, 500), [0.0, -0.0, 5e-324]]
    )
    column = as_column("x", [repr(value) for value in values.tolist()])
    np.testing.assert_array_equal(column.values, values)
    whole = rng.integers(-(2**62), 2**62, 500)
    column = as_column("x", [str(value) for value in whole.tolist()])
    assert column.values.dtype == np.int64
    np.testing.assert_array_equal(column.values, whole)


def test_time_zones_are_dropped_not_the_hour():
    column = as_column(
        "when", ["2024-03-05T13:30:00+02:00", "2024-12-31 00:00:01Z", "2024-01-01T01:00:00.5-0800"]
    )
    assert column.values.astype(str).tolist() == [
        "2024-03-05T13:30:00",
        "2024-12-31T00:00:01",
        "2024-01-01T01:00:00",
    ]


def test_one_odd_cell_far_down_is_found():
    cells = ["5"] * 3000
    assert as_column("x", cells).content == "number"
    for odd, content in (("x", "text"), ("NaN", "number"), ("?", "number"), ("05", "text")):
        column = as_column("x", [*cells, odd])
        assert column.content == content and column.missing[-1] == (odd in ("NaN", "?"))
    assert as_column("x", ["true"] * 3000 + ["maybe"]).content == "text"
    assert as_column("x", ["2024-01-01"] * 3000 + ["soon"]).content == "text"


def test_repeated_texts_are_kept_once():
    texts = text_objects(polars.Series(["red", "blue", None] * 100))
    assert texts.tolist() == ["red", "blue", ""] * 100
    assert texts[0] is texts[3] and texts[1] is texts[4]


def test_missing_marks_and_empty_columns():
    values, missing, note = parse_texts(polars.Series([None, "NA", " "], dtype=polars.String))
    assert missing.all() and np.isnan(values).all() and note == ""
    values, missing, note = parse_texts(polars.Series([], dtype=polars.String))
    assert len(values) == len(missing) == 0
