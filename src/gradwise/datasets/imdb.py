"""The IMDB film reviews (A. Maas et al. 2011): 25 000 to train on, 25 000 to test on, half positive.

The file imdb.npz is the one that Keras publishes, or one without pickles that holds for each part, here for
the training part: x_train_tokens int32[N], the word ranks of all reviews one after the other (1 = most
frequent), x_train_offsets int64[25001], where each begins and ends, and y_train int64[25000].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.datasets._files import find_file, read_npz, read_word_index
from gradwise.datasets._objects import has_lists, read_lists
from gradwise.datasets._sequences import Ragged, Rules, shorter_than

Part = tuple[NDArray[Any], NDArray[Any]]


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Part, Part]:
    """Loads the reviews as lists of word ids, with Keras' rules and order.

    With the defaults id 0 is free for padding, 1 starts a review, 2 stands for a word left out, and the
    word of rank r has id r + 3.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.
        num_words: Ids from this one on become `oov_char`; None keeps all.
        skip_top: Ids below this one become `oov_char`.
        maxlen: Only reviews of fewer ids than this are kept; None keeps all.
        seed: Seed of the shuffle.
        start_char: Id put before each review; None puts none.
        oov_char: Id put in place of a word left out; None drops it instead.
        index_from: Added to every rank.

    Returns:
        ((x_train object[25000] of lists of int, y_train int64[25000] of 0 and 1), (x_test, y_test)).

    Raises:
        InputError: The file is not there, or no review is shorter than `maxlen`.
        FileError: The file is damaged.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> len(x_train[0])  # doctest: +SKIP
        218
    """
    rules = Rules(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    keys = [
        f"{kind}_{part}{end}"
        for part in ("train", "test")
        for kind, end in (("x", "_tokens"), ("x", "_offsets"))
    ]
    file = find_file(path)
    if has_lists(file):
        data: dict[str, Any] = read_npz(file, ("y_train", "y_test"))
        sequences = {name: read_lists(file, f"x_{name}") for name in ("train", "test")}
    else:
        data = read_npz(file, (*keys, "y_train", "y_test"))
        sequences = {
            name: Ragged(data[f"x_{name}_tokens"], data[f"x_{name}_offsets"]) for name in ("train", "test")
        }
    generator = np.random.RandomState(seed)
    parts = []
    for name in ("train", "test"):
        order = np.arange(len(data[f"y_{name}"]))
        generator.shuffle(order)
        texts = sequences[name].take(order).marked(rules)
        parts.append(shorter_than(texts, data[f"y_{name}"][order], maxlen))
    # Keras takes the highest id itself as the limit, so that without num_words the rarest word is left out.
    limit = num_words or max(int(texts.tokens.max()) for texts, _ in parts)
    train, test = ((texts.limited(rules, limit).lists(), labels) for texts, labels in parts)
    return train, test


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Loads the rank of each word, 1 for the most frequent; its id in `load_data` is `index_from` more.

    Args:
        path: The file's name in the data directory or the cache, or an absolute path.

    Returns:
        Rank by word, 88 584 words.

    Raises:
        InputError: The file is not there.
        FileError: The file is damaged.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_word_index(path)
