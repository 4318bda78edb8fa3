"""Means and sums, and metrics made from losses and functions."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import jax
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import Loss, full_precision, per_sample
from gradwise.metrics.base import Metric, Totals, as_array, like_predictions
from gradwise.ops.weighting import align_weights, safe_divide, weight_sum, weighted
from gradwise.registry import register


class MeanOfValues(Metric, ABC):
    """A weighted mean of values that the batch gives, one or more for each sample.

    Subclasses define `values`.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
    """

    @abstractmethod
    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes the values of a batch.

        Args:
            y_true: number[B, ...].
            y_pred: float[B, ...], of at least 32 bits.

        Returns:
            float[B, ...].
        """

    def counted(self, y_true: ArrayLike) -> jax.Array | None:
        """Returns which values count, as a mask that fits them from the left, or None if all do."""
        return None

    def init(self) -> Totals:
        """Returns zeros for the total and the weight."""
        return {"total": self.zeros(), "weight": self.zeros()}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        values = self.values(y_true, full_precision(y_pred))
        return add_mean(totals, values, sample_weight, self.counted(y_true), f"metric '{self.name}'")

    def compute(self, totals: Totals) -> jax.Array:
        """Divides the total by the weight."""
        return safe_divide(totals["total"], totals["weight"])


class LossMetric(MeanOfValues):
    """The mean of a loss over all samples, whatever the loss's reduction.

    Args:
        loss: The loss whose values are averaged.
        name: The name in logs.
        dtype: See `Metric`.
    """

    direction: ClassVar[str | None] = "down"

    def __init__(self, loss: Loss, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self._loss = loss

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Computes the loss of each sample."""
        return self._loss.values(y_true, y_pred)

    def counted(self, y_true: ArrayLike) -> jax.Array | None:
        """Leaves out what the loss leaves out."""
        return self._loss.target_mask(y_true)


@register("metrics.FunctionMetric")
class FunctionMetric(MeanOfValues):
    """The mean of what a function `f(y_true, y_pred)` (or a loss) gives; `get` wraps functions in it.

    Targets get the rank of the predictions if they differ by one last axis of size 1; integer targets stay
    integers. A function that returns one number for the batch counts with the batch's weight.

    Args:
        function: Returns number[B, ...] or a scalar. To be saved in a file it must be registered.
        name: The name in logs; by default the function's.
        dtype: See `Metric`.

    Example:
        >>> import jax.numpy as jnp
        >>> metric = FunctionMetric(lambda y_true, y_pred: jnp.abs(y_true - y_pred), "distance")
        >>> float(metric(jnp.array([1.0, 2.0]), jnp.array([[1.0], [5.0]])))
        1.5
    """

    def __init__(
        self, function: Callable[[Any, Any], Any], name: str | None = None, dtype: Any = None
    ) -> None:
        own = function.name if isinstance(function, Loss) else getattr(function, "__name__", None)
        super().__init__(name or own, dtype)
        self.function = function

    def values(self, y_true: ArrayLike, y_pred: jax.Array) -> jax.Array:
        """Calls the function."""
        if isinstance(self.function, Loss):
            return self.function.values(y_true, y_pred)
        y_true, y_pred = like_predictions(y_true, y_pred)
        result = self.function(y_true, y_pred)
        return per_sample(result, y_pred.shape[0], f"metric '{self.name}'")


@register("metrics.MeanMetricWrapper")
class MeanMetricWrapper(FunctionMetric):
    """The mean of what a function `fn(y_true, y_pred, **settings)` gives; see `FunctionMetric`.

    Args:
        fn: Returns number[B, ...] or a scalar. To be saved in a file it must be registered.
        name: The name in logs; by default the function's.
        dtype: See `Metric`.
        **settings: Further arguments for the function.

    Raises:
        InputError: `fn` cannot be called.

    Example:
        >>> import jax.numpy as jnp
        >>> def power(y_true, y_pred, exponent):
        ...     return jnp.abs(y_true - y_pred) ** exponent
        >>> float(MeanMetricWrapper(power, exponent=3)(jnp.array([0.0, 0.0]), jnp.array([1.0, 3.0])))
        14.0
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **settings: Any
    ) -> None:
        if not callable(fn):
            raise InputError(
                "MeanMetricWrapper",
                expected="a function fn(y_true, y_pred)",
                got=repr(fn),
                fix="Pass the function itself; metrics found by name come from metrics.get.",
            )
        super().__init__(fn, name, dtype)
        if settings:
            self.function = functools.partial(fn, **settings)


class GivenValues(Metric, ABC):
    """A metric that is given values instead of targets and predictions.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Adds values to the totals kept in the object."""
        totals = self.init() if self._totals is None else self._totals
        self._totals = self.update(totals, as_array(values), sample_weight)

    @abstractmethod
    def update(  # type: ignore[override]
        self, totals: Totals, values: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds values to the totals.

        Args:
            totals: From `init` or `update`.
            values: number[...].
            sample_weight: Matched to the values from the left, or None for 1 each.

        Returns:
            New totals.
        """

    def __call__(self, values: Any, sample_weight: Any = None) -> jax.Array:  # type: ignore[override]
        """Adds values to the totals kept in the object and returns the value so far."""
        self.update_state(values, sample_weight)
        result: jax.Array = self.result()
        return result


@register("metrics.Mean")
class Mean(GivenValues):
    """The weighted mean of the values it is given, such as the losses of a loop of one's own.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> mean = Mean("loss")
        >>> mean.update_state([1.0, 3.0])
        >>> float(mean(5.0))
        3.0
    """

    def init(self) -> Totals:
        """Returns zeros for the total and the weight."""
        return {"total": self.zeros(), "weight": self.zeros()}

    def update(  # type: ignore[override]
        self, totals: Totals, values: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds values to the totals; see `Metric`."""
        return add_mean(totals, full_precision(values), sample_weight, None, f"metric '{self.name}'")

    def compute(self, totals: Totals) -> jax.Array:
        """Divides the total by the weight."""
        return safe_divide(totals["total"], totals["weight"])


@register("metrics.Sum")
class Sum(GivenValues):
    """The weighted sum of the values it is given.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> float(Sum()([1.0, 3.0]))
        4.0
    """

    def init(self) -> Totals:
        """Returns zero."""
        return {"total": self.zeros()}

    def update(  # type: ignore[override]
        self, totals: Totals, values: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds values to the total; see `Metric`."""
        values = full_precision(values)
        where = f"metric '{self.name}'"
        weights = None if sample_weight is None else align_weights(where, sample_weight, values)
        return {"total": totals["total"] + weighted(values, weights).sum().astype(totals["total"].dtype)}

    def compute(self, totals: Totals) -> jax.Array:
        """Returns the total."""
        return totals["total"]


def add_mean(
    totals: Totals,
    values: jax.Array,
    sample_weight: ArrayLike | None,
    mask: jax.Array | None,
    where: str,
) -> Totals:
    """Adds values to the "total" and their weights to the "weight" of a mean.

    Args:
        totals: float[] each.
        values: float[B, ...].
        sample_weight: Matched to the values from the left, or None for 1 each.
        mask: bool of such a shape, or None.
        where: What is averaged, for errors.

    Returns:
        New totals.

    Raises:
        InputError: The weights do not fit the values.

    Example:
        >>> import jax.numpy as jnp
        >>> totals = add_mean(Mean().init(), jnp.array([1.0, 3.0]), jnp.array([1, 0]), None, "mean")
        >>> float(totals["total"]), float(totals["weight"])
        (1.0, 1.0)
    """
    weights = None if sample_weight is None else align_weights(where, sample_weight, values)
    kept = None if mask is None else align_weights(where, mask, values, "a mask")
    total = weighted(values, weights, kept).sum()
    weight = weight_sum(values, weights, kept)
    return {
        "total": totals["total"] + total.astype(totals["total"].dtype),
        "weight": totals["weight"] + weight.astype(totals["weight"].dtype),
    }
