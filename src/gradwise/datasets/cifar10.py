"""CIFAR-10 (A. Krizhevsky 2009): colour pictures of 32 x 32 in ten classes.

The full set is read from cifar10.npz: x_train uint8[50000, 32, 32, 3], y_train uint8[50000] or [50000, 1],
x_test uint8[10000, 32, 32, 3] and y_test; or from the published cifar-10-python.tar.gz. When neither is
there, cifar10_subset.npz with the same arrays is read (the first 10 000 training and 1000 test pictures) and
a warning says so; without that the published file is downloaded.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.datasets._files import find_file, look_for, read_npz
from gradwise.datasets._objects import read_batches

Part = tuple[NDArray[Any], NDArray[Any]]

_FILE, _SUBSET, _PUBLISHED = "cifar10.npz", "cifar10_subset.npz", "cifar-10-python.tar.gz"
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def load_data(path: str = _FILE) -> tuple[Part, Part]:
    """Loads CIFAR-10, or the part of it that is there.

    The labels are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path. When it is not
            found, 'cifar10_subset.npz' is looked for in the same places.

    Returns:
        ((x_train uint8[B, 32, 32, 3], y_train uint8[B, 1]), (x_test, y_test)), pixels from 0 to 255.

    Raises:
        InputError: Neither file is there.
        FileError: The file is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (50000, 32, 32, 3)
    """
    found, subset, published = look_for(path), look_for(_SUBSET), look_for(_PUBLISHED)
    if found is None and path == _FILE and (published is not None or subset is None):
        *batches, test = read_batches(find_file(_PUBLISHED), _BATCHES, "labels")
        x_train, y_train = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        return (x_train, y_train), test
    if found is None and subset is not None:
        warnings.warn(
            f"'{path}' is not there: '{subset}' is used, a part of CIFAR-10. "
            "Results do not compare with those of the full set.",
            stacklevel=2,
        )
        found = subset
    data = read_npz(found or find_file(path), ("x_train", "y_train", "x_test", "y_test"))
    return (
        (data["x_train"], data["y_train"].reshape(-1, 1)),
        (data["x_test"], data["y_test"].reshape(-1, 1)),
    )
