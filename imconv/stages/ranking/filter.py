"""`RankFilter`: the filter behind median, minimum, maximum and percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...errors import OptionError
from ...filter import Filter
from ...geometry.border import parse_border
from ...options import DEFAULTS, NO_IGNORING, Options, checked_offset
from ...pixels.alpha import check_alpha
from ...pixels.arrays import readable
from .footprint import Footprint
from .plan import RankPlan, make_rank_plan


@dataclass(frozen=True)
class RankFilter(Filter):
    """Takes the sample at a percentile of the window's sorted samples (see `footprint.rank_of`).

    A monotone curve does not change ranks: with the option `linear` the same sample is taken, so nothing is decoded.
    """

    footprint: Footprint
    percentile: float
    options: Options = DEFAULTS
    algorithm: str | None = None
    scale: Fraction | None = None

    light_matters = False

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and self.footprint.symmetric

    def plan(self, shape, image_type, has_alpha: bool) -> RankPlan:
        options, footprint = self.options, self.footprint
        if options.alpha is not None:
            check_alpha(options.alpha)
        if options.nan == "ignore":
            raise OptionError(NO_IGNORING)
        target, scale = self.result(image_type)
        return make_rank_plan(
            footprint,
            self.percentile,
            options.axes(shape[:2], footprint.shape, footprint.anchor),
            shape[2] if len(shape) == 3 else 1,
            readable(np.dtype(image_type)),
            target,
            parse_border(options.border),
            alpha=(options.alpha or "separate") if has_alpha else "none",
            range=options.range,
            scale=scale,
            offset=checked_offset(options.offset),
            algorithm=self.algorithm,
        )
