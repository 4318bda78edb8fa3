"""What the normalisations share: checks of settings and axes, and the variables gamma and beta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradwise.core.layer import Layer
from gradwise.errors import InputError


class NormalizingLayer(Layer):
    """Base of the normalisations: checks what they share and declares gamma and beta.

    Args:
        options: The settings every layer takes.

    Example:
        >>> class Half(NormalizingLayer):
        ...     def call(self, inputs):
        ...         return inputs / 2
        >>> Half()(jnp.ones((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    couples_rows = "never"
    supports_masking = True
    gamma: Any = None
    beta: Any = None

    def where(self) -> str:
        """Says which layer an error is about."""
        return f"{type(self).__name__} '{self.name}'"

    def checked_epsilon(self, epsilon: float) -> float:
        """Refuses an epsilon below 0."""
        if (
            isinstance(epsilon, bool)
            or not isinstance(epsilon, (int, float, np.floating))
            or not epsilon >= 0
        ):
            raise InputError(
                self.where(),
                expected="epsilon of at least 0",
                got=repr(epsilon),
                fix="Set epsilon=1e-3, say.",
            )
        return float(epsilon)

    def checked_axis(self, axis: Any, *, several: bool = True) -> tuple[int, ...]:
        """Turns an axis, or a list of them, into a tuple of integers."""
        axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        whole = all(isinstance(item, int) and not isinstance(item, bool) for item in axes)
        if not axes or not whole or (len(axes) > 1 and not several):
            raise InputError(
                self.where(),
                expected="axis to be an integer" + (" or a list of integers" if several else ""),
                got=repr(axis),
                fix="Set axis=-1 for the last axis.",
            )
        return axes

    def places(self, axis: Sequence[int], shape: Any) -> tuple[int, ...]:
        """Counts axes from the front, in order, and refuses the batch axis and those that are not there."""
        rank = len(shape)
        if rank < 2:
            raise InputError(
                self.where(),
                expected="inputs of at least 2 axes, as the first is the batch's",
                got=f"inputs of shape {tuple(shape)}",
                fix="Add an axis: inputs[:, None].",
            )
        places = sorted(item + rank if item < 0 else item for item in axis)
        if places[0] < 1 or places[-1] >= rank or len(set(places)) < len(places):
            raise InputError(
                self.where(),
                expected=f"axes from 1 to {rank - 1} or from {1 - rank} to -1, each once (0 is the batch's)",
                got=f"axis={list(axis)} for inputs of shape {tuple(shape)}",
                fix="Set axis=-1 for the last axis.",
            )
        return tuple(places)

    def sizes(self, axis: Sequence[int], shape: Any) -> tuple[int, ...]:
        """Returns the sizes of axes, and refuses those not known."""
        places = self.places(axis, shape)
        sizes = tuple(shape[place] for place in places)
        if None in sizes:
            raise InputError(
                self.where(),
                expected=f"a known size for axis {places[sizes.index(None)]}, along which its variables lie",
                got=f"inputs of shape {tuple(shape)}",
                fix="Give the model an input shape without None there, or choose another axis.",
            )
        return sizes

    def declare(self, sizes: tuple[int, ...], gamma: Any = None, beta: Any = None) -> None:
        """Declares gamma and beta from (initializer, regularizer, constraint); None leaves one out."""
        self.variable_sizes = sizes
        for name, settings in (("gamma", gamma), ("beta", beta)):
            if settings is not None:
                initializer, regularizer, constraint = settings
                variable = self.add_weight(
                    name, sizes, initializer=initializer, regularizer=regularizer, constraint=constraint
                )
                setattr(self, name, variable)

    def placed(self, axis: Sequence[int], inputs: Any) -> tuple[int, ...]:
        """Finds the axes of inputs at hand, and refuses sizes the variables are not made for."""
        places = self.places(axis, inputs.shape)
        sizes = tuple(inputs.shape[place] for place in places)
        if sizes != self.variable_sizes:
            spoken = ", ".join(str(size) for size in self.variable_sizes)
            raise InputError(
                self.where(),
                expected=f"inputs of size {spoken} along axis {', '.join(str(item) for item in axis)}",
                got=f"inputs of shape {tuple(inputs.shape)}",
                fix="Build a new layer for inputs of this size.",
            )
        return places

    def floats(self, inputs: Any) -> Any:
        """Turns integers into the layer's type."""
        inputs = jnp.asarray(inputs)
        known = jnp.issubdtype(inputs.dtype, jnp.floating)
        return inputs if known else inputs.astype(self.dtype_policy.compute)


def value_of(variable: Any) -> Any:
    """Returns a variable's array, or None for none.

    Args:
        variable: A `Variable` or None.

    Returns:
        An array or None.

    Example:
        >>> value_of(None) is None
        True
    """
    return None if variable is None else jnp.asarray(variable.value)
