"""Counts of right and wrong answers at thresholds, precision and recall."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
from jax.typing import ArrayLike

from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.checks import check_class, count, thresholds_of
from gradwise.ops.metrics import as_indicators, counts_above, keep_top_k
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register

_COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class ConfusionMetric(Metric):
    """A metric of true and false positives and negatives at one or more thresholds.

    Predictions above the threshold mean 1. With several outputs every one counts as a question of its own;
    integer labels are read as one-hot rows.

    Args:
        thresholds: From 0 to 1, one or several; the result has one value for each. None for 0.5.
        name: The name in logs.
        dtype: See `Metric`.
        top_k: If set, only the k largest predictions of a sample can mean 1, by default all of them.
        class_id: If set, only this output counts.

    Raises:
        InputError: A threshold is outside [0, 1], or `top_k` or `class_id` is no such number.
    """

    # Which of the four counts this metric needs.
    counts: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(name, dtype)
        where = f"metric '{self.name}'"
        if thresholds is None:
            self.thresholds: tuple[float, ...] = (0.5 if top_k is None else -1e10,)
        else:
            self.thresholds = thresholds_of(where, thresholds)
        self.top_k = None if top_k is None else count(where, "top_k", top_k)
        self.class_id = None if class_id is None else count(where, "class_id", class_id, 0)

    def init(self) -> Totals:
        """Returns zeros for each count and threshold."""
        return {key: self.zeros((len(self.thresholds),)) for key in self.counts}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        positive, y_pred = as_indicators(where, y_true, full_precision(y_pred))
        weights = None if sample_weight is None else align_weights(where, sample_weight, y_pred)
        if self.top_k is not None:
            y_pred = keep_top_k(y_pred, self.top_k)
        if self.class_id is not None:
            check_class(where, self.class_id, y_pred.shape)
            positive, y_pred = positive[..., self.class_id], y_pred[..., self.class_id]
            weights = None if weights is None else weights[..., 0]
        found = dict(zip(_COUNTS, counts_above(positive, y_pred, weights, self.thresholds), strict=True))
        return {key: totals[key] + found[key].astype(totals[key].dtype) for key in self.counts}

    def compute(self, totals: Totals) -> jax.Array:
        """Computes one value for each threshold, a scalar if there is one threshold."""
        result = self.ratio(totals)
        return result[0] if len(self.thresholds) == 1 else result

    @abstractmethod
    def ratio(self, totals: Totals) -> jax.Array:
        """Computes float[T] from counts float[T]."""


class _Count(ConfusionMetric):
    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype)

    def ratio(self, totals: Totals) -> jax.Array:
        return totals[self.counts[0]]


@register("metrics.TruePositives")
class TruePositives(_Count):
    """The weight of the samples rightly called 1.

    Args:
        thresholds: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(TruePositives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counts: ClassVar[tuple[str, ...]] = ("true_positives",)
    direction: ClassVar[str | None] = "up"


@register("metrics.FalsePositives")
class FalsePositives(_Count):
    """The weight of the samples wrongly called 1.

    Args:
        thresholds: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(FalsePositives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counts: ClassVar[tuple[str, ...]] = ("false_positives",)
    direction: ClassVar[str | None] = "down"


@register("metrics.TrueNegatives")
class TrueNegatives(_Count):
    """The weight of the samples rightly called 0.

    Args:
        thresholds: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(TrueNegatives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counts: ClassVar[tuple[str, ...]] = ("true_negatives",)
    direction: ClassVar[str | None] = "up"


@register("metrics.FalseNegatives")
class FalseNegatives(_Count):
    """The weight of the samples wrongly called 0.

    Args:
        thresholds: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(FalseNegatives()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        1.0
    """

    counts: ClassVar[tuple[str, ...]] = ("false_negatives",)
    direction: ClassVar[str | None] = "down"


@register("metrics.Precision")
class Precision(ConfusionMetric):
    """The share of right ones among the answers 1: tp / (tp + fp).

    Args:
        thresholds: See `ConfusionMetric`.
        top_k: See `ConfusionMetric`.
        class_id: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(Precision()([1, 1, 0, 0], [0.9, 0.7, 0.8, 0.6]))
        0.5
    """

    counts: ClassVar[tuple[str, ...]] = ("true_positives", "false_positives")
    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k, class_id)

    def ratio(self, totals: Totals) -> jax.Array:
        """Computes tp / (tp + fp), 0 if nothing was called 1."""
        right = totals["true_positives"]
        return safe_divide(right, right + totals["false_positives"])


@register("metrics.Recall")
class Recall(ConfusionMetric):
    """The share of found ones among the targets 1: tp / (tp + fn).

    Args:
        thresholds: See `ConfusionMetric`.
        top_k: See `ConfusionMetric`.
        class_id: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(Recall()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        0.5
    """

    counts: ClassVar[tuple[str, ...]] = ("true_positives", "false_negatives")
    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k, class_id)

    def ratio(self, totals: Totals) -> jax.Array:
        """Computes tp / (tp + fn), 0 if no target is 1."""
        found = totals["true_positives"]
        return safe_divide(found, found + totals["false_negatives"])


@register("metrics.Specificity")
class Specificity(ConfusionMetric):
    """The share of rightly refused ones among the targets 0: tn / (tn + fp).

    Args:
        thresholds: See `ConfusionMetric`.
        top_k: See `ConfusionMetric`.
        class_id: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(Specificity()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        0.5
    """

    counts: ClassVar[tuple[str, ...]] = ("true_negatives", "false_positives")
    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k, class_id)

    def ratio(self, totals: Totals) -> jax.Array:
        """Computes tn / (tn + fp), 0 if no target is 0."""
        right = totals["true_negatives"]
        return safe_divide(right, right + totals["false_positives"])


@register("metrics.FalsePositiveRate", aliases=("fpr",))
class FalsePositiveRate(ConfusionMetric):
    """The share of false alarms among the targets 0: fp / (fp + tn).

    Args:
        thresholds: See `ConfusionMetric`.
        top_k: See `ConfusionMetric`.
        class_id: See `ConfusionMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(FalsePositiveRate()([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1]))
        0.5
    """

    counts: ClassVar[tuple[str, ...]] = ("false_positives", "true_negatives")
    direction: ClassVar[str | None] = "down"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k, class_id)

    def ratio(self, totals: Totals) -> jax.Array:
        """Computes fp / (fp + tn), 0 if no target is 0."""
        wrong = totals["false_positives"]
        return safe_divide(wrong, wrong + totals["true_negatives"])
