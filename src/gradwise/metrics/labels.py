"""The confusion matrix, and agreements of true and predicted classes that are computed from it."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError, StateError, unknown_name
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.checks import count, thresholds_of
from gradwise.ops.alignment import align, align_labels
from gradwise.ops.confusion import cohen_kappa, confusion_matrix, matthews_correlation
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register


class MatrixMetric(Metric):
    """A metric of the counts of true class against predicted class.

    The predicted class is the largest output; one output means class 1 where it is above the threshold.
    Targets are labels or one-hot rows.

    Args:
        num_classes: The number of classes; by default seen from the model's output.
        threshold: For one output.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        where = f"metric '{self.name}'"
        self.num_classes = None if num_classes is None else count(where, "num_classes", num_classes, 2)
        self.threshold = thresholds_of(where, threshold)[0]
        self._classes = self.num_classes

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of classes from the last axis of the output.

        Raises:
            InputError: It is not the number that was given.
        """
        last = output_shape[-1] if len(output_shape) > 1 else 1
        found = 2 if last == 1 else last
        if self.num_classes not in (None, found):
            raise InputError(
                f"metric '{self.name}'",
                expected=f"an output for {self.num_classes} classes, as num_classes says",
                got=f"shape {tuple(output_shape)}",
                fix="Leave out num_classes: it is seen from the output.",
            )
        self._classes = found

    def init(self) -> Totals:
        """Returns zeros for each pair of classes.

        Raises:
            StateError: `build` has not told how many classes there are.
        """
        if self._classes is None:
            raise StateError(
                f"metric '{self.name}'",
                expected="build(output_shape) before init()",
                got="an unknown number of classes",
                fix="Call build with the shape of the model's output, or update_state with a batch.",
            )
        return {"matrix": self.zeros((self._classes, self._classes))}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        matrix = totals["matrix"]
        y_pred = full_precision(y_pred)
        if y_pred.ndim < 2 or y_pred.shape[-1] == 1:
            y_true, y_pred = align(where, y_true, y_pred)
            true, called = (y_true > 0).astype(jnp.int32), (y_pred > self.threshold).astype(jnp.int32)
        else:
            if jnp.shape(y_true) == y_pred.shape:
                y_true = jnp.argmax(jnp.asarray(y_true), -1)
            true, y_pred = align_labels(where, y_true, y_pred)
            called = y_pred.argmax(-1).astype(jnp.int32)
        weights = jnp.ones((1,) * true.ndim, matrix.dtype)
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, true).astype(matrix.dtype)
        weights = jnp.broadcast_to(weights, true.shape)
        found = confusion_matrix(true.ravel(), called.ravel(), weights.ravel(), matrix.shape[0])
        return {"matrix": matrix + found}


@register("metrics.ConfusionMatrix")
class ConfusionMatrix(MatrixMetric):
    """The weight of each pair of true class (row) and predicted class (column).

    It is a matrix, so it is no metric for `compile`: call it on predictions.

    Args:
        num_classes: See `MatrixMetric`.
        normalize: "true" divides rows by their sums, "pred" columns, "all" everything by the total.
        threshold: See `MatrixMetric`.
        name: The name of the metric.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> ConfusionMatrix()([0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """

    direction: ClassVar[str | None] = None

    def __init__(
        self,
        num_classes: int | None = None,
        normalize: str | None = None,
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)
        if normalize not in (None, "true", "pred", "all"):
            raise unknown_name(f"metric '{self.name}'", "a normalization", normalize, ("true", "pred", "all"))
        self.normalize = normalize

    def compute(self, totals: Totals) -> jax.Array:
        """Returns float[K, K]; what would be divided by 0 is 0."""
        matrix = totals["matrix"]
        if self.normalize is None:
            return matrix
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return safe_divide(matrix, jnp.broadcast_to(matrix.sum(axis, keepdims=True), matrix.shape))


@register("metrics.MatthewsCorrelation", aliases=("mcc",))
class MatthewsCorrelation(MatrixMetric):
    """The correlation of true and predicted classes: 1 for all right, 0 for chance, good for rare classes.

    Source: B. W. Matthews, 1975; for K classes J. Gorodkin, 2004.

    Args:
        num_classes: See `MatrixMetric`.
        threshold: See `MatrixMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(MatthewsCorrelation()([1, 1, 1, 0], [0.9, 0.8, 0.2, 0.1])), 4)
        0.5774
    """

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the correlation."""
        return matthews_correlation(totals["matrix"])


@register("metrics.CohenKappa", aliases=("kappa",))
class CohenKappa(MatrixMetric):
    """How far true and predicted classes agree beyond chance, from below 0 to 1.

    Source: J. Cohen, 1960; with weights 1968.

    Args:
        num_classes: See `MatrixMetric`.
        weights: What a confusion of class i with j costs: None for 1, "linear" for |i - j|, "quadratic" for
            (i - j)^2, the latter two for classes in an order.
        threshold: See `MatrixMetric`.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(CohenKappa()([1, 1, 1, 0], [0.9, 0.8, 0.2, 0.1]))
        0.5
    """

    def __init__(
        self,
        num_classes: int | None = None,
        weights: str | None = None,
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)
        if weights not in (None, "linear", "quadratic"):
            raise unknown_name(f"metric '{self.name}'", "weights", weights, ("linear", "quadratic"))
        self.weights = weights

    def compute(self, totals: Totals) -> jax.Array:
        """Computes kappa."""
        matrix = totals["matrix"]
        places = jnp.arange(matrix.shape[0], dtype=matrix.dtype)
        apart = jnp.abs(places[:, None] - places[None, :])
        if self.weights is None:
            apart = jnp.minimum(apart, 1.0)
        elif self.weights == "quadratic":
            apart = jnp.square(apart)
        return cohen_kappa(matrix, apart)
