"""A plan at work on a picture that comes in bands of rows; the result goes out in bands. Rows are held while needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..geometry.axis import effective_size
from ..pixels.rounding import Tally, warn_of_nans
from ..stages.convolution.coarse_grid import Grid, _with_grid
from ..stages.convolution.plan import Plan
from ..stages.convolution.work import Run
from .held_rows import SLACK, Window

STRIPE_BYTES = 2 << 20  # of the result, at least
BAND_BYTES = 1 << 20  # of the picture, as it comes from a file


@dataclass(frozen=True)
class Stripe:
    """Rows first .. last - 1 of the result, and the picture's rows low .. high - 1 that must be there for them; none of
    the result where rows of a coarse grid, up to `grid` in all, are only prepared."""

    first: int
    last: int
    low: int
    high: int
    grid: int = 0


def streams(plan: Plan) -> bool:
    """Whether the result can be had in bands: a stretched one needs to be known whole before its first sample is."""
    return plan.range != "stretch"


def stripes(plan: Plan, originals: bool = True) -> list[Stripe]:
    """The result's parts from top to bottom. What is below a part's `low` is needed by no later one.

    originals  whether the pixels themselves are needed too, to be compared with the result
    """
    height = _height(plan)
    parts = [(first, min(first + height, plan.rows.out)) for first in range(0, plan.rows.out, height)]
    if plan.algorithm == "decimated":
        found = _with_grid(plan, parts, height, originals or plan.alpha == "keep")
    else:
        found = [[*part, *rows_read(plan, *part), 0] for part in parts]
    for later, earlier in zip(found[:0:-1], found[-2::-1], strict=True):
        earlier[2] = min(earlier[2], later[2])
    for earlier, later in itertools.pairwise(found):
        later[3] = max(later[3], earlier[3])
    return [Stripe(*numbers) for numbers in found]


def bytes_held(plan: Plan, threads: int, originals: bool = True) -> int:
    """Peak memory of `execute_rows`: rows of the picture, as they come and as they are kept, a stripe of the result, grids
    and buffers."""
    parts = stripes(plan, originals)
    row = plan.columns.size * plan.source_channels * np.dtype(plan.source).itemsize
    result = plan.columns.out * plan.channels * np.dtype(plan.target).itemsize
    held = max(part.high - part.low for part in parts)
    height = max(part.last - part.first for part in parts)
    weightings = 2 if plan.alpha == "weight" else 1
    grids = weightings * Grid(plan, False).bytes_held(height) if plan.algorithm == "decimated" else 0
    return held * row * (SLACK + 1) // SLACK + 2 * BAND_BYTES + 2 * height * result + grids + threads * plan.scratch


def execute_rows(
    plan: Plan,
    bands: Iterator[np.ndarray],
    rows: tuple[int, int] | None = None,
    *,
    threads: int | None = None,
    point: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    tally=None,
    progress: Callable[[int, int], None] | None = None,
    begin: Callable | None = None,
) -> Iterator[np.ndarray]:
    """The result of `executor.execute`, bit for bit, in bands from top to bottom.

    Parameters
    ----------
    bands : iterator of arrays
        The picture's rows from top to bottom, (rows, columns) or (rows, columns, channels). All are taken, also those
        that no result needs.
    rows : (first, last), optional
        Only these of the result are computed; for others there are bands without rows, as they become ready.
    threads, point, tally, progress
        As in `executor.execute`.
    begin : callable, optional
        Called with the first rows held and the first one's number; makes what computes the result instead of a `Run`.
    """
    wanted, last_wanted = rows or (0, plan.rows.out)
    window = Window((plan.columns.size, plan.source_channels), plan.source)
    run, flat = None, False
    begin = begin or (lambda rows, low: Run(plan, rows, threads, tally, progress, low, point))
    for part in stripes(plan, point is not None):
        window.forget(part.low)
        while window.high < part.high:
            band = next(bands)
            flat = band.ndim == 2
            window.append(len(band))[...] = band.reshape(len(band), *window.row_shape)
        if run is None:
            run = begin(window.rows, window.low)
        else:
            run.move(window.rows, window.low)
        skipped = part.last <= wanted or part.first >= last_wanted
        if part.grid and (skipped or part.last == part.first):
            run.reduce(count=part.grid)
        result = np.empty((0 if skipped else part.last - part.first, plan.columns.out, plan.channels), plan.target)
        if len(result):
            run.fill(part.first, result)
            result = result[max(wanted - part.first, 0) : last_wanted - part.first]
        if part.last > part.first:
            yield result[..., 0] if flat and plan.channels == 1 else result
    for _ in bands:  # what is at the end of a file is checked, needed or not
        pass


def _height(plan: Plan) -> int:
    """Rows of the result that are made at a time: a few megabytes, and more than the rows around them."""
    row = plan.columns.out * plan.channels * np.dtype(plan.target).itemsize
    height = max(1, STRIPE_BYTES // row)
    if plan.algorithm == "decimated":
        step = plan.decimation[0].step
        return -(-height // step) * step
    if plan.algorithm == "fft":
        return plan.block_rows
    around = effective_size(plan.rows.taps, plan.rows.dilation) // plan.rows.stride
    height = max(height, 4 * around)
    return -(-height // plan.rows_together) * plan.rows_together


def bands_of(plan, bands: Iterator[np.ndarray], tally: Tally | None, execute) -> Iterator[np.ndarray]:
    """What `execute(rows, tally)` gives for bands in the type that is planned for; in the end NaN that got lost is told."""
    counts_nan, count = _counting(plan, tally)
    yield from execute((band.astype(plan.source, copy=False) for band in bands), count)
    if counts_nan:
        warn_of_nans(count)


def _counting(plan: Plan, tally: Tally | None) -> tuple[bool, Tally | None]:
    """Whether NaN can get lost, and what counts them then."""
    counts = np.dtype(plan.source).kind == "f" and np.dtype(plan.target).kind != "f"
    return counts, Tally() if counts and tally is None else tally


def rows_read(plan: Plan, first: int, last: int) -> tuple[int, int]:
    """The range of the picture's rows that rows first .. last - 1 of a plan's sums are made of; empty where there are
    none."""
    axis = plan.rows
    start = first * axis.stride
    stop = start + (last - 1 - first) * axis.stride + effective_size(axis.taps, axis.dilation)
    wanted = plan.row_sources[start:stop]
    wanted = wanted[wanted >= 0]
    return (int(wanted.min()), int(wanted.max()) + 1) if wanted.size else (0, 0)
