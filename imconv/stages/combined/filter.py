"""`CombinedFilter`: several linear filters of one picture, combined into one result by a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...errors import OptionError
from ...filter import FilterOfFilters
from ...geometry.border import parse_border
from ...kernel.kernel import symmetric
from ...options import checked_offset
from ...pixels.arrays import readable
from ...pixels.depth import parse_depth, rescaled
from ...pixels.rounding import check_range
from ...pixels.sample_types import PRODUCT_LIMIT, type_range
from ..convolution.exactness import exact_sums, largest_sum
from ..convolution.filter import LinearFilter
from .formulas import DEGREES, HUES
from .plan import CombinedPlan


@dataclass(frozen=True)
class CombinedFilter(FilterOfFilters):
    """Linear filters of one picture whose results are combined by `combine`, one of formulas.FORMULAS.

    Their kernels have one shape and anchor. Whole-number sums are combined before they are divided, so that float rounding
    decides no tie. The options' offset is added to the combined result. The result's alpha is the first filter's, unless
    alpha is filtered like a colour.
    """

    filters: tuple[LinearFilter, ...]
    combine: str

    @property
    def symmetric(self) -> bool:
        """As Filter.symmetric: directions are not, and a magnitude does not depend on the filters' signs."""
        if self.combine not in ("magnitude", "max") or not self.options.symmetric:
            return False
        return symmetric(*(each.kernel for each in self.filters), signs=self.combine == "magnitude")

    def plan(self, shape, image_type, has_alpha: bool) -> CombinedPlan:
        image_type = np.dtype(image_type)
        target, scale = self.result(image_type)
        if self.combine in DEGREES:
            _, scale = rescaled("float", image_type, self.options.white)
        source, border = readable(image_type), parse_border(self.options.border)
        kernels = [each.kernel for each in self.filters]
        offset = checked_offset(self.options.offset)
        numbers = [scale.denominator, offset.denominator, *(k.offset.denominator for k in kernels)]
        divisor = 2 * math.lcm(
            *numbers, *((k.denominator or 1) * scale.denominator for k in kernels)
        )  # even: it is halved
        exact = all(exact_sums(k, source, border) for k in kernels)
        bound = 0.0
        if exact:
            alpha = "weight" if has_alpha else "none"
            sums = sum(largest_sum(k.scaled(scale), source, border, alpha) for k in kernels) + abs(offset)
            bound = divisor * (float(sums) + type_range(target)[1] + 1)
            exact = bound < PRODUCT_LIMIT["float64"]
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
            raise OptionError("alpha has no colour; leave out alpha='separate'")
        with_alpha = has_alpha and not separate
        return CombinedPlan(plans, self.combine, target.name, policy, divisor, offset, exact, bound, with_alpha)

    def result(self, image_type) -> tuple[np.dtype, Fraction]:
        if self.combine not in DEGREES:
            return super().result(image_type)
        if parse_depth(self.options.depth) != "keep":
            raise OptionError(
                "degrees have no depth: write float32, or whole degrees with dtype='uint16'; leave out depth="
            )
        if self.options.dtype is not None:
            target = super().result(image_type)[0]
            if target.kind in "biu" and type_range(target)[1] < 360:
                raise OptionError(f"degrees reach 360, which {target} does not hold; take uint16 or float32")
            return target, Fraction(1)
        return np.dtype(np.float64 if readable(np.dtype(image_type)) == np.float64 else np.float32), Fraction(1)

    def in_light(self, light) -> CombinedFilter:
        if self.combine in (*DEGREES, *HUES):
            raise OptionError("a direction is no light; leave out linear=")
        return super().in_light(light)
