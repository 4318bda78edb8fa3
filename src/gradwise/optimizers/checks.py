"""Checks of numeric settings, shared by the optimizers and schedules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwise.errors import InputError


def number(
    where: str,
    name: str,
    value: Any,
    *,
    above: float | None = None,
    low: float = 0.0,
    below: float = math.inf,
) -> float:
    """Returns a setting as a float, if it is a finite number in its range.

    Args:
        where: The class the setting belongs to.
        name: Its name.
        value: What was given: a Python, NumPy or JAX number.
        above: The number it must exceed; None asks for `low` instead.
        low: The least number allowed.
        below: The number it must stay under.

    Returns:
        The number.

    Raises:
        InputError: It is no number, not finite, or out of range.

    Example:
        >>> number("SGD", "momentum", 1, low=0.0, below=2.0)
        1.0
    """
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    numeric = isinstance(plain, (int, float, np.number)) and not isinstance(plain, bool)
    if (
        numeric
        and math.isfinite(plain)
        and plain < below
        and (plain >= low if above is None else plain > above)
    ):
        return float(plain)
    bound = f"of at least {low:g}" if above is None else f"above {above:g}"
    limit = "" if below == math.inf else f" and below {below:g}"
    fix = "Pass a plain number, such as float(value)." if not numeric else f"Choose another {name}."
    raise InputError(where, expected=f"{name} as a number {bound}{limit}", got=repr(value), fix=fix)


def optional_number(where: str, name: str, value: Any, *, above: float | None = None) -> float | None:
    """Returns a setting as a float, or None if it is left out.

    Args:
        where: The class the setting belongs to.
        name: Its name.
        value: A number or None.
        above: The number it must exceed; None asks for at least 0.

    Returns:
        The number or None.

    Raises:
        InputError: It is neither None nor such a number.

    Example:
        >>> optional_number("SGD", "clipnorm", None) is None
        True
    """
    return None if value is None else number(where, name, value, above=above)
