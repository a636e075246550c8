"""Smoothing: Gaussian and box."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..correlation import linear_filter
from ..errors import OptionError
from ..geometry import parse_size
from ..kernel import Kernel
from ..options import documented, options_of

TRUNCATE = 4.0  # standard deviations kept on each side (scipy.ndimage's default)
MAX_SIGMA = 10_000.0
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))  # full width at half maximum of a Gaussian with sigma 1


@documented
def gaussian_blur(image, sigma, *, truncate=None, like=None, out=None, threads=None, **options):
    """Blur with a Gaussian, `h(x) = exp(-x^2 / (2 sigma^2))` normalised to sum 1, on rows and columns.

    {parameters:sigma : float, (rows, columns) or str
        Standard deviation in pixels, 0 to 10,000; 0 leaves an axis alone. Also `"2,3"`, `"3%"` of the width,
        `"fwhm:7"` (full width at half maximum) and `"opencv-ksize:9"` (OpenCV's `0.3 ((k - 1) / 2 - 1) + 0.8`).
    truncate : float, optional
        Radius in standard deviations, `int(truncate * sigma + 0.5)` pixels; default 4, as scipy.ndimage.
    like : "scipy", "opencv", "pillow", "imagemagick", "vips" or "torch", optional
        Give that tool's result: its border, support, passes and rounding, and each channel, alpha too, by itself
        (ImageMagick weights by alpha). What is given beside it wins.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> spot = np.zeros((5, 5)); spot[2, 2] = 1
    >>> imconv.gaussian_blur(spot, 0.8)[2].round(3).tolist()
    [0.011, 0.114, 0.249, 0.114, 0.011]
    """
    settings = options_of("gaussian_blur", options)
    width = image_width(image, settings.channel_axis)
    if like is not None:
        from .like import blur_like

        filter = blur_like(like, sigma, truncate, width, settings, options.get("border"))
    else:
        filter = linear_filter(gaussian_kernel(sigma, truncate, width), settings)
    return filter.apply(image, out=out, threads=threads)


@documented
def box_blur(image, size, *, like=None, out=None, threads=None, **options):
    """The mean over a box of pixels.

    {parameters:size : int, (rows, columns) or str such as "3x5"
        An even size reaches `size // 2` before the pixel and one less after it (scipy.ndimage.uniform_filter).
    like : str, optional
        Give another tool's result, as in `gaussian_blur`.}

    Examples
    --------
    >>> import numpy as np, imconv
    >>> imconv.box_blur(np.array([[0, 0, 9, 0, 0]], np.uint8), (1, 3))
    array([[0, 3, 3, 3, 0]], dtype=uint8)
    """
    settings = options_of("box_blur", options)
    if like is not None:
        from .like import box_like

        filter = box_like(like, size, settings, options.get("border"))
    else:
        filter = linear_filter(box_kernel(size), settings)
    return filter.apply(image, out=out, threads=threads)


def gaussian_kernel(sigma, truncate=None, width: int | None = None) -> Kernel:
    """The Gaussian of `gaussian_blur` as a Kernel made of a column and a row; `width` is what `3%` is measured by."""
    reach = None if truncate is None else checked_number(truncate, "truncate", 0, 100)
    return _gaussian(parse_sigma(sigma, width), reach)


@lru_cache(maxsize=64)
def _gaussian(sigmas: tuple[float, float], truncate: float | None) -> Kernel:
    column, row = (_gaussian_weights(s, TRUNCATE if truncate is None else truncate) for s in sigmas)
    return Kernel.from_factors(column, row, name="gaussian", sigma=sigmas if truncate is None else None)


def box_kernel(size) -> Kernel:
    """The box of `box_blur` as an exact Kernel."""
    return _box(parse_size(size))


@lru_cache(maxsize=64)
def _box(size: tuple[int, int]) -> Kernel:
    rows, columns = size
    return Kernel.from_factors([Fraction(1, rows)] * rows, [Fraction(1, columns)] * columns, name="box")


def parse_sigma(sigma, width: int | None = None) -> tuple[float, float]:
    """A sigma in any accepted unit as pixels for rows and for columns."""
    if isinstance(sigma, (str, int, float, np.number)):
        parts = str(sigma).split(",") if isinstance(sigma, str) else [sigma]
    else:
        parts = list(sigma) if isinstance(sigma, (list, tuple, np.ndarray)) else []
    if len(parts) not in (1, 2):
        raise OptionError(f"sigma must be one or two numbers (rows, columns), not {sigma!r}")
    values = [_one_sigma(part, width) for part in parts]
    return values[0], values[-1]


def _one_sigma(part, width) -> float:
    text = str(part).strip().lower()
    if text.startswith("fwhm:"):
        return checked_number(text[5:], "fwhm", 0, MAX_SIGMA * FWHM) / FWHM
    if text.startswith("opencv-ksize:"):
        ksize = checked_number(text[13:], "opencv-ksize", 1, 100_000)
        return max(0.0, 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8)
    if text.endswith("%"):
        if width is None:
            raise OptionError(f"sigma {text} needs a picture to measure by; give pixels")
        return checked_number(checked_number(text[:-1], "sigma", 0, 1e6) * width / 100, "sigma", 0, MAX_SIGMA)
    return checked_number(text, "sigma", 0, MAX_SIGMA)


def checked_number(text, name: str, least: float, most: float) -> float:
    """A number or its text as a float between two bounds; OptionError that names the parameter otherwise."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not least <= value <= most:
        hint = "; also 2,3 (rows, columns), 3%, fwhm:7 or opencv-ksize:9" if name == "sigma" else ""
        raise OptionError(f"{name} must be a number from {least:g} to {most:g}{hint}, not {text!r}")
    return value


def _gaussian_weights(sigma: float, truncate: float) -> np.ndarray:
    radius = int(truncate * sigma + 0.5)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (x / sigma) ** 2) if sigma > 0 else np.ones(1)
    return weights / weights.sum()


def image_width(image, channel_axis) -> int | None:
    """The width in pixels of an array or a Picture, None where it has none."""
    shape = list(image.pixels.shape if hasattr(image, "pixels") else np.shape(image))
    if len(shape) == 3:
        del shape[channel_axis if isinstance(channel_axis, int) else -1]
    return shape[-1] if len(shape) == 2 else None
