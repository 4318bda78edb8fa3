"""Losses of real values, vectors and distributions."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
from jax.typing import ArrayLike

from gradwise.losses.base import Loss, PlainLoss
from gradwise.ops import losses as ops
from gradwise.registry import register


@register("losses.MeanSquaredError", aliases=("mse",))
class MeanSquaredError(PlainLoss):
    """The mean of (y_true - y_pred)^2.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(MeanSquaredError()(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]])))
        5.0
    """

    averages: ClassVar[bool] = True

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.mean_squared_error`."""
        return ops.mean_squared_error(y_true, y_pred)


@register("losses.MeanAbsoluteError", aliases=("mae",))
class MeanAbsoluteError(PlainLoss):
    """The mean of |y_true - y_pred|.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(MeanAbsoluteError()(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]])))
        2.0
    """

    averages: ClassVar[bool] = True

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.mean_absolute_error`."""
        return ops.mean_absolute_error(y_true, y_pred)


@register("losses.MeanAbsolutePercentageError", aliases=("mape",))
class MeanAbsolutePercentageError(PlainLoss):
    """The mean of 100 * |y_true - y_pred| / |y_true|, in percent.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(MeanAbsolutePercentageError()(np.array([[2.0]]), np.array([[3.0]])))
        50.0
    """

    averages: ClassVar[bool] = True

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.mean_absolute_percentage_error`."""
        return ops.mean_absolute_percentage_error(y_true, y_pred)


@register("losses.MeanSquaredLogarithmicError", aliases=("msle",))
class MeanSquaredLogarithmicError(PlainLoss):
    """The mean of (log(1 + y_true) - log(1 + y_pred))^2.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(MeanSquaredLogarithmicError()(np.array([[0.0]]), np.array([[1.0]]))), 4)
        0.4805
    """

    averages: ClassVar[bool] = True
    target_kind: str = "amounts"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.mean_squared_logarithmic_error`."""
        return ops.mean_squared_logarithmic_error(y_true, y_pred)


@register("losses.Huber", aliases=("huber_loss",))
class Huber(Loss):
    """A square for errors up to delta, a line beyond: outliers pull less.

    Args:
        delta: The error at which the square turns into a line.
        reduction: See `Loss`.
        name: The name in logs; "huber_loss" by default, as in Keras.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(Huber()(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]])))
        1.5
    """

    averages: ClassVar[bool] = True

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name or "huber_loss", reduction, dtype)
        self.delta = delta

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.huber`."""
        return ops.huber(y_true, y_pred, self.delta)


@register("losses.LogCosh")
class LogCosh(PlainLoss):
    """The mean of log(cosh(y_pred - y_true)).

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(LogCosh()(np.array([[0.0]]), np.array([[1.0]]))), 4)
        0.4338
    """

    averages: ClassVar[bool] = True

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.log_cosh`."""
        return ops.log_cosh(y_true, y_pred)


@register("losses.CosineSimilarity", aliases=("cosine_proximity",))
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between target and prediction: -1 for one direction, 1 for opposite ones.

    Args:
        axis: The axis of the vectors.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(CosineSimilarity()(np.array([[3.0, 4.0]]), np.array([[6.0, 8.0]]))), 4)
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.cosine_similarity`."""
        return ops.cosine_similarity(y_true, y_pred, self.axis)


@register("losses.KLDivergence", aliases=("kld", "kullback_leibler_divergence"))
class KLDivergence(PlainLoss):
    """The sum of y_true * log(y_true / y_pred) over the classes.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(KLDivergence()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]))), 4)
        0.6931
    """

    logits_of: ClassVar[str | None] = "softmax"
    target_kind: str = "distribution"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.kl_divergence`."""
        return ops.kl_divergence(y_true, y_pred)

    def values_from_logits(self, y_true: ArrayLike, logits: ArrayLike) -> jax.Array:
        """Computes the loss of each sample from the logits of a softmax; see `Loss`."""
        return ops.kl_divergence(y_true, self.prepare(logits), from_logits=True)


@register("losses.Poisson")
class Poisson(PlainLoss):
    """The mean of y_pred - y_true * log(y_pred), for counts.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(Poisson()(np.array([[2.0]]), np.array([[1.0]]))), 4)
        1.0
    """

    logits_of: ClassVar[str | None] = "exponential"
    target_kind: str = "counts"
    averages: ClassVar[bool] = True

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.poisson`."""
        return ops.poisson(y_true, y_pred)

    def values_from_logits(self, y_true: ArrayLike, logits: ArrayLike) -> jax.Array:
        """Computes the loss of each sample from the logarithms of the rates; see `Loss`."""
        return ops.poisson(y_true, self.prepare(logits), from_logits=True)
