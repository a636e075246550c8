"""Executes a plan: stripes of the result one after another, each cut into row bands that threads take."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial

import numpy as np

from . import jit
from .accuracy import type_name
from .bands import Job
from .errors import LimitError, OptionError
from .geometry import effective_size
from .grids import Grid
from .idle import give_back, run_of
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


def thread_count(threads) -> int:
    """`checked_threads`, for None the default."""
    return default_threads() if threads is None else checked_threads(threads)


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
    if type_name(image.dtype) == "float16" and plan.source == "float32":
        image = image.astype(np.float32)
    source = image if image.ndim == 3 else image[..., None]
    if source.shape != (plan.rows.size, plan.columns.size, plan.channels):
        raise OptionError(
            f"the plan is for {plan.rows.size} x {plan.columns.size} x {plan.channels}, the image has shape {image.shape}"
        )
    if type_name(image.dtype) != plan.source:
        raise OptionError(f"the plan is for {plan.source}, the image has {image.dtype.name}")
    make = Run if point is band_rows is None else partial(Run, point=point, band_rows=band_rows)
    return whole(make, plan, source, image, out, threads, tally, progress)


class Run:
    """A plan at work on a picture, or on the part of it that begins with row `low`: rows of the result from top to
    bottom, bands of them on threads. Parameters as in `execute`."""

    def __init__(self, plan: Plan, source, threads=None, tally=None, progress=None, low=0, point=None, band_rows=None):
        self.plan, self.band_rows = plan, band_rows
        self.job = Job(plan, source, point, tally, low)
        self.colours, self.values_band = self.job.colours, self.job.values_band
        self.fused = plan.fused and point is None and tally is None
        self.crew = Crew(plan, threads, progress)
        variants = {False, plan.alpha == "weight"} if plan.algorithm == "decimated" else set()
        self.grids = {weighted: Grid(plan, weighted) for weighted in variants}
        self._heights: dict[tuple, int] = {}
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
            bands = self.band_rows or self._band_height(len(part), fused, most)
            self.crew.run(work, row, part, bands)

    def _band_height(self, *how) -> int:
        height = self._heights.get(how)
        if height is None:
            rows, fused, most = how
            height = self._heights[how] = _band_height(self.plan, rows, self.crew.workers, fused, most)
        return height

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.job.move(source, low)

    def release(self) -> None:
        """Hold no picture until the next one."""
        self.job.source.release()

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

        workers = self.crew.workers
        run_bands(work, first, out, _band_height(plan, len(out), workers, True), workers)


def check_out(out, shape: tuple[int, ...], kind: str) -> None:
    """Raise OptionError if `out` is no writeable array of this shape and type."""
    if not isinstance(out, np.ndarray) or out.shape != shape or type_name(out.dtype) != kind:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise OptionError(f"out must be an array of {kind} {shape}, not {found}")
    if not out.flags.writeable:
        raise OptionError("out can't be written to")


def whole(make, plan, source, image: np.ndarray, out=None, threads=None, tally=None, progress=None) -> np.ndarray:
    """All that a run gives for an array, of the array's kind, in `out` where that is given.

    make            a class such as `Run`, or a function that makes one: called with plan, source, threads, tally and
                    progress. Its instances have `fill`, `values_band`, which gives what is not yet rounded, to be stretched,
                    and `colours`, the channels that are; alpha is behind them
    plan            has `shape`, `channels`, `target` and `range`
    source          the image as (rows, columns, channels)
    """
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 or plan.channels > 1 else shape[:2]
    threads = thread_count(threads)
    result = None
    if out is not None:
        check_out(out, wanted, plan.target)
        result = _direct_result(out, image, shape)
    if result is None:
        result = new_array(shape, plan.target)
    kept = isinstance(make, type) and tally is progress is None and plan.algorithm != "decimated"
    run = run_of(make, plan, source, threads) if kept else make(plan, source, threads, tally, progress)
    if plan.range == "stretch":
        values = new_array(shape, np.float64)
        run.fill(0, values, run.values_band)
        stretch_colours(values, result, run.colours, tally)
    else:
        run.fill(0, result)
    if kept:
        give_back(run, threads)
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

    def __init__(self, progress: Callable[[int, int], None], total: int):
        self.progress, self.total, self.done = progress, total, 0

    def add(self, rows: int) -> None:
        self.done += rows
        self.progress(self.done, self.total)


def band_count(plan, threads: int) -> int:
    """Into how many bands work is cut: some for each thread, as long as they are worth taking."""
    return min(threads * BANDS_PER_THREAD, max(threads, int(plan.seconds / BAND_SECONDS))) if threads > 1 else 1


class Crew:
    """The threads of a run: how many, the buffers they work in from one band to the next, and who is told of rows done."""

    def __init__(self, plan, threads=None, progress=None):
        self.workers = thread_count(threads) if plan.seconds > WORTH_THREADS else 1
        self.scratches: list[dict] = []
        self.told = None if progress is None else Told(progress, plan.rows.out)
        self.bands = band_count(plan, self.workers)

    def height(self, rows: int) -> int:
        """How many of so many rows make a band."""
        return -(-rows // self.bands)

    def run(self, work, first: int, out: np.ndarray, height: int) -> None:
        """`run_bands` with them."""
        run_bands(work, first, out, height, self.workers, self.told, self.scratches)


def stretch_colours(values: np.ndarray, result: np.ndarray, colours: int, tally: Tally | None = None) -> None:
    """Float64 results of the range stretch, rounded; alpha, behind the colours, as it is."""
    stretch(values[..., :colours], result[..., :colours])
    if colours < values.shape[2]:
        finish(values[..., colours:], result[..., colours:], "clip", 0.0, 1, tally)


def run_bands(
    work,
    origin: int,
    out: np.ndarray,
    height: int,
    workers: int,
    told: Told | None = None,
    scratches: list[dict] | None = None,
) -> None:
    """Call `work(row, band of out, scratch)` for bands that cover `out`, whose first row is row `origin` of the result.

    `scratches` are the threads' buffers of the last call like this, and are left there for the next.
    """
    held = [] if scratches is None else scratches
    total = out.shape[0]
    starts = iter(range(0, total, height))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def drain():
        try:
            scratch = held.pop()
        except IndexError:
            scratch = {}
        while not failures:
            with lock:
                first = next(starts, None)
            if first is None:
                held.append(scratch)
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
    height = -(-total // band_count(plan, threads))
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
