"""Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv:1708.07747): 70 000 grey pictures of clothes.

The file fashion_mnist.npz holds x_train uint8[60000, 28, 28], y_train uint8[60000], x_test
uint8[10000, 28, 28] and y_test uint8[10000]. Without it the four published files are read.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gradwise.datasets._files import find_file, look_for, read_idx, read_npz

Part = tuple[NDArray[Any], NDArray[Any]]


_FILE = "fashion_mnist.npz"
_PUBLISHED = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def load_data(path: str = _FILE) -> tuple[Part, Part]:
    """Loads Fashion-MNIST.

    The labels are 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat,
    5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.

    Returns:
        ((x_train uint8[60000, 28, 28], y_train uint8[60000]),
        (x_test uint8[10000, 28, 28], y_test uint8[10000])), pixels from 0 to 255.

    Raises:
        InputError: The file is not there.
        FileError: The file is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    found = look_for(path)
    if found is None and path == _FILE:
        files = [read_idx(find_file(f"fashion-mnist-{name}")) for name in _PUBLISHED]
        return (files[0], files[1]), (files[2], files[3])
    data = read_npz(found or find_file(path), ("x_train", "y_train", "x_test", "y_test"))
    return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])
