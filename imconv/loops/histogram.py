"""Any rank of a rectangle of bytes, in a time that does not depend on its size.

A histogram of each column follows the window down, one of the window follows it along the row, by adding the column that
comes and subtracting the one that goes (Perreault and Hebert, Median filtering in constant time, 2007). Bins are
cumulative, 16 coarse ones of 16 levels and 16 fine ones for each: those are one vector, and the bin that holds a rank is
how many of them count no more samples than the rank. Of the fine ones only the 16 that are wanted are followed, when
they are wanted.
"""

from numba import int64
from numba.extending import register_jitable

from .vector import count_less, filled, load, sixteen, store

BINS = 16


def select(block, height, width, channels, rank, strip, steps, out, coarse, fine, parts, known, windows, held):
    """Fill `out` (rows, samples) from `block` (rows + height - 1, samples + (width - 1) * channels).

    height, width           of the window, whose samples bins of its type count, and its rows and one more a column's
    rank                    how many samples of the window come before the wanted one
    strip                   samples of a row whose columns' histograms are held at a time, whole pixels
    steps : (16, 16)        row n: 0 before place n, 1 from there on
    coarse : (n, 16)        } the columns' bins, for strip + (width - 1) * channels samples
    fine : (n * 16, 16)     }
    parts : (16, 16)        the window's fine bins, for each coarse one
    known : (16,)           for which pixel of the row each row of `parts` holds
    windows : (strip, 16)   the window's coarse bins for each pixel of a row
    held : (strip,)         which of them holds the result
    """
    start = 0
    while start < out.shape[1]:
        samples = min(strip, out.shape[1] - start)
        columns = samples + (width - 1) * channels
        _clear(coarse, columns)
        _clear(fine, columns * BINS)
        for y in range(height):
            for x in range(columns):
                _enter(coarse, fine, x, block[y, start + x], steps)
        for y in range(out.shape[0]):
            if y > 0:
                for x in range(columns):
                    _exchange(coarse, fine, x, block[y + height - 1, start + x], block[y - 1, start + x], steps)
            for c in range(channels):
                pixels = samples // channels
                _follow(coarse, fine, c, pixels, width, channels, rank, out, y, start, parts, known, windows, held)
        start += strip


@register_jitable
def _clear(bins, rows):
    for x in range(rows):
        store(bins, x, 0, sixteen(bins[0, 0]))


@register_jitable
def _enter(coarse, fine, x, value, steps):
    bins = sixteen(coarse[0, 0])
    part, level = int64(value) >> 4, int64(value) & 15
    store(coarse, x, 0, load(bins, coarse, x, 0) + load(bins, steps, part, 0))
    row = x * BINS + part
    store(fine, row, 0, load(bins, fine, row, 0) + load(bins, steps, level, 0))


@register_jitable
def _exchange(coarse, fine, x, comes, goes, steps):
    bins = sixteen(coarse[0, 0])
    more, less = int64(comes) >> 4, int64(goes) >> 4
    store(coarse, x, 0, load(bins, coarse, x, 0) + load(bins, steps, more, 0) - load(bins, steps, less, 0))
    row = x * BINS + more
    store(fine, row, 0, load(bins, fine, row, 0) + load(bins, steps, int64(comes) & 15, 0))
    row = x * BINS + less
    store(fine, row, 0, load(bins, fine, row, 0) - load(bins, steps, int64(goes) & 15, 0))


@register_jitable
def _follow(coarse, fine, c, pixels, width, channels, rank, out, y, start, parts, known, windows, held):
    """Row y of `out` from sample `start` on, channel c."""
    _find_parts(coarse, c, pixels, width, channels, rank, windows, held)
    for part in range(BINS):
        known[part] = -width
    after = width * channels * BINS
    i = 0
    while i < pixels:
        part = held[i]
        bins = sixteen(windows[0, 0])
        if 2 * (i - known[part]) < width:
            bins = load(bins, parts, part, 0)
            for j in range(known[part], i):
                row = (c + j * channels) * BINS + part
                bins = bins - load(bins, fine, row, 0) + load(bins, fine, row + after, 0)
        else:
            for j in range(i, i + width):
                bins = bins + load(bins, fine, (c + j * channels) * BINS + part, 0)
        while True:
            before = int64(windows[i, part - 1]) if part > 0 else 0
            out[y, start + c + i * channels] = BINS * part + count_less(bins, filled(bins, rank + 1 - before))
            if i + 1 == pixels or held[i + 1] != part:
                break
            row = (c + i * channels) * BINS + part
            bins = bins - load(bins, fine, row, 0) + load(bins, fine, row + after, 0)
            i += 1
        known[part] = i
        store(parts, part, 0, bins)
        i += 1


@register_jitable
def _find_parts(coarse, c, pixels, width, channels, rank, windows, held):
    """The window's coarse bins for each pixel of a row, and which of them holds the result."""
    window = sixteen(windows[0, 0])
    wanted = filled(window, rank + 1)
    for i in range(width - 1):
        window = window + load(window, coarse, c + i * channels, 0)
    for i in range(pixels):
        x = c + i * channels
        window = window + load(window, coarse, x + (width - 1) * channels, 0)
        store(windows, i, 0, window)
        held[i] = count_less(window, wanted)
        window = window - load(window, coarse, x, 0)
