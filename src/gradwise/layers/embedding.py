"""The table that turns integers into vectors."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from gradwise import initializers
from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import InputError
from gradwise.layers.checks import check_count
from gradwise.registry import register


@register("layers.Embedding")
class Embedding(Layer):
    """Looks up a vector for each integer.

    Args:
        input_dim: How many integers there are: indices go from 0 to input_dim - 1.
        output_dim: The length of the vectors.
        embeddings_initializer: How the table starts.
        embeddings_regularizer: A penalty on the table.
        embeddings_constraint: Applied to the table after each update.
        mask_zero: Whether 0 is padding; later layers then leave these steps out.
        weights: The table to start from, float[input_dim, output_dim], such as trained word vectors.
        input_length: The length of the sequences, for a `Sequential` to build itself.
        options: The settings every layer takes.

    Raises:
        InputError: A size is not a positive integer; `fit`, `evaluate` and `predict` also refuse an index
            outside the table.

    Shapes: int[B, ...] to float[B, ..., output_dim].

    Example:
        >>> Embedding(10, 3)(jnp.array([[1, 2]])).shape
        (1, 2, 3)
    """

    couples_rows = "never"
    input_dtype = "int32"

    def __init__(  # type: ignore[misc]
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        input_length: int | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        where = f"Embedding '{self.name}'"
        self.table_size = check_count(where, "input_dim", input_dim)
        self.output_dim = check_count(where, "output_dim", output_dim)
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer
        self.embeddings_constraint = embeddings_constraint
        self.mask_zero = mask_zero
        self.initial_table = None if weights is None else self._check_table(weights, where)
        if input_length is not None and self.batch_input_shape is None:
            self.batch_input_shape = (None, input_length)

    def _check_table(self, weights: Any, where: str) -> np.ndarray:
        table = np.asarray(weights[0] if isinstance(weights, list) and len(weights) == 1 else weights)
        if table.shape != (self.table_size, self.output_dim):
            raise InputError(
                f"{where}, weights",
                expected=f"a table of shape {(self.table_size, self.output_dim)}",
                got=table.shape,
                fix="Give one row for each index, and set input_dim and output_dim to its sizes.",
            )
        return table

    def get_config(self) -> dict[str, Any]:
        """Returns the settings; the table it started from is no longer needed."""
        return {name: value for name, value in super().get_config().items() if name != "weights"}

    def build(self, input_shape: Any) -> None:
        """Declares the table [input_dim, output_dim]."""
        self.embeddings = self.add_weight(
            "embeddings",
            (self.table_size, self.output_dim),
            initializer=self._start,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def _start(self, shape: Any, dtype: Any = None) -> Any:
        if self.initial_table is not None:
            return self.initial_table
        return initializers.get(self.embeddings_initializer)(shape, dtype)

    def call(self, inputs: Any) -> Any:
        """Looks up."""
        if not isinstance(inputs, jax.core.Tracer):
            self.check_values(np.asarray(inputs))
        table = self.dtype_policy.cast(jnp.asarray(self.embeddings.value))
        indices = jnp.asarray(inputs).astype("int32")
        # In a program an index outside gives NaN, which `fit`, `evaluate` and `predict` then explain.
        return table.at[indices].get(mode="fill")

    def check_values(self, values: np.ndarray) -> None:
        """Refuses indices outside the table, on the host, before anything runs."""
        if not values.size:
            return
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= self.table_size:
            raise InputError(
                f"Embedding '{self.name}'",
                expected=f"indices from 0 to {self.table_size - 1} (input_dim={self.table_size})",
                got=f"values from {low} to {high}",
                fix=f"Set input_dim={high + 1}, or limit the vocabulary when preparing the data."
                if low >= 0
                else "Number the words from 0, and give missing ones a number of their own.",
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns which steps are not 0, if 0 is padding."""
        return jnp.not_equal(inputs, 0) if self.mask_zero else mask
