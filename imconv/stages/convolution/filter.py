"""`LinearFilter`: the filter behind every correlation and convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...errors import OptionError
from ...filter import Filter
from ...geometry import border as borders
from ...kernel.kernel import Kernel, symmetric
from ...options import DEFAULTS, NO_IGNORING, Options, checked_offset
from ...pixels.alpha import check_alpha
from ...pixels.arrays import readable
from ...pixels.rounding import HALF_UP
from .plan import Plan, make_plan
from .task import Point


@dataclass(frozen=True)
class LinearFilter(Filter):
    """Correlates a picture with a kernel; a convolution has the kernel already rotated.

    `point`, if given, is a function of the filtered and the original values of a band. What it returns is rounded instead
    of the filtered values. It has `scaled(factor)` for samples in other units, and enlarges errors by `error_gain`.
    """

    kernel: Kernel
    options: Options = DEFAULTS
    point: Point | None = None
    error_gain: float = 1.0
    scale: Fraction | None = None
    rounding: str = HALF_UP
    keeps_edges: bool = False  # whether samples whose window leaves the picture keep their value
    order: str | None = None  # one of algorithms.ORDERS: in which order to add terms, instead of the cheapest algorithm
    pools: bool = False  # whether results stand for their whole window, and not for the sample under the anchor

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and self.order is None and symmetric(self.kernel)

    def plan(self, shape, image_type: np.dtype, has_alpha: bool) -> Plan:
        options, kernel = self.options, self.kernel
        if options.nan not in (None, "keep"):
            options.checked()
            raise OptionError(NO_IGNORING)
        if not (isinstance(options.offset, (int, float)) and options.offset == 0):
            kernel = kernel.replace(offset=kernel.offset + checked_offset(options.offset))
        if options.alpha is not None:
            check_alpha(options.alpha)
        target, scale = self.result(image_type)
        plan = make_plan(
            kernel,
            options.axes(shape[:2], kernel.shape, kernel.anchor),
            shape[2] if len(shape) == 3 else 1,
            readable(image_type),
            target,
            borders.parse_border(options.border),
            alpha=(options.alpha or "weight") if has_alpha else "none",
            range=options.range,
            error_gain=self.error_gain,
            scale=scale,
            algorithm=self.order,
            rounding=self.rounding,
            keeps_edges=self.keeps_edges,
            point=self.point,
        )
        return replace(plan, pools=True) if self.pools else plan

    def in_8_bits(self) -> LinearFilter:
        """As Filter.in_8_bits: with the coarse grid of such pictures."""
        coarse = self.kernel.sigma is not None and self.error_gain <= 1
        return replace(self, kernel=self.kernel.replace(coarse=True)) if coarse else self

    def in_light(self, light) -> LinearFilter:
        kernel = self.kernel.replace(offset=self.kernel.offset / light.result_white)
        point = self.point and self.point.scaled(Fraction(1, light.image_white))
        return replace(self, kernel=kernel, options=light.options(self.options), point=point)
