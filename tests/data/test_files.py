import gzip

import numpy as np
import pandas
import polars
import pytest

from gradwise.data import read_table
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A5", "A6")


@pytest.fixture
def frame(rng):
    return polars.DataFrame(
        {
            "n": [1.5, None, 3.25],
            "w": [1, 2, 3],
            "t": ["x", "y", None],
            "b": [True, False, None],
            "d": polars.Series(["2024-01-01", None, "2024-01-03"]).str.to_date(),
            "c": polars.Series(["u", "v", "u"], dtype=polars.Categorical),
        }
    )


WRITERS = {
    "t.parquet": lambda frame, path: frame.write_parquet(path),
    "t.feather": lambda frame, path: frame.write_ipc(path),
    "t.arrow": lambda frame, path: frame.write_ipc(path, compression="zstd"),
    "t.jsonl": lambda frame, path: frame.write_ndjson(path),
    "t.json": lambda frame, path: frame.write_json(path),
    "t.csv": lambda frame, path: frame.write_csv(path),
    "named_otherwise": lambda frame, path: frame.write_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_table(frame, tmp_path, name):
    WRITERS[name](frame, tmp_path / name)
    table, expected = read_table(tmp_path / name), read_table(frame)
    assert table.source == f"'{tmp_path / name}'"
    for one, other in zip(table, expected, strict=True):
        assert (one.name, one.content, one.texts()) == (other.name, other.content, other.texts())
        np.testing.assert_array_equal(one.missing, other.missing)


def test_gzipped_json_lines(frame, tmp_path):
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2.5}\n'))
    assert read_table(tmp_path / "t.jsonl.gz").column("a").values.tolist() == [1, 2.5]


def test_a_number_among_texts_far_down_json_lines(tmp_path):
    rows = "".join(f'{{"a": {value}}}\n' for value in [*range(500), 0.5])
    (tmp_path / "t.jsonl").write_text(rows)
    assert read_table(tmp_path / "t.jsonl").column("a").values[-1] == 0.5


def test_a_folder_and_a_list_of_csv_files(tmp_path):
    (tmp_path / "b.csv").write_text("t,n\ny,2.5\n")
    (tmp_path / "a.csv").write_text("n,t\n1,x\n")
    (tmp_path / ".hidden.csv").write_text("z\n1\n")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "notes.md").write_text("hello")
    expected = pandas.concat([pandas.read_csv(tmp_path / name) for name in ("a.csv", "b.csv")])
    for source in (tmp_path, str(tmp_path), [tmp_path / "a.csv", str(tmp_path / "b.csv")]):
        table = read_table(source)
        assert table.names == ["n", "t"]
        assert table.column("n").values.tolist() == expected["n"].tolist()
        assert table.column("t").texts() == expected["t"].tolist()


def test_types_are_found_over_all_files_together(tmp_path):
    (tmp_path / "a.csv").write_text("code,flag\n12,true\n")
    (tmp_path / "b.csv").write_text("code,flag\n007,maybe\n")
    table = read_table(tmp_path)
    assert table.column("code").texts() == ["12", "007"] and table.column("flag").texts() == ["true", "maybe"]


def test_a_folder_of_parquet_files_with_widened_types(tmp_path):
    polars.DataFrame({"n": [1], "t": ["x"]}).write_parquet(tmp_path / "part-0.parquet")
    polars.DataFrame({"t": ["y"], "n": [2.5]}).write_parquet(tmp_path / "part-1.parquet")
    table = read_table(tmp_path)
    assert table.column("n").values.tolist() == [1, 2.5] and table.column("t").texts() == ["x", "y"]


def test_files_that_do_not_go_together(tmp_path):
    (tmp_path / "a.csv").write_text("n,t\n1,x\n")
    (tmp_path / "b.csv").write_text("n,u\n1,x\n")
    with pytest.raises(
        InputError, match=r"b.csv': expected the columns of 'a.csv', but got a file without 't' and with 'u'"
    ):
        read_table(tmp_path)
    polars.DataFrame({"n": [1], "t": ["x"]}).write_parquet(tmp_path / "b.csv")
    with pytest.raises(
        InputError, match=r"expected a file of the same kind as 'a.csv', but got parquet beside csv"
    ):
        read_table(tmp_path)
    polars.DataFrame({"n": [1], "t": [[1]]}).write_parquet(tmp_path / "a.csv")
    with pytest.raises(InputError, match="expected columns of the same types in all files"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.parquet", b"PAR1 and no more", "expected a Parquet file, but got an error"),
        ("t.parquet", b"garbage", "expected a Parquet file, but got an error"),
        ("t.feather", b"garbage", "expected an Arrow file, but got an error"),
        ("t.arrow", b"ARROW1 and no more", "expected an Arrow file, but got an error"),
        (
            "t.jsonl",
            b'{"a": 1}\n{"a"',
            r'expected rows such as \{"size": 1\}, one on each line, but got an error',
        ),
        ("t.json", b"[1, 2", "expected rows such as"),
        ("t.xlsx", b"PK\x03\x04rest", r"an Excel or zip file. Save the sheet as CSV \(UTF-8\)"),
        ("t.xls", b"\xd0\xcf\x11\xe0rest", r"an old Excel file. Save the sheet as CSV \(UTF-8\)"),
    ],
)
def test_files_that_are_damaged_or_foreign(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / name)


def test_a_folder_without_tables(tmp_path):
    with pytest.raises(InputError, match="but got a folder without any. Check the path"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="expected a CSV file, but got no such file"):
        read_table(tmp_path / "none.jsonl")


def test_nested_columns_of_files_are_named(tmp_path):
    polars.DataFrame({"n": [1], "tags": [["a", "b"]]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="column 'tags'.*but got lists"):
        read_table(tmp_path / "t.parquet")
