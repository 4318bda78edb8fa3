"""The files as they are published: object arrays of lists, idx files and batches of pictures, and hostile ones."""

import gzip
import io
import os
import pickle
import struct
import tarfile
import types
import zipfile

import keras.src.datasets.cifar as keras_cifar
import keras.src.datasets.imdb as keras_imdb
import keras.src.datasets.reuters as keras_reuters
import numpy as np
import pytest

from gradwise.datasets import california_housing, cifar10, cifar100, fashion_mnist, imdb, reuters
from gradwise.errors import FileError, InputError

pytestmark = pytest.mark.feature("A2")
GENERATOR = np.random.default_rng(1)


def lists(count):
    rows = np.empty(count, dtype=object)
    rows[:] = [
        GENERATOR.integers(1, 200, size=length).tolist() for length in GENERATOR.integers(2, 30, count)
    ]
    return rows


def settings(random):
    """Options of `load_data` drawn at random."""
    return {
        "num_words": [None, int(random.integers(20, 220))][random.integers(2)],
        "skip_top": int(random.integers(0, 30)),
        "maxlen": [None, int(random.integers(8, 40))][random.integers(2)],
        "seed": int(random.integers(100)),
        "start_char": [None, 1, 7][random.integers(3)],
        "oov_char": [None, 2, 9][random.integers(3)],
        "index_from": int(random.integers(0, 6)),
    }


def same(ours, theirs):
    for (x, y), (keras_x, keras_y) in zip(ours, theirs, strict=True):
        assert x.dtype == object and [list(row) for row in x] == [list(row) for row in keras_x]
        np.testing.assert_array_equal(y, keras_y)


@pytest.mark.parametrize("number", range(40))
def test_published_texts_with_any_options(folder, monkeypatch, number):
    random = np.random.default_rng([7, number])
    content = {
        "x_train": lists(60),
        "y_train": random.integers(0, 2, 60),
        "x_test": lists(40),
        "y_test": random.integers(0, 2, 40),
    }
    chosen = settings(random)
    np.savez(folder / "imdb.npz", **content)
    for module, loaded in ((keras_imdb, content), (keras_reuters, {"x": lists(90), "y": np.arange(90) % 46})):
        monkeypatch.setattr(module, "get_file", lambda **_: None)
        monkeypatch.setattr(module, "npz_utils", types.SimpleNamespace(load_npz=lambda _, of=loaded: of))
        if module is keras_reuters:
            np.savez(folder / "reuters.npz", **loaded)
            chosen |= {"test_split": float(random.uniform(0, 0.9))}
        ours = {keras_imdb: imdb, keras_reuters: reuters}[module]
        same(ours.load_data(**chosen), module.load_data(**chosen))


class Hostile:
    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


@pytest.mark.parametrize("name", ["imdb", "reuters"])
@pytest.mark.parametrize("kind", ["hostile", "text", "nested", "floats", "no array"])
def test_hostile_and_foreign_pickles_run_nothing(folder, name, kind):
    made = folder / "made"
    row = {"hostile": Hostile(made), "text": "abc", "nested": [[1]], "floats": [1.5], "no array": [1]}[kind]
    rows = np.empty(2, dtype=object)
    rows[:] = [[1, 2], row]
    keys = ("x_train", "x_test") if name == "imdb" else ("x",)
    np.savez(folder / f"{name}.npz", **dict.fromkeys(keys, rows), y_train=[0, 1], y_test=[0, 1], y=[0, 1])
    if kind == "no array":
        with zipfile.ZipFile(folder / f"{name}.npz", "w") as archive:
            for key in ("y_train", "y_test", "y"):
                with archive.open(f"{key}.npy", "w") as file:
                    np.save(file, np.zeros(1))
            for key in keys:
                member = io.BytesIO()
                np.lib.format.write_array(member, rows[:1], allow_pickle=True)
                head = member.getvalue()
                archive.writestr(f"{key}.npy", head[: head.index(b"\n") + 1] + pickle.dumps({"no": "array"}))
    with pytest.raises(FileError, match="expected an array of lists of integers, but got something else"):
        {"imdb": imdb, "reuters": reuters}[name].load_data()
    assert not made.exists()


def test_damaged_published_texts(folder):
    np.savez(folder / "imdb.npz", x_train=lists(9), x_test=lists(9), y_train=np.zeros(9), y_test=np.zeros(9))
    whole = (folder / "imdb.npz").read_bytes()
    refused = 0
    for number in range(200):
        damaged = bytearray(whole)
        for place in GENERATOR.integers(0, len(whole), size=3):
            damaged[place] ^= 1 << GENERATOR.integers(8)
        (folder / "imdb.npz").write_bytes(damaged[: len(whole) - number % 7])
        try:
            imdb.load_data()
        except (FileError, InputError):
            refused += 1
    assert refused > 100  # what remains hit bytes that nobody reads


def idx(array):
    head = struct.pack(">I", 0x0800 + array.ndim) + b"".join(struct.pack(">I", size) for size in array.shape)
    return gzip.compress(head + array.tobytes())


def test_published_fashion(folder):
    parts = [np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28), np.array([3, 9], np.uint8)]
    for begin in ("train", "t10k"):
        for name, array in zip(("images-idx3", "labels-idx1"), parts, strict=True):
            (folder / f"fashion-mnist-{begin}-{name}-ubyte.gz").write_bytes(idx(array))
    for ours in fashion_mnist.load_data():
        for array, theirs in zip(ours, parts, strict=True):
            np.testing.assert_array_equal(array, theirs)
            assert array.dtype == np.uint8
    for broken in (
        b"no gzip",
        gzip.compress(b"\0\0\x08\x03\0\0"),
        gzip.compress(b""),
        gzip.compress(b"\0\0\x0d\x01\0\0\0\0"),
    ):
        (folder / "fashion-mnist-t10k-labels-idx1-ubyte.gz").write_bytes(broken)
        with pytest.raises(FileError, match="expected a compressed file of bytes in the idx format"):
            fashion_mnist.load_data()


def write_batches(path, batches):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"inner/{name}")
            data = pickle.dumps(content)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def batch(*labels, count=3):
    pictures = GENERATOR.integers(0, 256, size=(count, 3072)).astype(np.uint8)
    return {b"data": pictures, **{label: GENERATOR.integers(0, 10, size=count).tolist() for label in labels}}


def theirs(content, label, folder):
    (folder / "batch").write_bytes(pickle.dumps(content))
    pictures, labels = keras_cifar.load_batch(folder / "batch", label_key=label)
    return pictures.transpose(0, 2, 3, 1), np.reshape(labels, (-1, 1))


def test_published_cifar(folder):
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    content = {name: batch(b"labels") for name in names}
    write_batches(folder / "cifar-10-python.tar.gz", content)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    wanted = [theirs(content[name], "labels", folder) for name in names]
    np.testing.assert_array_equal(x_train, np.concatenate([x for x, _ in wanted[:5]]))
    np.testing.assert_array_equal(y_train, np.concatenate([y for _, y in wanted[:5]]))
    np.testing.assert_array_equal(x_test, wanted[5][0])
    assert x_train.dtype == y_train.dtype == y_test.dtype == np.uint8
    content = {name: batch(b"fine_labels", b"coarse_labels") for name in ("train", "test")}
    write_batches(folder / "cifar-100-python.tar.gz", content)
    for mode in ("fine", "coarse"):
        for ours, name in zip(cifar100.load_data(mode), ("train", "test"), strict=True):
            for array, other in zip(ours, theirs(content[name], f"{mode}_labels", folder), strict=True):
                np.testing.assert_array_equal(array, other)
    with pytest.raises(InputError, match="got 'fines'. Did you mean 'fine'"):
        cifar100.load_data("fines")


def test_hostile_batches_run_nothing(folder):
    made = folder / "made"
    write_batches(folder / "cifar-100-python.tar.gz", {"train": Hostile(made), "test": batch(b"fine_labels")})
    with pytest.raises(FileError, match="expected the batches train, test with fine_labels"):
        cifar100.load_data()
    assert not made.exists()
    write_batches(folder / "cifar-100-python.tar.gz", {"train": batch(b"fine_labels")})
    with pytest.raises(FileError, match="KeyError: 'test'"):
        cifar100.load_data()


@pytest.mark.parametrize("chosen", [{}, {"version": "small"}, {"test_split": 0.3, "seed": 4}])
def test_california_follows_keras_rules(folder, monkeypatch, chosen):
    import keras.src.datasets.california_housing as keras_california

    np.savez(folder / "california_housing.npz", x=GENERATOR.normal(size=(800, 8)), y=np.arange(800.0))
    monkeypatch.setattr(keras_california, "get_file", lambda *_, **__: folder / "california_housing.npz")
    for ours, other in zip(
        california_housing.load_data(**chosen), keras_california.load_data(**chosen), strict=True
    ):
        for array, wanted in zip(ours, other, strict=True):
            np.testing.assert_array_equal(array, wanted)
    with pytest.raises(InputError, match="Did you mean 'small'"):
        california_housing.load_data("smal")
