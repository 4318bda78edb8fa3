"""Losses from a class-by-class matrix of costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from gradwise.errors import InputError
from gradwise.losses.crossentropy import Crossentropy
from gradwise.ops import costs as ops
from gradwise.registry import register

_KINDS = {True: "distribution", False: "labels"}


class CostLoss(Crossentropy):
    """What the losses from a matrix of costs have in common.

    Targets are labels int[B] or one-hot rows [B, K]; the model ends in a softmax of K units, or for two
    classes in a sigmoid of one unit.

    Args:
        cost_matrix: K rows of K numbers, C[i][j] the cost of deciding for class i when class j is true.
        from_logits: Whether predictions are logits instead of probabilities.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Raises:
        InputError: The matrix is not square, or holds negative numbers, NaN, infinity or nothing but 0.
    """

    logits_of: ClassVar[str | None] = "softmax"

    def __init__(
        self,
        cost_matrix: Sequence[Sequence[float]] | np.ndarray[Any, Any],
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.cost_matrix = _checked(cost_matrix, f"loss '{self.name}', cost_matrix")

    def kind_of_targets(self, shape: Sequence[int], output_shape: Sequence[int | None]) -> str:
        """Tells labels from one-hot rows; see `Loss`."""
        if output_shape[-1] == 1:
            return "binary"
        return _KINDS[len(shape) == len(output_shape) and shape[-1] != 1]

    def _own_logits(self, activation: str, logits: jax.Array) -> jax.Array:
        one_unit = activation == "sigmoid" and logits.shape[-1] == 1
        return logits if one_unit else super()._own_logits(activation, logits)


@register("losses.ExpectedCost")
class ExpectedCost(CostLoss):
    """Computes sum_i p_i C[i][y], what it costs to decide at random by the model's probabilities.

    No sample costs more than the highest cost, and one far on the wrong side hardly pulls; to train from the
    start, `CostSensitiveCrossentropy` does better. Source of the matrix: Elkan, 2001, "The foundations of
    cost-sensitive learning".

    Args:
        cost_matrix: K rows of K numbers, C[i][j] the cost of deciding for class i when class j is true.
        from_logits: Whether predictions are logits instead of probabilities.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Raises:
        InputError: The matrix is not square, or holds negative numbers, NaN, infinity or nothing but 0.

    Example:
        >>> loss = ExpectedCost([[0, 99], [1, 0]])  # class 1 is rare: to miss it costs 99, a false alarm 1
        >>> float(loss(np.array([1, 0]), np.array([[0.5, 0.5], [0.5, 0.5]])))
        25.0
    """

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.expected_cost(y_true, y_pred, self.cost_matrix, from_logits)


@register("losses.CostSensitiveCrossentropy")
class CostSensitiveCrossentropy(CostLoss):
    """-sum_i C[i][y] log(1 - p_i): every wrong class is pushed down as strongly as it costs.

    For two classes this is the cross-entropy with the costs as class weights. Source: Ho and Wookey, 2020,
    arXiv:2001.00570.

    Args:
        cost_matrix: K rows of K numbers, C[i][j] the cost of deciding for class i when class j is true; 0
            for i = j.
        from_logits: Whether predictions are logits instead of probabilities.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Raises:
        InputError: The matrix is not square, has other numbers than 0 on its diagonal, or holds negative
            numbers, NaN, infinity or nothing but 0.

    Example:
        >>> loss = CostSensitiveCrossentropy([[0, 99], [1, 0]])
        >>> round(float(loss(np.array([1, 0]), np.array([[0.5, 0.5], [0.5, 0.5]]))), 3)  # 50 log 2
        34.657
    """

    def __init__(
        self,
        cost_matrix: Sequence[Sequence[float]] | np.ndarray[Any, Any],
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(cost_matrix, from_logits, reduction, name, dtype)
        diagonal = np.diagonal(self.cost_matrix)
        if diagonal.any():
            raise InputError(
                f"loss '{self.name}', cost_matrix",
                expected="0 on the diagonal, as a right decision is no error",
                got=f"{diagonal.tolist()}",
                fix="Subtract from each column its number on the diagonal: that changes no decision.",
            )

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.cost_sensitive_crossentropy(y_true, y_pred, self.cost_matrix, from_logits)


def _checked(cost_matrix: Any, where: str) -> np.ndarray[Any, Any]:
    try:
        costs = np.asarray(cost_matrix, dtype=np.float64)
    except (TypeError, ValueError):
        costs = np.zeros(())
    if costs.ndim != 2 or costs.shape[0] != costs.shape[1] or len(costs) < 2:
        raise InputError(
            where,
            expected="a square table of numbers, one row and one column for each of at least two classes",
            got=f"shape {costs.shape}" if costs.ndim else f"{cost_matrix!r}",
            fix="Write for example [[0, 99], [1, 0]].",
        )
    if not np.isfinite(costs).all() or (costs < 0).any() or not costs.any():
        odd = costs[~(costs >= 0) | np.isinf(costs)].tolist()
        raise InputError(
            where,
            expected="costs of 0 or more, not all 0",
            got=f"{odd[0]}" if odd else "zeros only",
            fix="Give what each wrong decision costs; a gain is a cost of 0 with the other costs higher.",
        )
    return costs
