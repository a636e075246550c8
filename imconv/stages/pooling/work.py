"""`PoolWork`: computes bands of pooled rows. Loops compute sums and extremes, NumPy medians and deviations."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ... import jit
from ...engine.stage import Work
from ...geometry.axis import Axis, effective_size
from ...pixels.rounding import finish
from ...pixels.sample_types import type_range

SUM_LIMIT = 1 << 32  # sums must be smaller to be held in uint32


class PoolWork(Work):
    """The work of a `PoolPlan`. Methods from `band` on are called from several threads at once."""

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        super().__init__(plan, threads, tally, progress)
        self.type = np.dtype(np.uint8) if plan.type.kind == "b" else plan.type  # in which loops read samples
        self.target = np.dtype("uint8" if plan.target == "bool" else plan.target)
        self.top = 1.0 if plan.target == "bool" else type_range(self.target)[1] if self.target.kind == "u" else -1.0
        self.lowest, self.highest = _ends(plan.type)
        narrow = self.type.kind == "u" and plan.taps * self.highest < SUM_LIMIT
        self.sum_type = np.dtype(np.uint32 if narrow else np.float64)
        self.term_type = self.type if narrow or self.type.kind == "f" else self.sum_type  # in which samples are summed
        self.move(rows, low)
        jit.ready(self._loops())

    def move(self, rows: np.ndarray, low: int) -> None:
        self.picture, self.low = rows, low

    def release(self) -> None:
        del self.picture

    def height(self, rows: int, values: bool) -> int:
        height = super().height(rows, values)
        return height if self.plan.plain and not values else min(height, self.plan.band_rows)

    def _loops(self) -> list[tuple[str, tuple[str, ...]]]:
        """The compiled loops that bands will call, as far as they are known beforehand."""
        plan = self.plan
        if plan.operation in ("max", "min", "range"):
            return [jit.loop("pool.extreme").specialised({"S": self.type})]
        if plan.plain:
            return [jit.loop("pool.total").specialised({"S": self.term_type, "A": self.sum_type, "O": self.target})]
        return []

    # --- bands ---------------------------------------------------------------------------------------

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        plan, floats = self.plan, out.dtype.kind == "f"
        if plan.operation in ("max", "min") and plan.unscaled and (plan.plain or floats):
            found = out.view(self.target) if plan.plain else np.empty(out.shape, self.type)
            self._extremes(first, found.reshape(len(out), -1), plan.operation == "max")
            if not plan.plain:
                out[...] = found
            if self.tally is not None:
                self.tally.add(samples=0 if floats else out.size)
            return
        if plan.plain and (self.tally is None or floats):
            counted = self._counted(first, len(out)) if plan.operation == "avg" else None
            rows = self._rows(first, len(out), self.term_type)
            self._total(rows, first, out.view(self.target).reshape(len(out), -1), counted, self.top)
            return
        for part, policy, (values, divisors) in self._parts(first, len(out)):
            target = out[..., part]
            if not floats and self._exact:
                values = rounded_half_up(np.abs(values) if policy == "abs" else values, divisors)
            else:
                with np.errstate(invalid="ignore", over="ignore"):
                    if floats and policy == "clip":
                        np.divide(values, divisors, out=target, casting="same_kind")
                        continue
                    values = values / divisors
            finish(values, target, policy, 0.0, 1, self.tally)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work's `values_band`."""
        with np.errstate(invalid="ignore", over="ignore"):
            for part, _, (values, divisors) in self._parts(first, len(out)):
                out[..., part] = values / divisors

    @property
    def _exact(self) -> bool:
        return self.plan.whole and self.plan.operation not in ("stdev", "l2")

    def _parts(self, first: int, count: int):
        """Yield colours, then alpha if it is treated differently: (channels, range policy, (values, divisors)).

        Values are float64 and, divided by the divisors, in the result's units.
        """
        plan = self.plan
        scale = 1 if plan.operation == "count" else plan.scale  # a count is not a sample value
        if plan.weighs:
            colours, alpha = self._weighted(first, count)
        else:
            colours, alpha = self._colours(first, count), None
        if plan.averages_alpha:
            rows = np.ascontiguousarray(self._block(first, count)[..., -1:], np.float64)
            inside = self._inside(first, count)
            alpha = self._sums_of(rows, first, count), np.maximum(inside, 1)
        yield slice(0, plan.colours), plan.range, _in_units(colours, scale, plan.offset)
        if alpha is not None:
            yield slice(plan.colours, None), "clip", _in_units(alpha, plan.scale, 0)

    def _colours(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray | int]:
        """The colours' values and their divisors, (count, columns, colours)."""
        plan, operation = self.plan, self.plan.operation
        block = self._block(first, count)[..., : plan.colours]
        if operation in ("max", "min"):
            return self._extreme_values(block, first, count, operation == "max"), 1
        if operation == "range":
            with np.errstate(invalid="ignore"):  # inf - inf
                spread = self._extreme_values(block, first, count, True) - self._extreme_values(
                    block, first, count, False
                )
            spread[np.broadcast_to(self._inside(first, count) == 0, spread.shape)] = 0
            return spread, 1
        if operation == "count":
            return self._sums_of(plan.where(block).view(np.uint8), first, count), 1
        if operation == "sum":
            return self._sums_of(block, first, count), 1
        if operation == "avg":
            return self._sums_of(block, first, count), _product(*self._counted(first, count))
        if operation == "l2":
            with np.errstate(over="ignore"):
                return np.sqrt(self._sums_of(block.astype(np.float64) ** 2, first, count)), 1
        if operation == "median":
            return self._medians(block, first, count)
        return self._deviations(block, first, count)

    # --- sums and extremes, by the loops -----------------------------------------------------------------------------

    def _extreme_values(self, block: np.ndarray, first: int, count: int, largest: bool) -> np.ndarray:
        found = np.empty((count, self.plan.columns.out * block.shape[2]), self.type)
        self._extremes(first, found, largest, block)
        return found.reshape(count, self.plan.columns.out, -1).astype(np.float64)

    def _extremes(self, first: int, out: np.ndarray, largest: bool, block=None) -> None:
        block = self._block(first, len(out)) if block is None else block
        rows = np.ascontiguousarray(block, self.type)
        start = np.array([self.lowest if largest else self.highest], self.type)
        table, where = self._table(first, len(out)), places(self.plan.columns, rows.shape[2])
        line = np.empty(rows.shape[1] * rows.shape[2], self.type)
        down, step = self.plan.rows.dilation, self.plan.columns.stride
        jit.loop("pool.extreme")(rows.reshape(len(rows), -1), table, down, start, int(largest), step, *where, out, line)

    def _sums_of(self, rows: np.ndarray, first: int, count: int) -> np.ndarray:
        """Sums of windows, float64 (count, columns, channels), over these rows of `_block`."""
        if rows.dtype != np.float64:
            rows = rows.astype(np.uint8 if rows.dtype == bool else self.term_type, copy=False)
        out = np.empty((count, self.plan.columns.out * rows.shape[2]), np.float64)
        self._total(np.ascontiguousarray(rows), first, out)
        return out.reshape(count, self.plan.columns.out, -1)

    def _total(self, rows: np.ndarray, first: int, out: np.ndarray, counted=None, top: float = -1.0) -> None:
        """Compute sums of windows into `out` (count, samples), divided by the samples counted down and along each."""
        channels = rows.shape[2]
        tall, wide = counted or (np.ones(len(out)), np.ones(self.plan.columns.out))
        sum_type = np.dtype(np.float64) if rows.dtype.kind == "f" else self.sum_type
        line, sums = np.empty(rows.shape[1] * channels, sum_type), np.empty(out.shape[1], sum_type)
        table, where = self._table(first, len(out)), places(self.plan.columns, channels)
        geometry = (table, self.plan.rows.dilation, self.plan.columns.stride, *where, tall, wide.repeat(channels))
        jit.loop("pool.total")(rows.reshape(len(rows), -1), *geometry, top, out, line, sums)

    def _weighted(self, first: int, count: int):
        """Colours weighted by alpha, and alpha, as (values, divisors). Padding that is counted is black and opaque."""
        block, average = self._block(first, count).astype(np.float64), self.plan.operation == "avg"
        opaque = self.plan.opaque or type_range(np.dtype(self.plan.source))[1]
        plain = block[..., :-1].copy()
        block[..., :-1] *= block[..., -1:]
        sums = self._sums_of(block, first, count)
        inside = self._inside(first, count)
        counted = _product(*self._counted(first, count)) if average else 1
        colours, cover = sums[..., :-1], sums[..., -1:]
        if average:
            cover = cover + opaque * (counted - inside)
        else:
            colours = colours * inside
        empty = ~(cover > 0)
        shares = np.where(empty, counted, cover)
        if empty.any():
            colours = np.where(empty, self._sums_of(plain, first, count), colours)
        return (colours, shares), (cover, np.maximum(counted, 1))

    def _deviations(self, block: np.ndarray, first: int, count: int) -> tuple[np.ndarray, np.ndarray | int]:
        """Population standard deviations of windows: values and divisors."""
        inside = np.maximum(self._inside(first, count), 1)
        sums = self._sums_of(block, first, count)
        if self.plan.how.by_axis:  # whole numbers
            squares = self._sums_of(block.astype(np.float64) ** 2, first, count)
            return np.sqrt(inside * squares - sums * sums), inside
        total = np.zeros(sums.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            means = sums / inside
            for cells, there in self._cells(block, first, count):
                deviation = np.where(there, cells - means, 0)
                total += deviation * deviation
            return np.sqrt(total / inside), 1

    # --- windows, gathered -----------------------------------------------------------------------------------------

    def _medians(self, block: np.ndarray, first: int, count: int) -> tuple[np.ndarray, int]:
        """Medians, for an even count the mean of the two middle samples: values and divisor."""
        rows, columns = self.plan.rows, self.plan.columns
        padded = self._padded(block, first, count)
        spans = tuple(effective_size(axis.taps, axis.dilation) for axis in (rows, columns))
        windows = sliding_window_view(padded, spans, axis=(0, 1))
        windows = windows[:: rows.stride, :: columns.stride, :, :: rows.dilation, :: columns.dilation]
        windows = windows.reshape(*windows.shape[:3], -1)
        inside = self._inside(first, count)
        middle = np.maximum(inside - 1, 0) // 2, np.minimum(inside // 2, self.plan.taps - 1)
        if inside.min() == inside.max():
            windows = np.partition(windows, [int(n.flat[0]) for n in middle], axis=-1)
        else:
            windows = np.sort(windows, axis=-1)
        shape = (*windows.shape[:3], 1)
        below, above = (
            np.take_along_axis(windows, np.broadcast_to(n[..., None], shape), -1)[..., 0].astype(np.float64)
            for n in middle
        )
        if block.dtype.kind == "f":
            below[np.isnan(windows).any(axis=-1)] = np.nan
            with np.errstate(invalid="ignore"):  # inf - inf
                found, divisor = below / 2 + above / 2, 1  # halves do not overflow
        else:
            found, divisor = below + above, 2
        found[np.broadcast_to(inside == 0, found.shape)] = 0
        return found, divisor

    def _cells(self, block: np.ndarray, first: int, count: int):
        """Yield, for each tap of the window, its samples (count, columns, channels) and which of them lie on the picture."""
        rows, columns = self.plan.rows, self.plan.columns
        padded = self._padded(block, first, count)
        top, bottom = (ends[first : first + count, None] for ends in rows.inside())
        left, right = columns.inside()
        for k in range(rows.taps):
            for m in range(columns.taps):
                there = (top <= k) & (k < bottom) & (left <= m) & (m < right)
                cells = padded[k * rows.dilation :, m * columns.dilation :][:: rows.stride, :: columns.stride]
                yield cells[:count, : columns.out], there[..., None]

    def _padded(self, block: np.ndarray, first: int, count: int) -> np.ndarray:
        """The padded rows that `count` rows of the result read; outside the picture they hold the type's largest sample."""
        rows, columns = self.plan.rows, self.plan.columns
        height = (count - 1) * rows.stride + effective_size(rows.taps, rows.dilation)
        padded = np.full((height, columns.span, block.shape[2]), self.highest, block.dtype)
        above = self._span(first, count)[0] - (first * rows.stride - rows.before)
        inside = padded[max(above, 0) :, columns.before : columns.before + columns.size]
        block = block[max(-above, 0) :][: len(inside), : inside.shape[1]]
        inside[: len(block)] = block
        return padded

    # --- places of windows -----------------------------------------------------------------------------------------

    def _span(self, first: int, count: int) -> tuple[int, int]:
        """The picture's rows (low, high) that `count` rows of the result read; one row if they read none."""
        axis = self.plan.rows
        start = np.arange(first, first + count) * axis.stride - axis.before
        from_, to = (ends[first : first + count] for ends in axis.inside())
        some = to > from_
        if not some.any():
            return self.low, self.low + 1
        top = start[some] + from_[some] * axis.dilation
        bottom = start[some] + (to[some] - 1) * axis.dilation
        return int(top.min()), int(bottom.max()) + 1

    def _block(self, first: int, count: int) -> np.ndarray:
        """The rows of `_span`, in the type in which they are pooled."""
        top, bottom = self._span(first, count)
        block = self.picture[top - self.low : bottom - self.low]
        return block.astype(self.plan.type, copy=False)

    def _rows(self, first: int, count: int, dtype: np.dtype) -> np.ndarray:
        block = self._block(first, count)
        return np.ascontiguousarray(block.view(np.uint8) if block.dtype == bool else block, dtype)

    def _table(self, first: int, count: int) -> np.ndarray:
        """For each row of the result the first row of `_block` that it reads, and how many."""
        axis = self.plan.rows
        start = np.arange(first, first + count) * axis.stride - axis.before - self._span(first, count)[0]
        from_, to = (ends[first : first + count] for ends in axis.inside())
        return np.stack([start + from_ * axis.dilation, to - from_], axis=1)

    def _inside(self, first: int, count: int) -> np.ndarray:
        """How many samples of each window lie on the picture, (count, columns, 1)."""
        down, along = (to - from_ for from_, to in (self.plan.rows.inside(), self.plan.columns.inside()))
        return _product(down[first : first + count], along)

    def _counted(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """How many samples an average counts down each window and along it, at least 1."""
        down, along = (counted(axis, self.plan.include_pad) for axis in (self.plan.rows, self.plan.columns))
        return down[first : first + count], along


def places(axis: Axis, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Tables along a row: for each sample of the result where its window begins, and for each tap (shift, first, last).

    `shift` is the tap's distance from that beginning; for samples first .. last - 1 it lies on the picture.
    """
    shift = np.arange(axis.taps) * axis.dilation
    first = np.clip(-((shift - axis.before) // axis.stride), 0, axis.out)
    last = np.clip(-((shift - axis.before - axis.size) // axis.stride), first, axis.out)
    left = np.arange(axis.out) * axis.stride - axis.before
    begins = (left[:, None] * channels + np.arange(channels)).ravel()
    return begins, np.stack([shift, first, last], axis=1) * channels


def counted(axis: Axis, include_pad: bool) -> np.ndarray:
    """How many samples each average counts along an axis, at least 1: float64 (out,).

    These are the samples on the picture and, with `include_pad`, those on the padding, but none beyond it.
    """
    if include_pad:
        beyond = np.arange(axis.out) * axis.stride - (axis.size + axis.before + axis.after)
        counts = np.clip(-(beyond // axis.dilation), 0, axis.taps)
    else:
        from_, to = axis.inside()
        counts = to - from_
    return np.maximum(counts, 1).astype(np.float64)


def rounded_half_up(values: np.ndarray, divisors) -> np.ndarray:
    """`values / divisors`, rounded half up, for whole numbers up to 2^50. Overwrites nothing.

    The 0.5 that is added keeps quotients away from whole numbers, so that rounding the division can't change the result.
    """
    values = 2 * values
    values += divisors
    values += 0.5
    values /= 2 * divisors
    return np.floor(values, out=values)


def _in_units(quotients: tuple, scale, offset) -> tuple[np.ndarray, np.ndarray | int]:
    """The values and divisors whose quotient is `values / divisors * scale + offset`."""
    values, divisors = quotients
    if scale != 1:
        values, divisors = values * float(scale.numerator), divisors * float(scale.denominator)
    if offset:
        values = values * float(offset.denominator) + divisors * float(offset.numerator)
        divisors = divisors * float(offset.denominator)
    return values, divisors


def _product(down: np.ndarray, along: np.ndarray) -> np.ndarray:
    return (down[:, None] * along)[..., None]


def _ends(dtype: np.dtype):
    """The lowest and the highest sample of a type, with which searches for the largest and the smallest begin."""
    return (-np.inf, np.inf) if dtype.kind == "f" else tuple(int(n) for n in type_range(dtype))
