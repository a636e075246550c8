"""A bank: several filters of one picture, their results as one contact sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..engine.results import check_out, new_array
from ..engine.streaming import bands_of
from ..errors import OptionError
from ..filter import Filter
from ..geometry.arrangement import layout
from ..options import Options
from ..pixels.depth import white
from .partial import selected


class FilterBank(Filter):
    """Filters with the same options, and how many of their results stand in a row of the sheet.

    What the options select of a picture (region, mask, channels), they select in each result.
    """

    selection = None  # of the sheet

    def __init__(self, filters, columns: int):
        self.filters, self.columns = tuple(selected(each) for each in filters), columns

    @property
    def options(self) -> Options:
        """What all have."""
        return self.filters[0].options

    def plan(self, shape, image_type, has_alpha: bool) -> BankPlan:
        """As Filter.plan."""
        plans = tuple(each.plan(shape, image_type, has_alpha) for each in self.filters)
        if len({tuple(plan.shape) for plan in plans}) > 1:
            raise OptionError(
                "the kernels of this bank differ in size, and with this pad so do their results; take pad same"
            )
        return BankPlan(plans, self.columns)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self.filters[0].result_type(image_type)

    def in_light(self, light) -> FilterBank:
        """As Filter.in_light."""
        return FilterBank([each.in_light(light) for each in self.filters], self.columns)

    def with_options(self, **changes) -> FilterBank:
        """As Filter.with_options."""
        return FilterBank([each.with_options(**changes) for each in self.filters], self.columns)

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> FilterBank:
        """As Filter.retyped."""
        return FilterBank([each.retyped(dtype, scale, range) for each in self.filters], self.columns)

    def extra_bytes(self, plan) -> int:
        """As Filter.extra_bytes; a result made before it is laid on the sheet is the plan's `scratch`."""
        return 0

    def bytes_held(self, plan, threads: int) -> int:
        """As Filter.bytes_held: the picture twice, as its bands are put together, the sheet and a result."""
        picture = plan.rows.size * plan.columns.size * plan.source_channels * np.dtype(plan.source).itemsize
        return 2 * picture + math.prod(plan.shape) * plan.channels * np.dtype(plan.target).itemsize + plan.scratch

    def run(self, plan: BankPlan, image, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        shape = (*plan.shape, *((plan.channels,) if image.ndim == 3 or plan.channels > 1 else ()))
        if out is not None:
            check_out(out, shape, plan.target)
        sheet = new_array(shape, plan.target)
        sheet[...] = white(sheet.dtype)
        for number, (each, own) in enumerate(zip(self.filters, plan.plans, strict=True)):

            def share(done: int, total: int, before: int = number) -> None:
                if progress is not None:
                    progress(before * total + done, len(plan.plans) * total)

            sheet[plan.places[number]] = each.run(own, image, threads=threads, tally=tally, progress=share)
        if out is None:
            return sheet
        out[...] = sheet
        return out

    def in_bands(self, plan: BankPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands. The sheet's first row needs the whole picture already: that is held, and given in one band."""

        def execute(source, count):
            sheet = self.run(plan, np.concatenate(list(source)), threads=threads, tally=count, progress=progress)
            yield sheet if rows is None else sheet[rows[0] : rows[1]]

        yield from bands_of(plan, bands, tally, execute)


@dataclass(frozen=True)
class BankPlan:
    """Several filters' plans, told as one. Whatever they have alike is found here too."""

    plans: tuple
    across: int

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.plans[0], name)

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Where each result lies on the sheet."""
        return layout(len(self.plans), self.plans[0].shape, self.across)[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the sheet."""
        return layout(len(self.plans), self.plans[0].shape, self.across)[1]

    @property
    def scratch(self) -> int:
        """Bytes beside the sheet: buffers of one filter, and its result."""
        each = np.dtype(self.target).itemsize + (8 if self.range == "stretch" else 0)
        return max(plan.scratch for plan in self.plans) + each * math.prod(self.plans[0].shape) * self.channels

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        return {
            **self.plans[0].as_dict(),
            "output": [*self.shape, self.channels],
            "bank": len(self.plans),
            "result_bytes": math.prod(self.shape) * self.channels * np.dtype(self.target).itemsize,
            "multiply_adds": sum(plan.as_dict()["multiply_adds"] for plan in self.plans),
        }

    def __str__(self) -> str:
        columns = min(self.across, len(self.plans))
        way = f"bank           {len(self.plans)} filters, one after another, on a sheet {columns} wide"
        return "\n".join([way, *map(str, self.plans)])
