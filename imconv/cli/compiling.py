"""What the user sees while loops are compiled: one line that it happens, on a terminal how far it is, and what failed."""

from __future__ import annotations

import sys
import time

from . import interrupt


class Notice:
    """Told by `imconv.jit` about builds; also the place where an interrupt is noticed meanwhile."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet or sys.stderr is None
        self.told = self.told_of_failure = False

    def begin(self, count: int, refusal: str | None) -> None:
        """`count` builds begin; `refusal` is why the next run will not find them, None where it will."""
        self.started, self.drawn = time.monotonic(), ""
        if not self.quiet and not self.told:  # a file's loops and a filter's come one after the other
            self.told = True
            then = f"; every run does this: {refusal}" if refusal else ", to be kept for later runs"
            sys.stderr.write(f"imconv: compiling loops for this computer{then}\n")
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

    def failed(self, reason: str) -> None:
        """Loops that could not be built are compiled in this process."""
        if not self.quiet and not self.told_of_failure:
            self.told_of_failure = True
            sys.stderr.write(f"imconv: loops could not be compiled to be kept, so every run compiles them: {reason}\n")
            sys.stderr.flush()


def watch(quiet: bool) -> None:
    """From now on tell the user about builds, unless it is to be quiet."""
    from .. import jit

    jit.watch = Notice(quiet)
