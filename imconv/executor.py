"""Executes a plan: row bands on threads, scratch memory, and what follows the loop where the loop can't do it itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import numpy as np

from . import jit
from .border import fill_values
from .color import unweight
from .errors import OptionError
from .planner import LARGEST_SAMPLE, LOOP_TYPES, Plan, check_normalized
from .rounding import Tally, finish, rounding_bias, stretch, type_range

# Fewer samples than this are one band on one thread: starting a thread costs about as much as filtering them.
SINGLE_BAND = 1 << 16
# Float bytes of a band that is finished outside the loop: it should stay in a core's cache.
BAND_BYTES = 1 << 19
BANDS_PER_THREAD = 4  # so that no thread waits long for the last band


def default_threads() -> int:
    """`IMCONV_THREADS`, else as many threads as this process has cores."""
    asked = os.environ.get("IMCONV_THREADS")
    if asked:
        return checked_threads(asked, "IMCONV_THREADS")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads, name: str = "threads") -> int:
    """A number of threads; OptionError, by this name, for anything else."""
    try:
        count = int(threads)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= 1024 or "_" in str(threads):
        raise OptionError(f"{name} must be a whole number from 1 to 1024, not {threads!r}")
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
    source = image if image.ndim == 3 else image[..., None]
    if source.shape != (plan.rows.size, plan.columns.size, plan.channels):
        raise OptionError(
            f"the plan is for {plan.rows.size} x {plan.columns.size} x {plan.channels}, the image has shape {image.shape}"
        )
    if image.dtype.name != plan.source:
        raise OptionError(f"the plan is for {plan.source}, the image has {image.dtype.name}")
    shape = (*plan.shape, plan.channels)
    wanted = shape if image.ndim == 3 else shape[:2]
    result = np.empty(shape, plan.target)
    if out is not None:
        if not isinstance(out, np.ndarray) or out.shape != wanted or out.dtype != result.dtype:
            found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
            raise OptionError(f"out must be an array of {plan.target} {wanted}, not {found}")
        if not out.flags.writeable:
            raise OptionError("out can't be written to")
        if out.flags.c_contiguous and not np.may_share_memory(out, image):
            result = out.reshape(shape)
    job = _Job(plan, source, point, tally)
    if plan.range == "stretch":
        values = np.empty(shape, np.float64)
        _run_bands(job.values_band, values, plan, threads, progress, band_rows)
        _stretch_colours(job, values, result)
    elif plan.fused and point is None and tally is None:
        _run_bands(job.fused_band, result, plan, threads, progress, band_rows)
    else:
        _run_bands(job.finished_band, result, plan, threads, progress, band_rows)
    if out is not None:
        if not np.may_share_memory(out, result):
            out[...] = result.reshape(wanted)
        return out
    return result.reshape(wanted)


def _stretch_colours(job: _Job, values: np.ndarray, result: np.ndarray) -> None:
    colours = job.colours
    stretch(values[..., :colours], result[..., :colours])
    if colours < values.shape[2]:
        finish(values[..., colours:], result[..., colours:], "clip", 0.0, 1, job.tally)


def _run_bands(work, out, plan: Plan, threads, progress, band_rows) -> None:
    """Call `work(first, out[first:last])` for bands that cover `out`, on several threads."""
    count = default_threads() if threads is None else checked_threads(threads)
    total = out.shape[0]
    height = band_rows or _band_height(plan, total, count, work.__name__ == "fused_band")
    starts = iter(range(0, total, height))
    lock = threading.Lock()
    failures: list[BaseException] = []
    done = 0

    def drain():
        nonlocal done
        scratch: dict = {}
        while not failures:
            with lock:
                first = next(starts, None)
            if first is None:
                return
            try:
                work(first, out[first : first + height], scratch)
                if progress is not None:
                    with lock:
                        done += min(height, total - first)
                        progress(done, total)
            except BaseException as failure:
                failures.append(failure)
                return

    helpers = [threading.Thread(target=drain, daemon=True) for _ in range(min(count, -(-total // height)) - 1)]
    for helper in helpers:
        helper.start()
    try:
        drain()
        for helper in helpers:
            helper.join()
    except BaseException as interrupt:
        failures.append(interrupt)  # the others stop after their band
        raise
    if failures:
        raise failures[0]


def _band_height(plan: Plan, total: int, threads: int, fused: bool) -> int:
    samples = plan.columns.out * plan.channels
    if total * samples <= SINGLE_BAND and fused:
        return total
    height = -(-total // (threads * BANDS_PER_THREAD)) if threads > 1 else total
    if plan.algorithm == "dense":
        height = max(height, 2 * plan.ring_lines)  # every band loads its halo anew
    if not fused:
        height = min(height, max(8, BAND_BYTES // (8 * samples)))
    return max(1, min(height, total))


class _Job:
    """One plan over one picture: tables shared by all bands."""

    def __init__(self, plan: Plan, source: np.ndarray, point, tally):
        self.plan, self.point, self.tally = plan, point, tally
        self.number = np.dtype(plan.accumulator).type
        self.row_table = plan.rows.sources(plan.border)
        self.column_table = plan.columns.sources(plan.border)
        self.colours = plan.channels - (plan.alpha in ("weight", "keep"))
        self.samples = source.shape[1] * plan.channels
        self.source = source
        loop_type = plan.source if plan.source in LOOP_TYPES | {"bool"} else "float64"
        self.read_type = np.dtype("uint8" if loop_type == "bool" else loop_type)
        whole = source.flags.c_contiguous and source.dtype.isnative and source.dtype.name == loop_type
        self.rows2d = source.view(self.read_type).reshape(source.shape[0], self.samples) if whole else None
        if plan.border.mode == "constant" and plan.source in LARGEST_SAMPLE and any(v != v for v in plan.border.values):
            raise OptionError("border constant:nan needs a float picture")
        self.fill = fill_values(
            plan.border, plan.channels, None if plan.alpha == "none" else type_range(np.dtype(plan.source))[1]
        )
        self.inside = self._inside() if plan.border.mode == "normalized" else None
        self.places = [_line_place(plan, column) for column in range(plan.columns.taps)]

    # --- what a band becomes ---------------------------------------------------------------------------------------

    def fused_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """The loop rounds and stores by itself."""
        plan = self.plan
        flat = out.reshape(out.shape[0], -1)
        if flat.dtype.kind == "f":
            self._loop(first, flat, scratch, plan.offset, plan.divisor, -1.0)
        else:
            top = type_range(flat.dtype)[1]
            flat = flat.view(np.uint8) if flat.dtype == bool else flat
            self._loop(first, flat, scratch, rounding_bias(plan.offset, plan.divisor), plan.divisor, top)

    def finished_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Float sums, then alpha, range policy and rounding."""
        plan, split = self.plan, self.colours
        if plan.alpha in ("none", "separate") and self.inside is None and self.point is None:
            finish(self._sums(first, out.shape[0], scratch), out, plan.range, plan.offset, plan.divisor, self.tally)
            return
        values = self._values(first, out.shape[0], scratch)
        finish(values[..., :split], out[..., :split], plan.range, 0.0, 1, self.tally)
        if split < plan.channels:
            finish(values[..., split:], out[..., split:], "clip", 0.0, 1, self.tally)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Float values, not yet rounded."""
        out[...] = self._values(first, out.shape[0], scratch)

    # --- values ----------------------------------------------------------------------------------------------------

    def _values(self, first: int, count: int, scratch: dict) -> np.ndarray:
        """Filtered values in output units, float64 (count, columns, channels), alpha and border settled."""
        plan = self.plan
        sums = self._sums(first, count, scratch, weighted=plan.alpha == "weight")
        values = np.empty(sums.shape, np.float64)
        if plan.alpha == "weight":
            gain = float(plan.kernel.sum())
            values[..., :-1] = unweight(sums, lambda: self._plain(first, count, scratch)[..., :-1], gain,
                                        plan.offset / plan.divisor)  # fmt: skip
            values[..., -1] = self._divided(sums[..., -1:], first, 0.0)[..., 0]
        else:
            values[...] = self._divided(sums, first, plan.offset)
        if plan.alpha == "keep":
            values[..., -1] = self._originals(first, count)[..., -1]
        return values if self.point is None else self.point(values, self._originals(first, count).astype(np.float64))

    def _plain(self, first: int, count: int, scratch: dict) -> np.ndarray:
        return self._divided(self._sums(first, count, scratch), first, self.plan.offset)

    def _divided(self, sums: np.ndarray, first: int, offset: float) -> np.ndarray:
        """`sums / divisor + offset`, re-weighted where taps fell outside a normalized border."""
        sums = sums.astype(np.float64)
        divisor = self.plan.divisor
        if self.inside is None:
            return (sums + offset) / divisor
        top, bottom, table, total = self.inside
        inside = table(top[first : first + len(sums)], bottom[first : first + len(sums)])[..., None]
        return sums * total / (inside * divisor) + offset / divisor

    def _inside(self):
        """Sums of the weights that lie on the picture, from a table of cumulated weights."""
        plan = self.plan
        weights = plan.weights[0] if plan.algorithm == "dense" else np.outer(*plan.weights)
        corner = np.zeros((weights.shape[0] + 1, weights.shape[1] + 1))
        corner[1:, 1:] = weights.cumsum(axis=0).cumsum(axis=1)
        top, bottom = plan.rows.inside()
        left, right = plan.columns.inside()

        def table(top, bottom):
            rows = corner[bottom] - corner[top]
            return rows[:, right] - rows[:, left]

        check_normalized(plan, table(*np.unique(np.stack([top, bottom]), axis=1)))
        return top, bottom, table, corner[-1, -1]

    def _originals(self, first: int, count: int) -> np.ndarray:
        """The source samples under the anchor, for `count` output rows; 0 where the border has none."""
        plan = self.plan
        rows = self.row_table[_anchored(plan.rows)[first : first + count]]
        columns = self.column_table[_anchored(plan.columns)]
        band = self.source[rows[:, None], columns]
        missing = (rows < 0)[:, None] | (columns < 0)
        if missing.any():
            band = np.where(missing[..., None], self.fill.astype(band.dtype), band)
        return band

    def _sums(self, first: int, count: int, scratch: dict, weighted: bool = False) -> np.ndarray:
        """The loop's raw sums, (count, columns, channels), valid until the next call with this scratch."""
        plan = self.plan
        shape = (count, plan.columns.out * plan.channels)
        band = scratch.get(("band", weighted))
        if band is None or band.shape[0] < count:
            band = scratch[("band", weighted)] = np.empty(shape, plan.accumulator)
        self._loop(first, band[:count], scratch, 0.0, 1, -1.0, weighted)
        return band[:count].reshape(count, plan.columns.out, plan.channels)

    # --- the loop --------------------------------------------------------------------------------------------------

    def _loop(self, first, out, scratch, bias, divisor, top, weighted=False) -> None:
        plan, number = self.plan, self.number
        table, window = self._window(first, out.shape[0])
        fill = self.fill.astype(plan.accumulator)
        if weighted:
            fill[:-1] *= fill[-1]
        buffers = scratch.get("buffers")
        if buffers is None:
            buffers = scratch["buffers"] = self._buffers()
        head = (window, plan.channels, table, self.column_table, plan.columns.before, fill, weighted, plan.rows.stride,
                plan.columns.stride)  # fmt: skip
        tail = (first, out, number(bias), number(divisor), number(top), *buffers)
        name = "correlate_" + plan.algorithm
        jit.loop(plan.algorithm, name)(*head, *self._taps(), *tail)

    def _taps(self) -> tuple[np.ndarray, ...]:
        """The plan's weights as the loops take them: rows, places in a line, weights."""
        plan = self.plan
        places = np.array(self.places, dtype=np.int64)
        if plan.algorithm == "separable":
            column, row = (w.astype(plan.accumulator) for w in plan.weights)
            return np.arange(column.size) * plan.rows.dilation, column, places, row
        weights = plan.weights[0]
        taken = np.ones(weights.shape, bool) if plan.kernel.included is None else plan.kernel.included
        if plan.source not in ("float32", "float64"):
            taken = taken & (weights != 0)  # in a float picture 0 * NaN counts
        rows, columns = np.nonzero(taken)
        return rows * plan.rows.dilation, places[columns], weights[rows, columns].astype(plan.accumulator)

    def _buffers(self) -> tuple[np.ndarray, ...]:
        plan = self.plan
        kind = plan.accumulator
        line = plan.columns.span * plan.channels
        sums = np.empty(plan.columns.out * plan.channels, kind)
        if plan.algorithm == "separable":
            return np.empty(self.samples, kind), np.empty(line, kind), np.empty(plan.channels, kind), sums
        return np.empty((plan.ring_lines, line), kind), np.empty(plan.ring_lines, np.int64), sums

    def _window(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows a band reads, contiguous and of a type the loops know, and the table that leads to them."""
        if self.rows2d is not None:
            return self.row_table, self.rows2d
        rows = self.plan.rows
        start = first * rows.stride
        stop = start + (count - 1) * rows.stride + (rows.taps - 1) * rows.dilation + 1
        needed = np.unique(self.row_table[start:stop])
        needed = needed[needed >= 0]
        if needed.size == 0:
            needed = np.zeros(1, np.int64)
        window = np.ascontiguousarray(self.source[needed], dtype=None if self.plan.source == "bool" else self.read_type)
        table = np.where(self.row_table < 0, -1, np.searchsorted(needed, self.row_table))
        return table, window.view(self.read_type).reshape(needed.size, self.samples)


def _anchored(axis) -> np.ndarray:
    """The padded sample under the anchor of each output sample."""
    return np.arange(axis.out) * axis.stride + axis.anchor * axis.dilation


def _line_place(plan: Plan, tap: int) -> int:
    """Where in a line (loops/line.py) a tap begins to read."""
    columns = plan.columns
    at = tap * columns.dilation
    phase, place = at % columns.stride, at // columns.stride
    before = phase * (columns.span // columns.stride) + min(phase, columns.span % columns.stride)
    return (before + place) * plan.channels
