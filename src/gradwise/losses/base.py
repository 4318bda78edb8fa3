"""The class that puts weights, masks and a reduction around a loss function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.core.dtypes import as_policy
from gradwise.errors import InputError, StateError, unknown_name
from gradwise.ops.alignment import as_float, match_rank
from gradwise.ops.weighting import align_weights, safe_divide, weight_sum, weighted
from gradwise.registry import Configurable, register, snake_case

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(Configurable, ABC):
    """A loss: one value a sample from `call`, and how these become one number.

    A loss of one's own overrides `call(y_true, y_pred)`, as in Keras.

    Args:
        name: The name in logs; by default the class name in snake case.
        reduction: "sum_over_batch_size" (or "mean"): sum(w * l) / number of values;
            "mean_with_sample_weight": sum(w * l) / sum(w); "sum": sum(w * l); "none" or None: no reduction.
        dtype: The float type to compute in; by default that of the predictions, but at least float32.

    Raises:
        InputError: The reduction or the type is unknown.

    Example:
        >>> class Cubic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return (jnp.abs(y_true - y_pred) ** 3).mean(-1)
        >>> float(Cubic()(jnp.array([[1.0], [2.0]]), jnp.array([[1.0], [4.0]])))
        4.0
    """

    # The activation whose logits `values_from_logits` can use instead of its output.
    logits_of: ClassVar[str | None] = None
    # What `check_targets` holds the targets to, one of the kinds it knows.
    target_kind: str = "any"
    # Whether the last axis is averaged, so that predictions [B] can be read as [B, 1], one value a sample.
    averages: ClassVar[bool] = False
    # Whether a sample's loss also depends on the other samples, so that no row may be added to fill a batch.
    couples_rows: bool = False

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or snake_case(type(self).__name__)
        if reduction is not None and reduction not in REDUCTIONS:
            raise unknown_name(f"loss '{self.name}'", "a reduction", reduction, REDUCTIONS)
        self.reduction = reduction or "none"
        self.dtype = None if dtype is None else as_policy(dtype, f"loss '{self.name}'").compute

    @abstractmethod
    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes the loss of each sample.

        Args:
            y_true: number[B, ...].
            y_pred: float[B, ..., D].

        Returns:
            float[B, ...], the last axis of the predictions reduced.
        """

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> jax.Array:
        """Computes the loss of each sample (and step), before weights and reduction.

        Half-precision predictions are raised to float32 first, unless the loss was given a `dtype`: a mean
        over a batch needs its digits.

        Args:
            y_true: number[B, ...].
            y_pred: float[B, ..., D].

        Returns:
            float[B, ...].

        Raises:
            InputError: The shapes do not fit each other.

        Example:
            >>> from gradwise.losses import MeanSquaredError
            >>> MeanSquaredError().values(jnp.zeros((2, 2)), jnp.array([[1.0, 3.0], [0.0, 2.0]])).tolist()
            [5.0, 2.0]
        """
        return self.call(jnp.asarray(y_true), self.prepare(y_pred))

    def prepare(self, y_pred: ArrayLike) -> jax.Array:
        """Brings predictions or logits to the type the loss computes in, and single values to a column.

        Args:
            y_pred: float[B, ...].

        Returns:
            float[B, ...].

        Example:
            >>> from gradwise.losses import MeanSquaredError
            >>> MeanSquaredError().prepare(jnp.ones(2, jnp.bfloat16)).shape
            (2, 1)
        """
        scores = full_precision(y_pred) if self.dtype is None else as_float(y_pred).astype(self.dtype)
        return scores[:, None] if self.averages and scores.ndim == 1 else scores

    def values_from_logits(self, y_true: ArrayLike, logits: ArrayLike) -> jax.Array:
        """Computes what `values` gives for the activation `logits_of` of these logits, but exactly.

        Args:
            y_true: number[B, ...].
            logits: float[B, ..., D], the input of the model's last sigmoid or softmax.

        Returns:
            float[B, ...].

        Raises:
            StateError: The loss knows no such activation.

        Example:
            >>> from gradwise.losses import BinaryCrossentropy
            >>> BinaryCrossentropy().values_from_logits(jnp.array([[0.0]]), jnp.array([[200.0]])).tolist()
            [200.0]
        """
        raise StateError(
            f"loss '{self.name}'",
            expected="a loss of probabilities, such as a cross-entropy",
            got="logits",
            fix="Call values with the model's output.",
        )

    def values_after(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        activation: str | None = None,
        logits: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> jax.Array:
        """Computes what training counts: `values` of a model's output, from the logits behind it if exact so.

        Args:
            y_true: number[B, ...].
            y_pred: float[B, ..., D], the output.
            activation: The name of the activation that gave the output, if known.
            logits: float[B, ..., D], the input of that activation.
            mask: bool[B, T], for losses that look across the steps; what others make of masks is `total`'s.

        Returns:
            float[B, ...].

        Raises:
            InputError: The loss takes probabilities and the model gives logits, or the other way round.

        Example:
            >>> from gradwise.losses import KLDivergence
            >>> target, output = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, 0.0]])
            >>> KLDivergence().values_after(target, output, "softmax", jnp.array([[200.0, 0.0]])).tolist()
            [200.0]
        """
        if logits is None:
            return self.values(y_true, y_pred)
        if activation == self.logits_of:
            return self.values_from_logits(y_true, logits)
        if activation == "linear" and self.logits_of in ("sigmoid", "softmax"):
            other = ", or the loss from_logits=True" if hasattr(self, "from_logits") else ""
            raise InputError(
                f"loss '{self.name}'",
                expected="probabilities from the last layer",
                got="outputs without an activation",
                fix=f"Give the last layer activation='{self.logits_of}'{other}.",
            )
        return self.values(y_true, y_pred)

    def kind_of_targets(self, shape: Sequence[int], output_shape: Sequence[int | None]) -> str:
        """Returns what `check_targets` holds targets to: `target_kind`, unless the shapes decide.

        Args:
            shape: The shape of the targets.
            output_shape: The shape of the model's output, with the batch axis.

        Returns:
            A kind that `check_targets` knows.

        Example:
            >>> from gradwise.losses import MeanSquaredError
            >>> MeanSquaredError().kind_of_targets((8, 1), (None, 1))
            'any'
        """
        return self.target_kind

    def fill_missing(self, y_true: ArrayLike) -> ArrayLike:
        """Returns the targets with numbers in place of missing ones, if the loss knows missing ones.

        Args:
            y_true: number[B, ...].

        Returns:
            number[B, ...].

        Example:
            >>> from gradwise.losses import IgnoreMissing
            >>> IgnoreMissing("mse").fill_missing(jnp.array([2.0, jnp.nan])).tolist()
            [2.0, 0.0]
        """
        return y_true

    def target_mask(self, y_true: ArrayLike, y_pred: ArrayLike | None = None) -> jax.Array | None:
        """Returns which targets count, or None if all do; see `ignore_class` of the sparse cross-entropy.

        Args:
            y_true: number[B, ...].
            y_pred: float[B, ..., D], for losses that cannot tell labels from rows without.

        Returns:
            bool[B, ...] to be passed to `total` as (part of) the mask, or None.

        Example:
            >>> from gradwise.losses import SparseCategoricalCrossentropy
            >>> SparseCategoricalCrossentropy(ignore_class=-1).target_mask(jnp.array([2, -1])).tolist()
            [True, False]
        """
        return None

    def total(
        self, values: jax.Array, sample_weight: ArrayLike | None = None, mask: ArrayLike | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Sums the values to a numerator and a denominator whose quotient is the loss.

        Added up over batches, the two give the exact loss of all samples: sum of numerators over sum of
        denominators, by `safe_divide`.

        Args:
            values: float[B, ...], from `values`.
            sample_weight: number[B], [B, 1] or [B, T], matched to the values from the left.
            mask: bool of such a shape; what is not kept counts in neither sum.

        Returns:
            Two scalars, float[].

        Raises:
            InputError: A shape does not fit, or the reduction is "none".

        Example:
            >>> from gradwise.losses import MeanSquaredError
            >>> loss = MeanSquaredError()
            >>> numerator, denominator = loss.total(jnp.array([1.0, 2.0, 9.0]), mask=jnp.array([1, 1, 0]))
            >>> float(numerator), float(denominator)
            (3.0, 2.0)
        """
        where = f"loss '{self.name}'"
        if self.reduction == "none":
            raise InputError(
                where,
                expected="a reduction to one number",
                got="reduction=None",
                fix="Training needs a reduction; leave it at 'sum_over_batch_size'.",
            )
        weights = None if sample_weight is None else align_weights(where, sample_weight, values)
        kept = None if mask is None else align_weights(where, mask, values, "a mask")
        numerator = weighted(values, weights, kept).sum()
        if self.reduction == "sum":
            return numerator, jnp.ones((), values.dtype)
        counted = weights if self.reduction == "mean_with_sample_weight" else None
        return numerator, weight_sum(values, counted, kept)

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> jax.Array:
        """Computes the reduced loss, or the weighted values if the reduction is "none"."""
        values = self.values(y_true, y_pred)
        mask = self.target_mask(y_true, y_pred)
        if self.reduction != "none":
            return safe_divide(*self.total(values, sample_weight, mask))
        if sample_weight is None:
            return values
        return weighted(values, align_weights(f"loss '{self.name}'", sample_weight, values))


class PlainLoss(Loss):
    """A loss without settings of its own; its constructor takes Keras' arguments in Keras' order.

    Args:
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@register("losses.FunctionLoss")
class FunctionLoss(Loss):
    """A loss from a user's function `f(y_true, y_pred)`; `get` wraps functions in it.

    Before the call, targets get the float type of the predictions and, if the ranks differ by one last axis
    of size 1, their rank. A function that returns one number for the batch is taken to give each sample that
    number.

    Args:
        function: Returns float[B, ...] or a scalar. To be saved in a file it must be registered.
        reduction: See `Loss`.
        name: The name in logs; by default the function's.
        dtype: See `Loss`.

    Example:
        >>> loss = FunctionLoss(lambda y_true, y_pred: jnp.abs(y_true - y_pred).mean(-1), name="distance")
        >>> float(loss(jnp.array([1, 2]), jnp.array([[1.0], [5.0]])))
        1.5
    """

    def __init__(
        self,
        function: Callable[[Any, Any], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name or getattr(function, "__name__", None), reduction, dtype)
        self.function = function

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Calls the function."""
        return per_sample(self.function(*match_rank(y_true, y_pred)), y_pred.shape[0], f"loss '{self.name}'")


def full_precision(x: ArrayLike) -> jax.Array:
    """Returns floats of at least 32 bits.

    Example:
        >>> full_precision(jnp.ones(2, jnp.bfloat16)).dtype.name
        'float32'
    """
    x = as_float(x)
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x


def per_sample(result: Any, batch: int, where: str) -> jax.Array:
    """Turns what a user's function returned into one value (or row of values) a sample.

    Args:
        result: number[B, ...], or a scalar, which every sample gets.
        batch: The number of samples, B.
        where: The function's place, for the error.

    Returns:
        float[B, ...].

    Raises:
        InputError: The result has another first axis.

    Example:
        >>> per_sample(jnp.array(2.0), 3, "loss").tolist()
        [2.0, 2.0, 2.0]
    """
    values = as_float(result)
    if values.ndim == 0:
        return jnp.broadcast_to(values, (batch,))
    if values.shape[0] != batch:
        raise InputError(
            where,
            expected=f"one value for each of the {batch} samples, or one number",
            got=f"values of shape {values.shape}",
            fix="Reduce every axis of the result but the first, e.g. with .mean(axis=-1).",
        )
    return values
