"""Ctrl-C: noticed even where a library swallows the exception; a second one ends at once."""

from __future__ import annotations

import contextlib
import os
import signal

_seen = False


def check() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed since `watched` began."""
    if _seen:
        raise KeyboardInterrupt


def note(number, frame) -> None:
    """A handler of signals that interrupts at the next `check` alone, so that what is being written is finished."""
    global _seen
    _seen = True


@contextlib.contextmanager
def watched():
    """Within, Ctrl-C raises KeyboardInterrupt and is remembered for `check`; not where it is to be ignored."""
    global _seen
    _seen = False
    before = signal.getsignal(signal.SIGINT)
    # scripts let their background jobs ignore Ctrl-C, which is meant for others; None: a handler that is not Python's
    taken = before not in (signal.SIG_IGN, None)
    try:
        if taken:
            signal.signal(signal.SIGINT, _interrupt)
    except ValueError:  # not the main thread: somebody else handles signals
        taken = False
    try:
        yield
    except Exception as error:
        if _seen:  # a library that was interrupted says it in errors of its own: numpy as an ImportError
            raise KeyboardInterrupt from error
        raise
    finally:
        if taken:
            signal.signal(signal.SIGINT, before)


def _interrupt(number, frame):
    global _seen
    if _seen:
        os._exit(130)
    _seen = True
    raise KeyboardInterrupt
