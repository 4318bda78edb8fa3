"""Losses of the overlap between a region and what was found of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.typing import ArrayLike

from gradwise.losses.base import Loss, per_sample
from gradwise.ops import overlap as ops
from gradwise.ops.alignment import match_rank
from gradwise.registry import register


class OverlapLoss(Loss):
    """What the losses of overlap have in common: one number for whatever the axes leave.

    With `axis=None`, or axes that take in the batch, that is one number for the whole batch. It depends on
    the batch size then, every sample counts with it (once in all in a "sum"), and sample weights can only
    multiply it by their mean. Give the axes of a sample, such as (1, 2, 3), for a loss of samples.

    Args:
        axis: The axes the sums run over; None for all.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.
    """

    target_kind: str = "binary"

    def __init__(
        self, axis: int | Sequence[int] | None, reduction: str | None, name: str | None, dtype: Any
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis
        axes = (axis,) if isinstance(axis, int) else axis
        # Counted from the end, an axis may be that of the batch.
        self.couples_rows = axes is None or min(axes, default=0) <= 0

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
        """Computes the loss of each sample, or what each counts with in that of the batch; see `Loss`."""
        y_true, y_pred = match_rank(y_true, self.prepare(y_pred))
        result = self.call(y_true, y_pred)
        if self.axis is not None:
            axes = (self.axis,) if isinstance(self.axis, int) else self.axis
            if 0 not in [each % y_pred.ndim for each in axes]:
                return result
        batch = y_pred.shape[0]
        shared = result.mean() / batch if self.reduction == "sum" else result.mean()
        return per_sample(shared, batch, f"loss '{self.name}'")

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> jax.Array:
        """Computes the reduced loss; without a reduction, what the axes leave."""
        if self.reduction == "none" and sample_weight is None:
            return self.call(*match_rank(y_true, self.prepare(y_pred)))
        return super().__call__(y_true, y_pred, sample_weight)


@register("losses.Dice")
class Dice(OverlapLoss):
    """1 - 2 |A and B| / (|A| + |B|) of the right region A and the region B that was found.

    Source: Milletari et al., 2016, arXiv:1606.04797.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        axis: The axes the sums run over; None, the default, takes the whole batch as one region.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> y_true = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
        >>> y_pred = np.array([[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
        >>> round(float(Dice(axis=1)(y_true, y_pred)), 4)  # the mean of 0.5 and 0
        0.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.overlap.dice`."""
        return ops.dice(y_true, y_pred, self.axis)


@register("losses.Tversky")
class Tversky(OverlapLoss):
    """The Dice loss with weights of its own for what is missed and for what is falsely found.

    Source: Salehi et al., 2017, arXiv:1706.05721. Alpha and beta go with the parts that the code of Keras
    gives them, which are those of the paper the other way round.

    Args:
        alpha: The weight of what is missed.
        beta: The weight of what is falsely found.
        reduction: See `Loss`.
        name: The name in logs.
        axis: The axes the sums run over; None, the default, takes the whole batch as one region.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> loss = Tversky(alpha=1.0, beta=0.0, axis=1)
        >>> round(float(loss(np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 1.0]]))), 4)
        0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: int | Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(axis, reduction, name, dtype)
        self.alpha = alpha
        self.beta = beta

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.overlap.tversky`."""
        return ops.tversky(y_true, y_pred, self.alpha, self.beta, self.axis)
