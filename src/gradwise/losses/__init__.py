"""Losses: reduction, weights and masks around the formulas of `ops`, and the checks of targets.

May import `errors`, `config`, `registry`, `ops` and `core`.
"""

from __future__ import annotations

from gradwise.losses.base import FunctionLoss, Loss
from gradwise.losses.checks import check_targets
from gradwise.losses.costs import CostSensitiveCrossentropy, ExpectedCost
from gradwise.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)
from gradwise.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from gradwise.losses.missing import IgnoreMissing
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
from gradwise.losses.resolve import get
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
from gradwise.ops.weighting import safe_divide

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CTC",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "CostSensitiveCrossentropy",
    "Dice",
    "ExpectedCost",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "IgnoreMissing",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "check_targets",
    "circle",
    "cosine_similarity",
    "ctc",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "safe_divide",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
