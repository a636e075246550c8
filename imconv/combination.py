"""Several linear filters whose results become one, band by band: the largest, a magnitude, a direction."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from .accuracy import EXACT_LIMIT, FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT, exact_sums, largest_sum, type_range
from .border import parse_border
from .combined_bands import CombinedRun
from .correlation import LinearFilter
from .depth import rescaled
from .errors import OptionError
from .executor import whole
from .filter import Filter, bands_of, readable
from .options import Options, checked_offset
from .planner import Plan, check_range
from .streaming import execute_rows
from .ways import DEGREES, HUES

STORED = ("bool", "uint8", "uint16", "float32", "float64")  # results that compiled loops write
LARGEST_ROOT = 2**31


@dataclass(frozen=True)
class CombinedFilter(Filter):
    """Several filters of one picture, their kernels of one shape and anchor, and how their results are combined: one of WAYS.

    Whole-number sums are combined as they are, and divided afterwards, so that no tie is decided by float noise. The
    options' offset is added to the combined result. Alpha is the first filter's, unless every channel is filtered alike.
    """

    filters: tuple[LinearFilter, ...]
    combine: str

    @property
    def options(self) -> Options:
        """What all have."""
        return self.filters[0].options

    def plan(self, shape, image_type, has_alpha: bool) -> CombinedPlan:
        """As Filter.plan."""
        image_type = np.dtype(image_type)
        target, scale = self._result(image_type)
        source, border = readable(image_type), parse_border(self.options.border)
        kernels = [each.kernel for each in self.filters]
        offset = checked_offset(self.options.offset)
        numbers = [scale.denominator, offset.denominator, *(k.offset.denominator for k in kernels)]
        divisor = 2 * math.lcm(
            *numbers, *((k.denominator or 1) * scale.denominator for k in kernels)
        )  # even: it is halved
        exact = all(exact_sums(k, source, border) for k in kernels)
        most = 0.0
        if exact:
            alpha = "weight" if has_alpha else "none"
            most = sum(largest_sum(k.scaled(scale), source, border, alpha) for k in kernels) + abs(offset)
            most = divisor * (float(most) + type_range(target)[1] + 1)
            exact = most < PRODUCT_LIMIT["float64"]
        if not exact:
            divisor = 1
        narrow = target != np.float64 and (
            source == np.float32 or (exact and source.name in ("bool", "uint8", "uint16"))
        )
        options = replace(
            self.options, depth=None, dtype=np.float32 if narrow else np.float64, offset=0, range="clip", linear=False
        )
        plans = tuple(
            replace(
                each,
                kernel=each.kernel.replace(offset=each.kernel.offset * divisor),
                options=options,
                scale=scale * divisor,
            ).plan(shape, source, has_alpha)
            for each in self.filters
        )
        policy = check_range(self.options.range)
        separate = has_alpha and plans[0].alpha == "separate"
        if separate and self.combine in HUES:
            raise OptionError("alpha has no colour; leave out alpha separate")
        with_alpha = has_alpha and not separate
        return CombinedPlan(plans, self.combine, target.name, policy, divisor, offset, exact, most, with_alpha)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self._result(np.dtype(image_type))[0]

    def _result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        """The result's type, and what the samples are multiplied by."""
        first, options = self.filters[0], self.options
        if options.linear and self.combine in (*DEGREES, *HUES):
            raise OptionError("a direction is no light; leave out linear")
        if self.combine not in DEGREES:
            return first.result_type(image_type), first.factor(image_type)
        if options.depth not in (None, "keep"):
            raise OptionError("a direction is in degrees; leave out depth")
        kind = np.float64 if readable(image_type) == np.float64 else np.float32
        _, scale = rescaled("float", image_type)
        return (np.dtype(kind) if options.dtype is None else first.result_type(image_type)), scale

    def in_light(self, light) -> CombinedFilter:
        """As Filter.in_light."""
        return CombinedFilter(tuple(each.in_light(light) for each in self.filters), self.combine)

    def with_options(self, **changes) -> CombinedFilter:
        """As Filter.with_options."""
        return CombinedFilter(tuple(each.with_options(**changes) for each in self.filters), self.combine)

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> CombinedFilter:
        """As Filter.retyped."""
        return CombinedFilter(tuple(each.retyped(dtype, scale, range) for each in self.filters), self.combine)

    def run(self, plan: CombinedPlan, image, *, out=None, threads=None, tally=None, progress=None):
        """As Filter.run."""
        source = image.reshape(*image.shape[:2], -1)
        return whole(CombinedRun, plan, source, image, out, threads, tally, progress)

    def in_bands(self, plan: CombinedPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""

        def execute(source, count):
            return execute_rows(
                plan, source, rows, begin=lambda held, low: CombinedRun(plan, held, threads, count, progress, low)
            )

        yield from bands_of(plan, bands, tally, execute)


@dataclass(frozen=True)
class CombinedPlan:
    """Several filters' plans, told as one. Rows, columns, source and whatever they have alike are found here too."""

    plans: tuple[Plan, ...]
    combine: str
    target: str
    range: str
    divisor: int  # of the combined sums
    offset: Fraction
    exact: bool
    most: float  # what no exact sum exceeds, nor all of them together with what is added and the result's range
    has_alpha: bool  # which is not combined, but the first filter's

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.leader, name)

    @property
    def leader(self) -> Plan:
        """The plan by which bands are cut: that of a Fourier transform, whose blocks are fixed, if there is one."""
        return max(self.plans, key=lambda plan: plan.algorithm == "fft")

    @property
    def colours(self) -> int:
        """Channels of the result beside alpha."""
        return 3 if self.combine in HUES else self.plans[0].channels - self.has_alpha

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return self.colours + self.has_alpha

    @property
    def number(self) -> str | None:
        """The type in which a compiled loop combines raw sums, to the last bit as numpy does; None where it can't."""
        raw = all((p.divisor, p.offset) == (1, 0) and p.alpha != "weight" and not p.keeps_edges for p in self.plans)
        alike = len({plan.accumulator for plan in self.plans}) == 1 and self.border.mode != "normalized"
        able = self.combine in ("magnitude", "max") and self.target in STORED and self.range == "clip"
        if not (raw and alike and able):
            return None
        if not self.exact or self.target in FLOAT_TYPES:
            return "float64"
        if self.most < PRODUCT_LIMIT["float32"] and (self.combine == "max" or self._squares() < EXACT_LIMIT["float32"]):
            return "float32"
        return "float64" if self.most < LARGEST_ROOT else None

    def _squares(self) -> float:
        """What no sum of squares of whole-number sums exceeds. float32's root of a whole number below 2^24, rounded down,
        is right: that of k^2 - 1 is 1 / (2 k) from k, more than half of what float32 tells apart there."""
        samples = [0, LARGEST_SAMPLE[self.source], *(self.border.values if self.border.mode == "constant" else ())]
        total = 0.0
        for plan in self.plans:
            weights = plan.combined_weights
            up, down = weights.clip(0).sum(), -weights.clip(None, 0).sum()
            total += max(up * max(samples) - down * min(samples), down * max(samples) - up * min(samples)) ** 2
        return total

    @property
    def scratch(self) -> int:
        """Bytes of buffers a thread holds."""
        return sum(plan.scratch for plan in self.plans)

    def as_dict(self) -> dict:
        """The first plan's figures, with all multiply-adds."""
        return {
            **self.plans[0].as_dict(),
            "output": [*self.shape, self.channels],
            "combine": self.combine,
            "filters": len(self.plans),
            "multiply_adds": sum(plan.multiply_adds for plan in self.plans),
        }

    def __str__(self) -> str:
        way = f"combine        {self.combine} of {len(self.plans)} filters, band by band, then {self.target}"
        if self.exact:
            way += f", divided once by {self.divisor}"
        return "\n".join([way, *map(str, self.plans)])
