import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradwise.cli import main
from gradwise.version import __version__


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, rows=60, **columns):
    """Writes a CSV file with an informative column x, noise z, a class y and a number w."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=rows).round(3)
    table = {
        "x": x.tolist(),
        "z": generator.normal(size=rows).round(3).tolist(),
        "y": np.where(x + generator.normal(0, 0.3, rows) > 0, "yes", "no").tolist(),
        **columns,
    }
    lines = [
        ",".join(table),
        *(",".join("" if c is None else str(c) for c in row) for row in zip(*table.values(), strict=True)),
    ]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return name


def contents():
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def failed(capsys, *words):
    """Runs a command that must be refused; returns its one line of complaint."""
    before = contents()
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in err and "Epoch" not in out
    assert err.count("\n") == 1, err
    assert contents() == before
    assert not os.path.exists("runs"), "something was written"
    return err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the results of one run, and the file it was made from."""
    folder = tmp_path_factory.mktemp("trained")
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert (
            main(["train", write("table.csv"), "--target", "y", "--epochs", "5", "--out", "run", "--quiet"])
            == 0
        )
    finally:
        os.chdir(before)
    return folder


def test_the_whole_road(capsys):
    assert (
        main(["train", write("table.csv", rows=90), "--target", "y", "--epochs", "8", "--batch-size", "16"])
        == 0
    )
    out, err = capsys.readouterr()
    assert err == ""
    for said in (
        "table.csv: 90 rows of 3 columns",
        "binary (two different values: 'no' and 'yes'), so the last activation is sigmoid and the loss",
        "standardised",
        "test (at random, the classes in equal shares)",
        "batches of 16, at most 8 epochs",
        "Epoch 8/8",
        "always answers",
        "runs/table-1/model.gwz",
        "runs/table-1/report.html",
    ):
        assert said in " ".join(out.split())
    assert max(len(line) for line in out.splitlines() if "Epoch" not in line) <= 80
    assert sorted(os.listdir("runs/table-1")) == ["model.gwz", "report.html", "run.json"]


def test_quiet_prints_the_verdict_and_the_paths_only(capsys):
    assert main(["train", write("table.csv"), "--epochs", "2", "--quiet", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == ["Verdict", "Model", "Report"]


def test_results_replace_older_ones_in_a_folder_given(capsys):
    os.mkdir("out")
    for name in ("model.gwz", "notes.txt"):
        with open(f"out/{name}", "w") as file:
            file.write("old")
    assert main(["train", write("table.csv"), "--epochs", "1", "--quiet", "--out", "out"]) == 0
    assert Path("out/model.gwz").read_bytes()[:2] == b"PK"
    assert Path("out/notes.txt").read_text() == "old"


def test_predicting_to_the_screen_and_to_a_file(trained, capsys):
    model, data = str(trained / "run" / "model.gwz"), str(trained / "table.csv")
    assert main(["predict", model, data]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "predicted_y,probability_no,probability_yes"
    assert len(printed.splitlines()) == 61
    assert main(["predict", model, data, "--out", "answers.csv"]) == 0
    assert Path("answers.csv").read_text(encoding="utf-8") == printed
    assert capsys.readouterr().err == "60 predictions written to answers.csv\n"


def test_odd_rows_are_counted_while_predicting(trained, capsys):
    with open("new.csv", "w") as file:
        file.write("z,x,other\n1,,3\n2,0.5,4\n")
    assert main(["predict", str(trained / "run" / "model.gwz"), "new.csv"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "note: Column 'x': 1 missing, filled in; none was missing in training." in err
    assert "note: Ignored, as not part of the training table: other." in err


def test_evaluating(trained, capsys):
    assert main(["evaluate", str(trained / "run" / "model.gwz"), write("other.csv", rows=200)]) == 0
    out = capsys.readouterr().out
    assert "200 samples" in out and "at training" in out and "95 % interval" in out
    assert re.search(r"accuracy +\d+\.\d %  \d+\.\d % to", out)


def test_summary(trained, capsys):
    assert main(["summary", str(trained / "run" / "model.gwz")]) == 0
    out = capsys.readouterr().out
    assert "dense_2 (Dense)" in out or "(Dense)" in out
    assert "y (binary: no, yes)" in out and "standardised" in out and "table.csv, 60 samples, seed 0" in out


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", [], "expected a line of column names and rows, but got an empty file"),
        (b"x,y\n", [], "expected at least one row, but got only a line of column names. Add rows to the file."),
        (b"x,y\n1,a\n\xff,b\n", [], "expected text in UTF-8, but got byte 0xff in line 3. The file is probably in Latin-1"),
        (b"x,y\n" + b"1,a\n" * 30, ["--target", "y"], "target 'y': expected at least two different values, but got 'a' in"),
        (b"x,y\n1,a\n" * 1, [], "expected at least 10 rows with a value for 'y', but got 1. Add rows"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(capsys, content, options, message):
    with open("bad.csv", "wb") as file:
        file.write(content)
    said = failed(capsys, "train", "bad.csv", *options)
    assert said.startswith("gradwise train: ") and message in said


def test_a_missing_file(capsys):
    said = failed(capsys, "train", "nope.csv")
    assert said == "gradwise train: 'nope.csv': expected a CSV file, but got no such file. Check the path.\n"


def test_an_unknown_data_set(capsys):
    said = failed(capsys, "train", "digit")
    assert "expected the name of a file or of a data set, but got 'digit'. Did you mean 'digits'?" in said


def test_a_data_set_whose_file_is_absent(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADWISE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = failed(capsys, "train", "mnist")
    assert "download of 'mnist.npz': expected the file at https://" in said and "GRADWISE_DATA names" in said


def test_no_such_column(capsys):
    said = failed(capsys, "train", write("table.csv", price=list(range(60))), "--target", "prize")
    assert "'table.csv': expected the name of a column, but got 'prize'. Did you mean 'price'?" in said


def test_an_empty_column_is_left_out(capsys):
    words = ["--target", "y", "--epochs", "1", "--out", "run"]
    assert main(["train", write("table.csv", note=[None] * 60), *words]) == 0
    out, err = capsys.readouterr()
    assert re.search("note.*no row has a value", out) and "Traceback" not in err


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "'text': no row has a value. Add columns, or in Python name their kinds"),
        (
            "so good, number {}",
            "Add other columns; texts such as 'text' need layers.TextVectorization, in Python.",
        ),
    ],
)
def test_no_column_to_learn_from(capsys, cell, message):
    lines = [f'"{cell.format(row)}",{"no" if row % 2 else "yes"}' for row in range(60)]
    Path("reviews.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    said = failed(capsys, "train", "reviews.csv", "--target", "label")
    assert "expected at least one column to learn from, but got 'text': " in said and message in said


@pytest.mark.parametrize("kind", ["single-label", "single_label"])
def test_kinds_may_be_spelt_as_in_python(kind):
    labels = ["low", "middle", "high"] * 30
    words = ["--target", "level", "--kind", kind, "--epochs", "1", "--out", "run", "--quiet"]
    assert main(["train", write("table.csv", rows=90, level=labels), *words]) == 0


def test_an_empty_target(capsys):
    said = failed(capsys, "train", write("table.csv", note=[None] * 60), "--target", "note")
    assert "target 'note': expected values, but got none in any row. Name another column." in said


def test_a_name_for_each_row_as_target(capsys):
    said = failed(
        capsys, "train", write("table.csv", who=[f"person{i}" for i in range(60)]), "--target", "who"
    )
    assert "expected classes that occur several times, but got 60 different values in 60 rows" in said


def test_a_kind_that_does_not_fit(capsys):
    said = failed(capsys, "train", write("table.csv"), "--target", "y", "--kind", "regression")
    assert "target 'y': expected numbers, but got text" in said


def test_a_target_for_a_named_set(capsys):
    said = failed(capsys, "train", "digits", "--target", "digit")
    assert "data set 'digits': expected no further settings" in said


def test_a_folder_that_cannot_be_made(capsys):
    said = failed(capsys, "train", write("table.csv"), "--out", "table.csv/run")
    assert "out 'table.csv/run': expected a folder, but got 'table.csv', which is a file" in said


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_model_that_is_not_there(capsys, command):
    said = failed(capsys, command, "none.gwz", write("table.csv"))
    assert (
        said
        == f"gradwise {command}: load 'none.gwz': expected a model file, but got no such file. Check the path.\n"
    )


def test_a_damaged_model(capsys, trained):
    with open("half.gwz", "wb") as file:
        file.write((trained / "run" / "model.gwz").read_bytes()[:5000])
    assert "expected a whole model file" in failed(capsys, "summary", "half.gwz")


def test_columns_missing_at_prediction(capsys, trained):
    with open("new.csv", "w") as file:
        file.write("z\n1\n")
    said = failed(capsys, "predict", str(trained / "run" / "model.gwz"), "new.csv")
    assert "'new.csv': expected the columns the model was trained on, but got a table without 'x'" in said


def test_answers_never_replace_the_data_or_the_model(capsys, trained):
    model = str(trained / "run" / "model.gwz")
    said = failed(capsys, "predict", model, write("table.csv"), "--out", "./table.csv")
    assert "out 'table.csv': expected a new file, but got the model or the data" in said
    assert "expected a new file" in failed(capsys, "predict", model, "table.csv", "--out", model)


def test_answers_need_a_folder(capsys, trained):
    said = failed(
        capsys, "predict", str(trained / "run" / "model.gwz"), write("table.csv"), "--out", "no/a.csv"
    )
    assert "out 'no/a.csv': expected a file in an existing folder, but got no folder 'no'" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "digits", "--epochs", "0"], "--epochs: expected a whole number from 1 on, but got '0'"),
        (
            ["train", "digits", "--batch-size", "x"],
            "--batch-size: expected a whole number from 1 on, but got 'x'",
        ),
        (["train", "digits", "--seed", "-1"], "--seed: expected"),
        (["train", "digits", "--kind", "guess"], "invalid choice: 'guess'"),
        (["trane"], "invalid choice: 'trane'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_words_that_make_no_sense(capsys, words, message):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_an_error_of_the_system_is_one_line(capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gradwise.workflow.prepared.read_table", refuse)
    assert "the system refused: [Errno 28] No space left" in failed(capsys, "train", write("table.csv"))


def test_an_interrupt_is_told_in_a_line(capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradwise.workflow.runs.train", interrupt)
    assert main(["train", write("table.csv")]) == 130
    assert capsys.readouterr().err == "\ngradwise train: interrupted; nothing was written.\n"
    assert not os.path.exists("runs")


def test_a_real_interrupt_in_the_middle_of_training():
    words = [sys.executable, "-m", "gradwise", "train", "digits", "--epochs", "100000", "--out", "run"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while "Epoch" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "gradwise train: interrupted; nothing was written."
    assert not os.path.exists("run")


def test_a_reader_that_has_seen_enough_is_no_error(trained):
    words = f"{sys.executable} -m gradwise predict {trained}/run/model.gwz {trained}/table.csv | head -1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "predicted_y,probability_no,probability_yes\n" and done.stderr == ""


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["train", "--help"], ["predict", "--help"]])
def test_version_and_help(capsys, words):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    out = capsys.readouterr().out
    assert out == f"gradwise {__version__}\n" if words == ["--version"] else "examples:" in out
    assert max(len(line) for line in out.splitlines()) <= 110
    if words == ["train", "--help"]:
        assert "a file (CSV, TSV, .gz of them, Parquet, Arrow, JSON lines)" in " ".join(out.split())


def test_the_command_line_itself_imports_nothing_heavy():
    code = "import sys, gradwise.cli as cli\nbefore = set(sys.modules)\ntry:\n    cli.main(['--version'])\nexcept SystemExit:\n    print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    for heavy in ("polars", "sklearn", "matplotlib", "rich", "PIL", "narwhals"):
        assert heavy not in loaded
    assert time.perf_counter() - begun < 10
