"""Optimizers from settings."""

from __future__ import annotations

from typing import Any

from gradwise import registry
from gradwise.errors import InputError
from gradwise.optimizers.base import Optimizer


def get(identifier: Any, where: str = "optimizer") -> Optimizer:
    """Turns a setting into an optimizer.

    Args:
        identifier: A name such as "adam", an optimizer, or its class.
        where: Where the setting was given, for the error.

    Returns:
        The optimizer; a new one with default settings for a name or a class.

    Raises:
        InputError: The setting is none of these.

    Example:
        >>> from gradwise.optimizers.sgd import SGD
        >>> get("sgd").learning_rate
        0.01
    """
    found = registry.find("optimizers", identifier, where) if isinstance(identifier, str) else identifier
    if isinstance(found, type) and issubclass(found, Optimizer):
        found = found()  # type: ignore[call-arg]
    if isinstance(found, Optimizer):
        return found
    raise InputError(
        where,
        expected="the name of an optimizer, or an optimizer",
        got=repr(identifier),
        fix="Write for example 'adam', or gradwise.optimizers.Adam(learning_rate=0.001).",
    )
