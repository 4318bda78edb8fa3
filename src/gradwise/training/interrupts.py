"""Ctrl-C during training: the step under way is finished, so the model stays whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Whether the user has asked to stop.

    Example:
        >>> Interrupts().asked
        False
    """

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raises the interrupt that was held back."""
        if self.asked:
            self.asked = False
            raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[Interrupts]:
    """Holds Ctrl-C back until `check` is called; a second one acts at once.

    An interrupt in the middle of a program call would lose the arrays the program was given.

    Example:
        >>> with held_back() as interrupts:
        ...     interrupts.check()
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    previous = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        if interrupts.asked:
            raise KeyboardInterrupt
        interrupts.asked = True

    try:
        signal.signal(signal.SIGINT, note)
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous if previous is not None else signal.default_int_handler)
