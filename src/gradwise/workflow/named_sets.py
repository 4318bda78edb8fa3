"""The named data sets that can be trained on by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.tables import Table, as_column
from gradwise.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from gradwise.errors import unknown_name
from gradwise.workflow.inputs import ImageInputs, WordInputs

_DIGITS = tuple(str(digit) for digit in range(10))
_CLOTHES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_HUNDRED_THINGS = tuple(
    (
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
        "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
        "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo "
        "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain "
        "mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain "
        "plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk "
        "skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone "
        "television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
    ).split()
)
_DISTRICTS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)
_HOUSING = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
_WORDS = 10_000

Part = tuple[Any, NDArray[Any]]


@dataclass(frozen=True)
class NamedSet:
    """A data set that comes with its labels and its test part.

    Args:
        name: What it is called.
        about: What a sample is, for messages.
        target: What the classes are.
        classes: Their names, in the order of the labels.
        inputs: How samples become arrays.
        train: Samples and int[B] labels to learn from.
        test: Samples and labels to judge by.

    Example:
        >>> found = load_named("digits")
        >>> len(found.classes), found.inputs.shape
        (10, (8, 8, 1))
    """

    name: str
    about: str
    target: str
    classes: tuple[str, ...]
    inputs: ImageInputs | WordInputs
    train: Part
    test: Part


def load_named(name: str) -> NamedSet | Table:
    """Loads a data set by its name.

    Args:
        name: One of `NAMES`.

    Returns:
        The data set, as a table if it is one.

    Raises:
        InputError: There is no such name, or its file is not there.
        FileError: The file is damaged.

    Example:
        >>> load_named("digits").about
        'handwritten digits of 8 × 8 pixels'
    """
    if name not in _LOADERS:
        raise unknown_name("data", "a file or of a data set", name, NAMES)
    return _LOADERS[name]()


def _digits() -> NamedSet:
    train, test = digits.load_data(images=True)
    about = "handwritten digits of 8 × 8 pixels"
    return NamedSet("digits", about, "digit", _DIGITS, ImageInputs((8, 8, 1), 16.0), train, test)


def _mnist() -> NamedSet:
    train, test = mnist.load_data()
    about = "handwritten digits of 28 × 28 pixels"
    return NamedSet("mnist", about, "digit", _DIGITS, ImageInputs((28, 28, 1), 255.0), train, test)


def _fashion_mnist() -> NamedSet:
    train, test = fashion_mnist.load_data()
    about = "pictures of clothes of 28 × 28 pixels"
    return NamedSet("fashion_mnist", about, "article", _CLOTHES, ImageInputs((28, 28, 1), 255.0), train, test)


def _cifar10() -> NamedSet:
    (x, y), (x_test, y_test) = cifar10.load_data()
    about = "colour pictures of 32 × 32 pixels"
    parts = (x, y.reshape(-1)), (x_test, y_test.reshape(-1))
    return NamedSet("cifar10", about, "object", _THINGS, ImageInputs((32, 32, 3), 255.0), *parts)


def _cifar100() -> NamedSet:
    (x, y), (x_test, y_test) = cifar100.load_data()
    about = "colour pictures of 32 × 32 pixels"
    parts = (x, y.reshape(-1)), (x_test, y_test.reshape(-1))
    inputs = ImageInputs((32, 32, 3), 255.0)
    return NamedSet("cifar100", about, "object", _HUNDRED_THINGS, inputs, *parts)


def _imdb() -> NamedSet:
    train, test = imdb.load_data(num_words=_WORDS)
    classes = ("negative", "positive")
    return NamedSet("imdb", "film reviews", "opinion", classes, WordInputs(_WORDS), train, test)


def _reuters() -> NamedSet:
    train, test = reuters.load_data(num_words=_WORDS)
    topics = reuters.get_label_names()
    return NamedSet("reuters", "newswires", "topic", topics, WordInputs(_WORDS), train, test)


def _boston_housing() -> Table:
    (x, y), (x_test, y_test) = boston_housing.load_data()
    rows, prices = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    columns = [as_column(name, rows[:, place]) for place, name in enumerate(_HOUSING)]
    return Table([*columns, as_column("MEDV", prices)], "boston_housing")


def _california_housing() -> Table:
    (x, y), (x_test, y_test) = california_housing.load_data()
    rows, prices = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    columns = [as_column(name, rows[:, place]) for place, name in enumerate(_DISTRICTS)]
    return Table([*columns, as_column("median_house_value", prices)], "california_housing")


_LOADERS: dict[str, Callable[[], NamedSet | Table]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion_mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "imdb": _imdb,
    "reuters": _reuters,
    "boston_housing": _boston_housing,
    "california_housing": _california_housing,
}
NAMES = tuple(_LOADERS)
