"""Whose turn it is to compile a loop, where several processes want it at once: a lock that dies with its process.

The locks are POSIX's: a forked process does not inherit them, as it would those of flock, and a killed one lets go.
"""

from __future__ import annotations

import contextlib
import os
import time

try:
    import fcntl
except ImportError:
    CAN_LOCK = False  # Windows: everybody compiles for themselves
else:
    CAN_LOCK = True

from .store import CAREFULLY

NO_LOCK = -1
PATIENCE = 120  # seconds to wait for a turn: after that, whoever has it is taken to be stopped or to hang


class Turns:
    """The turns this process has, by their files; `leave_all` in the end."""

    def __init__(self):
        self._held: dict[str | None, int] = {}
        self._since: dict[str | None, float] = {}  # when the first try failed

    def take(self, path: str | None) -> bool:
        """Whether it is this process's turn now; after PATIENCE it is, whoever has it."""
        descriptor = take(path)
        if descriptor is None:
            now = time.monotonic()
            if now - self._since.setdefault(path, now) < PATIENCE:
                return False
            descriptor = NO_LOCK
        self._held[path] = descriptor
        return True

    def leave(self, path: str | None) -> None:
        """Let the next process have it."""
        leave(self._held.pop(path, NO_LOCK), path)

    def leave_all(self) -> None:
        for path in list(self._held):
            self.leave(path)


def take(path: str | None) -> int | None:
    """A descriptor that holds the lock in this file, None while another process holds it.

    NO_LOCK where there is no file, or its file system can't lock: then it is everybody's turn.
    """
    if path is None or not CAN_LOCK:
        return NO_LOCK
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | CAREFULLY, 0o600)
        except OSError:
            return NO_LOCK
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(descriptor, path):
                return descriptor
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return None
        except OSError:
            leave(descriptor, path)
            return NO_LOCK
        os.close(descriptor)  # who had it before has removed the file meanwhile


def leave(descriptor: int, path: str | None) -> None:
    """Give up what `take` returned."""
    if descriptor != NO_LOCK and path is not None:
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(descriptor)


def _is(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
