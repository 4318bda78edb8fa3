"""From the setting of a `loss` argument to a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradwise.errors import InputError
from gradwise.losses.base import FunctionLoss, Loss
from gradwise.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)
from gradwise.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from gradwise.losses.regression import (
    CosineSimilarity,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from gradwise.losses.segmentation import Dice, Tversky
from gradwise.losses.sequence import CTC
from gradwise.losses.similarity import Circle
from gradwise.ops.crossentropies import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
)
from gradwise.ops.ctc import ctc
from gradwise.ops.losses import (
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    squared_hinge,
)
from gradwise.ops.overlap import dice, tversky
from gradwise.ops.similarity import circle
from gradwise.registry import find

# A library function given as a loss means its class, which knows logits and target checks.
_CLASSES: dict[Callable[..., Any], type[Loss]] = {
    binary_crossentropy: BinaryCrossentropy,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    categorical_generalized_cross_entropy: CategoricalGeneralizedCrossEntropy,
    categorical_hinge: CategoricalHinge,
    circle: Circle,
    cosine_similarity: CosineSimilarity,
    ctc: CTC,
    dice: Dice,
    hinge: Hinge,
    huber: Huber,
    kl_divergence: KLDivergence,
    log_cosh: LogCosh,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_error: MeanSquaredError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    poisson: Poisson,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    squared_hinge: SquaredHinge,
    tversky: Tversky,
}


def get(identifier: Any, where: str = "loss") -> Loss:
    """Turns the setting of a `loss` argument into a loss.

    Args:
        identifier: A name such as "mse", a loss, a class of losses, a function f(y_true, y_pred), or a dict
            with "class_name" and "config".
        where: Where it was given, for the error.

    Returns:
        The loss.

    Raises:
        InputError: The name is unknown, or the value is none of these.

    Example:
        >>> get("mse").name
        'mean_squared_error'
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, Mapping) and isinstance(identifier.get("class_name"), str):
        named = find("losses", identifier["class_name"], where)
        made: Loss = _CLASSES.get(named, named)(**identifier.get("config", {}))
        return made
    found = find("losses", identifier, where) if isinstance(identifier, str) else identifier
    found = _CLASSES.get(found, found) if callable(found) else found
    if isinstance(found, type) and issubclass(found, Loss):
        loss: Loss = found()
        return loss
    if callable(found) and not isinstance(found, type):
        return FunctionLoss(found)
    raise InputError(
        where,
        expected="the name of a loss, a Loss, or a function f(y_true, y_pred)",
        got=f"{identifier!r} of type {type(identifier).__name__}",
        fix="Pass e.g. 'mse' or 'categorical_crossentropy'.",
    )
