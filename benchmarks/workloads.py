"""The workloads: which network is trained on which real data, the same arrays for every library."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import networks
import numpy as np

FILES = ("mnist.npz", "imdb.npz", "reuters.npz", "boston_housing.npz", "pokemon.csv.gz")


class Data(NamedTuple):
    """Training and validation arrays; `x_val` is None where a workload has no validation set."""

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray | None
    y_val: np.ndarray | None


@dataclass(frozen=True)
class Workload:
    """A network, how it is trained and its data. Layers are ("dense", units, activation),
    ("conv", filters, size, activation), ("maxpool", size) and ("flatten",); a network that is more than a
    stack of these is named instead, one of `networks.NETWORKS`. Of those, prediction of the whole training
    set and compilation are timed as well."""

    title: str
    load: Callable[[], Data]
    input_shape: tuple[int, ...]
    layers: tuple[tuple, ...]
    loss: str
    batch_size: int
    optimizer: str = "rmsprop"
    target: float | None = None  # wanted: how many times faster than the best peer
    network: str | None = None

    @property
    def metric(self) -> str:
        return "mae" if self.loss == "mse" else "accuracy"


def _file(name: str) -> Path:
    return Path(os.environ.get("GRADWISE_DATA", "")) / name


def missing_files() -> list[str]:
    """The data files that the folder named by GRADWISE_DATA lacks."""
    return [name for name in FILES if not _file(name).is_file()]


def _one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def _mnist(x_shape: tuple[int, ...], train: int, validation: int) -> Data:
    with np.load(_file("mnist.npz")) as file:
        x, y = file["x_train"][:train], file["y_train"][:train]
        x_val, y_val = file["x_test"][:validation], file["y_test"][:validation]
    x, x_val = (part.reshape(-1, *x_shape).astype(np.float32) / 255 for part in (x, x_val))
    return Data(x, _one_hot(y, 10), x_val, _one_hot(y_val, 10))


def _multi_hot(tokens: np.ndarray, offsets: np.ndarray, order: np.ndarray, words: int = 10000) -> np.ndarray:
    """Multi-hot rows in the given order: word ids shifted by 3, 1 for the start, 2 for rare words."""
    ids = tokens + 3
    ids[ids >= words] = 2
    row_of_document = np.empty(len(order), dtype=np.int64)
    row_of_document[order] = np.arange(len(order))
    rows = np.zeros((len(order), words), dtype=np.float32)
    rows[np.repeat(row_of_document, np.diff(offsets)), ids] = 1
    rows[:, 1] = 1
    return rows


def _shuffled(count: int) -> np.ndarray:
    order = np.arange(count)
    np.random.RandomState(113).shuffle(order)
    return order


def _imdb() -> Data:
    with np.load(_file("imdb.npz")) as file:
        order = _shuffled(25000)
        x = _multi_hot(file["x_train_tokens"], file["x_train_offsets"], order)
        y = file["y_train"][order].astype(np.float32)
    return Data(x[10000:], y[10000:], x[:10000], y[:10000])


def _reuters() -> Data:
    with np.load(_file("reuters.npz")) as file:
        order = _shuffled(len(file["y"]))
        x = _multi_hot(file["x_tokens"], file["x_offsets"], order)[:8982]
        y = _one_hot(file["y"][order], 46)[:8982]
    return Data(x[1000:], y[1000:], x[:1000], y[:1000])


def _boston() -> Data:
    with np.load(_file("boston_housing.npz")) as file:
        order = _shuffled(506)
        x, y = file["x"][order], file["y"][order].astype(np.float32)
    x = ((x - x[:404].mean(axis=0)) / x[:404].std(axis=0)).astype(np.float32)
    return Data(x[:404], y[:404], x[404:], y[404:])


def _pokemon() -> Data:
    with gzip.open(_file("pokemon.csv.gz"), "rt") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=np.float32)
    rows = rows[np.random.RandomState(100).permutation(len(rows))]
    x, y = rows[:, :200], _one_hot(rows[:, 200].astype(int), 5)
    kept = int(len(x) * 0.9)
    return Data(x[:kept], y[:kept], x[kept:], y[kept:])


def _tiny() -> Data:
    random = np.random.RandomState(0)
    x = random.standard_normal((6400, 20)).astype(np.float32)
    return Data(x, (x.sum(axis=1) > 0).astype(np.float32), None, None)


def _dense(*units: int, last: str | None) -> tuple[tuple, ...]:
    return tuple(("dense", count, "relu") for count in units[:-1]) + (("dense", units[-1], last),)


_CROSS_ENTROPY = "categorical_crossentropy"
WORKLOADS = {
    "mnist": Workload(
        "MNIST 784-512-10, batch 128",
        lambda: _mnist((784,), 60000, 10000),
        (784,),
        _dense(512, 10, last="softmax"),
        _CROSS_ENTROPY,
        128,
        target=1.2,
    ),
    "imdb": Workload(
        "IMDB 10000-16-16-1, batch 512",
        _imdb,
        (10000,),
        _dense(16, 16, 1, last="sigmoid"),
        "binary_crossentropy",
        512,
        target=1.2,
    ),
    "reuters": Workload(
        "Reuters 10000-64-64-46, batch 512",
        _reuters,
        (10000,),
        _dense(64, 64, 46, last="softmax"),
        _CROSS_ENTROPY,
        512,
        target=1.2,
    ),
    "boston1": Workload(
        "Boston 13-64-64-1, batch 1", _boston, (13,), _dense(64, 64, 1, last=None), "mse", 1, target=40
    ),
    "boston16": Workload(
        "Boston 13-64-64-1, batch 16", _boston, (13,), _dense(64, 64, 1, last=None), "mse", 16, target=15
    ),
    "pokemon": Workload(
        "Pokémon 200-128-256-5, batch 16",
        _pokemon,
        (200,),
        _dense(128, 256, 5, last="softmax"),
        _CROSS_ENTROPY,
        16,
        optimizer="adam",
        target=3,
    ),
    "convnet": Workload(
        "MNIST convnet (6400 images), batch 64",
        lambda: _mnist((28, 28, 1), 6400, 1000),
        (28, 28, 1),
        (
            ("conv", 32, 3, "relu"),
            ("maxpool", 2),
            ("conv", 64, 3, "relu"),
            ("maxpool", 2),
            ("conv", 64, 3, "relu"),
            ("flatten",),
            *_dense(64, 10, last="softmax"),
        ),
        _CROSS_ENTROPY,
        64,
        target=1.1,
    ),
    "tiny": Workload(
        "20-32-1, batch 32 (no validation)",
        _tiny,
        (20,),
        _dense(32, 1, last="sigmoid"),
        "binary_crossentropy",
        32,
        optimizer="adam",
    ),
    "resnet20": Workload(
        "ResNet-20, 32×32×3, batch 64",
        lambda: Data(*networks.images(32, 1280, 256)()),
        (32, 32, 3),
        (),
        _CROSS_ENTROPY,
        64,
        target=1.2,
        network="resnet20",
    ),
    "plain_convnet": Workload(
        "4 convolutions 'same', 64×64×3, batch 64",
        lambda: Data(*networks.images(64, 640, 128)()),
        (64, 64, 3),
        (),
        _CROSS_ENTROPY,
        64,
        target=1.2,
        network="plain_convnet",
    ),
    "lstm": Workload(
        "LSTM(32) on 200 × Embedding(10000, 32), batch 128",
        lambda: Data(*networks.words(200, 10000, 2560, 512)()),
        (200,),
        (),
        "binary_crossentropy",
        128,
        target=1.2,
        network="lstm",
    ),
    "gru": Workload(
        "GRU(64) twice on 100 × 16, batch 64",
        lambda: Data(*networks.series(100, 16, 1280, 256)()),
        (100, 16),
        (),
        "binary_crossentropy",
        64,
        target=1.2,
        network="gru",
    ),
    "attention": Workload(
        "attention block, d 128, 4 heads, 128 tokens, batch 32",
        lambda: Data(*networks.series(128, 128, 640, 128)()),
        (128, 128),
        (),
        "binary_crossentropy",
        32,
        target=1.2,
        network="attention",
    ),
}


def _rung(size: int, batch: int) -> Workload:
    train = max(4 * batch, 64 * 64 * 16 // size**2)
    return Workload(
        f"4 convolutions, {size}×{size}×3, batch {batch}",
        lambda: Data(*networks.images(size, train // batch * batch, 16)()),
        (size, size, 3),
        (),
        _CROSS_ENTROPY,
        batch,
        network=f"plain_convnet_{size}",
    )


LADDER = {
    f"ladder_{size}_{batch}": _rung(size, batch)
    for size, batch in [
        *((32, batch) for batch in (1, 4, 16, 64, 256, 512)),
        *((size, 16) for size in networks.IMAGE_SIZES if size != 32),
    ]
}
WORKLOADS |= LADDER


def products(workload: Workload) -> tuple[list, list]:
    """The matrix products (m, k, n) of a network of dense layers, each 2 m k n operations: those of one
    forward pass, and those of the way back (weight gradient; input gradient except for the first layer)."""
    forward, backward = [], []
    inputs, rows = workload.input_shape[0], workload.batch_size
    for position, (_, units, _) in enumerate(workload.layers):
        forward.append((rows, inputs, units))
        backward.append((inputs, rows, units))
        if position:
            backward.append((rows, units, inputs))
        inputs = units
    return forward, backward
