"""What windows that hold no-data samples have as their results: means, ranks and pools of the other samples.

All work on a `Block`: the padded samples that some rows of the result read. Sums are added tap by tap or by rows and columns, so
that no result depends on where a block begins; ranks and pools gather the samples of those windows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..engine.results import NewArrays
from ..engine.sources import WholeArray
from ..errors import OptionError
from ..geometry.axis import Axis, make_axes
from ..geometry.border import Border, fill_values
from ..kernel.kernel import Kernel
from ..pixels.alpha import WEIGHTED
from ..pixels.depth import white
from ..stages.convolution.plan import Plan, make_plan
from ..stages.neighborhood.moments import MomentsPlan
from ..stages.pooling.plan import PoolPlan
from ..stages.pooling.work import counted
from ..stages.ranking.footprint import rank_of
from ..stages.ranking.plan import RankPlan
from ..stages.ranking.work import constant_samples
from .float_stages import FloatStagesPlan

GATHERED = 1 << 21  # samples of windows that are gathered at a time


@dataclass(frozen=True)
class Block:
    """The padded samples that rows `first`, `first + 1` ... of a result read, (rows, columns, channels).

    `missing` says which colours are no-data, (rows, columns, colours); `absent` which places lie outside the picture and have
    no sample, (rows, columns, 1).
    """

    first: int
    samples: np.ndarray
    missing: np.ndarray
    absent: np.ndarray

    @property
    def present(self) -> np.ndarray:
        return ~(self.missing | self.absent)


@dataclass(frozen=True)
class Corrected:
    """Results (rows, columns, colours), before the offset, and where they count: where a window holds no-data samples.

    `empty` are windows that hold no-data samples and no others: they have no result.
    """

    values: np.ndarray
    touched: np.ndarray
    empty: np.ndarray


def outside(plan, channels: int) -> np.ndarray | None:
    """The samples that a constant border has in each of the picture's channels, in its type; None for other borders."""
    if isinstance(plan, PoolPlan) or plan.border.mode != "constant":
        return None
    source = np.dtype(plan.source)
    if isinstance(plan, RankPlan):
        return constant_samples(plan, source)
    # sums take a border's value as it is
    if isinstance(plan, MomentsPlan):  # which may read the colours alone
        values = fill_values(plan.border, plan.source_channels)
        return np.append(values, np.zeros(channels - plan.source_channels))
    return fill_values(plan.border, plan.channels, None if plan.alpha == "none" else white(source))


def sums(kernel: Kernel, axes: tuple[Axis, Axis], values: np.ndarray, threads) -> np.ndarray:
    """Sums of windows over float64 `values`, a block, with these axes' strides and dilations."""
    rows, columns = axes
    strides, dilations = (rows.stride, columns.stride), (rows.dilation, columns.dilation)
    inner = make_axes(values.shape[:2], kernel.shape, kernel.anchor, (0, 0), strides, dilations)
    how = (kernel, inner, values.shape[2], values.dtype, values.dtype, Border("constant"))
    try:
        plan = make_plan(*how, algorithm="separable")
        if plan.how.cancels(plan):
            raise OptionError("a sum of no weights must be exactly 0")
    except OptionError:
        plan = make_plan(*how, algorithm="dense")
    found = np.empty((*plan.shape, plan.channels))
    with np.errstate(all="ignore"):
        for _ in plan.make_bands(WholeArray(values), _Into(found), threads=threads):
            pass
    return found


class _Into(NewArrays):
    """A sink: one array."""

    def __init__(self, result: np.ndarray):
        self.result = result

    def room(self, first: int, count: int) -> np.ndarray:
        return self.result[first : first + count]


@dataclass(frozen=True)
class Means:
    """Correlations: `sum(h) * sum'(h f) / sum'(h)`, where sum' leaves out taps on no-data."""

    plan: Plan
    what: str = "nodata="  # as error messages call it
    plain = False
    scale = 1.0  # the kernel has it

    def __post_init__(self):
        kernel = self.plan.kernel
        if (kernel.weights < 0).any() or not kernel.weights.any():
            raise OptionError(
                f"{self.what} needs weights that are not negative, and not all 0: a difference has no value without one of "
                "its samples"
            )

    @property
    def kernel(self) -> Kernel:
        """Whole-number weights where there are any, so that sums of whole numbers are exact; no coarse grid."""
        kernel = self.plan.kernel.replace(offset=0)
        if kernel.rank_one_factors is not None and not kernel.exact:
            return Kernel.from_factors(*kernel.rank_one_factors, anchor=kernel.anchor)
        return kernel.scaled(kernel.denominator) if kernel.exact else kernel

    @property
    def offset(self) -> float:
        return float(self.plan.kernel.offset)

    def of(self, block: Block, threads) -> Corrected:
        kernel, colours = self.kernel, block.missing.shape[2]
        present = block.present
        samples = np.where(present, block.samples[..., :colours], 0).astype(np.float64)
        parts = [block.missing.astype(np.float64), present.astype(np.float64), samples]
        if self.plan.alpha in WEIGHTED:
            alpha = np.where(present, block.samples[..., -1:], 0).astype(np.float64)
            parts += [alpha, alpha * samples]
        found = sums(kernel, (self.plan.rows, self.plan.columns), np.concatenate(parts, axis=2), threads)
        hidden, weights, total, *weighed = np.split(found, found.shape[2] // colours, axis=2)
        empty = (hidden > 0) & ~(weights > 0)
        if weighed:
            opaque = weighed[0] > 0
            weights, total = np.where(opaque, weighed[0], weights), np.where(opaque, weighed[1], total)
        exact = self.plan.kernel
        with np.errstate(all="ignore"):
            if exact.exact and np.dtype(self.plan.source).kind != "f":
                whole = round(exact.sum() * exact.denominator)
                values = total * whole / (weights * exact.denominator)
            else:
                values = total / weights * exact.sum()
        return Corrected(values, hidden > 0, empty)


class _Gathered:
    """Windows that are computed from their samples. A subclass has `plan`, `cells` and `reduce`."""

    plan: Any  # RankPlan, PoolPlan or MomentsPlan
    cells: np.ndarray
    reduce: Callable[..., np.ndarray]

    @property
    def offset(self) -> float:
        return float(self.plan.offset)

    @property
    def scale(self) -> float:
        """The factor from values to the result's units."""
        return float(self.plan.scale)

    def of(self, block: Block, threads) -> Corrected:
        rows, columns = self.plan.rows, self.plan.columns
        kernel, colours = Kernel(self.cells.astype(int), anchor=(0, 0)), block.missing.shape[2]
        marks = np.concatenate([block.missing, block.present], axis=2).astype(np.float64)
        hidden, there = np.split(sums(kernel, (rows, columns), marks, threads), 2, axis=2)
        touched, empty = hidden > 0, (hidden > 0) & (there == 0)
        dtype = np.dtype(self.plan.source if isinstance(self.plan, RankPlan) else np.float64)
        values = np.zeros(touched.shape, dtype)
        places = np.argwhere(touched & ~empty)
        for part in _parts(places, int(self.cells.sum())):
            i, j, c = part.T
            down, along = np.nonzero(self.cells)
            y = i[:, None] * rows.stride + down * rows.dilation
            x = j[:, None] * columns.stride + along * columns.dilation
            present = block.present[y, x, c[:, None]]
            samples = block.samples[y, x, c[:, None]]
            alpha = block.samples[y, x, -1] if block.samples.shape[2] > colours else None
            with np.errstate(all="ignore"):
                values[i, j, c] = self.reduce(samples, present, alpha, i + block.first, j, c)
        return Corrected(values, touched, empty)


def _parts(places: np.ndarray, size: int) -> Iterator[np.ndarray]:
    step = max(1, GATHERED // size)
    return (places[first : first + step] for first in range(0, len(places), step))


class Ranks(_Gathered):
    """Samples at a percentile of those that are there."""

    plan: RankPlan

    def __init__(self, plan: RankPlan, what: str = ""):
        self.plan, self.cells = plan, plan.footprint.cells

    @property
    def plain(self) -> bool:
        """Whether values are results as they are."""
        return self.plan.plain

    def reduce(self, samples, present, alpha, i, j, c) -> np.ndarray:
        ordered, counts = _ordered(samples, present), present.sum(axis=1)
        ranks = np.array([rank_of(self.plan.percentile, count) for count in range(1, samples.shape[1] + 1)])
        return np.take_along_axis(ordered, ranks[counts - 1][:, None], axis=1)[:, 0]


class Pools(_Gathered):
    """One of the operations of pooling over the samples that are there; averages count padding as without no-data."""

    plan: PoolPlan
    plain = False

    def __init__(self, plan: PoolPlan, what: str = ""):
        self.plan, self.cells = plan, np.ones((plan.rows.taps, plan.columns.taps), bool)

    @property
    def scale(self) -> float:
        return 1.0 if self.plan.operation == "count" else super().scale

    def reduce(self, samples, present, alpha, i, j, c) -> np.ndarray:
        plan, counts = self.plan, present.sum(axis=1)
        operation = plan.operation
        if operation == "count":
            assert plan.where is not None
            channels = np.zeros((len(samples), samples.shape[1], plan.channels), samples.dtype)
            channels[np.arange(len(c)), :, c] = samples
            met = plan.where(channels)[np.arange(len(c)), :, c]
            return (met.astype(bool) & present).sum(axis=1)
        if operation == "median":
            ordered = _ordered(samples.astype(plan.type), present)
            below, above = (
                np.take_along_axis(ordered, n[:, None], axis=1)[:, 0].astype(np.float64)
                for n in ((counts - 1) // 2, counts // 2)
            )
            middle = below / 2 + above / 2
            return np.where((np.isnan(samples) & present).any(axis=1), np.nan, middle)
        values = samples.astype(np.float64)
        if operation in ("max", "min", "range"):
            largest = np.where(present, values, -np.inf).max(axis=1)
            least = np.where(present, values, np.inf).min(axis=1)
            return {"max": largest, "min": least, "range": largest - least}[operation]
        values = np.where(present, values, 0)
        total = values.sum(axis=1)
        if operation == "l2":
            return np.sqrt((values * values).sum(axis=1))
        if operation == "stdev":
            return _deviation(values, present)
        padding = self._padding(i, j) if operation == "avg" else 0
        if plan.weighs:
            weights = np.where(present, alpha, 0).astype(np.float64)
            cover = weights.sum(axis=1) + (plan.opaque or white(np.dtype(plan.source))) * padding
            weighed = (weights * values).sum(axis=1) * (1 if operation == "avg" else counts)
            share = weighed / cover
        if operation == "avg":
            total = total / (counts + padding)
        return np.where(cover > 0, share, total) if plan.weighs else total

    def _padding(self, i, j) -> np.ndarray:
        """How many samples of padding the averages at these places count."""
        axes = ((self.plan.rows, i), (self.plan.columns, j))
        counts = [counted(axis, self.plan.include_pad)[at] for axis, at in axes]
        inside = [np.subtract(*axis.inside()[::-1])[at] for axis, at in axes]
        return counts[0] * counts[1] - inside[0] * inside[1]


class Deviations(_Gathered):
    """Population standard deviations of the samples that are there."""

    plan: MomentsPlan
    plain = False

    def __init__(self, whole: FloatStagesPlan, what: str = ""):
        self.plan = cast(MomentsPlan, whole.plans[0])
        self.whole, self.cells = whole, np.ones((self.plan.rows.taps, self.plan.columns.taps), bool)

    @property
    def offset(self) -> float:
        return float(self.whole.offset)

    @property
    def scale(self) -> float:
        return float(self.whole.scale)

    def reduce(self, samples, present, alpha, i, j, c) -> np.ndarray:
        return _deviation(samples.astype(np.float64), present)


def _deviation(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The population standard deviation along the last axis of the samples that are there."""
    counts = present.sum(axis=1)
    means = np.where(present, values, 0).sum(axis=1) / counts
    deviations = np.where(present, values - means[:, None], 0)
    return np.sqrt((deviations * deviations).sum(axis=1) / counts)


def _ordered(samples: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Samples sorted along the last axis; those that are there come before all others of their value."""
    if samples.dtype.kind == "b":
        samples = samples.view(np.uint8)
    last = np.nan if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    return np.sort(np.where(present, samples, samples.dtype.type(last)), axis=1)
