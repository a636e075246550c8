"""The coarse grid of a decimated Gaussian, made from top to bottom as the picture's rows come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .decimation import grid_plans
from .geometry import effective_size
from .planner import Plan
from .window import Window

Run = Callable[[Plan, np.ndarray, int, int, np.ndarray, bool], None]


class Grid:
    """What `loops/interpolate.py` reads for some rows of the result; each row of it is made once."""

    def __init__(self, plan: Plan, weighted: bool):
        self.plan, self.weighted = plan, weighted
        self.reduce, self.smooth = grid_plans(plan)
        shape = (self.reduce.columns.out, plan.channels)
        self.coarse = Window(shape, self.reduce.target)
        self.smoothed = Window((self.smooth.columns.out, plan.channels), self.smooth.target)

    def needs(self, first: int, last: int, made: int) -> tuple[int, int, int]:
        """For rows first .. last - 1 of the result, once `made` rows of the grid are there: the picture's rows low ..
        high - 1, and how many rows of the grid are there then."""
        _, stop = self._span(first, last)
        stop += 2 * self.smooth.rows.anchor
        low, high = rows_read(self.reduce, made, stop) if stop > made else (first, first)
        return low, high, max(stop, made)

    def advance(self, first: int, last: int, picture: np.ndarray, low: int, run: Run) -> tuple[np.ndarray, int]:
        """The grid for rows first .. last - 1 of the result, and where in it the interpolation of row 0 would begin.

        `picture` holds the rows that `needs` said, its first is row `low`; `run(plan, rows, low, first, out, weighted)`
        computes rows first, first + 1, ... of a plan's raw sums.
        """
        start, stop = self._span(first, last)
        margin = self.smooth.rows.anchor
        self.coarse.forget(start)
        made = self.coarse.high
        if stop + 2 * margin > made:
            run(self.reduce, picture, low, made, self.coarse.append(stop + 2 * margin - made), self.weighted)
        self.smoothed.forget(start)
        made = self.smoothed.high
        if stop > made:
            run(self.smooth, self.coarse.rows, self.coarse.low, made, self.smoothed.append(stop - made), False)
        return self.smoothed.rows, -self.smoothed.low

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the smoothed grid that the interpolation of these rows of the result reads."""
        step, taps = self.plan.decimation[0].step, self.plan.decimation[0].after[1].shape[1]
        return first // step, (last - 1) // step + taps


def rows_read(plan: Plan, first: int, last: int) -> tuple[int, int]:
    """The range of the picture's rows that rows first .. last - 1 of a plan's sums are made of; empty where there are
    none."""
    axis = plan.rows
    start = first * axis.stride
    stop = start + (last - 1 - first) * axis.stride + effective_size(axis.taps, axis.dilation)
    wanted = plan.row_sources[start:stop]
    wanted = wanted[wanted >= 0]
    return (int(wanted.min()), int(wanted.max()) + 1) if wanted.size else (0, 0)
