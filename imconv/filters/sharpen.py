"""Sharpening: by the difference to the 3 x 3 mean, and the unsharp mask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..errors import OptionError
from ..filter import Filter
from ..kernel.kernel import Kernel
from ..options import Options, documented, options_of
from ..pixels.alpha import WEIGHTED
from ..pixels.arrays import readable
from ..pixels.depth import white
from ..pixels.exact import fraction_of
from ..pixels.threshold import Threshold, parse_threshold
from ..stages.convolution.filter import LinearFilter
from .apply import apply
from .arguments import checked_number, image_width
from .blur_kernels import gaussian_kernel

MAX_AMOUNT = 1000
LARGEST_KERNEL = 65  # most taps on a side of one kernel; larger blurs are cheaper by themselves, on a coarse grid


@documented
def sharpen(image, amount=1.0, *, out=None, threads=None, **options):
    """Sharpen: add `amount` times the difference to the 3 x 3 mean.

    The kernel is `(1 + amount) * delta - amount * box(3)`: for amount 1, `2 - 1/9` in the centre and `-1/9` around it.

    {parameters:amount : number or str, default 1
        Strength; 0 leaves the picture as it is. A decimal counts exactly: 0.3 is 3/10.}

    Source: the lecture "Convolutional Neural Networks", CS152, sharpening example.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.sharpen(np.array([[0, 0, 90, 0, 0]], np.uint8))
    array([[  0,   0, 150,   0,   0]], dtype=uint8)
    """
    filter = LinearFilter(sharpen_kernel(amount), options_of("sharpen", options))
    return apply(filter, image, out=out, threads=threads)


@documented
def unsharp_mask(image, sigma, amount=1.0, threshold=0, *, truncate=None, out=None, threads=None, **options):
    """Unsharp mask: `f + amount * (f - gaussian(f))` where `|f - gaussian(f)|` exceeds the threshold.

    {parameters:sigma : float, (rows, columns) or str
        Standard deviation of the Gaussian, as in `gaussian_blur`.
    amount : number, default 1
        Strength; 0 leaves the picture as it is.
    threshold : number or str such as "2%", default 0
        Differences up to it are not changed; in sample units, or in per cent of white.
    truncate : float, optional
        As in `gaussian_blur`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.unsharp_mask(np.array([[10, 10, 10, 90, 90, 90]], np.uint8), 1)
    array([[ 10,   5,   0, 114,  95,  90]], dtype=uint8)
    """
    settings = options_of("unsharp_mask", options)
    width = image_width(image, settings.channel_axis)
    filter = unsharp_filter(sigma, amount, threshold, truncate, width, settings)
    return apply(filter, image, out=out, threads=threads)


def unsharp_filter(sigma, amount, threshold, truncate, width: int | None, settings: Options) -> UnsharpFilter:
    """The filter of `unsharp_mask`; `width` is the picture's, for a sigma in percent."""
    if settings.offset:
        raise OptionError("an unsharp mask takes no offset")
    amount = checked_number(amount, "amount", 0, MAX_AMOUNT)
    threshold = parse_threshold(threshold, "threshold", 0, 1e12)
    blur = gaussian_kernel(sigma, truncate, width)
    one_kernel = None
    if threshold.value == 0 and max(blur.shape) <= LARGEST_KERNEL:
        one_kernel = LinearFilter(_unsharp_kernel(blur, amount), settings)
    return UnsharpFilter(LinearFilter(blur, settings, point=Detail(amount, threshold), error_gain=amount), one_kernel)


@dataclass(frozen=True)
class Detail:
    """The `point` of an unsharp mask: computes results from blurred and original samples.

    As a function, or by the compiled loop `loop`, which takes `settings` as arguments.
    """

    amount: float
    threshold: Threshold
    loop = "unsharp.add_detail"

    @property
    def settings(self) -> tuple[float, float]:
        return self.amount, float(self.threshold)

    def scaled(self, factor) -> Detail:
        """A copy for samples that are multiplied by a factor."""
        return Detail(self.amount, self.threshold.scaled(factor))

    def __call__(self, blurred: np.ndarray, original: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # inf - inf
            detail = original - blurred
        detail[np.abs(detail) <= float(self.threshold)] = 0
        detail *= self.amount
        detail += original
        return detail


@dataclass(frozen=True)
class UnsharpFilter(Filter):
    """An unsharp mask as a blur with a Detail and, if there is no threshold, also as one kernel that does both."""

    blur: LinearFilter
    one_kernel: LinearFilter | None

    @property
    def options(self) -> Options:
        """The options of both filters."""
        return self.blur.options

    @property
    def symmetric(self) -> bool:
        return self.blur.symmetric

    def chosen(self, has_alpha: bool) -> LinearFilter:
        """The filter to use: the one kernel if there is one, except where colours are weighted by alpha.

        The weighted blur is a quotient, and the difference to it is not a weighted mean.
        """
        weighted = has_alpha and self.blur.options.alpha in (None, *WEIGHTED)
        return self.blur if self.one_kernel is None or weighted else self.one_kernel

    def plan(self, shape, image_type, has_alpha: bool):
        levelled = self.with_types_fixed(image_type)
        return levelled.chosen(has_alpha).plan(shape, image_type, has_alpha)

    def result_type(self, image_type) -> np.dtype:
        return self.blur.result_type(image_type)

    def in_light(self, light) -> UnsharpFilter:
        return self._of_both(lambda filter: filter.in_light(light))

    def with_options(self, **changes) -> UnsharpFilter:
        return self._of_both(lambda filter: filter.with_options(**changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> UnsharpFilter:
        return self._of_both(lambda filter: filter.retyped(dtype, scale, range))

    def with_types_fixed(self, image_type, result_type=None) -> UnsharpFilter:
        """As Filter.with_types_fixed: the threshold in sample units."""
        detail = self.blur.point
        assert isinstance(detail, Detail)
        top = self.options.white or white(readable(np.dtype(image_type)))
        point = Detail(detail.amount, detail.threshold.of(top))
        return UnsharpFilter(replace(self.blur, point=point), self.one_kernel)

    def _of_both(self, change) -> UnsharpFilter:
        return UnsharpFilter(change(self.blur), self.one_kernel and change(self.one_kernel))


@lru_cache(maxsize=16)
def _unsharp_kernel(blur: Kernel, amount: float) -> Kernel:
    weights = -amount * blur.weights
    weights[blur.anchor] += 1 + amount
    return Kernel(weights, name="unsharp")


def sharpen_kernel(amount=1) -> Kernel:
    """The 3 x 3 kernel of `sharpen`, exact."""
    checked_number(amount, "amount", 0, MAX_AMOUNT)
    return _sharpen_kernel(fraction_of(amount))


@lru_cache(maxsize=16)
def _sharpen_kernel(amount: Fraction) -> Kernel:
    weights = [[-amount / 9] * 3 for _ in range(3)]
    weights[1][1] += 1 + amount
    return Kernel(weights, name="sharpen")
