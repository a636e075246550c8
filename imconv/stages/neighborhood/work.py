"""`WindowWork`: the common part of work for windows that are not kernels."""

from __future__ import annotations

import numpy as np

from ... import jit
from ...engine.bordered_rows import BorderedRows
from ...engine.stage import Work
from ...jit import Loop

BAND_SECONDS = 0.02  # longest band: an interrupt is noticed only between bands


class WindowWork(Work):
    """The work of a `WindowPlan`. A subclass defines `loop` and `band`."""

    loop: Loop

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        super().__init__(plan, threads, tally, progress)
        self.plan = plan
        self.source = BorderedRows(plan, rows, low)
        jit.ready([self.loop.specialised({"S": self.source.type, "A": plan.accumulator, "O": plan.target})])

    def move(self, rows: np.ndarray, low: int) -> None:
        self.source.move(rows, low)

    def release(self) -> None:
        self.source.release()

    def height(self, rows: int, values: bool) -> int:
        """As Work.height; every band begins by reading a whole window."""
        plan = self.plan
        height = max(super().height(rows, values), plan.rows.taps)
        return min(height, int(BAND_SECONDS * plan.rows.size / plan.seconds))

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work's `values_band`: the same as `band`, since results are floats where values are wanted."""
        self.band(first, out, scratch)

    def window(self, first: int, count: int) -> tuple:
        """The loops' first arguments for rows first .. first + count - 1: the samples they read, and their layout."""
        plan = self.plan
        table, window = self.source.window(first, first + count + plan.rows.taps - 1, False)
        return window, self.source.samples, plan.source_channels, table, self.source.columns, plan.columns.before
