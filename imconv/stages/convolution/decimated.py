"""The decimated algorithm: wide Gaussians on a coarse grid, at a cost that does not grow with their width.

The variances of Gaussians add up. So the picture is blurred a little (sigma a = 0.8 D), every D-th sample is kept, these are
blurred with most of the remaining variance, and the result is interpolated with another Gaussian of sigma a. A Gaussian of
sigma 0.8 D has almost nothing above the Nyquist frequency of every D-th sample (a share of e^-13 is aliased), so the result
is the Gaussian within the error bound. The grid starts at the picture's first pixel: no result depends on where a band begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...engine.buffers import LARGEST_LANES, aligned_lines
from ...engine.held_rows import HeldRows
from ...engine.stage import STRIPE_BYTES, Stripe
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...kernel.gaussian import gaussian_weights
from ...loops.sizes import SEPARABLE_ROWS
from ...pixels.alpha import WEIGHTED
from ...pixels.elementary import exp
from ...pixels.sample_types import FLOAT_TYPES, loop_type
from .separable import Separable
from .task import Algorithm, Candidate, Numbers, Prepared, Task

# The Gaussian cut at 4 sigma, normalised, is what is approximated. The weights of one result differ from its by at most 3.4e-5 in
# sum along an axis, for sigma 10 to 60, so that the worst picture of 8 bits is off by 0.0174 levels; with a ratio of 4 it
# would be 0.020, with 2.5 and 4 sigma kept of all three 0.055.
SMALLEST_RATIO = 5.0  # sigma / D
SHARE = 0.8  # a / D
TRUNCATE = 4.5  # standard deviations kept of the first and the last Gaussian
TRUNCATE_BETWEEN = 3.95  # and of the one on the grid: it decides where the three together end
ERROR = 7e-5  # of the picture's range, at most
PASS, TAP, STEP = 200.0, 22.0, 1450.0  # costs, measured as in task.py; STEP is divided by the pixels of a step
GRID_BYTES = 2 << 20  # coarse grid held at a time

RawSums = Callable[..., None]


@dataclass(frozen=True)
class Factor:
    """How one axis is decimated."""

    sigma: float
    step: int  # D; 1 leaves the axis as it is
    multiplier: float = 1.0  # of the result

    @property
    def before(self) -> np.ndarray:
        """Weights of the blur of the picture, before samples are dropped."""
        return gaussian_weights(self._share, TRUNCATE) if self.step > 1 else np.ones(1)

    @property
    def between(self) -> np.ndarray:
        """Weights of the blur on the grid."""
        rest = (
            math.sqrt(self.sigma * self.sigma - 2 * self._share * self._share) / self.step
            if self.step > 1
            else self.sigma
        )
        return gaussian_weights(rest, TRUNCATE_BETWEEN if self.step > 1 else 4.0)

    @property
    def after(self) -> tuple[int, np.ndarray]:
        """The interpolation: the first grid sample it reads, relative to the pixel's own, and its weights (step, taps)."""
        if self.step == 1:
            return 0, np.full((1, 1), self.multiplier)
        reach = TRUNCATE * self._share / self.step
        taps = np.arange(-math.floor(reach), math.floor(reach + (self.step - 1) / self.step) + 1)
        distance = taps * self.step - np.arange(self.step)[:, None]
        weights = exp(-0.5 * np.square(distance / self._share)) * (np.abs(distance) <= TRUNCATE * self._share)
        return int(taps[0]), self.multiplier * (weights / weights.sum(axis=1, keepdims=True))

    @property
    def _share(self) -> float:
        return SHARE * self.step

    @property
    def cost(self) -> float:
        """Multiply-adds for each pixel along this axis if the other axis were not filtered."""
        return (self.before.size + self.between.size) / self.step + self.after[1].shape[1]


def factor(sigma: float) -> Factor:
    """The Factor for a Gaussian, with the largest step that keeps the error bound."""
    return Factor(sigma, max(1, int(sigma / SMALLEST_RATIO)))


def grid_axes(factor: Factor, size: int, out: int) -> tuple[Axis, Axis]:
    """The axis from pixels to grid samples, and the axis from those to smoothed samples.

    The interpolation of pixel p begins at smoothed sample `p // step`.
    """
    radius, margin = factor.before.size // 2, factor.between.size // 2
    start, weights = factor.after
    low = start - margin
    count = (out - 1) // factor.step + weights.shape[1] + 2 * margin
    reduce = Axis(size, 2 * radius + 1, count, radius - low * factor.step, 0, factor.step, 1, radius)
    smooth = Axis(count, 2 * margin + 1, count - 2 * margin, 0, 0, 1, 1, margin)
    return reduce, smooth


def grid_plans(plan) -> tuple:
    """The plan that reduces the picture to the whole grid, and the plan that smooths it."""
    down, along = plan.decimation
    rows, columns = (
        grid_axes(down, plan.rows.size, plan.rows.out),
        grid_axes(along, plan.columns.size, plan.columns.out),
    )
    accumulator = plan.accumulator
    reduce = replace(plan, algorithm="separable", rows=rows[0], columns=columns[0], target=accumulator, range="clip",
                     offset=0.0, weights=(down.before, along.before))  # fmt: skip
    smooth = replace(reduce, rows=rows[1], columns=columns[1], source=accumulator, alpha="none", border=Border("nearest"),
                     weights=(down.between, along.between))  # fmt: skip
    return reduce, smooth


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


class Decimated(Algorithm):
    """Uses `loops/interpolate.py` on a coarse grid from separable passes. A plan has `decimation` instead of weights."""

    name = "decimated"
    keeps_work = False  # its work holds the grid of one picture

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        axes = (task.rows, task.columns)
        centred = all(axis.before == axis.anchor == axis.taps // 2 and axis.out == axis.size for axis in axes)
        if (
            task.kernel.sigma is None
            or not task.coarse
            or not task.plain
            or not centred
            or task.border.mode == "normalized"
        ):
            return None
        down, along = (factor(sigma) for sigma in task.kernel.sigma)
        if max(down.step, along.step) == 1:
            return None
        taps = taps_of(down, along)
        cost = PASS + TAP * taps + STEP / min(down.step, along.step)
        grid = f"every {down.step}th row and {along.step}th column"
        reason = f"a Gaussian on {grid}: {taps:.0f} taps instead of {task.rows.taps + task.columns.taps}, within {ERROR:g} of the range"
        return Candidate(self, cost, (), (), reason)

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        down, along = (factor(sigma) for sigma in task.kernel.sigma or ())
        total = task.kernel.sum()
        if abs(total - 1) >= 1e-9:  # a Gaussian that is not scaled sums to 1, except for rounding
            down = replace(down, multiplier=total)
        accumulator = "float64" if loop_type(task.source) == "float64" else "float32"
        return Numbers(accumulator, (), float(task.kernel.offset), decimation=(down, along))

    def multiply_adds(self, plan) -> int:
        return round(plan.samples * taps_of(*plan.decimation))

    def scratch(self, plan) -> int:
        taps = plan.decimation[0].after[1].shape[1]
        samples = max(plan.columns.size * plan.channels, LARGEST_LANES)
        return np.dtype(plan.accumulator).itemsize * (taps + 3 * SEPARABLE_ROWS + 1) * samples

    def kernel_of(self, plan) -> np.ndarray:
        return plan.kernel.weights * plan.divisor

    def without_detours(self, plan) -> str:
        """As Algorithm.without_detours: the grid spreads an infinity further than the kernel's taps reach."""
        return Separable.name

    def cancels(self, plan) -> bool:
        """As Algorithm.cancels: far from its centre, the approximation's relative error is large."""
        return True

    def rows_together(self, plan) -> int:
        return SEPARABLE_ROWS

    def stripe_height(self, plan, usual: int) -> int:
        """As Algorithm.stripe_height: a multiple of the step."""
        row = plan.columns.out * plan.channels * np.dtype(plan.target).itemsize
        step = plan.decimation[0].step
        return -(-max(1, STRIPE_BYTES // row) // step) * step

    def stripes(self, plan, parts: list, originals: bool) -> list[Stripe]:
        """As Algorithm.stripes: the grid is computed a few rows at a time, so that few rows of the picture are held.

        Rows of the picture itself are needed if infinities may be summed anew, or if `originals` are compared.
        """
        grid, direct = self.grid(plan, False), plan.source in FLOAT_TYPES
        some = max(1, (parts[0][1] - parts[0][0]) // plan.decimation[0].step)
        found, made = [], 0
        for first, last in parts:
            low = high = 0
            needed = grid.rows_for(last)
            for stop in range(min(made + some, needed), needed + some, some) if made < needed else ():
                low, high = grid.reduction.rows_read(made, min(stop, needed))
                made = min(stop, needed)
                if made < needed:
                    found.append(Stripe(first, first, low, high, made))
            low = low if high else first
            if direct or originals:
                pixels = plan.rows_read(first, last) if direct else (first, last)
                low, high = min(low, pixels[0]), max(high, pixels[1])
            found.append(Stripe(first, last, low, high, made))
        return found

    def grid(self, plan, weighted: bool) -> Grid:
        return Grid(plan, weighted, *grid_plans(plan))

    def grid_bytes(self, plan) -> int:
        """As Algorithm.grid_bytes: of the reduced grid and the smoothed one."""
        down, along = plan.decimation
        stripe = min(self.grid_rows(plan), plan.rows.out)
        rows = stripe // down.step + 2 * (down.between.size // 2) + 2 * down.after[1].shape[1]
        columns = plan.columns.out // along.step + 2 * (along.between.size // 2) + 2 * along.after[1].shape[1]
        weightings = 2 if plan.alpha in WEIGHTED else 1
        return 2 * rows * columns * plan.channels * np.dtype(plan.accumulator).itemsize * weightings

    def grid_bytes_held(self, plan, height: int) -> int:
        return self.grid(plan, False).bytes_held(height)

    def grid_rows(self, plan) -> int:
        down, along = plan.decimation
        row = plan.columns.out // along.step * plan.channels * np.dtype(plan.accumulator).itemsize
        return max(1, GRID_BYTES // max(2 * row, 1)) * down.step

    def more_loops(self, plan, source: str) -> list[tuple[str, dict]]:
        """As Algorithm.more_loops: the passes that reduce the picture and smooth the grid."""
        sums = plan.accumulator
        return [("separable.correlate_separable", {"S": read, "A": sums, "O": sums}) for read in (source, sums)]

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        accumulator = plan.accumulator
        down, along = (factor.after[1].astype(accumulator) for factor in plan.decimation)
        step = along.shape[0]
        samples = max(plan.columns.out * plan.channels, LARGEST_LANES)
        coarse = -(-samples // step) + plan.channels * step + LARGEST_LANES
        rows = down.shape[1] + SEPARABLE_ROWS

        def buffers():
            return (
                aligned_lines(step, coarse, accumulator),
                aligned_lines(rows, samples + LARGEST_LANES, accumulator),
                np.empty(rows, np.int64),
                np.empty(rows, np.int64),
                np.empty(rows, np.int64),
                np.empty((1, rows, SEPARABLE_ROWS), accumulator),
            )

        return Prepared(
            "interpolate.interpolate", {"A": accumulator}, fill, (down, along, np.zeros((1, 3), accumulator)), buffers
        )


def taps_of(down: Factor, along: Factor) -> float:
    """Multiply-adds per sample of the result: reduction to the grid, smoothing on it, interpolation from it."""
    small = down.step * along.step
    to_grid = down.before.size / down.step + along.before.size / down.step / along.step
    on_grid = (down.between.size + along.between.size) / small
    from_grid = along.after[1].shape[1] / down.step + down.after[1].shape[1]
    return to_grid + on_grid + from_grid
