"""How an order statistic is computed: `RankPlan`, an immutable printable value, and the pure function that chooses it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ...engine.buffers import LARGEST_LANES
from ...errors import LimitError, OptionError
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...lazy import cached_property
from ...pixels.rounding import check_range
from .footprint import Footprint

MEDIAN = 50.0
MOST_RANKED = 65535  # samples of a window, but for rectangles of bytes: what 16 bits count
LOW = 16  # rows compared one by one
LARGEST_NETWORK = 1024  # samples
REGISTER = 64  # bytes of a vector
ORDINALS = 65536  # samples of a tile, whose ordinal numbers have 16 bits
TALLEST_COUNTED = 254  # rows that a byte counts, with one that comes before one goes

# Nanoseconds on one core of an AMD EPYC 9005 (Zen 5) with AVX-512, November 2026.
TAP = 0.6  # one vector compared with a number and counted
MERGE = 1.85  # a vector of windows, for each sample of the window, by a network that neighbours share
PREPARE = 5e3  # a sample of a window, when a network is made; an eighth of that, for it is kept
EXCHANGE = 0.85  # two vectors put in order, in the cache
EXTREME = 0.5  # one vector, lesser or larger than another
DOUBLING = 0.8  # the same, of lines in the cache
COLUMNS_9 = 5.0  # a vector of medians of 3 x 3
COLUMNS_25 = 16.0  # the same of 5 x 5
HISTOGRAM = 4.6  # a sample by histograms
SWITCH = 22.0  # more for one of a narrow window, whose results lie further apart, divided by its width
SORT = 18.0  # a sample of a tile numbered by its order
COPY = 0.05  # a byte brought into a padded band

ALGORITHMS = {
    "extremes": "rows, then columns by doubling: hardly depends on the size",
    "taps": "every sample of the shape is compared",
    "rows": "the extreme of some rows, then columns by doubling",
    "columns": "a sorting network on columns that are sorted once",
    "network": "a sorting network that neighbouring windows share",
    "bisection": "every lane looks for its own result, bit by bit",
    "ordinals": "samples are numbered by their order, tile by tile, and bisected",
    "histogram": "histograms of columns and of the window: does not depend on the size",
}

IN_PLACE = ("rows", "columns")  # read the picture itself where that can be


@dataclass(frozen=True)
class RankPlan:
    """How one order statistic runs over one kind of picture. Print it to read it; compare it."""

    algorithm: str  # one of ALGORITHMS
    rows: Axis
    columns: Axis
    channels: int
    source: str  # dtype names
    target: str
    footprint: Footprint
    percentile: float
    border: Border
    alpha: str  # "none", "separate" or "keep"
    range: str
    scale: Fraction = Fraction(1)  # a change of depth
    offset: Fraction = Fraction(0)
    cost: float = field(default=0.0, compare=False)  # nanoseconds for a sample of the result

    @cached_property
    def row_sources(self) -> np.ndarray:
        """The picture's row behind each padded row, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """The picture's column behind each padded column, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def reason(self) -> str:
        """Why this algorithm."""
        return ALGORITHMS[self.algorithm]

    @property
    def rank(self) -> int:
        """How many samples of a whole window come before the wanted one."""
        return rank_of(self.percentile, self.footprint.count)

    @property
    def largest(self) -> bool:
        """Whether of the extremes it is the largest."""
        return self.rank == self.footprint.count - 1

    @property
    def counted(self) -> str:
        """The type that the loop works in: where a byte does not count the window's samples, 16 bits for bytes too, and for
        ordinal numbers."""
        wide = self.algorithm == "bisection" and self.footprint.count > 255
        return "uint16" if self.algorithm == "ordinals" or wide else self.key

    @property
    def bins(self) -> tuple[str, str]:
        """The types that hold histograms of a column, and of the window."""
        tall, many = self.rows.taps > TALLEST_COUNTED, self.footprint.count > MOST_RANKED
        return "uint16" if tall else "uint8", "uint32" if many else "uint16"

    @property
    def shape(self) -> tuple[int, int]:
        """The result's shape without channels."""
        return self.rows.out, self.columns.out

    @property
    def source_channels(self) -> int:
        """The picture's channels: as many as the result's."""
        return self.channels

    @property
    def colours(self) -> int:
        """Channels that the range policy is for: all but alpha."""
        return self.channels - (self.alpha != "none")

    @property
    def plain(self) -> bool:
        """Whether results are samples of the picture, stored as they are."""
        same = self.source == self.target and self.scale == 1 and self.offset == 0
        return same and self.range in ("clip", "error")

    @cached_property
    def key(self) -> str:
        """The unsigned integers that stand for the samples: `loops` know no others."""
        return key_type(np.dtype(self.source)).name

    @property
    def phases(self) -> tuple[int, int]:
        """A dilated window sees one of so many pictures, by rows and columns."""
        return self.rows.dilation, self.columns.dilation

    @property
    def strides(self) -> tuple[int, int]:
        """Steps between results, by rows and columns."""
        return self.rows.stride, self.columns.stride

    @property
    def full(self) -> tuple[int, int]:
        """The result's rows and columns without a stride: all are computed, those between left out."""
        return (self.rows.out - 1) * self.rows.stride + 1, (self.columns.out - 1) * self.columns.stride + 1

    @property
    def operations(self) -> int:
        """Samples of windows that are ranked, by counting them in full; less is done where windows share work."""
        return self.rows.out * self.columns.out * self.channels * self.footprint.count

    multiply_adds = operations

    @property
    def seconds(self) -> float:
        """What one thread would take, roughly, on the processor that the costs were measured on."""
        rows, columns = self.full
        return 1e-9 * self.cost * rows * columns * self.channels

    @property
    def band_rows(self) -> int:
        """Rows of the result worked on at a time: few enough for the cache, and more than the window around them."""
        row = max(1, self.columns.span * self.channels * np.dtype(self.key).itemsize)
        least = 4 * self.rows.taps if self.algorithm == "histogram" else 2 * self.rows.taps * self.rows.dilation
        return min(self.rows.out, max(BAND_BYTES // row, least // self.rows.stride, 1))

    @property
    def scratch(self) -> int:
        """Bytes that a thread holds: a padded band, what comes of it, and histograms."""
        columns = (self.columns.span + self.columns.taps) * self.channels + LARGEST_LANES
        rows = self.band_rows * self.rows.stride + self.rows.taps * self.rows.dilation
        item = np.dtype(self.key).itemsize
        copies = 2 if self.plain else 2 + 16 // item
        bins = 272 * self.columns.taps * self.channels + 272 * STRIP if self.algorithm == "histogram" else 0
        lines = 0
        if self.algorithm == "network":  # as RankJob makes them
            reach = 4 * (self.columns.taps - 1) * self.channels * item
            lines = (max(LINE_BYTES, reach) + 4 * LARGEST_LANES + 16 * 40) * self.footprint.count
        return copies * rows * columns * item + bins + lines

    @property
    def result_bytes(self) -> int:
        """Bytes of the result; with the range stretch it is kept in float64 first."""
        item = np.dtype(self.target).itemsize + (8 if self.range == "stretch" else 0)
        return self.rows.out * self.columns.out * self.channels * item

    @property
    def rows_together(self) -> int:
        """Rows that the loop works on at a time."""
        return 1

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        return {
            "algorithm": self.algorithm,
            "reason": self.reason,
            "input": [self.rows.size, self.columns.size, self.channels],
            "output": [*self.shape, self.channels],
            "types": [self.source, self.key, self.target],
            "shape": self.footprint.name,
            "cells": self.footprint.count,
            "rank": self.rank,
            "result_bytes": self.result_bytes,
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        lines = [
            f"algorithm      {self.algorithm}: {self.reason}",
            f"window         {self.footprint}, border {self.border}",
            f"rank           {self.rank} of 0 to {self.footprint.count - 1}, the least first",
            f"sizes          {rows.size} x {columns.size} x {self.channels} -> {rows.out} x {columns.out} x {self.channels}"
            + (f", stride {rows.stride},{columns.stride}" if (rows.stride, columns.stride) != (1, 1) else "")
            + (f", dilation {rows.dilation},{columns.dilation}" if (rows.dilation, columns.dilation) != (1, 1) else ""),
            f"numbers        {self.source} -> {self.key} -> {self.target}, exact: every result is a sample",
            f"memory         {self.result_bytes / 1e6:,.1f} MB result, {self.scratch / 1e6:,.1f} MB of buffers per thread",
        ]
        if self.alpha != "none":
            lines.insert(4, f"alpha          {self.alpha}")
        if self.scale != 1:
            lines.insert(-1, f"depth          {self.source} to {self.target}, times {self.scale}, rounded once")
        return "\n".join(lines)


BAND_BYTES = 1 << 20
LINE_BYTES = 1024  # of a line of a network
STRIP = 1024  # samples of a row whose columns' histograms are held at a time


@lru_cache(maxsize=256)
def make_rank_plan(
    footprint: Footprint,
    percentile: float,
    axes: tuple[Axis, Axis],
    channels: int,
    source: np.dtype,
    target: np.dtype,
    border: Border,
    *,
    alpha: str = "none",
    range: str = "clip",
    scale: Fraction = Fraction(1),
    offset: Fraction = Fraction(0),
    algorithm: str | None = None,
) -> RankPlan:
    """The plan for a percentile of the samples under a footprint: a pure function of its arguments.

    `algorithm` takes one of ALGORITHMS, and raises OptionError where that can't do the work; default: the cheapest.
    Raises LimitError for windows of more than 65535 samples, unless they are rectangles of bytes, or it is the least or
    the largest that is wanted.
    """
    check_range(range)
    if alpha == "weight":
        raise OptionError("ranks have no weights: alpha is separate (the default here: filtered like a colour) or keep")
    key = key_type(source)
    in_place = IN_PLACE if source.kind in "bu" and key.itemsize <= 2 else ()
    copy = COPY * key.itemsize * (1 + any(axis.dilation > 1 for axis in axes))
    able = {
        name: cost + copy * (name not in in_place)
        for name, cost in _candidates(footprint, percentile, key.itemsize, border, channels)
    }
    if not able:
        raise LimitError(
            f"windows of {footprint.count} samples are too large to rank: up to {MOST_RANKED}, but for squares on 8 bits, min and max"
        )
    if algorithm is not None and algorithm not in able:
        raise OptionError(f"algorithm {algorithm!r} can't do this; {', '.join(able)} can")
    samples = channels * math.prod(axis.out * axis.stride for axis in axes)
    once = {"network": PREPARE * footprint.count / samples}
    chosen = algorithm or min(able, key=lambda name: able[name] + once.get(name, 0.0))
    return RankPlan(chosen, *axes, channels, source.name, target.name, footprint, percentile, border, alpha, range, scale, offset, able[chosen])  # fmt: skip


def _candidates(footprint, percentile, item, border, channels) -> Iterator[tuple[str, float]]:
    """Algorithms that can do it, with what they cost: nanoseconds for a sample."""
    count, lanes = footprint.count, REGISTER // item
    rank, whole = rank_of(percentile, count), footprint.mask is None
    if percentile in (0, 100) or (rank in (0, count - 1) and border.mode != "normalized"):
        if whole:
            steps = sum(2 + n.bit_length() for n in footprint.shape)
            yield "extremes", DOUBLING * steps / lanes
            if footprint.shape[0] <= LOW:
                yield "rows", DOUBLING * (footprint.shape[0] + 1 + footprint.shape[1].bit_length()) / lanes
        yield "taps", EXTREME * count / lanes
        return
    if border.mode != "normalized":
        if whole and footprint.shape in ((3, 3), (5, 5)) and rank == count // 2:
            yield "columns", (COLUMNS_9 if count == 9 else COLUMNS_25) / lanes
        if count <= LARGEST_NETWORK:
            sorting = EXCHANGE * count * math.log2(count) ** 2 / 4
            yield "network", (MERGE * count if whole else sorting) / lanes
        if whole and item == 1:
            yield "histogram", HISTOGRAM + SWITCH / footprint.shape[1]
    if count > MOST_RANKED:
        return
    if item <= 2:
        wide = item == 1 and count > 255  # a byte does not count them: 16 bits hold the samples
        yield "bisection", TAP * count * 8 * item / (lanes / 2 if wide else lanes)
    else:
        around = (256 + footprint.shape[0]) * (256 + footprint.shape[1]) / 65536
        yield "ordinals", TAP * count * 16 / 32 + SORT * around


def rank_of(percentile: float, count: int) -> int:
    """How many of `count` samples come before the wanted one: `int(count * percentile / 100)`, for 100 the last
    (scipy.ndimage.percentile_filter); for 50 the median of scipy.ndimage.median_filter, for an even count the larger one.
    """
    return count - 1 if percentile == 100 else int(count * percentile / 100)


def key_type(source: np.dtype) -> np.dtype:
    """The unsigned type as wide as this one."""
    return np.dtype(f"u{source.itemsize}")
