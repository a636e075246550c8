"""Convolution layers: sums over many channels, and sums of each channel alone.

Pictures lie channel by channel within a pixel, so what a tap reads is a run of channels, and neighbouring taps of a row
are one longer run. Vectors go along the channels of the result: six pixels at once share every vector of weights, each
multiplied by one sample of each. Every sum runs over rows, columns and channels of the kernel in this order.
"""

from numba.extending import register_jitable

from .lanewise import fma, maximum, minimum
from .several import each, load_each, store_each
from .vector import lanes, level, load, short_zeros, spread, store, store_some, zeros

PIXELS = 6
NUMBERS = tuple(range(PIXELS))


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
    for x in range(0, columns, lanes(zero)):
        for part in range(parts.shape[0]):
            for p in range(0, out.shape[0], PIXELS):
                if part == 0:
                    a = load(zero, bias, 0, place + x)
                    totals = (a, a, a, a, a, a)
                else:
                    totals = load_each(zero, sums, p, NUMBERS, x)
                row = top + parts[part, 2] * width + x
                for piece in range(parts[part, 0], parts[part, 1]):
                    starts = _starts(bases, p, NUMBERS, shift + offset + pieces[piece, 0])
                    for i in range(pieces[piece, 1]):
                        totals = _add_sample(totals, src, starts, i, load(zero, weights, 0, row))
                        row += width
                if part < parts.shape[0] - 1:
                    store_each(totals, sums, p, NUMBERS, x)
                else:
                    _store_clamped(totals, bounds, out, p, NUMBERS, column + x, columns - x)


@each
def _starts(bases, p, number, offset):
    return offset + bases[p + number]


@each
def _add_sample(total, src, start, i, weight):
    return fma(spread(total, src, 0, start + i), weight, total)


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
    for p in range(0, out.shape[0], PIXELS):
        a = load(zero, bias, 0, x)
        totals = (a, a, a, a, a, a)
        for t in range(taps.size):
            starts = _starts(bases, p, NUMBERS, taps[t] + x)
            totals = _add_vector(totals, src, starts, load(zero, weights, t, x))
        _store_clamped(totals, bounds, out, p, NUMBERS, x, out.shape[1] - x)


@each
def _add_vector(total, src, start, weight):
    return fma(load(total, src, 0, start), weight, total)


@each
def _store_clamped(total, bounds, out, p, number, x, count):
    """Clamp the sums of six pixels, and write those that there are, as many channels as there are."""
    if p + number < out.shape[0]:
        total = maximum(level(total, bounds[0]), total)  # the second is taken where one is NaN
        total = minimum(level(total, bounds[1]), total)
        if count >= lanes(total):
            store(out, p + number, x, total)
        else:
            store_some(out, p + number, x, total, count)
