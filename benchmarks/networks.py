"""The larger networks, for every library that speaks Keras' words, and the random data they are timed on.

What a step costs does not depend on the values, so the data are drawn, not read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np

IMAGE_SIZES = (16, 32, 64, 128)  # the ladder's


def images(size: int, train: int, validation: int) -> Callable[[], tuple]:
    """Colour images of ten classes."""

    def load() -> tuple:
        random = np.random.RandomState(0)
        x = random.standard_normal((train + validation, size, size, 3)).astype(np.float32)
        y = np.eye(10, dtype=np.float32)[random.randint(0, 10, len(x))]
        return x[:train], y[:train], x[train:], y[train:]

    return load


def words(steps: int, vocabulary: int, train: int, validation: int) -> Callable[[], tuple]:
    """Sequences of word numbers with a yes or no."""

    def load() -> tuple:
        random = np.random.RandomState(0)
        x = random.randint(1, vocabulary, (train + validation, steps)).astype(np.int32)
        y = random.randint(0, 2, len(x)).astype(np.float32)
        return x[:train], y[:train], x[train:], y[train:]

    return load


def series(steps: int, features: int, train: int, validation: int) -> Callable[[], tuple]:
    """Sequences of vectors with a yes or no."""

    def load() -> tuple:
        random = np.random.RandomState(0)
        x = random.standard_normal((train + validation, steps, features)).astype(np.float32)
        y = (x[:, :, 0].mean(axis=1) > 0).astype(np.float32)
        return x[:train], y[:train], x[train:], y[train:]

    return load


def resnet20(library: ModuleType):
    """ResNet-20 for 32 x 32 images (He et al., 2015, section 4.2), 1 x 1 projections where shapes change."""
    layers = library.layers

    def block(x, filters: int, stride: int):
        y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if stride != 1:
            x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x))
        return layers.Activation("relu")(layers.add([x, y]))

    inputs = library.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for stride in (first, 1, 1):
            x = block(x, filters, stride)
    x = layers.GlobalAveragePooling2D()(x)
    return library.Model(inputs, layers.Dense(10, activation="softmax")(x))


def plain_convnet(library: ModuleType, size: int = 64):
    """Four convolutions with 'same' padding, each followed by pooling."""
    layers = library.layers
    stack = [library.Input((size, size, 3))]
    for filters in (32, 64, 128, 128):
        stack += [
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
        ]
    stack += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]
    return library.Sequential(stack)


def lstm(library: ModuleType):
    """LSTM(32) over 200 embedded words."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((200,), dtype="int32"),
            layers.Embedding(10000, 32),
            layers.LSTM(32),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def gru(library: ModuleType):
    """Two GRU(64) over 100 steps of 16 numbers."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((100, 16)),
            layers.GRU(64, return_sequences=True),
            layers.GRU(64),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def attention(library: ModuleType):
    """One encoder block (Vaswani et al., 2017): 128 tokens of 128 numbers, 4 heads, feed-forward 256."""
    layers = library.layers
    inputs = library.Input((128, 128))
    x = layers.LayerNormalization()(layers.add([inputs, layers.MultiHeadAttention(4, 32)(inputs, inputs)]))
    y = layers.Dense(128)(layers.Dense(256, activation="relu")(x))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(layers.add([x, y])))
    return library.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


NETWORKS = {
    "resnet20": resnet20,
    "plain_convnet": plain_convnet,
    "lstm": lstm,
    "gru": gru,
    "attention": attention,
} | {f"plain_convnet_{size}": partial(plain_convnet, size=size) for size in IMAGE_SIZES}
