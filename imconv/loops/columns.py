"""Medians of 3 x 3 and 5 x 5 pixels by sorting networks, extremes of low windows; a vector of windows at once.

Of 3 x 3 pixels everything stays in registers. Of 5 x 5, each column of the window is sorted once, for all windows that
have it; the margins are made from sorted columns: a column outside the picture is one inside. Samples are unsigned.
"""

from numba.extending import register_jitable

from .extremes import chosen, extreme_along
from .lanewise import network
from .line import copy_pixel, pad_line
from .several import each, store_each
from .vector import lanes, load, register, store

FIVE = (0, 1, 2, 3, 4)
ROW_3, COLUMN_3 = (0, 0, 0, 1, 1, 1, 2, 2, 2), (0, 1, 2) * 3
ROW_5, COLUMN_5 = tuple(number // 5 for number in range(25)), FIVE * 5

# Of 3 x 3 samples, a to c from the top down, each column is put in order; then of the least of each column the largest is taken,
# of the middle ones the middle one, of the largest the least, and of these three the middle one.
_median_of_rows = network(
    [row + column for row in "abc" for column in "012"],
    """
    b0:c0 a0:b0 b0:c0 b1:c1 a1:b1 b1:c1 b2:c2 a2:b2 b2:c2
    a0>a1 a1>a2 b0:b1 b1<b2 b0>b1 c0<c1 c0<c2
    a2:b1 b1<c0 a2>b1
    """,
    ["b1"],
)

_sorted_column = network(list("abcde"), "a:b d:e c:e c:d b:e a:d a:c b:d b:c", list("abcde"))

# The median of five sorted columns: rows a (the least of each) to e are sorted as far as it matters, and the 13 samples that can
# be the median after that put in order. Found by leaving out, from such a network, every step without which it gives the median
# of all 7776 ways to fill five sorted columns with 0 and 1.
_median_of_columns = network(
    [row + column for row in "abcde" for column in "01234"],
    """
    a0:a1 a3:a4 a2:a4 a2>a3 a1:a4 a0>a3 a1>a3 b0:b1 b3:b4 b2:b4 b2:b3 b1:b4 b0>b3 b1>b2 c0:c1 c3:c4 c2:c4 c2:c3
    c1<c4 c0:c3 c0>c2 c1:c3 d0:d1 d2:d4 d2:d3 d1<d4 d0:d3 d0:d2 d1<d3 d1:d2 e2:e4 e2:e3 e1<e4 e0:e2 e1<e3 e1<e2
    c2:c1 b3:d0 e1:e0 d2<a4 b2:a3 b4<d1 c1:d0 e1:d2 b2:b4 c1>b3 e0:d2 a3:b4 c2>e1 b3>e1 d0:e0 b4<c3 d0:e1 e1>b2
    e0<a3 d2<b4 d0>e0 d2<b2 e0>d2
    """,
    ["d2"],
)


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
        for begin in range(start, last + lanes(zero), lanes(zero)):
            x = min(begin, last)
            window = _loaded(zero, src, (a, a, a, b, b, b, c, c, c), x - start, COLUMN_3, channels)
            store(out, y, x, _median_of_rows(window)[0])
        if start > 0:
            for k in range(3):
                _begin_line(src, rows[first + y + k], columns, lead, channels, fill, lines, k)
            store(out, y, 0, _median_of_rows(_loaded(zero, lines, ROW_3, 0, COLUMN_3, channels))[0])
        if last + lanes(zero) < out.shape[1]:
            end = out.shape[1] - lanes(zero)
            for k in range(3):
                at = _end_line(src, rows[first + y + k], columns, lead, channels, samples, fill, lines, k)
            store(out, y, end, _median_of_rows(_loaded(zero, lines, ROW_3, at + end, COLUMN_3, channels))[0])


@register_jitable
def _begin_line(src, row, columns, lead, channels, fill, lines, k):
    """The first padded samples of a row: its margin, and two vectors of its own."""
    zero = register(src[0, 0])
    for j in range(lead):
        copy_pixel(src, row, lines, k, j * channels, columns[j], channels, fill)
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
        copy_pixel(src, row, lines, k, at + j * channels, columns[j], channels, fill)
    return at


def median_25(src, rows, first, columns, lead, channels, samples, fill, out, lines):
    """As `median_9`, of 5 x 5 pixels; lines (5, n): the sorted columns, and room."""
    zero = register(src[0, 0])
    start = lead * channels
    for y in range(out.shape[0]):
        for begin in range(0, samples, lanes(zero)):
            x = min(begin, samples - lanes(zero))
            column = _sorted_column(_loaded(zero, src, _picked(rows, first + y, FIVE), x, 0, channels))
            store_each(column, lines, 0, FIVE, start + x)
        for k in range(5):
            pad_line(lines, k, columns, lead, channels, samples, fill)
        for begin in range(0, out.shape[1], lanes(zero)):
            x = min(begin, out.shape[1] - lanes(zero))
            store(out, y, x, _median_of_columns(_loaded(zero, lines, ROW_5, x, COLUMN_5, channels))[0])


def extreme_of_columns(src, rows, first, columns, lead, channels, samples, fill, out, lines, height, width, largest):
    """As `median_9`, the extreme of height x width pixels; lines (1, n) as long as a padded row, and room."""
    zero = register(src[0, 0])
    start = lead * channels
    for y in range(out.shape[0]):
        for begin in range(0, samples, lanes(zero)):
            x = min(begin, samples - lanes(zero))
            best = load(zero, src, rows[first + y], x)
            for k in range(1, height):
                best = chosen(best, load(zero, src, rows[first + y + k], x), largest)
            store(lines, 0, start + x, best)
        pad_line(lines, 0, columns, lead, channels, samples, fill)
        extreme_along(lines, width, channels, largest, out, y)


@each
def _picked(rows, first, number):
    return rows[first + number]


@each
def _loaded(like, array, row, x, column, channels):
    return load(like, array, row, x + column * channels)
