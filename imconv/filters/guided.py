"""The guided filter: smoothing that keeps the edges of a guide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..composites.float_stages import FloatStagesFilter, FloatStagesPlan
from ..engine.results import NewArrays
from ..engine.side_by_side import PassedOn, in_blocks
from ..engine.sources import Bands
from ..errors import OptionError
from ..files.picture import Picture
from ..options import Options, documented, options_of
from ..pixels.alpha import WEIGHTED
from ..pixels.arrays import as_array, readable
from ..pixels.depth import white
from ..pixels.rounding import warn_of_rounded
from ..pixels.sample_types import LARGEST_SAMPLE
from ..pixels.threshold import Threshold, parse_threshold
from ..stages.convolution.filter import LinearFilter
from ..stages.neighborhood.moments import moments, moments_plan
from .apply import apply
from .arguments import checked_whole
from .blur_kernels import box_kernel

LARGEST_RADIUS = 2000


@documented
def guided(image, radius, threshold, guide=None, *, out=None, threads=None, **options):
    """Smooth and keep the edges of a guide.

    In every box the picture is approximated by a line, `a * guide + b`, and every pixel is the mean of the lines of all boxes
    that contain it. The time does not depend on the radius.

    `a = cov(guide, f) / (var(guide) + threshold^2)`, `b = mean(f) - a * mean(guide)`, `g = mean(a) * guide + mean(b)`. Means are
    over squares of `2 radius + 1` pixels.

    {parameters:radius : int
        In pixels, 0 to 2000.
    threshold : number or str such as "10%"
        Differences below it are smoothed away, larger ones kept; in sample units, or in per cent of white. Its square, with
        white as 1, is the paper's eps: `"10%"` is an eps of 0.01.
    guide : array (H, W) or grey Picture, optional
        The picture whose edges are kept; by default each channel is its own guide.}

    `pad`, `stride`, `dilation` and the border "constant" are refused; the border "normalized" is the paper's. With the
    alpha "weight" or "keep" colours are multiplied by alpha, filtered, and divided by the filtered alpha.

    Source: K. He, J. Sun and X. Tang, Guided image filtering, IEEE Transactions on Pattern Analysis and Machine
    Intelligence 35(6), 2013.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.guided(np.array([[10, 14, 10, 14, 10, 90, 94, 90, 94, 90]], np.uint8), 2, 8)
    array([[12, 12, 11, 14, 12, 89, 92, 90, 92, 92]], dtype=uint8)
    """
    return apply(
        guided_filter(radius, threshold, guide, options_of("guided", options)), image, out=out, threads=threads
    )


def guided_filter(radius, threshold, guide, options: Options) -> GuidedFilter:
    """The filter of `guided`."""
    threshold = parse_threshold(threshold, "threshold", 1e-9, 1e9)
    if guide is not None:
        guide = as_array(guide.in_full_range().pixels if isinstance(guide, Picture) else guide, "a guide")
        if guide.ndim == 3 and guide.shape[2] == 1:
            guide = guide[..., 0]
        if guide.ndim != 2:
            raise OptionError(f"a guide is grey, (H, W); this one has shape {guide.shape}")
        readable(guide.dtype)
        warn_of_rounded(guide, 4)
    return GuidedFilter(options, checked_whole(radius, "radius", 0, LARGEST_RADIUS), threshold, guide)


@dataclass(frozen=True, eq=False)
class GuidedFilter(FloatStagesFilter):
    """The filter of `guided`."""

    options: Options
    radius: int
    threshold: Threshold
    guide: np.ndarray | None = None
    scale: Fraction | None = None
    white: int | None = None

    name = "guided"
    symmetric = property(lambda self: self.options.symmetric and self.guide is None)
    borders = ("reflect", "mirror", "nearest", "wrap", "normalized")

    @property
    def summary(self) -> str:
        by = "each channel by itself" if self.guide is None else "a guide"
        return f"guided by {by}, radius {self.radius}, threshold {self.threshold}"

    def scaled(self, factor) -> GuidedFilter:
        return replace(self, threshold=self.threshold.scaled(factor))

    def levelled(self, white) -> GuidedFilter:
        return replace(self, threshold=self.threshold.of(white))

    @property
    def eps(self) -> float:
        """The square of the threshold, in sample units."""
        return float(self.threshold.value**2)

    def stage_type(self, source: str, alpha: str) -> str:
        """As FloatStagesFilter.stage_type: integers stay integers, unless a guide's samples are added to the picture's."""
        if self.guide is not None:
            return "float64"
        return source if source in LARGEST_SAMPLE and alpha not in WEIGHTED else super().stage_type(source, alpha)

    def stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.stages: means and variances over boxes, then means of the lines computed from them."""
        size = (2 * self.radius + 1,) * 2
        if self.guide is not None and self.guide.shape != tuple(shape):
            guide, picture = (f"{size[1]} x {size[0]}" for size in (self.guide.shape, shape))
            raise OptionError(f"the guide is {guide} pixels, the picture {picture}")
        planes = channels if self.guide is None else 2 * channels + 1
        line_type = np.dtype(np.float32 if dtype in ("bool", "uint8") else np.float64)  # within 1/2000 of a level
        means = LinearFilter(box_kernel(size), Options(border=border))
        return (
            moments_plan(shape, planes, dtype, border, size),
            means.plan((*shape, 2 * channels), line_type, False),
        )

    def flow(self, plan: FloatStagesPlan, rows, *, wanted=None, threads=None, progress=None):
        """As FloatStagesFilter.flow: the mean of lines at every pixel, applied to the guide."""
        own, means = PassedOn(rows if self.guide is None else self.joined(plan, rows)), plan.plans[1]
        eps = self.eps
        needed = wanted and means.rows_needed(*wanted)
        found = moments(plan.plans[0], iter(own), threads, needed)
        lines = Bands((self.lines(band, eps, means.source, threads) for band in found), needed[0] if needed else 0)
        made = means.make_bands(lines, NewArrays(means), wanted=wanted, threads=threads, progress=progress)
        if wanted:
            own.keep(*wanted)
        for band in made:
            guide = own.take(len(band))
            guide = guide if self.guide is None else guide[..., :1]
            values = np.empty((*band.shape[:2], plan.filtered))
            in_blocks(lambda part: _draw(band[part], guide[part], values[part]), values, threads)  # noqa: B023
            yield values

    def joined(self, plan, rows):
        """Yield bands of the guide in the picture's units, and of its sum and its difference with every channel."""
        guide, first = self.guide, 0
        assert guide is not None
        for band in rows:
            part = guide[first : first + len(band), :, None].astype(np.float64)
            part *= plan.white / white(guide.dtype)
            first += len(band)
            yield np.concatenate([part, part + band, part - band], axis=2)

    def lines(self, found: np.ndarray, eps: float, dtype: str, threads) -> np.ndarray:
        """The a and b of every channel, one behind the other, from means and variances."""
        planes = found.shape[3] if self.guide is None else (found.shape[3] - 1) // 2
        lines = np.empty((len(found), found.shape[2], planes, 2), dtype)
        fit = _fit_own if self.guide is None else _fit
        in_blocks(lambda part: fit(found[part][:, 0], found[part][:, 1], eps, lines[part]), lines, threads)
        return lines.reshape(len(found), found.shape[2], 2 * planes)


def _fit_own(mean: np.ndarray, variance: np.ndarray, eps: float, lines: np.ndarray) -> None:
    """Compute lines for channels that are their own guide."""
    mean, variance = (each.reshape(len(each), -1) for each in (mean, variance))  # NumPy is slow with short last axes
    lines = lines.reshape(len(lines), -1, 2)
    with np.errstate(invalid="ignore"):
        noise = variance + eps
        np.divide(variance, noise, out=lines[..., 0], casting="same_kind")
        np.multiply(mean, eps / noise, out=lines[..., 1], casting="same_kind")


def _fit(mean: np.ndarray, variance: np.ndarray, eps: float, lines: np.ndarray) -> None:
    """Compute lines from the moments of the guide g, of g + f and of g - f: their variances differ by 4 cov(g, f)."""
    channels = lines.shape[2]
    more, less = slice(1, 1 + channels), slice(1 + channels, None)
    with np.errstate(invalid="ignore"):
        a = (variance[..., more] - variance[..., less]) / (4 * (variance[..., :1] + eps))
        lines[..., 0] = a
        lines[..., 1] = (mean[..., more] - mean[..., less]) / 2 - a * mean[..., :1]


def _draw(means: np.ndarray, own: np.ndarray, values: np.ndarray) -> None:
    """Compute `mean(a) * guide + mean(b)`."""
    rows, columns, channels = values.shape
    own = np.broadcast_to(own, values.shape).reshape(rows, -1)
    lines, drawn = means.reshape(rows, columns * channels, 2), values.reshape(rows, -1)
    with np.errstate(invalid="ignore"):
        np.multiply(lines[..., 0], own, out=drawn)
        drawn += lines[..., 1]
