"""`PassesFilter`: linear filters applied one after another, each result rounded before the next, as other tools do."""

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
    retyping: tuple | None = None  # the arguments of `retyped`, if it was called

    def steps(self, image_type: np.dtype) -> list[LinearFilter]:
        """The filters for a picture of this type."""
        if self.retyping is None:
            return self.make(self.options, image_type)
        dtype, scale, range = self.retyping
        filters = self.make(replace(self.options, dtype=None, depth=None), image_type)
        if self.options.range == "clip":  # the tool's own results are rounded as it does, then converted
            alone = replace(self.options, pad="same", stride=1, dilation=1, offset=0, depth=None)
            return [*filters, LinearFilter(UNIT, alone).retyped(dtype, scale)]
        last = filters[-1]
        return [*filters[:-1], last.retyped(dtype, scale * (last.scale or 1), range)]

    def plan(self, shape, image_type, has_alpha: bool) -> PassesPlan:
        filters, plans, source = self.steps(np.dtype(image_type)), [], np.dtype(image_type)
        if has_alpha and self.options.alpha == "keep" and sum(each.kernel is not UNIT for each in filters) > 1:
            raise OptionError(
                "like computes this in several passes, and colours are weighted by an alpha that changes from one to the next; "
                "take alpha weight, separate or unweighted"
            )
        for each in filters:
            plans.append(each.plan(shape, source, has_alpha))
            shape, source = (*plans[-1].shape, *shape[2:]), np.dtype(plans[-1].target)
        return PassesPlan(tuple(plans), tuple(filters), self.note, self.label)

    def result(self, image_type) -> tuple[np.dtype, Fraction]:
        dtype = np.dtype(image_type)
        for each in self.steps(dtype):
            dtype = each.result_type(dtype)
        return dtype, super().result(image_type)[1]

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> PassesFilter:
        return replace(self, retyping=(dtype, scale, range))

    def in_light(self, light):
        """Raise OptionError: other tools' results are defined for encoded samples only."""
        raise OptionError("like= computes with levels, as the other tool does; leave out like= or linear=")


@dataclass(frozen=True)
class PassesPlan(Sequence):
    """The plans of the passes of a PassesFilter."""

    plans: tuple[Plan, ...]
    filters: tuple[LinearFilter, ...]
    note: str
    label: str

    def as_dict(self) -> dict:
        return {**super().as_dict(), "like": self.label, "steps": len(self.plans)}

    def __str__(self) -> str:
        return "\n".join([self.note, *map(str, self.plans)])
