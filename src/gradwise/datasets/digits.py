"""The handwritten digits that come with scikit-learn (E. Alpaydin, C. Kaynak 1998): no file, no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.splits import holdout

Part = tuple[NDArray[Any], NDArray[Any]]


def load_data(*, images: bool = False) -> tuple[Part, Part]:
    """Loads 1797 handwritten digits of 8 x 8, always split the same way: 80 % training, 20 % test.

    The split is drawn once with a fixed seed and holds every digit in the same shares on both sides.

    Args:
        images: True gives pictures, False one row of 64 pixels for each.

    Returns:
        ((x_train float32[1438, 64], y_train uint8[1438]), (x_test float32[359, 64], y_test uint8[359])),
        pixels from 0 to 16; with `images` x is float32[B, 8, 8].

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(images=True)
        >>> x_train.shape, x_test.shape
        ((1438, 8, 8), (359, 8, 8))
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = np.asarray(bunch.images if images else bunch.data, dtype=np.float32)
    y = np.asarray(bunch.target, dtype=np.uint8)
    parts = holdout(len(y), y=y, parts=(0.8, 0, 0.2), seed=0)
    return (x[parts.train], y[parts.train]), (x[parts.test], y[parts.test])
