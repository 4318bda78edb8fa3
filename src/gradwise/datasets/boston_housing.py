"""Boston housing prices (D. Harrison, D. Rubinfeld 1978): 506 districts, 13 numbers each.

The file boston_housing.npz holds x float64[506, 13] and y float64[506]. One of its columns is derived from
the share of Black inhabitants: the set is here to check results against published ones, not to learn from.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gradwise.datasets._tables import load_parts

Part = tuple[NDArray[Any], NDArray[Any]]


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Part, Part]:
    """Loads the Boston housing prices in Keras' order.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.
        test_split: The share of the rows to test on, as a fraction of 1.
        seed: Seed of the shuffle before the split.

    Returns:
        ((x_train float64[404, 13], y_train float64[404]), (x_test float64[102, 13], y_test float64[102])),
        the targets being median prices in thousands of dollars.

    Raises:
        InputError: The file is not there, or `test_split` is not in [0, 1).
        FileError: The file is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (404, 13)
    """
    return load_parts("boston_housing.load_data", path, test_split, seed)
