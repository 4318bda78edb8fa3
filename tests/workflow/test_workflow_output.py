import os
import re

import pytest

from gradwise.errors import FileError, InputError
from gradwise.workflow.output import check_folder, next_folder, publish, replace_file


def test_a_run_leaves_exactly_three_files(tmp_path, binary_result):
    report = binary_result.save(tmp_path / "new" / "deep")
    assert report == tmp_path / "new" / "deep" / "report.html"
    assert sorted(os.listdir(report.parent)) == ["model.gwz", "report.html", "run.json"]
    for name in os.listdir(report.parent):
        assert (report.parent / name).stat().st_mode & 0o444 == 0o444


def test_other_files_of_the_folder_are_left_alone(tmp_path, binary_result):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "model.gwz").write_text("old")
    binary_result.save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "model.gwz").read_bytes()[:2] == b"PK"


def test_all_files_or_none(tmp_path):
    def fail(path):
        raise RuntimeError("no report today")

    (tmp_path / "a").write_text("old")
    writers = {"a": lambda path: path.write_text("new"), "b": fail}
    with pytest.raises(RuntimeError):
        publish(tmp_path, writers)
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "old"
    with pytest.raises(RuntimeError):
        publish(tmp_path / "new" / "deep", writers)
    assert os.listdir(tmp_path) == ["a"]


def test_the_report_says_how_to_use_and_repeat_the_run(tmp_path, digits_result):
    page = digits_result.save(tmp_path / "run").read_text(encoding="utf-8")
    assert "gradwise train digits --epochs 3 --batch-size 32 --seed 0" in page
    assert f"gradwise predict {tmp_path}/run/model.gwz digits" in page
    assert page.count("data:image/png") > 0


def test_folders_are_numbered(tmp_path):
    (tmp_path / "iris-1").mkdir()
    (tmp_path / "iris-3").mkdir()
    assert next_folder("iris", tmp_path).name == "iris-2"


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(
        InputError, match=r"out '.*taken/run': expected a folder, but got '.*taken', which is a file"
    ):
        check_folder(tmp_path / "taken" / "run")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    message = (
        "expected a place that can be written to, but got an error (Permission denied). Choose another path"
    )
    with pytest.raises(FileError, match=re.escape(message)):
        check_folder(tmp_path / "new")
    with pytest.raises(FileError, match=re.escape(message)):
        publish(tmp_path / "new", {})
    assert os.listdir(tmp_path) == []


def test_one_file_needs_an_existing_folder(tmp_path):
    with pytest.raises(InputError, match="expected a file in an existing folder, but got no folder"):
        replace_file(tmp_path / "none" / "a.csv", lambda path: path.write_text(""))
    with pytest.raises(InputError, match="but got a folder"):
        replace_file(tmp_path, lambda path: path.write_text(""))
