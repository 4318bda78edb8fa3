import csv
import gzip
import io
import time

import numpy as np
import pandas
import polars
import pytest

from gradwise.data import csv_form, read_table
from gradwise.data.csv_form import count_plain_rows
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5", "A6")


def python_rows(content, separator, columns):
    """Counts the rows with Python's own reader; None unless all have as many cells and none is blank."""
    try:
        rows = list(csv.reader(io.StringIO(content), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return len(rows) if all(len(row) == columns for row in rows) else None


@pytest.mark.parametrize("block", [1, 2, 3, 5, 1 << 24])
def test_plain_rows_are_counted_as_by_pythons_reader(monkeypatch, rng, block):
    monkeypatch.setattr(csv_form, "_BLOCK", block)
    cells = ["1", "", "x y", '"a,b"', '"say ""hi"""', '""', '"two\nlines"', '""""', "naïve"]
    plain = 0
    for _ in range(150):
        rows = [[cells[pick] for pick in rng.integers(0, len(cells), 3)] for _ in range(rng.integers(1, 5))]
        if rng.random() < 0.3:
            rows[-1] = rows[-1][:2]
        content = "\n".join(",".join(row) for row in rows) + ("\n" if rng.random() < 0.5 else "")
        content = content.lstrip("\n")
        expected = python_rows(content, ",", 3)
        assert count_plain_rows(content.encode(), ",", 3) == expected, content
        plain += expected is not None
    assert plain > 50


@pytest.mark.parametrize(
    "content",
    ['5" pipe,2\n', 'a,"b" \n', 'a, "b"\n', 'a,"b\n', 'a,b"\n', 'a""b,c\n', "a,b\n\nc,d\n", "a,b,c\n"],
)
def test_what_is_not_plain_is_left_to_the_careful_reader(content):
    assert count_plain_rows(content.encode(), ",", 2) is None


def test_odd_quotation_marks_are_read_all_the_same(csv_file):
    table = read_table(csv_file('a,b\n5" pipe,1\n3" pipe,2\n"x", "y, z"\n'))
    assert table.column("a").texts() == ['5" pipe', '3" pipe', "x"]
    assert table.column("b").texts() == ["1", "2", "y, z"]


def test_the_quick_and_the_careful_reader_agree(csv_file, monkeypatch, rng):
    words = np.array(["x", "y, z", 'say "hi"', "two\nlines", "", "NA", " blank ", "Größe"])
    frame = pandas.DataFrame(
        {"n": rng.integers(-5, 5, 200), "f": rng.normal(size=200), "t": words[rng.integers(0, 8, 200)]}
    )
    path = csv_file(frame.to_csv(index=False))
    quick = read_table(path)
    monkeypatch.setattr("gradwise.data.csv_files._quickly", lambda *given: None)
    careful = read_table(path)
    for one, other in zip(quick, careful, strict=True):
        assert one.texts() == other.texts() and one.values.dtype == other.values.dtype
        np.testing.assert_array_equal(one.missing, other.missing)
    np.testing.assert_array_equal(quick.column("f").values, pandas.read_csv(path)["f"])
    assert quick.column("t").present().tolist() == [
        text.strip() for text in frame["t"] if text not in ("", "NA")
    ]


def test_line_ends_of_every_system(csv_file):
    for end in ("\n", "\r\n", "\r"):
        table = read_table(csv_file(f"a,b{end}1,x{end}2,y{end}{end}"))
        assert table.column("a").values.tolist() == [1, 2] and table.column("b").texts() == ["x", "y"]
    table = read_table(csv_file('a,b\r\n1,"two\r\nlines"\r\n'))
    assert table.column("b").texts() == ["two\nlines"]


def test_blank_lines_between_rows_are_passed_over(csv_file):
    table = read_table(csv_file("a,b\n1,2\n\n\n3,4\n\n"))
    assert table.column("b").values.tolist() == [2, 4]
    assert read_table(csv_file("a\n1\n\n3\n")).column("a").values.tolist() == [1, 3]


def test_byte_order_mark_tsv_and_gzip(csv_file):
    content = b"\xef\xbb\xbf" + "größe\tb\n1,5\tx;y\n".encode()
    table = read_table(csv_file(gzip.compress(content), "t.tsv.gz"))
    assert table.names == ["größe", "b"] and table.column("größe").values.tolist() == [1.5]
    assert table.column("b").texts() == ["x;y"]
    with pytest.raises(InputError, match="expected a readable file, but got an error"):
        read_table(csv_file(gzip.compress(content * 100)[:-20], "cut.csv.gz"))


def test_one_row_and_one_column(csv_file):
    table = read_table(csv_file("a,b\n1,x\n"))
    assert len(table) == 1 and table.column("b").texts() == ["x"]
    table = read_table(csv_file("only\n3\n4\n"))
    assert table.names == ["only"] and table.column("only").values.tolist() == [3, 4]


def test_empty_names_are_numbered_and_equal_ones_refused(csv_file):
    assert read_table(csv_file(",x,\n1,2,3\n")).names == ["column_1", "x", "column_3"]
    with pytest.raises(InputError, match="line 1: expected columns of different names, but got 'x' 3 times"):
        read_table(csv_file("x,x,x\n1,2,3\n"))


def test_types_that_are_mixed_in_a_column(csv_file):
    table = read_table(csv_file("a,b,c,d\n1,1,true,1\n2.5,x,1,2024-01-01\n3e2,3,false,x\n"))
    assert table.column("a").values.tolist() == [1, 2.5, 300]
    assert [table.column(name).content for name in "bcd"] == ["text", "text", "text"]


def test_ten_thousand_columns(csv_file, rng):
    values = rng.normal(size=(20, 10_000)).round(3)
    path = csv_file(polars.DataFrame(values, schema=[f"x{place}" for place in range(10_000)]).write_csv())
    start = time.perf_counter()
    table = read_table(path)
    assert time.perf_counter() - start < 120
    np.testing.assert_array_equal(np.stack([column.values for column in table], axis=1), values)


def test_long_header_and_quoted_names(csv_file):
    names = [f'name {place}, "quoted"\nover lines' for place in range(5000)]
    frame = pandas.DataFrame([np.arange(5000), np.arange(5000)], columns=names)
    table = read_table(csv_file(frame.to_csv(index=False)))
    assert table.names == names and table.column(names[-1]).values.tolist() == [4999, 4999]
