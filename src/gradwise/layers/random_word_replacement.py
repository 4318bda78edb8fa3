"""Words of sentences replaced at random in training."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_count
from gradwise.layers.noise_base import Noise
from gradwise.layers.number_checks import check_fraction
from gradwise.ops.word_replacement import replace_words
from gradwise.registry import register


@register("layers.RandomWordReplacement")
class RandomWordReplacement(Noise):
    """Replaces words of each sentence in training, by synonyms or by any word of the vocabulary.

    Each word has its chance (Wei and Zou, 2019, EDA, arXiv:1901.11196, synonym replacement; they replace a
    share of 0.1 of the words). Put it before `Embedding`. Padding, 0, and numbers below `first_word` stay.

    Args:
        vocabulary_size: How many numbers of words there are, `Embedding`'s input_dim.
        rate: The probability that a word is replaced.
        first_word: The smallest number of a word: 2 where 1 stands for unknown words.
        synonyms: int[V, K], the numbers of up to K synonyms of each word, with 0 where there are fewer; a
            word without any stays. By default any word of the vocabulary may take another's place.
        seed: A number mixed into the random stream of this layer.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are no sentences of integers.

    Shapes: int[B, T] to int[B, T].

    Example:
        >>> layer = RandomWordReplacement(4, rate=1.0, synonyms=[[0], [0], [3], [2]])
        >>> layer(np.array([[1, 2, 3, 0]]), training=True).tolist()
        [[1, 3, 2, 0]]
    """

    supports_masking = True

    def __init__(
        self,
        vocabulary_size: int,
        rate: float = 0.1,
        first_word: int = 1,
        synonyms: Any = None,
        seed: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.vocabulary_size = check_count(self.where(), "vocabulary_size", vocabulary_size)
        self.rate = self.strength = check_fraction(self.where(), "rate", rate)
        self.first_word = check_count(self.where(), "first_word", first_word)
        if self.first_word >= self.vocabulary_size:
            raise InputError(
                self.where(),
                expected=f"first_word below the vocabulary_size {self.vocabulary_size}",
                got=self.first_word,
                fix="Set first_word=1, or the true size of the vocabulary.",
            )
        self.synonyms = None if synonyms is None else self._checked_table(synonyms)
        self.seed = self.checked_seed(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Replaces words in training."""
        inputs = jnp.asarray(inputs)
        if inputs.ndim != 2 or not jnp.issubdtype(inputs.dtype, jnp.integer):
            raise InputError(
                self.where(),
                expected="sentences of shape [batch, words], as integers",
                got=f"{inputs.dtype} of shape {inputs.shape}",
                fix="Put it before Embedding, after the layer that makes numbers of words.",
            )
        if not training or self.strength == 0:
            return inputs
        return replace_words(
            inputs,
            self.draw_key(),
            self.rate,
            self.vocabulary_size,
            first_word=self.first_word,
            synonyms=None if self.synonyms is None else jnp.asarray(self.synonyms),
        )

    def _checked_table(self, synonyms: Any) -> np.ndarray:
        try:
            table = np.asarray(synonyms)
        except ValueError:  # rows of different lengths
            table = np.zeros(())
        fits = table.ndim == 2 and table.dtype.kind in "iu" and len(table) <= self.vocabulary_size
        if not fits or table.size == 0 or table.min() < 0 or table.max() >= self.vocabulary_size:
            raise InputError(
                self.where(),
                expected=f"synonyms to be a table of integers from 0 to {self.vocabulary_size - 1}, "
                f"with a row for each of at most {self.vocabulary_size} words",
                got=f"{table.dtype} of shape {table.shape}, from {table.min()} to {table.max()}"
                if fits and table.size
                else "something else",
                fix="Fill rows of different lengths up with 0.",
            )
        # Synonyms first, then the zeros: a draw among the first few then finds one.
        order = np.argsort(table == 0, axis=1, kind="stable")
        return np.take_along_axis(table, order, axis=1).astype("int32")
