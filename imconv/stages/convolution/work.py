"""What a band of output rows becomes: the loop, then alpha, borders and rounding where the loop can't do them itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ... import jit
from ...engine.bordered_rows import Source
from ...engine.buffers import LARGEST_LANES
from ...engine.drive import whole
from ...engine.threads import Crew, band_count, run_bands
from ...errors import OptionError
from ...geometry.axis import effective_size
from ...pixels.alpha import unweight
from ...pixels.rounding import HALF_UP, Tally, finish, finish_sums, rounding_bias
from ...pixels.sample_types import type_name, type_range
from .coarse_grid import Grid
from .fft import InOrder, Spectrum
from .plan import ORDERS, Plan, check_normalized, directly
from .tables import Prepared, prepare

# Float bytes of a band that is finished outside the loop: it should stay in a core's cache.
BAND_BYTES = 1 << 19
BAND_WORK = 1_000_000_000  # multiply-adds: some 10 ms


class Job:
    """One plan over one picture, or a part of it whose first row is row `low`; its methods are called from several
    threads at once."""

    def __init__(self, plan: Plan, source: np.ndarray, point=None, tally=None, low: int = 0):
        self.plan, self.point, self.tally = plan, point, tally
        self.number = np.dtype(plan.accumulator).type
        self.colours = plan.channels - (plan.alpha in ("weight", "keep"))
        self.source = Source(plan, source, low)
        self.inside = self._inside() if plan.border.mode == "normalized" else None
        self.direct = directly(plan)
        self.arrays = Spectrum(plan) if plan.algorithm == "fft" else InOrder(plan) if plan.algorithm in ORDERS else None
        total = plan.kernel.sum() * plan.divisor
        self.total = float(round(total)) if plan.exact else total  # the weights' sum as the loops have it
        loops = plan.source == plan.target and plan.source in ("uint8", "uint16", "float32", "float64")
        simple = plan.range == "clip" and self.inside is None and tally is None and plan.rounding == HALF_UP
        simple = simple and not plan.keeps_edges
        self.unweighed_by_loop = loops and simple and point is None and plan.alpha == "weight"
        axes = (plan.rows, plan.columns)
        same = all((axis.out, axis.stride) == (axis.size, 1) for axis in axes)
        # whether every sample of the result lies on the picture's own
        self.aligned = same and all(axis.before == axis.anchor * axis.dilation for axis in axes)
        in_place = self.source.flat is not None and self.aligned
        self.point_by_loop = loops and simple and in_place and hasattr(point, "loop") and plan.alpha != "keep"
        self.grids: dict = {}  # for a decimated plan: weighted or not -> coarse grid, where row 0's interpolation begins
        variants = set() if self.arrays else {False, plan.alpha == "weight"}
        self.prepared = {weighted: self._prepare(weighted) for weighted in variants}

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.source.move(source, low)

    def loops(self, fused: bool) -> list[tuple[str, tuple[str, ...]]]:
        """The compiled loops that bands will call, as far as that is known beforehand."""
        plan, weighted = self.plan, self.plan.alpha == "weight"
        source, sums, target = self.source.window_type(weighted), plan.accumulator, plan.target
        found = []
        if self.prepared:
            prepared = self.prepared[weighted]
            kinds = {"S": source, "O": target if fused else sums, **prepared.kinds}
            found.append(jit.loop(prepared.loop).specialised(kinds))
        if plan.algorithm == "decimated":
            for read in (source, sums):
                found.append(jit.loop("separable.correlate_separable").specialised({"S": read, "A": sums, "O": sums}))
        if weighted and self.source.flat is not None:
            found.append(jit.loop("alpha.weigh").specialised({"S": self.source.type, "O": source}))
        values = sums
        if self.unweighed_by_loop or (self.point_by_loop and weighted):
            values = "float64" if self.point_by_loop else sums
            result = values if self.point_by_loop else target
            found.append(jit.loop("alpha.unweigh").specialised({"A": sums, "O": result}))
        if self.point_by_loop:
            found.append(jit.loop(self.point.loop).specialised({"A": values, "S": self.source.type, "O": target}))
        return found

    # --- what a band becomes ---------------------------------------------------------------------------------------

    def fused_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """The loop rounds and stores by itself."""
        plan = self.plan
        flat = out.reshape(out.shape[0], -1)
        if flat.dtype.kind == "f":
            self.loop(first, flat, scratch, plan.offset, plan.divisor, -1.0)
        else:
            top = type_range(flat.dtype)[1]
            flat = flat.view(np.uint8) if flat.dtype == bool else flat
            bias, divisor = rounding_bias(plan.offset, plan.divisor, plan.exact), plan.divisor
            if plan.by_product:
                bias, divisor = (bias + 0.5) / divisor, 1 / divisor
            self.loop(first, flat, scratch, bias, divisor, top)

    def finished_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Float sums, then alpha, range policy and rounding."""
        plan, split = self.plan, self.colours
        plain = self.inside is None and self.point is None and not plan.keeps_edges
        if plan.alpha in ("none", "separate") and plain:
            sums = self._sums(first, out.shape[0], scratch)
            how = plan.exact, plan.by_product, plan.rounding
            finish(sums, out, plan.range, plan.offset, plan.divisor, self.tally, *how)
            return
        if self.unweighed_by_loop:
            self._unweigh(first, out, scratch)
            return
        if self.point_by_loop:
            self._point(first, out, scratch)
            return
        values = self.values(first, out.shape[0], scratch)
        how = self.tally, False, False, plan.rounding
        finish(values[..., :split], out[..., :split], plan.range, 0.0, 1, *how)
        if split < plan.channels:
            finish(values[..., split:], out[..., split:], "clip", 0.0, 1, *how)

    def _point(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """What `values`, with its point, and `finish` do, in compiled loops."""
        plan, count = self.plan, out.shape[0]
        divisor = float(plan.divisor)
        if plan.alpha == "weight":
            values, divisor = np.empty(out.shape, np.float64), 1.0
            self._unweigh(first, values, scratch)
        else:
            values = self._sums(first, count, scratch)
        top = -1.0 if out.dtype.kind == "f" else type_range(out.dtype)[1]
        jit.loop(self.point.loop)(
            values.reshape(count, -1),
            divisor,
            self.source.flat,
            first - self.source.low,
            *self.point.settings,
            top,
            out.reshape(count, -1),
        )

    def _unweigh(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Alpha-weighted sums to samples; what `values` and `finish` do, in compiled loops."""
        plan, count = self.plan, out.shape[0]
        sums = self._sums(first, count, scratch, weighted=True).reshape(count, -1)
        flat = out.reshape(count, -1)
        top = -1.0 if out.dtype.kind == "f" else type_range(out.dtype)[1]
        empty = np.empty(count, np.uint8)
        offset, divisor = float(plan.offset), float(plan.divisor)
        jit.loop("alpha.unweigh")(sums, plan.channels, self.total, offset, divisor, top, flat, empty)
        if empty.any():
            plain = self._sums(first, count, scratch).reshape(count, -1)
            jit.loop("alpha.fill_empty")(sums, plain, plan.channels, offset, divisor, top, flat)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Float values, not yet rounded."""
        out[...] = self.values(first, out.shape[0], scratch)

    # --- values ----------------------------------------------------------------------------------------------------

    def values(self, first: int, count: int, scratch: dict) -> np.ndarray:
        """Filtered values in output units, float64 (count, columns, channels), alpha and border settled."""
        plan = self.plan
        sums = self._sums(first, count, scratch, weighted=plan.alpha == "weight")
        values = np.empty(sums.shape, np.float64)
        if plan.alpha == "weight":
            values[..., :-1] = unweight(sums, lambda: self._plain(first, count, scratch)[..., :-1], self.total, plan.offset,
                                        plan.divisor)  # fmt: skip
            values[..., -1] = self._divided(sums[..., -1:], first, 0.0)[..., 0]
        else:
            values[...] = self._divided(sums, first, plan.offset)
        if plan.alpha == "keep":
            values[..., -1] = self.originals(first, count, -1)
        if self.point is not None:
            values = self.point(values, self.originals(first, count))
        if plan.keeps_edges:
            np.copyto(values, self.originals(first, count), where=self._edges(first, count))
        return values

    def _edges(self, first: int, count: int) -> np.ndarray:
        """Where the window reaches out of the picture: (count, columns, 1)."""
        rows, columns = (
            np.logical_or(low > 0, high < axis.taps)
            for axis in (self.plan.rows, self.plan.columns)
            for low, high in [axis.inside()]
        )
        return (rows[first : first + count, None] | columns)[..., None]

    def _plain(self, first: int, count: int, scratch: dict) -> np.ndarray:
        return self._divided(self._sums(first, count, scratch), first, self.plan.offset)

    def _divided(self, sums: np.ndarray, first: int, offset: float) -> np.ndarray:
        """`sums / divisor + offset`, re-weighted where taps fell outside a normalized border."""
        sums = sums.astype(np.float64)
        divisor = self.plan.divisor
        if self.inside is None:
            return (sums + offset) / divisor
        lines, table = self.inside
        inside = table[lines[first : first + len(sums)]][..., None]
        total = self.plan.combined_weights.sum()
        return (sums * total + offset * inside) / (inside * divisor)

    def _inside(self) -> tuple[np.ndarray, np.ndarray]:
        """For each output row which line of a table (lines, columns) has the sums of the weights on the picture."""
        plan = self.plan
        weights = plan.combined_weights
        (top, bottom), (left, right) = plan.rows.inside(), plan.columns.inside()
        vertical, row_line = np.unique(np.stack([top, bottom]), axis=1, return_inverse=True)
        horizontal, column_line = np.unique(np.stack([left, right]), axis=1, return_inverse=True)
        # summed anew for every window: differences of cumulated weights would lose a small corner's digits
        strips = np.stack([weights[a:b].sum(axis=0) for a, b in vertical.T])
        sums = np.stack([strips[:, a:b].sum(axis=1) for a, b in horizontal.T], axis=1)
        check_normalized(plan, sums)
        return row_line.ravel(), sums[:, column_line.ravel()]

    def originals(self, first: int, count: int, channels=slice(None)) -> np.ndarray:
        """The source samples under the anchor, in the result's units, for `count` output rows; the border's where it has none.

        `channels` are the ones wanted, or the one.
        """
        plan = self.plan
        rows = self.source.rows[_anchored(plan.rows)[first : first + count]]
        columns = self.source.columns[_anchored(plan.columns)]
        band = self.source.array[..., channels][rows[:, None], columns].astype(np.float64)
        missing = (rows < 0)[:, None] | (columns < 0)
        if missing.any():
            band[missing] = self.source.fill[channels]
        return band if plan.scale == 1 else band * plan.scale.numerator / plan.scale.denominator

    def _sums(self, first: int, count: int, scratch: dict, weighted: bool = False) -> np.ndarray:
        """The loop's raw sums, (count, columns, channels), valid until the next call with this scratch."""
        plan = self.plan
        shape = (count, plan.columns.out * plan.channels)
        band = scratch.get(("band", weighted))
        if band is None or band.shape[0] < count:
            band = scratch[("band", weighted)] = np.empty(shape, plan.accumulator)
        self.loop(first, band[:count], scratch, 0.0, 1, -1.0, weighted)
        return band[:count].reshape(count, plan.columns.out, plan.channels)

    # --- the loop --------------------------------------------------------------------------------------------------

    def _prepare(self, weighted: bool) -> Prepared:
        fill = self.source.weighted_fill if weighted else self.source.fill
        return prepare(self.plan, tuple(fill.tolist()))

    def loop(self, first, out, scratch, bias, divisor, top, weighted=False) -> None:
        """Run the compiled loop for the rows of `out`, (rows, samples); `weighted` colours are multiplied by alpha."""
        if self.arrays is not None:
            sums = self.arrays.sums(self.source, first, out.shape[0], weighted)
            finish_sums(sums, out, bias, divisor, top)
        else:
            self._loop(first, out, scratch, bias, divisor, top, weighted)
        if self.direct is not None and not np.isfinite(out).all():
            self._redo(first, out, bias, divisor, top, weighted)

    def _loop(self, first, out, scratch, bias, divisor, top, weighted) -> None:
        number = self.number
        call = scratch.get(("loop", weighted))
        if call is None:
            prepared = self.prepared[weighted]
            call = jit.loop(prepared.loop).bound(*prepared.tables, *prepared.buffers())
            scratch["loop", weighted] = call
        narrow = out.shape[1] < LARGEST_LANES
        target = np.empty((out.shape[0], LARGEST_LANES), out.dtype) if narrow else out
        call(*self._input(first, out.shape[0], weighted), first, target, number(bias), number(divisor), number(top))
        if narrow:
            out[...] = target[:, : out.shape[1]]

    def _redo(self, first, out, bias, divisor, top, weighted) -> None:
        """Sum anew, tap by tap, what is not finite."""
        direct = np.empty_like(out)
        job = Job(self.direct, self.source.array, low=self.source.low)
        job.loop(first, direct, {}, bias, divisor, top, weighted)
        np.copyto(out, direct, where=~np.isfinite(out))

    def _input(self, first: int, count: int, weighted: bool) -> tuple:
        """The loop's first arguments: what it reads, and how that is laid out."""
        rows, columns, channels = self.plan.rows, self.plan.columns, self.plan.channels
        if self.plan.algorithm == "decimated":
            grid, origin = self.grids[weighted]
            down, along = self.plan.decimation
            return grid.reshape(grid.shape[0], -1), channels, down.step, origin, along.step
        start = first * rows.stride
        stop = start + (count - 1) * rows.stride + effective_size(rows.taps, rows.dilation)
        table, window = self.source.window(start, stop, weighted)
        fill = self.prepared[weighted].fill
        return (
            window,
            self.source.samples,
            channels,
            table,
            self.source.columns,
            columns.before,
            fill,
            rows.stride,
            columns.stride,
        )


def _anchored(axis) -> np.ndarray:
    """The padded sample under the anchor of each output sample."""
    return np.arange(axis.out) * axis.stride + axis.anchor * axis.dilation


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
