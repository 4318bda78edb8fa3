"""Checks of numeric settings, shared by the optimizers and schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    high: float = math.inf,
) -> float:
    """Returns a setting as a float, if it is a finite number in its range.

    Args:
        where: The class the setting belongs to.
        name: Its name.
        value: What was given: a Python, NumPy or JAX number.
        above: The number it must exceed; None asks for `low` instead.
        low: The least number allowed.
        below: The number it must stay under.
        high: The greatest number allowed.

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
        and plain <= high
        and (plain >= low if above is None else plain > above)
    ):
        return float(plain)
    bound = f"of at least {low:g}" if above is None else f"above {above:g}"
    limit = "" if below == math.inf else f" and below {below:g}"
    limit += "" if high == math.inf else f" and at most {high:g}"
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


def whole_number(where: str, name: str, value: Any) -> int:
    """Returns a setting as a whole number of at least 1.

    Args:
        where: The class the setting belongs to.
        name: Its name.
        value: A whole number.

    Returns:
        The number.

    Raises:
        InputError: It is no such number.

    Example:
        >>> whole_number("VSGD", "initial_steps", 4)
        4
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1:
        return int(value)
    raise InputError(
        where,
        expected=f"{name} as a whole number of at least 1",
        got=repr(value),
        fix=f"Pass e.g. {name}=4.",
    )


def optional_count(where: str, name: str, value: Any) -> int | None:
    """Returns a setting as a whole number of at least 1, or None if it is left out.

    Args:
        where: The class the setting belongs to.
        name: Its name.
        value: A whole number or None.

    Returns:
        The number or None.

    Raises:
        InputError: It is neither None nor such a number.

    Example:
        >>> optional_count("SGD", "gradient_accumulation_steps", 4)
        4
    """
    return None if value is None else whole_number(where, name, value)


def multipliers(where: str, value: Any) -> dict[str, float] | None:
    """Returns factors of the learning rate by pattern, or None if they are left out.

    Args:
        where: The class the setting belongs to.
        value: A dict from patterns to numbers of at least 0, or None.

    Returns:
        The dict or None.

    Raises:
        InputError: It is neither None nor such a dict.

    Example:
        >>> multipliers("SGD", {"conv*": 0.1})
        {'conv*': 0.1}
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise InputError(
            where,
            expected="learning_rate_multipliers as a dict from names of layers to numbers",
            got=repr(value),
            fix="Write for example {'conv*': 0.1}.",
        )
    return {
        pattern: number(where, f"the multiplier of '{pattern}'", factor) for pattern, factor in value.items()
    }
