"""`NoDataFilter`: a filter that leaves no-data samples out of every window, and gives them back as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..engine.held_rows import HeldRows
from ..engine.results import NewArrays
from ..engine.sources import Bands, WholeArray
from ..engine.stage import AnyPlan, PlanLike, Stage, in_order
from ..errors import FileError, OptionError
from ..filter import Filter, FilterOfFilters
from ..geometry.axis import effective_size
from ..geometry.selection import selection_of
from ..options import Options
from ..pixels.arrays import readable
from ..pixels.depth import parse_depth
from ..pixels.nodata import AUTO, Value, as_sample, missing, parse_nodata
from ..pixels.rounding import HALF_UP, Tally, finish
from ..stages.convolution.filter import LinearFilter
from ..stages.pooling.filter import PoolFilter
from ..stages.ranking.filter import RankFilter
from .chain import ChainFilter
from .nodata_windows import Block, Means, Pools, Ranks, outside

ABLE = (
    "blur, box, disk, motion, apply, correlate, convolve, median, rank, min, max, pool, deviation, and chains of these"
)
FILL = "give image.filled(value)"
BLOCK = 1 << 20  # padded samples that are looked at together
WINDOWS = {LinearFilter: Means, RankFilter: Ranks, PoolFilter: Pools}  # by the type of filter


def leaving_out(filter: Filter, stated: str | None = None, is_picture: bool = False) -> Filter:
    """The filter itself, or with the option `nodata` or nan "ignore" one that leaves such samples out; OptionError if there is
    none.

    `stated` is the value that the picture's file states, as text, for nodata "auto".
    """
    options = filter.options
    value = parse_nodata(options.nodata)
    if isinstance(filter, NoDataFilter):
        return filter
    if value is None:
        return _ignoring(filter) if options.nan == "ignore" else filter
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


def _ignoring(filter: Filter) -> Filter:
    """A filter with the option nan "ignore" as one that does it, if it does not do so by itself: a rank, pool or deviation."""
    if isinstance(filter, ChainFilter):
        return replace(filter, steps=tuple(map(_ignoring, filter.steps)))
    if type(filter) is LinearFilter or _windows_of(filter) is None or filter.options.nan != "ignore":
        return filter
    return NoDataFilter((filter.with_options(nan=None),), math.nan, given=False, fills=True)


def leaving_masked(filter: Filter, masked: np.ndarray, has_alpha: bool) -> Filter:
    """A filter that leaves masked samples out; OptionError where it can't. `masked` has the picture's shape, channels last."""
    options = filter.options
    refused = {
        "nan ignore": options.nan == "ignore",
        "nodata": options.nodata is not None,
        "linear light": options.linear,
        "another depth": parse_depth(options.depth) != "keep",
        "range stretch": options.range == "stretch",
        "region, mask, channels or crop": options.selects,
    }
    for name, asked in refused.items():
        if asked:
            raise OptionError(f"a masked array does not go with {name}; leave that out, or {FILL}")
    if has_alpha and masked[..., -1].any():
        raise OptionError("alpha is masked in places; set it to 0 there instead")
    if not _is_able(filter):
        raise OptionError(f"this filter can't leave masked samples out; {FILL}, or take one of {ABLE}")
    return NoDataFilter((filter,), None, masked=masked if masked.ndim == 3 else masked[..., None])


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
    if not _is_able(filter):
        raise OptionError(f"nodata= goes with {ABLE}; leave it out")
    return NoDataFilter((filter,), value, given)


def _is_able(filter: Filter) -> bool:
    """Whether a filter can leave samples out."""
    if type(filter) is LinearFilter:
        return filter.point is None and filter.rounding == HALF_UP and not filter.keeps_edges and filter.order is None
    return _windows_of(filter) is not None


def _windows_of(filter: Filter):
    """What computes the filter's windows without no-data; None if nothing does."""
    return WINDOWS.get(type(filter)) or getattr(filter, "windows", None)


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
    result has the picture's size, unless the filter fills holes; and the result is no-data where a window holds nothing else.
    """

    filters: tuple[Filter]
    nodata: Value | None  # None where `masked` says it
    given: bool = True  # whether the user gave the value; one that a file states may be none of its samples
    masked: np.ndarray | None = None  # which samples are no-data, (rows, columns, channels)
    fills: bool = False  # for nan "ignore": no-data is NaN, and NaN under the anchor is no reason for a result of NaN

    @property
    def options(self) -> Options:
        own = self.filters[0].options
        return replace(own, nan="ignore") if self.fills else replace(own, nodata=self.nodata)

    @property
    def kernel(self):
        return getattr(self.filters[0], "kernel", None)

    def with_options(self, **changes) -> NoDataFilter:
        changes.pop("nodata", None)
        return super().with_options(**changes) if changes else self

    def plan(self, shape, image_type, has_alpha: bool):
        source = readable(np.dtype(image_type))
        plan = self.filters[0].plan(shape, image_type, has_alpha)
        how, colours = _windows_of(self.filters[0]), plan.channels - has_alpha
        if self.nodata is None:
            assert self.masked is not None
            void = np.zeros((*plan.shape, colours), bool)
            windows = how(plan, "a masked array")
            return MaskedPlan((plan,), windows, colours, None, None, hidden=self.masked[..., :colours], void=void)
        marker, result = as_sample(self.nodata, source), as_sample(self.nodata, np.dtype(plan.target))
        if marker is None and not self.given:
            return plan
        if self.fills:
            return NoDataPlan((plan,), how(plan), colours, marker, result, fills=True)
        if marker is None:
            raise OptionError(f"nodata={self.nodata} is no sample of a picture of {source.name}; leave it out")
        if result is None:
            raise OptionError(
                f"nodata={self.nodata} is no sample of a result of {plan.target}; keep the picture's type"
            )
        return NoDataPlan((plan,), how(plan), colours, marker, result)


@dataclass(frozen=True, eq=False)
class NoDataPlan(PlanLike):
    """The plan of a filter without no-data samples: `plans` has that of the filter, over a picture with 0 for them."""

    plans: tuple[AnyPlan]
    windows: Any = field(repr=False)  # computes windows that hold no-data samples: one of those in nodata_windows.py
    channels_with_nodata: int  # all but alpha
    marker: np.generic | None  # in the picture; None where a mask says which samples are no-data
    result: np.generic | None  # in the result; None where it has none
    fills: bool = False

    @property
    def inner(self) -> AnyPlan:
        return self.plans[0]

    @property
    def stage(self) -> Stage:
        """The stage that reads the windows."""
        return self.windows.plan

    streams = property(lambda self: self.inner.streams)
    keeps_samples = property(lambda self: self.inner.keeps_samples)
    extra_bytes = property(lambda self: self.inner.extra_bytes)

    def measured(self, picture: np.ndarray) -> np.ndarray:
        samples = picture[..., : self.channels_with_nodata]
        return samples[~self.missing(samples, 0)] if picture.dtype.itemsize > 4 else picture

    def missing(self, rows: np.ndarray, first: int) -> np.ndarray:
        """Which colours of the picture's rows first, first + 1 ... are no-data."""
        assert self.marker is not None
        return missing(rows[..., : self.channels_with_nodata], self.marker)

    @property
    def stays(self) -> bool:
        """Whether each result lies on a sample of the picture: where that is no-data, so is the result."""
        axes = (self.stage.rows, self.stage.columns)
        same = all(a.stride == 1 and a.out == a.size and a.before == a.anchor * a.dilation for a in axes)
        return same and not self.fills and not isinstance(self.windows, Pools)

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held; the picture's own rows are held, too."""
        return 2 * self.inner.bytes_held(threads) + 8 * BLOCK * 10

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        how = {"wanted": wanted, "threads": threads, "tally": tally, "progress": progress, "values": values}
        if isinstance(source, WholeArray) and not self.missing(source.picture, 0).any():
            yield from self.inner.make_bands(source, sink, **how)
            return
        own = _Rows(self, source.bands(), wanted or (0, self.shape[0]))
        sinks = NewArrays(self.inner, np.float64 if values else None)
        row = wanted[0] if wanted else 0
        for band in self.inner.make_bands(Bands(own.filled()), sinks, **how):
            out = sink.room(row, len(band))
            out[...] = band
            for first, last in self._parts(row, len(band)):
                self._correct(own.block(first, last), out[first - row : last - row], threads, values, tally)
            row += len(band)
            own.forget(row)
            yield out

    def _parts(self, row: int, count: int) -> Iterator[tuple[int, int]]:
        """Rows row .. row + count - 1 in parts that read few padded samples."""
        line = self.stage.columns.span * self.inner.channels * self.stage.rows.stride
        step = max(1, BLOCK // max(line, 1))
        return ((first, min(first + step, row + count)) for first in range(row, row + count, step))

    def _correct(self, block: Block | None, out: np.ndarray, threads, values: bool, tally: Tally | None) -> None:
        """Write what is to be otherwise into rows of the filter's result."""
        if block is None:
            return
        found = self.windows.of(block, threads)
        void = found.empty
        if self.stays:
            top, left = self.stage.rows.before, self.stage.columns.before
            void = void | block.missing[top : top + len(out), left : left + out.shape[1]]
        colours = out[..., : self.channels_with_nodata]
        there = found.touched & ~void
        new = np.empty(there.sum(), colours.dtype)
        results = found.values[there]
        if self.windows.scale != 1:
            results = results * self.windows.scale
        if self.windows.plain and not values:
            new[...] = results
        elif values:
            new[...] = results + self.windows.offset
        else:
            finish(results.astype(np.float64), new, self.inner.range, self.windows.offset, 1)
        colours[there] = new
        self._mark(colours, void, block.first)
        if self.result is None and self.fills and tally is not None:
            tally.add(nans=int(np.count_nonzero(void)))

    def _mark(self, colours: np.ndarray, void: np.ndarray, first: int) -> None:
        """Write no-data into rows first, first + 1 ... of the result."""
        colours[void] = (
            np.nan if colours.dtype.kind == "f" and self.fills else 0 if self.result is None else self.result
        )

    def as_dict(self) -> dict:
        return {**self.inner.as_dict(), "nodata": str(self.marker)}

    def __str__(self) -> str:
        return f"no-data        {self.marker}: left out of every window\n{self.inner}"


@dataclass(frozen=True, eq=False)
class MaskedPlan(NoDataPlan):
    """A NoDataPlan for one array with a mask. `void` notes where its result is masked."""

    hidden: np.ndarray = field(repr=False, kw_only=True)
    void: np.ndarray = field(repr=False, kw_only=True)

    def missing(self, rows: np.ndarray, first: int) -> np.ndarray:
        return self.hidden[first : first + len(rows)]

    def _mark(self, colours: np.ndarray, void: np.ndarray, first: int) -> None:
        colours[void] = 0
        self.void[first : first + len(void)] = void

    def masked(self, result: np.ndarray, picture: np.ndarray) -> np.ndarray:
        """The mask of a result, in which alpha has none. Samples of the picture that are masked are written into it again."""
        mask = np.zeros((*self.shape, self.channels), bool)
        mask[..., : self.channels_with_nodata] = self.void
        mask = mask.reshape(result.shape)
        if self.stays and result.dtype == picture.dtype:
            np.copyto(result, picture, where=mask)
        return mask

    def __str__(self) -> str:
        return f"no-data        by a mask: left out of every window\n{self.inner}"


class _Rows:
    """A picture's rows, passed on with 0 for no-data, and held as long as windows need them."""

    def __init__(self, plan: NoDataPlan, bands: Iterator[np.ndarray], wanted: tuple[int, int]):
        self.plan, self.bands = plan, bands
        self.held: HeldRows | None = None
        self.outside = outside(plan.stage, plan.inner.channels)
        inner = plan.stage
        starts = range(wanted[0], wanted[1], max(1, inner.stripe_height // 4))
        parts = [(first, min(first + starts.step, wanted[1])) for first in starts]
        # lows that never decrease, so that rows can be dropped in order
        self.needed = in_order([*Stage.stripes_of(inner, parts)]) if parts else []
        self.low, self.last = (self.needed[0].low, self.needed[-1].high) if parts else (0, 0)

    def filled(self) -> Iterator[np.ndarray]:
        """The picture's bands with 0 for no-data."""
        colours, row = self.plan.channels_with_nodata, 0
        for band in self.bands:
            held = self.held = self.held or HeldRows(band.shape[1:], band.dtype)
            held.append(len(band))[...] = band
            held.forget(self.low if held.low < self.last else held.high)
            hidden = self.plan.missing(band, row)
            row += len(band)
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
        plan, inner = self.plan, self.plan.stage
        assert self.held is not None  # results are computed from rows
        start = first * inner.rows.stride
        stop = start + (last - 1 - first) * inner.rows.stride + effective_size(inner.rows.taps, inner.rows.dilation)
        rows, columns = inner.row_sources[start:stop], inner.column_sources
        read = rows[rows >= 0]
        if not read.size:
            return None
        held, low = self.held.rows, self.held.low
        top = int(read.min())
        void = plan.missing(held[top - low : read.max() + 1 - low], top)
        if not void.any():
            return None
        rows, places = np.where(rows < 0, read[0], rows), np.maximum(columns, 0)
        beyond = ((inner.row_sources[start:stop] < 0)[:, None] | (columns < 0))[..., None]
        samples, hidden = held[rows - low][:, places], void[rows - top][:, places] & ~beyond
        if self.outside is not None:
            samples = np.where(beyond, self.outside, samples)
            beyond = np.zeros_like(beyond)
        return Block(first, samples, hidden, beyond)
