"""Python operators between symbolic tensors."""

from __future__ import annotations

import operator
from typing import Any, Unpack

from gradwise.core.layer import Layer, LayerOptions
from gradwise.errors import unknown_name
from gradwise.registry import register

_OPERATORS: dict[str, Any] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "matmul": operator.matmul,
    "pow": operator.pow,
    "neg": operator.neg,
    "getitem": operator.getitem,
}


@register("layers.Operation")
class Operation(Layer):
    """Applies a Python operator; `a + b` and `a[:, 0]` on symbolic tensors make one.

    Args:
        operation: 'add', 'sub', 'mul', 'truediv', 'matmul', 'pow', 'neg' or 'getitem'.
        options: The settings every layer takes.

    Raises:
        InputError: The operator is none of these.

    Example:
        >>> import jax.numpy as jnp
        >>> Operation("add")(jnp.ones(2), 1.0).tolist()
        [2.0, 2.0]
    """

    def __init__(self, operation: str, **options: Unpack[LayerOptions]) -> None:
        super().__init__(**options)
        if operation not in _OPERATORS:
            raise unknown_name("Operation", "an operator", operation, _OPERATORS)
        self.operation = operation

    def call(self, first: Any, *others: Any) -> Any:
        """Applies the operator."""
        return _OPERATORS[self.operation](first, *others)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Keeps the mask where the operator works element by element."""
        return None if self.operation in ("matmul", "getitem") else mask
