"""Medians of 3 x 3 and 5 x 5 pixels by sorting networks, extremes of low windows; a vector of windows at once.

Of 3 x 3 pixels everything stays in registers. Of 5 x 5, each column of the window is sorted once, for all windows that
have it; the margins are made from sorted columns: a column outside the picture is one inside. Samples are unsigned.
"""

from numba.extending import register_jitable

from .extremes import chosen, extreme_along
from .lanewise import maximum, minimum
from .line import pad_line
from .vector import lanes, load, register, store


def median_9(src, rows, first, columns, lead, channels, samples, fill, out, lines):
    """Fill `out` (rows, samples), rows `first`, `first + 1`, ... of the result.

    src : (rows, samples)    four vectors wide, or padded, with lead 0, and a vector wide
    rows : (n,)              the row of `src` behind each padded row
    columns : (n,)           the column behind each padded column, -1 for none
    lead                     the padded column where those of `src` begin, `samples` samples in each row
    fill : (channels,)       what stands where there is none
    lines : (3, n)           scratch, for five vectors
    """
    zero = register(src[0, 0])
    start = lead * channels
    last = min(out.shape[1], samples + start - 2 * channels) - lanes(zero)  # the last vector that needs no margin
    for y in range(out.shape[0]):
        a, b, c = rows[first + y], rows[first + y + 1], rows[first + y + 2]
        x = start
        while x < last + lanes(zero):
            x = min(x, last)
            store(out, y, x, _median_of_rows(src, a, b, c, x - start, channels))
            x += lanes(zero)
        if start > 0:
            for k in range(3):
                _begin_line(src, rows[first + y + k], columns, lead, channels, fill, lines, k)
            store(out, y, 0, _median_of_rows(lines, 0, 1, 2, 0, channels))
        if last + lanes(zero) < out.shape[1]:
            end = out.shape[1] - lanes(zero)
            for k in range(3):
                at = _end_line(src, rows[first + y + k], columns, lead, channels, samples, fill, lines, k)
            store(out, y, end, _median_of_rows(lines, 0, 1, 2, at + end, channels))


@register_jitable
def _begin_line(src, row, columns, lead, channels, fill, lines, k):
    """The first padded samples of a row: its margin, and two vectors of its own."""
    zero = register(src[0, 0])
    for j in range(lead):
        for c in range(channels):
            lines[k, j * channels + c] = src[row, columns[j] * channels + c] if columns[j] >= 0 else fill[c]
    store(lines, k, lead * channels, load(zero, src, row, 0))
    store(lines, k, lead * channels + lanes(zero), load(zero, src, row, lanes(zero)))


@register_jitable
def _end_line(src, row, columns, lead, channels, samples, fill, lines, k):
    """The last padded samples of a row: two vectors of its own, and its margin; where in the line padded sample 0 would be."""
    zero = register(src[0, 0])
    own = samples - 2 * lanes(zero)
    at = -(own + lead * channels)
    store(lines, k, 0, load(zero, src, row, own))
    store(lines, k, lanes(zero), load(zero, src, row, own + lanes(zero)))
    for j in range(lead + samples // channels, columns.size):
        for c in range(channels):
            lines[k, at + j * channels + c] = src[row, columns[j] * channels + c] if columns[j] >= 0 else fill[c]
    return at


@register_jitable
def _median_of_rows(src, top, row, bottom, x, channels):
    """The median of 3 x 3 samples from sample x on: of the least of each column the largest, of the middle ones the middle
    one, of the largest the least, and of these three the middle one."""
    a, b, c = _sorted_column(src, top, row, bottom, x)
    d, e, f = _sorted_column(src, top, row, bottom, x + channels)
    g, h, i = _sorted_column(src, top, row, bottom, x + 2 * channels)
    return _middle(maximum(maximum(a, d), g), _middle(b, e, h), minimum(minimum(c, f), i))


@register_jitable
def _sorted_column(src, top, row, bottom, x):
    zero = register(src[0, 0])
    a, b, c = load(zero, src, top, x), load(zero, src, row, x), load(zero, src, bottom, x)
    b, c = minimum(b, c), maximum(b, c)
    d = maximum(a, b)
    return minimum(a, b), minimum(d, c), maximum(d, c)


@register_jitable
def _middle(a, b, c):
    return maximum(minimum(a, b), minimum(maximum(a, b), c))


def median_25(src, rows, first, columns, lead, channels, samples, fill, out, lines):
    """As `median_9`, of 5 x 5 pixels; lines (5, n): the sorted columns, and room."""
    zero = register(src[0, 0])
    start = lead * channels
    for y in range(out.shape[0]):
        x = 0
        while x < samples:
            x = min(x, samples - lanes(zero))
            a, b, c = (
                load(zero, src, rows[first + y], x),
                load(zero, src, rows[first + y + 1], x),
                load(zero, src, rows[first + y + 2], x),
            )
            d, e = load(zero, src, rows[first + y + 3], x), load(zero, src, rows[first + y + 4], x)
            a, b = minimum(a, b), maximum(a, b)
            d, e = minimum(d, e), maximum(d, e)
            c, e = minimum(c, e), maximum(c, e)
            c, d = minimum(c, d), maximum(c, d)
            b, e = minimum(b, e), maximum(b, e)
            a, d = minimum(a, d), maximum(a, d)
            a, c = minimum(a, c), maximum(a, c)
            b, d = minimum(b, d), maximum(b, d)
            b, c = minimum(b, c), maximum(b, c)
            store(lines, 0, start + x, a)
            store(lines, 1, start + x, b)
            store(lines, 2, start + x, c)
            store(lines, 3, start + x, d)
            store(lines, 4, start + x, e)
            x += lanes(zero)
        for k in range(5):
            pad_line(lines, k, columns, lead, channels, samples, fill)
        x = 0
        while x < out.shape[1]:
            x = min(x, out.shape[1] - lanes(zero))
            store(out, y, x, _median_of_columns(lines, x, channels))
            x += lanes(zero)


def extreme_of_columns(src, rows, first, columns, lead, channels, samples, fill, out, lines, height, width, largest):
    """As `median_9`, the extreme of height x width pixels; lines (1, n) as long as a padded row, and room."""
    zero = register(src[0, 0])
    start = lead * channels
    for y in range(out.shape[0]):
        x = 0
        while x < samples:
            x = min(x, samples - lanes(zero))
            best = load(zero, src, rows[first + y], x)
            for k in range(1, height):
                best = chosen(best, load(zero, src, rows[first + y + k], x), largest)
            store(lines, 0, start + x, best)
            x += lanes(zero)
        pad_line(lines, 0, columns, lead, channels, samples, fill)
        extreme_along(lines, width, channels, largest, out, y)


@register_jitable
def _median_of_columns(lines, x, channels):
    """The median of five sorted columns: rows a (the least of each) to e are sorted as far as it matters, and the 13
    samples that can be the median after that put in order. Found by leaving out, from such a network, every step without
    which it gives the median of all 7776 ways to fill five sorted columns with 0 and 1."""
    zero = register(lines[0, 0])
    a0 = load(zero, lines, 0, x)
    a1 = load(zero, lines, 0, x + channels)
    a2 = load(zero, lines, 0, x + 2 * channels)
    a3 = load(zero, lines, 0, x + 3 * channels)
    a4 = load(zero, lines, 0, x + 4 * channels)
    b0 = load(zero, lines, 1, x)
    b1 = load(zero, lines, 1, x + channels)
    b2 = load(zero, lines, 1, x + 2 * channels)
    b3 = load(zero, lines, 1, x + 3 * channels)
    b4 = load(zero, lines, 1, x + 4 * channels)
    c0 = load(zero, lines, 2, x)
    c1 = load(zero, lines, 2, x + channels)
    c2 = load(zero, lines, 2, x + 2 * channels)
    c3 = load(zero, lines, 2, x + 3 * channels)
    c4 = load(zero, lines, 2, x + 4 * channels)
    d0 = load(zero, lines, 3, x)
    d1 = load(zero, lines, 3, x + channels)
    d2 = load(zero, lines, 3, x + 2 * channels)
    d3 = load(zero, lines, 3, x + 3 * channels)
    d4 = load(zero, lines, 3, x + 4 * channels)
    e0 = load(zero, lines, 4, x)
    e1 = load(zero, lines, 4, x + channels)
    e2 = load(zero, lines, 4, x + 2 * channels)
    e3 = load(zero, lines, 4, x + 3 * channels)
    e4 = load(zero, lines, 4, x + 4 * channels)
    a0, a1 = minimum(a0, a1), maximum(a0, a1)
    a3, a4 = minimum(a3, a4), maximum(a3, a4)
    a2, a4 = minimum(a2, a4), maximum(a2, a4)
    a3 = maximum(a2, a3)
    a1, a4 = minimum(a1, a4), maximum(a1, a4)
    a3 = maximum(a0, a3)
    a3 = maximum(a1, a3)
    b0, b1 = minimum(b0, b1), maximum(b0, b1)
    b3, b4 = minimum(b3, b4), maximum(b3, b4)
    b2, b4 = minimum(b2, b4), maximum(b2, b4)
    b2, b3 = minimum(b2, b3), maximum(b2, b3)
    b1, b4 = minimum(b1, b4), maximum(b1, b4)
    b3 = maximum(b0, b3)
    b2 = maximum(b1, b2)
    c0, c1 = minimum(c0, c1), maximum(c0, c1)
    c3, c4 = minimum(c3, c4), maximum(c3, c4)
    c2, c4 = minimum(c2, c4), maximum(c2, c4)
    c2, c3 = minimum(c2, c3), maximum(c2, c3)
    c1 = minimum(c1, c4)
    c0, c3 = minimum(c0, c3), maximum(c0, c3)
    c2 = maximum(c0, c2)
    c1, c3 = minimum(c1, c3), maximum(c1, c3)
    d0, d1 = minimum(d0, d1), maximum(d0, d1)
    d2, d4 = minimum(d2, d4), maximum(d2, d4)
    d2, d3 = minimum(d2, d3), maximum(d2, d3)
    d1 = minimum(d1, d4)
    d0, d3 = minimum(d0, d3), maximum(d0, d3)
    d0, d2 = minimum(d0, d2), maximum(d0, d2)
    d1 = minimum(d1, d3)
    d1, d2 = minimum(d1, d2), maximum(d1, d2)
    e2, e4 = minimum(e2, e4), maximum(e2, e4)
    e2, e3 = minimum(e2, e3), maximum(e2, e3)
    e1 = minimum(e1, e4)
    e0, e2 = minimum(e0, e2), maximum(e0, e2)
    e1 = minimum(e1, e3)
    e1 = minimum(e1, e2)
    c2, c1 = minimum(c2, c1), maximum(c2, c1)
    b3, d0 = minimum(b3, d0), maximum(b3, d0)
    e1, e0 = minimum(e1, e0), maximum(e1, e0)
    d2 = minimum(d2, a4)
    b2, a3 = minimum(b2, a3), maximum(b2, a3)
    b4 = minimum(b4, d1)
    c1, d0 = minimum(c1, d0), maximum(c1, d0)
    e1, d2 = minimum(e1, d2), maximum(e1, d2)
    b2, b4 = minimum(b2, b4), maximum(b2, b4)
    b3 = maximum(c1, b3)
    e0, d2 = minimum(e0, d2), maximum(e0, d2)
    a3, b4 = minimum(a3, b4), maximum(a3, b4)
    e1 = maximum(c2, e1)
    e1 = maximum(b3, e1)
    d0, e0 = minimum(d0, e0), maximum(d0, e0)
    b4 = minimum(b4, c3)
    d0, e1 = minimum(d0, e1), maximum(d0, e1)
    b2 = maximum(e1, b2)
    e0 = minimum(e0, a3)
    d2 = minimum(d2, b4)
    e0 = maximum(d0, e0)
    d2 = minimum(d2, b2)
    d2 = maximum(e0, d2)
    return d2
