"""The checks of settings that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwise.errors import InputError


def is_number(value: Any) -> bool:
    """Tells whether a setting is a finite number.

    Example:
        >>> is_number(0.5), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    known = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return known and bool(np.isfinite(value))


def check_number(where: str, what: str, value: Any) -> float:
    """Refuses anything but a finite number.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.

    Returns:
        The number.

    Raises:
        InputError: `value` is no finite number.

    Example:
        >>> check_number("Resizing", "fill_value", 3)
        3.0
    """
    if not is_number(value):
        raise InputError(where, expected=f"{what} to be a number", got=repr(value), fix=f"Set {what}=0, say.")
    return float(value)


def check_fraction(where: str, what: str, value: Any) -> float:
    """Refuses anything but a number from 0 to 1.

    Args:
        where: The layer, for the error.
        what: The setting.
        value: What was given.

    Returns:
        The number.

    Raises:
        InputError: `value` is no number from 0 to 1.

    Example:
        >>> check_fraction("RandomGrayscale", "factor", 0.5)
        0.5
    """
    if not is_number(value) or not 0 <= value <= 1:
        raise InputError(
            where, expected=f"{what} to be a number from 0 to 1", got=repr(value), fix=f"Set {what}=0.1, say."
        )
    return float(value)
