"""The coarse grid of a decimated Gaussian, made from top to bottom as the picture's rows come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...engine.held_rows import Window
from ...engine.streaming import rows_read
from .decimated import grid_plans
from .plan import Plan, directly

Run = Callable[[Plan, np.ndarray, int, int, np.ndarray, bool], None]


class Grid:
    """What `loops/interpolate.py` reads for some rows of the result; each row of it is made once."""

    def __init__(self, plan: Plan, weighted: bool):
        self.plan, self.weighted = plan, weighted
        self.reduction, self.smooth = grid_plans(plan)
        shape = (self.reduction.columns.out, plan.channels)
        self.coarse = Window(shape, self.reduction.target)
        self.smoothed = Window((self.smooth.columns.out, plan.channels), self.smooth.target)

    def bytes_held(self, height: int) -> int:
        """Memory for making `height` rows of the result at a time."""
        down = self.plan.decimation[0]
        rows = height // down.step + down.after[1].shape[1] + 1
        around = 2 * self.smooth.rows.anchor
        row = self.reduction.columns.out * self.plan.channels * self.coarse.dtype.itemsize
        return 2 * row * (2 * rows + around)

    def rows_for(self, last: int) -> int:
        """How many rows of the unsmoothed grid must be there for the rows of the result above row `last`."""
        return self._span(0, last)[1] + 2 * self.smooth.rows.anchor

    def reduce(self, count: int, picture: np.ndarray, low: int, run: Run) -> None:
        """Make rows of the unsmoothed grid, until there are `count`.

        `picture` holds the rows that they are made of, its first is row `low`; `run(plan, rows, low, first, out, weighted)`
        computes rows first, first + 1, ... of a plan's raw sums.
        """
        made = self.coarse.high
        if count > made:
            run(self.reduction, picture, low, made, self.coarse.append(count - made), self.weighted)

    def smoothed_for(self, first: int, last: int, run: Run) -> tuple[np.ndarray, int]:
        """The grid for rows first .. last - 1 of the result, and where in it the interpolation of row 0 would begin."""
        start, stop = self._span(first, last)
        self.coarse.forget(start)
        self.smoothed.forget(start)
        made = self.smoothed.high
        if stop > made:
            run(self.smooth, self.coarse.rows, self.coarse.low, made, self.smoothed.append(stop - made), False)
        return self.smoothed.rows, -self.smoothed.low

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the smoothed grid that the interpolation of these rows of the result reads."""
        step, taps = self.plan.decimation[0].step, self.plan.decimation[0].after[1].shape[1]
        return first // step, (last - 1) // step + taps


def _with_grid(plan: Plan, parts: list[tuple[int, int]], height: int, originals: bool) -> list[list[int]]:
    """As `stripes`, for a coarse grid: it is made some rows at a time, so that few of the picture's must be there."""
    grid, direct = Grid(plan, False), directly(plan) is not None
    some = max(1, height // plan.decimation[0].step)
    found, made = [], 0
    for first, last in parts:
        low = high = 0
        needed = grid.rows_for(last)
        for stop in range(min(made + some, needed), needed + some, some) if made < needed else ():
            low, high = rows_read(grid.reduction, made, min(stop, needed))
            made = min(stop, needed)
            if made < needed:
                found.append([first, first, low, high, made])
        low = low if high else first
        if direct or originals:
            pixels = rows_read(plan, first, last) if direct else (first, last)
            low, high = min(low, pixels[0]), max(high, pixels[1])
        found.append([first, last, low, high, made])
    return found
