"""Cross-entropies, divergences and margins, averaged over all samples."""

from __future__ import annotations

from typing import Any

from gradwise.losses.crossentropy import BinaryCrossentropy as BinaryCrossentropyLoss
from gradwise.losses.crossentropy import CategoricalCrossentropy as CategoricalCrossentropyLoss
from gradwise.losses.crossentropy import SparseCategoricalCrossentropy as SparseCategoricalCrossentropyLoss
from gradwise.losses.hinge import CategoricalHinge as CategoricalHingeLoss
from gradwise.losses.hinge import Hinge as HingeLoss
from gradwise.losses.hinge import SquaredHinge as SquaredHingeLoss
from gradwise.losses.regression import KLDivergence as KLDivergenceLoss
from gradwise.losses.regression import Poisson as PoissonLoss
from gradwise.metrics.reductions import LossMetric
from gradwise.registry import register


@register("metrics.BinaryCrossentropy", aliases=("bce", "logloss"))
class BinaryCrossentropy(LossMetric):
    """The mean cross-entropy of yes-or-no answers, also called log-loss.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / 2.

    Example:
        >>> round(float(BinaryCrossentropy()([0, 1], [0.9, 0.1])), 4)
        2.3026
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(BinaryCrossentropyLoss(from_logits, label_smoothing), name, dtype)


@register("metrics.CategoricalCrossentropy", aliases=("cce",))
class CategoricalCrossentropy(LossMetric):
    """The mean cross-entropy of one-hot targets.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / K.
        axis: The class axis.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0, 1]], [[0.75, 0.25]])), 4)
        1.3863
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(CategoricalCrossentropyLoss(from_logits, label_smoothing, axis), name, dtype)


@register("metrics.SparseCategoricalCrossentropy", aliases=("scce",))
class SparseCategoricalCrossentropy(LossMetric):
    """The mean cross-entropy of integer labels.

    Args:
        name: The name in logs.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits instead of probabilities.
        ignore_class: A label whose samples do not count.
        axis: The class axis.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.75, 0.25]])), 4)
        1.3863
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(SparseCategoricalCrossentropyLoss(from_logits, ignore_class, axis=axis), name, dtype)


@register("metrics.KLDivergence", aliases=("kld", "kullback_leibler_divergence"))
class KLDivergence(LossMetric):
    """The mean of the sum of y_true * log(y_true / y_pred) over the classes.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(KLDivergenceLoss(), name, dtype)


@register("metrics.Poisson")
class Poisson(LossMetric):
    """The mean of y_pred - y_true * log(y_pred).

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(PoissonLoss(), name, dtype)


@register("metrics.Hinge")
class Hinge(LossMetric):
    """The mean of max(1 - y_true * y_pred, 0) for classes -1 (or 0) and +1.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(Hinge()([-1, 1], [0.5, 2.0])), 4)
        0.75
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(HingeLoss(), name, dtype)


@register("metrics.SquaredHinge")
class SquaredHinge(LossMetric):
    """The mean of max(1 - y_true * y_pred, 0)^2 for classes -1 (or 0) and +1.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(SquaredHinge()([-1, 1], [0.5, 2.0])), 4)
        1.125
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(SquaredHingeLoss(), name, dtype)


@register("metrics.CategoricalHinge")
class CategoricalHinge(LossMetric):
    """The mean margin between the best wrong class and the right one, for one-hot targets.

    Args:
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> round(float(CategoricalHinge()([[0, 1]], [[0.5, 0.75]])), 4)
        0.75
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(CategoricalHingeLoss(), name, dtype)
