"""Folders of images: what is listed, in which order, what is broken, and reading in parts, threads and processes."""

import multiprocessing
import os
import pickle
import time

import numpy as np
import pytest
from PIL import Image

from gradwise.data.broken import BrokenSample
from gradwise.data.image_decoding import ImageReader, decode_image
from gradwise.data.image_folders import ImageFiles, ImageFolder
from gradwise.data.splits import holdout
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("A6")


def draw(path, value=0, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


@pytest.fixture
def pets(tmp_path):
    """Three classes with 3, 2 and 1 images of different grey."""
    value = 0
    for name, count in (("dog", 3), ("cat", 2), ("axolotl", 1)):
        for number in range(count):
            value += 10
            draw(tmp_path / "pets" / name / f"{number}.png", value)
    return tmp_path / "pets"


def relative(folder, root):
    return [os.path.relpath(path, root).replace(os.sep, "/") for path in folder.paths]


def test_classes_are_folders_in_order(pets):
    folder = ImageFolder(pets)
    assert folder.class_names == ["axolotl", "cat", "dog"]
    assert relative(folder, pets) == [
        "axolotl/0.png", "cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png", "dog/2.png",
    ]  # fmt: skip
    assert folder.labels.tolist() == [0, 1, 1, 2, 2, 2] and folder.labels.dtype == np.int32
    assert folder.class_counts() == {"axolotl": 1, "cat": 2, "dog": 3}
    assert len(folder) == 6 and folder.ignored == {} and folder.broken == []
    assert repr(folder) == "<ImageFolder of 6 files in 3 classes>"


def test_samples(pets):
    folder = ImageFolder(pets, size=(3, 5), channels=1)
    image, label = folder[3]
    assert image.shape == (3, 5, 1) and image.dtype == np.uint8 and (image == 10).all()
    assert label == 2 and np.asarray(label).dtype == np.int32
    assert folder[-1][0][0, 0, 0] == 30 and folder[np.int64(0)][1] == 0
    with pytest.raises(IndexError):
        folder[6]
    assert len(list(folder)) == 6


def test_settings_reach_the_reader(pets):
    folder = ImageFolder(pets, 4, 4, interpolation="nearest", crop_to_aspect_ratio=True, dtype="uint16")
    assert folder.reader == ImageReader((4, 4), 4, "nearest", True, False, "uint16")
    assert ImageFolder(pets, 4, pad_to_aspect_ratio=True).reader.pad_to_aspect_ratio
    with pytest.raises(InputError, match="image size: expected a height and a width in pixels, but got 0"):
        ImageFolder(pets, 0)


def test_chosen_classes_in_the_order_given(pets):
    folder = ImageFolder(pets, class_names=["dog", "axolotl"])
    assert folder.class_names == ["dog", "axolotl"]
    assert relative(folder, pets) == ["dog/0.png", "dog/1.png", "dog/2.png", "axolotl/0.png"]
    assert folder.labels.tolist() == [0, 0, 0, 1]
    with pytest.raises(
        InputError, match=r"different names of folders \(axolotl, cat, dog\), but got 'bird', which is none"
    ):
        ImageFolder(pets, class_names=["dog", "bird"])
    with pytest.raises(InputError, match="but got 'dog' twice. Correct the names"):
        ImageFolder(pets, class_names=["dog", "dog"])


def test_nested_hidden_and_foreign_files(pets):
    draw(pets / "dog" / "small" / "brown" / "x.JPG")
    draw(pets / "dog" / ".trash" / "y.png")
    draw(pets / "dog" / "._0.png")
    draw(pets / ".cache" / "z.png")
    draw(pets / "loose.png")
    (pets / "cat" / "notes.txt").write_text("miaow")
    (pets / "cat" / "Thumbs.db").write_bytes(b"")
    (pets / "cat" / "more.txt").write_text("")
    (pets / "cat" / "README").write_text("")
    folder = ImageFolder(pets)
    assert folder.class_names == ["axolotl", "cat", "dog"]
    assert relative(folder, pets)[3:] == ["dog/0.png", "dog/1.png", "dog/2.png", "dog/small/brown/x.JPG"]
    assert folder.ignored == {".txt": 2, "hidden": 1, "outside": 1, ".db": 1, "without ending": 1}


def test_empty_classes_stay_with_a_warning(pets):
    (pets / "bird").mkdir()
    with pytest.warns(UserWarning, match=r"no file in 'bird'; the class stays, without a sample") as caught:
        folder = ImageFolder(pets)
    assert folder.class_names == ["axolotl", "bird", "cat", "dog"]
    assert folder.class_counts()["bird"] == 0 and folder.labels.tolist() == [0, 2, 2, 3, 3, 3]
    assert len(caught) == 1
    (pets / "eel").mkdir()
    with pytest.warns(UserWarning, match="no file in 'bird', 'eel'; the classes stay"):
        ImageFolder(pets)


def test_nothing_there(tmp_path, pets):
    with pytest.raises(
        InputError, match="gone': expected a folder with a folder for each class, but got no such folder"
    ):
        ImageFolder(tmp_path / "gone")
    with pytest.raises(InputError, match="but got a file. Check the path"):
        ImageFolder(pets / "dog" / "0.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match="expected a folder for each class, but got no folder. Check the path"
    ):
        ImageFolder(tmp_path / "empty")
    with pytest.raises(
        InputError, match="but got no folder, but 3 files. Put each class into a folder of its own"
    ):
        ImageFolder(pets / "dog")
    (tmp_path / "texts" / "a").mkdir(parents=True)
    (tmp_path / "texts" / "a" / "x.txt").write_text("")
    with pytest.raises(
        InputError, match="expected files that end in .bmp, .* none in 1 class folders, but 1 .txt"
    ):
        ImageFolder(tmp_path / "texts")


def test_links(pets, tmp_path):
    draw(tmp_path / "elsewhere" / "wolf.png")
    (pets / "dog" / "wild").symlink_to(tmp_path / "elsewhere")
    (pets / "dog" / "loop").symlink_to(pets / "dog")
    (pets / "fox").symlink_to(tmp_path / "elsewhere")  # a class may be a link
    assert relative(ImageFolder(pets), pets)[-2:] == ["dog/2.png", "fox/wolf.png"]
    followed = relative(ImageFolder(pets, follow_links=True), pets)
    assert followed[-2:] == ["dog/wild/wolf.png", "fox/wolf.png"] and len(followed) == 8


def test_a_link_to_nowhere_is_broken_and_a_device_is_not_listed(pets):
    (pets / "cat" / "2.png").symlink_to(pets / "cat" / "gone.png")
    os.mkfifo(pets / "cat" / "pipe.png")  # opening it would wait for ever
    folder = ImageFolder(pets)
    assert relative(folder, pets)[1:4] == ["cat/0.png", "cat/1.png", "cat/2.png"]
    assert folder.check() == [(str(pets / "cat" / "2.png"), "No such file or directory")]


def test_names_of_any_kind(tmp_path):
    names = ["Füße", "猫", "white space", "a,b;c", "x" * 250]
    for name in names:
        draw(tmp_path / name / f"{name[:240]}.png")
    os.makedirs(os.fsencode(tmp_path) + b"/\xff\xfe")  # a name that is not UTF-8
    with open(os.fsencode(tmp_path) + b"/\xff\xfe/\xff.png", "wb") as file:
        Image.new("L", (2, 2)).save(file, "PNG")
    folder = pickle.loads(pickle.dumps(ImageFolder(tmp_path, 4)))
    assert folder.check(decode=True) == []
    assert len(folder) == 6 and set(names) < set(folder.class_names)
    assert folder.to_arrays()[0].shape == (6, 4, 4, 3)


@pytest.fixture
def damaged(pets):
    """The pets, with four broken files among them."""
    (pets / "cat" / "zero.png").write_bytes(b"")
    (pets / "cat" / "text.jpg").write_text("no image")
    draw(pets / "dog" / "cut.png", size=(64, 64))
    content = (pets / "dog" / "cut.png").read_bytes()
    (pets / "dog" / "cut.png").write_bytes(content[: len(content) - 40])
    return pets


def test_check_of_headers_and_of_everything(damaged):
    folder = ImageFolder(damaged)
    found = [(os.path.basename(path), reason) for path, reason in folder.check()]
    assert found == [("text.jpg", "no image of a kind that is read"), ("zero.png", "an empty file")]
    found = {os.path.basename(path): reason for path, reason in folder.check(decode=True)}
    assert list(found) == ["text.jpg", "zero.png", "cut.png"]  # in the order of the paths
    assert found["cut.png"].startswith("damaged data (")
    assert [path for path, _ in folder.broken] == [folder.paths[3], folder.paths[4], folder.paths[-1]]


def test_broken_files_when_read(damaged):
    folder = ImageFolder(damaged)
    with pytest.raises(BrokenSample, match="text.jpg': expected a sample that can be read") as caught:
        folder[3]
    assert caught.value.path == folder.paths[3]
    assert pickle.loads(pickle.dumps(caught.value)).reason == "no image of a kind that is read"
    strict = ImageFolder(damaged, on_broken="raise")
    with pytest.raises(
        FileError, match="text.jpg': expected a file that can be read, but got no image"
    ) as caught:
        strict[3]
    assert not isinstance(caught.value, BrokenSample)
    with pytest.raises(InputError, match="on_broken: expected 'skip' or 'raise', but got 'ignore'"):
        ImageFolder(damaged, on_broken="ignore")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may read everything")
def test_files_without_permission(pets):
    (pets / "cat" / "0.png").chmod(0)
    assert ImageFolder(pets).check() == [(str(pets / "cat" / "0.png"), "Permission denied")]


def test_everything_at_once(pets):
    folder = ImageFolder(pets, 4)
    images, labels = folder.to_arrays()
    assert images.shape == (6, 4, 4, 3) and images.dtype == np.uint8
    for place, (image, label) in enumerate(folder):
        np.testing.assert_array_equal(images[place], image)
        assert labels[place] == label
    assert ImageFolder(pets).to_arrays()[0].shape == (6, 6, 8, 3)  # all of one size


def test_everything_at_once_without_the_broken_ones(damaged):
    folder = ImageFolder(damaged, 4, channels=1)
    message = r"to_arrays: 3 of 9 files cannot be read and were left out, the first '.*text.jpg': no image"
    with pytest.warns(UserWarning, match=message) as caught:
        images, labels = folder.to_arrays()
    assert caught[0].filename == __file__
    assert images[:, 0, 0, 0].tolist() == [60, 40, 50, 10, 20, 30]
    assert labels.tolist() == [0, 1, 1, 2, 2, 2]
    assert [os.path.basename(path) for path, _ in folder.broken] == ["text.jpg", "zero.png", "cut.png"]
    with pytest.raises(FileError, match="text.jpg': expected a file that can be read"):
        ImageFolder(damaged, 4, on_broken="raise").to_arrays()


def test_sizes_that_differ_are_refused(pets):
    draw(pets / "dog" / "3.png", size=(9, 6))
    with pytest.raises(
        InputError, match=r"3.png': expected an image of shape \(6, 8, 3\), as the first, but got \(6, 9, 3\)"
    ):
        ImageFolder(pets).to_arrays()


def test_nothing_that_can_be_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    with pytest.raises(FileError, match="to_arrays: expected files that can be read, but got none among 1"):
        ImageFolder(tmp_path).to_arrays()


def test_parts(damaged):
    folder = ImageFolder(damaged, 4)
    folder.check()
    part = folder.take([8, 3, 0])
    assert part.paths == [folder.paths[8], folder.paths[3], folder.paths[0]]
    assert part.labels.tolist() == [2, 1, 0] and part.class_names == folder.class_names
    assert [path for path, _ in part.broken] == [folder.paths[3]]
    assert len(folder) == 9  # as before
    assert folder.take(folder.labels == 2).class_counts() == {"axolotl": 0, "cat": 0, "dog": 4}
    assert len(folder.take([])) == 0
    split = holdout(len(folder), seed=0)
    parts = [folder.take(rows) for rows in (split.train, split.validation, split.test)]
    assert sorted(path for one in parts for path in one.paths) == sorted(folder.paths)


def _read_one(folder):
    return folder[2][0].sum(), folder.paths


def test_other_processes_do_not_look_again(pets):
    folder = ImageFolder(pets, 4)
    draw(pets / "cat" / "new.png")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        total, paths = pool.apply(_read_one, (folder,))
    assert total == folder[2][0].sum() and paths == folder.paths


def test_many_files_are_listed_quickly(tmp_path):
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        for name in range(1000):
            os.close(os.open(tmp_path / str(number) / f"{name}.jpg", os.O_CREAT | os.O_WRONLY))
    times = []
    for _ in range(3):  # the best: the machine may be busy
        start = time.perf_counter()
        folder = ImageFolder(tmp_path, 224)
        times.append(time.perf_counter() - start)
    assert min(times) < 1
    assert len(folder) == 10_000
    assert len(pickle.dumps(folder)) < 2_000_000


def test_lists_of_files(pets):
    paths = [pets / "dog" / "0.png", pets / "cat" / "1.png"]
    images = ImageFiles(paths, [1.5, 2.5], ImageReader(4))
    assert images[1][1] == 2.5 and images.paths == [str(path) for path in paths]
    np.testing.assert_array_equal(ImageFiles(paths)[0], decode_image(paths[0]))
    assert ImageFiles(paths).to_arrays()[1] is None
    with pytest.raises(InputError, match=r"labels: expected one for each of 2 files, but got shape \(3,\)"):
        ImageFiles(paths, [1, 2, 3])
    with pytest.raises(InputError, match="class_counts: expected labels that number classes, but got others"):
        images.class_counts()


def test_real_photographs(real_file, tmp_path):
    first = real_file("detection/bccd_jpeg/BloodImage_00000.jpg")
    (tmp_path / "blood").symlink_to(first.parent)
    folder = ImageFolder(tmp_path, (96, 128))
    assert len(folder) == 20 and folder.ignored == {".csv": 1}
    assert folder.check(decode=True) == []
    images, _ = folder.to_arrays()
    with np.load(real_file("detection/bccd_96x128.npz")) as file:
        averaged = file["images"][:20].astype(float)
    # The same pictures, averaged over blocks of 5 x 5 pixels elsewhere.
    assert np.abs(images - averaged).mean() < 3
