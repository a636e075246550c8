"""Ctrl-C, SIGTERM and SIGHUP: noticed even where a library swallows the exception; a second one ends at once."""

from __future__ import annotations

import contextlib
import os
import signal

# what ends a run, and the one word about it; Windows has no SIGHUP
_ENDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
WORDS = {int(number): word for name, word in _ENDS.items() if (number := getattr(signal, name, None)) is not None}

_seen = 0  # the signal that came


class Ended(BaseException):
    """A signal has come that ends the run; `status` is the exit status that shells report for it.

    No KeyboardInterrupt, at which Click writes an empty line.
    """

    def __init__(self, number: int = signal.SIGINT):
        super().__init__(WORDS[number])
        self.status = 128 + number


def check() -> None:
    """Raise Ended if a signal has come since `watched` began."""
    if _seen:
        raise Ended(_seen)


def note(number, frame) -> None:
    """A handler of signals that interrupts at the next `check` alone, so that what is being written is finished."""
    global _seen
    _seen = number


@contextlib.contextmanager
def watched():
    """Within, these signals raise Ended and are remembered for `check`; not those that are to be ignored."""
    global _seen
    _seen = 0
    before = {number: signal.getsignal(number) for number in WORDS}
    # scripts let their background jobs ignore Ctrl-C, and nohup lets a program ignore the end of its terminal; None: a
    # handler that is not Python's
    taken = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in taken:
            signal.signal(number, _end)
    except ValueError:  # not the main thread: somebody else handles signals
        taken = []
    try:
        yield
    except Exception as error:
        if _seen:  # a library that was interrupted says it in errors of its own: numpy as an ImportError
            raise Ended(_seen) from error
        raise
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _end(number, frame):
    global _seen
    if _seen:
        os._exit(128 + number)
    _seen = number
    raise Ended(number)
