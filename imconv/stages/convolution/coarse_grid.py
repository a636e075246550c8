"""The coarse grid of a decimated Gaussian, made from top to bottom as the picture's rows come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...engine.held_rows import HeldRows

Run = Callable[..., None]


class Grid:
    """The rows that `loops/interpolate.py` reads for some rows of the result; each row of the grid is made once.

    `reduction` is the plan that reduces the picture to the grid, `smooth` the one that smooths it.
    """

    def __init__(self, plan, weighted: bool, reduction, smooth):
        self.plan, self.weighted = plan, weighted
        self.reduction, self.smooth = reduction, smooth
        shape = (self.reduction.columns.out, plan.channels)
        self.coarse = HeldRows(shape, self.reduction.target)
        self.smoothed = HeldRows((self.smooth.columns.out, plan.channels), self.smooth.target)

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

    def smooth_for(self, first: int, last: int, run: Run) -> None:
        """Make the smoothed grid for rows first .. last - 1 of the result."""
        start, stop = self._span(first, last)
        self.coarse.forget(start)
        self.smoothed.forget(start)
        made = self.smoothed.high
        if stop > made:
            run(self.smooth, self.coarse.rows, self.coarse.low, made, self.smoothed.append(stop - made), False)

    def loop_input(self) -> tuple:
        """The first arguments of the interpolation: the smoothed grid, channels, steps, and where in the grid the interpolation
        of row 0 would begin."""
        down, along = self.plan.decimation
        rows = self.smoothed.rows
        return rows.reshape(len(rows), -1), self.plan.channels, down.step, -self.smoothed.low, along.step

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the smoothed grid that the interpolation of these rows of the result reads."""
        step, taps = self.plan.decimation[0].step, self.plan.decimation[0].after[1].shape[1]
        return first // step, (last - 1) // step + taps
