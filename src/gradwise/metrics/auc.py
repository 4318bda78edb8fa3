"""Areas under curves, and the best value of one rate where another is high enough."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.config import epsilon
from gradwise.errors import InputError, unknown_name
from gradwise.metrics.base import Totals
from gradwise.metrics.checks import fraction
from gradwise.metrics.samples import SampleMetric
from gradwise.ops.curves import area_under_curve, counts_between, counts_from_above, exact_counts
from gradwise.ops.weighting import safe_divide
from gradwise.registry import register

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMS = ("interpolation", "minoring", "majoring")


class CurveMetric(SampleMetric):
    """A metric of true and false positives at many thresholds.

    Args:
        num_thresholds: How many thresholds, evenly from 0 to 1; None: each prediction is one, which is exact
            and keeps all samples (see `SampleMetric`).
        name: The name in logs.
        dtype: See `Metric`.
        class_id: If set, only this output counts.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.
    """

    # The least number of thresholds, and whether the first one lies below 0, so that 0 is above it.
    least: ClassVar[int] = 2
    includes_zero: ClassVar[bool] = True

    def __init__(
        self,
        num_thresholds: int | None = 200,
        name: str | None = None,
        dtype: Any = None,
        class_id: int | None = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(name, dtype, class_id, capacity)
        if num_thresholds is not None and num_thresholds < self.least:
            plural = "s" if self.least > 1 else ""
            raise InputError(
                self.where,
                expected=f"at least {self.least} threshold{plural}",
                got=num_thresholds,
                fix="Use e.g. num_thresholds=200, or None for the exact value.",
            )
        self.num_thresholds = num_thresholds
        self._inner: tuple[float, ...] | None = None

    @property
    def keeps_samples(self) -> bool:
        """Whether samples are kept: for the exact value."""
        return self.num_thresholds is None

    def init(self) -> Totals:
        """Returns zeros for each threshold (and column), or room for samples.

        Raises:
            StateError: `build` has not told the number of outputs, and it matters.
        """
        if self.num_thresholds is None:
            return super().init()
        # One interval more, for predictions that no threshold lies below.
        shape = (self.num_thresholds + (not self.includes_zero), self.curves())
        return {"positives": self.zeros(shape), "negatives": self.zeros(shape)}

    def curves(self) -> int:
        """Returns how many curves there are."""
        return 1

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        if self.num_thresholds is None:
            return super().update(totals, y_true, y_pred, sample_weight)
        shape = (-1, totals["positives"].shape[1])
        positive, scores, weights = self.rows(y_true, y_pred, sample_weight)
        weights = jnp.where((weights != 0) & jnp.isnan(scores), jnp.nan, weights)
        # Only what falls between two thresholds is added up; `counts` sums over the thresholds once.
        places = self._intervals(scores)
        positive, weights, places = (each.reshape(shape) for each in (positive, weights, places))
        found = counts_between(positive, weights, places, totals["positives"].shape[0])
        yes, no = (each.astype(totals["positives"].dtype) for each in found)
        return {"positives": totals["positives"] + yes, "negatives": totals["negatives"] + no}

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both."""
        if self.num_thresholds is None:
            return super().merge(first, second)
        return {key: first[key] + second[key] for key in first}

    def counts(self, totals: Totals) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """Returns true and false positives float[T, C] at rising thresholds, and all of each float[C]."""
        if self.num_thresholds is None:
            kept = self.samples(totals)
            yes, no = exact_counts(*(each.reshape(-1, self.curves()) for each in kept))
            return yes, no, yes[0], no[0]
        yes, no = counts_from_above(totals["positives"]), counts_from_above(totals["negatives"])
        first = 0 if self.includes_zero else 1
        return yes[first:], no[first:], yes[0], no[0]

    def _intervals(self, scores: jax.Array) -> jax.Array:
        # The number of thresholds below each prediction, less one if the first is below all of them.
        scores = jnp.clip(jnp.nan_to_num(scores), 0.0, 1.0)
        number = self.num_thresholds or 1
        if self._inner is None and number > 1:
            below = jnp.ceil(scores * (number - 1)).astype(jnp.int32)
            return jnp.maximum(below - 1, 0) if self.includes_zero else below
        if self.includes_zero:
            limits = jnp.asarray((*(self._inner or ()), 1 + epsilon()), scores.dtype)
        else:
            limits = jnp.asarray((0.5,), scores.dtype)
        return (scores[..., None] > limits.reshape((1,) * scores.ndim + (-1,))).sum(-1, dtype=jnp.int32)


@register("metrics.AUC", aliases=("roc_auc", "pr_auc"))
class AUC(CurveMetric):
    """The area under the ROC, precision-recall or precision-recall-gain curve.

    By default the curve is drawn through counts at fixed thresholds, as in Keras, at the price of an error of
    about 1 / num_thresholds where many predictions fall between two thresholds. With `num_thresholds=None` it
    is exact and equals scikit-learn's `roc_auc_score`; the precision-recall area then still is interpolated
    (Davis and Goadrich, 2006), and `AveragePrecision` is the sum without interpolation.

    Args:
        num_thresholds: How many thresholds, evenly from 0 to 1, or None for the exact area, which keeps all
            samples (see `SampleMetric`).
        curve: "ROC", "PR" (precision-recall) or "PRGAIN".
        summation_method: "interpolation", "minoring" or "majoring": on, below or above the curve.
        name: The name in logs.
        dtype: See `Metric`.
        thresholds: Thresholds between 0 and 1 instead of even ones.
        multi_label: Whether each output has a curve of its own, whose areas are averaged.
        num_labels: How many outputs there are, for `multi_label`; by default seen from the model's output.
        label_weights: Weights of the outputs, for their average (or, in one curve, of their samples).
        from_logits: Whether predictions are logits of a sigmoid.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(AUC()([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])), 4)
        0.75
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        num_thresholds: int | None = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
        capacity: int = 65536,
    ) -> None:
        number = num_thresholds if thresholds is None else len(thresholds) + 2
        super().__init__(number, name, dtype, None, capacity)
        if curve.upper() not in _CURVES:
            raise unknown_name(self.where, "a curve", curve, _CURVES)
        if summation_method.lower() not in _SUMS:
            raise unknown_name(self.where, "a summation method", summation_method, _SUMS)
        if thresholds is not None and not all(0 < each < 1 for each in thresholds):
            raise InputError(
                self.where,
                expected="thresholds between 0 and 1",
                got=list(thresholds),
                fix="Leave out 0 and 1 themselves: they are always added.",
            )
        if num_labels is not None and not multi_label:
            raise InputError(
                self.where,
                expected="num_labels only with multi_label=True",
                got=f"num_labels={num_labels}",
                fix="Leave it out, or pass multi_label=True.",
            )
        self.curve = curve.upper()
        self.summation_method = summation_method.lower()
        self.multi_label = multi_label
        self.label_weights = label_weights
        self.from_logits = from_logits
        self._inner = None if thresholds is None else tuple(sorted(thresholds))
        self._columns = num_labels

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of outputs from the last axis, and checks that the label weights fit.

        Raises:
            InputError: There are other numbers of labels than given.
        """
        known = self._columns if self.multi_label else None
        super().build(output_shape)
        weights = None if self.label_weights is None else len(self.label_weights)
        for given, name in ((known, "num_labels"), (weights, "label_weights")):
            if given is not None and given != self._columns:
                raise InputError(
                    self.where,
                    expected=f"an output of {given} columns, as {name} says",
                    got=f"shape {tuple(output_shape)}",
                    fix=f"Change {name} or the units of the last layer.",
                )

    def curves(self) -> int:
        """Returns the number of outputs if each has a curve."""
        return self.columns() if self.multi_label else 1

    def rows(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Brings a batch to rows and columns, with probabilities and the weights of labels."""
        positive, scores, weights = super().rows(y_true, y_pred, sample_weight)
        if self.from_logits:
            scores = jax.nn.sigmoid(scores)
        if self.label_weights is not None and not self.multi_label:
            weights = weights * jnp.asarray(self.label_weights, weights.dtype)[None, :]
        return positive, scores, weights

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the area, 0 where there are no positives or no negatives."""
        yes, no, positives, negatives = self.counts(totals)
        areas = area_under_curve(yes, no, positives, negatives, self.curve, self.summation_method)
        if self.label_weights is None or not self.multi_label:
            return areas.mean()
        weights = jnp.asarray(self.label_weights, areas.dtype)
        return safe_divide((areas * weights).sum(), weights.sum())


class BestAtLimit(CurveMetric):
    """The best value of one rate among the thresholds where another is at least a limit.

    Args:
        limit: The other rate's least value.
        limited: What it is called, for errors.
        num_thresholds: See `CurveMetric`.
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room if they are kept.
    """

    direction: ClassVar[str | None] = "up"
    least: ClassVar[int] = 1
    includes_zero: ClassVar[bool] = False

    def __init__(
        self,
        limit: float,
        limited: str,
        num_thresholds: int | None,
        class_id: int | None,
        name: str | None,
        dtype: Any,
        capacity: int,
    ) -> None:
        super().__init__(num_thresholds, name, dtype, class_id, capacity)
        self._limit = fraction(self.where, limited, limit)

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the best value, 0 if no threshold reaches the limit."""
        yes, no, positives, negatives = self.counts(totals)
        best, limited = self.rates(yes[:, 0], no[:, 0], positives[:1] - yes[:, 0], negatives[:1] - no[:, 0])
        return jnp.where(limited >= self._limit, best, 0.0).max()

    @abstractmethod
    def rates(self, tp: jax.Array, fp: jax.Array, fn: jax.Array, tn: jax.Array) -> tuple[jax.Array, ...]:
        """Computes the rate of interest and the limited one, float[T], from counts float[T]."""
