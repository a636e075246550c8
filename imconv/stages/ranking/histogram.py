"""The algorithm that ranks bytes by histograms."""

from __future__ import annotations

import numpy as np

from .task import MOST_RANKED, RankAlgorithm, RankTask, buffer


class Histogram(RankAlgorithm):
    """Histograms of columns, added and subtracted as windows move (Perreault and Hebert 2007)."""

    name = "histogram"
    reason = "histograms of columns and of the window: does not depend on the size"
    padded = False
    BINS = 16
    STEPS = np.tri(BINS, dtype=np.uint8).T.reshape(1, -1)  # 16 rows of 16: row n is 0 before place n and 1 from it on
    STRIP = 1024  # samples of a row whose columns' histograms are held at a time
    # Tallest window whose column counts fit a byte: the new row is counted before the old one is removed, so 255 at most.
    TALLEST_COUNTED = 254
    SAMPLE = 4.6  # cost of a sample
    # Further cost of a sample, divided by the window's width: narrow windows' results differ more from one to the next.
    SWITCH = 22.0

    def cost(self, task: RankTask) -> float | None:
        able = task.fixed_rank and task.whole and task.item == 1
        return self.SAMPLE + self.SWITCH / task.footprint.shape[1] if able else None

    def loop(self, plan) -> str:
        return "histogram.select"

    def least_rows(self, plan) -> int:
        return 4 * plan.rows.taps

    def scratch(self, plan) -> int:
        return 272 * plan.columns.taps * plan.channels + 272 * self.STRIP

    def bins(self, plan) -> tuple[str, str]:
        """The types of the bins of a column's histogram and of a window's."""
        tall, many = plan.rows.taps > self.TALLEST_COUNTED, plan.footprint.count > MOST_RANKED
        return "uint16" if tall else "uint8", "uint32" if many else "uint16"

    def types(self, plan) -> dict[str, str]:
        column, window = self.bins(plan)
        return {"S": plan.loop_type, "C": column, "W": window}

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        plan, channels, bins = work.plan, block.pixels.shape[2], self.BINS
        height, width = plan.footprint.shape
        strip = max(1, self.STRIP // channels) * channels
        count = min(strip, out.shape[1]) + (width - 1) * channels
        column, window = self.bins(plan)
        coarse = buffer(scratch, "coarse", count * bins, column)[None]
        fine = buffer(scratch, "fine", count * bins * bins, column)[None]
        parts, known = np.empty((1, bins * bins), window), np.empty(bins, np.int64)
        windows, held = np.empty((1, strip * bins), window), np.empty(strip, np.int64)
        buffers = (coarse, fine, parts, known, windows, held)
        work.loop(block.rows, height, width, channels, plan.rank, strip, self.STEPS.astype(column), out, *buffers)
