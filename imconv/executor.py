"""Executes a plan: stripes of the result one after another, each cut into row bands that threads take."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import numpy as np

from . import jit
from .accuracy import type_name
from .bands import Job
from .errors import LimitError, OptionError
from .geometry import effective_size
from .grids import Grid
from .planner import ORDERS, Plan
from .rounding import Tally, finish, stretch
from .workers import share

# Less work than this is done by one thread: starting another, and waiting for it, takes some tenths of it.
WORTH_THREADS = 4e-4  # seconds, as plans estimate them
# Float bytes of a band that is finished outside the loop: it should stay in a core's cache.
BAND_BYTES = 1 << 19
BAND_WORK = 1_000_000_000  # multiply-adds: some 10 ms
BANDS_PER_THREAD = 4  # so that no thread waits long for the last band
BAND_SECONDS = 3e-4  # and a band is worth taking: for each, threads take turns with the interpreter


def default_threads() -> int:
    """`IMCONV_THREADS`, else as many threads as this process has cores."""
    asked = os.environ.get("IMCONV_THREADS")
    if asked:
        return checked_threads(asked, "IMCONV_THREADS")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads, name: str = "threads") -> int:
    """A number of threads; OptionError, by this name, for anything else."""
    try:
        count = int(threads) if str(threads).strip().isdecimal() else 0
    except ValueError:
        count = 0
    if not 1 <= count <= 1024:
        raise OptionError(f"{name} must be a number of threads, whole, from 1 to 1024, not {threads!r}")
    return count


def execute(
    plan: Plan,
    image: np.ndarray,
    *,
    out: np.ndarray | None = None,
    threads: int | None = None,
    point: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    tally: Tally | None = None,
    progress: Callable[[int, int], None] | None = None,
    band_rows: int | None = None,
) -> np.ndarray:
    """Run a plan over an array (rows, columns) or (rows, columns, channels) and return the result of the same kind.

    Parameters
    ----------
    point : callable, optional
        Called with the filtered values and the original samples under the anchor, both float64 (rows, columns,
        channels), returns what is to be rounded instead.
    tally : Tally, optional
        Counts what was clipped.
    progress : callable, optional
        Told (rows done, rows in all) after every band.
    band_rows : int, optional
        Height of a band; the result does not depend on it.
    """
    if image.dtype == np.float16 and plan.source == "float32":
        image = image.astype(np.float32)
    source = image if image.ndim == 3 else image[..., None]
    if source.shape != (plan.rows.size, plan.columns.size, plan.channels):
        raise OptionError(
            f"the plan is for {plan.rows.size} x {plan.columns.size} x {plan.channels}, the image has shape {image.shape}"
        )
    if type_name(image.dtype) != plan.source:
        raise OptionError(f"the plan is for {plan.source}, the image has {image.dtype.name}")
    run = Run(plan, source, threads, point, tally, progress, band_rows)
    return whole(plan, run, run.job.values_band, run.job.colours, image, out, tally)


class Run:
    """A plan at work on a picture, or on the part of it that begins with row `low`: rows of the result from top to
    bottom, bands of them on threads. Parameters as in `execute`."""

    def __init__(self, plan: Plan, source, threads=None, point=None, tally=None, progress=None, band_rows=None, low=0):
        self.plan, self.band_rows = plan, band_rows
        self.job = Job(plan, source, point, tally, low)
        self.fused = plan.fused and point is None and tally is None
        workers = default_threads() if threads is None else checked_threads(threads)
        self.workers = workers if plan.seconds > WORTH_THREADS else 1
        variants = {False, plan.alpha == "weight"} if plan.algorithm == "decimated" else set()
        self.grids = {weighted: Grid(plan, weighted) for weighted in variants}
        self.told = Told(progress, plan.rows.out)
        jit.ready(self.job.loops(self.fused))

    def fill(self, first: int, out: np.ndarray, work=None, most: int | None = None) -> None:
        """Compute rows first, first + 1, ... of the result, those after the ones computed last, into `out`.

        `work` makes a band; then `most` rows of one, where given, are what stays in a core's cache.
        """
        fused = self.fused and work is None
        work = work or (self.job.fused_band if fused else self.job.finished_band)
        height = self.plan.stripe_rows or len(out)
        for start in range(0, len(out), height):
            part = out[start : start + height]
            row = first + start
            self.reduce(row + len(part))
            for weighted, grid in self.grids.items():
                self.job.grids[weighted] = grid.smoothed_for(row, row + len(part), self._raw)
            bands = self.band_rows or _band_height(self.plan, len(part), self.workers, fused, most)
            run_bands(work, row, part, bands, self.workers, self.told)

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.job.move(source, low)

    def reduce(self, last: int | None = None, count: int = 0) -> None:
        """Make the coarse grid for the rows of the result above row `last`, or its first `count` rows."""
        source = self.job.source
        for grid in self.grids.values():
            grid.reduce(count if last is None else grid.rows_for(last), source.array, source.low, self._raw)

    def _raw(self, plan: Plan, rows: np.ndarray, low: int, first: int, out: np.ndarray, weighted: bool) -> None:
        """Rows first, first + 1, ... of the raw sums of another plan."""
        job = Job(plan, rows, low=low)

        def work(row, band, scratch):
            job.loop(row, band.reshape(len(band), -1), scratch, 0.0, 1, -1.0, weighted)

        run_bands(work, first, out, _band_height(plan, len(out), self.workers, True), self.workers)


def check_out(out, shape: tuple[int, ...], kind: str) -> None:
    """Raise OptionError if `out` is no writeable array of this shape and type."""
    if not isinstance(out, np.ndarray) or out.shape != shape or type_name(out.dtype) != kind:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise OptionError(f"out must be an array of {kind} {shape}, not {found}")
    if not out.flags.writeable:
        raise OptionError("out can't be written to")


def whole(plan, run, values_band, colours: int, image: np.ndarray, out, tally: Tally | None = None) -> np.ndarray:
    """All that a run gives for an array, of the array's kind, in `out` where that is given.

    plan         has `shape`, `channels`, `target` and `range`
    run          has `fill`, as `Run`
    values_band  what it fills bands with that are not yet rounded, to be stretched
    colours      channels that are; alpha is behind them
    """
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
    result = None
    if out is not None:
        check_out(out, wanted, plan.target)
        result = _direct_result(out, image, shape)
    if result is None:
        result = new_array(shape, plan.target)
    if plan.range == "stretch":
        values = new_array(shape, np.float64)
        run.fill(0, values, values_band)
        stretch_colours(values, result, colours, tally)
    else:
        run.fill(0, result)
    if out is None:
        return result.reshape(wanted)
    if not np.may_share_memory(out, result):
        out[...] = result.reshape(wanted)
    return out


def _direct_result(out, image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """`out` in this shape where a result can be written to it as it comes, band by band; None where it can't."""
    if out is None or not (out.flags.c_contiguous and out.dtype.isnative) or np.may_share_memory(out, image):
        return None
    return out.reshape(shape)


def new_array(shape, dtype) -> np.ndarray:
    """An array for a result; LimitError where there is no memory for it."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):
        raise LimitError(
            f"a result of {' x '.join(map(str, shape))} samples does not fit into memory; pad less"
        ) from None


class Told:
    """Passes on how many rows are done."""

    def __init__(self, progress, total: int):
        self.progress, self.total, self.done = progress, total, 0

    def add(self, rows: int) -> None:
        self.done += rows
        if self.progress is not None:
            self.progress(self.done, self.total)


def stretch_colours(values: np.ndarray, result: np.ndarray, colours: int, tally: Tally | None = None) -> None:
    """Float64 results of the range stretch, rounded; alpha, behind the colours, as it is."""
    stretch(values[..., :colours], result[..., :colours])
    if colours < values.shape[2]:
        finish(values[..., colours:], result[..., colours:], "clip", 0.0, 1, tally)


def run_bands(work, origin: int, out: np.ndarray, height: int, workers: int, told: Told | None = None) -> None:
    """Call `work(row, band of out, scratch)` for bands that cover `out`, whose first row is row `origin` of the result."""
    total = out.shape[0]
    starts = iter(range(0, total, height))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def drain():
        scratch: dict = {}
        while not failures:
            with lock:
                first = next(starts, None)
            if first is None:
                return
            try:
                band = out[first : first + height]
                work(origin + first, band, scratch)
                if told is not None:
                    with lock:
                        told.add(len(band))
            except BaseException as failure:
                failures.append(failure)
                return

    try:
        share(drain, min(workers, -(-total // height)) - 1)
    except BaseException as interrupt:
        failures.append(interrupt)  # the others stop after their band
        raise
    if failures:
        raise failures[0]


def _band_height(plan: Plan, total: int, threads: int, fused: bool, most: int | None = None) -> int:
    samples = plan.columns.out * plan.channels
    bands = min(threads * BANDS_PER_THREAD, max(threads, int(plan.seconds / BAND_SECONDS))) if threads > 1 else 1
    height = -(-total // bands)
    if plan.algorithm == "fft":
        return min(plan.block_rows, total)
    if plan.algorithm in ("dense", "box"):
        height = max(height, 2 * plan.ring_lines)  # every band begins by reading a whole window
    if not fused or plan.algorithm in ORDERS:
        rows = most or BAND_BYTES // (8 * samples)
        if plan.alpha == "weight":
            rows = max(rows, 2 * effective_size(plan.rows.taps, plan.rows.dilation))  # a band weighs its halo anew
        height = min(height, max(8, rows))
    # an interrupt is noticed between bands
    height = max(1, min(height, BAND_WORK * total // max(plan.multiply_adds, 1)))
    height = -(-height // plan.rows_together) * plan.rows_together
    return min(height, total)
