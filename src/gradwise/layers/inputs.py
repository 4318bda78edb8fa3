"""Where a model's data comes in."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from gradwise import config
from gradwise.core.layer import Layer, LayerOptions
from gradwise.core.symbolic import Node, SymbolicTensor
from gradwise.errors import InputError
from gradwise.registry import register


@register("layers.InputLayer")
class InputLayer(Layer):
    """Declares the shape and type of one input of a model.

    Args:
        shape: The shape of one sample, with None for sizes that vary.
        batch_size: A fixed batch size, or None.
        input_dtype: The element type, 'float32' by default.
        options: The settings every layer takes.

    Raises:
        InputError: A size is not a positive integer or None.

    Example:
        >>> InputLayer((784,)).output.shape
        (None, 784)
    """

    couples_rows = "never"

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        input_dtype: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        if shape is None and self.batch_input_shape is not None:
            batch_size, *shape = self.batch_input_shape
        if shape is None:
            raise InputError(
                "Input", expected="shape=...", got="none", fix="Give the shape of one sample, as (784,)."
            )
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        for size in sizes:
            if size is not None and (
                isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1
            ):
                raise InputError(
                    f"Input '{self.name}'",
                    expected="a shape of positive integers, with None for sizes that vary",
                    got=sizes,
                    fix="Give the shape of one sample without the batch axis.",
                )
        self.shape = (batch_size, *(None if size is None else int(size) for size in sizes))
        self.built = True
        node = Node(self, (), {})
        dtype = input_dtype if input_dtype is not None else config.floatx()
        node.set_outputs(SymbolicTensor(self.shape, dtype, node=node, name=self.name))
        self.nodes.append(node)

    def call(self, inputs: Any) -> Any:
        """Returns the inputs."""
        return inputs


def Input(  # noqa: N802 - the name users know
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    *,
    name: str | None = None,
    batch_shape: Any = None,
) -> Any:
    """Makes the symbolic tensor at which a functional model begins.

    Args:
        shape: The shape of one sample, with None for sizes that vary.
        batch_size: A fixed batch size, or None.
        dtype: The element type, 'float32' by default; integers for an `Embedding`.
        name: The input's name, the key for data given as a dict.
        batch_shape: The shape with the batch axis, instead of `shape`.

    Returns:
        A `SymbolicTensor` to call layers on; in a list for `Sequential` it says the input shape.

    Raises:
        InputError: A size is not a positive integer or None.

    Example:
        >>> Input(shape=(28, 28, 1))
        <SymbolicTensor float32[None, 28, 28, 1]>
    """
    return InputLayer(shape, batch_size, dtype, name=name, batch_input_shape=batch_shape).output
