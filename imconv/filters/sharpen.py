"""Sharpening: the lecture's kernel and the unsharp mask."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..errors import OptionError
from ..filter import Filter
from ..kernel.kernel import Kernel
from ..options import Options, documented, options_of
from ..pixels.exact import fraction_of
from ..stages.convolution.filter import LinearFilter
from .apply import apply
from .arguments import checked_number, image_width
from .blur_kernels import gaussian_kernel

MAX_AMOUNT = 1000
LARGEST_KERNEL = 65  # taps a side: larger blurs are cheaper by themselves, on a coarse grid


@documented
def sharpen(image, amount=1.0, *, out=None, threads=None, **options):
    """Sharpen with `(1 + amount) * delta - amount * box(3)`: for amount 1, centre `2 - 1/9` and `-1/9` around it.

    {parameters:amount : number or str, default 1
        How much of the difference to the 3 x 3 mean is added; 0 changes nothing. A decimal counts exactly: 0.3 is 3/10.}

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
        Of the Gaussian, as in `gaussian_blur`.
    amount : number, default 1
    threshold : number, default 0
        In sample units; smaller differences are left alone.
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
    """The filter of `unsharp_mask`; `width` is what a sigma in percent is measured by."""
    if settings.offset:
        raise OptionError("an unsharp mask takes no offset")
    amount, threshold = checked_number(amount, "amount", 0, MAX_AMOUNT), checked_number(threshold, "threshold", 0, 1e12)
    blur = gaussian_kernel(sigma, truncate, width)

    one_kernel = None
    if threshold == 0 and max(blur.shape) <= LARGEST_KERNEL:
        one_kernel = LinearFilter(_unsharp_kernel(blur, amount), settings)
    return UnsharpFilter(LinearFilter(blur, settings, point=Detail(amount, threshold), error_gain=amount), one_kernel)


@dataclass(frozen=True)
class Detail:
    """What follows the blur; as a call, or by the compiled loop `loop` with `settings` as arguments."""

    amount: float
    threshold: float
    loop = "unsharp.add_detail"

    @property
    def settings(self) -> tuple[float, float]:
        return self.amount, self.threshold

    def scaled(self, factor) -> Detail:
        """The same for samples multiplied by a factor."""
        return Detail(self.amount, float(self.threshold * factor))

    def __call__(self, blurred: np.ndarray, original: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # inf - inf
            detail = original - blurred
        detail[np.abs(detail) <= self.threshold] = 0
        detail *= self.amount
        detail += original
        return detail


@dataclass(frozen=True)
class UnsharpFilter(Filter):
    """A blur with what follows it; or, where that is linear, one kernel that does both."""

    blur: LinearFilter
    one_kernel: LinearFilter | None

    @property
    def options(self) -> Options:
        """What both have."""
        return self.blur.options

    def chosen(self, has_alpha: bool) -> LinearFilter:
        """One kernel, unless colours are weighted by alpha: that is a quotient, and its detail is no weighted mean."""
        weighted = has_alpha and self.blur.options.alpha in (None, "weight")
        return self.blur if self.one_kernel is None or weighted else self.one_kernel

    def plan(self, shape, image_type, has_alpha: bool):
        """As Filter.plan."""
        return self.chosen(has_alpha).plan(shape, image_type, has_alpha)

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self.blur.result_type(image_type)

    def in_light(self, light) -> UnsharpFilter:
        """As Filter.in_light."""
        one_kernel = self.one_kernel and self.one_kernel.in_light(light)
        return UnsharpFilter(self.blur.in_light(light), one_kernel)

    def with_options(self, **changes) -> UnsharpFilter:
        """As Filter.with_options."""
        one_kernel = self.one_kernel and self.one_kernel.with_options(**changes)
        return UnsharpFilter(self.blur.with_options(**changes), one_kernel)

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> UnsharpFilter:
        """As Filter.retyped."""
        one_kernel = self.one_kernel and self.one_kernel.retyped(dtype, scale, range)
        return UnsharpFilter(self.blur.retyped(dtype, scale, range), one_kernel)


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
def _sharpen_kernel(share: Fraction) -> Kernel:
    weights = [[-share / 9] * 3 for _ in range(3)]
    weights[1][1] += 1 + share
    return Kernel(weights, name="sharpen")
