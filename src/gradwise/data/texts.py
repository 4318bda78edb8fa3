"""Arrays of texts: reading what users hand over, and Keras' rules for writing and splitting them."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.sparse import SparseMatrix
from gradwise.errors import InputError

_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_LOWER = {
    ord(upper): lower for upper, lower in zip(string.ascii_uppercase, string.ascii_lowercase, strict=True)
}
# TensorFlow parts words at these only, not at a no-break space, say.
_WORD = re.compile(r"[^ \t\n\v\f\r]+")

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLIT = ("whitespace", "character")


def as_texts(values: Any, where: str) -> NDArray[Any]:
    """Turns a list, an array or a column of texts into an array of `str`.

    Args:
        values: Texts or UTF-8 bytes, in a list, an array of any shape or a column of a frame.
        where: Who asks, for errors.

    Returns:
        An array of objects.

    Raises:
        InputError: It is a single text or a sparse matrix, or an item is missing or no text.

    Example:
        >>> as_texts(["a", b"b"], "here").tolist()
        ['a', 'b']
    """
    if isinstance(values, (str, bytes)):
        raise InputError(where, expected="a list or an array of texts", got="one text", fix="Write [text].")
    if isinstance(values, SparseMatrix) or hasattr(values, "tocsr"):
        raise InputError(
            where,
            expected="texts",
            got=f"a sparse matrix of shape {values.shape}",
            fix="Give the texts themselves: this layer turns them into numbers.",
        )
    if hasattr(values, "to_numpy"):  # a column of a frame
        values = values.to_numpy()
    array = np.asarray(values, object)
    result = np.empty(array.size, object)
    for place, item in enumerate(array.ravel().tolist()):
        if isinstance(item, bytes):
            item = item.decode("utf-8", "replace")
        if not isinstance(item, str):
            # pandas' NA answers a comparison with itself, which is neither true nor false.
            missing = item is None or type(item).__name__ == "NAType" or item != item
            raise InputError(
                where,
                expected="texts",
                got=("a missing value" if missing else f"an object of class {type(item).__name__}")
                + f" at position {place}",
                fix="Fill missing texts with ''." if missing else "Turn it into text with str(...).",
            )
        result[place] = item
    return result.reshape(array.shape)


def standardize_texts(texts: Sequence[str], how: Any) -> list[str]:
    """Writes texts in one way, as Keras' TextVectorization does.

    Args:
        texts: N texts.
        how: "lower" (the letters A to Z only, as in Keras), "strip_punctuation" (that of ASCII),
            "lower_and_strip_punctuation", None, or a function from an array of N texts (of NumPy's
            variable-width string type) to N texts.

    Returns:
        N texts.

    Raises:
        InputError: A function returned another number of texts, or something else.

    Example:
        >>> standardize_texts(["It's ÉTÉ!"], "lower_and_strip_punctuation")
        ['its ÉtÉ']
    """
    if how is None:
        return list(texts)
    if callable(how):
        written = how(np.array(list(texts), np.dtypes.StringDType()))
        return _as_many(as_texts(written, "TextVectorization, standardize").tolist(), texts, "standardize")
    table: dict[int, Any] = _LOWER if "lower" in how else {}
    if "strip_punctuation" in how:
        table = {**table, **_PUNCTUATION}
    return [text.translate(table) for text in texts]


def split_texts(texts: Sequence[str], how: Any) -> list[list[str]]:
    """Splits texts into tokens, as Keras' TextVectorization does.

    Args:
        texts: N texts.
        how: "whitespace" (that of ASCII), "character", or a function from an array of N texts to N lists of
            tokens, such as `numpy.char.split`.

    Returns:
        N lists.

    Raises:
        InputError: A function returned another number of lists, or something else.

    Example:
        >>> split_texts(["two words", ""], "whitespace")
        [['two', 'words'], []]
    """
    if callable(how):
        parts = how(np.array(list(texts), np.dtypes.StringDType()))
        lists = [as_texts(list(part), "TextVectorization, split").tolist() for part in parts]
        return _as_many(lists, texts, "split")
    return [_WORD.findall(text) if how == "whitespace" else list(text) for text in texts]


def _as_many(found: list[Any], texts: Sequence[str], setting: str) -> list[Any]:
    if len(found) != len(texts):
        raise InputError(
            f"TextVectorization, {setting}",
            expected=f"a function that returns as many items as it gets texts, {len(texts)}",
            got=len(found),
            fix="It is called with an array of texts, not with one: use functions of numpy.strings, or loop.",
        )
    return found
