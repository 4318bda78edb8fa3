"""Texts as word numbers or rows of words."""

from __future__ import annotations

from itertools import chain
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from gradwise.core.layer import LayerOptions
from gradwise.data.sparse import SparseMatrix
from gradwise.data.texts import SPLIT, STANDARDIZE, as_texts, split_texts, standardize_texts
from gradwise.data.token_table import encode_rows
from gradwise.data.tokenizing import ngrams as join_tokens
from gradwise.errors import InputError
from gradwise.layers.adapting import refuse_sparse
from gradwise.layers.checks import check_choice, check_count
from gradwise.layers.lookup_base import VocabularyLayer
from gradwise.registry import register

_MANY = 2**22  # numbers in all rows, from which they are handed over as a sparse matrix


@register("layers.TextVectorization")
class TextVectorization(VocabularyLayer):
    """Writes texts in one way, splits them into tokens, and gives each its number in a vocabulary.

    Runs on the host. Learn the vocabulary from the training texts alone with `adapt`, before the model is
    trained; the model file holds it.

    Args:
        max_tokens: How many numbers there are at most, those of padding and unknown tokens among them.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function from an
            array of texts to as many texts. As in Keras, "lower" changes the letters A to Z only; for others
            register a function: `lambda texts: numpy.strings.lower(texts)` with a name.
        split: "whitespace", "character", None, or a function from an array of texts to as many lists of
            tokens. A model with functions can be saved if they are registered.
        ngrams: N for n-grams of 1 to N tokens, or a tuple of widths; they are joined by spaces.
        output_mode: "int" for token numbers, 0 being padding and 1 unknown tokens; "multi_hot", "count" or
            "tf_idf" for a row for each text, in which place 0 is that of unknown tokens.
        output_sequence_length: In mode "int" the length to cut and pad to; by default that of the longest
            text of a call, and 1 if all are empty.
        pad_to_max_tokens: Whether rows have `max_tokens` places whatever was learned.
        vocabulary: The tokens in order, or the path of a file with one on each line; or call `adapt`.
        idf_weights: In mode "tf_idf" the weight of each token of `vocabulary`.
        sparse: Not supported.
        ragged: Not supported.
        encoding: Texts given as bytes are UTF-8.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used.

    Shapes: string[B] or string[B, 1] to int[B, T] or float[B, K]; with split=None also string[B, T].

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["The cat sat.", "The dog!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'sat', 'dog', 'cat']
        >>> layer(["the cat ran"]).tolist()
        [[2, 5, 1, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = self.where()
        self.standardize = _one_of(where, "standardize", standardize, STANDARDIZE)
        self.split = _one_of(where, "split", split, SPLIT)
        self.widths = _widths(where, ngrams)
        refuse_sparse(where, sparse=sparse, ragged=ragged)
        if output_mode == "one_hot":
            raise InputError(
                where,
                expected="output_mode 'int', 'multi_hot', 'count' or 'tf_idf'",
                got="'one_hot'",
                fix="Use 'int', and CategoryEncoding or Embedding behind it.",
            )
        self.start(
            vocabulary,
            idf_weights,
            pad_to_max_tokens,
            max_tokens=max_tokens,
            mask_token="",
            output_mode=output_mode,
        )
        if output_sequence_length is not None:
            check_count(where, "output_sequence_length", output_sequence_length)
            if self.table.output_mode != "int":
                raise InputError(
                    where,
                    expected="output_sequence_length with output_mode='int' only",
                    got=f"it with output_mode={output_mode!r}",
                    fix="Leave it out: a row has a place for each token.",
                )
        self.output_sequence_length = output_sequence_length

    def receive(self, values: Any) -> Any:
        """Turns a list, an array or a column into an array of texts."""
        return as_texts(values, self.where())

    def documents(self, data: Any) -> list[list[Any]]:
        """Splits texts into tokens, after writing them in one way."""
        texts = self.receive(data)
        self._check_shape(texts.shape)
        written = standardize_texts(texts.ravel().tolist(), self.standardize)
        if self.split is not None:
            lists = split_texts(written, self.split)
        else:
            width = texts.shape[1] if texts.ndim > 1 else 1
            lists = [written[start : start + width] for start in range(0, len(written), width)]
        return lists if self.widths is None else [join_tokens(tokens, self.widths) for tokens in lists]

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns the shape and type of the outputs."""
        self._check_shape(shape)
        if self.table.output_mode == "int":
            return (shape[0], self.output_sequence_length), "int32"
        return (shape[0], self.depth()), "float32"

    def call(self, inputs: Any) -> Any:
        """Gives token numbers, or rows."""
        lengths, rows, numbers = self._numbered(inputs)
        mode = self.table.output_mode
        if mode != "int":
            how = "multi_hot" if mode == "multi_hot" else "count"
            return self.weigh(encode_rows(rows, numbers, (len(lengths), self.depth()), how))
        # At least one place: recurrent layers and means have no answer for none.
        width = self.output_sequence_length or int(lengths.max(initial=1))
        places = np.arange(len(numbers)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        result = np.zeros((len(lengths), width), np.int32)
        kept = places < width
        result[rows[kept], places[kept]] = numbers[kept]
        return result

    def _numbered(self, inputs: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
        """How many tokens each text has, and the text and the number of each token."""
        lists = self.documents(inputs)
        lengths = np.array([len(tokens) for tokens in lists], np.int64)
        numbers = self.table.look_up(list(chain.from_iterable(lists)))
        return lengths, np.repeat(np.arange(len(lists)), lengths), numbers

    def hand_over(self, inputs: Any) -> Any:
        """Gives token numbers, or rows: as a sparse matrix if there are many."""
        if self.table.output_mode == "int" or len(inputs) * self.depth() < _MANY:
            return self.call(inputs)
        lengths, rows, numbers = self._numbered(inputs)
        kept = numbers >= 0
        places, counts = np.unique(rows[kept] * self.depth() + numbers[kept], return_counts=True)
        columns = (places % self.depth()).astype(np.int32)
        starts = np.searchsorted(places, np.arange(len(lengths) + 1) * self.depth())
        values = None if self.table.output_mode == "multi_hot" else counts.astype(np.float32)
        if values is not None and self.table.idf_weights is not None:
            values = values * self.table.idf_weights[columns]
        return SparseMatrix(columns, starts, values, self.depth())

    def _check_shape(self, shape: Any) -> None:
        if len(shape) == 1 or (len(shape) == 2 and (self.split is None or shape[1] == 1)):
            return
        raise InputError(
            self.where(),
            expected="texts of shape [B] or [B, 1]"
            + (", or tokens of shape [B, T]" if self.split is None else ""),
            got=tuple(shape),
            fix="Give a list of texts; set split=None for texts that are split already.",
        )


def _one_of(where: str, name: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value is None or callable(value):
        return value
    return check_choice(where, name, value, choices)


def _widths(where: str, ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    widths = tuple(ngrams) if isinstance(ngrams, (tuple, list)) else (ngrams,)
    wrong = [width for width in widths if isinstance(width, bool) or not isinstance(width, int) or width < 1]
    if wrong or not widths:
        raise InputError(
            where,
            expected="ngrams to be a positive whole number, a tuple of them, or None",
            got=repr(ngrams),
            fix="Set ngrams=2 for single tokens and pairs.",
        )
    return widths if isinstance(ngrams, (tuple, list)) else tuple(range(1, ngrams + 1))
