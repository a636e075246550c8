"""What plans are to the driver: `AnyPlan`, what all have; `Stage`, one pass over rows; `Work`, a stage at work on rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry.axis import Axis, effective_size
from ..geometry.border import Border
from ..lazy import cached_property
from . import kept_work
from .drive import run
from .held_rows import SLACK
from .results import Into
from .sources import BAND_BYTES, WholeArray
from .threads import Crew

STRIPE_BYTES = 2 << 20  # of the result, at least


class AnyPlan:
    """How a filter runs over one kind of picture. A plan is a value: it can be printed and compared.

    A plan has these attributes, as fields or properties: `rows` and `columns`, the axes of the picture; `channels` of the
    result; `source` and `target`, names of dtypes; `alpha` and `range`, policies; `scratch`, bytes of buffers for each thread;
    `seconds` that one thread would take, roughly.
    """

    if TYPE_CHECKING:

        @property
        def rows(self) -> Axis: ...
        @property
        def columns(self) -> Axis: ...
        @property
        def channels(self) -> int: ...
        @property
        def source(self) -> str: ...
        @property
        def target(self) -> str: ...
        @property
        def alpha(self) -> str: ...
        @property
        def range(self) -> str: ...
        @property
        def scratch(self) -> int: ...
        @property
        def seconds(self) -> float: ...

    @property
    def keeps_samples(self) -> bool:
        """Whether results are samples of the picture, or their differences: nothing is calculated in floats."""
        return False

    @property
    def compares(self) -> bool:
        """Whether results are compared with the picture's own samples, so that those must be kept."""
        return False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.rows.out, self.columns.out

    @property
    def source_channels(self) -> int:
        """Channels of the picture: as many as the result's, unless a plan says otherwise."""
        return self.channels

    @property
    def multiply_adds(self) -> int:
        """Multiplications with additions, or what stands for them, for the whole picture; 0 where they are not counted."""
        return 0

    @property
    def colours(self) -> int:
        """Channels that the range policy is for: all but an alpha that goes its own way."""
        return self.channels - (self.alpha in ("weight", "keep"))

    @property
    def result_bytes(self) -> int:
        """Bytes of the result; with the range "stretch" it is kept in float64 first."""
        item = np.dtype(self.target).itemsize + (8 if self.range == "stretch" else 0)
        return self.shape[0] * self.shape[1] * self.channels * item

    @property
    def extra_bytes(self) -> int:
        """Bytes for each sample of the result that a run over an array takes beyond the picture and the result."""
        return 8 if self.range == "stretch" else 0

    def bytes_held(self, threads: int) -> int:
        """Memory that a run over bands takes."""
        raise NotImplementedError

    def rows_needed(self, first: int, last: int) -> tuple[int, int]:
        """The picture's rows that must be there for rows first .. last - 1 of the result: from, up to."""
        return 0, self.rows.size

    def make_bands(
        self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False
    ) -> Iterator[np.ndarray]:
        """Yield the result in bands from top to bottom.

        source   the picture: a `sources.WholeArray` or `sources.Bands`
        sink     says where a band goes: `results.Into` or `results.NewArrays`
        wanted   (first, last): only these rows; for others there are bands without rows
        values   float64 in the result's units instead of samples: neither rounded nor under a range policy
        """
        raise NotImplementedError

    @property
    def streams(self) -> bool:
        """Whether rows of the result can be had before all rows of the picture were read."""
        return self.range != "stretch"

    def fill(self, source, out: np.ndarray, threads=None, tally=None, progress=None, values=False) -> None:
        """Compute the whole result into an array (rows, columns, channels); arguments as in `make_bands`."""
        how = {"threads": threads, "tally": tally, "progress": progress, "values": values}
        for _ in self.make_bands(source, Into(out), **how):
            pass

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        raise NotImplementedError

    def execute(self, image, out=None, threads: int | None = None) -> np.ndarray:
        """Run the plan over an array of the shape and type it was made for."""
        return run(self, image, out=out, threads=threads, level=4)


class PlanLike(AnyPlan):
    """A plan made of others that tells what one of them, its `model`, tells, unless it says otherwise."""

    @property
    def model(self) -> AnyPlan:
        """The plan that has the same attributes."""
        raise NotImplementedError

    rows = property(lambda self: self.model.rows)
    columns = property(lambda self: self.model.columns)
    source = property(lambda self: self.model.source)
    source_channels = property(lambda self: self.model.source_channels)
    target = property(lambda self: self.model.target)
    channels = property(lambda self: self.model.channels)
    colours = property(lambda self: self.model.colours)
    alpha = property(lambda self: self.model.alpha)
    range = property(lambda self: self.model.range)
    seconds = property(lambda self: self.model.seconds)
    scratch = property(lambda self: self.model.scratch)


@dataclass(frozen=True)
class Stripe:
    """Rows first .. last - 1 of the result, and the picture's rows low .. high - 1 that must be there for them.

    Where `grid` is not 0, that many rows of a coarse grid are prepared; of the result there may be none then.
    """

    first: int
    last: int
    low: int
    high: int
    grid: int = 0


class Stage(AnyPlan):
    """A plan of one pass over rows: a window slides along both axes. Beside what every plan has it has a `border`."""

    if TYPE_CHECKING:

        @property
        def border(self) -> Border: ...

    @property
    def keeps_work(self) -> bool:
        """Whether its work can be kept for the next picture."""
        return True

    @property
    def rows_together(self) -> int:
        """Rows that the loop works on at a time."""
        return 1

    @cached_property
    def row_sources(self) -> np.ndarray:
        """The picture's row behind each padded row, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """The picture's column behind each padded column, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def sizes(self) -> str:
        """The picture's size and the result's, in words."""
        rows, columns = self.rows, self.columns
        return (
            f"{rows.size} x {columns.size} x {self.source_channels} -> {rows.out} x {columns.out} x {self.channels}"
            + (f", stride {rows.stride},{columns.stride}" if (rows.stride, columns.stride) != (1, 1) else "")
            + (f", dilation {rows.dilation},{columns.dilation}" if (rows.dilation, columns.dilation) != (1, 1) else "")
        )

    def work(self, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None) -> Work:
        """This stage at work on a picture, or on the part of it whose first row is row `low`."""
        raise NotImplementedError

    # --- which rows, when ------------------------------------------------------------------------------------------

    def rows_read(self, first: int, last: int) -> tuple[int, int]:
        """The range of the picture's rows that rows first .. last - 1 of the result are computed from; empty where there
        are none."""
        axis = self.rows
        start = first * axis.stride
        stop = start + (last - 1 - first) * axis.stride + effective_size(axis.taps, axis.dilation)
        wanted = self.row_sources[start:stop]
        wanted = wanted[wanted >= 0]
        return (int(wanted.min()), int(wanted.max()) + 1) if wanted.size else (0, 0)

    def rows_needed(self, first: int, last: int) -> tuple[int, int]:
        """As AnyPlan.rows_needed: for whole stripes; for coarse grids, which are made from the first row on, all rows."""
        parts = self.stripes()
        if any(part.grid for part in parts):
            return 0, self.rows.size
        parts = [part for part in parts if part.first < last and part.last > first]
        return min((part.low for part in parts), default=0), max((part.high for part in parts), default=0)

    @property
    def stripe_height(self) -> int:
        """Rows of the result computed at a time from bands: a few megabytes, and more than the rows around them."""
        row = self.columns.out * self.channels * np.dtype(self.target).itemsize
        around = effective_size(self.rows.taps, self.rows.dilation) // self.rows.stride
        height = max(1, STRIPE_BYTES // row, 4 * around)
        return -(-height // self.rows_together) * self.rows_together

    def one_stripe(self) -> list[Stripe]:
        """The result in one part, for a picture that is there as a whole."""
        return [Stripe(0, self.rows.out, 0, self.rows.size)]

    def stripes(self) -> list[Stripe]:
        """The result's parts from top to bottom. No later part needs what is above a part's `low`."""
        height = self.stripe_height
        parts = [(first, min(first + height, self.rows.out)) for first in range(0, self.rows.out, height)]
        return in_order([Stripe(*part, *self.rows_read(*part)) for part in parts])

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: rows of the picture, as they come and as they are kept, two stripes of the result, buffers."""
        parts = self.stripes()
        row = self.columns.size * self.source_channels * np.dtype(self.source).itemsize
        result = self.columns.out * self.channels * np.dtype(self.target).itemsize
        held = max(part.high - part.low for part in parts)
        height = max(part.last - part.first for part in parts)
        return held * row * (SLACK + 1) // SLACK + 2 * BAND_BYTES + 2 * height * result + threads * self.scratch

    # --- at work ---------------------------------------------------------------------------------------------------

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        """As AnyPlan.make_bands."""
        first_wanted, last_wanted = wanted or (0, self.rows.out)
        work: Work | None = None
        for part in source.stripes(self):
            skipped = part.last <= first_wanted or part.first >= last_wanted
            rows, low = source.hold(part.low, part.high)
            if part.grid or not skipped:
                if work is None:
                    work = self.work(rows, low, threads, tally, progress)
                else:
                    work.move(rows, low)
            if work and part.grid and (skipped or part.last == part.first):
                work.prepare(part.grid)
            if part.last == part.first:
                continue
            band = sink.room(part.first, 0 if skipped else part.last - part.first)
            if work and not skipped:
                work.fill(part.first, band, values)
            yield band[max(first_wanted - part.first, 0) : max(last_wanted - part.first, 0)]
        source.finish()

    def fill(self, source, out, threads=None, tally=None, progress=None, values=False) -> None:
        """As AnyPlan.fill; work on an array that nobody watches is kept for the next picture."""
        if tally is progress is None and self.keeps_work and isinstance(source, WholeArray):
            work = kept_work.take(self, source.picture, threads)
            work.fill(0, out, values)
            kept_work.give_back(work, threads)
        else:
            super().fill(source, out, threads, tally, progress, values)


def in_order(parts: list[Stripe]) -> list[Stripe]:
    """The same stripes, each with rows that its predecessors have not yet given up, and have not yet gone beyond."""
    lows = list(itertools.accumulate((part.low for part in reversed(parts)), min))[::-1]
    highs = itertools.accumulate((part.high for part in parts), max)
    return [
        Stripe(part.first, part.last, low, high, part.grid) for part, low, high in zip(parts, lows, highs, strict=True)
    ]


class Work:
    """A stage at work on a picture, or on the part of it that begins with row `low`: computes bands of rows on threads.

    A subclass has `band(first, out, scratch)`, which computes finished samples of rows first, first + 1, ... into `out`, and
    `values_band`, the same as float64 before the range policy and rounding. `scratch` is a thread's own dict of buffers.
    """

    band: Callable[[int, np.ndarray, dict], None]
    values_band: Callable[[int, np.ndarray, dict], None]

    def __init__(self, stage: Stage, threads=None, tally=None, progress=None):
        self.stage, self.tally = stage, tally
        self.crew = Crew(stage, threads, progress)

    def move(self, rows: np.ndarray, low: int) -> None:
        """Go on with another part of the picture, or another picture like it."""
        raise NotImplementedError

    def release(self) -> None:
        """Hold no picture until the next one."""
        raise NotImplementedError

    def prepare(self, count: int) -> None:
        """Make the first `count` rows of a coarse grid, where there is one."""

    def height(self, rows: int, values: bool) -> int:
        """How many of so many rows of the result make a band."""
        return self.crew.height(rows)

    def fill(self, first: int, out: np.ndarray, values: bool = False) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        self.crew.run(self.values_band if values else self.band, first, out, max(1, self.height(len(out), values)))
