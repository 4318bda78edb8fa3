"""The types a layer computes in and keeps its variables in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradwise import config
from gradwise.errors import InputError

_FLOATS = ("bfloat16", "float16", "float32", "float64")


@dataclass(frozen=True)
class Policy:
    """Says in which type a layer computes and in which it keeps its variables.

    Args:
        name: As given, such as "float32" or "mixed_bfloat16".
        compute: The type inputs are cast to.
        variable: The type of variables.

    Example:
        >>> as_policy("mixed_bfloat16", "here").variable
        'float32'
    """

    name: str
    compute: str
    variable: str

    def cast(self, value: Any) -> Any:
        """Casts a floating-point array to the compute type; integers and booleans stay."""
        kind = getattr(value, "dtype", None)
        if kind is None:
            return value
        if not jnp.issubdtype(kind, jnp.floating) or kind == self.compute:
            return value
        return value.astype(self.compute) if isinstance(value, jax.Array) else np.asarray(value, self.compute)


def as_policy(dtype: Any, where: str) -> Policy:
    """Makes a policy from a setting.

    Args:
        dtype: None for the default float type, a float type, or "mixed_bfloat16" / "mixed_float16".
        where: Where it was given, for the error.

    Returns:
        The policy.

    Raises:
        InputError: The setting is none of these, or 64 bits are asked for while the engine is set to 32.

    Example:
        >>> as_policy(None, "here").compute
        'float32'
    """
    name = config.floatx() if dtype is None else _name_of(dtype)
    if name in ("mixed_bfloat16", "mixed_float16"):
        return Policy(name, name.removeprefix("mixed_"), "float32")
    if name not in _FLOATS:
        raise InputError(
            where,
            expected=f"a float type ({', '.join(_FLOATS)}) or 'mixed_bfloat16'",
            got=repr(dtype),
            fix="Give the type as a string; integer inputs need no setting.",
        )
    if name == "float64" and not jax.config.read("jax_enable_x64"):
        raise InputError(
            where,
            expected="a type of at most 32 bits while the engine is set to 32 bits",
            got="'float64'",
            fix="Call gradwise.config.set_floatx('float64') first.",
        )
    return Policy(name, name, name)


def _name_of(dtype: Any) -> str:
    if isinstance(dtype, Policy):
        return dtype.name
    if isinstance(dtype, str):
        return dtype
    try:
        return str(np.dtype(dtype))
    except TypeError:
        return repr(dtype)
