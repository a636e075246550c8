"""`Grid`: the coarse grid of a decimated Gaussian, computed from top to bottom as the picture's rows arrive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...engine.held_rows import HeldRows

RawSums = Callable[..., None]


class Grid:
    """Holds the rows of the grid that `loops/interpolate.py` reads for the next rows of the result.

    Each row of the grid is computed once. The plan `reduction` reduces the picture to the grid, the plan `smooth` smooths it.
    A `RawSums` function `run(plan, rows, low, first, out, weighted)` computes rows first, first + 1, ... of a plan's raw sums
    from rows of its picture, the first of which is row `low`.
    """

    def __init__(self, plan, weighted: bool, reduction, smooth):
        self.plan, self.weighted = plan, weighted
        self.reduction, self.smooth = reduction, smooth
        shape = (self.reduction.columns.out, plan.channels)
        self.coarse = HeldRows(shape, self.reduction.target)
        self.smoothed = HeldRows((self.smooth.columns.out, plan.channels), self.smooth.target)

    def bytes_held(self, height: int) -> int:
        """Bytes of memory needed to compute `height` rows of the result at a time."""
        down = self.plan.decimation[0]
        rows = height // down.step + down.after[1].shape[1] + 1
        around = 2 * self.smooth.rows.anchor
        row = self.reduction.columns.out * self.plan.channels * self.coarse.dtype.itemsize
        return 2 * row * (2 * rows + around)

    def rows_for(self, last: int) -> int:
        """How many rows of the unsmoothed grid the rows of the result above row `last` need."""
        return self._span(0, last)[1] + 2 * self.smooth.rows.anchor

    def reduce(self, count: int, picture: np.ndarray, low: int, run: RawSums) -> None:
        """Compute rows of the unsmoothed grid until there are `count`, from picture rows `low`, `low` + 1, ..."""
        made = self.coarse.high
        if count > made:
            run(self.reduction, picture, low, made, self.coarse.append(count - made), self.weighted)

    def smooth_for(self, first: int, last: int, run: RawSums) -> None:
        """Compute the rows of the smoothed grid that rows first .. last - 1 of the result need."""
        start, stop = self._span(first, last)
        self.coarse.forget(start)
        self.smoothed.forget(start)
        made = self.smoothed.high
        if stop > made:
            run(self.smooth, self.coarse.rows, self.coarse.low, made, self.smoothed.append(stop - made), False)

    def loop_input(self) -> tuple:
        """The first arguments of the interpolation loop: smoothed grid, channels, step down, grid row for row 0, step along."""
        down, along = self.plan.decimation
        rows = self.smoothed.rows
        return rows.reshape(len(rows), -1), self.plan.channels, down.step, -self.smoothed.low, along.step

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """(start, stop) of the rows of the smoothed grid that rows first .. last - 1 of the result read."""
        step, taps = self.plan.decimation[0].step, self.plan.decimation[0].after[1].shape[1]
        return first // step, (last - 1) // step + taps
