"""Average precision of each class, and its mean."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import unknown_name
from gradwise.metrics.base import Totals
from gradwise.metrics.samples import SampleMetric
from gradwise.ops.curves import average_precision
from gradwise.ops.weighting import safe_divide
from gradwise.registry import register

_AVERAGES = ("micro", "macro", "weighted")


@register("metrics.AveragePrecision", aliases=("ap",))
class AveragePrecision(SampleMetric):
    """The mean precision over the recalls that a ranking by score goes through: sum of (R_n - R_(n-1)) P_n.

    It is exact and equals scikit-learn's `average_precision_score`; the area under the precision-recall curve
    that `AUC` gives is interpolated. Scores may be probabilities or logits: only their order matters.

    Args:
        average: "macro" is the mean over outputs; "weighted" the mean weighted by how many targets each has;
            "micro" takes all outputs as one; None gives one value for each.
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room; see `SampleMetric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(AveragePrecision()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])), 4)
        0.8333
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        average: str | None = "macro",
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(name, dtype, class_id, capacity)
        if average is not None and average not in _AVERAGES:
            raise unknown_name(self.where, "an average", average, _AVERAGES)
        self.average = average

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the average precision; a class without targets has 0."""
        kept = self.samples(totals)
        if self.average == "micro":
            kept = tuple(each.reshape(-1, 1) for each in kept)  # type: ignore[assignment]
        targets, scores, weights = kept
        values = average_precision(targets, scores, weights)
        if self.average is None:
            return values
        if self.average == "weighted":
            support = jnp.where(targets, weights, 0.0).sum(0)
            return safe_divide((values * support).sum(), support.sum())
        return values.mean()


@register("metrics.MeanAveragePrecision", aliases=("map",))
class MeanAveragePrecision(SampleMetric):
    """The mean of the average precisions of the classes (labels) that occur among the targets.

    For several classes or several labels a sample. This is the mean average precision of classification, not
    that of boxes found in images. For rankings (each sample a query, its outputs the candidates) it is the
    mean over the samples instead.

    Args:
        over: "classes", or "samples": each sample's outputs are ranked, and samples without any positive are
            left out. No samples need be kept then.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room; see `SampleMetric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> y_true, y_pred = [[1, 0], [0, 0], [0, 1]], [[0.9, 0.2], [0.1, 0.8], [0.6, 0.4]]
        >>> float(MeanAveragePrecision()(y_true, y_pred))  # of 1 and 1/2
        0.75
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self, over: str = "classes", name: str | None = None, dtype: Any = None, capacity: int = 65536
    ) -> None:
        super().__init__(name, dtype, None, capacity)
        if over not in ("classes", "samples"):
            raise unknown_name(self.where, "what to average over", over, ("classes", "samples"))
        self.over = over

    @property
    def keeps_samples(self) -> bool:
        """Whether samples are kept: a mean over samples needs none."""
        return self.over == "classes"

    def init(self) -> Totals:
        """Returns room for samples, or zeros for a total and a weight.

        Raises:
            StateError: `build` has not told the number of outputs.
        """
        if self.keeps_samples:
            return super().init()
        return {"total": self.zeros(), "weight": self.zeros()}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        if self.keeps_samples:
            return super().update(totals, y_true, y_pred, sample_weight)
        targets, scores, weights = self.rows(y_true, y_pred, sample_weight)
        values = average_precision(targets.T, scores.T, jnp.ones_like(scores).T)
        weight = jnp.where(targets.any(1), weights[:, 0], 0.0)
        added = {"total": jnp.where(weight != 0, values * weight, 0.0), "weight": weight}
        return {key: totals[key] + each.sum().astype(totals[key].dtype) for key, each in added.items()}

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both."""
        if self.keeps_samples:
            return super().merge(first, second)
        return {key: first[key] + second[key] for key in first}

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the mean, 0 where no target is positive."""
        if not self.keeps_samples:
            return safe_divide(totals["total"], totals["weight"])
        targets, scores, weights = self.samples(totals)
        support = jnp.where(targets, weights, 0.0).sum(0)
        occurs = jnp.where(support == 0, 0.0, 1.0).astype(scores.dtype)
        return safe_divide((average_precision(targets, scores, weights) * occurs).sum(), occurs.sum())
