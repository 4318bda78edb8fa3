"""Losses of margins, for scores of any size instead of probabilities."""

from __future__ import annotations

from typing import ClassVar

import jax

from gradwise.losses.base import PlainLoss
from gradwise.ops import losses as ops
from gradwise.registry import register


@register("losses.Hinge")
class Hinge(PlainLoss):
    """The mean of max(1 - y_true * y_pred, 0) for classes -1 (or 0) and +1.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(Hinge()(np.array([-1, 1]), np.array([[0.5], [2.0]])))
        0.75
    """

    averages: ClassVar[bool] = True
    target_kind: str = "signs"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.hinge`."""
        return ops.hinge(y_true, y_pred)


@register("losses.SquaredHinge")
class SquaredHinge(PlainLoss):
    """The mean of max(1 - y_true * y_pred, 0)^2 for classes -1 (or 0) and +1.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(SquaredHinge()(np.array([-1, 1]), np.array([[0.5], [2.0]])))
        1.125
    """

    averages: ClassVar[bool] = True
    target_kind: str = "signs"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.squared_hinge`."""
        return ops.squared_hinge(y_true, y_pred)


@register("losses.CategoricalHinge")
class CategoricalHinge(PlainLoss):
    """The margin between the right class's score and the best wrong one, for one-hot targets.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> float(CategoricalHinge()(np.array([[0, 1]]), np.array([[0.5, 0.75]])))
        0.75
    """

    target_kind: str = "distribution"

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.losses.categorical_hinge`."""
        return ops.categorical_hinge(y_true, y_pred)
