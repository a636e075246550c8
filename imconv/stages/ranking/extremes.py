"""The algorithms for the smallest or largest sample of a window: by doubling, or sample by sample."""

from __future__ import annotations

from .task import DOUBLING, RankAlgorithm, RankTask, buffer


class Extremes(RankAlgorithm):
    """Extremes of large windows: first of their rows, then of their columns, over 1, 2, 4, ... samples."""

    name = "extremes"
    reason = "rows, then columns by doubling: hardly depends on the size"

    def cost(self, task: RankTask) -> float | None:
        steps = sum(2 + n.bit_length() for n in task.footprint.shape)
        return DOUBLING * steps / task.lanes if task.extreme and task.whole else None

    def loop(self, plan) -> str:
        return "extremes.extreme"

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        height, width = work.plan.footprint.shape
        line = buffer(scratch, "line", block.rows.shape[1], work.key)[None]
        work.loop(block.rows, height, width, block.pixels.shape[2], int(work.plan.largest), out, line)


class Taps(RankAlgorithm):
    """Extremes of any shape, sample by sample."""

    name = "taps"
    reason = "every sample of the shape is compared"
    TAP = 0.5  # cost of the minimum or maximum of two vectors

    def cost(self, task: RankTask) -> float | None:
        return self.TAP * task.count / task.lanes if task.extreme else None

    def loop(self, plan) -> str:
        return "extremes.extreme_of_taps"

    def rank(self, work, block, first, out, columns, scratch, wanted) -> None:
        places = work.places(block.rows.shape[1], block.pixels.shape[2])
        work.loop(block.rows, places, int(work.plan.largest), out)
