"""Gabor filters: simple and complex cells as in the visual cortex, and banks of them over orientations and scales."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..composites.bank import FilterBank
from ..errors import OptionError
from ..geometry.arrangement import columns_for
from ..kernel.kernel import Kernel
from ..kernel.weights import MAX_TAPS
from ..options import Options, documented, options_of
from ..pixels.elementary import LN2, cosine_and_sine, exp, unit_vector
from ..pixels.exact import fraction_of
from ..stages.combined.filter import CombinedFilter
from ..stages.convolution.filter import LinearFilter
from .apply import apply
from .arguments import checked_number, checked_whole
from .edges import MAX_ANGLE, MAX_GAIN, signed_filter, zero_sum

REACH = 3  # standard deviations kept on each side
LEAST_WAVE, LONGEST_WAVE = 2.5, 500.0  # pixels; nearly all samples of a shorter wave with odd phase are 0
LEAST_BANDWIDTH, LARGEST_BANDWIDTH = 0.2, 3.0  # octaves
LEAST_ASPECT, LARGEST_ASPECT = 0.1, 10.0
LEAST_SIGMA, LARGEST_SIGMA = 0.5, 500.0  # pixels; a narrower envelope has hardly a second sample
MOST_CELLS, MOST_SCALES = 36, 6


@documented
def gabor(
    image, wavelength, orientation=0.0, *, phase=0.0, energy=False, bank=None, scales=1, bandwidth=1.0, sigma=None,
    aspect=1.0, gain=1, range=None, out=None, threads=None, **options,
):  # fmt: skip
    """Respond to waves of one length and direction, as oriented cells of the visual cortex do.

    {parameters:wavelength : number
        In pixels, 2.5 to 500; the frequency is 1 / wavelength cycles per pixel.
    orientation : number, default 0
        The wave's direction in degrees: 0 to the right, 90 downwards; its stripes are perpendicular to it.
    phase : number, default 0
        Phase of the wave in degrees: 0 is even and responds to bars, 90 and -90 are odd and respond to edges; -90 is positive
        where brightness increases in the wave's direction.
    energy : bool, default False
        A complex cell: the root of the sum of the squared even and odd responses, which does not depend on the phase of the
        picture's wave (Adelson and Bergen 1985).
    bank : int, optional
        Number of orientations, 180 / bank degrees apart from `orientation` on; the result is a contact sheet.
    scales : int, default 1
        Number of rows of a bank's sheet; each has twice the wavelength of the row before.
    bandwidth : number, default 1
        In octaves at half amplitude, 0.2 to 3. It determines the envelope's sigma: 0.56 wavelengths for one octave.
    sigma : number, optional
        The envelope's standard deviation in the wave's direction, in pixels; replaces the bandwidth. Cut off at 3 sigma.
    aspect : number, default 1
        Length of the envelope along the stripes divided by that in the wave's direction, 0.1 to 10; OpenCV's 1 / gamma.
    gain : number or str, default 1
        Factor of the result. With 1, the response to a wave of the cell's length, direction and phase is its amplitude.}

    The weights, to correlate with, are `exp(-(x'^2 / sigma^2 + y'^2 / (aspect sigma)^2) / 2) cos(2 pi x' / wavelength +
    phase)`, `x' = x cos t + y sin t`, y downwards: the real part of skimage.filters.gabor_kernel (Daugman 1985). A constant
    is subtracted from the cosine so that the weights sum to 0 and flat areas have the result 0; then the weights are scaled
    to the gain. Responses of simple cells have a sign: as in `imconv.edges`, 0 is at mid-range in unsigned results
    (`range="offset"`) unless a range is given. Each channel is filtered by itself, and alpha is kept.

    Examples
    --------
    >>> import numpy as np, imconv
    >>> wave = 100 + 20 * np.cos(2 * np.pi * np.arange(64) / 8) * np.ones((40, 1))
    >>> imconv.gabor(wave, 8)[20, 27:34].round(2).tolist()
    [-14.14, -20.0, -14.14, -0.0, 14.14, 20.0, 14.14]
    >>> imconv.gabor(wave, 8, energy=True)[20, 28:33].round(1).tolist()
    [20.0, 20.0, 20.0, 20.0, 20.0]
    >>> imconv.gabor(wave, 8, 90, energy=True)[20, 28:33].round(1).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    settings = options_of("gabor", options)
    work = gabor_filter(
        wavelength, orientation, settings, phase=phase, energy=energy, bank=bank, scales=scales, bandwidth=bandwidth,
        sigma=sigma, aspect=aspect, gain=gain, range=range,
    )  # fmt: skip
    return apply(work, image, out=out, threads=threads)


def gabor_filter(
    wavelength, orientation, options: Options, *, phase=None, energy=False, bank=None, scales=None, bandwidth=None,
    sigma=None, aspect=1.0, gain=1, range=None,
):  # fmt: skip
    """The filter of `gabor`; None stands for a default."""
    checked_number(gain, "gain", 0, MAX_GAIN)
    factor = fraction_of(gain)
    if energy and phase:
        raise OptionError("energy= is of all phases; leave out phase=")
    if sigma is not None and bandwidth not in (None, 1.0):
        raise OptionError("sigma and bandwidth say the same; give one of the two")
    envelope = {"bandwidth": bandwidth, "sigma": sigma, "aspect": aspect}

    def cell(wavelength, orientation):
        if not energy:
            kernel = gabor_kernel(wavelength, orientation, phase or 0, **envelope)
            return signed_filter(kernel.scaled(factor), options, range)
        pair = (gabor_kernel(wavelength, orientation, phase, **envelope).scaled(factor) for phase in (0, -90))
        ranged = options if range is None else replace(options, range=range)
        return CombinedFilter(tuple(LinearFilter(kernel, ranged) for kernel in pair), "magnitude")

    rows = 1 if scales is None else checked_whole(scales, "scales", 1, MOST_SCALES)
    if bank is None:
        if rows > 1:
            raise OptionError("scales are those of a bank; give the bank too")
        return cell(wavelength, orientation)
    if rows > 1 and sigma is not None:
        raise OptionError("with scales the envelope grows with the wavelength; give bandwidth, not sigma")
    count = checked_whole(bank, "bank", 1, MOST_CELLS)
    first = checked_number(orientation, "orientation", -MAX_ANGLE, MAX_ANGLE)
    longest = checked_number(wavelength, "wavelength", LEAST_WAVE, LONGEST_WAVE) * 2 ** (rows - 1)
    if longest > LONGEST_WAVE:
        raise OptionError(
            f"the longest wave of {rows} scales, {longest:g}, exceeds {LONGEST_WAVE:g} pixels; take fewer"
        )
    cells = tuple(
        cell(float(wavelength) * 2**k, first + 180 * n / count) for k in np.arange(rows) for n in np.arange(count)
    )
    return FilterBank(cells, count if rows > 1 else columns_for(count, (1, 1)))


def gabor_kernel(wavelength, orientation=0.0, phase=0.0, *, bandwidth=None, sigma=None, aspect=1.0) -> Kernel:
    """The weights of a simple cell, to correlate with: their sum is 0, and the response to their own wave of amplitude 1 is 1."""
    wavelength = checked_number(wavelength, "wavelength", LEAST_WAVE, LONGEST_WAVE)
    octaves = checked_number(1.0 if bandwidth is None else bandwidth, "bandwidth", LEAST_BANDWIDTH, LARGEST_BANDWIDTH)
    along = (
        sigma_of(octaves) * wavelength if sigma is None else checked_number(sigma, "sigma", LEAST_SIGMA, LARGEST_SIGMA)
    )
    across = along * checked_number(aspect, "aspect", LEAST_ASPECT, LARGEST_ASPECT)
    angles = [checked_number(a, n, -MAX_ANGLE, MAX_ANGLE) for a, n in ((orientation, "orientation"), (phase, "phase"))]
    return _cell(wavelength, angles[0] % 360, angles[1] % 360, along, across)


def sigma_of(octaves: float) -> float:
    """The envelope's sigma in wavelengths, for a bandwidth in octaves at half amplitude."""
    ratio = float(exp(octaves * float(LN2)))  # 2^octaves
    return math.sqrt(float(LN2) / 2) / math.pi * (ratio + 1) / (ratio - 1)


@lru_cache(maxsize=64)
def _cell(wavelength: float, orientation: float, phase: float, along: float, across: float) -> Kernel:
    envelope, even, odd = gabor_parts(wavelength, orientation, along, across)
    cosine, sine = unit_vector(phase)
    wave = cosine * even - sine * odd
    weights = envelope * wave
    if cosine:  # the sum of an odd cell is 0 already
        weights -= envelope * (weights.sum() / envelope.sum())
    weights /= (weights * wave).sum()
    return Kernel(zero_sum(weights) if cosine else weights, name="gabor")


def gabor_parts(
    wavelength: float, orientation: float, along: float, across: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A Gaussian envelope, a cosine and a sine, each (rows, columns) with the origin in the middle.

    The envelope's sum would be 1 if it were not cut off. `orientation` is the wave's, in degrees; `along` and `across` are the
    envelope's sigmas in the wave's direction and along its stripes.
    """
    c, s = unit_vector(orientation)
    reach = [math.ceil(max(REACH * along * abs(a), REACH * across * abs(b), 1)) for a, b in ((s, c), (c, s))]
    if math.prod(2 * r + 1 for r in reach) > MAX_TAPS:
        raise OptionError(
            f"a cell of {2 * reach[0] + 1} x {2 * reach[1] + 1} pixels is too large; take a shorter wave or sigma, or less aspect"
        )
    y, x = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    turned, beside = x * c + y * s, y * c - x * s
    envelope = exp(-((turned / along) ** 2 + (beside / across) ** 2) / 2) / (2 * math.pi * along * across)
    angle = 2 * math.pi / wavelength * turned
    return envelope, *cosine_and_sine(angle)
