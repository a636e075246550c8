"""A progress bar on a terminal, for work that takes longer than a second."""

from __future__ import annotations

import sys
import time

from . import interrupt
from .places import is_terminal


class Progress:
    """A bar on a terminal for work of over a second; anywhere, the place where an interrupt is noticed."""

    def __init__(self, quiet: bool):
        self.shown = not quiet and is_terminal(sys.stderr)
        self.started = time.monotonic()
        self.drawn = False

    def __enter__(self):
        return self

    def __call__(self, done: int, total: int) -> None:
        interrupt.check()
        if not self.shown:
            return
        if self.drawn or time.monotonic() - self.started > 1:
            self.drawn = True
            filled = 30 * done // total
            sys.stderr.write(f"\r[{'=' * filled}{' ' * (30 - filled)}] {100 * done // total:3d} %")
            sys.stderr.flush()

    def __exit__(self, *failure) -> None:
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
