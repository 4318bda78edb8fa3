"""The merging layers as functions: `add([a, b])` instead of `Add()([a, b])`."""

from __future__ import annotations

from typing import Any, Unpack

from gradwise.core.layer import LayerOptions
from gradwise.layers.dot import Dot
from gradwise.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)


def add(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Adds the tensors of a list; see `Add`.

    Example:
        >>> import jax.numpy as jnp
        >>> add([jnp.ones(1), jnp.ones(1)]).tolist()
        [2.0]
    """
    return Add(**options)(inputs)


def subtract(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Subtracts the second tensor from the first; see `Subtract`.

    Example:
        >>> import jax.numpy as jnp
        >>> subtract([jnp.ones(1), jnp.ones(1)]).tolist()
        [0.0]
    """
    return Subtract(**options)(inputs)


def multiply(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Multiplies the tensors of a list; see `Multiply`.

    Example:
        >>> import jax.numpy as jnp
        >>> multiply([jnp.ones(1), jnp.ones(1)]).tolist()
        [1.0]
    """
    return Multiply(**options)(inputs)


def average(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Averages the tensors of a list; see `Average`.

    Example:
        >>> import jax.numpy as jnp
        >>> average([jnp.ones(1), jnp.ones(1)]).tolist()
        [1.0]
    """
    return Average(**options)(inputs)


def maximum(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Takes the larger elements of the tensors of a list; see `Maximum`.

    Example:
        >>> import jax.numpy as jnp
        >>> maximum([jnp.ones(1), jnp.zeros(1)]).tolist()
        [1.0]
    """
    return Maximum(**options)(inputs)


def minimum(inputs: Any, **options: Unpack[LayerOptions]) -> Any:
    """Takes the smaller elements of the tensors of a list; see `Minimum`.

    Example:
        >>> import jax.numpy as jnp
        >>> minimum([jnp.ones(1), jnp.zeros(1)]).tolist()
        [0.0]
    """
    return Minimum(**options)(inputs)


def concatenate(inputs: Any, axis: int = -1, **options: Unpack[LayerOptions]) -> Any:
    """Joins the tensors of a list along an axis; see `Concatenate`.

    Example:
        >>> import jax.numpy as jnp
        >>> concatenate([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
        [[1.0, 0.0]]
    """
    return Concatenate(axis, **options)(inputs)


def dot(inputs: Any, axes: Any = -1, normalize: bool = False, **options: Unpack[LayerOptions]) -> Any:
    """Multiplies two tensors over an axis of each; see `Dot`.

    Example:
        >>> import jax.numpy as jnp
        >>> dot([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0]]
    """
    return Dot(axes, normalize, **options)(inputs)
