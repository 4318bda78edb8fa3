import numpy as np
import pandas
import pytest

from gradwise.data import describe_columns, infer_kinds, read_table
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5")


def test_each_column_is_described(rng):
    rows = 100
    frame = pandas.DataFrame(
        {
            "x": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
            "colour": rng.choice(["red", "green"], rows),
            "name": [f"n{place}" for place in range(rows)],
            "k": "same",
        }
    )
    described = describe_columns(frame)
    kinds = infer_kinds(frame)
    assert [column.name for column in described] == list(frame)
    for column in described:
        assert (column.kind, column.reason) == (kinds[column.name].name, kinds[column.name].reason)
        assert column.missing == frame[column.name].isna().sum()
        assert column.different == frame[column.name].nunique()
    assert [column.used for column in described] == [True, True, False, False]
    assert described["colour"].values == ", ".join(frame["colour"].value_counts().index)
    assert described["x"].values == f"{frame['x'].min()} to {frame['x'].max()}"


def test_kinds_of_the_caller_are_shown():
    described = describe_columns({"code": [1, 2, 1]}, {"code": "nominal"})
    assert described["code"].kind == "nominal" and described["code"].reason == "as asked for"
    with pytest.raises(InputError, match="Did you mean 'code'"):
        described["cod"]


def test_the_text_fits_a_terminal_and_names_what_is_left_out(real_file):
    text = str(describe_columns(real_file("tabular/titanic.csv")))
    lines = text.splitlines()
    assert lines[0] == "891 rows, 15 columns" and len(lines) == 2 + 1 + 15
    assert max(map(len, lines)) <= 160
    places = [lines[2].index(head) for head in ("kind", "values", "why")]
    row = next(line for line in lines if line.startswith("deck"))
    assert [row[place:].split("  ")[0] for place in places] == [
        "nominal",
        "C, B, D, E, …",
        "7 different texts in 203 rows",
    ]
    assert "688 (77%)" in row
    text = str(describe_columns(real_file("tabular/mpg.csv")))
    assert text.endswith("Left out of a model's inputs: name (text).")


def test_wide_and_long_tables_are_cut():
    table = read_table({f"a column with quite a long name {place}": [0.5, 1.5] for place in range(200)})
    lines = str(describe_columns(table)).splitlines()
    assert len(lines) == 3 + 60 + 1 and lines[-1] == "… and 140 more columns."
    assert max(map(len, lines)) <= 160
    assert str(describe_columns({"x": np.arange(12345)})).startswith("12 345 rows, 1 column")


def test_few_missing_values_are_not_shown_as_none():
    values = np.arange(1000.0)
    values[0] = np.nan
    assert " 1 (<1%) " in str(describe_columns({"x": values}))
