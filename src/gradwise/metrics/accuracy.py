"""Accuracies: the share of right answers."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
from jax.typing import ArrayLike

from gradwise.metrics.checks import count, thresholds_of
from gradwise.metrics.reductions import MeanOfValues
from gradwise.ops import metrics as ops
from gradwise.registry import register


class ShareOfRight(MeanOfValues):
    """What the accuracies have in common: values 0 and 1, of which more is better."""

    direction: ClassVar[str | None] = "up"


@register("metrics.Accuracy")
class Accuracy(ShareOfRight):
    """The share of predictions equal to their targets as numbers, for predictions that are labels.

    For a model's probabilities give the string "accuracy" to `compile`, which finds the right class.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(Accuracy()([[1], [2]], [[1], [3]]))
        0.5
    """

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.accuracy`."""
        return ops.accuracy(y_true, y_pred)


@register("metrics.BinaryAccuracy")
class BinaryAccuracy(ShareOfRight):
    """The share of yes-or-no answers on the right side of a threshold.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        threshold: Predictions above it mean 1; use 0 for logits and for outputs from -1 to 1.

    Raises:
        InputError: The threshold is out of range.

    Example:
        >>> float(BinaryAccuracy()([1, 0], [[0.7], [0.6]]))
        0.5
    """

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = thresholds_of(f"metric '{self.name}'", threshold)[0]

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.binary_accuracy`."""
        return ops.binary_accuracy(y_true, y_pred, self.threshold)


@register("metrics.CategoricalAccuracy")
class CategoricalAccuracy(ShareOfRight):
    """The share of samples whose largest prediction is at the 1 of the one-hot target.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(CategoricalAccuracy()([[0, 1], [0, 1]], [[0.2, 0.8], [0.9, 0.1]]))
        0.5
    """

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.categorical_accuracy`."""
        return ops.categorical_accuracy(y_true, y_pred)


@register("metrics.SparseCategoricalAccuracy")
class SparseCategoricalAccuracy(ShareOfRight):
    """The share of samples whose largest prediction is at the class that the label names.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(SparseCategoricalAccuracy()([1, 1], [[0.2, 0.8], [0.9, 0.1]]))
        0.5
    """

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.sparse_categorical_accuracy`."""
        return ops.sparse_categorical_accuracy(y_true, y_pred)


@register("metrics.TopKCategoricalAccuracy")
class TopKCategoricalAccuracy(ShareOfRight):
    """The share of samples whose class (a one-hot target) is among the k largest predictions.

    Args:
        k: How many predictions count, at least 1.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: k is out of range.

    Example:
        >>> float(TopKCategoricalAccuracy(2)([[0, 0, 1]], [[0.5, 0.2, 0.3]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = count(f"metric '{self.name}'", "k", k)

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.top_k_categorical_accuracy`."""
        return ops.top_k_categorical_accuracy(y_true, y_pred, self.k)


@register("metrics.SparseTopKCategoricalAccuracy")
class SparseTopKCategoricalAccuracy(ShareOfRight):
    """The share of samples whose class (an integer label) is among the k largest predictions.

    Args:
        k: How many predictions count, at least 1.
        name: The name in logs.
        dtype: See `Metric`.
        from_sorted_ids: Whether predictions are class numbers, from the best down, instead of scores.

    Raises:
        InputError: k is out of range.

    Example:
        >>> float(SparseTopKCategoricalAccuracy(2)([2], [[0.5, 0.2, 0.3]]))
        1.0
    """

    def __init__(
        self, k: int = 5, name: str | None = None, dtype: Any = None, from_sorted_ids: bool = False
    ) -> None:
        super().__init__(name, dtype)
        self.k = count(f"metric '{self.name}'", "k", k)
        self.from_sorted_ids = from_sorted_ids

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.metrics.sparse_top_k_categorical_accuracy`."""
        return ops.sparse_top_k_categorical_accuracy(y_true, y_pred, self.k, self.from_sorted_ids)
