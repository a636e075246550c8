"""The bilateral filter: smoothing that keeps edges."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from ..composites.float_stages import FloatStagesFilter
from ..engine.results import NewArrays
from ..engine.sources import Bands
from ..errors import OptionError
from ..geometry.axis import same_size_axes
from ..geometry.border import Border
from ..options import Options, documented, options_of
from ..pixels.threshold import Threshold, parse_threshold
from ..stages.neighborhood.bilateral import FAR, BilateralPlan
from .apply import apply
from .arguments import checked_number, checked_whole

LEAST_SIGMA, LARGEST_SIGMA = 0.1, 1000.0
LARGEST_RADIUS = 100
REACH = 3  # the default radius in standard deviations
PICOSECONDS = 150  # for each tap of a sample, AMD Zen 5, one core, 2026-11-22


@documented
def bilateral(image, sigma, sigma_range, *, radius=None, out=None, threads=None, **options):
    """Smooth and keep edges: the mean of the pixels around, weighted by their distance and by their likeness to the centre.

    `g(p) = sum w(p, q) f(q) / sum w(p, q)`, `w = exp(-|p - q|^2 / (2 sigma^2)) exp(-|f(p) - f(q)|^2 / (2 sigma_range^2))`,
    over the round window `|p - q| <= radius`. The second distance is Euclidean, over all channels together, so that every
    channel of a pixel has the same weights and no colour appears that was not there.

    {parameters:sigma : number
        Standard deviation of the distance, in pixels, 0.1 to 1000.
    sigma_range : number or str such as "10%"
        Standard deviation of the difference, in sample units, also with `linear`, or in per cent of white. Differences of
        RGB pixels are up to sqrt(3) times as large as those of grey ones.
    radius : int, optional
        Radius of the window in pixels, up to 100; default 3 sigma.}

    `pad`, `stride` and `dilation` are refused. With the alpha "weight" or "keep" colours are multiplied by alpha, filtered,
    and divided by the filtered alpha; transparent pixels are then equal to each other and differ from all others.

    Source: C. Tomasi and R. Manduchi, Bilateral filtering for gray and color images, ICCV 1998.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.bilateral(np.array([[10, 14, 10, 14, 90, 94, 90, 94]], np.uint8), 2, 8)
    array([[12, 12, 12, 12, 92, 92, 92, 92]], dtype=uint8)
    """
    work = bilateral_filter(sigma, sigma_range, radius, options_of("bilateral", options))
    return apply(work, image, out=out, threads=threads)


def bilateral_filter(sigma, sigma_range, radius, options: Options) -> BilateralFilter:
    """The filter of `bilateral`."""
    sigma = checked_number(sigma, "sigma", LEAST_SIGMA, LARGEST_SIGMA)
    sigma_range = parse_threshold(sigma_range, "sigma_range", 1e-9, 1e9)
    if radius is None:
        radius = min(math.ceil(REACH * sigma), LARGEST_RADIUS)
    return BilateralFilter(options, sigma, sigma_range, checked_whole(radius, "radius", 0, LARGEST_RADIUS))


@dataclass(frozen=True)
class BilateralFilter(FloatStagesFilter):
    """The filter of `bilateral`."""

    options: Options
    sigma: float
    sigma_range: Threshold
    radius: int
    scale: Fraction | None = None
    white: int | None = None

    name = "bilateral"
    symmetric = property(lambda self: self.options.symmetric)

    @property
    def summary(self) -> str:
        return f"bilateral, sigma {self.sigma:g}, sigma_range {self.sigma_range}"

    def scaled(self, factor) -> BilateralFilter:
        return replace(self, sigma_range=self.sigma_range.scaled(factor))

    def levelled(self, white) -> BilateralFilter:
        return replace(self, sigma_range=self.sigma_range.of(white))

    def stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.stages: one."""
        if channels > 4:
            raise OptionError(f"bilateral compares pixels of 1 to 4 channels, these have {channels}")
        if border.mode == "normalized":
            border = Border("constant", (FAR["float64" if dtype == "float64" else "float32"],))
        return (self._stage(shape, channels, dtype, border),)

    def direct_stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.direct_stages: the same stage, unless a border's values may need another type."""
        made = border.mode in ("constant", "normalized")
        return () if made or channels > 4 else (self._stage(shape, channels, dtype, border),)

    def _stage(self, shape, channels, dtype, border) -> BilateralPlan:
        rows, columns = same_size_axes(shape, (2 * self.radius + 1,) * 2)
        taps = sum(2 * math.isqrt(self.radius**2 - d * d) + 1 for d in range(-self.radius, self.radius + 1))
        return BilateralPlan(
            "bilateral", f"{taps} pixels of a round window, each with a power of 2 for its weight", rows, columns, channels,
            channels, dtype, "float64" if dtype == "float64" else "float32", dtype, border, PICOSECONDS * taps,
            self.sigma, float(self.sigma_range),
        )  # fmt: skip

    def flow(self, plan, rows, **how):
        """As FloatStagesFilter.flow: bands of the one stage."""
        return plan.plans[0].make_bands(Bands(rows), NewArrays(plan.plans[0]), **how)
