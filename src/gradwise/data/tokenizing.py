"""Texts as words, n-grams and hashed numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from gradwise.errors import InputError

# What Keras takes out of texts: punctuation but the apostrophe, tabs and line breaks.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Splits a text into words, as Keras 2 does.

    Args:
        input_text: The text.
        filters: Characters that part words and are left out.
        lower: Whether to write words in lower case.
        split: What parts words; each of `filters` is replaced by it first.

    Returns:
        The words, without empty ones.

    Raises:
        InputError: It is no text, or `split` is empty.

    Example:
        >>> text_to_word_sequence("It's a test, isn't it?")
        ["it's", 'a', 'test', "isn't", 'it']
    """
    if not isinstance(input_text, str):
        raise InputError(
            "text_to_word_sequence",
            expected="a text",
            got=f"an object of class {type(input_text).__name__}",
            fix="Call it for each text of a list; fill missing ones with ''.",
        )
    if not split:
        raise InputError(
            "text_to_word_sequence",
            expected="something that parts words",
            got="split=''",
            fix="For characters write list(text), or Tokenizer(char_level=True).",
        )
    text = input_text.lower() if lower else input_text
    return [word for word in text.translate(dict.fromkeys(map(ord, filters), split)).split(split) if word]


def hashing_trick(
    input_text: str,
    n: int,
    hash_function: str | Callable[[str], int] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
) -> list[int]:
    """Turns a text into numbers without a vocabulary: hash of the word modulo n - 1, plus 1.

    Different words may get the same number; 0 is kept for padding. Source: Weinberger et al. 2009,
    arXiv:0902.2206.

    Args:
        input_text: The text.
        n: The numbers go from 1 to n - 1.
        hash_function: From a word to a whole number. None and "md5" give what Keras gives for "md5", in every
            process. Keras' own default is Python's `hash`, which differs from process to process, so that a
            saved model would read other words.
        filters: Characters that part words and are left out.
        lower: Whether to write words in lower case.
        split: What parts words.

    Returns:
        A number for each word.

    Raises:
        InputError: `n` is below 2, or the hash function is unknown.

    Example:
        >>> hashing_trick("the cat and the dog", 100)
        [51, 3, 69, 51, 33]
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 2:
        raise InputError(
            "hashing_trick",
            expected="n of at least 2, as 0 is no word's number",
            got=repr(n),
            fix="Set n to a few times the number of different words.",
        )
    if hash_function is not None and hash_function != "md5" and not callable(hash_function):
        raise InputError(
            "hashing_trick",
            expected="hash_function to be 'md5' or a function of a word",
            got=repr(hash_function),
            fix="Leave it out.",
        )
    number = hash_function if callable(hash_function) else _md5
    return [number(word) % (n - 1) + 1 for word in text_to_word_sequence(input_text, filters, lower, split)]


def one_hot(
    input_text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[int]:
    """Turns a text into hashed numbers, Keras' name for `hashing_trick`; nothing is one-hot.

    Args:
        input_text: The text.
        n: The numbers go from 1 to n - 1.
        filters: Characters that part words and are left out.
        lower: Whether to write words in lower case.
        split: What parts words.

    Returns:
        A number for each word, the same in every process, which Keras' are not.

    Example:
        >>> one_hot("the cat and the dog", 100)
        [51, 3, 69, 51, 33]
    """
    return hashing_trick(input_text, n, None, filters, lower, split)


def ngrams(tokens: Sequence[str], widths: int | Sequence[int], separator: str = " ") -> list[str]:
    """Joins neighbouring tokens, or neighbouring characters of a text.

    Args:
        tokens: Words; a text stands for its characters.
        widths: How many tokens make one n-gram; several widths are taken one after the other.
        separator: What stands between the tokens; "" for characters.

    Returns:
        The n-grams; none of a width that is longer than `tokens`.

    Raises:
        InputError: A width is no positive whole number.

    Example:
        >>> ngrams(["not", "a", "test"], (1, 2))
        ['not', 'a', 'test', 'not a', 'a test']
        >>> ngrams("cats", 3, separator="")
        ['cat', 'ats']
    """
    wanted: tuple[Any, ...] = tuple(widths) if isinstance(widths, (tuple, list)) else (widths,)
    if not wanted or any(
        isinstance(each, bool) or not hasattr(each, "__index__") or each < 1 for each in wanted
    ):
        raise InputError(
            "ngrams",
            expected="positive whole numbers as widths",
            got=repr(widths),
            fix="Write 2 for pairs, or (1, 2) for single tokens and pairs.",
        )
    found: list[str] = []
    for width in wanted:
        if width == 1:
            found.extend(tokens)
        else:
            found.extend(map(separator.join, zip(*(tokens[start:] for start in range(width)), strict=False)))
    return found


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
