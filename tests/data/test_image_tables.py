"""Images named in tables, with every kind of target."""

import numpy as np
import pandas
import polars
import pytest
from PIL import Image

from gradwise.data.image_decoding import ImageReader
from gradwise.data.image_tables import ImageTable
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")


@pytest.fixture
def shots(tmp_path):
    """A folder with eight images, shot 3 being of grey 30, and a CSV file beside them."""

    def write(*columns, names=None):
        (tmp_path / "shots").mkdir(exist_ok=True)
        for number in range(8):
            Image.new("L", (4, 4), 10 * number).save(tmp_path / "shots" / f"{number}.png")
        names = names or [f"shots/{number}.png" for number in range(8)]
        lines = ["file," + ",".join(column[0] for column in columns)]
        lines += [
            ",".join([name, *(str(column[1][row]) for column in columns)]) for row, name in enumerate(names)
        ]
        (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / "table.csv"

    return write


def test_classes(shots):
    table = shots(("kind", ["cat", "dog", "cat", "bird", "dog", "bird", "cat", "dog"]))
    images = ImageTable(table, "file", "kind", size=2, channels=1)
    assert images.class_names == ["bird", "cat", "dog"] and images.problem.kind == "single_label"
    assert images.labels.tolist() == [1, 2, 1, 0, 2, 0, 1, 2] and images.labels.dtype == np.int32
    image, label = images[3]
    assert image.shape == (2, 2, 1) and (image == 30).all() and label == 0
    assert images.class_counts() == {"bird": 2, "cat": 3, "dog": 3}
    assert images.to_arrays()[0][:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50, 60, 70]
    assert repr(images) == "<ImageTable of 8 files in 3 classes>"


def test_two_classes(shots):
    images = ImageTable(shots(("ill", ["yes", "no"] * 4)), "file", "ill")
    assert images.class_names == ["no", "yes"] and images.labels.tolist() == [1, 0] * 4
    assert images.problem.last_activation == "sigmoid"


def test_a_regression_in_its_own_unit(shots):
    ages = [31.5, 20.25, 44, 5, 60, 71, 18, 19]
    images = ImageTable(shots(("age", ages)), "file", "age")
    assert images.problem.kind == "regression" and images.class_names is None
    assert images.labels.dtype == np.float32 and images.labels.tolist() == ages
    with pytest.raises(InputError, match="class_counts: expected labels that number classes"):
        images.class_counts()


def test_several_numbers(shots):
    left, top = np.arange(8) * 1.5, np.arange(8)[::-1] * 10.0
    images = ImageTable(shots(("left", left), ("top", top)), "file", ["left", "top"])
    np.testing.assert_array_equal(images.labels, np.stack([left, top], axis=1).astype(np.float32))
    assert images[2][1].tolist() == [3.0, 50.0]


def test_several_labels_in_columns_and_in_cells(shots):
    car, person = [1, 0, 1, 1, 0, 1, 0, 0], [0, 1, 1, 0, 0, 1, 1, 0]
    images = ImageTable(shots(("car", car), ("person", person)), "file", ["car", "person"])
    assert images.problem.kind == "multi_label" and images.class_names == ["car", "person"]
    np.testing.assert_array_equal(images.labels, np.stack([car, person], axis=1))
    tags = ["car", "person", "car|person", "car", "person", "car|person", "person", "car"]
    images = ImageTable(shots(("tags", tags)), "file", "tags")
    assert images.class_names == ["car", "person"] and images.labels.dtype == np.float32
    assert images.labels[:3].tolist() == [[1, 0], [0, 1], [1, 1]]


def test_the_kind_asked_for(shots):
    table = shots(("stars", [1, 2, 3, 4, 5, 1, 2, 3]))
    assert ImageTable(table, "file", "stars", kind="regression").labels.dtype == np.float32


def test_without_targets(shots):
    images = ImageTable(shots(("x", range(8))), "file")
    assert images.labels is None and images.problem is None and images.class_names is None
    assert images[1].shape == (4, 4, 3)


def test_rows_without_a_target_are_left_out(shots):
    table = shots(("kind", ["a", "b", "", "a", "b", "?", "a", "b"]))
    images = ImageTable(table, "file", "kind")
    assert images.rows.tolist() == [0, 1, 3, 4, 6, 7] and len(images) == 6
    part = images.take([5, 0])
    assert part.rows.tolist() == [7, 0] and part.labels.tolist() == [1, 0]


def test_frames_and_roots(shots, tmp_path, monkeypatch):
    shots(("x", range(8)))
    names = [f"{number}.png" for number in range(8)]
    data = {"file": names, "kind": ["a", "b"] * 4}
    for frame in (data, pandas.DataFrame(data), polars.DataFrame(data)):
        images = ImageTable(frame, "file", "kind", root=tmp_path / "shots")
        assert images[3][0][0, 0, 0] == 30 and images.labels.tolist() == [0, 1] * 4
    monkeypatch.chdir(tmp_path / "shots")
    assert len(ImageTable(data, "file", "kind")) == 8
    absolute = {**data, "file": [str(tmp_path / "shots" / name) for name in names]}
    assert len(ImageTable(absolute, "file", "kind", root="/nowhere")) == 8


def test_a_reader_of_ones_own(shots):
    table = shots(("age", range(0, 80, 10)))
    images = ImageTable(
        table, "file", "age", reader=ImageReader(channels=1, dtype="uint16"), kind="regression"
    )
    assert images[1][0].dtype == np.uint16
    with pytest.raises(InputError, match="ImageTable: expected reader, or size and channels, but got both"):
        ImageTable(table, "file", "age", size=4, reader=ImageReader())


def test_all_missing_files_are_told_before_anything_is_read(shots, tmp_path):
    names = ["shots/0.png", "gone.png", "shots/2.png", "", "shots/4.png", "shots", "x.png", "y.png"]
    table = shots(("kind", ["a", "b"] * 4), names=names)
    message = r"table.csv', column 'file': expected files in '.*', but got 5 of 8 missing: 'gone.png' \(row 2\), '' \(row 4\), 'shots' \(row 6\), …. Correct the names or root="
    with pytest.raises(InputError, match=message) as caught:
        ImageTable(table, "file", "kind")
    told = caught.value.__notes__[0].split("\n")
    assert told[0] == "Missing files:" and told[-1] == "'y.png' (row 8)" and len(told) == 6


def test_endings_that_lack(shots):
    table = shots(("kind", ["a", "b"] * 4), names=[f"shots/{number}" for number in range(8)])
    with pytest.raises(InputError, match="8 of 8 missing: .* The files end in '.png': add it to the names"):
        ImageTable(table, "file", "kind")


def test_unknown_columns(shots):
    table = shots(("kind", ["a", "b"] * 4))
    with pytest.raises(
        InputError, match="expected the name of a column, but got 'flie'. Did you mean 'file'"
    ):
        ImageTable(table, "flie", "kind")
    with pytest.raises(InputError, match="expected the name of a column, but got 'kinds'"):
        ImageTable(table, "file", "kinds")


def test_real_annotations(real_file):
    images = ImageTable(
        real_file("detection/bccd_jpeg/annotations.csv"),
        "file",
        ["xmin", "ymin", "xmax", "ymax"],
        size=(48, 64),
    )
    assert images.labels.shape[1] == 4 and images.labels.max() <= 640
    assert images[0][0].shape == (48, 64, 3) and len(set(images.paths)) == 20
