"""Correlation and convolution of arrays and pictures: options in, a plan made and executed, the same kind out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from . import border as borders
from .depth import parse_depth, rescaled
from .errors import OptionError
from .filter import Filter, bands_of, readable
from .geometry import make_axes
from .kernel import Kernel, as_kernel
from .options import AUTO, DEFAULTS, NO_IGNORING, Options, checked_offset, documented, options_of
from .planner import Plan, check_alpha, make_plan
from .rounding import HALF_UP


@documented
def correlate(
    image, kernel, *, border=borders.DEFAULT, pad="same", stride=1, dilation=1, anchor=None, offset=0.0, dtype=None, out=None,
    threads=None, alpha=None, has_alpha=None, range="clip", channel_axis=AUTO, depth=None, linear=False,
    region=None, mask=None, channels=None, crop=False, nan=None, like=None,
):  # fmt: skip
    """Correlate a picture with a kernel: `g(i, j) = sum_kl f(i + k - a, j + l - b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)
    like : "scipy", "opencv", "pillow", "imagemagick", "vips" or "torch", optional
        Give that tool's result: its border, anchor of even sizes and rounding, alpha filtered as the other channels
        (ImageMagick weights by it). The direction is this function's own. What is given beside it wins.}

    For a 2-D float64 image this agrees with `scipy.ndimage.correlate(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.correlate(np.array([[1., 2., 3.]]), [[1, 0, 0]], border="constant")
    array([[0., 1., 2.]])
    """
    options = Options(
        border, pad, stride, dilation, offset, dtype, alpha, has_alpha, range, channel_axis, depth, linear, region, mask,
        channels, crop, nan,
    )  # fmt: skip
    filter = _filter_of(as_kernel(kernel, anchor=anchor), options, "correlation", like, anchor is not None)
    return filter.apply(image, out=out, threads=threads)


@documented
def convolve(
    image, kernel, *, border=borders.DEFAULT, pad="same", stride=1, dilation=1, anchor=None, offset=0.0, dtype=None, out=None,
    threads=None, alpha=None, has_alpha=None, range="clip", channel_axis=AUTO, depth=None, linear=False,
    region=None, mask=None, channels=None, crop=False, nan=None, like=None,
):  # fmt: skip
    """Convolve a picture with a kernel: `g(i, j) = sum_kl f(i - k + a, j - l + b) h(k, l)`, anchor (a, b).

    {parameters:kernel : Kernel, name of the library, or array (rows, columns)
    like : "scipy", "opencv", "pillow", "imagemagick", "vips" or "torch", optional
        Give that tool's result: its border, anchor of even sizes and rounding, alpha filtered as the other channels
        (ImageMagick weights by it). The direction is this function's own. What is given beside it wins.}

    For a 2-D float64 image this agrees with `scipy.ndimage.convolve(image, kernel, mode=border)` to rounding.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.convolve(np.array([[2, 8, 0, 4, 1, 9, 9, 0]], float), [[1, 3]])
    array([[14., 24.,  4., 13., 12., 36., 27.,  0.]])
    """
    options = Options(
        border, pad, stride, dilation, offset, dtype, alpha, has_alpha, range, channel_axis, depth, linear, region, mask,
        channels, crop, nan,
    )  # fmt: skip
    filter = _filter_of(as_kernel(kernel, anchor=anchor), options, "convolution", like, anchor is not None)
    return filter.apply(image, out=out, threads=threads)


def _filter_of(kernel: Kernel, options: Options, direction: str, like, anchored: bool) -> Filter:
    """What `correlate` and `convolve` apply; `anchored` says that an anchor was given."""
    if like is not None:
        from .filters.like import kernel_like

        border = None if options.border is borders.DEFAULT else options.border
        return kernel_like(like, kernel, options, border, direction=direction, anchored=anchored)
    return linear_filter(kernel.flipped() if direction == "convolution" else kernel, options)


def plan(image_shape, dtype, kernel, *, convolve=True, anchor=None, has_alpha=False, **options) -> Plan:
    """How imconv would filter such an image: a Plan, printable and immutable; `.execute(image)` runs it.

    Parameters
    ----------
    image_shape : (H, W) or (H, W, C)
    dtype : the image's
    kernel : Kernel, name or 2-D array
    convolve : bool, default True
        False for correlation.
    anchor, has_alpha, options
        As in `imconv.convolve`: border, pad, stride, dilation, offset, alpha, range, depth; `dtype` is the image's.

    Examples
    --------
    >>> import imconv
    >>> imconv.plan((512, 512, 3), "uint8", [[1] * 9] * 9).exact
    True
    """
    settings = options_of("plan", options)
    if settings.linear:
        raise OptionError("a plan knows no transfer function; decode the image and plan for float32, without linear")
    if settings.selects:
        raise OptionError("a plan is for whole images; leave out region, mask, channels and crop")
    kernel = as_kernel(kernel, anchor=anchor)
    shape = tuple(int(n) for n in image_shape)
    if len(shape) not in (2, 3):
        raise OptionError(f"an image has shape (H, W) or (H, W, C), not {shape}")
    if has_alpha and (len(shape) == 2 or shape[2] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {shape}")
    return LinearFilter(kernel.flipped() if convolve else kernel, settings).plan(shape, _dtype(dtype), has_alpha)


@dataclass(frozen=True)
class LinearFilter(Filter):
    """A kernel to correlate with, and how: what every linear filter comes down to.

    `point`, if given, is called with the filtered and the original values of a band and returns what is rounded
    instead, and has `scaled(factor)` for samples in other units; `gain` is how much it enlarges an error.
    """

    kernel: Kernel
    options: Options = DEFAULTS
    point: Callable | None = None
    gain: float = 1.0
    scale: Fraction | None = None  # instead of the one that the depth asks for
    rounding: str = HALF_UP
    keeps_edges: bool = False
    order: str | None = None  # of the sum's terms, one of ORDERS, instead of the cheapest algorithm

    def plan(self, shape, image_type: np.dtype, has_alpha: bool) -> Plan:
        """The plan for an array (H, W) or (H, W, C) of this type."""
        options, kernel = self.options, self.kernel
        if options.nan not in (None, "keep"):
            options.checked()
            raise OptionError(NO_IGNORING)
        if not (isinstance(options.offset, (int, float)) and options.offset == 0):
            kernel = kernel.replace(offset=kernel.offset + checked_offset(options.offset))
        if options.alpha is not None:
            check_alpha(options.alpha)
        target, scale = self._result(image_type)
        return make_plan(
            kernel,
            make_axes(shape[:2], kernel.shape, kernel.anchor, options.pad, options.stride, options.dilation),
            shape[2] if len(shape) == 3 else 1,
            readable(image_type),
            target,
            borders.parse_border(options.border),
            alpha=(options.alpha or "weight") if has_alpha else "none",
            range=options.range,
            gain=self.gain,
            scale=scale,
            algorithm=self.order,
            rounding=self.rounding,
            keeps_edges=self.keeps_edges,
        )

    def result_type(self, image_type: np.dtype) -> np.dtype:
        """The type of the result for an image of this type."""
        return self._result(image_type)[0]

    def _result(self, image_type) -> tuple[np.dtype, Fraction]:
        target, scale = result_of(self.options, image_type)
        return target, scale if self.scale is None else self.scale

    def factor(self, image_type: np.dtype) -> Fraction:
        """What samples of this type are multiplied by to be in the result's units."""
        return self._result(image_type)[1]

    def in_light(self, light) -> LinearFilter:
        """This filter for what a `Conversion` decodes: border, offsets and thresholds converted."""
        kernel = self.kernel.replace(offset=self.kernel.offset / light.result_white)
        point = self.point and self.point.scaled(1 / light.image_white)
        return replace(self, kernel=kernel, options=light.options(self.options), point=point)

    def with_options(self, **changes) -> LinearFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> LinearFilter:
        """As Filter.retyped."""
        return replace(self.with_options(dtype=dtype, depth=None, range=range), scale=scale)

    def run(self, plan: Plan, image: np.ndarray, **how) -> np.ndarray:
        """Run its plan over an array, channels last, of the type that is planned for; `how` as in `executor.execute`."""
        from .executor import execute

        return execute(plan, image, point=self._point(plan), **how)

    def in_bands(self, plan: Plan, bands: Iterator[np.ndarray], *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""
        from .streaming import execute_rows

        point = self._point(plan)

        def execute(source, count):
            return execute_rows(plan, source, rows, threads=threads, point=point, tally=count, progress=progress)

        yield from bands_of(plan, bands, tally, execute)

    def compares(self, plan: Plan) -> bool:
        """Whether what comes in is compared with what goes out, so that it must be kept until then."""
        return self.point is not None or plan.keeps_edges

    def _point(self, plan: Plan):
        return self.point if self.point is None or plan.scale == 1 else self.point.scaled(plan.scale)


def linear_filter(kernel: Kernel, options: Options) -> Filter:
    """A smoothing filter: a LinearFilter, or what leaves NaN out."""
    if options.nan in (None, "keep"):
        return LinearFilter(kernel, options)
    from .missing import IgnoringFilter

    return IgnoringFilter(kernel, options.checked())


def result_of(options: Options, image_type) -> tuple[np.dtype, Fraction]:
    """The type of a result by the options dtype and depth, and what samples are multiplied by on the way."""
    if parse_depth(options.depth) == "keep":
        return _target(options.dtype, image_type), Fraction(1)
    if options.dtype is not None:
        raise OptionError("dtype keeps values and depth rescales them; give one of the two")
    readable(image_type)
    return rescaled(options.depth, image_type)


def _target(dtype, image_type: np.dtype) -> np.dtype:
    target = _dtype(image_type if dtype is None else dtype).newbyteorder("=")
    readable(target)
    return target


def _dtype(name) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        raise OptionError(f"dtype must name a pixel type such as 'uint8' or 'float32', not {name!r}") from None
