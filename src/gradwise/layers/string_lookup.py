"""Texts as numbers of a vocabulary."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.data.texts import as_texts
from gradwise.layers.adapting import refuse_sparse
from gradwise.layers.hashing import checked_salt
from gradwise.layers.lookup_base import IndexLookup
from gradwise.registry import register


@register("layers.StringLookup")
class StringLookup(IndexLookup):
    """Gives each text its number in a vocabulary, or turns numbers back into texts. Runs on the host.

    Args:
        max_tokens: How many numbers there are at most, those of padding and unknown texts among them.
        num_oov_indices: How many numbers unknown texts share, by FarmHash64 as in Keras; 0 refuses them.
        mask_token: The text of padding: number 0 in mode "int", left out in others.
        oov_token: What numbers of unknown texts are turned back into.
        vocabulary: The texts in order, or the path of a file with one on each line; or call `adapt`.
        idf_weights: In mode "tf_idf" the weight of each text of `vocabulary`.
        invert: Whether to turn numbers back into texts.
        output_mode: "int" for numbers, "one_hot" for a row for each, or "multi_hot", "count" and "tf_idf" for
            one row for each sample [T].
        pad_to_max_tokens: Whether rows have `max_tokens` places whatever was learned.
        sparse: Not supported.
        encoding: Texts given as bytes are UTF-8.
        salt: Two numbers, or one, to hash unknown texts by SipHash64 instead.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used.

    Shapes: string[B, ...] to int[B, ...], or to float[B, ..., K] for "one_hot", where a last axis of size 1
    is dropped; string[B, T] to float[B, K] in the other modes.

    Example:
        >>> layer = StringLookup()
        >>> layer.adapt(["red", "blue", "red"])
        >>> layer.get_vocabulary(), layer(["blue", "green"]).tolist()
        (['[UNK]', 'red', 'blue'], [2, 0])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        salt: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        refuse_sparse(self.where(), sparse=sparse)
        self.start(
            vocabulary,
            idf_weights,
            pad_to_max_tokens,
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            output_mode=output_mode,
            key=checked_salt(self.where(), salt),
        )
        self.check_invert(invert)

    def receive_tokens(self, values: Any) -> np.ndarray:
        """Turns a list, an array or a column into an array of texts."""
        return as_texts(values, self.where())
