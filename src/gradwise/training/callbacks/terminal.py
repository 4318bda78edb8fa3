"""Writing to terminals, pipes and notebooks."""

from __future__ import annotations

import os
import sys
from typing import Any

ERASE_LINE = "\r\033[K"


def is_terminal(stream: Any) -> bool:
    """Tells whether a stream is a terminal on which a line can be drawn again.

    Args:
        stream: An open text stream.

    Example:
        >>> import io
        >>> is_terminal(io.StringIO())
        False
    """
    return bool(getattr(stream, "isatty", bool)()) and os.environ.get("TERM") != "dumb"


def has_colors(stream: Any) -> bool:
    """Tells whether to colour what is written to a stream; the variable NO_COLOR forbids it.

    Args:
        stream: An open text stream.

    Example:
        >>> import io
        >>> has_colors(io.StringIO())
        False
    """
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def can_write(stream: Any, text: str) -> bool:
    """Tells whether a stream's encoding has the characters of a text.

    Args:
        stream: An open text stream.
        text: The characters.

    Example:
        >>> import io
        >>> can_write(io.TextIOWrapper(io.BytesIO(), "ascii"), "━")
        False
    """
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def say(message: str, stream: Any = None) -> None:
    """Writes a message on a line of its own, also where a progress line is under way.

    Args:
        message: One line.
        stream: Where to; None takes the standard output of the moment.

    Example:
        >>> say("Epoch 3: early stopping")
        Epoch 3: early stopping
    """
    stream = sys.stdout if stream is None else stream
    if stream is not None:  # programs without a console have none
        stream.write(f"{ERASE_LINE if is_terminal(stream) else ''}{message}\n")
        stream.flush()
