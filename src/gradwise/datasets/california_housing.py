"""California housing (R. K. Pace, R. Barry 1997): the median house prices of 20 640 districts.

The file california_housing.npz holds x float64[20640, 8] and y float64[20640].
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gradwise.datasets._tables import load_parts
from gradwise.errors import unknown_name

Part = tuple[NDArray[Any], NDArray[Any]]


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Part, Part]:
    """Loads the California housing prices in Keras' order.

    Args:
        version: 'large' for all districts, 'small' for the first 600.
        path: The file's name in the data directory or the cache, or an absolute path.
        test_split: The share of the rows to test on, as a fraction of 1.
        seed: Seed of the shuffle before the split.

    Returns:
        ((x_train float64[16512, 8], y_train float64[16512]), (x_test float64[4128, 8], y_test
        float64[4128])), the targets being median prices in dollars.

    Raises:
        InputError: `version` is neither, or `test_split` is not in [0, 1).
        FileError: The file cannot be downloaded, or is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (16512, 8)
    """
    if version not in ("large", "small"):
        raise unknown_name("california_housing.load_data, version", "a version", version, ("large", "small"))
    rows = slice(600 if version == "small" else None)
    return load_parts("california_housing.load_data", path, test_split, seed, rows)
