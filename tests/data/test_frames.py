import datetime
import decimal

import numpy as np
import pandas
import polars
import pytest

from gradwise.data import infer_kinds, read_table
from gradwise.data.tables import as_column
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5", "A6")


def test_random_pandas_and_polars_frames_keep_their_values(rng):
    rows = 300
    gaps = rng.random(rows) < 0.2
    numbers, whole = rng.normal(size=rows), rng.integers(-9, 9, rows)
    texts = rng.choice(["red", "green", "light blue"], rows)
    flags = rng.random(rows) < 0.5
    days = np.datetime64("2020-01-01T00:00:00") + rng.integers(0, 10**8, rows)
    frame = pandas.DataFrame(
        {
            "n": pandas.Series(numbers).mask(gaps),
            "w": pandas.Series(whole, dtype="Int64").mask(gaps),
            "t": pandas.Series(texts, dtype="str").mask(gaps),
            "b": pandas.Series(flags, dtype="boolean").mask(gaps),
            "d": pandas.Series(days).mask(gaps),
            "c": pandas.Series(texts, dtype="category").mask(gaps),
        }
    )
    columns = {
        name: polars.Series([None if gone else item for item, gone in zip(frame[name], gaps, strict=True)])
        for name in frame
    }
    other = polars.DataFrame(columns).with_columns(polars.col("c").cast(polars.Categorical))
    expected = {"n": numbers, "w": whole, "t": texts, "b": flags, "d": days, "c": texts}
    for source in (frame, other, other.lazy()):
        table = read_table(source)
        assert table.names == list(expected)
        for name, values in expected.items():
            column = table.column(name)
            np.testing.assert_array_equal(column.missing, gaps)
            np.testing.assert_array_equal(column.present(), values[~gaps])
        assert [column.content for column in table] == ["number", "number", "text", "boolean", "date", "text"]


def test_lazy_frames_are_computed():
    table = read_table(polars.LazyFrame({"a": [1, 2, 3]}).filter(polars.col("a") > 1))
    assert table.column("a").values.tolist() == [2, 3]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "Int32", "UInt16", "float32", "Float64"])
def test_number_types_of_pandas(dtype):
    column = read_table(pandas.DataFrame({"a": pandas.Series([1, 2, 3], dtype=dtype)})).column("a")
    assert column.values.tolist() == [1, 2, 3] and column.values.dtype == np.int64
    if dtype[0].isupper():
        column = read_table(pandas.DataFrame({"a": pandas.Series([1, None, 3], dtype=dtype)})).column("a")
        assert column.missing.tolist() == [False, True, False] and column.present().tolist() == [1, 3]


def test_whole_numbers_beyond_64_bits_keep_their_size():
    huge = np.array([2**63, 1], dtype=np.uint64)
    assert as_column("x", huge).values.tolist() == [2.0**63, 1.0]
    assert as_column("x", [2**70, 1]).values.tolist() == [2.0**70, 1.0]
    assert as_column("x", [2**62, 1]).values.tolist() == [2**62, 1]


def test_times_with_zones_keep_the_hour_on_the_clock():
    instants = ["2024-03-05 13:30", None]
    frame = pandas.DataFrame(
        {"when": pandas.to_datetime(pandas.Series(instants)).dt.tz_localize("Europe/Berlin")}
    )
    column = read_table(frame).column("when")
    assert column.present().astype(str).tolist() == ["2024-03-05T13:30:00"]
    assert column.missing.tolist() == [False, True]
    when = polars.Series([datetime.datetime(2024, 3, 5, 13, 30), None]).dt.replace_time_zone("Asia/Tokyo")
    column = read_table(polars.DataFrame({"when": when})).column("when")
    assert column.present().astype(str).tolist() == ["2024-03-05T13:30:00"]


def test_days_and_durations():
    frame = polars.DataFrame(
        {"day": [datetime.date(2024, 3, 5), None], "took": [datetime.timedelta(minutes=2), None]}
    )
    for source in (frame, frame.to_dict(as_series=False)):
        table = read_table(source)
        assert table.column("day").present().astype(str).tolist() == ["2024-03-05T00:00:00"]
    column = read_table(frame).column("took")
    assert column.present().tolist() == [120] and column.missing.tolist() == [False, True]
    assert column.note == "in seconds"
    column = read_table(pandas.DataFrame({"took": pandas.to_timedelta(["90s", None])})).column("took")
    assert column.present().tolist() == [90] and column.missing.tolist() == [False, True]


def test_categories_stay_texts_and_pandas_order_is_kept():
    sizes = pandas.Categorical(
        ["mini", "grand", None, "mini"], categories=["mini", "mid", "grand"], ordered=True
    )
    frame = pandas.DataFrame({"size": sizes, "code": pandas.Categorical([3, 1, 2, 3])})
    table = read_table(frame)
    assert table.column("size").order == ("mini", "mid", "grand")
    assert table.take(np.array([0, 1])).column("size").order == ("mini", "mid", "grand")
    assert table.column("code").texts() == ["3", "1", "2", "3"]
    kinds = infer_kinds(table)
    assert (
        kinds["size"].name == "ordinal" and kinds["size"].reason == "ordered categories: mini < mid < grand"
    )
    assert kinds["code"].name == "nominal"
    assert (
        infer_kinds(polars.DataFrame({"c": polars.Series(["b", "a"], dtype=polars.Enum(["b", "a"]))}))[
            "c"
        ].name
        == "identifier"
    )


def test_brackets_that_pandas_cut_makes_are_in_order(rng):
    ages = rng.integers(0, 80, 50)
    frame = pandas.DataFrame({"age": pandas.cut(ages, [-1, 17, 64, 100])})
    kind = infer_kinds(frame)["age"]
    assert kind.name == "ordinal" and kind.order == ("(-1, 17]", "(17, 64]", "(64, 100]")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (polars.DataFrame({"a": [[1, 2], [3]]}), "column 'a'.*but got lists"),
        (polars.DataFrame({"a": [{"x": 1}]}), "column 'a'.*but got records"),
        (polars.DataFrame({"a": [b"x"]}), "column 'a'.*but got bytes"),
        (polars.DataFrame({"a": [[1.0]]}, schema={"a": polars.Array(polars.Float64, 1)}), "but got lists"),
        (pandas.DataFrame({"a": [[1, 2], None]}), "column 'a'.*but got values of type list"),
        (pandas.DataFrame({"a": [{"x": 1}, None]}), "column 'a'.*but got values of type dict"),
        ({"a": [np.ones(2), np.ones(2)]}, "column 'a'.*got values of type ndarray"),
        ({"a": [b"x"]}, "column 'a'.*but got values of type bytes"),
        ({"a": np.array([1 + 2j])}, "column 'a'.*but got complex numbers"),
        ([{"a": {"x": 1}}], "column 'a'.*Spread it over columns with one value each, or leave it out"),
        ({"a": 1}, r"expected one value for each row.*For a table of one row write \{'a': \[value\]\}"),
        ({"a": "red"}, "but got a single value of type str"),
        (
            pandas.DataFrame([[1, 2]], columns=["a", "a"]),
            "expected columns of different names, but got 'a' twice",
        ),
        (pandas.DataFrame({"a": []}), "expected at least one column and one row, but got none"),
        (polars.DataFrame(), "expected at least one column and one row, but got none"),
        ([], "got an object of type list"),
        (np.ones((2, 2)), "Give arrays names first"),
        ({1: [1], "1": [2]}, "expected columns of different names, but got '1' twice"),
    ],
)
def test_what_is_no_column_of_single_values(source, message):
    with pytest.raises(InputError, match=message):
        read_table(source)


def test_lists_of_dicts_fill_what_a_row_lacks():
    table = read_table([{"a": 1, "b": "x"}, {"a": 2.5}, {"b": "y", "c": True}])
    assert table.names == ["a", "b", "c"]
    assert table.column("a").missing.tolist() == [False, False, True]
    assert table.column("a").present().tolist() == [1, 2.5]
    assert table.column("b").texts() == ["x", "", "y"] and table.column("c").content == "boolean"


def test_structured_arrays():
    array = np.array(
        [(1, 2.5, "x", b"p", True, "2024-01-01"), (2, np.nan, "", b"q", False, "NaT")],
        dtype=[("i", "i2"), ("f", "f4"), ("t", "U5"), ("s", "S3"), ("b", "?"), ("d", "M8[D]")],
    )
    for source in (array, array.view(np.recarray)):
        table = read_table(source)
        assert [column.content for column in table] == ["number", "number", "text", "text", "boolean", "date"]
        assert [column.missing.tolist()[1] for column in table] == [False, True, True, False, False, True]
        assert table.column("s").texts() == ["p", "q"]
    with pytest.raises(
        InputError, match=r"column 'v'.*expected one value for each row, but got shape \(2, 3\)"
    ):
        read_table(np.zeros(2, dtype=[("v", "f4", 3)]))


def test_python_objects():
    mixed = [1, None, 2.5, float("nan"), np.float32(4), np.int8(5)]
    column = as_column("x", mixed)
    assert column.values[~column.missing].tolist() == [1, 2.5, 4, 5]
    assert column.missing.tolist() == [False, True, False, True, False, False]
    column = as_column("x", [decimal.Decimal("1.5"), pandas.NA, pandas.NaT, None, decimal.Decimal("2")])
    assert column.present().tolist() == [1.5, 2] and column.missing.sum() == 3
    assert as_column("x", [True, None, False]).content == "boolean"
    assert as_column("x", [datetime.datetime(2024, 1, 2, 3), None]).content == "date"
    assert as_column("x", (item for item in ["a", "b"])).texts() == ["a", "b"]
    assert as_column("x", range(3)).values.tolist() == [0, 1, 2]


def test_series_and_number_names_of_columns():
    assert read_table(pandas.Series([1, 2], name="a")).names == ["a"]
    assert read_table(polars.Series("a", [1, 2])).column("a").values.tolist() == [1, 2]
    assert read_table(pandas.DataFrame([[1, 2]])).names == ["0", "1"]
    assert read_table({"a": pandas.Series([1, None]), "b": polars.Series(["x", None])}).column(
        "b"
    ).texts() == ["x", ""]


def test_a_frame_with_an_index_after_filtering():
    frame = pandas.DataFrame({"a": [1, 2, 3], "c": ["x", None, "z"]})
    table = read_table(frame[frame["a"] > 1])
    assert table.column("a").values.tolist() == [2, 3] and table.column("c").missing.tolist() == [True, False]
