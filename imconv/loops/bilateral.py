"""Means over a window, weighted by distance and by likeness to the pixel in its middle.

The rows that windows reach are held as lines of floats, one for each channel, so that a vector is as many pixels side by
side. Both weights are one power of 2: their logarithms are added. What is summed is the difference to the middle pixel,
which costs nothing and leaves flat areas exactly as they are; each row of a window by itself, so that sums stay short.
"""

import numpy as np
from numba.extending import register_jitable

from .lanewise import exp2, fma, maximum, minimum
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
        x = 0
        while x < out.shape[1]:
            x = min(x, out.shape[1] - lanes(zero))
            value = load(zero, results, 0, x)
            if top >= 0:
                value = minimum(value + broadcast(bias), broadcast(top))
            store(out, y, x, value)
            x += lanes(zero)
        return
    for c in range(channels):
        for x in range(pixels):
            value = results[c, x]
            out[y, x * channels + c] = value if top < 0 else min(np.floor(value + bias), top)


@register_jitable
def _grey(lines, y, x, lead, reaches, spatial, steepness, lowest, sums, results):
    zero, steep, least = zeros(steepness), broadcast(steepness), broadcast(lowest)
    taps = reaches.size
    radius = taps // 2
    middle = load(zero, lines, (y + radius) % taps, lead + x)
    store(sums, 0, 0, zero)
    store(sums, 1, 0, zero)
    for k in range(taps):
        line = (y + k) % taps
        weights, total = zero, zero
        for m in range(radius - reaches[k], radius + reaches[k] + 1):
            difference = load(zero, lines, line, x + m) - middle
            likeness = fma(difference * difference, steep, broadcast(spatial[k, m]))
            weight = exp2(maximum(least, likeness))
            weights = weights + weight
            total = fma(weight, difference, total)
        store(sums, 0, 0, load(zero, sums, 0, 0) + weights)
        store(sums, 1, 0, load(zero, sums, 1, 0) + total)
    store(results, 0, x, middle + load(zero, sums, 1, 0) / load(zero, sums, 0, 0))


@register_jitable
def _rgb(lines, y, x, lead, reaches, spatial, steepness, lowest, sums, results):
    zero, steep, least = zeros(steepness), broadcast(steepness), broadcast(lowest)
    taps = reaches.size
    radius = taps // 2
    own = (y + radius) % taps * 3
    a = load(zero, lines, own, lead + x)
    b = load(zero, lines, own + 1, lead + x)
    c = load(zero, lines, own + 2, lead + x)
    for i in range(4):
        store(sums, i, 0, zero)
    for k in range(taps):
        line = (y + k) % taps * 3
        weights, ta, tb, tc = zero, zero, zero, zero
        for m in range(radius - reaches[k], radius + reaches[k] + 1):
            da = load(zero, lines, line, x + m) - a
            db = load(zero, lines, line + 1, x + m) - b
            dc = load(zero, lines, line + 2, x + m) - c
            likeness = fma(fma(dc, dc, fma(db, db, da * da)), steep, broadcast(spatial[k, m]))
            weight = exp2(maximum(least, likeness))
            weights = weights + weight
            ta, tb, tc = fma(weight, da, ta), fma(weight, db, tb), fma(weight, dc, tc)
        store(sums, 0, 0, load(zero, sums, 0, 0) + weights)
        store(sums, 1, 0, load(zero, sums, 1, 0) + ta)
        store(sums, 2, 0, load(zero, sums, 2, 0) + tb)
        store(sums, 3, 0, load(zero, sums, 3, 0) + tc)
    weights = load(zero, sums, 0, 0)
    store(results, 0, x, a + load(zero, sums, 1, 0) / weights)
    store(results, 1, x, b + load(zero, sums, 2, 0) / weights)
    store(results, 2, x, c + load(zero, sums, 3, 0) / weights)


@register_jitable
def _four(lines, y, x, lead, reaches, spatial, steepness, lowest, sums, results):
    zero, steep, least = zeros(steepness), broadcast(steepness), broadcast(lowest)
    taps = reaches.size
    radius = taps // 2
    own = (y + radius) % taps * 4
    a = load(zero, lines, own, lead + x)
    b = load(zero, lines, own + 1, lead + x)
    c = load(zero, lines, own + 2, lead + x)
    d = load(zero, lines, own + 3, lead + x)
    for i in range(5):
        store(sums, i, 0, zero)
    for k in range(taps):
        line = (y + k) % taps * 4
        weights, ta, tb, tc, td = zero, zero, zero, zero, zero
        for m in range(radius - reaches[k], radius + reaches[k] + 1):
            da = load(zero, lines, line, x + m) - a
            db = load(zero, lines, line + 1, x + m) - b
            dc = load(zero, lines, line + 2, x + m) - c
            dd = load(zero, lines, line + 3, x + m) - d
            likeness = fma(fma(dd, dd, fma(dc, dc, fma(db, db, da * da))), steep, broadcast(spatial[k, m]))
            weight = exp2(maximum(least, likeness))
            weights = weights + weight
            ta, tb, tc, td = fma(weight, da, ta), fma(weight, db, tb), fma(weight, dc, tc), fma(weight, dd, td)
        store(sums, 0, 0, load(zero, sums, 0, 0) + weights)
        store(sums, 1, 0, load(zero, sums, 1, 0) + ta)
        store(sums, 2, 0, load(zero, sums, 2, 0) + tb)
        store(sums, 3, 0, load(zero, sums, 3, 0) + tc)
        store(sums, 4, 0, load(zero, sums, 4, 0) + td)
    weights = load(zero, sums, 0, 0)
    store(results, 0, x, a + load(zero, sums, 1, 0) / weights)
    store(results, 1, x, b + load(zero, sums, 2, 0) / weights)
    store(results, 2, x, c + load(zero, sums, 3, 0) / weights)
    store(results, 3, x, d + load(zero, sums, 4, 0) / weights)
