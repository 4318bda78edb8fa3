"""Error classes with one message form: what happened where, what was expected, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class GradwiseError(Exception):
    """Base of every error the library raises on purpose.

    Args:
        where: The place, in the user's terms: a layer with its name, an argument, a file.
        expected: What would have been accepted.
        got: What came instead, in a few words; never a dump of data.
        fix: A full sentence that tells the user what to do.

    Example:
        >>> print(InputError("fit", expected="as many targets as samples", got="10 and 9", fix="Check y."))
        fit: expected as many targets as samples, but got 10 and 9. Check y.
    """

    def __init__(self, where: str, *, expected: str, got: object, fix: str) -> None:
        self.where = where
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(f"{where}: expected {expected}, but got {_short(got)}. {fix}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.where, self.expected, _short(self.got), self.fix)


class InputError(GradwiseError, ValueError):
    """An argument, a data set or a setting cannot be used as it is."""


class StateError(GradwiseError, RuntimeError):
    """A method was called before what it needs exists, or where it must not be called."""


class FileError(GradwiseError, ValueError):
    """A file is damaged, foreign, unsafe or cannot hold what it is asked to hold."""


class MissingExtraError(GradwiseError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, feature: str, module: str, extra: str) -> None:
        super().__init__(
            feature,
            expected=f"the package '{module}'",
            got="no such package installed",
            fix=f"Install it with: pip install 'gradwise[{extra}]'.",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Exception, (str(self),)


def unknown_name(where: str, kind: str, name: object, known: Iterable[str]) -> InputError:
    """Builds the error for a name that nothing is called by, with the nearest known names.

    Args:
        where: Where the name was given.
        kind: What the name should name, for example "a loss".
        name: The name as given.
        known: Every name that would have been accepted.

    Returns:
        The error, ready to be raised.

    Example:
        >>> print(unknown_name("compile", "a loss", "msee", ["mse", "mae"]))
        compile: expected the name of a loss, but got 'msee'. Did you mean 'mse'?
    """
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=3, cutoff=0.6)
    if close:
        fix = f"Did you mean {' or '.join(repr(lowered[item]) for item in close)}?"
    elif choices:
        shown = ", ".join(choices[:20]) + (", …" if len(choices) > 20 else "")
        fix = f"Known names: {shown}."
    else:
        fix = "Nothing is registered under this kind."
    return InputError(where, expected=f"the name of {kind}", got=repr(name), fix=fix)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 300 else text[:297] + "..."


def _rebuild(cls: type[GradwiseError], where: str, expected: str, got: str, fix: str) -> GradwiseError:
    return cls(where, expected=expected, got=got, fix=fix)
