"""The Reuters newswires (Reuters-21578, D. Lewis): 11 228 short texts in 46 topics.

The file reuters.npz is the one that Keras publishes, or one without pickles that holds x_tokens int32[N], the
word ranks of all texts one after the other (1 = most frequent), x_offsets int64[11229], where each begins and
ends, and y int64[11228].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.datasets._files import find_file, read_npz, read_word_index
from gradwise.datasets._objects import has_lists, read_lists
from gradwise.datasets._sequences import Ragged, Rules, shorter_than

Part = tuple[NDArray[Any], NDArray[Any]]

_LABELS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship "
    "cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr "
    "gas silver wpi hog lead"
).split()


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Part, Part]:
    """Loads the newswires as lists of word ids, with Keras' rules and order.

    With the defaults id 0 is free for padding, 1 starts a text, 2 stands for a word left out, and the word
    of rank r has id r + 3.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.
        num_words: Ids from this one on become `oov_char`; None keeps all.
        skip_top: Ids below this one become `oov_char`.
        maxlen: Only texts of fewer ids than this are kept; None keeps all.
        test_split: The share of the texts to test on, as a fraction of 1.
        seed: Seed of the shuffle.
        start_char: Id put before each text; None puts none.
        oov_char: Id put in place of a word left out; None drops it instead.
        index_from: Added to every rank.

    Returns:
        ((x_train object[8982] of lists of int, y_train int64[8982] from 0 to 45), (x_test, y_test)).

    Raises:
        InputError: The file is not there, or no text is shorter than `maxlen`.
        FileError: The file is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> len(x_train)  # doctest: +SKIP
        8982
    """
    rules = Rules(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    file = find_file(path)
    if has_lists(file):
        sequences, targets = read_lists(file, "x"), read_npz(file, ("y",))["y"]
    else:
        data = read_npz(file, ("x_tokens", "x_offsets", "y"))
        sequences, targets = Ragged(data["x_tokens"], data["x_offsets"]), data["y"]
    order = np.arange(len(targets))
    np.random.RandomState(seed).shuffle(order)
    texts, labels = shorter_than(sequences.take(order).marked(rules), targets[order], maxlen)
    # Keras takes the highest id itself as the limit, so that without num_words the rarest word is left out.
    lists = texts.limited(rules, num_words or int(texts.tokens.max())).lists()
    stop = int(len(lists) * (1 - test_split))
    return (lists[:stop], labels[:stop]), (lists[stop:], labels[stop:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Loads the rank of each word, 1 for the most frequent; its id in `load_data` is `index_from` more.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.

    Returns:
        Rank by word, 30 979 words.

    Raises:
        InputError: The file is not there.
        FileError: The file is damaged.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_word_index(path)


def get_label_names() -> tuple[str, ...]:
    """Returns the names of the 46 topics, in the order of the labels.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return tuple(_LABELS)
