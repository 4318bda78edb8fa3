"""Correlations of targets and predictions."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError, StateError
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.reductions import add_mean
from gradwise.ops import correlation as ops
from gradwise.ops.alignment import align
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register


class CorrelationMetric(Metric):
    """A correlation within each sample, averaged, or over all samples.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        axis: -1 (or another axis but the first): each sample has a correlation of the values along this axis,
            and their mean is taken, as in Keras. 0: the correlation over all samples, exactly also over
            batches, for each output; the mean over the outputs is taken. (Keras averages batches there.)
    """

    direction: ClassVar[str | None] = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise InputError(
                f"metric '{self.name}'",
                expected="axis as a whole number",
                got=repr(axis),
                fix="Pass -1 for correlations within samples, or 0 for one over all samples.",
            )
        self.axis = axis
        self._columns: int | None = None

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of outputs from the last axis of the output."""
        self._columns = output_shape[-1] if len(output_shape) > 1 else 1

    def init(self) -> Totals:
        """Returns zeros for the total and the weight, or for the moments of each output.

        Raises:
            StateError: `build` has not told how many outputs there are, for axis=0.
        """
        if self.axis != 0:
            return {"total": self.zeros(), "weight": self.zeros()}
        if self._columns is None:
            raise StateError(
                f"metric '{self.name}'",
                expected="build(output_shape) before init()",
                got="an unknown number of outputs",
                fix="Call build with the shape of the model's output, or update_state with a batch.",
            )
        keys = ("weight", "true", "pred", "true_true", "pred_pred", "true_pred")
        return {key: self.zeros((self._columns,)) for key in keys}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        if self.axis != 0:
            values = self.within(y_true, full_precision(y_pred))
            return add_mean(totals, values, sample_weight, None, where)
        return ops.merge_moments(totals, batch_moments(where, totals, y_true, y_pred, sample_weight))

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both."""
        if self.axis == 0:
            return ops.merge_moments(first, second)
        return {key: first[key] + second[key] for key in first}

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the mean correlation."""
        if self.axis == 0:
            return self.overall(totals).mean()
        return safe_divide(totals["total"], totals["weight"])

    @abstractmethod
    def within(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes the correlation of each sample."""

    @abstractmethod
    def overall(self, moments: Totals) -> jax.Array:
        """Computes float[K] from moments float[K]."""


@register("metrics.PearsonCorrelation")
class PearsonCorrelation(CorrelationMetric):
    """The linear correlation of targets and predictions, from -1 to 1.

    By its name, `compile` takes axis=0 for a model of one output.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        axis: See `CorrelationMetric`.

    Raises:
        InputError: The axis is no whole number.

    Example:
        >>> y_true, y_pred = [[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]]
        >>> round(float(PearsonCorrelation()(y_true, y_pred)), 4)
        0.9967
        >>> round(float(PearsonCorrelation(axis=0)([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])), 4)
        1.0
    """

    def within(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.correlation.pearson_correlation`."""
        return ops.pearson_correlation(y_true, y_pred, self.axis)

    def overall(self, moments: Totals) -> jax.Array:
        """Divides the covariance by both standard deviations."""
        spread = jnp.sqrt(moments["true_true"]) * jnp.sqrt(moments["pred_pred"])
        return safe_divide(moments["true_pred"], spread)


@register("metrics.ConcordanceCorrelation")
class ConcordanceCorrelation(CorrelationMetric):
    """Lin's concordance: the correlation that is 1 only where predictions equal targets.

    By its name, `compile` takes axis=0 for a model of one output.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        axis: See `CorrelationMetric`.

    Raises:
        InputError: The axis is no whole number.

    Example:
        >>> y_true, y_pred = [[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]]
        >>> round(float(ConcordanceCorrelation()(y_true, y_pred)), 4)
        0.9816
    """

    def within(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.correlation.concordance_correlation`."""
        return ops.concordance_correlation(y_true, y_pred, self.axis)

    def overall(self, moments: Totals) -> jax.Array:
        """Divides twice the covariance by the variances and the squared distance of the means."""
        apart = moments["weight"] * jnp.square(moments["true"] - moments["pred"])
        return safe_divide(2 * moments["true_pred"], moments["true_true"] + moments["pred_pred"] + apart)


def batch_moments(
    where: str, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> Totals:
    """Computes the moments of a batch, in the type of the totals.

    Args:
        where: The metric, for errors.
        totals: Its totals so far.
        y_true: number[B, ..., K].
        y_pred: float[B, ..., K].
        sample_weight: Matched from the left, or None.

    Returns:
        What `ops.correlation.moments` returns for the batch.

    Raises:
        InputError: The shapes do not fit.

    Example:
        >>> totals = {"weight": jnp.zeros(1)}
        >>> float(batch_moments("metric", totals, jnp.ones(2), jnp.ones(2), None)["weight"][0])
        2.0
    """
    y_true, y_pred = align(where, y_true, full_precision(y_pred))
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    weights = jnp.ones((1,) * y_pred.ndim, y_pred.dtype)
    if sample_weight is not None:
        weights = align_weights(where, sample_weight, y_pred).astype(y_pred.dtype)
    weights = jnp.broadcast_to(weights, y_pred.shape)
    kind, size = totals["weight"].dtype, y_pred.shape[-1]
    return ops.moments(*(each.astype(kind).reshape(-1, size) for each in (y_true, y_pred, weights)))
