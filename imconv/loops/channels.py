"""Convolution layers: sums over many channels, and sums of each channel alone.

Pictures lie channel by channel within a pixel, so what a tap reads is a run of channels, and neighbouring taps of a row
are one longer run. Vectors go along the channels of the result: six pixels at once share every vector of weights, each
multiplied by one sample of each. Every sum runs over rows, columns and channels of the kernel in this order.
"""

from numba.extending import register_jitable

from .lanewise import fma, maximum, minimum
from .vector import lanes, level, load, short_zeros, spread, store, store_some, zeros

PIXELS = 6


def sum_channels(src, shift, sums, out, first, last, bases, pieces, parts, panels, weights, bias, bounds):
    """Panels `first` up to `last` of the pixels `out`, (pixels, channels), from all channels of a source.

    src : (1, samples)
    bases : (pixels, rounded up to PIXELS)   where in the source each pixel's window begins, less `shift`
    pieces : (n, 2)      runs of samples in a window: where they begin in it, and how long they are
    parts : (m, 3)       pieces visited together: the first, the one behind the last, the samples before them
    panels : (n, 6)      channels of the result: where the window begins for them, the first and the number of channels,
                         how many weights lie side by side, and where weights and bias begin
    weights : (1, n)     for each panel a row of weights for every sample of a window
    bias : (1, n)        as long as a row for each panel
    bounds : (2,)        what the results are clamped to, least and most; a NaN stays
    sums : (pixels, width)   what the parts have summed so far, pixels rounded up as in `bases`, if there are several
    """
    for panel in range(first, last):
        if panels[panel, 3] < lanes(zeros(bounds[0])):
            _sum_panel(short_zeros(bounds[0]), src, shift, sums, out, bases, pieces, parts, panels, panel, weights, bias, bounds)  # fmt: skip
        else:
            _sum_panel(zeros(bounds[0]), src, shift, sums, out, bases, pieces, parts, panels, panel, weights, bias, bounds)  # fmt: skip


@register_jitable
def _sum_panel(zero, src, shift, sums, out, bases, pieces, parts, panels, panel, weights, bias, bounds):
    offset, column, columns = panels[panel, 0], panels[panel, 1], panels[panel, 2]
    width, top, place = panels[panel, 3], panels[panel, 4], panels[panel, 5]
    x = 0
    while x < columns:
        for part in range(parts.shape[0]):
            p = 0
            while p < out.shape[0]:
                if part == 0:
                    a = load(zero, bias, 0, place + x)
                    b, c, d, e, f = a, a, a, a, a
                else:
                    a, b = load(zero, sums, p, x), load(zero, sums, p + 1, x)
                    c, d = load(zero, sums, p + 2, x), load(zero, sums, p + 3, x)
                    e, f = load(zero, sums, p + 4, x), load(zero, sums, p + 5, x)
                row = top + parts[part, 2] * width + x
                for piece in range(parts[part, 0], parts[part, 1]):
                    start = shift + offset + pieces[piece, 0]
                    first, second = start + bases[p], start + bases[p + 1]
                    third, fourth = start + bases[p + 2], start + bases[p + 3]
                    fifth, sixth = start + bases[p + 4], start + bases[p + 5]
                    for i in range(pieces[piece, 1]):
                        weight = load(zero, weights, 0, row)
                        a = fma(spread(zero, src, 0, first + i), weight, a)
                        b = fma(spread(zero, src, 0, second + i), weight, b)
                        c = fma(spread(zero, src, 0, third + i), weight, c)
                        d = fma(spread(zero, src, 0, fourth + i), weight, d)
                        e = fma(spread(zero, src, 0, fifth + i), weight, e)
                        f = fma(spread(zero, src, 0, sixth + i), weight, f)
                        row += width
                if part < parts.shape[0] - 1:
                    store(sums, p, x, a)
                    store(sums, p + 1, x, b)
                    store(sums, p + 2, x, c)
                    store(sums, p + 3, x, d)
                    store(sums, p + 4, x, e)
                    store(sums, p + 5, x, f)
                else:
                    _store_six(a, b, c, d, e, f, bounds, out, p, column + x, columns - x)
                p += PIXELS
        x += lanes(zero)


def sum_taps(src, out, bases, taps, weights, bias, bounds):
    """The pixels `out`, (pixels, channels), each channel from the same channel of a source.

    src : (1, samples)           with room for a vector behind what is read
    bases : (pixels, rounded up to PIXELS)   where in the source each pixel's window begins
    taps : (n,)                  and each tap in it
    weights, bias : (n, width), (1, width)   with room for a vector behind the channels
    """
    x = 0
    while x < out.shape[1]:
        if out.shape[1] - x > 2 * lanes(short_zeros(bounds[0])):
            _sum_taps_at(zeros(bounds[0]), src, x, out, bases, taps, weights, bias, bounds)
            x += lanes(zeros(bounds[0]))
        else:
            _sum_taps_at(short_zeros(bounds[0]), src, x, out, bases, taps, weights, bias, bounds)
            x += lanes(short_zeros(bounds[0]))


@register_jitable
def _sum_taps_at(zero, src, x, out, bases, taps, weights, bias, bounds):
    p = 0
    while p < out.shape[0]:
        a = load(zero, bias, 0, x)
        b, c, d, e, f = a, a, a, a, a
        for t in range(taps.size):
            weight, start = load(zero, weights, t, x), taps[t] + x
            a = fma(load(zero, src, 0, start + bases[p]), weight, a)
            b = fma(load(zero, src, 0, start + bases[p + 1]), weight, b)
            c = fma(load(zero, src, 0, start + bases[p + 2]), weight, c)
            d = fma(load(zero, src, 0, start + bases[p + 3]), weight, d)
            e = fma(load(zero, src, 0, start + bases[p + 4]), weight, e)
            f = fma(load(zero, src, 0, start + bases[p + 5]), weight, f)
        _store_six(a, b, c, d, e, f, bounds, out, p, x, out.shape[1] - x)
        p += PIXELS


@register_jitable
def _store_six(a, b, c, d, e, f, bounds, out, p, x, count):
    """Clamp the sums of six pixels, and write those that there are, as many channels as there are."""
    _store_clamped(a, bounds, out, p, x, count)
    if p + 1 < out.shape[0]:
        _store_clamped(b, bounds, out, p + 1, x, count)
    if p + 2 < out.shape[0]:
        _store_clamped(c, bounds, out, p + 2, x, count)
    if p + 3 < out.shape[0]:
        _store_clamped(d, bounds, out, p + 3, x, count)
    if p + 4 < out.shape[0]:
        _store_clamped(e, bounds, out, p + 4, x, count)
    if p + 5 < out.shape[0]:
        _store_clamped(f, bounds, out, p + 5, x, count)


@register_jitable
def _store_clamped(total, bounds, out, p, x, count):
    total = maximum(level(total, bounds[0]), total)  # the second is taken where one is NaN
    total = minimum(level(total, bounds[1]), total)
    if count >= lanes(total):
        store(out, p, x, total)
    else:
        store_some(out, p, x, total, count)
