"""`WindowPlan` and `WindowWork`: the common part of plans, and of work, for windows that are not kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.bordered_rows import BorderedRows
from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Stage, Work
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...jit import Loop

BAND_SECONDS = 0.02  # longest band: an interrupt is noticed only between bands


@dataclass(frozen=True)
class WindowPlan(Stage):
    """Base class of plans for windows that are not kernels."""

    algorithm: str
    reason: str
    rows: Axis
    columns: Axis
    picture_channels: int
    channels: int  # of the result
    source: str  # dtype names
    accumulator: str
    target: str
    border: Border
    cost: float  # picoseconds for a sample of the picture

    alpha = "none"
    range = "clip"
    keeps_work = False

    @property
    def source_channels(self) -> int:
        return self.picture_channels

    @property
    def samples(self) -> int:
        """The number of samples of the picture."""
        return self.rows.size * self.columns.size * self.source_channels

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread."""
        return 1e-12 * self.cost * self.samples

    @property
    def line_length(self) -> int:
        """Samples of a line buffer: a padded row of one channel, and room for a vector."""
        return self.columns.span + LARGEST_LANES

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        return "\n".join(
            [
                f"algorithm      {self.algorithm}: {self.reason}",
                f"window         {rows.taps} x {columns.taps}, border {self.border}",
                f"sizes          {self.sizes}",
                f"numbers        {self.source} -> {self.accumulator} -> {self.target}",
                f"memory         {self.scratch / 2**20:.1f} MB of buffers per thread",
            ]
        )


class WindowWork(Work):
    """The work of a `WindowPlan`. A subclass defines `loop` and `band`."""

    loop: Loop

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        super().__init__(plan, threads, tally, progress)
        self.source = BorderedRows(plan, rows, low)
        jit.ready([self.loop.specialised({"S": self.source.type, "A": plan.accumulator, "O": plan.target})])

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
