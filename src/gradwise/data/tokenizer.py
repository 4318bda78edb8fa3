"""Keras 2's Tokenizer: texts as numbers of words, by how frequent they are."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.tokenizing import FILTERS, text_to_word_sequence
from gradwise.errors import FileError, InputError, StateError

MODES = ("binary", "count", "tfidf", "freq")
_LEARNED = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


class Tokenizer:
    """Numbers words by how frequent they are, with Keras 2's interface and results.

    Number 1 is the most frequent word, or `oov_token` if there is one; words equally frequent keep the order
    they came in. 0 is no word's number.

    Args:
        num_words: Only numbers below this one are given out, so at most `num_words` - 1 words are told apart.
        filters: Characters that part words and are left out.
        lower: Whether to write words in lower case.
        split: What parts words.
        char_level: Whether each character is a token.
        oov_token: Stands for words that are not known or too rare; by default these are left out.
        analyzer: A function from a text to its words, instead of `filters` and `split`.
        document_count: How many texts were learned from before.

    Raises:
        InputError: `num_words` is no positive whole number, or `analyzer` no function.

    Example:
        >>> tokenizer = Tokenizer(num_words=3)
        >>> tokenizer.fit_on_texts(["The cat sat.", "The cat ran!"])
        >>> tokenizer.word_index
        {'the': 1, 'cat': 2, 'sat': 3, 'ran': 4}
        >>> tokenizer.texts_to_sequences(["the cat sat on the mat"])
        [[1, 2, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Sequence[str]] | None = None,
        document_count: int = 0,
    ) -> None:
        if num_words is not None and (
            isinstance(num_words, bool) or not hasattr(num_words, "__index__") or num_words < 1
        ):
            raise InputError(
                "Tokenizer",
                expected="num_words to be a positive whole number, or None for all words",
                got=repr(num_words),
                fix="Set num_words=10000, say.",
            )
        if analyzer is not None and not callable(analyzer):
            raise InputError(
                "Tokenizer",
                expected="analyzer to be a function from a text to its words",
                got=repr(analyzer),
                fix="Write analyzer=str.split, say.",
            )
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.document_count = document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}
        self.index_docs: dict[int, int] = {}

    def fit_on_texts(self, texts: Iterable[str | Sequence[str]]) -> None:
        """Learns words and how frequent they are; further calls add to what is known.

        Args:
            texts: Texts, or lists of words.

        Raises:
            InputError: It is one text, or an item is no text.
        """
        counts, documents = Counter(self.word_counts), Counter(self.word_docs)
        count = 0
        for words in self._split_all(texts, "fit_on_texts"):
            count += 1
            counts.update(words)
            documents.update(dict.fromkeys(words, 1))
        self.document_count += count
        self.word_counts, self.word_docs = dict(counts), dict(documents)
        frequent = sorted(counts, key=counts.__getitem__, reverse=True)
        ordered = frequent if self.oov_token is None else [self.oov_token, *frequent]
        self.word_index = {word: place for place, word in enumerate(ordered, 1)}
        self.index_word = {place: word for word, place in self.word_index.items()}
        self.index_docs.update({self.word_index[word]: number for word, number in documents.items()})

    def fit_on_sequences(self, sequences: Sequence[Sequence[int]]) -> None:
        """Learns in how many sequences each number occurs, for `sequences_to_matrix` in mode "tfidf".

        Args:
            sequences: Lists of word numbers.
        """
        self.document_count += len(sequences)
        documents = Counter(self.index_docs)
        for sequence in sequences:
            documents.update(set(sequence))
        self.index_docs = dict(documents)

    def texts_to_sequences(self, texts: Iterable[str | Sequence[str]]) -> list[list[int]]:
        """Turns texts into lists of word numbers.

        Args:
            texts: Texts, or lists of words.

        Returns:
            A list for each text; words not known are left out, or numbered as `oov_token`.

        Raises:
            InputError: It is one text, or an item is no text.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[str | Sequence[str]]) -> Iterator[list[int]]:
        """Yields the list of word numbers of each text, as `texts_to_sequences` returns them."""
        limit = self.num_words or math.inf
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for words in self._split_all(texts, "texts_to_sequences"):
            found = map(self.word_index.get, words)
            known = (number if number is not None and number < limit else unknown for number in found)
            yield [number for number in known if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """Turns word numbers back into words with spaces between them.

        Args:
            sequences: Lists of word numbers.

        Returns:
            A text for each.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Sequence[int]]) -> Iterator[str]:
        """Yields the text of each list of word numbers, as `sequences_to_texts` returns them."""
        limit = self.num_words or math.inf
        unknown = None if self.oov_token is None or self.oov_token not in self.word_index else self.oov_token
        for sequence in sequences:
            words = (self.index_word.get(number) if number < limit else unknown for number in sequence)
            yield " ".join(
                word for word in (unknown if item is None else item for item in words) if word is not None
            )

    def texts_to_matrix(
        self, texts: Iterable[str | Sequence[str]], mode: str = "binary"
    ) -> NDArray[np.float64]:
        """Turns each text into a row with a number for each word.

        Args:
            texts: Texts, or lists of words.
            mode: As for `sequences_to_matrix`.

        Returns:
            float64[B, K], K being `num_words`, or the number of words + 1.

        Raises:
            InputError: The mode is unknown.
            StateError: Nothing was learned yet.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> NDArray[np.float64]:
        """Turns each list of word numbers into a row with a number for each word.

        Args:
            sequences: Lists of word numbers; those from K on are left out.
            mode: "binary" gives 1 for each word that occurs, "count" how often it does, "freq" that divided
                by the length of the list, and "tfidf" (1 + log count) · log(1 + N / (1 + n)) for a word that
                occurs in n of the N texts learned from.

        Returns:
            float64[B, K], K being `num_words`, or the number of words + 1.

        Raises:
            InputError: The mode is unknown.
            StateError: Nothing was learned yet, and K is not known or the mode is "tfidf".

        Example:
            >>> Tokenizer(num_words=4).sequences_to_matrix([[1, 3, 3]], mode="count").tolist()
            [[0.0, 1.0, 0.0, 2.0]]
        """
        if mode not in MODES:
            raise InputError(
                "Tokenizer, mode",
                expected=f"one of {', '.join(MODES)}",
                got=repr(mode),
                fix="Set mode='binary'.",
            )
        if (not self.num_words and not self.word_index) or (mode == "tfidf" and not self.document_count):
            raise StateError(
                "Tokenizer",
                expected="texts to learn from before it makes a matrix",
                got="none",
                fix="Call fit_on_texts first" + ("." if mode == "tfidf" else ", or set num_words."),
            )
        width = self.num_words or len(self.word_index) + 1
        lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        numbers = np.fromiter(chain.from_iterable(sequences), np.int64, count=int(lengths.sum()))
        rows = np.repeat(np.arange(len(lengths)), lengths)
        kept = numbers < width
        counts = np.zeros((len(lengths), width))
        np.add.at(counts, (rows[kept], numbers[kept]), 1)
        if mode == "binary":
            return np.minimum(counts, 1)
        if mode == "freq":
            return counts / np.maximum(lengths, 1)[:, None]
        return self._tf_idf(counts) if mode == "tfidf" else counts

    def get_config(self) -> dict[str, Any]:
        """Returns settings and what was learned in the form that Keras writes: tables as JSON texts.

        Raises:
            FileError: There is an `analyzer`, which no file can hold.
        """
        if self.analyzer is not None:
            raise FileError(
                "Tokenizer.get_config",
                expected="settings that a file can hold",
                got="a function as analyzer",
                fix="Split the texts first, and give lists of words to a Tokenizer without one.",
            )
        settings = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {name: getattr(self, name) for name in settings} | {
            name: json.dumps(getattr(self, name)) for name in _LEARNED
        }

    def to_json(self, **options: Any) -> str:
        """Returns the tokenizer as JSON, which `tokenizer_from_json` and Keras 2 read.

        Args:
            options: What `json.dumps` takes, such as indent=1.
        """
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **options)

    def _tf_idf(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        documents = np.array([self.index_docs.get(number, 0) for number in range(counts.shape[1])])
        rarity = np.log(1 + self.document_count / (1 + documents))
        return np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity

    def _split_all(self, texts: Iterable[str | Sequence[str]], method: str) -> Iterator[Sequence[str]]:
        if isinstance(texts, str):
            raise InputError(
                f"Tokenizer.{method}", expected="a list of texts", got="one text", fix="Write [text]."
            )
        for place, text in enumerate(texts):
            if isinstance(text, (list, tuple)):
                yield [word.lower() for word in text] if self.lower else text
            elif not isinstance(text, str):
                raise InputError(
                    f"Tokenizer.{method}",
                    expected="texts or lists of words",
                    got=f"an object of class {type(text).__name__} at position {place}",
                    fix="Fill missing texts with ''.",
                )
            elif self.char_level:
                yield text.lower() if self.lower else text
            elif self.analyzer is not None:
                yield self.analyzer(text)
            else:
                yield text_to_word_sequence(text, self.filters, self.lower, self.split)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Rebuilds a tokenizer from `Tokenizer.to_json`, of this library or of Keras 2.

    Args:
        json_string: The JSON.

    Returns:
        The tokenizer, with what it learned.

    Raises:
        FileError: It is something else.

    Example:
        >>> tokenizer = Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["a cat"])
        >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["a dog"])
        [[2, 1]]
    """
    try:
        config = dict(json.loads(json_string)["config"])
        learned = {name: dict(json.loads(config.pop(name))) for name in _LEARNED}
        tokenizer = Tokenizer(**config)
        for name, table in learned.items():
            # JSON knows no numbers as keys.
            kept = {int(key): value for key, value in table.items()} if name.startswith("index_") else table
            setattr(tokenizer, name, kept)
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(
            "tokenizer_from_json",
            expected="what Tokenizer.to_json wrote",
            got=f"something else ({error})",
            fix="Save the tokenizer again.",
        ) from error
    return tokenizer
