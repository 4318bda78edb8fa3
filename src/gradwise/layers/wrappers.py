"""What layers that hold another layer have in common."""

from __future__ import annotations

from typing import Any

from gradwise.core.layer import Layer
from gradwise.errors import InputError
from gradwise.registry import Configurable


def check_layer(layer: Any, where: str, example: str) -> Any:
    """Refuses what is no layer.

    Args:
        layer: What was given.
        where: The wrapper, for the error.
        example: How it is written, for the error.

    Returns:
        The layer.

    Raises:
        InputError: It is none.

    Example:
        >>> check_layer(3, "Bidirectional", "Bidirectional(LSTM(32))")
        Traceback (most recent call last):
        gradwise.errors.InputError: Bidirectional: expected a layer, but got an int. ...
    """
    if not isinstance(layer, Layer):
        raise InputError(
            where,
            expected="a layer",
            got=f"the class {layer.__name__}" if isinstance(layer, type) else f"an {type(layer).__name__}",
            fix=f"Pass a layer, as in {example}.",
        )
    return layer


def made_again(layer: Any, **changes: Any) -> Any:
    """Builds a layer with the same settings and none of the weights.

    Args:
        layer: The layer; layers among its settings, such as cells, are built again as well.
        changes: Settings to replace.

    Returns:
        The new layer.

    Example:
        >>> class Scale(Layer):
        ...     def __init__(self, factor, **options):
        ...         super().__init__(**options)
        ...         self.factor = factor
        >>> made_again(Scale(2.0), factor=3.0).factor
        3.0
    """
    settings = {name: _again(value) for name, value in layer.get_config().items()}
    return type(layer).from_config({**settings, **changes})


def _again(value: Any) -> Any:
    if isinstance(value, Configurable):
        return type(value).from_config({name: _again(item) for name, item in value.get_config().items()})
    if isinstance(value, (list, tuple)):
        return type(value)(_again(item) for item in value)
    return value
