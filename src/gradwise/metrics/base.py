"""The metric interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gradwise.ops.alignment import as_float
from gradwise.registry import Configurable, snake_case

Totals = dict[str, jax.Array]


class Metric(Configurable, ABC):
    """A number about predictions, computed from sums: `compute(update(... update(init(), ...), ...))`.

    The three functions are pure, and every entry of the totals is a sum over samples. So batches of any
    sizes give exactly the value of all samples together, totals of two parts merge by addition, and a
    sample of weight 0 is as if it were not there. `update_state`, `result` and `reset_state` keep totals in
    the object, for loops of one's own.

    Args:
        name: The name in logs; by default the class name in snake case.

    Example:
        >>> class Largest(Metric):  # the share of samples whose largest output is above 0.9
        ...     def init(self):
        ...         return {"sure": jnp.zeros(()), "all": jnp.zeros(())}
        ...     def update(self, totals, y_true, y_pred, sample_weight=None):
        ...         sure = (y_pred.max(-1) > 0.9).sum().astype(jnp.float32)
        ...         return {"sure": totals["sure"] + sure, "all": totals["all"] + len(y_pred)}
        ...     def compute(self, totals):
        ...         return totals["sure"] / totals["all"]
        >>> float(Largest()(None, jnp.array([[0.95, 0.05], [0.5, 0.5]])))
        0.5
    """

    # Whether better is "up" or "down", for those who watch a metric; None where that is not known.
    direction: ClassVar[str | None] = None

    _totals: Totals | None = None

    def __init__(self, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)

    def build(self, output_shape: tuple[int | None, ...]) -> None:  # noqa: B027
        """Tells the metric the shape of the model's output, for those that keep totals for each column.

        Args:
            output_shape: The shape with the batch axis, whose size may be None.
        """

    @abstractmethod
    def init(self) -> Totals:
        """Returns the totals of no samples: zeros, float32."""

    @abstractmethod
    def update(
        self, totals: Totals, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Totals:
        """Adds a batch to the totals; pure, for use inside compiled code.

        Args:
            totals: From `init` or `update`.
            y_true: number[B, ...].
            y_pred: float[B, ...].
            sample_weight: number[B], [B, 1] or [B, T], or None for 1 each.

        Returns:
            New totals of the same shapes and types.
        """

    @abstractmethod
    def compute(self, totals: Totals) -> jax.Array:
        """Computes the value from the totals; 0 where nothing was counted."""

    def merge(self, first: Totals, second: Totals) -> Totals:
        """Returns the totals of the samples of both."""
        return {key: first[key] + second[key] for key in first}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to the totals kept in the object."""
        y_true, y_pred = as_array(y_true), as_array(y_pred)
        if self._totals is None:
            self.build(y_pred.shape)
            self._totals = self.init()
        self._totals = self.update(self._totals, y_true, y_pred, sample_weight)

    def result(self) -> jax.Array:
        """Returns the value of all batches since the last reset."""
        return self.compute(self.init() if self._totals is None else self._totals)

    def reset_state(self) -> None:
        """Forgets all batches."""
        self._totals = None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> jax.Array:
        """Adds a batch to the totals kept in the object and returns the value so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


def as_array(value: Any) -> Any:
    """Returns arrays (and None) as they are, and lists and numbers as arrays of floats.

    Example:
        >>> as_array([1, 2]).tolist()
        [1.0, 2.0]
    """
    return value if value is None or hasattr(value, "dtype") else as_float(jnp.asarray(value))
