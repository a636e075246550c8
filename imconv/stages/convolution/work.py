"""`ConvolutionWork`: computes bands of a correlation. Sums come from the loop; alpha, borders and rounding from the loop or NumPy."""

from __future__ import annotations

import numpy as np

from ... import jit
from ...engine.bordered_rows import BorderedRows
from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Work
from ...engine.threads import band_count, run_bands
from ...errors import KernelError
from ...geometry.axis import effective_size
from ...pixels.alpha import KEPT, WEIGHTED, unweight
from ...pixels.rounding import HALF_UP, finish, finish_sums, rounding_bias
from ...pixels.sample_types import type_range
from .algorithms import prepare
from .clamp import clamp
from .flatness import gain_of

# Bytes of float sums of a band that is rounded outside the loop: they should stay in a core's cache.
BAND_BYTES = 1 << 19
BAND_WORK = 1_000_000_000  # most multiply-adds of a band: an interrupt is noticed only between bands, after some 10 ms


class Sums:
    """Computes a plan's raw sums over a picture, or over the part of it that begins with row `low`.

    Its methods are called from several threads at once.
    """

    def __init__(self, plan, rows: np.ndarray, low: int = 0):
        self.plan, self.how = plan, plan.how
        self.rows = BorderedRows(plan, rows, low)
        self.direct = plan.direct
        self.arrays = self.how.arrays(plan)
        self.clamps = not plan.exact and plan.how.clamps(plan.weights) and self._rounds()
        self.prepared, self.grids = {}, {}
        variants = (False, True) if plan.alpha in WEIGHTED else (False,)
        for weighted in variants if self.arrays is None else ():
            fill = self.rows.weighted_fill if weighted else self.rows.fill
            self.prepared[weighted] = prepare(plan, tuple(fill.tolist()))
            grid = self.how.grid(plan, weighted)
            if grid is not None:
                self.grids[weighted] = grid

    def _rounds(self) -> bool:
        """Whether rounding can carry results past the samples of their window: float64 sums rounded once to float32 stay
        between them, but those of weights whose sum is 0 are not exactly 0 over a flat window."""
        plan = self.plan
        return plan.target == "float64" or (plan.target == "float32" and gain_of(plan.combined_weights) == 0)

    def loops(self, target: str) -> list[tuple[str, tuple[str, ...]]]:
        """The compiled loops that bands will call for results of type `target`, as far as they are known beforehand."""
        plan, weighted = self.plan, self.plan.alpha in WEIGHTED
        source, found = self.rows.window_type(weighted), []
        if self.prepared:
            prepared = self.prepared[weighted]
            found.append(jit.loop(prepared.loop).specialised({"S": source, "O": target, **prepared.types}))
        found += [jit.loop(name).specialised(types) for name, types in self.how.more_loops(plan, source)]
        if weighted and self.rows.flat is not None:
            found.append(jit.loop("alpha.weigh").specialised({"S": self.rows.type, "O": source}))
        return found

    def prepare_grids(self, workers: int, last: int | None = None, count: int = 0) -> None:
        """Compute the first `count` rows of the coarse grids, or those that the result's rows above row `last` need."""
        for grid in self.grids.values():
            needed = count if last is None else grid.rows_for(last)
            grid.reduce(needed, self.rows.array, self.rows.low, _raw_sums(workers))

    def smooth_grids(self, workers: int, first: int, last: int) -> None:
        """Smooth the coarse grids for rows first .. last - 1 of the result."""
        for grid in self.grids.values():
            grid.smooth_for(first, last, _raw_sums(workers))

    def band(self, first: int, count: int, scratch: dict, weighted: bool = False) -> np.ndarray:
        """Raw sums (count, columns, channels) of rows first, first + 1, ...; valid until the next call with the same scratch."""
        plan = self.plan
        shape = (count, plan.columns.out * plan.channels)
        band = scratch.get(("band", weighted))
        if band is None or band.shape[0] < count:
            band = scratch[("band", weighted)] = np.empty(shape, plan.accumulator)
        self.loop(first, band[:count], scratch, 0.0, 1, -1.0, weighted)
        return band[:count].reshape(count, plan.columns.out, plan.channels)

    def loop(self, first, out, scratch, bias, divisor, top, weighted=False) -> None:
        """Compute the rows of `out`, (rows, samples), by the loop or by NumPy; with `weighted`, colours are multiplied by alpha."""
        if self.arrays is not None:
            sums = self.arrays.sums(self.rows, first, out.shape[0], weighted)
            finish_sums(sums, out, bias, divisor, top)
        else:
            self._loop(first, out, scratch, bias, divisor, top, weighted)
        if self.clamps and bias == 0 and divisor == 1:
            clamp(self.plan, self.rows, first, out, weighted)
        if self.direct is not None and not np.isfinite(out).all():
            self._redo(first, out, bias, divisor, top, weighted)

    def _loop(self, first, out, scratch, bias, divisor, top, weighted) -> None:
        cast = np.dtype(self.plan.accumulator).type
        call = scratch.get(("loop", weighted))
        if call is None:
            prepared = self.prepared[weighted]
            call = jit.loop(prepared.loop).bound(*prepared.tables, *prepared.buffers())
            scratch["loop", weighted] = call
        narrow = out.shape[1] < LARGEST_LANES
        target = np.empty((out.shape[0], LARGEST_LANES), out.dtype) if narrow else out
        call(*self._input(first, out.shape[0], weighted), first, target, cast(bias), cast(divisor), cast(top))
        if narrow:
            out[...] = target[:, : out.shape[1]]

    def _redo(self, first, out, bias, divisor, top, weighted) -> None:
        """Sum results that are not finite anew, tap by tap."""
        direct = np.empty_like(out)
        Sums(self.direct, self.rows.array, self.rows.low).loop(first, direct, {}, bias, divisor, top, weighted)
        np.copyto(out, direct, where=~np.isfinite(out))

    def _input(self, first: int, count: int, weighted: bool) -> tuple:
        """The loop's first arguments: the samples it reads, and their layout."""
        rows, columns, channels = self.plan.rows, self.plan.columns, self.plan.channels
        if self.grids:
            return self.grids[weighted].loop_input()
        start = first * rows.stride
        stop = start + (count - 1) * rows.stride + effective_size(rows.taps, rows.dilation)
        table, window = self.rows.window(start, stop, weighted)
        fill = self.prepared[weighted].fill
        return (
            window,
            self.rows.samples,
            channels,
            table,
            self.rows.columns,
            columns.before,
            fill,
            rows.stride,
            columns.stride,
        )


class ConvolutionWork(Work):
    """The work of a `Plan`."""

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        super().__init__(plan, threads, tally, progress)
        self.point = plan.point
        self.sums = Sums(plan, rows, low)
        self.source = self.sums.rows
        self.inside = self._inside() if plan.border.mode == "normalized" else None
        total = plan.kernel.sum() * plan.divisor
        self.total = (
            float(round(total)) if plan.exact else total
        )  # the sum of the weights that the loop multiplies with
        compiled = plan.source == plan.target and plan.source in ("uint8", "uint16", "float32", "float64")
        compiled = compiled and plan.scale == 1  # not so in one type where white differs
        simple = plan.range == "clip" and self.inside is None and tally is None and plan.rounding == HALF_UP
        simple = simple and not plan.keeps_edges
        self.unweighed_by_loop = compiled and simple and self.point is None and plan.alpha in WEIGHTED
        axes = (plan.rows, plan.columns)
        same = all((axis.out, axis.stride) == (axis.size, 1) for axis in axes)
        # whether every sample of the result lies on the sample of the picture with the same row and column
        self.aligned = same and all(axis.before == axis.anchor * axis.dilation for axis in axes)
        in_place = self.source.flat is not None and self.aligned
        self.point_by_loop = (
            compiled and simple and in_place and hasattr(self.point, "loop") and plan.alpha != "unweighted"
        )
        self.fused = plan.fused and tally is None
        self._heights: dict[tuple, int] = {}
        jit.ready(self._loops())

    def _loops(self) -> list[tuple[str, tuple[str, ...]]]:
        plan, sums = self.plan, self.plan.accumulator
        found, values = self.sums.loops(plan.target if self.fused else sums), sums
        if self.unweighed_by_loop or (self.point_by_loop and plan.alpha in WEIGHTED):
            values = "float64" if self.point_by_loop else sums
            result = values if self.point_by_loop else plan.target
            found.append(jit.loop("alpha.unweigh").specialised({"A": sums, "O": result}))
        if self.point_by_loop:
            types = {"A": values, "S": self.source.type, "O": plan.target}
            found.append(jit.loop(self.point.loop).specialised(types))
        return found

    def prepare(self, count: int) -> None:
        self.sums.prepare_grids(self.crew.workers, count=count)

    def fill(self, first: int, out: np.ndarray, values: bool = False, work=None, most_rows: int | None = None) -> None:
        """As Work.fill. Rows must follow those computed last.

        `work`, if given, computes a band instead of this object's own methods; `most_rows` is then the height of a band that
        stays in a core's cache.
        """
        plain = work is None and not values
        fused = self.fused and plain
        work = work or (self.values_band if values else self.fused_band if fused else self.band)
        height = self.plan.how.grid_rows(self.plan) or len(out)
        for start in range(0, len(out), height):
            part = out[start : start + height]
            row = first + start
            if self.sums.grids:
                self.sums.prepare_grids(self.crew.workers, row + len(part))
                self.sums.smooth_grids(self.crew.workers, row, row + len(part))
            self.crew.run(work, row, part, self.height(len(part), fused, most_rows))

    def height(self, rows: int, fused: bool, most_rows: int | None = None) -> int:
        """As Work.height; `fused` bands are stored by the loop."""
        key = rows, fused, most_rows
        height = self._heights.get(key)
        if height is None:
            height = self._heights[key] = _band_height(self.plan, rows, self.crew.workers, fused, most_rows)
        return height

    # --- bands ---------------------------------------------------------------------------------------

    def fused_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work.band, where the loop itself rounds and stores."""
        plan = self.plan
        flat = out.reshape(out.shape[0], -1)
        if flat.dtype.kind == "f":
            self.sums.loop(first, flat, scratch, plan.offset, plan.divisor, -1.0)
        else:
            top = type_range(flat.dtype)[1]
            flat = flat.view(np.uint8) if flat.dtype == bool else flat
            bias, divisor = rounding_bias(plan.offset, plan.divisor, plan.exact), plan.divisor
            if plan.by_product:
                bias, divisor = (bias + 0.5) / divisor, 1 / divisor
            self.sums.loop(first, flat, scratch, bias, divisor, top)

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work.band: float sums, then alpha, range policy and rounding."""
        plan, split = self.plan, self.plan.colours
        plain = self.inside is None and self.point is None and not plan.keeps_edges
        if plan.alpha in ("none", "separate") and plain:
            sums = self.sums.band(first, out.shape[0], scratch)
            sure = plan.exact, plan.by_product, plan.rounding
            finish(sums, out, plan.range, plan.offset, plan.divisor, self.tally, *sure)
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
        """Compute and store a band with a `point` in a compiled loop; the same result as `values` and `finish`."""
        plan, count = self.plan, out.shape[0]
        divisor = float(plan.divisor)
        if plan.alpha in WEIGHTED:
            values, divisor = np.empty(out.shape, np.float64), 1.0
            self._unweigh(first, values, scratch)
        else:
            values = self.sums.band(first, count, scratch)
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
        """Compute and store alpha-weighted samples in compiled loops; the same result as `values` and `finish`."""
        plan, count = self.plan, out.shape[0]
        sums = self.sums.band(first, count, scratch, weighted=True).reshape(count, -1)
        flat = out.reshape(count, -1)
        top = -1.0 if out.dtype.kind == "f" else type_range(out.dtype)[1]
        empty = np.empty(count, np.uint8)
        offset, divisor = float(plan.offset), float(plan.divisor)
        jit.loop("alpha.unweigh")(sums, plan.channels, self.total, offset, divisor, top, flat, empty)
        if empty.any():
            plain = self.sums.band(first, count, scratch).reshape(count, -1)
            jit.loop("alpha.fill_empty")(sums, plain, plan.channels, offset, divisor, top, flat)
        if plan.alpha == "keep":
            finish(self.originals(first, count, -1), out[..., -1], "clip", 0.0, 1)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work's `values_band`."""
        out[...] = self.values(first, out.shape[0], scratch)

    # --- values ----------------------------------------------------------------------------------------------------

    def values(self, first: int, count: int, scratch: dict) -> np.ndarray:
        """Filtered values in the result's units, float64 (count, columns, channels), before range policy and rounding."""
        plan = self.plan
        sums = self.sums.band(first, count, scratch, weighted=plan.alpha in WEIGHTED)
        values = np.empty(sums.shape, np.float64)
        if plan.alpha in WEIGHTED:

            def plain():
                return self._divided(self.sums.band(first, count, scratch), first, plan.offset)[..., :-1]

            values[..., :-1] = unweight(sums, plain, self.total, plan.offset, plan.divisor)
            values[..., -1] = self._divided(sums[..., -1:], first, 0.0)[..., 0]
        else:
            values[...] = self._divided(sums, first, plan.offset)
        if plan.alpha in KEPT:
            values[..., -1] = self.originals(first, count, -1)
        if self.point is not None:
            values = self.point(values, self.originals(first, count))
        if plan.keeps_edges:
            np.copyto(values, self.originals(first, count), where=self._edges(first, count))
        return values

    def _edges(self, first: int, count: int) -> np.ndarray:
        """True where the window leaves the picture: (count, columns, 1)."""
        rows, columns = (
            np.logical_or(low > 0, high < axis.taps)
            for axis in (self.plan.rows, self.plan.columns)
            for low, high in [axis.inside()]
        )
        return (rows[first : first + count, None] | columns)[..., None]

    def _divided(self, sums: np.ndarray, first: int, offset: float) -> np.ndarray:
        """`(sums + offset) / divisor`; with the border "normalized", re-weighted where taps lie outside the picture."""
        sums = sums.astype(np.float64)
        divisor = self.plan.divisor
        if self.inside is None:
            return (sums + offset) / divisor
        lines, table = self.inside
        inside = table[lines[first : first + len(sums)]][..., None]
        total = self.plan.combined_weights.sum()
        return (sums * total + offset * inside) / (inside * divisor)

    def _inside(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums of the weights that lie on the picture: a table (lines, columns), and the line of it for each output row."""
        plan = self.plan
        weights = plan.combined_weights
        (top, bottom), (left, right) = plan.rows.inside(), plan.columns.inside()
        vertical, row_line = np.unique(np.stack([top, bottom]), axis=1, return_inverse=True)
        horizontal, column_line = np.unique(np.stack([left, right]), axis=1, return_inverse=True)
        # every window is summed anew: differences of cumulated weights would lose digits at the picture's corners
        strips = np.stack([weights[a:b].sum(axis=0) for a, b in vertical.T])
        sums = np.stack([strips[:, a:b].sum(axis=1) for a, b in horizontal.T], axis=1)
        if not (sums > 0).all():
            raise KernelError(
                "border='normalized' needs weights whose sum stays positive at the picture's edges; choose another border"
            )
        return row_line.ravel(), sums[:, column_line.ravel()]

    def originals(self, first: int, count: int, channels=slice(None)) -> np.ndarray:
        """The source samples under the anchor in the result's units, for `count` output rows, float64.

        Border values stand where the anchor lies outside the picture. `channels` is a slice or the number of one channel.
        """
        plan = self.plan
        rows = self.source.rows[_anchored(plan.rows)[first : first + count]]
        columns = self.source.columns[_anchored(plan.columns)]
        band = self.source.array[..., channels][rows[:, None], columns].astype(np.float64)
        missing = (rows < 0)[:, None] | (columns < 0)
        if missing.any():
            band[missing] = self.source.fill[channels]
        return band if plan.scale == 1 else band * plan.scale.numerator / plan.scale.denominator


def _anchored(axis) -> np.ndarray:
    """For each output sample the padded sample under the anchor."""
    return np.arange(axis.out) * axis.stride + axis.anchor * axis.dilation


def _raw_sums(workers: int):
    """A `decimated.RawSums` function, which computes rows of a plan's raw sums on threads."""

    def sums_of(plan, rows: np.ndarray, low: int, first: int, out: np.ndarray, weighted: bool) -> None:
        sums = Sums(plan, rows, low)

        def work(row, band, scratch):
            sums.loop(row, band.reshape(len(band), -1), scratch, 0.0, 1, -1.0, weighted)

        run_bands(work, first, out, _band_height(plan, len(out), workers, True), workers)

    return sums_of


def _band_height(plan, total: int, threads: int, fused: bool, most_rows: int | None = None) -> int:
    how, samples = plan.how, plan.columns.out * plan.channels
    if how.fixed_blocks:
        return min(how.stripe_height(plan, total), total)
    height = max(-(-total // band_count(plan, threads)), how.least_height(plan))
    if not (fused and how.fused):
        rows = most_rows or BAND_BYTES // (8 * samples)
        if plan.alpha in WEIGHTED:
            rows = max(
                rows, 2 * effective_size(plan.rows.taps, plan.rows.dilation)
            )  # every band multiplies the rows around it by alpha anew
        height = min(height, max(8, rows))
    height = max(1, min(height, BAND_WORK * total // max(plan.multiply_adds, 1)))
    height = -(-height // plan.rows_together) * plan.rows_together
    return min(height, total)
