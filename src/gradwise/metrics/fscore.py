"""F scores: precision and recall in one number, for each class or averaged."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError, StateError, unknown_name
from gradwise.losses.base import full_precision
from gradwise.metrics.base import Metric, Totals
from gradwise.metrics.checks import fraction
from gradwise.ops.metrics import as_indicators
from gradwise.ops.weighting import align_weights, safe_divide
from gradwise.registry import register

_AVERAGES = ("micro", "macro", "weighted")


@register("metrics.FBetaScore")
class FBetaScore(Metric):
    """The weighted harmonic mean (1 + b^2) p r / (b^2 p + r) of precision p and recall r.

    Args:
        average: "micro" counts all classes together; "macro" is the mean over classes; "weighted" the mean
            weighted by how many targets each has; None gives one value for each class.
        beta: How many times recall matters more than precision.
        threshold: Predictions above it mean 1. None means: the largest of the row. (One output has no
            largest, so there None is 0.5; Keras calls every sample 1.)
        name: The name in logs.
        dtype: See `Metric`.

    Raises:
        InputError: A setting is out of range.

    Example:
        >>> metric = FBetaScore("macro", beta=2.0)
        >>> float(metric([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
        1.0
    """

    direction: ClassVar[str | None] = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name or "fbeta_score", dtype)
        where = f"metric '{self.name}'"
        if average is not None and average not in _AVERAGES:
            raise unknown_name(where, "an average", average, _AVERAGES)
        if not beta > 0:
            raise InputError(where, expected="a beta above 0", got=beta, fix="Use 1.0 for the F1 score.")
        if threshold is not None:
            note = "Thresholds are probabilities; for logits use 0."
            threshold = fraction(where, "a threshold", threshold, note)
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._classes: int | None = None

    def build(self, output_shape: tuple[int | None, ...]) -> None:
        """Takes the number of classes from the last axis of the output."""
        self._classes = output_shape[-1] if len(output_shape) > 1 else 1

    def init(self) -> Totals:
        """Returns zeros for each class.

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
        keys = ("true_positives", "false_positives", "false_negatives")
        return {key: self.zeros((self._classes,)) for key in keys}

    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch; see `Metric`."""
        where = f"metric '{self.name}'"
        positive, y_pred = as_indicators(where, y_true, full_precision(y_pred))
        if y_pred.ndim == 1:
            positive, y_pred = positive[:, None], y_pred[:, None]
        if self.threshold is None and y_pred.shape[-1] > 1:
            # As in Keras, a row of zeros has no largest prediction, and equally large ones all mean 1.
            called = (y_pred >= y_pred.max(-1, keepdims=True)) & (jnp.abs(y_pred) > 1e-9)
        else:
            called = y_pred > (0.5 if self.threshold is None else self.threshold)
        weight = jnp.ones((1,) * y_pred.ndim, y_pred.dtype)
        if sample_weight is not None:
            weight = align_weights(where, sample_weight, y_pred).astype(y_pred.dtype)
        leading = tuple(range(y_pred.ndim - 1))
        found = {
            "true_positives": called & positive,
            "false_positives": called & ~positive,
            "false_negatives": ~called & positive,
        }
        return {
            key: totals[key] + jnp.where(cases, weight, 0.0).sum(leading).astype(totals[key].dtype)
            for key, cases in found.items()
        }

    def compute(self, totals: Totals) -> jax.Array:
        """Computes the score, 0 for a class that is neither among targets nor predictions."""
        if self.average == "micro":
            totals = {key: value.sum() for key, value in totals.items()}
        right, wrong, missed = (
            totals[key] for key in ("true_positives", "false_positives", "false_negatives")
        )
        squared = self.beta**2
        # p and r put in: no intermediate division by zero.
        score = safe_divide((1 + squared) * right, (1 + squared) * right + squared * missed + wrong)
        if self.average == "macro":
            return score.mean()
        if self.average == "weighted":
            support = right + missed
            return safe_divide((score * support).sum(), support.sum())
        return score


@register("metrics.F1Score", aliases=("f1",))
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn).

    The string "f1_score" gives a number to `compile`: the score of class 1 for one output, the mean over
    classes ("macro") for several.

    Args:
        average: See `FBetaScore`.
        threshold: See `FBetaScore`.
        name: The name in logs.
        dtype: See `Metric`.

    Example:
        >>> F1Score()([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]).tolist()
        [1.0, 1.0]
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name or "f1_score", dtype)
