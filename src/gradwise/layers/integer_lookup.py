"""Whole numbers of any size as numbers of a vocabulary."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from gradwise.core.layer import LayerOptions
from gradwise.errors import InputError
from gradwise.layers.adapting import refuse_sparse
from gradwise.layers.checks import check_choice
from gradwise.layers.hashing import checked_salt
from gradwise.layers.lookup_base import IndexLookup
from gradwise.registry import register


@register("layers.IntegerLookup")
class IntegerLookup(IndexLookup):
    """Gives each whole number, such as a customer's, its number in a vocabulary, or turns these back.

    Runs on the host, so that numbers of 64 bits stay what they are; compiled programs have 32.

    Args:
        max_tokens: How many numbers there are at most, those of padding and unknown values among them.
        num_oov_indices: How many numbers unknown values share; 0 refuses them.
        mask_token: The value of padding: number 0 in mode "int", left out in others.
        oov_token: What numbers of unknown values are turned back into.
        vocabulary: The values in order; or call `adapt`.
        vocabulary_dtype: "int64", the only type.
        idf_weights: In mode "tf_idf" the weight of each value of `vocabulary`.
        invert: Whether to turn numbers back into values.
        output_mode: "int" for numbers, "one_hot" for a row for each, or "multi_hot", "count" and "tf_idf" for
            one row for each sample [T].
        sparse: Not supported.
        pad_to_max_tokens: Whether rows have `max_tokens` places whatever was learned.
        oov_method: How several `num_oov_indices` are told apart: "floormod" by the remainder, "farmhash" by
            FarmHash64 of the decimal digits.
        salt: With "farmhash" two numbers, or one, to hash by SipHash64 instead.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used.

    Shapes: int[B, ...] to int[B, ...], or to float[B, ..., K] for "one_hot", where a last axis of size 1 is
    dropped; int[B, T] to float[B, K] in the other modes.

    Example:
        >>> layer = IntegerLookup(vocabulary=[12, 36, 1138])
        >>> layer([[36, 12], [7, 1138]]).tolist()
        [[2, 1], [0, 3]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        refuse_sparse(self.where(), sparse=sparse)
        check_choice(self.where(), "vocabulary_dtype", vocabulary_dtype, ("int64",))
        method = check_choice(self.where(), "oov_method", oov_method, ("floormod", "farmhash"))
        if salt is not None and method != "farmhash":
            raise InputError(
                self.where(), expected="oov_method='farmhash' with salt", got=repr(method), fix="Set it."
            )
        self.start(
            vocabulary,
            idf_weights,
            pad_to_max_tokens,
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            output_mode=output_mode,
            integers=True,
            remainder=method == "floormod",
            key=checked_salt(self.where(), salt),
        )
        self.check_invert(invert)

    def receive_tokens(self, values: Any) -> np.ndarray:
        """Turns a list, an array or a column into an array of whole numbers."""
        array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
        whole = array.dtype.kind in "iu" or (
            array.dtype.kind == "f"
            and bool(np.all(array == np.floor(array)) and np.all(np.abs(array) < 2**53))
        )
        if not whole:
            raise InputError(
                self.where(),
                expected="whole numbers",
                got=f"values of type {array.dtype}",
                fix="Use StringLookup for texts, Discretization for other numbers; fill missing values.",
            )
        return array.astype(np.int64)
