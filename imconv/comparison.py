"""Compares two pictures: largest and mean error, PSNR, SSIM, and a sheet that shows the difference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from .errors import OptionError
from .files.picture import Picture, samples_of
from .filters.correlate import correlate
from .kernel.gaussian import gaussian_row
from .kernel.kernel import Kernel
from .pixels.arrays import as_array, channel_axis, readable
from .pixels.depth import white
from .pixels.elementary import decibels
from .pixels.rounding import warn_of_rounded
from .pixels.sample_types import type_range

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
STRIP_SAMPLES = 1 << 20  # samples of one channel compared at a time; their float64 arrays take about 100 MB


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`; errors are in sample values.

    `psnr` is in dB, infinite for equal pictures. `ssim` is None for pictures of fewer than 11 rows or columns. Both depend on
    `data_range`, the least and the largest value that samples can have.
    """

    max_abs: float
    mean_abs: float
    rmse: float
    psnr: float
    ssim: float | None
    data_range: tuple[float, float]

    def as_dict(self) -> dict:
        """The figures for JSON; None stands for infinity and NaN, which JSON does not have."""
        figures = {**asdict(self), "data_range": None}
        found = {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}
        return {**found, "data_range": list(self.data_range)}


def compare(a, b, *, data_range=None, threads=None) -> Comparison:
    """Compare two pictures of the same size and type. Alpha counts as every other channel.

    Parameters
    ----------
    a, b : array (H, W) or (H, W, C), or Picture
        bool, integers or floats of one type; C is 1 to 4. Equal samples differ by 0, also two equal infinities and two
        NaN. NaN in one picture only makes every figure NaN.
    data_range : number or (number, number), optional
        For PSNR and SSIM: the width of the range that samples can have, or its two ends. Default: the type's, 0 to 255 for
        uint8, 0 to 1 for bool and float; 0 to `Picture.maximum` where both pictures have the same. Pictures with different
        ones are scaled to the type's range before.
    threads : int, optional
        Default: IMCONV_THREADS, else all cores.

    Returns
    -------
    Comparison
        max_abs, mean_abs, rmse (root of the mean square); psnr = 20 log10(width of the range / rmse); ssim, the mean over
        channels; data_range, the range that was used.

    Raises
    ------
    OptionError
        Sizes, channels or types differ, or the range is not one.

    Notes
    -----
    SSIM is that of Wang, Bovik, Sheikh and Simoncelli 2004 (IEEE Transactions on Image Processing 13(4), 600-612): a
    Gaussian window of 11 x 11, sigma 1.5, K1 0.01, K2 0.03, averaged over all windows that lie within the picture.
    Equal to `skimage.metrics.structural_similarity` with gaussian_weights=True, use_sample_covariance=False.

    Examples
    --------
    >>> import numpy as np
    >>> found = compare(np.array([[10, 20]], np.uint8), np.array([[10, 24]], np.uint8))
    >>> found.max_abs, found.mean_abs, round(found.psnr, 2), found.ssim
    (4.0, 2.0, 39.1, None)
    """
    a, b, top = of_one_white(a, b)
    first, second = _samples(a, b)
    low, high = type_range(first.dtype) if data_range is None else checked_range(data_range)
    if top is not None and data_range is None:
        high = float(top)
    largest, sums, squares, likeness = 0.0, [], [], []
    height, width, channels = first.shape
    rows = max(1, STRIP_SAMPLES // width)
    for channel in range(channels):
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            one, two = (s[start : stop + WINDOW - 1, :, channel].astype(np.float64) for s in (first, second))
            apart = _apart(one[: stop - start], two[: stop - start])
            largest = float(np.maximum(largest, apart.max()))  # np.maximum keeps NaN
            with np.errstate(over="ignore"):
                sums.append(float(apart.sum()))
                squares.append(float(np.square(apart, out=apart).sum()))
            if min(one.shape) >= WINDOW:
                likeness.append(_similarity(one, two, high - low, threads))
    mean, square = (math.fsum(total) / first.size for total in (sums, squares))
    rmse = math.sqrt(square)
    windows = channels * (height - WINDOW + 1) * (width - WINDOW + 1)
    ssim = math.fsum(likeness) / windows if min(height, width) >= WINDOW else None
    return Comparison(largest, mean, rmse, decibels(high - low, rmse), ssim, (low, high))


def checked_range(given) -> tuple[float, float]:
    """The ends of a range that is given by its width or by its ends."""
    try:
        ends = (0.0, float(given)) if np.ndim(given) == 0 else tuple(float(end) for end in given)
    except (TypeError, ValueError):
        ends = ()
    if len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
        raise OptionError(f"data_range is {given!r}; give a width above 0, or two numbers, the smaller first")
    return ends[0], ends[1]


def amplification(largest: float, dtype, top: int | None = None) -> int:
    """The largest whole factor, at least 1, by which differences can be multiplied so that `largest` is still at most
    `top`: by default the largest value of the type."""
    return max(1, int((top or white(dtype)) / largest)) if 0 < largest < math.inf else 1


def sheet(a, b, factor: int):
    """Before, after and the absolute difference times `factor`, side by side, as one picture.

    The difference of pictures with alpha is opaque; each channel shows the larger of its own difference and alpha's.
    Return a Picture with the metadata of `a` if `a` is one, else an array.
    """
    a, b, maximum = of_one_white(a, b)
    first, second = _samples(a, b)
    height, width, channels = first.shape
    result = np.empty((height, 3 * width, channels), first.dtype)
    result[:, :width], result[:, width : 2 * width] = first, second
    has_alpha = getattr(a, "has_alpha", False)
    top = maximum or white(first.dtype)
    for row in range(height):
        apart = _apart(first[row].astype(np.float64), second[row].astype(np.float64)) * factor
        if has_alpha:
            np.maximum(apart, apart[:, -1:], out=apart)
            apart[:, -1] = top
        result[row, 2 * width :] = np.clip(np.nan_to_num(apart, nan=top), 0, top)
    result = result.reshape(height, 3 * width, *as_array(samples_of(a)).shape[2:])
    return a.replace(pixels=result) if isinstance(a, Picture) else result


def of_one_white(a, b):
    """Both pictures with one value of white, and that value; None if it is the type's largest, as in every array."""
    tops = [getattr(picture, "maximum", None) for picture in (a, b)]
    if tops[0] == tops[1]:
        return a, b, tops[0]
    return *(x if top is None else x.in_full_range() for x, top in zip((a, b), tops, strict=True)), None


def _samples(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures as arrays (H, W, C); OptionError if they can't be compared."""
    one, two = (as_array(samples_of(picture)) for picture in (a, b))
    for picture, array in ((a, one), (b, two)):
        if not isinstance(picture, Picture):
            channel_axis(array, "auto")
        readable(array.dtype)
        warn_of_rounded(array, 4)
        if not array.size:
            raise OptionError(f"an image needs pixels; this one has shape {array.shape}")
    described = [_described(picture, array) for picture, array in ((a, one), (b, two))]
    if described[0] != described[1]:
        raise OptionError(
            f"one picture is {described[0]}, the other {described[1]}; compare pictures of one size and type"
        )
    one, two = (array if array.ndim == 3 else array[..., None] for array in (one, two))
    return one, two


def _described(picture, array: np.ndarray) -> str:
    channels = array.shape[2] if array.ndim == 3 else 1
    mode = picture.mode if isinstance(picture, Picture) else f"{channels} channel{'s' * (channels > 1)}"
    return f"{array.shape[1]} x {array.shape[0]} pixels, {mode}, {array.dtype}"


def _apart(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Absolute differences; 0 where both samples are the same infinity or both NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(one - two)
    if not np.isfinite(apart).all():  # infinity - infinity
        apart[(one == two) | (np.isnan(one) & np.isnan(two))] = 0
    return apart


def _similarity(one: np.ndarray, two: np.ndarray, span: float, threads) -> float:
    """The sum of SSIM over all windows that lie within these rows."""

    def local_mean(samples):
        return correlate(samples, _window(), pad="valid", threads=threads)

    stable_mean, stable_spread = (K1 * span) ** 2, (K2 * span) ** 2
    mean_one, mean_two = local_mean(one), local_mean(two)
    with np.errstate(invalid="ignore", over="ignore"):
        product, squares = mean_one * mean_two, mean_one**2 + mean_two**2
        together = local_mean(one * two) - product
        spread = local_mean(one * one + two * two) - squares
        likeness = (2 * product + stable_mean) * (2 * together + stable_spread)
        likeness /= (squares + stable_mean) * (spread + stable_spread)
    return float(likeness.sum())


def _window() -> Kernel:
    weights = gaussian_row(SIGMA, WINDOW // 2)
    return Kernel.from_factors(weights, weights)
