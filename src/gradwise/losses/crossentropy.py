"""Cross-entropies and their focal forms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.errors import InputError
from gradwise.losses.base import Loss
from gradwise.ops import crossentropies as ops
from gradwise.ops.weighting import is_present
from gradwise.registry import register


class Crossentropy(Loss):
    """What the cross-entropies have in common: predictions are probabilities or logits.

    Args:
        from_logits: Whether predictions are logits. There is no need to set it for a model that ends in a
            sigmoid or softmax: training uses the logits by itself.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.
    """

    def __init__(self, from_logits: bool, reduction: str | None, name: str | None, dtype: Any) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes the loss from probabilities, or from logits if so set."""
        return self._compute(y_true, y_pred, self.from_logits)

    def values_from_logits(self, y_true: ArrayLike, logits: ArrayLike) -> jax.Array:
        """Computes the loss of each sample from the logits of its probabilities; see `Loss`."""
        return self._compute(jnp.asarray(y_true), self.prepare(logits), True)

    def values_after(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        activation: str | None = None,
        logits: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> jax.Array:
        """Computes the loss of each sample from the logits of a sigmoid or softmax; see `Loss`."""
        if logits is None or (self.from_logits and activation == "linear"):
            return self.values(y_true, y_pred)
        if self.from_logits:
            raise InputError(
                f"loss '{self.name}'",
                expected="logits, as it was made with from_logits=True",
                got=f"probabilities: the last activation is {activation}",
                fix="Leave out from_logits=True (the result is exact either way), or the last activation.",
            )
        if activation in ("sigmoid", "softmax"):
            return self.values_from_logits(y_true, self._own_logits(activation, self.prepare(logits)))
        return super().values_after(y_true, y_pred, activation, logits)

    def _own_logits(self, activation: str, logits: jax.Array) -> jax.Array:
        """Returns logits of the activation the loss goes with, for the same probabilities."""
        if activation == "sigmoid":
            # The softmax of log p is p divided by its sum, as the loss reads probabilities.
            return logits if self.logits_of == "sigmoid" else jax.nn.log_sigmoid(logits)
        if self.logits_of == "softmax":
            last = getattr(self, "axis", -1) in (-1, logits.ndim - 1)
            return logits if last else jax.nn.log_softmax(logits, -1)
        if logits.shape[-1] == 1:
            raise InputError(
                f"loss '{self.name}'",
                expected="a sigmoid before one output",
                got="a softmax over one unit, which is always 1",
                fix="Give the last layer activation='sigmoid'.",
            )
        log_p = jax.nn.log_softmax(logits, -1)
        return log_p - ops.log_complement(log_p)

    @abstractmethod
    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        """Computes the loss of each sample, whatever `from_logits` was set to."""

    def _check_smoothing(self, amount: float) -> float:
        if not 0 <= amount <= 1:
            raise InputError(
                f"loss '{self.name}'",
                expected="a label_smoothing from 0 to 1",
                got=amount,
                fix="Give the fraction to be spread over the classes, e.g. 0.1.",
            )
        return amount


@register("losses.BinaryCrossentropy", aliases=("bce", "logloss"))
class BinaryCrossentropy(Crossentropy):
    """The cross-entropy of yes-or-no answers, also called log-loss; targets 0 and 1.

    Args:
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / 2.
        axis: The axis that is averaged.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(BinaryCrossentropy()(np.array([0, 1]), np.array([[0.9], [0.1]]))), 6)
        2.302585
    """

    logits_of: ClassVar[str | None] = "sigmoid"
    target_kind: str = "binary"
    averages: ClassVar[bool] = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.label_smoothing = self._check_smoothing(label_smoothing)
        self.axis = axis

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.binary_crossentropy(y_true, y_pred, from_logits, self.label_smoothing, self.axis)


@register("losses.CategoricalCrossentropy", aliases=("cce",))
class CategoricalCrossentropy(Crossentropy):
    """The cross-entropy of one-hot targets (or distributions) over K classes.

    Args:
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / K.
        axis: The class axis.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(CategoricalCrossentropy()(np.array([[0, 1]]), np.array([[0.75, 0.25]]))), 4)
        1.3863
    """

    logits_of: ClassVar[str | None] = "softmax"
    target_kind: str = "distribution"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.label_smoothing = self._check_smoothing(label_smoothing)
        self.axis = axis

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.categorical_crossentropy(y_true, y_pred, from_logits, self.label_smoothing, self.axis)


@register("losses.SparseCategoricalCrossentropy", aliases=("scce",))
class SparseCategoricalCrossentropy(Crossentropy):
    """The cross-entropy of integer labels 0 to K - 1.

    Args:
        from_logits: Whether predictions are logits instead of probabilities.
        ignore_class: A label whose samples do not count, for example -1 or 255.
        reduction: See `Loss`.
        axis: The class axis.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(SparseCategoricalCrossentropy()(np.array([1]), np.array([[0.75, 0.25]]))), 4)
        1.3863
    """

    logits_of: ClassVar[str | None] = "softmax"
    target_kind: str = "labels"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.ignore_class = ignore_class
        self.axis = axis

    def target_mask(self, y_true: ArrayLike, y_pred: ArrayLike | None = None) -> jax.Array | None:
        """Returns bool[B, ...], False where the target is `ignore_class`; None without one."""
        return None if self.ignore_class is None else is_present(y_true, self.ignore_class)

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, self.ignore_class, self.axis)


@register("losses.BinaryFocalCrossentropy")
class BinaryFocalCrossentropy(Crossentropy):
    """The binary cross-entropy with easy samples held down (Lin et al., 2017, arXiv:1708.02002).

    Args:
        apply_class_balancing: Whether to weight class 1 by alpha and class 0 by 1 - alpha.
        alpha: The weight of class 1.
        gamma: How strongly easy samples are held down.
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / 2.
        axis: The axis that is averaged.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(BinaryFocalCrossentropy()(np.array([1]), np.array([[0.5]]))), 4)
        0.1733
    """

    logits_of: ClassVar[str | None] = "sigmoid"
    target_kind: str = "binary"
    averages: ClassVar[bool] = True

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.label_smoothing = self._check_smoothing(label_smoothing)
        self.axis = axis

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.binary_focal_crossentropy(
            y_true,
            y_pred,
            self.apply_class_balancing,
            self.alpha,
            self.gamma,
            from_logits,
            self.label_smoothing,
            self.axis,
        )


@register("losses.CategoricalFocalCrossentropy")
class CategoricalFocalCrossentropy(Crossentropy):
    """The categorical cross-entropy with easy samples held down (Lin et al., 2017, arXiv:1708.02002).

    Args:
        alpha: The weight of every class, or a list with one for each.
        gamma: How strongly easy samples are held down.
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The fraction s that moves targets to y (1 - s) + s / K.
        axis: The class axis.
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Example:
        >>> import numpy as np
        >>> round(float(CategoricalFocalCrossentropy()(np.array([[0, 1]]), np.array([[0.5, 0.5]]))), 4)
        0.0433
    """

    logits_of: ClassVar[str | None] = "softmax"
    target_kind: str = "distribution"

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.label_smoothing = self._check_smoothing(label_smoothing)
        self.axis = axis

    def _compute(self, y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
        return ops.categorical_focal_crossentropy(
            y_true, y_pred, self.alpha, self.gamma, from_logits, self.label_smoothing, self.axis
        )


@register("losses.CategoricalGeneralizedCrossEntropy")
class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p^q) / q with the probability p of the class an integer label names, for labels that may be wrong.

    Source: Zhang and Sabuncu, 2018, arXiv:1805.07836.

    Args:
        q: Between 0 (the cross-entropy) and 1 (1 - p, which bounds what one wrong label can cost).
        reduction: See `Loss`.
        name: The name in logs.
        dtype: See `Loss`.

    Raises:
        InputError: `q` is out of range.

    Example:
        >>> import numpy as np
        >>> float(CategoricalGeneralizedCrossEntropy()(np.array([1]), np.array([[0.75, 0.25]])))
        1.0
    """

    logits_of: ClassVar[str | None] = "softmax"
    target_kind: str = "labels"

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name or "categorical_generalized_cross_entropy", reduction, dtype)
        if not 0 < q < 1:
            raise InputError(
                f"loss '{self.name}'",
                expected="a q between 0 and 1",
                got=q,
                fix="Take 0.5, or 0.7 for very noisy labels.",
            )
        self.q = q

    def call(self, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
        """Computes `ops.crossentropies.categorical_generalized_cross_entropy`."""
        return ops.categorical_generalized_cross_entropy(y_true, y_pred, self.q)

    def values_from_logits(self, y_true: ArrayLike, logits: ArrayLike) -> jax.Array:
        """Computes the loss of each sample from the logits of a softmax; see `Loss`."""
        return ops.categorical_generalized_cross_entropy(y_true, self.prepare(logits), self.q, True)
