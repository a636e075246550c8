"""A window that is no kernel at work on rows of a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ... import jit
from ...engine.bordered_rows import Source
from ...engine.streaming import execute_rows
from ...engine.threads import BANDS_PER_THREAD, WORTH_THREADS, checked_threads, default_threads, run_bands

BAND_SECONDS = 0.02  # an interrupt is noticed between bands


def flow(plan, bands, threads: int | None = None, progress=None):
    """The result of a WindowPlan in bands, for a picture whose rows come in bands."""
    return execute_rows(plan, bands, begin=lambda rows, low: plan.begin(rows, low, threads, progress))


class Work:
    """A WindowPlan at work on a picture, or the part of it that begins with row `low`: as `executor.Run`."""

    def __init__(self, plan, source: np.ndarray, low: int, threads=None, progress=None):
        self.plan, self.progress = plan, progress
        self.read = replace(plan, channels=plan.source_channels)
        workers = default_threads() if threads is None else checked_threads(threads)
        self.workers = workers if plan.seconds > WORTH_THREADS else 1
        self.move(source, low)
        jit.ready([self.loop.specialised({"S": self.source.type, "A": plan.accumulator, "O": plan.target})])

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.source = Source(self.read, source, low)

    def fill(self, first: int, out: np.ndarray) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        plan = self.plan
        height = -(-len(out) // (self.workers * BANDS_PER_THREAD)) if self.workers > 1 else len(out)
        height = max(height, plan.rows.taps)  # every band begins by reading a whole window
        height = max(1, min(height, int(BAND_SECONDS * plan.rows.size / plan.seconds)))
        run_bands(self.band, first, out, height, self.workers)
        if self.progress is not None:
            self.progress(first + len(out), plan.rows.out)

    def window(self, first: int, count: int) -> tuple:
        """The loops' first arguments: what they read for so many rows of the result, and how that is laid out."""
        plan = self.plan
        table, window = self.source.window(first, first + count + plan.rows.taps - 1, False)
        return window, self.source.samples, plan.source_channels, table, self.source.columns, plan.columns.before
