"""Keras' two functions for folders, against Keras."""

import inspect
import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras.src.utils import dataset_utils
from PIL import Image

from gradwise.data.directory_datasets import image_dataset_from_directory, text_dataset_from_directory
from gradwise.data.stream import Loader
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


@pytest.fixture
def pets(tmp_path):
    """Two classes of images, in folders within folders, with names and endings of every kind."""
    value = 0
    for name in ("b/0.png", "b/10.png", "b/9.png", "b/z-1/x.png", "b/z/x.PNG", "b/z/.hidden.png", "b/Ü.gif",
                 "a b/1.bmp", "a b/2.jpeg", "a b/deep/down/3.jpg", "a b/.h/4.png"):  # fmt: skip
        value += 20
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (value, value, value)).save(path)
    (tmp_path / "pets" / "b" / "notes.txt").write_text("x")
    (tmp_path / "pets" / "b" / "scan.tif").write_bytes(b"")
    (tmp_path / "pets" / ".git").mkdir()
    return tmp_path / "pets"


@pytest.fixture
def reviews(tmp_path):
    for name in ("pos", "neg"):
        (tmp_path / "reviews" / name).mkdir(parents=True)
        for number in range(6):
            (tmp_path / "reviews" / name / f"{number}.txt").write_text(f"{name} {number}")
    return tmp_path / "reviews"


def listed(directory, labels="inferred", split=None, subset=None, **settings):
    """The files, labels and class names that Keras chooses."""
    settings = {"formats": IMAGES, "shuffle": True, "seed": 3, "verbose": False, **settings}
    paths, numbers, names = dataset_utils.index_directory(directory, labels, **settings)
    if subset:
        paths, numbers = dataset_utils.get_training_or_validation_split(paths, numbers, split, subset)
    return SimpleNamespace(paths=paths, labels=numbers, names=names)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("class_names", [None, ["b", "a b"], ["b"]])
def test_files_and_labels_are_keras(pets, shuffle, class_names):
    theirs = listed(pets, shuffle=shuffle, class_names=class_names)
    ours = image_dataset_from_directory(
        pets, shuffle=shuffle, seed=3, class_names=class_names, image_size=(4, 6), verbose=False
    )
    assert ours.file_paths == theirs.paths and ours.class_names == theirs.names
    assert ours.files.labels.tolist() == theirs.labels.tolist()
    assert isinstance(ours, Loader)


@pytest.mark.parametrize("directory", ["pets", "./pets", "pets/"])
def test_paths_are_written_as_keras_does(pets, monkeypatch, directory):
    monkeypatch.chdir(pets.parent)
    assert (
        image_dataset_from_directory(directory, seed=3, verbose=False).file_paths == listed(directory).paths
    )
    ours = image_dataset_from_directory(directory, labels=None, seed=3, verbose=False)
    assert ours.file_paths == listed(directory, labels=None).paths


@pytest.mark.parametrize("labels", [list(range(11)), [1, 0] * 5 + [1], None])
def test_given_labels_are_keras(pets, labels):
    theirs = listed(pets, labels=None if labels is None else list(labels))
    ours = image_dataset_from_directory(pets, labels=labels, seed=3, verbose=False)
    assert ours.file_paths == theirs.paths and ours.class_names == theirs.names
    assert (None if labels is None else ours.files.labels.tolist()) == theirs.labels
    as_array = None if labels is None else np.array(labels)
    assert (
        image_dataset_from_directory(pets, labels=as_array, seed=3, verbose=False).file_paths == theirs.paths
    )


@pytest.mark.parametrize("split", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_splits_are_keras(pets, split, shuffle):
    settings = {"shuffle": shuffle, "seed": 3}
    common = {**settings, "validation_split": split, "image_size": 4, "verbose": False}
    both = image_dataset_from_directory(pets, subset="both", **common)
    for subset, part in zip(("training", "validation"), both, strict=True):
        theirs = listed(pets, split=split, subset=subset, **settings)
        alone = image_dataset_from_directory(pets, subset=subset, **common)
        for ours in (part, alone):
            assert ours.file_paths == theirs.paths
            assert ours.files.labels.tolist() == theirs.labels.tolist()
            assert ours.class_names == ["a b", "b"]
    assert both[0].shuffle == shuffle and not both[1].shuffle


@pytest.mark.parametrize("label_mode", ["int", "categorical", "binary", None])
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_batches_are_keras(pets, label_mode, color_mode, data_format):
    (pets / "b" / "Ü.gif").unlink()  # Keras leaves it open
    settings = {
        "label_mode": label_mode, "color_mode": color_mode, "data_format": data_format, "batch_size": 4,
        "image_size": (8, 12), "shuffle": False, "verbose": False,
    }  # fmt: skip
    ours = list(image_dataset_from_directory(pets, **settings))
    theirs = [
        batch if isinstance(batch, tuple) else (batch,)
        for batch in keras.utils.image_dataset_from_directory(pets, format="grain", **settings)
    ]
    assert len(ours) == len(theirs) == 3
    for mine, other in zip(ours, theirs, strict=True):
        assert len(mine) == len(other) == (1 if label_mode is None else 2)
        assert mine[0].dtype == np.uint8 and mine[0].shape == other[0].shape
        assert np.abs(mine[0] - np.asarray(other[0])).max() <= 1
        if label_mode is not None:
            np.testing.assert_array_equal(mine[1], np.asarray(other[1]))
            assert mine[1].dtype == np.asarray(other[1]).dtype


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "area"])
def test_interpolations(tmp_path, rng, interpolation):
    (tmp_path / "a").mkdir()
    pixels = rng.integers(100, 150, (5, 7, 3), dtype=np.uint8)  # neither overshoots
    Image.fromarray(pixels).save(tmp_path / "a" / "1.png")
    settings = {"image_size": (15, 21), "interpolation": interpolation, "batch_size": None, "verbose": False}
    ((ours, label),) = image_dataset_from_directory(tmp_path, **settings)
    assert ours.shape == (15, 21, 3) and label == 0
    if interpolation == "area":
        theirs = pixels.repeat(3, axis=0).repeat(3, axis=1).astype(float)
    elif interpolation == "bicubic":
        theirs = np.asarray(keras.ops.image.resize(pixels.astype("float32"), (15, 21), "bicubic"))
    else:
        ((theirs, _),) = keras.utils.image_dataset_from_directory(tmp_path, format="grain", **settings)
        theirs = np.asarray(theirs)
    assert np.abs(ours - np.clip(theirs, 0, 255)).max() <= 2


def test_texts_are_keras(reviews):
    settings = {"validation_split": 0.25, "subset": "both", "seed": 5, "verbose": False}
    ours = text_dataset_from_directory(reviews, batch_size=5, max_length=5, **settings)
    theirs = [
        listed(reviews, split=0.25, subset=subset, formats=(".txt",), seed=5)
        for subset in ("training", "validation")
    ]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.file_paths == other.paths and mine.files.labels.tolist() == other.labels.tolist()
    texts, labels = next(iter(ours[1]))
    assert len(texts) == 3 and all(len(text) == 5 for text in texts)
    assert labels.tolist() == [["neg", "pos"].index(text[:3]) for text in texts]
    binary = text_dataset_from_directory(reviews, label_mode="binary", shuffle=False, verbose=False)
    assert next(iter(binary))[1].tolist() == [[0.0]] * 6 + [[1.0]] * 6
    assert text_dataset_from_directory(reviews, labels=None, verbose=False).class_names is None


def test_what_is_printed(reviews, capsys):
    text_dataset_from_directory(reviews, validation_split=0.5, subset="both", seed=1)
    assert capsys.readouterr().out.splitlines() == [
        "Found 12 files belonging to 2 classes.", "Using 6 files for training.", "Using 6 files for validation."
    ]  # fmt: skip
    text_dataset_from_directory(reviews, labels=None)
    assert capsys.readouterr().out == "Found 12 files.\n"
    text_dataset_from_directory(reviews, verbose=False)
    assert capsys.readouterr().out == ""


def test_broken_files_are_skipped_and_told(pets):
    (pets / "b" / "broken.png").write_bytes(b"")
    loader = image_dataset_from_directory(pets, image_size=4, shuffle=False, verbose=False)
    with pytest.warns(UserWarning, match=r"skipped 1 sample.*broken.png': an empty file"):
        batches = list(loader)
    assert sum(len(images) for images, _ in batches) == 11
    assert loader.files.check() == [(os.path.join(pets, "b", "broken.png"), "an empty file")]


def test_worker_processes_give_the_same(pets):
    settings = {"image_size": 4, "seed": 2, "label_mode": "categorical", "verbose": False}
    batches = []
    for workers in (0, 1):
        with image_dataset_from_directory(pets, workers=workers, **settings) as loader:
            batches.append(next(iter(loader)))
    for here, there in zip(*batches, strict=True):
        np.testing.assert_array_equal(here, there)


def test_each_epoch_has_another_order_that_the_seed_fixes(reviews):
    def epochs():
        loader = text_dataset_from_directory(reviews, seed=7, verbose=False)
        return [next(iter(loader))[0].tolist() for _ in range(2)]

    first, second = epochs()
    assert sorted(first) == sorted(second) and first != second
    assert epochs() == [first, second]


def test_the_signatures_are_keras():
    for ours in (image_dataset_from_directory, text_dataset_from_directory):
        theirs = inspect.signature(getattr(keras.utils, ours.__name__)).parameters
        own = inspect.signature(ours).parameters
        shared = {name: item.default for name, item in own.items() if name != "workers"}
        assert shared == {name: item.default for name, item in theirs.items() if name != "format"}
        assert list(shared) == [name for name in theirs if name != "format"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_mode": "integer"}, "image_dataset_from_directory: expected the name of a label_mode, but got 'integer'"),
        ({"color_mode": "gray"}, "expected the name of a color_mode, but got 'gray'. Did you mean 'grayscale'"),
        ({"interpolation": "gaussian"}, "expected the name of an interpolation, but got 'gaussian'"),
        ({"subset": "train", "validation_split": 0.1}, "expected the name of a subset, but got 'train'"),
        ({"labels": "infer"}, "expected labels='inferred', a list of numbers or None, but got 'infer'"),
        ({"labels": None, "class_names": ["b"]}, "expected class_names beside labels='inferred' only, but got both"),
        ({"validation_split": 0.2}, "expected validation_split and subset together, but got only validation_split"),
        ({"subset": "both"}, "expected validation_split and subset together, but got only subset"),
        ({"validation_split": 1.5, "subset": "both"}, "expected a validation_split between 0 and 1, but got 1.5"),
        ({"validation_split": 0.5, "subset": "both"}, "expected a seed, as the files are shuffled and split, but got none"),
        ({"validation_split": 0.05, "subset": "both", "seed": 0}, "expected files for the validation part, but got none of 11"),
        ({"labels": [1, 2]}, r"expected one label for each of 11 files, but got shape \(2,\)"),
        ({"class_names": ["b"], "label_mode": "binary"}, "expected 2 classes for label_mode='binary', but got 1"),
        ({"labels": [1, 2] * 5 + [1], "label_mode": "binary"}, "expected labels from 0 to 1 for label_mode='binary', but got 1 to 2"),
        ({"labels": [0, 3] * 5 + [1], "label_mode": "categorical"}, "expected labels from 0 to 2 for label_mode='categorical'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "but got both. Leave one out"),
    ],
)  # fmt: skip
def test_refusals(pets, settings, message):
    with pytest.raises(InputError, match=message):
        image_dataset_from_directory(pets, verbose=False, **settings)


@pytest.mark.parametrize("labels", ["inferred", None])
def test_no_files(tmp_path, labels):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="expected files that end in .txt, but got none"):
        text_dataset_from_directory(tmp_path, labels=labels)
    with pytest.raises(InputError, match="Check the path"):
        image_dataset_from_directory(tmp_path / "gone", labels=labels)


def test_numbers_as_labels_stay_numbers(reviews):
    labels = [0.5 * number for number in range(12)]
    loader = text_dataset_from_directory(reviews, labels=labels, shuffle=False, verbose=False)
    assert next(iter(loader))[1].tolist() == labels
