"""Sums of whole numbers over a box, at a cost that hardly depends on its size.

Down the columns samples are summed as they come and go, which is exact, in the narrowest type that holds the sums. Along the
rows: by differences of running sums; where whole numbers are held as floats, in windows of 1, 2, 4, 8, ... samples by
doubling, added up to the width.
"""

from numba import types
from numba.extending import overload, register_jitable

from .line import pad_line, store_sums
from .running import sum_by_running
from .vector import broadcast, lanes, load, prefetch, store, zeros

AT_ONCE = 8  # pixels of a row summed one by one
AHEAD = 4  # rows fetched before they are needed


def sum_box(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    height, width, weight, edge, totals, line,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result, from whole numbers; arguments as in `correlate_dense`, and

    height, width            of the box
    weight                   of the sums
    edge : (channels,)       what `fill` becomes under the column
    totals : (1, samples)    sums down the columns
    line : (2, n)            the padded column sums; the row's sums
    """
    wide = max(samples, lanes(zeros(totals[0, 0])))
    start = first * stride_y
    for y in range(out.shape[0]):
        if y == 0 or stride_y >= height:
            _sum_window(src, rows, start, height, totals, line, lead * channels, wide)
        else:
            for k in range(stride_y):
                coming = rows[min(start + height + AHEAD, rows.size) - 1]
                _exchange(
                    src, rows[start + height - 1 - k], rows[start - 1 - k], coming, totals, line, lead * channels, wide
                )
        pad_line(line, 0, columns, lead, channels, samples, edge)
        sum_row(line, width, channels, columns.size * channels)
        finish_row(line, channels, stride_x, (columns.size - width) // stride_x + 1, out, y, weight, bias, divisor, top)
        start += stride_y


@register_jitable
def finish_row(line, channels, stride, pixels, out, y, weight, bias, divisor, top):
    """Every `stride`-th pixel of line[1], `pixels` of them, weighted, finished and stored."""
    if stride > 1:
        for x in range(pixels):
            for c in range(channels):
                line[1, x * channels + c] = line[1, x * stride * channels + c]
    zero = zeros(bias)
    for begin in range(0, out.shape[1], lanes(zero)):
        x = min(begin, out.shape[1] - lanes(zero))
        sums = load(zero, line, 1, x)
        store_sums(sums if weight == 1 else sums * broadcast(weight), out, y, x, bias, divisor, top)


@register_jitable
def _sum_window(src, rows, start, height, totals, line, at, wide):
    """The sum of padded rows start .. start + height - 1 into totals[0], and into line[0] from `at` on."""
    zero = zeros(totals[0, 0])
    for begin in range(0, wide, lanes(zero)):
        x = min(begin, wide - lanes(zero))
        total = zero
        for q in range(start, start + height):
            total = total + load(zero, src, rows[q], x)
        store(totals, 0, x, total)
        store(line, 0, at + x, total)


@register_jitable
def _exchange(src, enters, leaves, coming, totals, line, at, wide):
    """Add one source row to totals[0] and subtract another, and copy the result to line[0] from `at` on."""
    zero = zeros(totals[0, 0])
    end = wide - lanes(zero)
    # the last vector overlaps the one before: it must be read before that changes it
    last = load(zero, totals, 0, end) + load(zero, src, enters, end) - load(zero, src, leaves, end)
    for x in range(0, end, lanes(zero)):
        prefetch(zero, src, coming, x)
        total = load(zero, totals, 0, x) + load(zero, src, enters, x) - load(zero, src, leaves, x)
        store(totals, 0, x, total)
        store(line, 0, at + x, total)
    store(totals, 0, end, last)
    store(line, 0, at + end, last)


def sum_row(line, width, channels, samples):
    """line[1] = sums of `width` pixels of line[0], which is used up; both have room for a vector more."""


@overload(sum_row)
def _sum_row(line, width, channels, samples):
    return _sum_whole_row if isinstance(line.dtype, types.Integer) else _sum_float_row


def _sum_whole_row(line, width, channels, samples):
    if width <= AT_ONCE:
        _sum_one_by_one(line, width, channels, samples)
    elif channels <= 4:
        sum_by_running(line, width, channels, samples)
    else:
        _sum_by_doubling(line, width, channels, samples)


def _sum_float_row(line, width, channels, samples):
    if width <= AT_ONCE:
        _sum_one_by_one(line, width, channels, samples)
    else:
        _sum_by_doubling(line, width, channels, samples)


@register_jitable
def _sum_one_by_one(line, width, channels, samples):
    zero = zeros(line[0, 0])
    for x in range(0, samples - (width - 1) * channels, lanes(zero)):
        total = load(zero, line, 0, x)
        for k in range(1, width):
            total = total + load(zero, line, 0, x + k * channels)
        store(line, 1, x, total)


@register_jitable
def _sum_by_doubling(line, width, channels, samples):
    """Windows of 1, 2, 4, 8, ... pixels."""
    zero = zeros(line[0, 0])
    outputs = samples - (width - 1) * channels
    size, offset = 1, 0
    while True:
        if width & size:
            for x in range(0, outputs, lanes(zero)):
                total = load(zero, line, 0, x + offset * channels)
                store(line, 1, x, total if offset == 0 else total + load(zero, line, 1, x))
            offset += size
        if 2 * size > width:
            break
        for x in range(0, samples - (2 * size - 1) * channels, lanes(zero)):
            store(line, 0, x, load(zero, line, 0, x) + load(zero, line, 0, x + size * channels))
        size *= 2
