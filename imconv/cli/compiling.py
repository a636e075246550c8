"""What the user sees while loops are compiled: one line that it happens once, and on a terminal how far it is."""

from __future__ import annotations

import sys
import time

from . import interrupt


class Notice:
    """Told by `imconv.jit` about builds; also the place where an interrupt is noticed meanwhile."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet or sys.stderr is None
        self.told = False

    def begin(self, count: int, kept: bool) -> None:
        """`count` builds begin; `kept` is whether the next run will find them."""
        self.started, self.drawn = time.monotonic(), ""
        if not self.quiet and not self.told:  # a file's loops and a filter's come one after the other
            self.told = True
            then = "this happens once" if kept else "nothing can be kept in the cache folder, so every run does this"
            sys.stderr.write(f"imconv: compiling loops for this computer; {then}\n")
            sys.stderr.flush()

    def progress(self, done: int, count: int) -> None:
        """So many builds are done; called some hundred times a second."""
        interrupt.check()
        seconds = time.monotonic() - self.started
        if not self.quiet and seconds > 1 and sys.stderr.isatty():
            text = f"{done} of {count} compiled, {seconds:.0f} s"
            if text != self.drawn:
                sys.stderr.write("\r" + text)
                sys.stderr.flush()
                self.drawn = text

    def end(self) -> None:
        """Builds are over, or were interrupted."""
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
