"""The algorithms that combine columns: medians of 3 x 3 and 5 x 5, and extremes of windows of few rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ...engine.buffers import aligned_lines
from .task import DOUBLING, ROOM, RankAlgorithm, RankTask

LOW = 16  # greatest height of windows whose rows are compared one by one


class Columns(RankAlgorithm):
    """Medians of 3 x 3 and 5 x 5, from sorted columns."""

    name = "columns"
    reason = "a sorting network on columns that are sorted once"
    in_place = True
    COSTS: ClassVar = {9: 5.0, 25: 16.0}  # cost of a vector of medians, for 3 x 3 and 5 x 5

    def cost(self, task: RankTask) -> float | None:
        shaped = task.whole and task.footprint.shape in ((3, 3), (5, 5)) and task.rank == task.count // 2
        return self.COSTS[task.count] / task.lanes if task.fixed_rank and shaped else None

    def loop(self, plan) -> str:
        return f"columns.median_{plan.footprint.count}"

    def last_arguments(self, plan) -> tuple:
        """The loop's arguments behind the common ones."""
        return ()

    def lines(self, plan) -> int:
        """How many line buffers the loop needs."""
        return plan.rows.taps

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        rows, padded = block.rows, block.pixels.shape[1]
        self.sort(work, rows, np.arange(len(rows)), 0, np.arange(padded), 0, rows.shape[1], out, scratch)

    def rank_in_place(self, work, first: int, out: np.ndarray, scratch: dict) -> None:
        """Fill `out` with rows first, first + 1, ... of the result, reading the picture itself."""
        plan, source = work.plan, work.bits
        rows = work.rows[first : first + len(out) + plan.rows.taps - 1]
        self.sort(work, source, rows, plan.columns.before, plan.column_sources, 0, source.shape[1], out, scratch)

    def sort(self, work, source, rows, lead, columns, first, samples, out, scratch) -> None:
        """Call the loop, which is in `loops/columns.py`."""
        plan = work.plan
        length = (lead + columns.size) * plan.channels + samples + ROOM
        lines = scratch.get("lines")
        if lines is None or lines.shape[1] < length:
            lines = scratch["lines"] = aligned_lines(self.lines(plan), length, plan.key, lead * plan.channels)
        more = self.last_arguments(plan)
        work.loop(source, rows, first, columns, lead, plan.channels, samples, work.border_keys, out, lines, *more)


class ExtremesOfRows(Columns):
    """Extremes of windows of few rows: rows are compared one by one, columns by doubling."""

    name = "rows"
    reason = "the extreme of some rows, then columns by doubling"

    def cost(self, task: RankTask) -> float | None:
        height, width = task.footprint.shape
        if not (task.extreme and task.whole and height <= LOW):
            return None
        return DOUBLING * (height + 1 + width.bit_length()) / task.lanes

    def loop(self, plan) -> str:
        return "columns.extreme_of_columns"

    def last_arguments(self, plan) -> tuple:
        return (*plan.footprint.shape, int(plan.largest))

    def lines(self, plan) -> int:
        return 1
