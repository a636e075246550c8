"""Local statistics: the standard deviation over a box, and contrast normalised by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..composites.float_stages import FloatStagesFilter, FloatStagesPlan
from ..engine.results import NewArrays
from ..engine.side_by_side import PassedOn, in_blocks
from ..engine.sources import Bands
from ..errors import OptionError
from ..geometry.sizes import parse_window_size
from ..kernel.kernel import Kernel, symmetric
from ..options import Options, documented, options_of
from ..pixels.depth import white
from ..pixels.sample_types import LARGEST_SAMPLE
from ..pixels.threshold import Threshold, parse_threshold
from ..stages.convolution.filter import LinearFilter
from ..stages.neighborhood.moments import moments_plan
from .apply import apply
from .arguments import checked_number, image_width
from .blur_kernels import gaussian_kernel

MAX_GAIN = 1e9
SPREAD = 8  # standard deviations in the range of an integer result, with the default gain


@documented
def local_deviation(image, size, *, out=None, threads=None, **options):
    """The population standard deviation over a box around each pixel: `sqrt(mean(f^2) - mean(f)^2)`.

    {parameters:size : int, (rows, columns) or str such as "3x5"
        An even size has `size // 2` pixels before the centre and one less after it, as in `box_blur`.}

    Integers of 8 and 16 bits are summed exactly (16 bits: up to 37 x 37). Other types and sizes are computed by merging
    means and squared deviations (Chan, Golub and LeVeque 1983). Flat areas have a deviation of exactly 0. Each channel is
    filtered by itself, and alpha is kept. `pad`, `stride` and `dilation` are refused.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.local_deviation(np.array([[5, 5, 5, 8, 8, 8]], np.float32), (1, 3)).round(3)
    array([[0.   , 0.   , 1.414, 1.414, 0.   , 0.   ]], dtype=float32)
    """
    filter = DeviationFilter(options_of("local_deviation", options), parse_window_size(size))
    return apply(filter, image, out=out, threads=threads)


@documented
def local_contrast(image, sigma, *, floor=None, gain=None, range=None, out=None, threads=None, **options):
    """Even out local contrast: `(f - m) / (s + floor)`, the difference to the local mean in local standard deviations.

    `m = G * f` and `s = sqrt(G * (f - m)^2)` with a Gaussian G; every pixel in s is compared with its own mean.

    {parameters:sigma : float, (rows, columns) or str
        Standard deviation of the Gaussian, as in `gaussian_blur`.
    floor : number or str such as "1%", default "1%"
        Smallest deviation to divide by, so that noise is not amplified; in sample units, above 0, or in per cent of white.
    gain : number, optional
        Factor of the result; default 1 for floats, and an eighth of the range for integers, so that the range holds four
        standard deviations on both sides.}

    In unsigned results 0 is at mid-range (`range` "offset", unless another is given). Each channel is filtered by itself, and
    alpha is kept. `linear`, `pad`, `stride`, `dilation` and the border "constant" are refused.

    Source: N. Pinto, D. Cox and J. DiCarlo, Why is real-world visual object recognition hard?, PLoS Computational Biology
    4(1), 2008; K. Jarrett and others, What is the best multi-stage architecture for object recognition?, ICCV 2009.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.local_contrast(np.array([[9., 9, 9, 9, 9, 7, 9, 9, 9, 9, 9]]), 1, floor=0.1).round(1)[0, 4:7].tolist()
    [0.6, -1.3, 0.6]
    """
    settings = options_of("local_contrast", options)
    width = image_width(image, settings.channel_axis)
    work = contrast_filter(sigma, floor, gain, range, width, settings)
    return apply(work, image, out=out, threads=threads)


@dataclass(frozen=True)
class DeviationFilter(FloatStagesFilter):
    """The filter of `local_deviation`."""

    options: Options
    size: tuple[int, int]
    scale: Fraction | None = None
    white: int | None = None

    name = "deviation"
    alphas = ("unweighted", "separate")

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and self.size[0] == self.size[1] and self.size[0] % 2 == 1

    @property
    def summary(self) -> str:
        return f"standard deviation over {self.size[0]} x {self.size[1]}"

    @property
    def windows(self):
        """What computes windows without no-data samples."""
        from ..composites.nodata_windows import Deviations  # few need it, and all would wait for what it imports

        return Deviations

    def stage_type(self, source: str, alpha: str) -> str:
        """As FloatStagesFilter.stage_type: integers that are summed exactly stay integers."""
        return source if source in LARGEST_SAMPLE else super().stage_type(source, alpha)

    def stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.stages: one."""
        return (moments_plan(shape, channels, dtype, border, self.size, "float64"),)

    def direct_stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.direct_stages: the same stage, which rounds its results."""
        plan = moments_plan(shape, channels, dtype, border, self.size, dtype)
        return (plan,) if plan.source == dtype and dtype != "bool" else ()

    def flow(self, plan: FloatStagesPlan, rows, **how):
        """As FloatStagesFilter.flow: bands of the one stage."""
        stage = plan.plans[0]
        floats = Bands(band.astype(stage.source, copy=False) for band in rows)
        return stage.make_bands(floats, NewArrays(stage), **how)


def contrast_filter(sigma, floor, gain, range, width: int | None, options: Options) -> ContrastFilter:
    """The filter of `local_contrast`; `width` is the picture's, for a sigma in percent."""
    if options.linear:
        raise OptionError("a normalised contrast is no light; leave out linear=")
    floor = parse_threshold("1%" if floor is None else floor, "floor", 1e-9, 1e9)
    gain = None if gain is None else checked_number(gain, "gain", 0, MAX_GAIN)
    kernel, ranged = gaussian_kernel(sigma, None, width), replace(options, range=range or options.range)
    return ContrastFilter(ranged, kernel, floor, gain, ranged=range is not None)


@dataclass(frozen=True)
class ContrastFilter(FloatStagesFilter):
    """The filter of `local_contrast`. A `gain` of None stands for the default of the result's type."""

    options: Options
    kernel: Kernel
    floor: Threshold
    gain: float | None
    ranged: bool  # whether the user gave a range policy
    scale: Fraction | None = None
    white: int | None = None

    name = "contrast"
    alphas = ("unweighted", "separate")
    borders = ("reflect", "mirror", "nearest", "wrap", "normalized")

    @property
    def symmetric(self) -> bool:
        return self.options.symmetric and symmetric(self.kernel)

    @property
    def summary(self) -> str:
        return "differences to the mean, divided by their own deviation"

    def stage_type(self, source: str, alpha: str) -> str:
        """As FloatStagesFilter.stage_type: float64, for differences of almost equal numbers."""
        return "float64"

    def plan(self, shape, image_type, has_alpha) -> FloatStagesPlan:
        plan = super().plan(shape, image_type, has_alpha)
        policy = "offset" if np.dtype(plan.target).kind == "u" and not self.ranged else plan.range
        gain = self._gain(self._white_of(np.dtype(plan.target), image_type))
        return replace(plan, range=policy, filter=replace(plan.filter, gain=gain), unitless=True)

    def scaled(self, factor) -> ContrastFilter:
        return replace(self, floor=self.floor.scaled(factor))

    def levelled(self, white) -> ContrastFilter:
        return replace(self, floor=self.floor.of(white))

    def _white_of(self, target: np.dtype, image_type) -> int | None:
        """White in integer results of type `target`; None for floats."""
        if target.kind not in "iu":
            return None
        own = self.options.white if target == np.dtype(image_type) and self.options.depth in (None, "keep") else None
        return own or white(target)

    def _gain(self, top: int | None) -> float:
        if self.gain is not None:
            return self.gain
        return 1.0 if top is None else top / SPREAD

    def with_types_fixed(self, image_type, result_type=None) -> ContrastFilter:
        result_type = self.result_type(image_type) if result_type is None else result_type
        return replace(
            super().with_types_fixed(image_type), gain=self._gain(self._white_of(np.dtype(result_type), image_type))
        )

    def stages(self, shape, channels, dtype, border) -> tuple:
        """As FloatStagesFilter.stages: the mean, and the variance around it."""
        blur = LinearFilter(self.kernel, Options(border=border, dtype=np.float64))
        return (blur.plan((*shape, channels), np.dtype(dtype), False),) * 2

    def flow(self, plan: FloatStagesPlan, rows, *, wanted=None, threads=None, progress=None):
        """As FloatStagesFilter.flow: differences to the mean, kept until their deviations are computed."""
        mean, variance = plan.plans
        needed = wanted and variance.rows_needed(*wanted)
        first = needed[0] if needed else 0
        own = PassedOn(rows)
        if needed:
            own.keep(*needed)
        means = mean.make_bands(Bands(iter(own)), NewArrays(mean), wanted=needed, threads=threads)
        differences = PassedOn(_subtracted(own, means, threads), first)
        squares = Bands((_squared(band, threads) for band in differences), first)
        made = variance.make_bands(squares, NewArrays(variance), wanted=wanted, threads=threads, progress=progress)
        floor = float(self.floor)
        if wanted:
            differences.keep(*wanted)
        for band in made:
            difference = differences.take(len(band))
            values = np.empty(band.shape)

            def divide(part):
                np.sqrt(np.maximum(band[part], 0), out=values[part])  # noqa: B023
                values[part] += floor  # noqa: B023
                np.divide(difference[part] * self.gain, values[part], out=values[part])  # noqa: B023

            in_blocks(divide, values, threads)
            yield values


def _subtracted(own: PassedOn, means, threads):
    for mean in means:
        original = own.take(len(mean))
        difference = np.empty(mean.shape)
        in_blocks(lambda part: np.subtract(original[part], mean[part], out=difference[part]), mean, threads)  # noqa: B023
        yield difference


def _squared(band: np.ndarray, threads) -> np.ndarray:
    squares = np.empty_like(band)
    in_blocks(lambda part: np.multiply(band[part], band[part], out=squares[part]), band, threads)
    return squares
