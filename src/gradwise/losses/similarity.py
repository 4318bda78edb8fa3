"""Losses of embeddings."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.losses.base import Loss
from gradwise.ops import similarity as ops
from gradwise.registry import register


@register("losses.Circle")
class Circle(Loss):
    """Brings vectors of one class together and takes those of different classes apart, pair by pair.

    The pairs are those of the batch, so a batch should hold several samples of each class; a sample without
    a partner of its class, or of another class, does not count. The model should end in a
    `UnitNormalization` layer. Source: Sun et al., 2020, arXiv:2002.10857.

    Args:
        gamma: How steeply the loss rises.
        margin: How far from perfect distances are good enough.
        remove_diagonal: Whether a sample is not compared with itself.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
        >>> round(float(Circle()(np.array([0, 0, 1]), vectors)), 2)  # the mean of the first two samples
        3.2
    """

    target_kind: str = "identities"
    couples_rows: bool = True

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.similarity.circle`."""
        return ops.circle(
            y_true, y_pred, remove_diagonal=self.remove_diagonal, gamma=self.gamma, margin=self.margin
        )

    def target_mask(self, y_true: ArrayLike, y_pred: ArrayLike | None = None) -> jax.Array | None:
        """Returns bool[B], True where the batch has a partner of the same class and one of another."""
        labels = jnp.asarray(y_true)
        same, different = ops.pairs(labels, labels, self.remove_diagonal)
        return same.any(1) & different.any(1)
