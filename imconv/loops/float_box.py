"""Sums of floats over a box, at a cost that hardly depends on its size, and without subtracting anything: neither a NaN nor a
large neighbour's rounding outlives its window.

Down the columns rows are summed in blocks, counted from the padded top. A window is the tail of one block, whole blocks and
the head of another (van Herk 1992 does so for maxima); from one row to the next the head grows by a row, and the whole
blocks' sum changes only where a block comes or goes. Along the rows windows of 1, 4, 16, ... pixels are made of one another,
some of each added up to the width, a piece of the row at a time that stays in the first cache.
"""

from numba.extending import register_jitable

from .box import finish_row
from .line import pad_line, store_sums
from .vector import broadcast, lanes, load, prefetch, store, zeros

SEGMENT = 2048  # results along a row between windows made anew
TAILS, LEFT, RIGHT, HEAD, NEXT, KEPT = range(6)  # in `known`
MIDDLE, GROWING = range(2)  # in `totals`


def sum_float_box(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    height, width, weight, block, edge, reaches, places, known, totals, tails, blocks, line, windows,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result; arguments as in `correlate_dense`, and

    height, width            of the box
    weight                   of every sample by itself, so that no sum of large ones overflows
    block                    rows of a block, less than the height; 0 to add up every window row by row
    edge : (channels,)       what `fill` becomes under the column
    reaches : (levels,)      how many more windows of each level than results are needed
    places : (taps, 2)       of each window that is added up: its level, windows of 4^level pixels, and where it begins
    known : (5 + n,)         which block has its tails in `tails`; between which blocks the others are summed up; which block
                             has a growing head, and the row that it grows by next; which block is in each line of `blocks`
    totals : (2, samples)    the whole blocks' sum, and the head
    tails, blocks : (lines, samples)
    line : (2, n)            the padded column sums; where results are apart, the row's sums
    windows : (levels, n)    windows of 4, 16, ... pixels of a part of the row
    """
    for i in range(known.size):
        known[i] = -1
    wide = max(samples, lanes(zeros(bias)))
    at, plain, one = lead * channels, totals.dtype.type(0), totals.dtype.type(1)
    for y in range(out.shape[0]):
        start = (first + y) * stride_y
        coming = rows[min(start + height, rows.size - 1)]
        if block == 0:
            _sum_rows(src, rows, start, start + height, coming, weight, line, 0, at, wide)
        else:
            _sum_blocks(src, rows, start, height, coming, weight, block, known, totals, tails, blocks, line, at, wide)
        pad_line(line, 0, columns, lead, channels, samples, edge)
        if stride_x == 1:
            _sum_along(line, windows, reaches, places, channels, out.shape[1], out, y, bias, divisor, top)
        else:
            results = max((columns.size - width + 1) * channels, lanes(zeros(bias)))
            _sum_along(line, windows, reaches, places, channels, results, line, 1, plain, one, -one)
            finish_row(
                line, channels, stride_x, (columns.size - width) // stride_x + 1, out, y, one, bias, divisor, top
            )


@register_jitable
def _sum_rows(src, rows, start, stop, coming, weight, lines, to, at, wide):
    """The weighted sum of padded rows start .. stop - 1, in order, into a line from `at` on; row `coming` is fetched."""
    zero = zeros(weight)
    by = broadcast(weight)
    x = 0
    while x < wide:
        x = min(x, wide - lanes(zero))
        prefetch(zero, src, coming, x)
        total = zero
        for q in range(start, stop):
            total = total + by * load(zero, src, rows[q], x)
        store(lines, to, at + x, total)
        x += lanes(zero)


@register_jitable
def _sum_blocks(src, rows, start, height, coming, weight, block, known, totals, tails, blocks, line, at, wide):
    """Sums of padded rows start .. start + height - 1 into line[0] from `at` on: a tail, whole blocks, a head of a row or more."""
    zero = zeros(weight)
    by = broadcast(weight)
    own, last = start // block, start + height - 1
    after = last // block
    inside = start - own * block
    if known[TAILS] != own:
        known[TAILS] = own
        for i in range(block - 1, inside - 1, -1):
            row = rows[own * block + i]
            x = 0
            while x < wide:
                x = min(x, wide - lanes(zero))
                later = load(zero, tails, i + 1, x) if i + 1 < block else zero
                store(tails, i, x, later + by * load(zero, src, row, x))
                x += lanes(zero)
    if known[HEAD] != after:
        if known[HEAD] == after - 1 and known[NEXT] == after * block:  # a head that is a whole block now
            slot = (after - 1) % blocks.shape[0]
            known[KEPT + slot] = after - 1
            for x in range(wide):
                blocks[slot, x] = totals[GROWING, x]
        known[HEAD], known[NEXT] = after, after * block
        for x in range(wide):
            totals[GROWING, x] = 0
    while known[NEXT] < last:
        _grow(src, rows[known[NEXT]], weight, totals, wide)
        known[NEXT] += 1
    if known[LEFT] != own or known[RIGHT] != after:
        known[LEFT], known[RIGHT] = own, after
        _sum_middle(src, rows, own + 1, after, weight, block, known, blocks, totals, wide)
    known[NEXT] += 1
    row = rows[last]
    end = wide - lanes(zero)
    # the last vector overlaps the one before: it must be read before that changes it
    head = load(zero, totals, GROWING, end) + by * load(zero, src, row, end)
    for x in range(0, end, lanes(zero)):
        prefetch(zero, src, coming, x)
        grown = load(zero, totals, GROWING, x) + by * load(zero, src, row, x)
        store(totals, GROWING, x, grown)
        store(line, 0, at + x, load(zero, tails, inside, x) + load(zero, totals, MIDDLE, x) + grown)
    store(totals, GROWING, end, head)
    store(line, 0, at + end, load(zero, tails, inside, end) + load(zero, totals, MIDDLE, end) + head)


@register_jitable
def _grow(src, row, weight, totals, wide):
    """Add a row to the head."""
    zero = zeros(weight)
    by = broadcast(weight)
    end = wide - lanes(zero)
    last = load(zero, totals, GROWING, end) + by * load(zero, src, row, end)
    for x in range(0, end, lanes(zero)):
        store(totals, GROWING, x, load(zero, totals, GROWING, x) + by * load(zero, src, row, x))
    store(totals, GROWING, end, last)


@register_jitable
def _sum_middle(src, rows, begin, end, weight, block, known, blocks, totals, wide):
    """The sum of whole blocks begin .. end - 1, in order; those that no head has become are summed now."""
    for b in range(begin, end):
        slot = b % blocks.shape[0]
        if known[KEPT + slot] != b:
            known[KEPT + slot] = b
            _sum_rows(src, rows, b * block, (b + 1) * block, rows[b * block], weight, blocks, slot, 0, wide)
    zero = zeros(weight)
    x = 0
    while x < wide:
        x = min(x, wide - lanes(zero))
        total = zero
        for b in range(begin, end):
            total = total + load(zero, blocks, b % blocks.shape[0], x)
        store(totals, MIDDLE, x, total)
        x += lanes(zero)


@register_jitable
def _sum_along(line, windows, reaches, places, channels, wide, out, y, bias, divisor, top):
    """`wide` sums of pixels of line[0], finished and stored in a row of `out`."""
    zero = zeros(bias)
    count = min(SEGMENT, wide)
    start = 0
    while start < wide:
        start = min(start, wide - count)
        _make_windows(line, windows, reaches, start, count, channels, zero)
        x = 0
        while x < count:
            x = min(x, count - lanes(zero))
            total = zero
            for t in range(places.shape[0]):
                level, place = places[t, 0], x + places[t, 1]
                if level == 0:
                    total = total + load(zero, line, 0, start + place)
                else:
                    total = total + load(zero, windows, level - 1, place)
            store_sums(total, out, y, start + x, bias, divisor, top)
            x += lanes(zero)
        start += count


@register_jitable
def _make_windows(line, windows, reaches, start, count, channels, zero):
    """Sums of 4, 16, ... pixels of line[0] from sample `start` on, as many as `count` results need."""
    step = channels
    for level in range(windows.shape[0]):
        for x in range(0, count + reaches[level], lanes(zero)):
            if level == 0:
                at = start + x
                one = load(zero, line, 0, at) + load(zero, line, 0, at + step)
                other = load(zero, line, 0, at + 2 * step) + load(zero, line, 0, at + 3 * step)
            else:
                one = load(zero, windows, level - 1, x) + load(zero, windows, level - 1, x + step)
                other = load(zero, windows, level - 1, x + 2 * step) + load(zero, windows, level - 1, x + 3 * step)
            store(windows, level, x, one + other)
        step *= 4
