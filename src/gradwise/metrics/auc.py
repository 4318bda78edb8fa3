"""The area under the ROC or precision-recall curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.config import epsilon
from gradwise.errors import InputError, StateError, unknown_name
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.ops.metrics import area_under_curve, as_indicators
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register

_CURVES = ("ROC", "PR")
_SUMS = ("interpolation", "minoring", "majoring")


@register("metrics.AUC")
class AUC(Metric):
    """The area under a curve drawn through counts at fixed thresholds, as in Keras.

    It streams and merges, at the price of an error of about 1 / num_thresholds where many predictions fall
    between two thresholds; the exact area needs all predictions at once (scikit-learn's `roc_auc_score`).

    Args:
        num_thresholds: How many thresholds, evenly from 0 to 1.
        curve: "ROC" or "PR" (precision-recall).
        summation_method: "interpolation", "minoring" or "majoring": on, below or above the curve.
        name: The name in logs.
        thresholds: Thresholds between 0 and 1 instead of even ones.
        multi_label: Whether each output has a curve of its own, whose areas are averaged.
        label_weights: Weights of the outputs, for their average (or, in one curve, of their samples).
        from_logits: Whether predictions are logits of a sigmoid.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(AUC()([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])), 4)
        0.75
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        *,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        where = f"metric '{self.name}'"
        if curve.upper() not in _CURVES:
            raise unknown_name(where, "a curve", curve, _CURVES)
        if summation_method.lower() not in _SUMS:
            raise unknown_name(where, "a summation method", summation_method, _SUMS)
        if thresholds is None and num_thresholds < 2:
            raise InputError(
                where,
                expected="at least 2 thresholds",
                got=num_thresholds,
                fix="Use e.g. num_thresholds=200.",
            )
        if thresholds is not None and not all(0 < each < 1 for each in thresholds):
            raise InputError(
                where,
                expected="thresholds between 0 and 1",
                got=list(thresholds),
                fix="Leave out 0 and 1 themselves: they are always added.",
            )
        self.num_thresholds = num_thresholds if thresholds is None else len(thresholds) + 2
        self.curve = curve.upper()
        self.summation_method = summation_method.lower()
        self.multi_label = multi_label
        self.label_weights = label_weights
        self.from_logits = from_logits
        self._inner = None if thresholds is None else tuple(sorted(thresholds))
        self._labels: int | None = None

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of labels from the last axis of the output."""
        self._labels = output_shape[-1] if len(output_shape) > 1 else 1

    def init(self) -> Totals:
        """Returns zeros for each threshold (and label).

        Raises:
            StateError: With `multi_label`, `build` has not told how many labels there are.
        """
        if self.multi_label and self._labels is None:
            raise StateError(
                f"metric '{self.name}'",
                expected="build(output_shape) before init()",
                got="an unknown number of labels",
                fix="Call build with the shape of the model's output, or update_state with a batch.",
            )
        columns = self._labels if self.multi_label and self._labels else 1
        shape = (self.num_thresholds, columns)
        return {"positives": jnp.zeros(shape, jnp.float32), "negatives": jnp.zeros(shape, jnp.float32)}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        positive, y_pred = as_indicators(where, y_true, full_precision(y_pred))
        if self.from_logits:
            y_pred = jax.nn.sigmoid(y_pred)
        weight = jnp.ones(y_pred.shape, jnp.float32)
        if sample_weight is not None:
            weight = weight * align_weights(where, sample_weight, y_pred).astype(jnp.float32)
        if self.label_weights is not None and not self.multi_label:
            weight = weight * jnp.asarray(self.label_weights, jnp.float32).reshape(
                (1,) * (y_pred.ndim - 1) + (-1,)
            )
        columns = totals["positives"].shape[1]
        bucket = self._bucket(y_pred).reshape(-1, columns)
        place = (bucket, jnp.broadcast_to(jnp.arange(columns)[None, :], bucket.shape))
        # Only how many fall between two thresholds is added up; `compute` sums over the thresholds once.
        yes = jnp.where(positive, weight, 0.0).reshape(-1, columns)
        no = jnp.where(positive, 0.0, weight).reshape(-1, columns)
        return {
            "positives": totals["positives"].at[place].add(yes),
            "negatives": totals["negatives"].at[place].add(no),
        }

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the area, 0 where there are no positives or no negatives."""
        above = {key: jnp.cumsum(value[::-1], axis=0)[::-1] for key, value in totals.items()}
        yes, no = above["positives"], above["negatives"]
        areas = area_under_curve(yes, no, yes[0], no[0], self.curve, self.summation_method)
        if self.label_weights is None or not self.multi_label:
            return areas.mean()
        weights = jnp.asarray(self.label_weights, jnp.float32)
        return safe_divide((areas * weights).sum(), weights.sum())

    def _bucket(self, y_pred: jax.Array) -> jax.Array:
        # The index of the highest threshold below the prediction. The first lies below 0 and the last above
        # 1, so that predictions of exactly 0 and 1 have a place.
        if self._inner is None:
            scaled = jnp.ceil(jnp.clip(y_pred, 0.0, 1.0) * (self.num_thresholds - 1)) - 1
            return jnp.maximum(scaled, 0).astype(jnp.int32)
        limits = jnp.asarray((-epsilon(), *self._inner, 1 + epsilon()), y_pred.dtype)
        below = jnp.clip(y_pred, 0.0, 1.0)[..., None] > limits.reshape((1,) * y_pred.ndim + (-1,))
        return below.sum(-1).astype(jnp.int32) - 1
