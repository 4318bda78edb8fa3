"""Words of sentences replaced at random, by any word or by synonyms."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["replace_words"]


def replace_words(
    words: jax.Array,
    key: jax.Array,
    rate: float,
    vocabulary_size: int,
    *,
    first_word: int = 1,
    synonyms: jax.Array | None = None,
) -> jax.Array:
    """Replaces words with a probability, each by itself.

    Source: Wei and Zou, 2019, EDA (arXiv:1901.11196), synonym replacement; they replace a fixed share of the
    words of each sentence, here each word has its chance.

    Args:
        words: int[B, T]. Numbers of words; 0 is padding.
        key: A random key.
        rate: The probability, from 0 to 1.
        vocabulary_size: How many numbers there are.
        first_word: The smallest number of a word; those below, such as of unknown words, stay.
        synonyms: int[V, K]. The synonyms of each word, all before the first 0 of a row; a word without any
            stays. By default any word of the vocabulary takes its place.

    Returns:
        int[B, T].

    Example:
        >>> table = jnp.array([[0], [0], [3], [2]])
        >>> replace_words(jnp.array([[1, 2, 3, 0]]), jax.random.key(0), 1.0, 4, synonyms=table).tolist()
        [[1, 3, 2, 0]]
    """
    whether, which = jax.random.uniform(key, (*words.shape, 2)).transpose(2, 0, 1)  # [B, T] each
    if synonyms is None:
        other = first_word + jnp.floor(which * (vocabulary_size - first_word)).astype(words.dtype)
        # A fraction just below 1 may be rounded up.
        other = jnp.minimum(other, vocabulary_size - 1)
    else:
        counts = (synonyms != 0).sum(1, dtype=jnp.int32)
        known = counts.at[words].get(mode="fill", fill_value=0)  # [B, T]
        column = jnp.minimum(jnp.floor(which * known.astype(which.dtype)).astype(jnp.int32), known - 1)
        found = synonyms.at[words, jnp.maximum(column, 0)].get(mode="fill", fill_value=0)
        other = jnp.where(known > 0, found.astype(words.dtype), words)
    replaced = (whether < rate) & (words >= first_word) & (words != 0)
    return jnp.where(replaced, other, words)
