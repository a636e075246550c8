"""Filters that match other tools' blurs, boxes and kernels: their weights, passes and roundings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np

from ..composites.passes import UNIT, PassesFilter
from ..errors import OptionError
from ..geometry.border import parse_border
from ..geometry.sizes import parse_pad, parse_window_size
from ..kernel.gaussian import TRUNCATE, gaussian_row
from ..kernel.kernel import Kernel
from ..options import Options, checked_offset
from ..pixels.depth import parse_depth, rescaled, white
from ..pixels.elementary import exp
from ..stages.convolution.filter import LinearFilter
from .arguments import checked_number, parse_sigma
from .blur_kernels import box_kernel, gaussian_kernel
from .other_tools import Tool, adopted, find, note

QUANTUM = 65535  # the largest sample in ImageMagick's usual build
TOWARD_ZERO, HALF_TO_EVEN = "toward zero", "half to even"


def blur_like(like: str, sigma, truncate, width: int | None, options: Options, border: str | None) -> PassesFilter:
    """The filter of `gaussian_blur` with `like`; `border` is the user's or None, `width` the picture's, for percentages."""
    tool = find(like)
    sigmas = parse_sigma(sigma, width)
    reach = None if truncate is None else checked_number(truncate, "truncate", 0, 100)
    support = tool.support if reach is None else f"radius {reach:g} sigma"
    return _filter(tool, "blur", options, border, partial(_MAKERS[tool.name][0], sigmas, reach), f"support {support}")


def box_like(like: str, size, options: Options, border: str | None) -> PassesFilter:
    """The filter of `box_blur` with `like`."""
    tool = find(like)
    make = partial(_MAKERS[tool.name][1], parse_window_size(size))
    return _filter(tool, "box", options, border, make, f"anchor {tool.anchor}")


def kernel_like(
    like: str, kernel: Kernel, options: Options, border: str | None, *, direction: str | None = None, anchored=False
) -> PassesFilter:
    """The filter of `apply`, `correlate` and `convolve` with `like`.

    `direction` is "correlation" or "convolution" if the user chose one, else None. `anchored` says that the user gave the
    anchor, so that it is not replaced by the tool's.
    """
    tool = find(like)
    direction = direction or ("convolution" if tool.direction == "either" else tool.direction)
    usual = kernel.anchor == tuple(n // 2 for n in kernel.shape)
    if tool.low and usual and not anchored:
        kernel = kernel.replace(anchor=tuple((n - 1) // 2 for n in kernel.shape))
    if direction == "convolution":
        kernel = kernel.flipped()
    elif direction == "bottom up":
        kernel = _bottom_up(kernel)
    make = partial(_MAKERS[tool.name][2], kernel, border is not None)
    return _filter(tool, "apply", options, border, make, direction, f"anchor {tool.anchor}", tool.rounding)


def _filter(tool: Tool, command: str, options: Options, border: str | None, make, *facts: str) -> PassesFilter:
    options = adopted(tool, options, border)
    return PassesFilter(options, make, note(tool, command, options, *facts), tool.name)


def _bottom_up(kernel: Kernel) -> Kernel:
    """The kernel with its rows from the last to the first."""
    anchor = (kernel.shape[0] - 1 - kernel.anchor[0], kernel.anchor[1])
    included = None if kernel.included is None else kernel.included[::-1]
    return Kernel(kernel.numbers[::-1], anchor=anchor, offset=kernel.offset, name=kernel.name, included=included)


def _sides(column, row) -> list[Kernel]:
    """Kernels of one column and of one row of weights; a single weight makes none."""
    down = [Kernel.from_factors(column, [1])] if len(column) > 1 else []
    return [*down, Kernel.from_factors([1], row)] if len(row) > 1 else down


def in_turn(kernels: list[Kernel], options: Options, **how) -> list[LinearFilter]:
    """One filter for each kernel. Stride, offset, range and depth are applied by the last one."""
    kernels = kernels or [UNIT]
    if len(kernels) > 1 and parse_pad(options.pad) != ("same", "same"):
        raise OptionError("like= computes this in several passes, which go with pad='same'; leave out pad=")
    first = replace(options, stride=1, offset=0, range="clip", depth=None)
    return [*(LinearFilter(k, first, **how) for k in kernels[:-1]), LinearFilter(kernels[-1], options, **how)]


# --- scipy.ndimage: axis by axis, each result truncated to the output's type ---------------------------------------------


def _scipy_blur(sigmas, truncate, options, image_type):
    kernels = _sides(*(_scipy_weights(sigma, TRUNCATE if truncate is None else truncate) for sigma in sigmas))
    return in_turn(kernels, options, rounding=TOWARD_ZERO, order="in pairs")


def _scipy_weights(sigma: float, truncate: float) -> np.ndarray:
    radius = int(truncate * sigma + 0.5)
    # scipy's own weights are those of numpy's exponential on the same processor
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2) if radius else np.ones(1)
    return weights / weights.sum()


def _scipy_box(size, options, image_type):
    return in_turn(_sides(*([Fraction(1, n)] * n for n in size)), options, rounding=TOWARD_ZERO)


# --- OpenCV: fixed point for 8- and 16-bit Gaussians, a reciprocal in fixed point for small boxes ------------------------


def _opencv_blur(sigmas, truncate, options, image_type):
    bits = {"uint8": 8, "uint16": 16}.get(image_type.name)
    column, row = (_opencv_weights(sigma, truncate, image_type, bits) for sigma in sigmas)
    return in_turn([Kernel.from_factors(column, row)], options, rounding="half up" if bits else HALF_TO_EVEN)


def _opencv_weights(sigma: float, truncate, image_type: np.dtype, bits: int | None) -> list:
    """OpenCV's Gaussian weights, in fixed point with `bits` bits unless that is None.

    In fixed point each weight takes over the rounding error of the one before, and the middle weight makes the sum 1.
    """
    if sigma == 0:
        return [1]
    size = round(sigma * (6 if image_type.name == "uint8" else 8) + 1) | 1
    radius = size // 2 if truncate is None else int(truncate * sigma + 0.5)
    weights = gaussian_row(sigma, radius).tolist()
    if bits is None:
        return weights
    one, error, half = 1 << bits, 0.0, []
    for weight in weights[:radius]:
        half.append(round(weight * one + error))
        error += weight * one - half[-1]
    return [Fraction(n, one) for n in (*half, one - 2 * sum(half), *half[::-1])]


def _opencv_box(size, options, image_type):
    taps = size[0] * size[1]
    if image_type.name != "uint8" or taps > 256:
        return in_turn([box_kernel(size)], options, rounding=HALF_TO_EVEN)
    # OpenCV computes floor((sum + taps // 2 + 1) * r / 2^23), where r is the reciprocal rounded down. The 1 compensates for
    # that, but it changes results if the reciprocal is exact.
    changes = taps > 1 and taps & (taps - 1) == 0
    return in_turn([box_kernel(size).replace(offset=Fraction(int(changes), taps))], options)


# --- Pillow: boxes in 24 bits of fixed point, each rounded to 8 bits ------------------------------------------------------


def _eight_bits(image_type: np.dtype) -> None:
    """Raise OptionError for other types than uint8."""
    if image_type.name != "uint8":
        raise OptionError(
            f"like='pillow' takes 8-bit pictures, not {image_type}; convert them with depth=8 before, or leave out like="
        )


def _pillow_blur(sigmas, truncate, options, image_type):
    _eight_bits(image_type)
    if truncate is not None:
        raise OptionError("Pillow's Gaussian is three boxes, which have no truncate=; leave it out")
    boxes = _sides(*(_extended_box(_pillow_radius(sigma)) for sigma in sigmas))
    return in_turn([box for box in reversed(boxes) for _ in range(3)], options)


def _pillow_radius(sigma: float) -> np.float32:
    """The radius of the box that, applied three times, has a Gaussian's variance (Gwosdek, Grewenig, Bruhn, Weickert 2011).

    Computed in float32, step by step as Pillow does.
    """
    f = np.float32
    variance = f(f(sigma) * f(sigma) / f(3))
    whole = f(math.floor((float(f(math.sqrt(12.0 * float(variance) + 1.0))) - 1.0) / 2.0))
    above = f((2 * whole + 1) * (whole * (whole + 1) - 3 * variance))
    return f(whole + above / f(6 * (variance - (whole + 1) * (whole + 1))))


def _extended_box(radius) -> list[Fraction]:
    """The weights of a box with fractional rims, in 24 bits of fixed point, rounded down."""
    radius = np.float32(radius)
    if radius == 0:
        return [Fraction(1)]
    inner = 2 * int(radius) + 1
    weight = int(np.float32(1 << 24) / (radius * 2 + 1))
    rim = ((1 << 24) - inner * weight) // 2
    return [Fraction(n, 1 << 24) for n in (rim, *[weight] * inner, rim)]


def _pillow_box(size, options, image_type):
    _eight_bits(image_type)
    return in_turn(_sides(*(_extended_box((n - 1) / 2) for n in size))[::-1], options)


def _pillow_kernel(kernel, bordered, options, image_type):
    _eight_bits(image_type)
    if kernel.shape not in ((3, 3), (5, 5)):
        raise OptionError(f"like='pillow' takes kernels of 3x3 and 5x5, not {kernel.shape[0]}x{kernel.shape[1]}")
    return in_turn([kernel], options, keeps_edges=not bordered)


# --- ImageMagick: samples of 16 bits between its operations --------------------------------------------------------------------------


def _magick_blur(sigmas, truncate, options, image_type):
    return _in_quanta(_sides(*(_magick_weights(sigma, truncate) for sigma in sigmas))[::-1], options, image_type)


def _magick_weights(sigma: float, truncate) -> np.ndarray:
    """ImageMagick's Gaussian weights: the mean of three samples in each pixel."""
    if sigma == 0:
        return np.ones(1)
    radius = _magick_radius(sigma) if truncate is None else math.ceil(truncate * sigma)
    fine = np.arange(-(3 * radius + 1), 3 * radius + 2)
    weights = exp(-0.5 * np.square(fine / (3 * sigma))).reshape(-1, 3).sum(axis=1)
    return weights / weights.sum()


def _magick_radius(sigma: float) -> int:
    """The largest radius at which a normalised weight is at least 1/65535; at least 1."""
    radius = 2
    while gaussian_row(sigma, radius)[0] >= 1 / QUANTUM:
        radius += 1
    return radius - 1


def _magick_box(size, options, image_type):
    low = tuple((n - 1) // 2 for n in size)
    return _in_quanta([box_kernel(size).replace(anchor=low).flipped()], options, image_type, order=None)


def _magick_kernel(kernel, bordered, options, image_type):
    return _in_quanta([kernel], options, image_type)


def _in_quanta(kernels: list[Kernel], options: Options, image_type: np.dtype, order="in order") -> list[LinearFilter]:
    """Filters for kernels in ImageMagick's samples: fewer bits are converted to 16 before, and back after."""
    if image_type.name not in ("bool", "uint8") or options.range != "clip":
        return in_turn(kernels, options, order=order)
    target, _ = rescaled(options.depth, image_type)
    unit = white(target)
    if options.white and parse_depth(options.depth) == "keep":
        unit = options.white
    if options.dtype is not None:
        target, unit = LinearFilter(UNIT, options).result_type(image_type), options.white or white(image_type)
    factor = Fraction(QUANTUM, options.white or white(image_type))
    border = parse_border(options.border)
    border = replace(border, values=tuple(v * float(factor) for v in border.values))
    offset = checked_offset(options.offset) * factor
    scaled = replace(options, border=border, offset=offset, depth=None, dtype=None)
    inside = in_turn([k.replace(offset=k.offset * factor) for k in kernels], scaled, order=order)
    alone = replace(options, pad="same", stride=1, dilation=1, offset=0, depth=None, dtype=None)
    before = LinearFilter(UNIT, replace(alone, depth=16))
    after = LinearFilter(UNIT, replace(alone, dtype=target), scale=Fraction(unit, QUANTUM))
    return [before, *inside, after]


# --- libvips --------------------------------------------------------------------------------------------------------------


def _vips_blur(sigmas, truncate, options, image_type):
    return in_turn(_sides(*(_vips_weights(sigma, truncate) for sigma in sigmas))[::-1], options)


def _vips_weights(sigma: float, truncate) -> list[Fraction]:
    """libvips' Gaussian weights: whole numbers, 20 in the middle, divided by their sum."""
    if sigma < 0.2:  # libvips' limit
        return [Fraction(1)]
    end = min(math.trunc(8 * sigma), 5000)
    small = np.flatnonzero(exp(-np.square(np.arange(end)) / (2 * sigma * sigma)) < 0.2)
    radius = max(int(small[0] if small.size else end) - 1, 0) if truncate is None else int(truncate * sigma + 0.5)
    weights = np.rint(20 * exp(-np.square(np.arange(-radius, radius + 1)) / (2 * sigma * sigma))).astype(int).tolist()
    return [Fraction(weight, sum(weights)) for weight in weights]


def _vips_box(size, options, image_type):
    return in_turn([box_kernel(size)], options, rounding=TOWARD_ZERO)


# --- torch: floats only ----------------------------------------------------------------------------------------------


def _torch_blur(sigmas, truncate, options, image_type):
    return in_turn([gaussian_kernel(sigmas, TRUNCATE if truncate is None else truncate)], options)


def _torch_box(size, options, image_type):
    return in_turn([box_kernel(size).replace(anchor=tuple((n - 1) // 2 for n in size))], options)


# --- all tools -----------------------------------------------------------------------------------------------------------


def _one_pass(kernel, bordered, options, image_type, **how):
    """The filter of a kernel for a tool that differs by its rounding and by the order of its sums alone."""
    return in_turn([kernel], options, **how)


# for each tool the functions that return the filters of its blur, of its box and of a kernel
_MAKERS: dict[str, tuple[Callable, Callable, Callable]] = {
    "scipy": (_scipy_blur, _scipy_box, partial(_one_pass, rounding=TOWARD_ZERO, order="in order")),
    "opencv": (_opencv_blur, _opencv_box, partial(_one_pass, rounding=HALF_TO_EVEN)),
    "pillow": (_pillow_blur, _pillow_box, _pillow_kernel),
    "imagemagick": (_magick_blur, _magick_box, _magick_kernel),
    "vips": (_vips_blur, _vips_box, partial(_one_pass, rounding=TOWARD_ZERO)),
    "torch": (_torch_blur, _torch_box, _one_pass),
}
