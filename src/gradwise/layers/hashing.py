"""Texts and whole numbers as numbers of bins, without a vocabulary."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from gradwise.core.host import HostLayer
from gradwise.core.layer import LayerOptions
from gradwise.data.hashing import cross_buckets, hash_buckets
from gradwise.data.texts import as_texts
from gradwise.errors import InputError
from gradwise.layers.adapting import refuse_sparse
from gradwise.layers.checks import check_choice, check_count
from gradwise.layers.host_encoding import encoded, encoded_shape
from gradwise.registry import register


def checked_salt(where: str, salt: Any) -> tuple[int, int] | None:
    """Turns the setting `salt` into the key of a hash.

    Args:
        where: The layer, for the error.
        salt: None, a whole number, or two.

    Returns:
        Two numbers, or None.

    Raises:
        InputError: It is something else.

    Example:
        >>> checked_salt("Hashing", 7)
        (7, 7)
    """
    if salt is None:
        return None
    pair = tuple(salt) if isinstance(salt, (tuple, list)) else (salt, salt)
    if len(pair) != 2 or any(isinstance(item, bool) or not hasattr(item, "__index__") for item in pair):
        raise InputError(
            where, expected="salt to be one or two whole numbers", got=repr(salt), fix="Set salt=133."
        )
    return int(pair[0]), int(pair[1])


def tokens_of(values: Any, where: str) -> np.ndarray:
    """Turns a list, an array or a column into an array of texts or of whole numbers.

    Args:
        values: Texts, whole numbers, or floats, whose fractions are cut off.
        where: The layer, for the error.

    Returns:
        An array of objects or int64.

    Raises:
        InputError: There are other values, or missing ones.

    Example:
        >>> tokens_of([1.0, 2.7], "Hashing").tolist()
        [1, 2]
    """
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        return as_texts(array, where)
    if not np.isfinite(array).all():
        raise InputError(where, expected="finite numbers", got="NaN or infinity", fix="Fill missing values.")
    return array.astype(np.int64)


@register("layers.Hashing")
class Hashing(HostLayer):
    """Gives each text or whole number a bin by a hash: nothing is learned, and some share a bin.

    The hash is FarmHash64 of the text, or of a number's decimal digits, or SipHash64 with a salt: the bins
    are Keras', in every process. Runs on the host. Source: Weinberger et al. 2009, arXiv:0902.2206.

    Args:
        num_bins: How many bins there are.
        mask_value: The value of padding; bin 0 is for it alone.
        salt: Two numbers, or one: the key of SipHash64.
        output_mode: "int" for the bin's number, "one_hot" for a row for each, "multi_hot" or "count" for one
            row for each sample [T].
        sparse: Not supported.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used.

    Shapes: [B, ...] to int[B, ...], or to float[B, ..., K] for "one_hot", where a last axis of size 1 is
    dropped; [B, T] to float[B, K] in the other modes.

    Example:
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
        [[1], [0], [1], [1], [2]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.where = f"{type(self).__name__} '{self.name}'"
        self.num_bins = check_count(self.where, "num_bins", num_bins)
        self.mask_value = mask_value
        self.key = checked_salt(self.where, salt)
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = check_choice(self.where, "output_mode", output_mode, modes)
        refuse_sparse(self.where, sparse=sparse)

    def receive(self, values: Any) -> Any:
        """Turns a list, an array or a column into an array of texts or whole numbers."""
        return tokens_of(values, self.where)

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns the shape and type of the outputs."""
        return encoded_shape(self.where, tuple(shape), self.output_mode, self.num_bins)

    def call(self, inputs: Any) -> Any:
        """Finds the bins."""
        flat = inputs.ravel().tolist()
        masked = self.mask_value is not None and self.num_bins > 1
        bins = hash_buckets(map(str, flat), self.num_bins - masked, self.key)
        if masked:
            padding = np.fromiter((item == self.mask_value for item in flat), bool, len(flat))
            bins = np.where(padding, 0, bins + 1).astype(np.int32)
        return encoded(self.where, bins.reshape(inputs.shape), self.output_mode, self.num_bins)


@register("layers.HashedCrossing")
class HashedCrossing(HostLayer):
    """Gives each combination of the values of several features a bin by a hash; the bins are Keras'.

    Args:
        num_bins: How many bins there are.
        output_mode: "int" for the bin's number, or "one_hot".
        sparse: Not supported.
        options: The settings every layer takes.

    Raises:
        InputError: A setting cannot be used, or the inputs are not several columns of one shape.

    Shapes: a list of [B] or [B, 1], texts or whole numbers, to int of the same shape or float[B, K].

    Example:
        >>> layer = HashedCrossing(num_bins=5)
        >>> layer((["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102])).tolist()
        [1, 4, 1, 1, 3]
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        self.where = f"{type(self).__name__} '{self.name}'"
        self.num_bins = check_count(self.where, "num_bins", num_bins)
        self.output_mode = check_choice(self.where, "output_mode", output_mode, ("int", "one_hot"))
        refuse_sparse(self.where, sparse=sparse)

    def receive(self, values: Any) -> Any:
        """Turns one column, or each of a list of them, into an array of texts or whole numbers."""
        several = isinstance(values, (list, tuple)) and any(np.ndim(item) for item in values[:1])
        return [tokens_of(item, self.where) for item in values] if several else tokens_of(values, self.where)

    def output_like(self, shape: Any) -> tuple[tuple[int | None, ...], Any]:
        """Returns the shape and type of the outputs."""
        self._check(shape if isinstance(shape, list) else [*shape])
        return encoded_shape(self.where, tuple(shape[0]), self.output_mode, self.num_bins)

    def call(self, inputs: Any) -> Any:
        """Finds the bins."""
        if not isinstance(inputs, (list, tuple)):
            inputs = [inputs]
        self._check([item.shape for item in inputs])
        bins = cross_buckets([item.ravel().tolist() for item in inputs], self.num_bins)
        return encoded(self.where, bins.reshape(inputs[0].shape), self.output_mode, self.num_bins)

    def _check(self, shapes: list[Any]) -> None:
        first = shapes[0]
        column = isinstance(first, tuple) and (len(first) == 1 or (len(first) == 2 and first[1] == 1))
        if len(shapes) < 2 or not column or any(shape != first for shape in shapes):
            raise InputError(
                self.where,
                expected="two or more columns of one shape, [B] or [B, 1]",
                got=f"shapes {shapes}",
                fix="Call it with a list of columns.",
            )
