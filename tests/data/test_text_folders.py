"""Folders of texts: classes, encodings and broken files."""

import pickle
import warnings

import keras
import numpy as np
import pytest

from gradwise.data.broken import BrokenSample
from gradwise.data.text_folders import TextFiles, TextFolder
from gradwise.data.text_reading import TextReader
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("A6")


@pytest.fixture
def reviews(tmp_path):
    for name, texts in {"pos": ["good", "very good"], "neg": ["bad", "so bad", "awful"]}.items():
        (tmp_path / "reviews" / name).mkdir(parents=True)
        for number, text in enumerate(texts):
            (tmp_path / "reviews" / name / f"{number}.txt").write_text(text)
    return tmp_path / "reviews"


def test_classes_are_folders(reviews):
    (reviews / "neg" / "notes.md").write_text("")
    folder = TextFolder(reviews)
    assert folder.class_names == ["neg", "pos"] and folder.labels.tolist() == [0, 0, 0, 1, 1]
    assert folder[4] == ("very good", 1) and folder[0] == ("bad", 0)
    assert folder.class_counts() == {"neg": 3, "pos": 2} and folder.ignored == {".md": 1}
    assert folder.check() == [] and folder.not_utf8 == []
    texts, labels = folder.to_arrays()
    assert texts.tolist() == ["bad", "so bad", "awful", "good", "very good"]
    assert labels.tolist() == [0, 0, 0, 1, 1]
    assert TextFolder(reviews, ["pos"]).labels.tolist() == [0, 0]
    assert pickle.loads(pickle.dumps(folder))[3] == ("good", 1)


def test_without_labels(reviews):
    folder = TextFolder(reviews)
    assert TextFiles(folder.paths)[1] == "so bad"
    assert TextFiles(folder.paths).to_arrays()[1] is None


@pytest.mark.parametrize(
    "content",
    [
        "Füße\nzwei".encode(),
        b"\xef\xbb\xbf" + "Füße\nzwei".encode(),
        "Füße\r\nzwei".encode(),
        "Füße\rzwei".encode(),
        "Füße\nzwei".encode("utf-16"),
        b"\xfe\xff" + "Füße\nzwei".encode("utf-16-be"),
    ],
)
def test_encodings_that_are_known(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    assert TextReader()(str(tmp_path / "a.txt")) == "Füße\nzwei"


def test_other_encodings_are_told(reviews):
    (reviews / "pos" / "2.txt").write_bytes("Füße — “gut”".encode("cp1252"))
    (reviews / "pos" / "3.txt").write_bytes(b"odd \x81 byte \xff")
    folder = TextFolder(reviews)
    with pytest.warns(
        UserWarning, match=r"not in UTF-8 and was read as cp1252; check\(\) lists all"
    ) as caught:
        assert folder[5] == ("Füße — “gut”", 1)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning):
        assert folder[6][0] == "odd � byte ÿ"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert folder.check() == []
    assert folder.not_utf8 == folder.paths[-2:]
    assert folder.take([0, 5]).not_utf8 == [folder.paths[5]]


def test_the_fallback_is_told_once(reviews):
    for number in range(4):
        (reviews / "pos" / f"{number}.txt").write_bytes(b"\xfcber")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        folder = TextFolder(reviews)
        texts = [text for text, _ in folder]
    assert texts[3:] == ["über"] * 4 and len(caught) == 1


def test_another_fallback_or_none(reviews):
    (reviews / "pos" / "2.txt").write_bytes("日本".encode("shift_jis"))
    with pytest.warns(UserWarning, match="read as shift_jis"):
        assert TextFolder(reviews, fallback="shift_jis")[5][0] == "日本"
    strict = TextFolder(reviews, fallback=None)
    with pytest.raises(BrokenSample, match="2.txt': .* but got text that is not in UTF-8"):
        strict[5]
    with pytest.raises(InputError, match="text fallback: expected an encoding Python knows, but got 'utf-9'"):
        TextFolder(reviews, fallback="utf-9")


def test_broken_texts(reviews):
    (reviews / "neg" / "3.txt").write_bytes(b"\x89PNG\r\n\0\0\0\xff")
    (reviews / "neg" / "4.txt").symlink_to(reviews / "gone.txt")
    (reviews / "pos" / "empty.txt").write_text("")
    folder = TextFolder(reviews)
    found = folder.check()
    assert found == [(folder.paths[3], "no text"), (folder.paths[4], "No such file or directory")]
    with pytest.raises(BrokenSample, match="3.txt': .* but got no text"):
        folder[3]
    with pytest.warns(UserWarning, match="to_arrays: 2 of 8 files cannot be read and were left out"):
        texts, labels = folder.to_arrays()
    assert texts.tolist() == ["bad", "so bad", "awful", "good", "very good", ""]
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(FileError, match="3.txt': expected a file that can be read, but got no text"):
        TextFolder(reviews, on_broken="raise")[3]


def test_lengths(reviews):
    assert TextFolder(reviews, max_length=3)[4] == ("ver", 1)
    for length in (0, 2.5):
        with pytest.raises(InputError, match="text max_length: expected a number of characters, but got"):
            TextFolder(reviews, max_length=length)


def test_no_texts(reviews, tmp_path):
    with pytest.raises(InputError, match="but got no folder, but 2 files"):
        TextFolder(reviews / "pos")
    (tmp_path / "none" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match="expected files that end in .txt, but got none in 1 class folders"):
        TextFolder(tmp_path / "none")


@pytest.mark.parametrize("max_length", [None, 4])
def test_texts_are_keras(reviews, max_length):
    folder = TextFolder(reviews, max_length=max_length)
    theirs = keras.utils.text_dataset_from_directory(
        reviews, shuffle=False, format="grain", batch_size=None, max_length=max_length, verbose=False
    )
    assert [(text, int(label)) for text, label in theirs] == [(text, int(label)) for text, label in folder]
    np.testing.assert_array_equal(theirs.class_names, folder.class_names)
