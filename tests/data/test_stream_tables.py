"""Tables in files: the rows that pandas reads, in blocks."""

import multiprocessing
import subprocess
import sys

import numpy as np
import pandas
import polars
import pytest

from gradwise.data import Loader, TablePreprocessor, read_table, stream_csv, stream_parquet
from gradwise.data.table_streams import table_stream
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")

N = 500


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(stream_csv, "_BLOCK", 400)
    monkeypatch.setattr(stream_parquet, "_BLOCK", 23)


@pytest.fixture
def frame(rng):
    return pandas.DataFrame(
        {
            "a": rng.normal(size=N).round(4),
            "b": rng.integers(0, 99, N),
            "note": [f'said "{number}",\nthen left' for number in range(N)],
            "flag": rng.integers(0, 2, N).astype(bool),
            "kind": rng.choice(["no", "yes", "perhaps"], N),
        }
    )


def written(frame, tmp_path, ending):
    if ending == "parquet":
        columns = polars.DataFrame(
            {name: frame[name].tolist() for name in frame}, nan_to_null=True, strict=False
        )
        columns.write_parquet(tmp_path / "t.parquet", row_group_size=60)
    else:
        frame.to_csv(tmp_path / "t.csv", index=False, lineterminator=ending)
    return tmp_path / ("t.parquet" if ending == "parquet" else "t.csv")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "parquet"])
def test_rows_as_pandas_has_them(frame, tmp_path, ending):
    frame.loc[7, "a"] = np.nan
    source = table_stream(
        written(frame, tmp_path, ending),
        "kind",
        features=["a", "b", "flag"],
        classes=["no", "yes", "perhaps"],
    )
    assert len(source) == N and len(source.bounds) > 20
    x, y = source.gather(np.arange(N))
    np.testing.assert_array_equal(x, frame[["a", "b", "flag"]].to_numpy(np.float32))
    assert np.array(["no", "yes", "perhaps"])[y].tolist() == frame["kind"].tolist()
    rows = np.array([499, 3, 3, 250, 0])
    np.testing.assert_array_equal(source.gather(rows)[0], x[rows])
    assert x.dtype == np.float32 and y.dtype == np.int32


@pytest.mark.parametrize("ending", ["\n", "parquet"])
@pytest.mark.parametrize("window", [None, 60], ids=str)
def test_each_row_once_an_epoch_mixed_and_resumable(frame, tmp_path, ending, window):
    frame["number"] = np.arange(N)
    path = written(frame[["number", "b"]], tmp_path, ending)
    loader = Loader(table_stream(path, "b"), 32, seed=1, window=window)
    states, batches = [loader.state()], []
    for _ in range(2):
        for batch in loader:
            batches.append(batch)
            states.append(loader.state())
    assert len(batches) == 2 * len(loader) == 32
    for epoch in (batches[:16], batches[16:]):
        order = np.concatenate([x[:, 0] for x, _ in epoch]).astype(int)
        assert sorted(order) == list(range(N))
        np.testing.assert_array_equal(np.concatenate([y for _, y in epoch]), frame["b"].to_numpy()[order])
        assert abs(np.corrcoef(order, np.arange(N))[0, 1]) < 0.4
        assert np.abs(np.diff(order)).mean() > 10
    assert batches[0][0].tolist() != batches[16][0].tolist()
    for place in (0, 5, 15, 20):
        other = Loader(table_stream(path, "b"), 32, window=window)
        other.restore(states[place])
        for ours, theirs in zip(other, batches[place : 16 if place < 16 else 32], strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])


def test_in_order_without_shuffle_and_over_several_files(frame, tmp_path):
    for part in range(3):
        frame[["a", "b"]][part * 100 : part * 100 + 100].to_csv(tmp_path / f"{part}.csv", index=False)
    source = table_stream([tmp_path / f"{part}.csv" for part in range(3)])
    batches = list(Loader(source, 64, shuffle=False))
    np.testing.assert_array_equal(
        np.concatenate([x for (x,) in batches]), frame[["a", "b"]][:300].to_numpy(np.float32)
    )
    assert [len(x) for (x,) in batches] == [64] * 4 + [44]


@pytest.mark.parametrize("ending", ["\n", "parquet"])
def test_a_fitted_preprocessor_is_the_transform(frame, tmp_path, ending):
    frame.loc[5, "a"] = np.nan
    frame["code"] = [f"{number % 4}.0" if number > 250 else "abcd"[number % 4] for number in range(N)]
    path = written(frame.drop(columns="note"), tmp_path, ending)
    sample = table_stream(path, features=["a"]).sample(100)
    assert 100 <= len(sample) < N and sample.names == ["a", "b", "flag", "kind", "code"]
    preprocessor = TablePreprocessor().fit(read_table(path), "kind")
    source = table_stream(path, "kind", preprocessor=preprocessor, classes=["no", "yes", "perhaps"])
    np.testing.assert_array_equal(source.gather(np.arange(N))[0], preprocessor.transform(read_table(path)))


def test_workers_read_the_same_windows(frame, tmp_path):
    pytest.importorskip("grain")
    path = written(frame[["a", "b"]], tmp_path, "\n")
    settings = {"batch_size": 32, "seed": 1, "window": 60}
    expected = list(Loader(table_stream(path, "b"), **settings))
    with Loader(table_stream(path, "b"), workers=2, **settings) as loader:
        for ours, theirs in zip(loader, expected, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])
    assert not multiprocessing.active_children()


def test_semicolons_and_decimal_commas(csv_file):
    rows = "".join(f"{number},5;{number}\n" for number in range(200))
    x, y = table_stream(csv_file("a;b\n" + rows), "b").gather(np.array([3, 199]))
    assert x.tolist() == [[3.5], [199.5]] and y.tolist() == [3, 199]


def told(content, *arguments, csv_file, **settings):
    with pytest.raises(InputError) as error:
        list(Loader(table_stream(csv_file(content), *arguments, **settings), shuffle=False))
    return str(error.value)


def test_errors_tell_the_place(csv_file):
    good = [f"{number},{number}" for number in range(1000)]
    broken = "\n".join(["a,b", *good[:800], "800", *good[801:]])
    assert "expected 2 values in each row" in told(broken, csv_file=csv_file)
    assert "but got 1 in line 802. Correct that line" in told(broken, csv_file=csv_file)
    # Between the blocks that are looked at first.
    word = "\n".join(["a,b", *good[:80], "80,x", *good[81:]])
    text = told(word, "b", csv_file=csv_file)
    assert text.endswith(
        "table.csv', row 81, column 'b': expected a number, as in the rows before, but got 'x'. Correct the cell, "
        "or leave it empty if the value is missing."
    )
    text = told(word, "b", csv_file=csv_file, classes=range(1000))
    assert "row 81, column 'b': expected one of the classes 0, 1, 2" in text and "but got 'x'" in text
    assert "quotation marks in pairs" in told('a,b\n1,"2\n', csv_file=csv_file)
    assert "UTF-8" in told(b"a,b\n1,\xff\n", csv_file=csv_file)
    assert "a packed file" in told(b"\x1f\x8b\x08", csv_file=csv_file)
    assert "at least one row" in told("a,b\n", csv_file=csv_file)
    assert "different names of columns" in told("a,a\n1,2\n", csv_file=csv_file)


def test_columns_that_are_no_numbers_are_refused_before_training(csv_file):
    content = "a,city,y\n" + "1,Bonn,no\n2,Rom,yes\n" * 50
    assert "column 'city': expected numbers, but got texts. Leave it out with features=" in told(
        content, "y", csv_file=csv_file
    )
    assert "Name its classes in order: classes=[…]" in told(content, "y", features=["a"], csv_file=csv_file)
    assert "expected the name of a column, but got 'z'" in told(content, "z", csv_file=csv_file)


def test_unfit_paths_are_refused(tmp_path, csv_file):
    with pytest.raises(InputError, match="expected a file, but got no such file"):
        table_stream(tmp_path / "none.csv")
    with pytest.raises(InputError, match="expected at least one path"):
        table_stream([])
    path = tmp_path / "t.parquet"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"expected a Parquet file, but got an error"):
        table_stream(path)
    with pytest.raises(InputError, match="expected files of one kind"):
        table_stream([path, csv_file("a\n1\n")])
    polars.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    polars.DataFrame({"b": [1]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"expected the columns of '.*a.parquet', but got b"):
        table_stream([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    with pytest.raises(InputError, match="the same in all files, but got c"):
        table_stream([csv_file("a\n1\n", "1.csv"), csv_file("c\n1\n", "2.csv")])


SCRIPT = """
import sys
from gradwise.data import Loader
from gradwise.data.table_streams import table_stream

def resident(entry):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry))

source = table_stream(sys.argv[1], "c0")
next(iter(Loader(source, 256, window=20_000)))
before, rows = resident("VmRSS"), 0
for x, y in Loader(source, 256, window=20_000):
    rows += len(x)
print(rows, resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_memory_does_not_fill_with_the_file(tmp_path, rng, ending):
    values = rng.random((300_000, 10)).astype(np.float32)  # 12 MB as numbers, about 30 MB as text
    frame = polars.DataFrame(values, schema=[f"c{number}" for number in range(10)])
    path = tmp_path / f"t.{ending}"
    frame.write_parquet(path) if ending == "parquet" else frame.write_csv(path)
    done = subprocess.run([sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows, grown = map(float, done.stdout.split())
    assert rows == 300_000
    assert grown < 40
