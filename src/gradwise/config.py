"""Library-wide settings: default float type, data format, seeds and the data directory."""

from __future__ import annotations

import os
import random
from pathlib import Path

import jax
import numpy as np

from gradwise.errors import InputError

# On a CPU, programs run in the caller's thread: nothing here overlaps host and device work there, and waking
# another thread costs more (60 µs) than predicting one sample does (20 µs). Other devices are not affected.
jax.config.update("jax_cpu_enable_async_dispatch", False)

_settings = {"floatx": "float32", "image_data_format": "channels_last"}
_EPSILON = 1e-7
_data_directory: Path | None = None
_switched_to_64 = False


def floatx() -> str:
    """Returns the default float type of new layers, 'float32' unless changed.

    Example:
        >>> floatx()
        'float32'
    """
    return str(_settings["floatx"])


def set_floatx(name: str) -> None:
    """Sets the default float type of new layers; 'float64' also switches the engine to 64 bits.

    Another type switches it back, if this function had switched it.

    Args:
        name: 'bfloat16', 'float16', 'float32' or 'float64'.

    Raises:
        InputError: `name` is none of these.

    Example:
        >>> set_floatx("float32")
    """
    if name not in ("bfloat16", "float16", "float32", "float64"):
        raise InputError(
            "set_floatx",
            expected="'bfloat16', 'float16', 'float32' or 'float64'",
            got=repr(name),
            fix="Name one of these types as a string.",
        )
    global _switched_to_64
    if name == "float64" and not jax.config.read("jax_enable_x64"):
        jax.config.update("jax_enable_x64", True)
        _switched_to_64 = True
    elif name != "float64" and _switched_to_64:
        jax.config.update("jax_enable_x64", False)
        _switched_to_64 = False
    _settings["floatx"] = name


def epsilon() -> float:
    """Returns the small number that keeps divisions and logarithms finite.

    Example:
        >>> epsilon()
        1e-07
    """
    return _EPSILON


def image_data_format() -> str:
    """Returns where image layers look for the channels, 'channels_last' unless changed.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return str(_settings["image_data_format"])


def set_image_data_format(name: str) -> None:
    """Sets where image layers look for the channels by default.

    Args:
        name: 'channels_last' for [B, H, W, C] or 'channels_first' for [B, C, H, W].

    Raises:
        InputError: `name` is neither.

    Example:
        >>> set_image_data_format("channels_last")
    """
    if name not in ("channels_last", "channels_first"):
        raise InputError(
            "set_image_data_format",
            expected="'channels_last' or 'channels_first'",
            got=repr(name),
            fix="Name one of the two formats.",
        )
    _settings["image_data_format"] = name


def set_random_seed(seed: int) -> None:
    """Makes everything that follows repeatable: initial weights, shuffles, dropout masks, splits.

    The library draws every seed it needs from NumPy's global generator (as Keras 1 and 2 did), so
    `numpy.random.seed` alone has the same effect on the library.

    Args:
        seed: An integer from 0 to 2**32 - 1.

    Raises:
        InputError: `seed` is not in that range.

    Example:
        >>> set_random_seed(7)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(
            "set_random_seed",
            expected="an integer from 0 to 4294967295",
            got=repr(seed),
            fix="Pass such an integer, for example 0.",
        )
    random.seed(int(seed))
    np.random.seed(int(seed))


def next_seed() -> int:
    """Draws a fresh seed from NumPy's global generator, the one source of seeds in the library.

    Returns:
        An integer from 0 to 2**31 - 2.

    Example:
        >>> set_random_seed(7)
        >>> first = next_seed()
        >>> set_random_seed(7)
        >>> first == next_seed()
        True
    """
    return int(np.random.randint(0, 2**31 - 1))


def data_directory() -> Path | None:
    """Returns the folder that holds the named data sets, or None if none is set.

    The folder is the one given to `set_data_directory`, else the environment variable GRADWISE_DATA.

    Example:
        >>> set_data_directory("/tmp")
        >>> str(data_directory())
        '/tmp'
        >>> set_data_directory(None)
    """
    if _data_directory is not None:
        return _data_directory
    named = os.environ.get("GRADWISE_DATA")
    return Path(named).expanduser() if named else None


def set_data_directory(path: str | os.PathLike[str] | None) -> None:
    """Sets the folder in which the named data sets are looked for first; None unsets it.

    Args:
        path: An existing folder.

    Raises:
        InputError: There is no such folder.

    Example:
        >>> set_data_directory(None)
    """
    global _data_directory
    if path is None:
        _data_directory = None
        return
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(
            "set_data_directory",
            expected="an existing folder",
            got=folder,
            fix="Create it or correct the path.",
        )
    _data_directory = folder
