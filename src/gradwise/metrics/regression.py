"""Errors of real values, and the share of variance explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from gradwise.errors import InputError, StateError
from gradwise.losses.base import full_precision
from gradwise.losses.regression import CosineSimilarity as CosineSimilarityLoss
from gradwise.losses.regression import LogCosh
from gradwise.losses.regression import MeanAbsoluteError as MeanAbsoluteErrorLoss
from gradwise.losses.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageErrorLoss
from gradwise.losses.regression import MeanSquaredError as MeanSquaredErrorLoss
from gradwise.losses.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicErrorLoss
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.reductions import LossMetric, MeanOfValues
from gradwise.ops.alignment import align
from gradwise.ops.correlation import moments
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register


@register("metrics.MeanSquaredError", aliases=("mse",))
class MeanSquaredError(LossMetric):
    """The mean of (y_true - y_pred)^2.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(MeanSquaredError()([0.0, 0.0], [1.0, 3.0])), 4)
        5.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(MeanSquaredErrorLoss(), name, dtype)


@register("metrics.MeanAbsoluteError", aliases=("mae",))
class MeanAbsoluteError(LossMetric):
    """The mean of |y_true - y_pred|.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(MeanAbsoluteError()([0.0, 0.0], [1.0, 3.0])), 4)
        2.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(MeanAbsoluteErrorLoss(), name, dtype)


@register("metrics.MeanAbsolutePercentageError", aliases=("mape",))
class MeanAbsolutePercentageError(LossMetric):
    """The mean of 100 * |y_true - y_pred| / |y_true|, in percent.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(MeanAbsolutePercentageError()([2.0], [3.0])), 4)
        50.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(MeanAbsolutePercentageErrorLoss(), name, dtype)


@register("metrics.MeanSquaredLogarithmicError", aliases=("msle",))
class MeanSquaredLogarithmicError(LossMetric):
    """The mean of (log(1 + y_true) - log(1 + y_pred))^2.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([0.0], [1.0])), 4)
        0.4805
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(MeanSquaredLogarithmicErrorLoss(), name, dtype)


@register("metrics.LogCoshError", aliases=("logcosh",))
class LogCoshError(LossMetric):
    """The mean of log(cosh(y_pred - y_true)); named "logcosh" by default, as in Keras.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(LogCoshError()([0.0], [1.0])), 4)
        0.4338
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(LogCosh(), name or "logcosh", dtype)


@register("metrics.RootMeanSquaredError", aliases=("rmse",))
class RootMeanSquaredError(LossMetric):
    """The square root of the mean of (y_true - y_pred)^2 over all samples.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(RootMeanSquaredError()([0.0, 0.0], [1.0, 7.0]))
        5.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(MeanSquaredErrorLoss(), name, dtype)

    def compute(self, totals: Totals) -> jax.Array:
        """Takes the root of the mean."""
        return jnp.sqrt(super().compute(totals))


@register("metrics.CosineSimilarity")
class CosineSimilarity(LossMetric):
    """The cosine of the angle between target and prediction, 1 for one direction; the loss has another sign.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        axis: The axis of the vectors.

    Example:
        >>> round(float(CosineSimilarity()([[3.0, 4.0]], [[6.0, 8.0]])), 4)
        1.0
    """

    direction: ClassVar[str | None] = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(CosineSimilarityLoss(axis), name, dtype)

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Turns the loss's sign round."""
        return -super().values(y_true, y_pred)


@register("metrics.MeanRelativeError", aliases=("mre",))
class MeanRelativeError(MeanOfValues):
    """The mean of |y_true - y_pred| / normalizer; 0 where the normalizer is 0.

    Args:
        normalizer: One number, or one for each output, such as the size of errors that matters.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: The normalizer is empty or no number; in use: it does not fit the outputs.

    Example:
        >>> round(float(MeanRelativeError([1, 3, 2, 3])([1, 3, 2, 3], [2, 4, 6, 8])), 4)
        1.25
    """

    direction: ClassVar[str | None] = "down"

    def __init__(
        self, normalizer: float | Sequence[float], name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name, dtype)
        scale = np.asarray(normalizer)
        if scale.dtype.kind not in "biuf" or scale.size == 0:
            raise InputError(
                f"metric '{self.name}'",
                expected="normalizer as a number, or one for each output",
                got=repr(normalizer),
                fix="Pass for example the standard deviation of the targets.",
            )
        self.normalizer = scale

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Divides the errors."""
        where = f"metric '{self.name}'"
        y_true, y_pred = align(where, y_true, y_pred)
        scale = jnp.asarray(self.normalizer, y_pred.dtype)
        if scale.size == 1:
            scale = scale.reshape(())
        if scale.ndim > y_pred.ndim or scale.shape not in ((), y_pred.shape[y_pred.ndim - scale.ndim :]):
            raise InputError(
                where,
                expected=f"a normalizer for predictions of shape {y_pred.shape}",
                got=f"one of shape {scale.shape}",
                fix="Give one number, or one for each output.",
            )
        return safe_divide(jnp.abs(y_true - y_pred), jnp.broadcast_to(scale, y_pred.shape))


@register("metrics.R2Score", aliases=("r2",))
class R2Score(Metric):
    """The share of the targets' variance that the predictions explain: 1 - residual / total sum of squares.

    Args:
        class_aggregation: "uniform_average" over the outputs, "variance_weighted_average", or None for one
            value for each output.
        num_regressors: The number of predictors p for the adjusted score 1 - (1 - R^2) (n - 1) / (n - p - 1);
            0 for the plain score, which is also given where n is not above p + 1. n is the number of samples
            (Keras counts every output of a sample).
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(R2Score()([1.0, 3.0], [1.5, 2.5]))
        0.75
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise InputError(
                f"metric '{self.name}'",
                expected="class_aggregation 'uniform_average', 'variance_weighted_average' or None",
                got=repr(class_aggregation),
                fix="Use one of these.",
            )
        if num_regressors < 0:
            raise InputError(
                f"metric '{self.name}'",
                expected="num_regressors of 0 or more",
                got=num_regressors,
                fix="Give the number of the model's inputs, or 0.",
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self._outputs: int | None = None

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of outputs from the last axis of the output."""
        self._outputs = output_shape[-1] if len(output_shape) > 1 else 1

    def init(self) -> Totals:
        """Returns zeros for each output.

        Raises:
            StateError: `build` has not told how many outputs there are.
        """
        if self._outputs is None:
            raise StateError(
                f"metric '{self.name}'",
                expected="build(output_shape) before init()",
                got="an unknown number of outputs",
                fix="Call build with the shape of the model's output, or update_state with a batch.",
            )
        keys = ("weight", "mean", "spread", "residual", "largest")
        return {**{key: self.zeros((self._outputs,)) for key in keys}, "samples": self.zeros()}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        y_true, y_pred = align(where, y_true, full_precision(y_pred))
        if y_pred.ndim == 1:
            y_true, y_pred = y_true[:, None], y_pred[:, None]
        weights = jnp.ones((1,) * y_pred.ndim, y_pred.dtype)
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, y_pred).astype(y_pred.dtype)
        rows = (-1, y_pred.shape[-1])
        weights = jnp.broadcast_to(weights, y_pred.shape).reshape(rows)
        y_true, y_pred = y_true.reshape(rows), y_pred.reshape(rows)
        found = moments(y_true, y_pred, weights)
        residual = jnp.where(weights != 0, weights * jnp.square(y_true - y_pred), 0.0).sum(0)
        batch = {
            "weight": found["weight"],
            "mean": found["true"],
            "spread": found["true_true"],
            "residual": residual,
            "largest": jnp.where(weights != 0, jnp.abs(y_true), 0.0).max(0, initial=0.0),
            "samples": (weights[:, 0] != 0).sum(),
        }
        return self.merge(totals, {key: batch[key].astype(total.dtype) for key, total in totals.items()})

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both; means and spreads as in `ops.correlation`."""
        weight = first["weight"] + second["weight"]
        share = safe_divide(second["weight"], weight)
        step = second["mean"] - first["mean"]
        between = jnp.square(step) * first["weight"] * share
        return {
            "weight": weight,
            "mean": first["mean"] + step * share,
            "spread": first["spread"] + second["spread"] + between,
            "residual": first["residual"] + second["residual"],
            "largest": jnp.maximum(first["largest"], second["largest"]),
            "samples": first["samples"] + second["samples"],
        }

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the score; targets that are all equal give 1 if met exactly, else 0."""
        spread = totals["spread"]
        # Below a few roundings of the targets the spread is noise, and they are equal in effect.
        noise = 4 * float(np.finfo(spread.dtype).eps) * totals["largest"]
        measurable = spread > jnp.square(noise) * totals["weight"]
        exact = (totals["residual"] == 0) & (totals["weight"] > 0)
        fallback = jnp.where(exact, 1.0, 0.0)
        score = jnp.where(measurable, 1.0 - safe_divide(totals["residual"], spread), fallback)
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        elif self.class_aggregation == "variance_weighted_average":
            score = safe_divide((spread * score).sum(), spread.sum())
        if self.num_regressors == 0:
            return score
        count = totals["samples"]
        left = count - self.num_regressors - 1
        return jnp.where(left > 0, 1.0 - (1.0 - score) * safe_divide(count - 1, left), score)
