import dataclasses
import os
from html.parser import HTMLParser

import numpy as np
import pytest

from gradwise.views.record import Column, Data, LayerRow, Mistake, ModelSummary, Part, Problem
from gradwise.views.report import render_report, write_report

pytestmark = pytest.mark.feature("G10")
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that every element is closed where it must be, and keeps tags, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts, self.sections = [], [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.texts).replace("\u00a0", " ").split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "section":
            self.sections.append(dict(attrs)["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def _one_class_problem(run, classes):
    counts = np.diag(np.full(classes, 5)) + np.eye(classes, k=1, dtype=int)
    names = tuple(f"class {index}" for index in range(classes))
    return dataclasses.replace(
        run, problem=Problem("single-label", "kind", names), confusion=counts, mistakes=()
    )


def test_the_page_tells_the_run(run):
    page = Page(render_report(run))
    for told in (
        "97.8 % of the held-out test samples right; the baseline gets 10.3 %.",
        "95 % interval 95.7 % to 98.9 %",
        "The baseline always answers '3'.",
        "The validation loss was lowest, 0.6, at epoch 2.",
        "Stopped early.",
        "97.3 % sure",
        "2 test samples also occur in the training part",
        "A warning of its own.",
        "divided by 16",
        "names the row",
        "4\u202f810 parameters, 4\u202f160 of them trainable",
        "(batch, 64)",
        "categorical_crossentropy",
        "One of ten.",
        "those of epoch 2",
        "3 of at most 50",
        "gradwise 0.1.0",
        "a machine",
        "a date",
    ):
        assert " ".join(told.split()) in page.text, told


def test_sections_come_in_order(run):
    wanted = [
        "verdict",
        "scores",
        "curves",
        "confusion",
        "mistakes",
        "data",
        "model",
        "training",
        "reproduce",
    ]
    assert Page(render_report(run)).sections == wanted


def test_commands_are_kept_letter_by_letter(run):
    assert "<code>gradwise predict model.gw new.csv\n  --out here  x</code>" in render_report(run)


def test_nothing_is_loaded_and_nothing_runs(run):
    content = render_report(run)
    page = Page(content)
    assert "http:" not in content and "https:" not in content and "@import" not in content
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith(("data:image/png;base64,", "#"))


def test_links_within_the_page_find_their_sections(run):
    page = Page(render_report(run))
    identities = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href"} <= identities


def test_everything_a_user_named_is_escaped(run):
    evil = '<script>alert("1")</script>'
    nasty = dataclasses.replace(
        run,
        title=evil,
        problem=Problem(evil, evil, (evil,) * 10, evil, evil, evil),
        data=Data(evil, 3, (Column(evil, evil, evil),), (Part(evil, 3, (1,) * 10),), (), 0, (evil,)),
        model=ModelSummary((LayerRow(evil, evil, evil, 1, evil),), 1),
        training=dataclasses.replace(
            run.training, optimizer=evil, machine=evil, stopped=evil, versions={evil: evil}
        ),
        scores=(dataclasses.replace(run.scores[0], name=evil, explanation=evil),),
        baseline=evil,
        history={evil: [1.0], f"val_{evil}": [1.0]},
        mistakes=(Mistake(evil, evil, row={evil: evil, evil + "2": evil}, image=np.zeros((2, 2), np.uint8)),),
        commands=(dataclasses.replace(run.commands[0], purpose=evil, text=evil),),
    )
    page = Page(render_report(nasty))
    assert "script" not in page.tags
    assert page.text.count(evil) > 20


def test_regression(regression):
    page = Page(render_report(regression))
    assert "Test mean absolute error 2.41; the baseline gets 6.53." in page.text
    assert "on average they are too high by 2" in page.text
    assert "half of the predictions are within 2" in page.text
    assert "true 21.5 , predicted 50 28.5 too high" in page.text
    assert "town missing" in page.text


def test_a_model_that_does_not_beat_the_baseline(run):
    weak = dataclasses.replace(run, scores=(dataclasses.replace(run.scores[0], value=0.11),))
    assert "Does not beat the baseline No better than the baseline: 11.0 %" in Page(render_report(weak)).text


@pytest.mark.parametrize("classes", [2, 10, 13, 20, 60])
def test_any_number_of_classes(run, classes):
    page = Page(render_report(_one_class_problem(run, classes)))
    assert ("most frequent confusions among 60 classes" in page.text) == (classes == 60)
    assert f"class {classes - 1}" in page.text


def test_no_mistakes_at_all(run):
    perfect = dataclasses.replace(run, confusion=np.diag(np.full(10, 36)), mistakes=())
    assert "Not one of the 360 test samples was wrong." in Page(render_report(perfect)).text
    perfect = _one_class_problem(perfect, 30)
    perfect = dataclasses.replace(perfect, confusion=np.eye(30, dtype=int))
    assert "No class was taken for another." in Page(render_report(perfect)).text


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ({}, "No history was kept."),
        ({"loss": [0.5]}, "There was no validation part"),
        ({"loss": [0.5, float("nan")], "val_loss": [0.6, float("nan")]}, "not finite from epoch 2 on"),
        ({"loss": [float("nan")], "val_loss": [float("nan")]}, "not finite from epoch 1 on"),
    ],
)
def test_histories_of_every_kind(run, history, told):
    assert told in Page(render_report(dataclasses.replace(run, history=history))).text


def test_long_and_foreign_names(run):
    names = ("一个非常长的类别名称" * 8, "x" * 300)
    long = dataclasses.replace(
        run,
        title="泰坦尼克号",
        problem=Problem("binary", "幸存", names),
        confusion=np.array([[3, 1], [2, 4]]),
        mistakes=(Mistake(names[0], names[1], 0.6, row={"列" * 200: "值" * 900}),),
    )
    page = Page(render_report(long))
    assert "泰坦尼克号" in page.text and names[0] in page.text


def test_a_row_of_text_is_shown_as_text(run):
    spoken = dataclasses.replace(run, mistakes=(Mistake("3", "8", row={"text": "word " * 200}),))
    content = render_report(spoken)
    assert 'class="quote">word word' in content and "word…" in content


def test_whole_numbers_that_name_classes_are_not_subtracted(run):
    content = Page(render_report(dataclasses.replace(run, mistakes=(Mistake(3, 8, 0.9),)))).text
    assert "3 taken for 8" in content


def test_same_run_same_bytes(run, tmp_path):
    one = write_report(tmp_path / "one.html", run).read_bytes()
    assert write_report(tmp_path / "deeper" / "two.html", run).read_bytes() == one
    assert one.decode("utf-8").startswith("<!DOCTYPE html>")


def test_a_file_is_replaced_whole_or_left_alone(run, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("the old report")

    def broken(source, target):
        assert path.read_text() == "the old report"
        assert os.path.dirname(source) == str(tmp_path)
        raise OSError("no room left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", broken)
        with pytest.raises(OSError, match="no room left"):
            write_report(path, run)
    assert path.read_text() == "the old report"
    assert os.listdir(tmp_path) == ["report.html"]
    write_report(path, run)
    assert path.read_text(encoding="utf-8") == render_report(run)


def test_a_run_that_contradicts_itself_leaves_no_file(run, tmp_path):
    with pytest.raises(ValueError, match="one class name for each row"):
        write_report(tmp_path / "report.html", dataclasses.replace(run, confusion=np.eye(3)))
    assert os.listdir(tmp_path) == []
