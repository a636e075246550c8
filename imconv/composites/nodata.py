"""`NoDataFilter`: a filter that leaves no-data samples out of every window, and gives them back as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.held_rows import HeldRows
from ..engine.results import NewArrays
from ..engine.sources import Bands, WholeArray
from ..engine.stage import PlanLike, Stage, in_order
from ..errors import FileError, OptionError
from ..filter import Filter, FilterOfFilters
from ..geometry.axis import effective_size
from ..geometry.selection import selection_of
from ..options import Options
from ..pixels.arrays import readable
from ..pixels.depth import parse_depth
from ..pixels.nodata import AUTO, Value, as_sample, missing, parse_nodata
from ..pixels.rounding import HALF_UP, finish
from ..stages.convolution.filter import LinearFilter
from ..stages.pooling.filter import PoolFilter
from ..stages.ranking.filter import RankFilter
from .chain import ChainFilter
from .nodata_windows import Block, Means, Pools, Ranks, outside

ABLE = "nodata= goes with blur, box, disk, motion, apply, correlate, convolve, median, rank, min, max, pool, and chains of these; leave it out"
BLOCK = 1 << 20  # padded samples that are looked at together


def leaving_out(filter: Filter, stated: str | None = None, is_picture: bool = False) -> Filter:
    """The filter itself, or with the option `nodata` one that leaves such samples out; OptionError if there is none.

    `stated` is the value that the picture's file states, as text, for nodata "auto".
    """
    options = filter.options
    value = parse_nodata(options.nodata)
    if value is None or isinstance(filter, NoDataFilter):
        return filter
    if value == AUTO:
        if not is_picture:
            raise OptionError("nodata='auto' goes with a picture read from a file; give the value")
        if stated is None:
            raise FileError(
                "it states no no-data value (TIFF tag 42113); give the value, such as nodata=-9999, or leave it out"
            )
    _check(options)
    return _wrapped(filter.with_options(nodata=None), _number(stated if value == AUTO else value), value != AUTO)


def _number(value) -> Value:
    try:
        number = parse_nodata(value)
    except OptionError:
        number = None
    if not isinstance(number, (int, float)):
        raise FileError(
            f"it states {str(value)[:30]!r} as no-data value (TIFF tag 42113), which is no number; give the value"
        )
    return number


def _wrapped(filter: Filter, value: Value, given: bool) -> Filter:
    if isinstance(filter, ChainFilter):
        steps = []
        for number, step in enumerate(filter.steps, 1):
            try:
                _check(step.options)
                steps.append(_wrapped(step, value, given))
            except OptionError as error:
                raise OptionError(f"step {number}: {error}") from None
        return replace(filter, steps=tuple(steps))
    plain = isinstance(filter, (RankFilter, PoolFilter))
    if isinstance(filter, LinearFilter):
        plain = filter.point is None and filter.rounding == HALF_UP and not filter.keeps_edges and filter.order is None
    if not plain:
        raise OptionError(ABLE)
    return NoDataFilter((filter,), value, given)


def _check(options: Options) -> None:
    """OptionError for options that can't be combined with nodata."""
    if options.nan == "ignore":
        raise OptionError("nan='ignore' and nodata= both leave samples out; give one of them (nodata=nan: NaN)")
    if options.linear:
        raise OptionError("nodata= is a value of the file's samples, which linear=True decodes; leave out one of them")
    if parse_depth(options.depth) != "keep":
        raise OptionError("nodata= keeps its value, which depth= would rescale; leave out one of them")
    if options.range == "stretch":
        raise OptionError("range='stretch' maps all samples anew, those of nodata= too; leave out one of them")
    if options.selects and selection_of(options).luma:
        raise OptionError("luma mixes channels, each of which has its own no-data; name channels such as r,g,b")


@dataclass(frozen=True)
class NoDataFilter(FilterOfFilters):
    """A filter of windows without the samples that have the value `nodata`, in each channel by itself; alpha has none.

    Windows without such samples have the result that they have without the option, bit for bit. All others have that of
    their other samples: means are re-weighted, ranks are among what is there. A no-data sample stays as it is where the
    result has the picture's size; and the result is no-data where a window holds nothing else.
    """

    filters: tuple[Filter]
    nodata: Value
    given: bool = True  # whether the user gave the value; one that a file states may be none of its samples

    @property
    def options(self) -> Options:
        return replace(self.filters[0].options, nodata=self.nodata)

    @property
    def kernel(self):
        return getattr(self.filters[0], "kernel", None)

    def with_options(self, **changes) -> NoDataFilter:
        changes.pop("nodata", None)
        return super().with_options(**changes) if changes else self

    def plan(self, shape, image_type, has_alpha: bool):
        source = readable(np.dtype(image_type))
        plan = self.filters[0].plan(shape, image_type, has_alpha)
        marker, result = as_sample(self.nodata, source), as_sample(self.nodata, np.dtype(plan.target))
        if marker is None and not self.given:
            return plan
        if marker is None:
            raise OptionError(f"nodata={self.nodata} is no sample of a picture of {source.name}; leave it out")
        if result is None:
            raise OptionError(
                f"nodata={self.nodata} is no sample of a result of {plan.target}; keep the picture's type"
            )
        assert isinstance(plan, Stage)
        how = {LinearFilter: Means, RankFilter: Ranks, PoolFilter: Pools}[type(self.filters[0])]
        return NoDataPlan((plan,), how(plan), plan.channels - has_alpha, marker, result)


@dataclass(frozen=True, eq=False)
class NoDataPlan(PlanLike):
    """The plan of a filter without no-data samples: `plans` has that of the filter, over a picture with 0 for them."""

    plans: tuple[Stage]
    windows: Means | Ranks | Pools = field(repr=False)  # computes windows that hold no-data samples
    channels_with_nodata: int  # all but alpha
    marker: np.generic  # in the picture
    result: np.generic  # in the result

    @property
    def inner(self) -> Stage:
        return self.plans[0]

    streams = property(lambda self: self.inner.streams)
    keeps_samples = property(lambda self: self.inner.keeps_samples)
    extra_bytes = property(lambda self: self.inner.extra_bytes)

    def measured(self, picture: np.ndarray) -> np.ndarray:
        samples = picture[..., : self.channels_with_nodata]
        return samples[~missing(samples, self.marker)] if picture.dtype.itemsize > 4 else picture

    @property
    def stays(self) -> bool:
        """Whether each result lies on a sample of the picture: where that is no-data, so is the result."""
        axes = (self.inner.rows, self.inner.columns)
        same = all(a.stride == 1 and a.out == a.size and a.before == a.anchor * a.dilation for a in axes)
        return same and not isinstance(self.windows, Pools)

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held; the picture's own rows are held, too."""
        return 2 * self.inner.bytes_held(threads) + 8 * BLOCK * 10

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        how = {"wanted": wanted, "threads": threads, "tally": tally, "progress": progress, "values": values}
        colours = self.channels_with_nodata
        if isinstance(source, WholeArray) and not missing(source.picture[..., :colours], self.marker).any():
            yield from self.inner.make_bands(source, sink, **how)
            return
        own = _Rows(self, source.bands(), wanted or (0, self.shape[0]))
        sinks = NewArrays(self.inner, np.float64 if values else None)
        row = wanted[0] if wanted else 0
        for band in self.inner.make_bands(Bands(own.filled()), sinks, **how):
            out = sink.room(row, len(band))
            out[...] = band
            for first, last in self._parts(row, len(band)):
                self._correct(own.block(first, last), out[first - row : last - row], threads, values)
            row += len(band)
            own.forget(row)
            yield out

    def _parts(self, row: int, count: int) -> Iterator[tuple[int, int]]:
        """Rows row .. row + count - 1 in parts that read few padded samples."""
        line = self.inner.columns.span * self.inner.channels * self.inner.rows.stride
        step = max(1, BLOCK // max(line, 1))
        return ((first, min(first + step, row + count)) for first in range(row, row + count, step))

    def _correct(self, block: Block | None, out: np.ndarray, threads, values: bool) -> None:
        """Write what is to be otherwise into rows of the filter's result."""
        if block is None:
            return
        inner, found = self.inner, self.windows.of(block, threads)
        void = found.empty
        if self.stays:
            top, left = inner.rows.before, inner.columns.before
            void = void | block.missing[top : top + len(out), left : left + out.shape[1]]
        colours = out[..., : self.channels_with_nodata]
        there = found.touched & ~void
        new = np.empty(there.sum(), colours.dtype)
        results = found.values[there]
        if self.windows.plain and not values:
            new[...] = results
        elif values:
            new[...] = results + self.windows.offset
        else:
            finish(results.astype(np.float64), new, inner.range, self.windows.offset, 1)
        colours[there] = new
        colours[void] = self.result

    def as_dict(self) -> dict:
        return {**self.inner.as_dict(), "nodata": str(self.marker)}

    def __str__(self) -> str:
        return f"no-data        {self.marker}: left out of every window\n{self.inner}"


class _Rows:
    """A picture's rows, passed on with 0 for no-data, and held as long as windows need them."""

    def __init__(self, plan: NoDataPlan, bands: Iterator[np.ndarray], wanted: tuple[int, int]):
        self.plan, self.bands = plan, bands
        self.held: HeldRows | None = None
        self.outside = outside(plan.inner)
        inner = plan.inner
        starts = range(wanted[0], wanted[1], max(1, inner.stripe_height // 4))
        parts = [(first, min(first + starts.step, wanted[1])) for first in starts]
        # lows that never decrease, so that rows can be dropped in order
        self.needed = in_order([*Stage.stripes_of(inner, parts)]) if parts else []
        self.low, self.last = (self.needed[0].low, self.needed[-1].high) if parts else (0, 0)

    def filled(self) -> Iterator[np.ndarray]:
        """The picture's bands with 0 for no-data."""
        colours, marker = self.plan.channels_with_nodata, self.plan.marker
        for band in self.bands:
            held = self.held = self.held or HeldRows(band.shape[1:], band.dtype)
            held.append(len(band))[...] = band
            held.forget(self.low if held.low < self.last else held.high)
            hidden = missing(band[..., :colours], marker)
            if hidden.any():
                band = band.copy()
                band[..., :colours][hidden] = 0
            yield band

    def forget(self, row: int) -> None:
        """Drop what no result from row `row` on needs."""
        while self.needed and self.needed[0].last <= row:
            self.needed.pop(0)
        self.low = self.needed[0].low if self.needed else self.last
        if self.held is not None:
            self.held.forget(self.low)

    def block(self, first: int, last: int) -> Block | None:
        """What rows first .. last - 1 of the result read; None if none of it is no-data."""
        plan, inner = self.plan, self.plan.inner
        assert self.held is not None  # results are computed from rows
        start = first * inner.rows.stride
        stop = start + (last - 1 - first) * inner.rows.stride + effective_size(inner.rows.taps, inner.rows.dilation)
        rows, columns = inner.row_sources[start:stop], inner.column_sources
        read = rows[rows >= 0]
        if not read.size:
            return None
        held, low = self.held.rows, self.held.low
        colours = plan.channels_with_nodata
        if not missing(held[read.min() - low : read.max() + 1 - low, :, :colours], plan.marker).any():
            return None
        samples = held[np.where(rows < 0, read[0], rows) - low][:, np.maximum(columns, 0)]
        beyond = ((rows < 0)[:, None] | (columns < 0))[..., None]
        hidden = missing(samples[..., :colours], plan.marker) & ~beyond
        if self.outside is not None:
            samples = np.where(beyond, self.outside, samples)
            beyond = np.zeros_like(beyond)
        return Block(first, samples, hidden, beyond)
