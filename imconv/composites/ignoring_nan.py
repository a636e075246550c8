"""`IgnoringFilter`: smoothing that leaves out NaN and re-weights the other samples of the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..engine.results import NewArrays
from ..engine.side_by_side import in_blocks
from ..engine.sources import Bands
from ..errors import OptionError
from ..geometry.axis import same_size_axes
from ..geometry.border import Border
from ..kernel.kernel import Kernel, symmetric
from ..options import NAN_IGNORED, Options
from ..pixels.arrays import readable
from ..stages.convolution.filter import LinearFilter
from ..stages.convolution.plan import make_plan
from .float_stages import FloatStagesFilter, FloatStagesPlan


@dataclass(frozen=True)
class IgnoringFilter(FloatStagesFilter):
    """A LinearFilter with the option nan "ignore": `sum(h) * sum'(h f) / sum'(h)`, where sum' leaves out taps on NaN.

    Every channel is filtered by itself. The result of a window of NaN only is NaN. Integers have no NaN: their plan is that of
    the LinearFilter.
    """

    kernel: Kernel
    options: Options
    scale: Fraction | None = None
    white: int | None = None

    name = NAN_IGNORED
    alphas = ("unweighted", "separate")
    borders = ("normalized",)

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and symmetric(self.kernel)

    @property
    def summary(self) -> str:
        return "sums of what is there, and of its weights"

    def plan(self, shape, image_type, has_alpha):
        weights = self.kernel.weights
        if (weights < 0).any() or not weights.any():
            raise OptionError("nan='ignore' needs weights that are not negative, and not all 0; leave out nan=")
        if readable(np.dtype(image_type)).kind != "f":
            self._refuse()
            return self.plain(has_alpha).plan(shape, image_type, has_alpha)
        plan = super().plan(shape, image_type, has_alpha)
        return replace(plan, offset=plan.offset + self.kernel.offset)

    def plain(self, has_alpha: bool) -> LinearFilter:
        """The LinearFilter for integer pictures."""
        alpha = self._alpha(has_alpha)
        options = replace(self.options, nan=None, alpha=alpha if has_alpha else None)
        return LinearFilter(self.kernel, options, scale=self.scale)

    def in_light(self, light) -> IgnoringFilter:
        kernel = self.kernel.replace(offset=self.kernel.offset / light.result_white)
        return IgnoringFilter(kernel, light.options(self.options), self.scale, self.white)

    def stage_type(self, source: str, alpha: str) -> str:
        """As FloatStagesFilter.stage_type: float64, since a sum may consist of a few tiny weights."""
        return "float64"

    def stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.stages: one, whose channels are samples and, beside them, 1 for samples that are not NaN."""
        kernel = self.kernel.replace(offset=0)
        if kernel.sigma is not None:  # no approximation: far from its centre its relative error is large
            column, row = kernel.factors()[0]
            kernel = Kernel.from_factors(column, row, anchor=kernel.anchor, name=kernel.name)
        axes = same_size_axes(shape, kernel.shape, kernel.anchor)
        dtype = np.dtype(dtype)
        plan = make_plan(kernel, axes, 2 * channels, dtype, dtype, Border("constant"))
        if plan.how.cancels(plan):  # a sum of no weights must be exactly 0
            plan = make_plan(kernel, axes, 2 * channels, dtype, dtype, Border("constant"), algorithm="dense")
        return (plan,)

    def flow(self, plan: FloatStagesPlan, rows, *, wanted=None, threads=None, progress=None):
        """As FloatStagesFilter.flow: quotients of sums."""
        channels, total, stage = plan.filtered, self.kernel.sum(), plan.plans[0]
        pairs = Bands(_pairs(band, threads) for band in rows)
        for sums in stage.make_bands(pairs, NewArrays(stage), wanted=wanted, threads=threads, progress=progress):
            values = np.empty((*sums.shape[:2], channels))

            def divide(part):
                with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 in windows of NaN only
                    np.divide(sums[part][..., :channels], sums[part][..., channels:], out=values[part])  # noqa: B023
                values[part] *= total  # noqa: B023

            in_blocks(divide, values, threads)
            yield values


def _pairs(band: np.ndarray, threads) -> np.ndarray:
    """Samples with 0 for NaN and, as further channels, 1 for samples that are not NaN and 0 for NaN."""
    channels = band.shape[2]
    pairs = np.empty((*band.shape[:2], 2 * channels))

    def split(part):
        there = ~np.isnan(band[part])
        pairs[part][..., :channels] = np.where(there, band[part], 0)
        pairs[part][..., channels:] = there

    in_blocks(split, pairs, threads)
    return pairs
