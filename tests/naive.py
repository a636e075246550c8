"""The slow, obvious reference: the definitions of correlation, one pixel at a time, with Python's own numbers.

Nothing of imconv is imported here. With whole-number samples and weights that are ints or Fractions every value is an
exact Fraction; otherwise float64 with `math.fsum`. `values` gives what is to be rounded, `finished` rounds it.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

HALF = Fraction(1, 2)


class NoOutput(Exception):
    """The window is larger than the padded picture."""


class NoWeight(Exception):
    """Border "normalized" has no positive weight to divide by."""


def source_index(mode: str, position: int, size: int) -> int | None:
    """Which sample stands at a position of an endless axis; None where there is none."""
    if 0 <= position < size:
        return position
    if mode == "nearest":
        return 0 if position < 0 else size - 1
    if mode == "wrap":
        while position < 0:
            position += size
        while position >= size:
            position -= size
        return position
    if mode == "reflect":  # the edge sample twice
        while not 0 <= position < size:
            position = -1 - position if position < 0 else 2 * size - 1 - position
        return position
    if mode == "mirror":  # the edge sample once
        if size == 1:
            return 0
        while not 0 <= position < size:
            position = -position if position < 0 else 2 * size - 2 - position
        return position
    assert mode in ("constant", "normalized"), mode
    return None


def axis_padding(size: int, taps: int, anchor: int, pad, dilation: int) -> tuple[int, int]:
    """Samples added before and after an axis."""
    window = dilation * (taps - 1) + 1
    if pad == "same":  # as many windows as samples, each with its anchor on its sample
        return anchor * dilation, window - 1 - anchor * dilation
    if pad == "valid":
        return 0, 0
    if pad == "full":
        return window - 1, window - 1
    return pad


def output_size(size: int, taps: int, anchor: int, pad, stride: int, dilation: int) -> int:
    before, after = axis_padding(size, taps, anchor, pad, dilation)
    return math.floor(Fraction(size + before + after - (dilation * (taps - 1) + 1), stride)) + 1


def both_axes(pad) -> tuple:
    """Padding of rows and of columns from a word, one, two or four numbers."""
    if isinstance(pad, str):
        return pad, pad
    numbers = [pad] if isinstance(pad, int) else list(pad)
    if len(numbers) == 4:
        return tuple(numbers[:2]), tuple(numbers[2:])
    return (numbers[0], numbers[0]), (numbers[-1], numbers[-1])


def total(terms, exact: bool):
    """The sum: exact, or rounded once; infinities and NaN by IEEE."""
    if exact:
        return sum(terms)
    terms = list(terms)
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # infinity - infinity; or partial sums beyond float64
        return sum(terms, 0.0)


def values(
    image, weights, *, convolve=False, border="reflect", fill=0, pad="same", stride=(1, 1), dilation=(1, 1),
    anchor=None, offset=0, included=None, alpha="none",
):  # fmt: skip
    """What `correlate` and `convolve` give before the range policy: an object array (rows, columns, channels).

    weights : nested list of ints and Fractions (exact), or of floats
    fill : what "constant" puts outside: one number or one per channel
    included : nested list, False for cells that are no part of the kernel
    alpha : "none", "separate", "keep" or "weight"; the last channel is alpha
    """
    image = np.asarray(image)
    pixels = (image if image.ndim == 3 else image[..., None]).tolist()
    height, width, channels = image.shape[0], image.shape[1], 1 if image.ndim == 2 else image.shape[2]
    cells = [(k, m) for k in range(len(weights)) for m in range(len(weights[0]))]
    exact = image.dtype.kind in "biu" and all(isinstance(weights[k][m], (int, Fraction)) for k, m in cells)
    number = Fraction if exact else float
    size = len(weights), len(weights[0])
    anchor = (size[0] // 2, size[1] // 2) if anchor is None else anchor
    if convolve:  # tap (k, m) reads f(i - k + a, j - m + b)
        weights = [row[::-1] for row in weights[::-1]]
        included = included and [row[::-1] for row in included[::-1]]
        anchor = size[0] - 1 - anchor[0], size[1] - 1 - anchor[1]
    taps = [(k, m, number(weights[k][m])) for k, m in cells if included is None or included[k][m]]
    gain = total([h for _, _, h in taps], exact)
    if alpha == "weight" and gain == 0:
        alpha = "keep"
    fill = [number(v) for v in (list(fill) if isinstance(fill, (list, tuple)) else [fill] * channels)]
    offset = number(offset)
    pads = both_axes(pad)
    shape = [
        output_size(n, t, a, p, s, d)
        for n, t, a, p, s, d in zip((height, width), size, anchor, pads, stride, dilation, strict=True)
    ]
    if min(shape) < 1:
        raise NoOutput
    before = [axis_padding(n, t, a, p, d)[0]
              for n, t, a, p, d in zip((height, width), size, anchor, pads, dilation, strict=True)]  # fmt: skip

    def pixel(i, j, k, m):
        """The samples under tap (k, m) of output (i, j) and whether they lie on the picture."""
        y, x = i * stride[0] + k * dilation[0] - before[0], j * stride[1] + m * dilation[1] - before[1]
        row, column = source_index(border, y, height), source_index(border, x, width)
        if row is None or column is None:
            return fill, False
        return [number(v) for v in pixels[row][column]], True

    result = np.empty((*shape, channels), object)
    for i in range(shape[0]):
        for j in range(shape[1]):
            window = [(h, *pixel(i, j, k, m)) for k, m, h in taps]
            share = number(1)
            if border == "normalized":
                window = [(h, samples, on) for h, samples, on in window if on]
                inside = total([h for h, _, _ in window], exact)
                if not inside > 0:
                    raise NoWeight
                share = gain / inside
            for c in range(channels):
                result[i, j, c] = total([h * f[c] for h, f, _ in window], exact) * share + offset
            if alpha == "keep":
                result[i, j, -1] = pixel(i, j, *anchor)[0][-1]
            elif alpha == "weight":
                coverage = total([h * f[-1] for h, f, _ in window], exact)
                result[i, j, -1] = coverage * share
                for c in range(channels - 1):
                    if coverage > 0:
                        weighted = total([h * f[-1] * f[c] for h, f, _ in window], exact)
                        result[i, j, c] = gain * weighted / coverage + offset
    return result


def ranked(
    image, cells, percentile, *, border="reflect", fill=0, pad="same", stride=(1, 1), dilation=(1, 1), anchor=None
) -> np.ndarray:
    """The sample of every window that `percentile` percent come before, NaN last: an array of the image's kind.

    cells : nested list, which cells of the window count
    """
    image = np.asarray(image)
    pixels = image if image.ndim == 3 else image[..., None]
    size = len(cells), len(cells[0])
    anchor = (size[0] // 2, size[1] // 2) if anchor is None else anchor
    axes = list(zip(pixels.shape, size, anchor, both_axes(pad), stride, dilation, strict=False))
    shape = [output_size(*axis) for axis in axes]
    if min(shape) < 1:
        raise NoOutput
    before = [axis_padding(n, t, a, p, d)[0] for n, t, a, p, _, d in axes]
    fill = list(fill) if isinstance(fill, (list, tuple)) else [fill] * pixels.shape[2]
    fill = [sample(v, image.dtype) for v in fill]
    result = np.empty((*shape, pixels.shape[2]), image.dtype)
    for i, j, c in np.ndindex(result.shape):
        window = []
        for k, m in np.ndindex(size):
            if cells[k][m]:
                row = source_index(border, i * stride[0] + k * dilation[0] - before[0], pixels.shape[0])
                column = source_index(border, j * stride[1] + m * dilation[1] - before[1], pixels.shape[1])
                if row is not None and column is not None:
                    window.append(pixels[row, column, c])
                elif border == "constant":
                    window.append(fill[c])
        if not window:
            raise NoWeight
        window.sort(key=lambda v: (v != v, v))
        number = len(window) - 1 if percentile == 100 else int(len(window) * percentile / 100)
        result[i, j, c] = window[number]
    return result if image.ndim == 3 else result[..., 0]


def type_range(dtype) -> tuple[int, int]:
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return 0, 1


def round_half_up(value) -> int:
    return math.floor(Fraction(value) + HALF)


def sample(value, dtype):
    """One value as a sample: rounded half up and saturated; floats stay what they are."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(float(value))
    low, high = type_range(dtype)
    if isinstance(value, float) and math.isnan(value):
        return dtype.type(0)
    if isinstance(value, float) and math.isinf(value):
        return dtype.type(high if value > 0 else low)
    return dtype.type(min(max(round_half_up(value), low), high))


def finished(found: np.ndarray, dtype, policy="clip", colours: int | None = None) -> np.ndarray:
    """Values as samples, under a range policy; it concerns the first `colours` channels (default: all of them)."""
    dtype = np.dtype(dtype)
    colours = found.shape[-1] if colours is None else colours
    low, high = type_range(dtype)
    if policy == "abs":
        change = abs
    elif policy == "offset":
        middle = HALF if dtype.kind == "f" else Fraction(high + 1, 2) if dtype.kind == "u" else 0
        change = lambda v: v + type(v)(middle)  # noqa: E731
    elif policy == "stretch":
        coloured = found[..., :colours].ravel().tolist()
        least, most = min(coloured), max(coloured)
        scale = Fraction(high - low) / (Fraction(most) - Fraction(least)) if most > least else 0
        change = lambda v: (Fraction(v) - Fraction(least)) * scale + low  # noqa: E731
    else:
        change = lambda v: v  # noqa: E731
    result = np.empty(found.shape, dtype)
    for at in np.ndindex(found.shape):
        result[at] = sample(change(found[at]) if at[-1] < colours else found[at], dtype)
    return result


def window(image, border: str, row: int, column: int, top: int, left: int, bottom: int, right: int, fill=0.0):
    """Pixels (n, channels) around one, so many rows up and down and columns to both sides, and their distances (n, 2)."""
    found, places = [], []
    for i in range(-top, bottom + 1):
        for j in range(-left, right + 1):
            y, x = source_index(border, row + i, image.shape[0]), source_index(border, column + j, image.shape[1])
            if y is not None and x is not None:
                found.append(image[y, x])
            elif border == "constant":
                found.append(np.full(image.shape[2], fill))
            else:
                continue
            places.append((i, j))
    return np.array(found), np.array(places)


def bilateral(image, sigma, sigma_range, radius, border="reflect", fill=0.0) -> np.ndarray:
    """The bilateral filter of an image (rows, columns, channels) over a round window, float64."""
    image = np.asarray(image, np.float64)
    result = np.empty(image.shape)
    for y, x in np.ndindex(image.shape[:2]):
        pixels, places = window(image, border, y, x, radius, radius, radius, radius, fill)
        distance = (places**2).sum(axis=1)
        inside = distance <= radius**2
        unlike = ((pixels - image[y, x]) ** 2).sum(axis=1)
        weights = np.exp(-distance / (2 * sigma**2)) * np.exp(-unlike / (2 * sigma_range**2)) * inside
        result[y, x] = (weights[:, None] * (pixels - image[y, x])).sum(axis=0) / weights.sum() + image[y, x]
    return result


def deviation(image, size, border="reflect", fill=0.0) -> np.ndarray:
    """The population's standard deviation over a box of an image (rows, columns, channels), float64."""
    image = np.asarray(image, np.float64)
    result = np.empty(image.shape)
    for y, x in np.ndindex(image.shape[:2]):
        before = [n // 2 for n in size]
        after = [n - 1 - b for n, b in zip(size, before, strict=True)]
        result[y, x] = window(image, border, y, x, *before, *after, fill)[0].std(axis=0)
    return result


def correlate(image, weights, *, dtype=None, policy="clip", **options) -> np.ndarray:
    """The result as an array of the image's kind: (rows, columns) or (rows, columns, channels)."""
    image = np.asarray(image)
    found = values(image, weights, **options)
    colours = found.shape[-1] - (options.get("alpha") in ("keep", "weight"))
    result = finished(found, image.dtype if dtype is None else dtype, policy, colours)
    return result if image.ndim == 3 else result[..., 0]


def convolve(image, weights, **options) -> np.ndarray:
    return correlate(image, weights, convolve=True, **options)
