"""A loss that counts only the labels that are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import FunctionLoss, Loss
from gradwise.losses.resolve import get
from gradwise.ops.alignment import align
from gradwise.ops.weighting import is_present
from gradwise.registry import register

# What stands in for predictions that do not count, in the domain of every loss; for targets it is 0.
_PREDICTION = 0.5


@register("losses.IgnoreMissing")
class IgnoreMissing(Loss):
    """Another loss over the labels that are present; a missing one adds nothing, also not to the gradient.

    With losses of single values (squared error, binary cross-entropy ...) each number of the targets may be
    missing by itself, as when each column is a task and samples are labelled for some tasks only; the mean
    runs over the labels that are present, in batches and over an epoch. With losses of whole rows
    (categorical cross-entropy, cosine similarity, functions of one's own ...) a row with a missing number
    does not count. Reduction, name and type are those of the inner loss.

    Args:
        loss: The loss, or its name.
        missing: The number that marks a missing label, NaN or for example -1.

    Raises:
        InputError: The loss compares samples with each other, or averages over another axis than the last.

    Example:
        >>> loss = IgnoreMissing("mse")
        >>> float(loss(jnp.array([[1.0, jnp.nan], [2.0, 0.0]]), jnp.array([[3.0, 9.0], [2.0, 2.0]])))  # 8 / 3
        2.6666667461395264
    """

    def __init__(self, loss: Any, missing: float = float("nan")) -> None:
        self.loss = get(loss, "IgnoreMissing")
        super().__init__(self.loss.name, self.loss.reduction, self.loss.dtype)
        axis = getattr(self.loss, "axis", -1)
        of_rows = not self.loss.couples_rows and self.loss.target_kind != "sequences"
        if not of_rows or (self.loss.averages and axis != -1):
            raise InputError(
                "IgnoreMissing",
                expected="a loss of single values or rows, averaged over the last axis",
                got=f"the loss '{self.name}' with axis={axis}",
                fix="Use e.g. 'mse' or 'binary_crossentropy', or weigh samples with sample_weight.",
            )
        self.missing = missing
        self.target_kind = self.loss.target_kind
        self.from_logits = bool(getattr(self.loss, "from_logits", False))
        self.axis = axis
        self.ignore_class = getattr(self.loss, "ignore_class", None)
        # A class of the user's may look across the batch; the library's are known not to.
        self.couples_rows = type(self.loss).__module__.split(".")[0] != "gradwise"

    def kind_of_targets(self, shape: Sequence[int], output_shape: Sequence[int | None]) -> str:
        """Returns what the inner loss does; see `Loss`."""
        return self.loss.kind_of_targets(shape, output_shape)

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes the inner loss of what is present, 0 elsewhere."""
        return self._measure(self._inner_values, y_true, y_pred)

    def values_after(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        activation: str | None = None,
        logits: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> jax.Array:
        """Computes the inner loss from logits where that is exact; see `Loss`."""
        # Single values of a softmax cannot be told from single logits.
        if logits is None or (self.loss.averages and activation == "softmax"):
            return self.values(y_true, y_pred)

        def compute(y_true: jax.Array, y_pred: jax.Array, logits: jax.Array) -> jax.Array:
            return self.loss.values_after(y_true, y_pred, activation, logits, mask)

        return self._measure(compute, jnp.asarray(y_true), self.prepare(y_pred), self.prepare(logits))

    def target_mask(self, y_true: ArrayLike, y_pred: ArrayLike | None = None) -> jax.Array | None:
        """Returns which values of the inner loss count; see `Loss`."""
        targets = jnp.asarray(y_true)
        present = is_present(targets, self.missing)
        filled = jnp.where(present, targets, jnp.zeros((), targets.dtype))
        inner = self.loss.target_mask(filled, y_pred)
        rank = (
            jnp.asarray(y_pred).ndim if y_pred is not None else targets.ndim + (self.target_kind == "labels")
        )
        if not self.loss.averages and targets.ndim == rank:
            present = self._rows(present)
        return present if inner is None else present & inner

    def fill_missing(self, y_true: ArrayLike) -> jax.Array:
        """Puts 0 in place of missing labels; see `Loss`."""
        targets = jnp.asarray(y_true)
        return jnp.where(is_present(targets, self.missing), targets, jnp.zeros((), targets.dtype))

    def _rows(self, present: jax.Array) -> jax.Array:
        return present if present.ndim == 1 else present.all(self.axis)

    def _inner_values(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        if not isinstance(self.loss, FunctionLoss):
            return self.loss.values(y_true, y_pred)
        # Row by row: a function that averages over the batch would take in the rows that do not count.
        each = jax.vmap(lambda target, output: self.loss.values(target[None], output[None])[0])
        return each(y_true, y_pred)  # type: ignore[no-any-return, no-untyped-call]

    def _measure(
        self, compute: Callable[..., jax.Array], y_true: jax.Array, y_pred: jax.Array, *scores: jax.Array
    ) -> jax.Array:
        """Computes values from targets and scores (predictions, logits) that are filled where labels miss.

        Filled before and zeroed after: the slope at a missing label may be infinite, and 0 * inf is NaN.
        """
        if self.loss.averages:
            y_true, y_pred = align(f"loss '{self.name}'", y_true, y_pred)
            present = wide = is_present(y_true, self.missing)
            scores = tuple(each.reshape(y_pred.shape) for each in scores)
        else:
            present = is_present(y_true, self.missing)
            present = self._rows(present) if y_true.ndim == y_pred.ndim else present
            wide = present
            if 1 <= present.ndim == y_pred.ndim - 1:
                wide = jnp.expand_dims(present, self.axis)
        filled = [self.fill_missing(y_true)]
        filled += [jnp.where(wide, each, jnp.asarray(_PREDICTION, each.dtype)) for each in (y_pred, *scores)]
        if self.loss.averages:
            filled = [each[..., None] for each in filled]  # the mean over one value is the value
        return jnp.where(present, compute(*filled), 0.0)
