"""Intersection over union, for classes of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.checks import count, thresholds_of
from gradwise.ops.confusion import confusion_matrix, intersection_over_union
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register


@register("metrics.IoU")
class IoU(Metric):
    """The mean over some classes of tp / (tp + fp + fn), the overlap of where a class is and is predicted.

    Classes that occur neither among targets nor predictions are left out of the mean, and so are samples
    whose target or prediction is no class from 0 to num_classes - 1.

    Args:
        num_classes: The number of classes.
        target_class_ids: The classes whose mean is taken.
        name: The name in logs.
        dtype: See `Metric`. (In Keras integers by default, which cut off fractions of sample weights.)
        ignore_class: Targets of this class do not count, such as -1 or 255 for "void".
        sparse_y_true: Whether targets are class numbers; else scores or one-hot rows.
        sparse_y_pred: Whether predictions are class numbers; else scores, as models give.
        axis: The class axis of scores.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        where = f"metric '{self.name}'"
        self.num_classes = count(where, "num_classes", num_classes, 2)
        self.target_class_ids = tuple(int(each) for each in target_class_ids)
        if not self.target_class_ids or not all(0 <= each < num_classes for each in self.target_class_ids):
            raise InputError(
                where,
                expected=f"target_class_ids from 0 to {num_classes - 1}, as num_classes={num_classes}",
                got=list(target_class_ids),
                fix="Name classes that exist.",
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis

    def init(self) -> Totals:
        """Returns zeros for each pair of classes."""
        return {"matrix": self.zeros((self.num_classes, self.num_classes))}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        matrix = totals["matrix"]
        true = self._labels("targets", y_true, self.sparse_y_true)
        called = self._labels("predictions", y_pred, self.sparse_y_pred)
        if true.ndim == called.ndim + 1 and true.shape[-1] == 1:
            true = true[..., 0]
        if called.ndim == true.ndim + 1 and called.shape[-1] == 1:
            called = called[..., 0]
        if true.shape != called.shape:
            raise InputError(
                where,
                expected=f"targets of shape {called.shape} like the predicted classes",
                got=true.shape,
                fix="Pass sparse_y_pred=False for a model that gives a score for each class, and "
                "sparse_y_true=False for one-hot targets.",
            )
        weights = jnp.ones((1,) * true.ndim, matrix.dtype)
        if sample_weight is not None:
            weights = align_weights(where, sample_weight, true).astype(matrix.dtype)
        weights = jnp.broadcast_to(weights, true.shape)
        if self.ignore_class is not None:
            weights = jnp.where(true == self.ignore_class, 0.0, weights)
        found = confusion_matrix(true.ravel(), called.ravel(), weights.ravel(), self.num_classes)
        return {"matrix": matrix + found}

    def _labels(self, what: str, values: ArrayLike, sparse: bool) -> jax.Array:
        values = jnp.asarray(values)
        if sparse:
            return values.astype(jnp.int32)
        if values.ndim < 2 or values.shape[self.axis] != self.num_classes:
            raise InputError(
                f"metric '{self.name}'",
                expected=f"{what} with {self.num_classes} scores on axis {self.axis}, as num_classes says",
                got=values.shape,
                fix="Change num_classes or axis, or pass sparse_y_true=True / sparse_y_pred=True for labels.",
            )
        return values.argmax(self.axis).astype(jnp.int32)

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the mean, 0 if none of the classes occurs."""
        shares, occurs = intersection_over_union(totals["matrix"])
        ids = jnp.asarray(self.target_class_ids)
        return safe_divide(shares[ids].sum(), occurs[ids].sum().astype(shares.dtype))


@register("metrics.BinaryIoU")
class BinaryIoU(IoU):
    """The mean overlap of the classes 0 and 1, called by a threshold.

    Args:
        target_class_ids: The classes whose mean is taken; (1,) for the foreground alone.
        threshold: Predictions of at least this mean 1.
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.5833
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = thresholds_of(f"metric '{self.name}'", threshold)[0]

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        called = full_precision(y_pred) >= self.threshold
        return super().update(totals, y_true, called, sample_weight)


@register("metrics.MeanIoU", aliases=("miou",))
class MeanIoU(IoU):
    """The mean overlap of all classes that occur.

    By its name "mean_io_u", `compile` gives it as many classes as the model has outputs.

    Args:
        num_classes: See `IoU`.
        name: The name in logs.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_true: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(count("MeanIoU", "num_classes", num_classes, 2))
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@register("metrics.OneHotIoU")
class OneHotIoU(IoU):
    """The mean overlap of some classes, for one-hot targets and scores.

    Args:
        num_classes: See `IoU`.
        target_class_ids: See `IoU`.
        name: The name in logs.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> y_true, y_pred = [[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]
        >>> float(OneHotIoU(2, [1])(y_true, y_pred))
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@register("metrics.OneHotMeanIoU")
class OneHotMeanIoU(MeanIoU):
    """The mean overlap of all classes that occur, for one-hot targets and scores.

    Args:
        num_classes: See `IoU`.
        name: The name in logs.
        dtype: See `Metric`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> y_true, y_pred = [[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]
        >>> float(OneHotMeanIoU(2)(y_true, y_pred))
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
