"""Passes: filters applied one after another, each result rounded before the next, as other tools do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.sequence import Sequence
from ..errors import OptionError
from ..filter import Filter
from ..kernel.kernel import Kernel
from ..options import Options
from ..stages.convolution.filter import LinearFilter
from ..stages.convolution.plan import Plan

UNIT = Kernel([[1]])


@dataclass(frozen=True)
class PassesFilter(Filter):
    """Linear filters applied one after another, each result rounded to its own type before the next, as other tools do.

    `make(options, image_type)` returns them. `note` is printed first in --explain, `label` is the name in --json.
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

    def plan(self, shape, image_type, has_alpha: bool) -> PassesPlan:
        """As Filter.plan."""
        filters, plans, kind = self.steps(np.dtype(image_type)), [], np.dtype(image_type)
        for each in filters:
            plans.append(each.plan(shape, kind, has_alpha))
            shape, kind = (*plans[-1].shape, *shape[2:]), np.dtype(plans[-1].target)
        return PassesPlan(tuple(plans), tuple(filters), self.note, self.label)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        kind = np.dtype(image_type)
        for each in self.steps(kind):
            kind = each.result_type(kind)
        return kind

    def factor(self, image_type) -> Fraction:
        """As Filter.factor."""
        return LinearFilter(UNIT, self.options).factor(np.dtype(image_type))

    def with_options(self, **changes) -> PassesFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> PassesFilter:
        """As Filter.retyped."""
        return replace(self, asked=(dtype, scale, range))

    def in_light(self, light):
        """Refused: what a tool does to levels has no twin in light."""
        raise OptionError("like computes with levels, as the other tool does; leave out like or linear")


@dataclass(frozen=True)
class PassesPlan(Sequence):
    """The plans of passes, one after another."""

    plans: tuple[Plan, ...]
    filters: tuple[LinearFilter, ...]
    note: str
    label: str

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        last = self.plans[-1]
        return {
            **self.plans[0].as_dict(),
            "like": self.label,
            "steps": len(self.plans),
            "output": [*last.shape, last.channels],
            "multiply_adds": self.multiply_adds,
        }

    def __str__(self) -> str:
        return "\n".join([self.note, *map(str, self.plans)])
