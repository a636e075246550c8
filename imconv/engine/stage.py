"""The protocol of plans: `AnyPlan`, base of all; `Stage`, one pass over rows; `Work`, a stage at work on a picture's rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..geometry.axis import Axis, effective_size
from ..geometry.border import Border
from ..geometry.grid import Grid
from ..lazy import cached_property
from ..pixels.alpha import APART
from ..pixels.arrays import as_array
from . import kept_work
from .bordered_rows import BorderedRows
from .drive import run
from .held_rows import SLACK
from .results import IntoArray
from .sources import BAND_BYTES, WholeArray
from .threads import Crew

STRIPE_BYTES = 2 << 20  # least size of a stripe of the result


class AnyPlan:
    """How a filter computes its result, for pictures of one shape and type. A plan is a value: printable and comparable.

    Every plan has these attributes, as fields or properties: `rows` and `columns`, the axes of the picture; `channels` of the
    result; `source` and `target`, the dtype names of picture and result; `alpha` and `range`, its policies; `scratch`, bytes
    of buffers for each thread; `seconds`, a rough estimate for one thread.
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
        """Whether results are samples of the picture or differences of two, so that no integer is rounded to a float."""
        return False

    @property
    def compares(self) -> bool:
        """Whether results are compared with the picture's own samples, which must then be held."""
        return False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.rows.out, self.columns.out

    @property
    def grid(self) -> Grid | None:
        """Where the result's samples lie among the picture's; None if nowhere in particular.

        By default under the anchor of their window, so that a result has its place whatever padding and stride are.
        """
        return Grid.along_axes((self.rows.stride, self.rows.start), (self.columns.stride, self.columns.start))

    @property
    def grid_of_windows(self) -> Grid:
        """The same for results that stand for their whole window: in its middle."""
        return Grid.along_axes((self.rows.stride, self.rows.middle), (self.columns.stride, self.columns.middle))

    @property
    def source_channels(self) -> int:
        """Channels of the picture; by default as many as the result has."""
        return self.channels

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds, or similar operations, for the whole picture; 0 if they are not counted."""
        return 0

    @property
    def colours(self) -> int:
        """Channels that the range policy applies to: all but alpha, unless alpha is filtered like a colour."""
        return self.channels - (self.alpha in APART)

    @property
    def result_bytes(self) -> int:
        """Bytes of the result; with the range "stretch", including its float64 values before rounding."""
        item = np.dtype(self.target).itemsize + (8 if self.range == "stretch" else 0)
        return self.shape[0] * self.shape[1] * self.channels * item

    @property
    def extra_bytes(self) -> int:
        """Bytes of memory, for each sample of the result, that `run` needs beside picture and result."""
        return 8 if self.range == "stretch" else 0

    def measured(self, picture: np.ndarray) -> np.ndarray:
        """Those samples of a picture that results are computed from: all, unless some are no-data."""
        return picture

    def bytes_held(self, threads: int) -> int:
        """Bytes of memory that `stream` needs."""
        raise NotImplementedError

    def rows_needed(self, first: int, last: int) -> tuple[int, int]:
        """(low, high): rows first .. last - 1 of the result need rows low .. high - 1 of the picture."""
        return 0, self.rows.size

    def make_bands(
        self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False
    ) -> Iterator[np.ndarray]:
        """Yield the result in bands from top to bottom.

        source   the picture: a `sources.WholeArray` or `sources.Bands`
        sink     provides the array for each band: a `results.IntoArray` or `results.NewArrays`
        wanted   (first, last): compute only rows first .. last - 1; bands without rows stand for others
        values   compute float64 values in the result's units, before range policy and rounding, instead of samples
        """
        raise NotImplementedError

    @property
    def streams(self) -> bool:
        """Whether rows of the result can be computed before all rows of the picture are read."""
        return self.range != "stretch"

    def fill(self, source, out: np.ndarray, threads=None, tally=None, progress=None, values=False) -> None:
        """Compute the whole result into an array (rows, columns, channels); arguments as in `make_bands`."""
        how = {"threads": threads, "tally": tally, "progress": progress, "values": values}
        for _ in self.make_bands(source, IntoArray(out), **how):
            pass

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        raise NotImplementedError

    def execute(self, image, out=None, threads: int | None = None) -> np.ndarray:
        """Run the plan over an array of the shape and type that it was made for, and return the result."""
        return run(self, as_array(image), out=out, threads=threads, level=4)


class PlanOfPlans(AnyPlan):
    """A plan made of others, its `plans`, the first of which reads the picture. Times and bytes are those of all together."""

    if TYPE_CHECKING:

        @property
        def plans(self) -> tuple: ...

    rows = property(lambda self: self.plans[0].rows)
    columns = property(lambda self: self.plans[0].columns)
    grid = property(lambda self: self.plans[0].grid)
    seconds = property(lambda self: sum(plan.seconds for plan in self.plans))
    multiply_adds = property(lambda self: sum(plan.multiply_adds for plan in self.plans))
    scratch = property(lambda self: sum(plan.scratch for plan in self.plans))

    def bytes_held(self, threads: int) -> int:
        return sum(plan.bytes_held(threads) for plan in self.plans)

    def as_dict(self) -> dict:
        """The figures for `--json`: the first plan's, with the multiply-adds of all plans."""
        return {
            **self.plans[0].as_dict(),
            "output": [*self.shape, self.channels],
            "multiply_adds": self.multiply_adds,
        }


class PlanLike(PlanOfPlans):
    """A plan made of others that reads what the first of them reads, and whose result is like that of its `model`."""

    @property
    def model(self) -> AnyPlan:
        """The plan whose result has the same type, channels and policies: by default the last one."""
        return self.plans[-1]

    source = property(lambda self: self.plans[0].source)
    source_channels = property(lambda self: self.plans[0].source_channels)
    shape = property(lambda self: self.model.shape)
    target = property(lambda self: self.model.target)
    channels = property(lambda self: self.model.channels)
    colours = property(lambda self: self.model.colours)
    alpha = property(lambda self: self.model.alpha)
    range = property(lambda self: self.model.range)

    def measured(self, picture: np.ndarray) -> np.ndarray:
        return self.plans[0].measured(picture)


@dataclass(frozen=True)
class Stripe:
    """Rows first .. last - 1 of the result, and the picture's rows low .. high - 1 that they are computed from.

    If `grid` is not 0, the first `grid` rows of a coarse grid are prepared, and there may be no rows of the result.
    """

    first: int
    last: int
    low: int
    high: int
    grid: int = 0


class Stage(AnyPlan):
    """A plan of one pass over rows: a window slides along both axes. In addition to AnyPlan's attributes it has a `border`."""

    worker: ClassVar[type]  # its subclass of Work

    if TYPE_CHECKING:

        @property
        def border(self) -> Border: ...

    @property
    def keeps_work(self) -> bool:
        """Whether its work can be kept and used for the next picture."""
        return True

    @property
    def rows_together(self) -> int:
        """Rows of the result that the loop computes at once."""
        return 1

    @cached_property
    def row_sources(self) -> np.ndarray:
        """For each padded row the number of the picture's row it repeats, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """For each padded column the number of the picture's column it repeats, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def sizes(self) -> str:
        """The sizes of picture and result, stride and dilation, as text for printed plans."""
        rows, columns = self.rows, self.columns
        return (
            f"{rows.size} x {columns.size} x {self.source_channels} -> {rows.out} x {columns.out} x {self.channels}"
            + (f", stride {rows.stride},{columns.stride}" if (rows.stride, columns.stride) != (1, 1) else "")
            + (f", dilation {rows.dilation},{columns.dilation}" if (rows.dilation, columns.dilation) != (1, 1) else "")
        )

    def work(self, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        """Make this stage's work for a picture, or for the part of a picture that begins with row `low`."""
        return self.worker(self, rows, low, threads, tally, progress)

    # --- rows and stripes ------------------------------------------------------------------------------------------

    def rows_read(self, first: int, last: int) -> tuple[int, int]:
        """(low, high): rows first .. last - 1 of the result are computed from rows low .. high - 1 of the picture.

        (0, 0) if they are computed from border samples alone.
        """
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
        """Rows of the result that are computed at once when the picture arrives in bands.

        At least STRIPE_BYTES, and four times the height of the window, so that few rows are read for two stripes.
        """
        row = self.columns.out * self.channels * np.dtype(self.target).itemsize
        around = effective_size(self.rows.taps, self.rows.dilation) // self.rows.stride
        height = max(1, STRIPE_BYTES // row, 4 * around)
        return -(-height // self.rows_together) * self.rows_together

    def one_stripe(self) -> list[Stripe]:
        """The whole result as one stripe, for a picture in memory."""
        return [Stripe(0, self.rows.out, 0, self.rows.size)]

    def stripes(self) -> list[Stripe]:
        """The stripes of the result from top to bottom. No later stripe needs rows above a stripe's `low`."""
        height = self.stripe_height
        parts = [(first, min(first + height, self.rows.out)) for first in range(0, self.rows.out, height)]
        return in_order(self.stripes_of(parts))

    def stripes_of(self, parts: list[tuple[int, int]]) -> list[Stripe]:
        """The stripes for parts (first, last) of the result; `low` and `high` may decrease from one to the next."""
        return [Stripe(*part, *self.rows_read(*part)) for part in parts]

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: held rows of the picture, two of its bands, two stripes of the result, and buffers."""
        parts = self.stripes()
        row = self.columns.size * self.source_channels * np.dtype(self.source).itemsize
        result = self.columns.out * self.channels * np.dtype(self.target).itemsize
        held = max(part.high - part.low for part in parts)
        height = max(part.last - part.first for part in parts)
        return held * row * (SLACK + 1) // SLACK + 2 * BAND_BYTES + 2 * height * result + threads * self.scratch

    # --- at work ---------------------------------------------------------------------------------------------------

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
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
        """As AnyPlan.fill. For an array, without tally and progress, the work is kept for the next picture."""
        if tally is progress is None and self.keeps_work and isinstance(source, WholeArray):
            work = kept_work.take(self, source.picture, threads)
            work.fill(0, out, values)
            kept_work.give_back(work, threads)
        else:
            super().fill(source, out, threads, tally, progress, values)


def in_order(parts: list[Stripe]) -> list[Stripe]:
    """The same stripes with `low` and `high` adjusted so that both never decrease: rows are held and dropped in order."""
    lows = list(itertools.accumulate((part.low for part in reversed(parts)), min))[::-1]
    highs = itertools.accumulate((part.high for part in parts), max)
    return [
        Stripe(part.first, part.last, low, high, part.grid) for part, low, high in zip(parts, lows, highs, strict=True)
    ]


class Work:
    """A stage at work on a picture, or on the part of it that begins with row `low`: computes bands of rows on threads.

    A subclass has a `source`, or its own `move` and `release`. It defines `band(first, out, scratch)`, which computes finished samples of rows first, first + 1, ... into `out`,
    and `values_band`, which computes float64 values before range policy and rounding. `scratch` is a dict of buffers that
    belongs to the calling thread.
    """

    band: Callable[[int, np.ndarray, dict], None]
    values_band: Callable[[int, np.ndarray, dict], None]
    source: BorderedRows

    def __init__(self, plan, threads=None, tally=None, progress=None):
        self.plan, self.tally = plan, tally
        self.crew = Crew(plan, threads, progress)

    def move(self, rows: np.ndarray, low: int) -> None:
        """Continue with another part of the picture, or with another picture of its shape and type."""
        self.source.move(rows, low)

    def release(self) -> None:
        """Drop references to the picture; `move` sets the next one."""
        self.source.release()

    def prepare(self, count: int) -> None:
        """Compute the first `count` rows of the coarse grid, if the stage has one."""

    def height(self, rows: int, values: bool) -> int:
        """The height of the bands into which `rows` rows of the result are divided."""
        return self.crew.height(rows)

    def fill(self, first: int, out: np.ndarray, values: bool = False) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        self.crew.run(self.values_band if values else self.band, first, out, max(1, self.height(len(out), values)))
