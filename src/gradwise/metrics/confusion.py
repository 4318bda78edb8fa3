"""Counts of right and wrong answers at thresholds, precision and recall."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
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
        top_k: If set, only the k largest predictions of a sample can mean 1, by default all of them.
        class_id: If set, only this output counts.

    Raises:
        InputError: A threshold is outside [0, 1].
    """

    # Which of the four counts this metric needs.
    counts: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        *,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(name)
        if thresholds is None:
            self.thresholds: tuple[float, ...] = (0.5 if top_k is None else -1e10,)
        else:
            several = isinstance(thresholds, Sequence)
            self.thresholds = tuple(thresholds) if isinstance(thresholds, Sequence) else (thresholds,)
            if not all(0 <= each <= 1 for each in self.thresholds) or (several and not self.thresholds):
                raise InputError(
                    f"metric '{self.name}'",
                    expected="thresholds from 0 to 1",
                    got=thresholds,
                    fix="Thresholds are probabilities; for logits use 0.",
                )
        self.top_k = top_k
        self.class_id = class_id

    def init(self) -> Totals:
        """Returns zeros for each count and threshold."""
        return {key: jnp.zeros(len(self.thresholds), jnp.float32) for key in self.counts}

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
    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(thresholds, name)

    def ratio(self, totals: Totals) -> jax.Array:
        return totals[self.counts[0]]


@register("metrics.TruePositives")
class TruePositives(_Count):
    """The weight of the samples rightly called 1.

    Args:
        thresholds: See `ConfusionMetric`.
        name: The name in logs.

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
    ) -> None:
        super().__init__(thresholds, name, top_k=top_k, class_id=class_id)

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
    ) -> None:
        super().__init__(thresholds, name, top_k=top_k, class_id=class_id)

    def ratio(self, totals: Totals) -> jax.Array:
        """Computes tp / (tp + fn), 0 if no target is 1."""
        found = totals["true_positives"]
        return safe_divide(found, found + totals["false_negatives"])
