"""Ranks of bytes by histograms (Perreault and Hebert 2007)."""

from __future__ import annotations

import numpy as np

from .blocks import buffer
from .task import MOST_RANKED, RankAlgorithm, RankTask


class Histogram(RankAlgorithm):
    """Perreault and Hebert 2007."""

    name = "histogram"
    reason = "histograms of columns and of the window: does not depend on the size"
    padded = False
    BINS = 16
    STEPS = np.tri(BINS, dtype=np.uint8).T.reshape(1, -1)  # sixteen times sixteen: 0 before place n, 1 from there on
    STRIP = 1024  # samples of a row whose columns' histograms are held at a time
    TALLEST_COUNTED = (
        254  # tallest window whose column counts fit a byte: a new row is counted before an old one is removed
    )
    SAMPLE = 4.6  # a sample
    SWITCH = 22.0  # more for a sample where windows are narrow, divided by the width: neighbouring results differ more

    def cost(self, task: RankTask) -> float | None:
        """As RankAlgorithm.cost."""
        able = task.fixed_rank and task.whole and task.item == 1
        return self.SAMPLE + self.SWITCH / task.footprint.shape[1] if able else None

    def loop(self, plan) -> str:
        """As RankAlgorithm.loop."""
        return "histogram.select"

    def least_rows(self, plan) -> int:
        """As RankAlgorithm.least_rows."""
        return 4 * plan.rows.taps

    def scratch(self, plan) -> int:
        """As RankAlgorithm.scratch."""
        return 272 * plan.columns.taps * plan.channels + 272 * self.STRIP

    def bins(self, plan) -> tuple[str, str]:
        """The types that hold histograms of a column, and of the window."""
        tall, many = plan.rows.taps > self.TALLEST_COUNTED, plan.footprint.count > MOST_RANKED
        return "uint16" if tall else "uint8", "uint32" if many else "uint16"

    def kinds(self, plan) -> dict[str, str]:
        """As RankAlgorithm.kinds."""
        column, window = self.bins(plan)
        return {"S": plan.counted, "C": column, "W": window}

    def rank(self, job, block, first, out, columns, scratch, wanted) -> None:
        """As RankAlgorithm.rank."""
        plan, channels, bins = job.plan, block.pixels.shape[2], self.BINS
        height, width = plan.footprint.shape
        strip = max(1, self.STRIP // channels) * channels
        count = min(strip, out.shape[1]) + (width - 1) * channels
        column, window = self.bins(plan)
        coarse = buffer(scratch, "coarse", count * bins, column)[None]
        fine = buffer(scratch, "fine", count * bins * bins, column)[None]
        parts, known = np.empty((1, bins * bins), window), np.empty(bins, np.int64)
        windows, held = np.empty((1, strip * bins), window), np.empty(strip, np.int64)
        buffers = (coarse, fine, parts, known, windows, held)
        job.loop(block.rows, height, width, channels, plan.rank, strip, self.STEPS.astype(column), out, *buffers)
