"""`FilterBank`: several filters of one picture, with their results on one contact sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..engine.drive import compute
from ..engine.sources import WholeArray
from ..engine.stage import PlanLike
from ..errors import OptionError
from ..filter import Filter, FilterOfFilters
from ..geometry.arrangement import layout
from ..geometry.grid import Grid
from ..pixels.depth import white
from .partial import selected
from .white_level import white_kept


@dataclass(frozen=True, eq=False)
class FilterBank(FilterOfFilters):
    """Filters with the same options; `columns` of their results make a row of the sheet.

    The options that select a part of the picture (region, mask, channels) apply to each result.
    """

    filters: tuple[Filter, ...]
    columns: int

    selects_itself = True

    def plan(self, shape, image_type, has_alpha: bool) -> BankPlan:
        plans = tuple(selected(each).plan(shape, image_type, has_alpha) for each in self.filters)
        if len({tuple(plan.shape) for plan in plans}) > 1:
            raise OptionError(
                "the kernels of this bank differ in size, and with this pad so do their results; take pad='same'"
            )
        top = white_kept(self, image_type)
        return BankPlan(plans, self.columns, white(plans[0].target) if top is None else top)


@dataclass(frozen=True)
class BankPlan(PlanLike):
    """Plans of several filters for one picture, with `across` results in a row of the sheet."""

    plans: tuple
    across: int
    background: int

    @property
    def model(self):
        """The first plan; the others differ in their kernels only."""
        return self.plans[0]

    @property
    def range(self) -> str:
        """The range policy of each result. For "stretch" it is "clip": results are stretched one by one, not the sheet."""
        return "clip" if self.stretched else self.plans[0].range

    @property
    def stretched(self) -> bool:
        """Whether each result is stretched to its own range."""
        return self.plans[0].range == "stretch"

    @property
    def streams(self) -> bool:
        return not self.stretched

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """The place of each result on the sheet."""
        return layout(len(self.plans), self.plans[0].shape, self.across)[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the sheet."""
        return layout(len(self.plans), self.plans[0].shape, self.across)[1]

    @property
    def grid(self) -> Grid | None:
        """As AnyPlan.grid: several results on one sheet lie nowhere in particular."""
        return self.plans[0].grid if len(self.plans) == 1 else None

    @property
    def scratch(self) -> int:
        """Bytes of memory beside the sheet: one filter's buffers and its result."""
        each = np.dtype(self.target).itemsize + (8 if self.stretched else 0)
        return max(plan.scratch for plan in self.plans) + each * math.prod(self.plans[0].shape) * self.channels

    @property
    def result_bytes(self) -> int:
        """Bytes of the sheet."""
        return math.prod(self.shape) * self.channels * np.dtype(self.target).itemsize

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held: the picture twice, while its bands are concatenated, the sheet and one result."""
        picture = self.rows.size * self.columns.size * self.source_channels * np.dtype(self.source).itemsize
        return 2 * picture + self.result_bytes + self.scratch

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        """As AnyPlan.make_bands. The sheet's first row needs the whole picture, so there is one band, the sheet."""
        picture = source.whole()
        sheet = sink.room(0, self.shape[0])
        sheet[...] = self.background
        for index, (plan, place) in enumerate(zip(self.plans, self.places, strict=True)):
            if wanted is not None and not (place[0].start < wanted[1] and wanted[0] < place[0].stop):
                continue

            def share(done: int, total: int, before: int = index) -> None:
                if progress is not None:
                    progress(before * total + done, len(self.plans) * total)

            result = np.empty((*plan.shape, plan.channels), plan.target)
            compute(plan, WholeArray(picture), result, threads, tally, share)
            sheet[place] = result
        yield sheet if wanted is None else sheet[wanted[0] : wanted[1]]

    def as_dict(self) -> dict:
        return {**super().as_dict(), "bank": len(self.plans), "result_bytes": self.result_bytes}

    def __str__(self) -> str:
        columns = min(self.across, len(self.plans))
        head = f"bank           {len(self.plans)} filters, one after another, on a sheet {columns} wide"
        return "\n".join([head, *map(str, self.plans)])
