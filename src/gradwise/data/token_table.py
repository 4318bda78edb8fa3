"""Vocabularies: which tokens have which numbers, learned from data or given."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.data.hashing import hash_buckets
from gradwise.errors import FileError, InputError, StateError

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_UNKNOWN, _DROPPED = -1, -2


@dataclass
class TokenTable:
    """Gives tokens numbers by Keras' rules: padding, then unknown tokens, then the vocabulary.

    Args:
        where: Whose table it is, for errors.
        max_tokens: How many numbers there are at most, or None.
        num_oov_indices: How many numbers unknown tokens share; several are told apart by a hash.
        mask_token: The token of padding. It has the number 0 in mode "int" and is left out in others.
        oov_token: What an unknown number is turned back into.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
        integers: Whether tokens are whole numbers, and no texts.
        remainder: Whether unknown whole numbers are told apart by their remainder, and not by a hash.
        key: None, or the key of the hash.

    Example:
        >>> table = TokenTable("here", mask_token="")
        >>> table.learn([["a", "b"], ["b"]])
        >>> table.vocabulary(), table.look_up(["a", "c", ""]).tolist()
        (['', '[UNK]', 'b', 'a'], [3, 1, 0])
    """

    where: str
    max_tokens: int | None = None
    num_oov_indices: int = 1
    mask_token: Any = None
    oov_token: Any = "[UNK]"
    output_mode: str = "int"
    integers: bool = False
    remainder: bool = False
    key: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Starts without tokens."""
        self.tokens: list[Any] = []
        self.idf_weights: NDArray[np.float32] | None = None
        self._numbers: dict[Any, int] = {}

    @property
    def first_unknown(self) -> int:
        """The number of the first unknown token."""
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def first_token(self) -> int:
        """The number of the first known token."""
        return self.first_unknown + self.num_oov_indices

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.first_token + len(self.tokens)

    @property
    def specials(self) -> list[Any]:
        """The tokens before the vocabulary."""
        return [self.mask_token] * self.first_unknown + [self.oov_token] * self.num_oov_indices

    def vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the tokens by number, or without those of padding and unknown tokens."""
        return [*self.specials, *self.tokens] if include_special_tokens else list(self.tokens)

    def learn(self, documents: Iterable[Sequence[Any]]) -> None:
        """Learns the vocabulary: the most frequent tokens first, and of equally frequent ones the greatest.

        In mode "tf_idf" the weight of a token is log(1 + N / (1 + n)) if it is in n of N documents, and that
        of unknown tokens their mean.

        Args:
            documents: Lists of tokens.

        Raises:
            InputError: There are no tokens.
        """
        counts: Counter[Any] = Counter()
        occurs: Counter[Any] = Counter()
        number = 0
        for tokens in documents:
            number += 1
            counts.update(tokens)
            if self.output_mode == "tf_idf":
                occurs.update(set(tokens))
        for special in (self.mask_token, self.oov_token):
            counts.pop(special, None)
        if not counts:
            raise InputError(
                f"{self.where}, adapt",
                expected="data with at least one token to learn",
                got=f"{number} samples without any",
                fix="Check the data, and what standardize and split do to it.",
            )
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ordered = ordered[: max(self.max_tokens - self.first_token, 0)]
        self._keep(ordered)
        if self.output_mode == "tf_idf":
            found = np.array([occurs[token] for token in ordered])
            weights = np.log(1 + number / (1 + found)).astype(np.float32)
            front = np.full(self.first_token, weights.mean() if len(weights) else 1, np.float32)
            self.idf_weights = np.concatenate([front, weights])

    def set(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Takes a vocabulary as given.

        Args:
            vocabulary: Tokens in order, with the special ones in front or without them, or the path of a
                file with a token on each line.
            idf_weights: In mode "tf_idf" a number for each token given.

        Raises:
            InputError: A token occurs twice or is one of the special ones, there are too many, or the weights
                do not fit.
            FileError: There is no such file.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = read_vocabulary(vocabulary)
        given = [self._token(item) for item in np.asarray(vocabulary, object).ravel().tolist()]
        with_specials = given[: self.first_token] == self.specials
        tokens = given[self.first_token :] if with_specials else given
        self._check(tokens)
        weights = self._checked_weights(idf_weights, len(given))
        self._keep(tokens)
        if weights is not None:
            front = np.full(0 if with_specials else self.first_token, weights.mean(), np.float32)
            self.idf_weights = np.concatenate([front, weights])

    def look_up(self, tokens: Sequence[Any]) -> NDArray[np.int32]:
        """Gives each token its number.

        Args:
            tokens: N tokens.

        Returns:
            int32[N]; negative for padding that is to be left out.

        Raises:
            StateError: There is no vocabulary yet.
            InputError: A token is unknown and there is no number for unknown tokens.
        """
        self.require()
        numbers = self._numbers
        found = np.array([numbers.get(token, _UNKNOWN) for token in tokens], np.int32)
        if self.mask_token is not None:
            numbered = 0 if self.output_mode == "int" else _DROPPED
            found[np.fromiter((token == self.mask_token for token in tokens), bool, len(tokens))] = numbered
        places = np.flatnonzero(found == _UNKNOWN).tolist()
        if places:
            found[places] = self._unknown([tokens[place] for place in places])
        return found

    def turn_back(self, numbers: NDArray[Any]) -> list[Any]:
        """Returns the token of each number; `oov_token` for numbers of unknown tokens and for others."""
        self.require()
        known = self.vocabulary()
        return [known[number] if 0 <= number < len(known) else self.oov_token for number in numbers.tolist()]

    def require(self) -> None:
        """Refuses to go on without a vocabulary."""
        if not self.tokens:
            raise StateError(
                self.where,
                expected="a vocabulary",
                got="none yet",
                fix="Call adapt(training data) first, or pass vocabulary=[...].",
            )

    def _keep(self, tokens: list[Any]) -> None:
        self.tokens = tokens
        self._numbers = {token: number for number, token in enumerate(tokens, self.first_token)}

    def _token(self, item: Any) -> Any:
        if item is None:
            return None
        if self.integers:
            return int(item)
        return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)

    def _unknown(self, tokens: list[Any]) -> Any:
        if self.num_oov_indices == 1:
            return self.first_unknown
        if self.num_oov_indices == 0:
            shown = ", ".join(repr(token) for token in dict.fromkeys(tokens[:5]))
            raise InputError(
                self.where,
                expected="tokens of the vocabulary only, as num_oov_indices=0 says",
                got=f"unknown ones, such as {shown}",
                fix="Set num_oov_indices=1, or learn the vocabulary from all training data.",
            )
        if self.remainder:
            return np.array([token % self.num_oov_indices for token in tokens]) + self.first_unknown
        return hash_buckets(map(str, tokens), self.num_oov_indices, self.key) + self.first_unknown

    def _check(self, tokens: list[Any]) -> None:
        def refuse(expected: str, got: str, fix: str) -> InputError:
            return InputError(f"{self.where}, vocabulary", expected=expected, got=got, fix=fix)

        if not tokens:
            raise refuse("at least one token", "none", "Give the tokens in a list.")
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        if twice:
            raise refuse("each token once", f"{twice[0]!r} more than once", "Leave out the repetitions.")
        if self.mask_token is not None and self.mask_token in set(tokens):
            raise refuse(
                f"mask_token {self.mask_token!r} to be in front or left out",
                f"it at position {tokens.index(self.mask_token)}",
                f"Begin the vocabulary with {self.specials}, or leave these out.",
            )
        if self.max_tokens is not None and self.first_token + len(tokens) > self.max_tokens:
            raise refuse(
                f"at most {self.max_tokens - self.first_token} tokens, as max_tokens={self.max_tokens} says",
                str(len(tokens)),
                "Raise max_tokens, or leave out rare tokens.",
            )

    def _checked_weights(self, weights: Any, count: int) -> NDArray[np.float32] | None:
        wanted = self.output_mode == "tf_idf"
        if weights is None and not wanted:
            return None
        array = None if weights is None else np.asarray(weights, np.float32)
        if array is None or not wanted or array.shape != (count,):
            raise InputError(
                f"{self.where}, idf_weights",
                expected=f"{count} numbers, one for each token of the vocabulary"
                if wanted
                else "none, as they are for output_mode='tf_idf'",
                got="none" if array is None else f"shape {array.shape}",
                fix="Call adapt instead to learn both." if wanted else "Set output_mode='tf_idf'.",
            )
        return array


def read_vocabulary(path: str | os.PathLike[str]) -> list[str]:
    """Reads a file with a token on each line.

    Args:
        path: The file, in UTF-8.

    Returns:
        The tokens.

    Raises:
        FileError: There is no such file, or it is no text.

    Example:
        >>> _ = Path("words.txt").write_text("a" + chr(10) + "b" + chr(10))
        >>> read_vocabulary("words.txt")
        ['a', 'b']
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"vocabulary '{path}'",
            expected="a text file with a token on each line",
            got="no such file" if isinstance(error, FileNotFoundError) else str(error),
            fix="Check the path, or pass the tokens as a list.",
        ) from error
    return text.removesuffix("\n").split("\n")


def encode_rows(
    rows: NDArray[np.int64], numbers: NDArray[np.int32], shape: tuple[int, int], how: str
) -> NDArray[np.float32]:
    """Counts which numbers occur in each row.

    Args:
        rows: int[N], the row of each number.
        numbers: int[N]; negative ones are left out.
        shape: How many rows and columns there are.
        how: "count", or "multi_hot" for 1 wherever a number occurs.

    Returns:
        float32[B, K].

    Example:
        >>> encode_rows(np.array([0, 0, 1]), np.array([1, 1, 2]), (2, 3), "count").tolist()
        [[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]
    """
    result = np.zeros(shape, np.float32)
    kept = numbers >= 0
    if how == "multi_hot":
        result[rows[kept], numbers[kept]] = 1
    else:
        np.add.at(result, (rows[kept], numbers[kept]), np.float32(1))
    return result
