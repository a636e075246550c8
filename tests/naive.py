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
    alpha : "none", "separate", "weight", "keep" or "unweighted"; the last channel is alpha
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
    if alpha in ("weight", "keep") and gain == 0:
        alpha = "unweighted"
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
            if alpha in ("weight", "keep"):
                coverage = total([h * f[-1] for h, f, _ in window], exact)
                result[i, j, -1] = coverage * share
                for c in range(channels - 1):
                    if coverage > 0:
                        weighted = total([h * f[-1] * f[c] for h, f, _ in window], exact)
                        result[i, j, c] = gain * weighted / coverage + offset
            if alpha in ("keep", "unweighted"):
                result[i, j, -1] = pixel(i, j, *anchor)[0][-1]
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


def without_nodata(
    image,
    nodata,
    size,
    result,
    *,
    border="reflect",
    fill=0,
    pad="same",
    stride=(1, 1),
    dilation=(1, 1),
    anchor=None,
    stays=True,
    alpha=False,
    ceil=False,
) -> np.ndarray:
    """Results of windows without their no-data samples: an object array (rows, columns, channels), `nodata` where there is none.

    result : a function of the samples that are there, as (k, m, sample, the pixel's alpha), and of the channel
    stays : whether a no-data sample is no-data in the result, too, if that has the picture's size
    alpha : whether the last channel is alpha, of which all samples are data
    border : "none" for pooling, which has no samples outside
    """
    image = np.asarray(image)
    pixels = image if image.ndim == 3 else image[..., None]
    anchor = (size[0] // 2, size[1] // 2) if anchor is None else anchor
    axes = list(zip(pixels.shape, size, anchor, both_axes(pad), stride, dilation, strict=False))
    shape = [output_size(*axis) for axis in axes]
    if ceil:
        shape = [pooled_size(n, t, s, p[0], d, True) for n, t, _, p, s, d in axes]
    if min(shape) < 1:
        raise NoOutput
    before = [axis_padding(n, t, a, p, d)[0] for n, t, a, p, _, d in axes]
    channels = pixels.shape[2]
    fill = list(fill) if isinstance(fill, (list, tuple)) else [fill] * channels
    found = np.empty((*shape, channels), object)
    is_nodata = (lambda v: v != v) if nodata != nodata else (lambda v: v == nodata)
    for i, j, c in np.ndindex(found.shape):
        there, hidden = [], 0
        for k, m in np.ndindex(size):
            y, x = i * stride[0] + k * dilation[0] - before[0], j * stride[1] + m * dilation[1] - before[1]
            mode = "constant" if border == "none" else border
            row, column = source_index(mode, y, pixels.shape[0]), source_index(mode, x, pixels.shape[1])
            if row is not None and column is not None:
                pixel = pixels[row, column]
                if not (alpha and c == channels - 1) and is_nodata(pixel[c]):
                    hidden += result(None, c) is None or result(None, c)[k][m]
                else:
                    there.append((k, m, pixel[c].item(), pixel[-1].item()))
            elif border == "constant":
                there.append((k, m, fill[c], fill[-1]))
        cells = result(None, c)
        there = [each for each in there if cells is None or cells[each[0]][each[1]]]
        own = stays and pad == "same" and stride == (1, 1) and not (alpha and c == channels - 1)
        if (own and is_nodata(pixels[i, j, c])) or (hidden and not there):
            found[i, j, c] = nodata
        else:
            found[i, j, c] = result(there, c)
    return found


def mean_of(weights, whole: bool):
    """For `without_nodata`: `sum(h) * sum'(h f) / sum'(h)`, exact for whole numbers and fractions."""
    number = Fraction if whole else float

    def result(there, channel):
        if there is None:
            return [[h != 0 for h in row] for row in weights]
        gain = total([number(h) for row in weights for h in row], whole)
        share = total([number(weights[k][m]) for k, m, _, _ in there], whole)
        return gain * total([number(weights[k][m]) * number(f) for k, m, f, _ in there], whole) / share

    return result


def rank_among(cells, percentile):
    """For `without_nodata`: the sample that `percentile` percent of those that are there come before, NaN last."""

    def result(there, channel):
        if there is None:
            return cells
        ordered = sorted((f for _, _, f, _ in there), key=lambda v: (v != v, v))
        return ordered[len(ordered) - 1 if percentile == 100 else int(len(ordered) * percentile / 100)]

    return result


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
    colours = found.shape[-1] - (options.get("alpha") in ("weight", "keep", "unweighted"))
    result = finished(found, image.dtype if dtype is None else dtype, policy, colours)
    return result if image.ndim == 3 else result[..., 0]


def convolve(image, weights, **options) -> np.ndarray:
    return correlate(image, weights, convolve=True, **options)


# --- pooling ---
def pooled_size(size: int, taps: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    spare = size + 2 * padding - (dilation * (taps - 1) + 1)
    out = (math.ceil if ceil else math.floor)(Fraction(spare, stride)) + 1
    return out - 1 if ceil and (out - 1) * stride >= size + padding else out


def root(square, whole: bool):
    """The square root; where it is to be rounded to a whole number, what exactly rounds to the same."""
    if not whole:
        return math.sqrt(square)
    return Fraction(math.isqrt(4 * square.numerator // square.denominator), 2)  # half of floor(2 root)


def pooled_values(
    image, op, size, stride, padding=(0, 0), dilation=(1, 1), *, ceil=False, include_pad=True, where=None, alpha="none",
    whole=True,
):  # fmt: skip
    """What `pool` gives before the range policy: an object array (rows, columns, channels).

    where : what is counted, a function of a sample
    whole : whether roots are to be rounded to whole numbers
    """
    image = np.asarray(image)
    pixels = image if image.ndim == 3 else image[..., None]
    exact = image.dtype.kind in "biu"
    number = Fraction if exact else float
    low, high = type_range(image.dtype) if exact else (-math.inf, math.inf)
    opaque = number(type_range(image.dtype)[1])
    shape = [pooled_size(n, k, s, p, d, ceil)
             for n, k, s, p, d in zip(pixels.shape, size, stride, padding, dilation, strict=False)]  # fmt: skip
    if min(shape) < 1:
        raise NoOutput

    def one(samples: list, beyond: int, op: str):
        """One channel of one window; `beyond` of its cells are padding."""
        n = len(samples)
        if any(v != v for v in samples) and op != "count":
            return math.nan
        if op == "max":
            return max(samples, default=low)
        if op == "min":
            return min(samples, default=high)
        if op == "count":
            return number(sum(1 for v in samples if where(v)))
        if n == 0:
            return number(0)
        if op == "sum":
            return total(samples, exact)
        if op == "avg":
            return total(samples, exact) / (n + (beyond if include_pad else 0))
        if op == "range":
            return max(samples) - min(samples)
        if op == "median":
            ordered = sorted(samples)
            return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        if op == "l2":
            return root(total([v * v for v in samples], exact), whole)
        mean = total(samples, exact) / n
        return root(total([(v - mean) ** 2 for v in samples], exact) / n, whole)

    where = where or (lambda v: v != 0)
    result = np.empty((*shape, pixels.shape[2]), object)
    for i, j in np.ndindex(*shape):
        window, beyond = [], 0
        for k, m in np.ndindex(*size):
            y, x = (
                at * s - p + t * d for at, s, p, t, d in zip((i, j), stride, padding, (k, m), dilation, strict=True)
            )
            if 0 <= y < pixels.shape[0] and 0 <= x < pixels.shape[1]:
                window.append([number(v) for v in pixels[y, x].tolist()])
            elif all(-p <= at < n + p for at, n, p in zip((y, x), pixels.shape, padding, strict=False)):
                beyond += 1
        for c in range(pixels.shape[2]):
            result[i, j, c] = one([f[c] for f in window], beyond, op)
        if alpha in ("none", "separate") or (alpha == "weight" and op in ("max", "min", "median")):
            continue
        covers = [f[-1] for f in window]
        result[i, j, -1] = total(covers, exact) / max(len(covers), 1)
        if alpha in ("weight", "keep") and op in ("avg", "sum"):
            # padding that is counted is black and opaque
            n, pad = (len(covers) + beyond, beyond * opaque) if op == "avg" and include_pad else (len(covers), 0)
            cover = total([*covers, pad], exact)
            if alpha == "weight":
                result[i, j, -1] = cover / max(n, 1) if op == "avg" else cover
            for c in range(pixels.shape[2] - 1):
                if cover > 0:
                    weighted = total([f[-1] * f[c] for f in window], exact)
                    result[i, j, c] = weighted / cover * (1 if op == "avg" else n)
    return result


def pool(image, op, size, stride, padding=(0, 0), dilation=(1, 1), *, dtype=None, policy="clip", **how) -> np.ndarray:
    """The result as an array of the image's kind: (rows, columns) or (rows, columns, channels)."""
    image = np.asarray(image)
    dtype = np.dtype(image.dtype if dtype is None else dtype)
    found = pooled_values(image, op, size, stride, padding, dilation, whole=dtype.kind != "f", **how)
    alpha = how.get("alpha", "none")
    alike = alpha in ("none", "separate") or (alpha == "weight" and op in ("max", "min", "median"))
    colours = found.shape[-1] - (not alike)
    result = finished(found, dtype, policy, colours)
    return result if image.ndim == 3 else result[..., 0]


def conv_layer(image, weights, bias, stride, padding, dilation, groups) -> np.ndarray:
    """A convolution layer (H, W, D) -> (rows, columns, N) by its formula, in float64; weights (N, D / groups, K, L).

    stride and dilation are pairs, padding (top, bottom, left, right) of zeros.
    """
    height, width, _ = image.shape
    count, depth, *taps = weights.shape
    top, bottom, left, right = padding
    sizes = [height + top + bottom, width + left + right]
    shape = [(sizes[i] - dilation[i] * (taps[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    if min(shape) < 1:
        raise NoOutput
    out = np.zeros((*shape, count))
    for i in range(shape[0]):
        for j in range(shape[1]):
            for n in range(count):
                first = n // (count // groups) * depth
                total = float(bias[n])
                for k in range(taps[0]):
                    for m in range(taps[1]):
                        y, x = i * stride[0] + k * dilation[0] - top, j * stride[1] + m * dilation[1] - left
                        if 0 <= y < height and 0 <= x < width:
                            samples = image[y, x, first : first + depth].astype(np.float64)
                            total += float(samples @ weights[n, :, k, m].astype(np.float64))
                out[i, j, n] = total
    return out
