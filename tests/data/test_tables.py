import gzip

import numpy as np
import pandas
import polars
import pytest

from gradwise.data.tables import as_column, read_table
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5", "A6")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found(csv_file, separator):
    text = "a,b,c\n1,x,2.5\n2,y,3.5\n".replace(",", separator)
    table = read_table(csv_file(text))
    assert table.names == ["a", "b", "c"]
    assert table.column("c").values.tolist() == [2.5, 3.5]


def test_types_and_missing_marks(csv_file):
    table = read_table(
        csv_file(
            "whole,real,flag,day,word,code\n"
            "1,1.5,true,2024-01-31,red,007\n"
            "?,NA,False,2024-02-01,,012\n"
            "3,-2e3,null,N/A,blue,100\n"
        )
    )
    kinds = {
        column.name: (column.content, column.values.dtype.kind, column.missing.tolist()) for column in table
    }
    assert kinds == {
        "whole": ("number", "i", [False, True, False]),
        "real": ("number", "f", [False, True, False]),
        "flag": ("boolean", "b", [False, False, True]),
        "day": ("date", "M", [False, False, True]),
        "word": ("text", "O", [False, True, False]),
        "code": ("text", "O", [False, False, False]),
    }
    assert table.column("code").texts() == ["007", "012", "100"]
    assert table.column("real").present().tolist() == [1.5, -2000.0]


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "nan", "NaN", "null", "None", "?"])
def test_missing_marks(csv_file, mark):
    column = read_table(csv_file(f"a,b\n1,{mark}\n2,5\n")).column("b")
    assert column.missing.tolist() == [True, False] and column.present().tolist() == [5]


def test_gzip_bom_windows_line_ends_and_blank_lines(csv_file):
    content = b"\xef\xbb\xbf" + "größe,b\r\n1,2\r\n\r\n3,4\r\n".encode()
    assert read_table(csv_file(content)).names == ["größe", "b"]
    table = read_table(csv_file(gzip.compress(content), "table.csv.gz"))
    assert table.column("b").values.tolist() == [2, 4]


def test_quotes_line_breaks_and_unusual_separators_inside_cells(csv_file):
    table = read_table(csv_file('a,b\n"x, y","first\nsecond"\n"say ""hi""",two\u2028parts\n'))
    assert table.column("a").texts() == ["x, y", 'say "hi"']
    assert table.column("b").texts() == ["first\nsecond", "two\u2028parts"]


def test_decimal_commas_only_beside_another_separator(csv_file):
    column = read_table(csv_file("a;b\n1,5;x\n2;y\n")).column("a")
    assert column.values.tolist() == [1.5, 2.0] and column.note == "decimal commas"


@pytest.mark.parametrize(
    ("cells", "iso"),
    [
        (["2024-03-05", "2024-12-31"], ["2024-03-05T00:00:00", "2024-12-31T00:00:00"]),
        (["05.03.2024", "31.12.2024"], ["2024-03-05T00:00:00", "2024-12-31T00:00:00"]),
        (["3/5/2024", "12/31/2024"], ["2024-03-05T00:00:00", "2024-12-31T00:00:00"]),
        (["31/12/2024", "5/3/2024"], ["2024-12-31T00:00:00", "2024-03-05T00:00:00"]),
        (["2024-03-05T13:30:00Z", "2024-12-31T00:00:01Z"], ["2024-03-05T13:30:00", "2024-12-31T00:00:01"]),
    ],
)
def test_dates(cells, iso):
    column = as_column("when", cells)
    assert column.values.astype(str).tolist() == iso
    assert column.note.startswith("dates read as")


def test_a_few_odd_cells_among_numbers_are_told():
    column = as_column("x", ["1"] * 19 + ["oops"])
    assert column.content == "text"
    assert column.note == "19 of 20 cells are numbers, but row 20 says 'oops'"


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame({"n": [1, None, 3], "t": ["x", None, "y"], "b": [True, False, True]}),
        polars.DataFrame({"n": [1, None, 3], "t": ["x", None, "y"], "b": [True, False, True]}),
        {"n": [1, None, 3], "t": ["x", None, "y"], "b": np.array([True, False, True])},
    ],
    ids=["pandas", "polars", "dict"],
)
def test_frames_and_dicts_read_alike(frame):
    table = read_table(frame)
    assert [column.content for column in table] == ["number", "text", "boolean"]
    assert table.column("n").values.dtype == np.int64
    assert [column.missing.tolist() for column in table] == [
        [False, True, False],
        [False, True, False],
        [False] * 3,
    ]


def test_dates_and_categories_of_frames():
    when = pandas.to_datetime(pandas.Series(["2024-01-01", None, "2024-01-03"]))
    table = read_table(pandas.DataFrame({"when": when, "c": pandas.Categorical(["a", None, "b"])}))
    assert table.column("when").content == "date"
    assert table.column("when").missing.tolist() == [False, True, False]
    assert table.column("c").texts() == ["a", "", "b"]
    polar = read_table(polars.DataFrame({"when": polars.Series(["2024-01-01"]).str.to_date()}))
    assert polar.column("when").values.astype(str).tolist() == ["2024-01-01T00:00:00"]


def test_selected_rows_remember_their_places():
    column = as_column("x", [10, 20, 30, 40]).take(np.array([1, 3]))
    assert column.values.tolist() == [20, 40]
    assert column.take(np.array([1])).row_number(0) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "got an empty file"),
        ("\n\n", "got an empty file"),
        ("a,b\n", "expected at least one row, but got only a line of column names"),
        ("a,b,a\n1,2,3\n", "line 1: expected columns of different names, but got 'a' 2 times"),
        ("a,b\n1,2\n\n1,2,3\n", "line 4: expected 2 values, as many as there are column names, but got 3"),
        ("a,b,c\n1,2,3\n1,2\n", "line 3: expected 3 values, as many as there are column names, but got 2"),
        ('a,b\n1,2\n"x,3\n', "expected quotation marks in pairs"),
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            "expected the names of the columns, but got what looks like data",
        ),
        ("39,State-gov,77516,13\n50,Private,83311,13\n", "Add a first line with a name for each column"),
        ("a,b\n1,2\n3,caf\xe9\n".encode("latin-1"), "byte 0xe9 in line 3"),
        ("a,b\n3,caf\xe9\n".encode("latin-1"), "save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "got UTF-16 text"),
        (b"PK\x03\x04rest", "got an Excel or zip file"),
        (b"PAR1rest", "expected a Parquet file, but got an error"),
        (b"a,b\n\x00,1\n", "got a binary file"),
        (" 0.006  18.00   2.31\n 0.027  0.00  7.07\n", "got what looks like columns separated by blanks"),
        (b"\x1f\x8bbroken", "expected a readable file"),
    ],
)
def test_files_that_cannot_be_read(csv_file, content, message):
    with pytest.raises(InputError) as caught:
        read_table(csv_file(content))
    assert message in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="expected a CSV file, but got no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="but got a folder"):
        read_table(tmp_path)


def test_tables_that_are_no_tables():
    with pytest.raises(InputError, match="expected columns of one length, but got 'a' with 1, 'b' with 2"):
        read_table({"a": [1], "b": [1, 2]})
    with pytest.raises(InputError, match="expected at least one column and one row, but got none"):
        read_table({})
    with pytest.raises(InputError, match="got an object of type list"):
        read_table([1, 2])
    with pytest.raises(InputError, match="expected one value for each row"):
        as_column("x", np.zeros((2, 2)))


def test_an_unknown_column_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'species'"):
        read_table({"species": [1, 2]}).column("speces")


def test_years_and_pixel_numbers_are_fine_names(csv_file):
    assert read_table(csv_file("label,0,1,2\na,1,2,3\n")).names == ["label", "0", "1", "2"]
    assert read_table(csv_file("land,2001,2002\na,1,2\n")).names == ["land", "2001", "2002"]
    assert read_table(csv_file(",a\n0,1\n1,5\n")).names == ["column_1", "a"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("titanic", (891, 15)),
        ("penguins", (344, 7)),
        ("adult_train", (32561, 15)),
        ("mpg", (398, 9)),
        ("iris", (150, 5)),
        ("tips", (244, 7)),
        ("winequality-white", (4898, 12)),
    ],
)
def test_real_files_read_as_pandas_reads_them(real_file, name, shape):
    path = real_file(f"tabular/{name}.csv")
    table, frame = read_table(path), pandas.read_csv(path, na_values=["?"])
    assert (len(table), len(table.names)) == shape
    for column in table:
        other = frame[column.name]
        assert (column.missing == other.isna().to_numpy()).all()
        if column.content == "number":
            np.testing.assert_allclose(column.present(), other.dropna().to_numpy(dtype=float), rtol=1e-15)
        else:
            assert column.present().tolist() == other.dropna().tolist()
