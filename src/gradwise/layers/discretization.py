"""Numbers as the bins they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer, LayerOptions
from gradwise.data import quantiles
from gradwise.errors import InputError, StateError
from gradwise.layers.adapting import parts_of, refuse_sparse
from gradwise.layers.category_encoding import encode
from gradwise.layers.checks import check_choice, check_count
from gradwise.ops.categories import bins
from gradwise.registry import register


@register("layers.Discretization")
class Discretization(Layer):
    """Gives each number the bin it lies in: bin i holds boundaries[i - 1] <= x < boundaries[i].

    The boundaries are given, or learned by `adapt` so that about equally many training values lie in each
    bin. Learned boundaries are weights that no gradient changes.

    Args:
        bin_boundaries: The boundaries, rising; one bin more than boundaries.
        num_bins: How many bins to learn instead.
        epsilon: How exactly to learn them: the share of the values that one kept value stands for.
        output_mode: "int" for the bin's number, or "one_hot", "multi_hot" or "count" as for
            `CategoryEncoding`.
        sparse: Not supported.
        options: The settings every layer takes.

    Raises:
        InputError: Both or neither of `bin_boundaries` and `num_bins` are given, or a setting cannot be used.
        StateError: It is called before `adapt`.

    Shapes: float[B, ...] to int[B, ...], or to rows as `CategoryEncoding` gives them.

    Example:
        >>> Discretization(bin_boundaries=[0.0, 1.0])(jnp.array([[-0.5, 0.0, 3.0]])).tolist()
        [[0, 1, 2]]
    """

    couples_rows = "never"

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"Discretization '{self.name}'"
        if (bin_boundaries is None) == (num_bins is None):
            raise InputError(
                where,
                expected="either bin_boundaries or num_bins",
                got="neither" if num_bins is None else "both",
                fix="Give the boundaries, or num_bins=10 and call adapt(training data).",
            )
        self.given = None if bin_boundaries is None else self._checked(bin_boundaries, where)
        self.num_bins = check_count(
            where, "num_bins", num_bins if self.given is None else len(self.given) + 1
        )
        if not 0 < epsilon < 1:
            raise InputError(where, expected="epsilon between 0 and 1", got=epsilon, fix="Set epsilon=0.01.")
        self.epsilon = float(epsilon)
        choices = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = check_choice(where, "output_mode", output_mode, choices)
        refuse_sparse(where, sparse=sparse)

    def _checked(self, values: Sequence[float], where: str) -> np.ndarray:
        edges = np.asarray(values, float)
        if edges.ndim != 1 or not edges.size or not (np.diff(edges) > 0).all() or np.isnan(edges).any():
            raise InputError(
                f"{where}, bin_boundaries",
                expected="rising numbers",
                got=repr(values),
                fix="Write bin_boundaries=[0.0, 1.0, 2.5], say.",
            )
        return edges

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries, given or learned; None before they are learned."""
        if self.given is not None:
            return [float(edge) for edge in self.given]
        values = self.edges.numpy() if self.built else np.zeros(0)
        known = values[np.isfinite(values)]
        return [float(edge) for edge in known] if known.size or self.num_bins == 1 else None

    def build(self, input_shape: Any) -> None:
        """Declares the boundaries if they are to be learned, as NaN until they are."""
        if self.given is None:
            self.edges = self.add_weight(
                "bin_boundaries", (self.num_bins - 1,), initializer=_unknown, trainable=False, dtype="float32"
            )

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the boundaries from training data, in place of those learned before.

        Args:
            data: An array of any shape, or an iterable of batches.
            steps: How many batches of an iterable to take; by default all.

        Raises:
            StateError: The boundaries were given.
            InputError: There are no values, or some are not finite.
        """
        where = f"Discretization '{self.name}', adapt"
        if self.given is not None:
            raise StateError(
                where,
                expected="boundaries to learn",
                got="bin_boundaries=...",
                fix="Make the layer with num_bins instead.",
            )
        summary = np.zeros((2, 0), np.float32)
        for part in parts_of(data, steps):
            values = np.asarray(part, np.float32)
            if not np.isfinite(values).all():
                raise InputError(
                    where, expected="finite numbers", got="NaN or infinity", fix="Fill missing values first."
                )
            summary = quantiles.merge(quantiles.summarize(values, self.epsilon), summary, self.epsilon)
        if not summary.size:
            raise InputError(where, expected="at least one number", got="none", fix="Check the data.")
        self.run_build(None)
        self.edges.assign(quantiles.boundaries(summary, self.num_bins))

    def call(self, inputs: Any) -> Any:
        """Finds the bins."""
        if not isinstance(inputs, jax.core.Tracer):
            self.check_values(np.asarray(inputs))
        edges = self.given if self.given is not None else self.edges.value
        indices = bins(jnp.asarray(inputs), jnp.asarray(edges))
        if self.output_mode == "int":
            return indices
        where = f"Discretization '{self.name}'"
        return encode(where, indices, self.output_mode, self.num_bins, self.dtype_policy.compute)

    def check_values(self, values: np.ndarray) -> None:
        """Refuses to run before the boundaries are known."""
        if self.bin_boundaries is None:
            raise StateError(
                f"Discretization '{self.name}'",
                expected="known boundaries",
                got="none learned yet",
                fix="Call adapt(training data) first.",
            )


def _unknown(shape: Any, dtype: Any = None) -> Any:
    return np.full(shape, np.nan, dtype)
