"""Tables of numbers with a target, shuffled and split as Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.datasets._files import find_file, read_npz
from gradwise.errors import InputError

Part = tuple[NDArray[Any], NDArray[Any]]


def load_parts(
    where: str, path: str, test_split: float, seed: int, rows: slice = slice(None)
) -> tuple[Part, Part]:
    """Loads a file with x [N, D] and y [N], shuffles the rows and cuts off the last ones to test on.

    Args:
        where: The function, for errors.
        path: The file's name in the data directory or the cache, or an absolute path.
        test_split: The share of the rows to test on, as a fraction of 1.
        seed: Seed of the shuffle.
        rows: Which rows are taken before it.

    Returns:
        ((x_train, y_train), (x_test, y_test)).

    Raises:
        InputError: The file is not there, or `test_split` is not in [0, 1).
        FileError: The file cannot be downloaded, or is damaged.
    """
    if not 0 <= test_split < 1:
        raise InputError(
            f"{where}, test_split",
            expected="a number from 0 to below 1",
            got=repr(test_split),
            fix="Write for example test_split=0.2.",
        )
    data = read_npz(find_file(path), ("x", "y"))
    x, y = data["x"][rows], data["y"][rows]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    stop = int(len(x) * (1 - test_split))
    return (x[order[:stop]], y[order[:stop]]), (x[order[stop:]], y[order[stop:]])
