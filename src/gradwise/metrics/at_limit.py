"""One rate of a yes-or-no classifier at the threshold where another is high enough."""

from __future__ import annotations

from typing import Any

import jax

from gradwise.metrics.auc import BestAtLimit
from gradwise.ops.weighting import safe_divide
from gradwise.registry import register


@register("metrics.SensitivityAtSpecificity")
class SensitivityAtSpecificity(BestAtLimit):
    """The best sensitivity tp / (tp + fn) where the specificity tn / (tn + fp) is at least a limit.

    Args:
        specificity: The limit, from 0 to 1.
        num_thresholds: How many thresholds are tried, evenly from 0 to 1; None for all that make a
            difference, which keeps all samples (see `SampleMetric`).
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int | None = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(specificity, "specificity", num_thresholds, class_id, name, dtype, capacity)

    def rates(self, tp: jax.Array, fp: jax.Array, fn: jax.Array, tn: jax.Array) -> tuple[jax.Array, ...]:
        """Computes sensitivity and specificity."""
        return safe_divide(tp, tp + fn), safe_divide(tn, tn + fp)


@register("metrics.SpecificityAtSensitivity")
class SpecificityAtSensitivity(BestAtLimit):
    """The best specificity tn / (tn + fp) where the sensitivity tp / (tp + fn) is at least a limit.

    Args:
        sensitivity: The limit, from 0 to 1.
        num_thresholds: See `SensitivityAtSpecificity`.
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> round(float(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int | None = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(sensitivity, "sensitivity", num_thresholds, class_id, name, dtype, capacity)

    def rates(self, tp: jax.Array, fp: jax.Array, fn: jax.Array, tn: jax.Array) -> tuple[jax.Array, ...]:
        """Computes specificity and sensitivity."""
        return safe_divide(tn, tn + fp), safe_divide(tp, tp + fn)


@register("metrics.PrecisionAtRecall")
class PrecisionAtRecall(BestAtLimit):
    """The best precision tp / (tp + fp) where the recall tp / (tp + fn) is at least a limit.

    Args:
        recall: The limit, from 0 to 1.
        num_thresholds: See `SensitivityAtSpecificity`.
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int | None = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(recall, "recall", num_thresholds, class_id, name, dtype, capacity)

    def rates(self, tp: jax.Array, fp: jax.Array, fn: jax.Array, tn: jax.Array) -> tuple[jax.Array, ...]:
        """Computes precision and recall."""
        return safe_divide(tp, tp + fp), safe_divide(tp, tp + fn)


@register("metrics.RecallAtPrecision")
class RecallAtPrecision(BestAtLimit):
    """The best recall tp / (tp + fn) where the precision tp / (tp + fp) is at least a limit.

    Args:
        precision: The limit, from 0 to 1.
        num_thresholds: See `SensitivityAtSpecificity`.
        class_id: If set, only this output counts.
        name: The name in logs.
        dtype: See `Metric`.
        capacity: For how many samples there is room if they are kept.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int | None = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        capacity: int = 65536,
    ) -> None:
        super().__init__(precision, "precision", num_thresholds, class_id, name, dtype, capacity)

    def rates(self, tp: jax.Array, fp: jax.Array, fn: jax.Array, tn: jax.Array) -> tuple[jax.Array, ...]:
        """Computes recall and precision."""
        return safe_divide(tp, tp + fn), safe_divide(tp, tp + fp)
