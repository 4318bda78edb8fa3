"""CIFAR-100 (A. Krizhevsky 2009): colour pictures of 32 x 32 in a hundred classes, or twenty groups of them.

The published file cifar-100-python.tar.gz is read.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gradwise.datasets._files import find_file
from gradwise.datasets._objects import read_batches
from gradwise.errors import unknown_name

Part = tuple[NDArray[Any], NDArray[Any]]


def load_data(label_mode: str = "fine", path: str = "cifar-100-python.tar.gz") -> tuple[Part, Part]:
    """Loads CIFAR-100.

    Args:
        label_mode: 'fine' for the hundred classes, 'coarse' for the twenty groups.
        path: The file's name in the data directory or the cache, or an absolute path.

    Returns:
        ((x_train uint8[50000, 32, 32, 3], y_train uint8[50000, 1]), (x_test uint8[10000, 32, 32, 3],
        y_test uint8[10000, 1])), pixels from 0 to 255.

    Raises:
        InputError: `label_mode` is neither.
        FileError: The file cannot be downloaded, or is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> int(y_train.max())  # doctest: +SKIP
        99
    """
    if label_mode not in ("fine", "coarse"):
        raise unknown_name(
            "cifar100.load_data, label_mode", "a set of labels", label_mode, ("fine", "coarse")
        )
    train, test = read_batches(find_file(path), ("train", "test"), f"{label_mode}_labels")
    return train, test
