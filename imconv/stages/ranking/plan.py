"""`RankPlan`: how an order statistic is computed, and `make_rank_plan`, the pure function that chooses the algorithm."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Stage
from ...errors import OptionError
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...lazy import cached_property
from ...pixels.alpha import WEIGHTED
from ...pixels.rounding import check_range
from ...units import human_bytes
from .algorithms import BY_NAME
from .footprint import Footprint, rank_of
from .task import RankAlgorithm, RankTask
from .work import RankWork

MEDIAN = 50.0
COPY = 0.05  # cost in nanoseconds of copying a byte to a padded block
BAND_BYTES = 1 << 20  # size of a block of padded rows


@dataclass(frozen=True)
class RankPlan(Stage):
    """How an order statistic is computed for pictures of one shape and type. Plans can be printed and compared."""

    algorithm: str  # one of `algorithms.BY_NAME`
    rows: Axis
    columns: Axis
    channels: int
    source: str  # dtype names
    target: str
    footprint: Footprint
    percentile: float
    border: Border
    alpha: str  # "none", "separate" or "unweighted"
    range: str
    scale: Fraction = Fraction(1)  # factor of a change of depth
    offset: Fraction = Fraction(0)
    cost: float = field(default=0.0, compare=False)  # nanoseconds for a sample of the result

    worker = RankWork

    @property
    def how(self) -> RankAlgorithm:
        """The algorithm as an object, which is asked for everything that depends on it."""
        return BY_NAME[self.algorithm]

    reason = property(lambda self: self.how.reason)
    loop_type = property(lambda self: self.how.loop_type(self))

    @property
    def rank(self) -> int:
        """How many samples of a whole window come before the result in order."""
        return rank_of(self.percentile, self.footprint.count)

    @property
    def largest(self) -> bool:
        """Whether the result is the largest sample of a window."""
        return self.rank == self.footprint.count - 1

    @property
    def colours(self) -> int:
        """Channels that the range policy applies to: all but alpha."""
        return self.channels - (self.alpha != "none")

    @property
    def plain(self) -> bool:
        """Whether results are samples of the picture, stored without a change of type, scale or offset."""
        same = self.source == self.target and self.scale == 1 and self.offset == 0
        return same and self.range in ("clip", "error")

    keeps_samples = plain

    @cached_property
    def key(self) -> str:
        """The unsigned type of the sortable integers that stand for samples in the loops (see sortable.py)."""
        return key_type(np.dtype(self.source)).name

    @property
    def full(self) -> tuple[int, int]:
        """The result's rows and columns without strides: all of these are computed, and every s-th is kept."""
        return (self.rows.out - 1) * self.rows.stride + 1, (self.columns.out - 1) * self.columns.stride + 1

    @property
    def multiply_adds(self) -> int:
        """The samples of all windows together; algorithms whose windows share work do less."""
        return self.rows.out * self.columns.out * self.channels * self.footprint.count

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread, on the processor that the costs were measured on."""
        rows, columns = self.full
        return 1e-9 * self.cost * rows * columns * self.channels

    @property
    def band_rows(self) -> int:
        """Rows of the result computed at once: few enough for the cache, but more than the rows around them."""
        row = max(1, self.columns.span * self.channels * np.dtype(self.key).itemsize)
        return min(self.rows.out, max(BAND_BYTES // row, self.how.least_rows(self) // self.rows.stride, 1))

    @property
    def scratch(self) -> int:
        """Bytes for each thread: a padded block, its results, and the algorithm's own buffers."""
        columns = (self.columns.span + self.columns.taps) * self.channels + LARGEST_LANES
        rows = self.band_rows * self.rows.stride + self.rows.taps * self.rows.dilation
        item = np.dtype(self.key).itemsize
        copies = 2 if self.plain else 2 + 16 // item
        return copies * rows * columns * item + self.how.scratch(self)

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
        lines = [
            f"algorithm      {self.algorithm}: {self.reason}",
            f"window         {self.footprint}, border {self.border}",
            f"rank           {self.rank} of 0 to {self.footprint.count - 1}, the least first",
            f"sizes          {self.sizes}",
            f"numbers        {self.source} -> {self.key} -> {self.target}, exact: every result is a sample",
            f"memory         {human_bytes(self.result_bytes)} result, {human_bytes(self.scratch)} of buffers per thread",
        ]
        if self.alpha != "none":
            lines.insert(4, f"alpha          {self.alpha}")
        if self.scale != 1:
            lines.insert(-1, f"depth          {self.source} to {self.target}, times {self.scale}, rounded once")
        return "\n".join(lines)


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

    `algorithm` is a name in `algorithms.BY_NAME`, by default the cheapest; OptionError if it can't do the task.
    """
    check_range(range)
    if alpha in WEIGHTED:
        raise OptionError(
            f"ranks have no weights, so that alpha {alpha} has no meaning; take unweighted (alpha stays as it is) or separate "
            "(filtered like a colour, the default here)"
        )
    key, rank = key_type(source), rank_of(percentile, footprint.count)
    extreme = percentile in (0, 100) or (rank in (0, footprint.count - 1) and border.mode != "normalized")
    task = RankTask(footprint, rank, key.itemsize, border, extreme)
    copy = COPY * key.itemsize * (1 + any(axis.dilation > 1 for axis in axes))
    small = source.kind in "bu" and key.itemsize <= 2
    able = {}
    for name, how in BY_NAME.items():
        cost = how.cost(task)
        if cost is not None:
            able[name] = cost + copy * (not (small and how.in_place))
    if algorithm is not None and algorithm not in able:
        raise OptionError(f"algorithm {algorithm!r} can't do this; {', '.join(able)} can")
    samples = channels * math.prod(axis.out * axis.stride for axis in axes)
    chosen = algorithm or min(able, key=lambda name: able[name] + BY_NAME[name].cost_once(task) / samples)
    return RankPlan(chosen, *axes, channels, source.name, target.name, footprint, percentile, border, alpha, range, scale, offset, able[chosen])  # fmt: skip


def key_type(source: np.dtype) -> np.dtype:
    """The unsigned integer type of the same size."""
    return np.dtype(f"u{source.itemsize}")
