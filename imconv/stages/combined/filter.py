"""`CombinedFilter`: several linear filters of one picture, combined into one result by a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...errors import OptionError
from ...filter import Filter
from ...geometry.border import parse_border
from ...options import Options, checked_offset
from ...pixels.arrays import readable
from ...pixels.depth import rescaled
from ...pixels.rounding import check_range
from ...pixels.sample_types import PRODUCT_LIMIT, type_range
from ..convolution.exactness import exact_sums, largest_sum
from ..convolution.filter import LinearFilter
from .formulas import DEGREES, HUES
from .plan import CombinedPlan


@dataclass(frozen=True)
class CombinedFilter(Filter):
    """Linear filters of one picture whose results are combined by `combine`, one of formulas.FORMULAS.

    Their kernels have one shape and anchor. Whole-number sums are combined before they are divided, so that float rounding
    decides no tie. The options' offset is added to the combined result. The result's alpha is the first filter's, unless
    alpha is filtered like a colour.
    """

    filters: tuple[LinearFilter, ...]
    combine: str

    @property
    def options(self) -> Options:
        """The options that all the filters have."""
        return self.filters[0].options

    def plan(self, shape, image_type, has_alpha: bool) -> CombinedPlan:
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
            raise OptionError("alpha has no colour; leave out alpha separate")
        with_alpha = has_alpha and not separate
        return CombinedPlan(plans, self.combine, target.name, policy, divisor, offset, exact, bound, with_alpha)

    def result_type(self, image_type) -> np.dtype:
        return self._result(np.dtype(image_type))[0]

    def _result(self, image_type: np.dtype) -> tuple[np.dtype, Fraction]:
        """The result's type, and the factor from the picture's sample values to the result's."""
        first, options = self.filters[0], self.options
        if self.combine not in DEGREES:
            return first.result_type(image_type), first.factor(image_type)
        if options.depth not in (None, "keep"):
            raise OptionError("a direction is in degrees; leave out depth")
        float_type = np.float64 if readable(image_type) == np.float64 else np.float32
        _, scale = rescaled("float", image_type)
        return (np.dtype(float_type) if options.dtype is None else first.result_type(image_type)), scale

    def in_light(self, light) -> CombinedFilter:
        if self.combine in (*DEGREES, *HUES):
            raise OptionError("a direction is no light; leave out linear")
        return CombinedFilter(tuple(each.in_light(light) for each in self.filters), self.combine)

    def with_options(self, **changes) -> CombinedFilter:
        return CombinedFilter(tuple(each.with_options(**changes) for each in self.filters), self.combine)

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> CombinedFilter:
        return CombinedFilter(tuple(each.retyped(dtype, scale, range) for each in self.filters), self.combine)
