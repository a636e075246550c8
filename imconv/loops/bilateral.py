"""Means over a window, weighted by distance and by likeness to the pixel in its middle.

The rows that windows reach are held as lines of floats, one for each channel, so that a vector is as many pixels side by
side. Both weights are one power of 2: their logarithms are added. What is summed is the difference to the middle pixel,
which costs nothing and leaves flat areas exactly as they are; each row of a window by itself, so that sums stay short.
"""

import numpy as np
from numba.extending import register_jitable

from .lanewise import exp2, fma, maximum, minimum
from .several import each, load_each, through
from .vector import broadcast, lanes, load, store, zeros


def smooth_alike(
    src, samples, channels, rows, columns, lead, fill, first, out, bias, top, reaches, spatial, steepness, lowest,
    lines, held, sums, results,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result.

    src : (rows, samples)     interleaved channels, 1 to 4
    rows, columns             the source row and column behind each padded one, -1 for a column of `fill`
    lead                      padded columns before the picture's own
    fill : (channels,)        what is outside the picture
    bias, top                 integers are the whole part of value + bias, saturated to 0..top; floats (top < 0) are stored
    reaches : (taps,)         how far each row of the window reaches to both sides
    spatial : (taps, taps)    logarithms to base 2 of the weights by distance
    steepness                 the logarithm of the weight by likeness, divided by the squared difference
    lowest                    logarithms below this are raised to it
    lines : (taps * planes, n)  padded rows; `planes` is 1, 3 or 4
    held : (taps,)            which padded row is in which lines
    sums : (planes + 1, lanes)  of a window: weights, and weighted differences
    results : (planes, n)
    """
    taps = reaches.size
    pixels = samples // channels
    planes = results.shape[0]
    for i in range(taps):
        held[i] = -1
    for y in range(out.shape[0]):
        for k in range(taps):
            q = first + y + k
            slot = q % taps
            if held[slot] != q:
                held[slot] = q
                _load_planes(src, rows[q], lines, slot * planes, columns, lead, channels, pixels, fill)
        for x in range(0, pixels, lanes(zeros(bias))):
            if planes == 1:
                _grey(lines, first + y, x, lead, reaches, spatial, steepness, lowest, sums, results)
            elif planes == 3:
                _rgb(lines, first + y, x, lead, reaches, spatial, steepness, lowest, sums, results)
            else:
                _four(lines, first + y, x, lead, reaches, spatial, steepness, lowest, sums, results)
        _store_row(results, out, y, channels, pixels, bias, top)


@register_jitable
def _load_planes(src, row, lines, at, columns, lead, channels, pixels, fill):
    for c in range(channels):
        for x in range(pixels):
            lines[at + c, lead + x] = src[row, x * channels + c]
        for j in range(columns.size):
            if j < lead or j >= lead + pixels:
                if columns[j] >= 0:
                    lines[at + c, j] = src[row, columns[j] * channels + c]
                else:
                    lines[at + c, j] = fill[c]


@register_jitable
def _store_row(results, out, y, channels, pixels, bias, top):
    if channels == 1:
        zero = zeros(bias)
        for begin in range(0, out.shape[1], lanes(zero)):
            x = min(begin, out.shape[1] - lanes(zero))
            value = load(zero, results, 0, x)
            if top >= 0:
                value = minimum(value + broadcast(bias), broadcast(top))
            store(out, y, x, value)
        return
    for c in range(channels):
        for x in range(pixels):
            value = results[c, x]
            out[y, x * channels + c] = value if top < 0 else min(np.floor(value + bias), top)


@each
def _nothing(plane, zero):
    return zero


@each
def _difference(like, lines, line, plane, x, middle):
    return load(like, lines, line + plane, x) - middle


@through
def _add_square(total, difference):
    return fma(difference, difference, total)


@each
def _add_product(total, weight, difference):
    return fma(weight, difference, total)


@each
def _gather(sums, plane, total):
    store(sums, 1 + plane, 0, load(total, sums, 1 + plane, 0) + total)


@each
def _mean(results, plane, x, middle, sums, weights):
    store(results, plane, x, middle + load(middle, sums, 1 + plane, 0) / weights)


def _smoothing(planes):
    """What smooths a vector of pixels of so many planes: a function of its own, so that each plane has its register."""
    numbers = tuple(range(planes))

    @register_jitable
    def smooth(lines, y, x, lead, reaches, spatial, steepness, lowest, sums, results):
        zero, steep, least = zeros(steepness), broadcast(steepness), broadcast(lowest)
        taps = reaches.size
        radius = taps // 2
        middle = load_each(zero, lines, (y + radius) % taps * planes, numbers, lead + x)
        for i in range(planes + 1):
            store(sums, i, 0, zero)
        for k in range(taps):
            line = (y + k) % taps * planes
            weights, totals = zero, _nothing(numbers, zero)
            for m in range(radius - reaches[k], radius + reaches[k] + 1):
                differences = _difference(zero, lines, line, numbers, x + m, middle)
                square = _add_square(differences[0] * differences[0], differences[1:])
                weight = exp2(maximum(least, fma(square, steep, broadcast(spatial[k, m]))))
                weights = weights + weight
                totals = _add_product(totals, weight, differences)
            store(sums, 0, 0, load(zero, sums, 0, 0) + weights)
            _gather(sums, numbers, totals)
        _mean(results, numbers, x, middle, sums, load(zero, sums, 0, 0))

    return smooth


_grey, _rgb, _four = _smoothing(1), _smoothing(3), _smoothing(4)
