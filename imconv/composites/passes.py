"""Filters one behind another, each one's result rounded: how tools compute that go over a picture several times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..errors import OptionError
from ..filter import Filter
from ..kernel.kernel import Kernel
from ..options import Options
from ..pixels.rounding import Tally
from ..stages.convolution.filter import LinearFilter
from ..stages.convolution.plan import Plan

UNIT = Kernel([[1]])


@dataclass(frozen=True)
class SteppedFilter(Filter):
    """Linear filters one behind another.

    `make` is called with the options and the picture's type and gives the filters; what lies between two of them is of
    the type that the first one gives. `note` is the first line of the plan, `label` what `--json` says.
    """

    options: Options
    make: Callable[[Options, np.dtype], list[LinearFilter]]
    note: str
    label: str
    asked: tuple | None = None  # what `retyped` was called with

    def steps(self, kind: np.dtype) -> list[LinearFilter]:
        """The filters for a picture of this type."""
        if self.asked is None:
            return self.make(self.options, kind)
        dtype, scale, range = self.asked
        filters = self.make(replace(self.options, dtype=None, depth=None), kind)
        if self.options.range == "clip":  # the tool's own results, rounded as it rounds them
            alone = replace(self.options, pad="same", stride=1, dilation=1, offset=0, depth=None)
            return [*filters, LinearFilter(UNIT, alone).retyped(dtype, scale)]
        last = filters[-1]
        return [*filters[:-1], last.retyped(dtype, scale * (last.scale or 1), range)]

    def plan(self, shape, image_type, has_alpha: bool) -> SteppedPlan:
        """As Filter.plan."""
        filters, plans, kind = self.steps(np.dtype(image_type)), [], np.dtype(image_type)
        for each in filters:
            plans.append(each.plan(shape, kind, has_alpha))
            shape, kind = (*plans[-1].shape, *shape[2:]), np.dtype(plans[-1].target)
        return SteppedPlan(tuple(plans), tuple(filters), self.note, self.label)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        kind = np.dtype(image_type)
        for each in self.steps(kind):
            kind = each.result_type(kind)
        return kind

    def factor(self, image_type) -> Fraction:
        """As LinearFilter.factor."""
        return LinearFilter(UNIT, self.options).factor(np.dtype(image_type))

    def with_options(self, **changes) -> SteppedFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> SteppedFilter:
        """As Filter.retyped."""
        return replace(self, asked=(dtype, scale, range))

    def in_light(self, light):
        """Refused: what a tool does to levels has no twin in light."""
        raise OptionError("like computes with levels, as the other tool does; leave out like or linear")

    def extra_bytes(self, plan: SteppedPlan) -> int:
        """As Filter.extra_bytes: with what lies between two steps, of which two are there at a time."""
        between = [np.dtype(each.target).itemsize for each in plan.plans[:-1]]
        return plan.filters[-1].extra_bytes(plan.plans[-1]) + 2 * max(between, default=0)

    def bytes_held(self, plan: SteppedPlan, threads: int) -> int:
        """As Filter.bytes_held."""
        return sum(f.bytes_held(p, threads) for f, p in zip(plan.filters, plan.plans, strict=True))

    def compares(self, plan: SteppedPlan) -> bool:
        """As Filter.compares."""
        return any(f.compares(p) for f, p in zip(plan.filters, plan.plans, strict=True))

    def run(self, plan: SteppedPlan, image: np.ndarray, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        last = len(plan.plans) - 1
        for number, (each, its) in enumerate(zip(plan.filters, plan.plans, strict=True)):
            count = tally if number == last or tally is None else Tally()
            told = _share(progress, number, last + 1)
            image = each.run(
                its, image, out=out if number == last else None, threads=threads, tally=count, progress=told
            )
            if count is not tally:
                tally.add(nans=count.nans)  # what is clipped on the way is no sample of the result
        return image

    def in_bands(
        self, plan: SteppedPlan, bands: Iterator[np.ndarray], *, threads=None, tally=None, progress=None, rows=None
    ):
        """As Filter.in_bands."""
        last = len(plan.plans) - 1
        for number, (each, its) in enumerate(zip(plan.filters, plan.plans, strict=True)):
            how = {"tally": tally, "progress": progress, "rows": rows} if number == last else {}
            bands = each.in_bands(its, bands, threads=threads, **how)
        return bands


@dataclass(frozen=True)
class SteppedPlan:
    """The plans of steps, told as one. What is not told otherwise is the last one's."""

    plans: tuple[Plan, ...]
    filters: tuple[LinearFilter, ...]
    note: str
    label: str

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.plans[-1], name)

    @property
    def source(self) -> str:
        """The type of the picture."""
        return self.plans[0].source

    @property
    def scratch(self) -> int:
        """Bytes of buffers a thread holds."""
        return max(plan.scratch for plan in self.plans)

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        last = self.plans[-1]
        return {
            **self.plans[0].as_dict(),
            "like": self.label,
            "steps": len(self.plans),
            "output": [*last.shape, last.channels],
            "multiply_adds": sum(plan.multiply_adds for plan in self.plans),
        }

    def __str__(self) -> str:
        return "\n".join([self.note, *map(str, self.plans)])


def _share(progress, number: int, count: int):
    """What a step tells of rows done, as a part of all steps' rows."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, count * total)
