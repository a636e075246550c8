"""`PoolFilter`: the filter behind every operation of `imconv.pool` except blurs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...filter import Filter
from ...geometry.axis import pool_axis
from ...options import DEFAULTS, Options, checked_offset
from ...pixels.alpha import check_alpha
from ...pixels.arrays import readable
from ...pixels.depth import white
from .condition import Condition
from .plan import PoolPlan, make_pool_plan


@dataclass(frozen=True)
class PoolFilter(Filter):
    """Pools windows by one of plan.OPERATIONS; sizes, strides, paddings and dilations are (rows, columns).

    The options border, pad, stride and dilation are ignored: pooling has no samples outside the picture.
    """

    operation: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil: bool = False
    include_pad: bool = True
    where: Condition | None = None
    options: Options = DEFAULTS
    scale: Fraction | None = None

    def plan(self, shape, image_type, has_alpha: bool) -> PoolPlan:
        options = self.options
        if options.alpha is not None:
            check_alpha(options.alpha)
        target, scale = self.result(image_type)
        geometry = zip(shape, self.size, self.stride, self.padding, self.dilation, ("rows", "columns"), strict=False)
        rows, columns = (pool_axis(n, k, s, p, d, self.ceil, name) for n, k, s, p, d, name in geometry)
        plan = make_pool_plan(
            self.operation,
            (rows, columns),
            shape[2] if len(shape) == 3 else 1,
            readable(np.dtype(image_type)),
            target,
            alpha=(options.alpha or "weight") if has_alpha else "none",
            range=options.range,
            scale=scale,
            offset=checked_offset(options.offset),
            include_pad=self.include_pad,
            where=self.where and self.where.of(options.white or white(readable(np.dtype(image_type)))),
        )
        return replace(plan, opaque=options.white) if options.white else plan

    def in_light(self, light) -> PoolFilter:
        """As Filter.in_light; the condition's values are decoded, too."""
        where = self.where
        if where is not None and light.transfer is not None:
            where = where.of(light.image_white)
            share = where.values[0] / light.image_white
            colours = (float(curve.linear(share)) for curve in light.transfer.curves)
            where = replace(where, values=(*colours, *[share] * light.has_alpha))
        return replace(self, where=where, options=light.options(self.options))

    def with_types_fixed(self, image_type, result_type=None) -> PoolFilter:
        top = self.options.white or white(readable(np.dtype(image_type)))
        return replace(self, where=self.where and self.where.of(top))
