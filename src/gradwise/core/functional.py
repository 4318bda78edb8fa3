"""Layers as pure functions of their variables."""

from __future__ import annotations

from typing import Any

from gradwise.core.layer import Layer
from gradwise.core.variable import Frame
from gradwise.errors import unknown_name


def functional_call(
    layer: Layer,
    values: dict[str, Any],
    *args: Any,
    training: bool = False,
    key: Any = None,
    **kwargs: Any,
) -> tuple[Any, dict[str, Any]]:
    """Calls a layer as a pure function of its variables: outputs = f(values, inputs).

    Args:
        layer: A built layer or model.
        values: Arrays by place, as `{path: v.value for path, v in layer.named_variables().items()}`;
            variables left out keep their own arrays.
        args: The inputs.
        training: Whether layers behave as in training.
        key: A random key, needed when a layer draws random numbers.
        kwargs: Further arguments of the call.

    Returns:
        The outputs, and the values after the call (state such as moving averages may have changed).

    Raises:
        InputError: A place names no variable.

    Example:
        >>> import numpy as np
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight("factor", (), initializer="ones")
        ...     def call(self, inputs):
        ...         return self.factor.value * inputs
        >>> scale = Scale()
        >>> float(scale(np.float32(3)))
        3.0
        >>> outputs, _ = functional_call(scale, {"factor": np.float32(2)}, np.float32(3))
        >>> float(outputs)
        6.0
    """
    variables = layer.named_variables()
    for path in values:
        if path not in variables:
            raise unknown_name(f"functional_call of '{layer.name}'", "a variable", path, variables)
    frame_values = {variables[path]: value for path, value in values.items()}
    paths = {id(below): path for path, below in layer.walk()}
    with Frame(frame_values, training=training, key=key, paths=paths):
        outputs = layer(*args, **kwargs)
    return outputs, {path: frame_values.get(variable, variable.array) for path, variable in variables.items()}
