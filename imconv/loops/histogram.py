"""Any rank of a rectangle of bytes, in a time that does not depend on its size.

A histogram of each column follows the window down, one of the window follows it along the row, by adding the column that
comes and subtracting the one that goes (Perreault and Hebert, Median filtering in constant time, 2007). Bins are
cumulative, 16 coarse ones of 16 levels and 16 fine ones for each: those are one vector, and the bin that holds a rank is
how many of them count no more samples than the rank. Of the fine ones only the 16 that are wanted are followed, when
they are wanted.
"""

from numba import int64, uint64
from numba.extending import register_jitable

from .lanewise import count_less
from .vector import filled, load, sixteen, store

BINS = 16
COLUMN = BINS * BINS  # a column's fine bins
COARSE, FINE = 240, 15  # bits of a sample: 16 times its coarse bin, and its place among the fine ones


def select(block, height, width, channels, rank, strip, steps, out, coarse, fine, parts, known, windows, held):
    """Fill `out` (rows, samples) from `block` (rows + height - 1, samples + (width - 1) * channels).

    height, width           of the window, whose samples bins of its type count, and its rows and one more a column's
    rank                    how many samples of the window come before the wanted one
    strip                   samples of a row whose columns' histograms are held at a time, whole pixels
    steps : (1, 256)        sixteen times sixteen: 0 before place n, 1 from there on
    coarse : (1, n * 16)    } the columns' bins, for strip + (width - 1) * channels samples
    fine : (1, n * 256)     }
    parts : (1, 256)        the window's fine bins, for each coarse one
    known : (16,)           for which pixel of the row each sixteen of `parts` hold
    windows : (1, n * 16)   the window's coarse bins for each pixel of a row, strip / channels of them
    held : (strip,)         sixteen times which of them holds the result
    """
    start = 0
    while start < out.shape[1]:
        samples = min(strip, out.shape[1] - start)
        columns = samples + (width - 1) * channels
        _clear(coarse, columns * BINS)
        _clear(fine, columns * COLUMN)
        for y in range(height):
            for x in range(columns):
                _enter(coarse, fine, x, int64(block[y, uint64(start + x)]), steps)
        for y in range(out.shape[0]):
            if y > 0:
                for x in range(columns):
                    comes = int64(block[y + height - 1, uint64(start + x)])
                    _exchange(coarse, fine, x, comes, int64(block[y - 1, uint64(start + x)]), steps)
            for c in range(channels):
                pixels = samples // channels
                _follow(coarse, fine, c, pixels, width, channels, rank, out, y, start, parts, known, windows, held)
        start += strip


@register_jitable
def _clear(bins, count):
    for x in range(0, count, BINS):
        store(bins, 0, x, sixteen(bins[0, 0]))


@register_jitable
def _enter(coarse, fine, x, value, steps):
    bins = sixteen(coarse[0, 0])
    at = x * BINS
    store(coarse, 0, at, load(bins, coarse, 0, at) + load(bins, steps, 0, value & COARSE))
    at = x * COLUMN + (value & COARSE)
    store(fine, 0, at, load(bins, fine, 0, at) + load(bins, steps, 0, (value & FINE) * BINS))


@register_jitable
def _exchange(coarse, fine, x, comes, goes, steps):
    bins = sixteen(coarse[0, 0])
    more, less, at = comes & COARSE, goes & COARSE, x * BINS
    store(coarse, 0, at, load(bins, coarse, 0, at) + load(bins, steps, 0, more) - load(bins, steps, 0, less))
    at = x * COLUMN + more
    store(fine, 0, at, load(bins, fine, 0, at) + load(bins, steps, 0, (comes & FINE) * BINS))
    at = x * COLUMN + less
    store(fine, 0, at, load(bins, fine, 0, at) - load(bins, steps, 0, (goes & FINE) * BINS))


@register_jitable
def _follow(coarse, fine, c, pixels, width, channels, rank, out, y, start, parts, known, windows, held):
    """Row y of `out` from sample `start` on, channel c."""
    _find_parts(coarse, c, pixels, width, channels, rank, windows, held)
    for part in range(BINS):
        known[part] = -width
    pitch = channels * COLUMN
    after = width * pitch
    i = 0
    while i < pixels:
        part = held[i]
        first = c * COLUMN + part
        valid = known[uint64(part // BINS)]
        bins = sixteen(windows[0, 0])
        at = first + i * pitch
        if 2 * (i - valid) < width:
            bins = load(bins, parts, 0, part)
            for j in range(valid - i, 0):
                bins = bins - load(bins, fine, 0, at + j * pitch) + load(bins, fine, 0, at + after + j * pitch)
        else:
            for j in range(width):
                bins = bins + load(bins, fine, 0, at + j * pitch)
        while True:
            before = int64(windows[0, uint64(i * BINS + part // BINS - 1)]) if part > 0 else 0
            out[y, uint64(start + c + i * channels)] = part + count_less(bins, filled(bins, rank + 1 - before))
            if i + 1 == pixels or held[uint64(i + 1)] != part:
                break
            bins = bins - load(bins, fine, 0, at) + load(bins, fine, 0, at + after)
            at += pitch
            i += 1
        known[uint64(part // BINS)] = i
        store(parts, 0, part, bins)
        i += 1


@register_jitable
def _find_parts(coarse, c, pixels, width, channels, rank, windows, held):
    """The window's coarse bins for each pixel of a row, and which of them holds the result."""
    window = sixteen(windows[0, 0])
    wanted = filled(window, rank + 1)
    step = channels * BINS
    for j in range(width - 1):
        window = window + load(window, coarse, 0, c * BINS + j * step)
    goes, comes = c * BINS, c * BINS + (width - 1) * step
    for i in range(pixels):
        window = window + load(window, coarse, 0, comes)
        store(windows, 0, i * BINS, window)
        held[uint64(i)] = BINS * count_less(window, wanted)
        window = window - load(window, coarse, 0, goes)
        goes += step
        comes += step
