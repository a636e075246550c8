"""Sums of floats over a box, at a cost that hardly depends on its size, and without subtracting anything: neither a NaN nor a
large neighbour's rounding outlives its window.

Down the columns rows are summed in blocks, counted from the padded top. A window is the tail of one block, whole blocks and
the head of another (van Herk 1992 does so for maxima); from one row to the next the head grows by a row, and the whole
blocks' sum changes only where a block comes or goes; what grows is float64, so that a column's sum is rounded three times at
most. Along the rows windows of 1, 4, 16, ... pixels are made of one another, some of each added up to the width, the small
ones first, a piece of the row at a time that stays in the first cache.
"""

from numba.extending import register_jitable

from .box import finish_row
from .line import pad_line, store_sums
from .sizes import BOX_SEGMENT as SEGMENT
from .vector import broadcast, lanes, load, prefetch, store, zeros

TAILS, LEFT, RIGHT, HEAD, NEXT, KEPT = range(6)  # in `known`
GROWING, TAIL = range(2)  # in `running`


def sum_float_box(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    height, width, weight, block, edge, reaches, places, known, running, tails, blocks, line, windows,
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
    running : (2, samples)   float64: the head, and a tail as it is summed up
    tails : (block, samples) the tails of a block
    blocks : (n + 1, samples) whole blocks, and in the last line the sum of those in the window
    line : (2, n)            the padded column sums; where results are apart, the row's sums
    windows : (levels, n)    windows of 4, 16, ... pixels of a part of the row
    """
    for i in range(known.size):
        known[i] = -1
    wide = max(samples, lanes(zeros(bias)))
    at, plain, one, deep = lead * channels, edge.dtype.type(0), edge.dtype.type(1), running.dtype.type(weight)
    for y in range(out.shape[0]):
        start = (first + y) * stride_y
        coming = rows[min(start + height, rows.size - 1)]
        if block == 0:
            _sum_rows(src, rows, start, start + height, coming, weight, line, 0, at, wide)
        else:
            _sum_blocks(src, rows, start, height, coming, deep, block, known, running, tails, blocks, line, at, wide)
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
    """The weighted sum of padded rows start .. stop - 1, in the weight's type, into a line from `at` on; row `coming` is
    fetched."""
    zero = zeros(weight)
    by = broadcast(weight)
    for begin in range(0, wide, lanes(zero)):
        x = min(begin, wide - lanes(zero))
        prefetch(zero, src, coming, x)
        total = zero
        for q in range(start, stop):
            total = total + by * load(zero, src, rows[q], x)
        store(lines, to, at + x, total)


@register_jitable
def _sum_blocks(src, rows, start, height, coming, weight, block, known, running, tails, blocks, line, at, wide):
    """Sums of padded rows start .. start + height - 1 into line[0] from `at` on: a tail, whole blocks, a head of a row or more."""
    own, last = start // block, start + height - 1
    after = last // block
    if known[TAILS] != own:
        known[TAILS] = own
        _clear(running, TAIL, wide)
        for i in range(block - 1, start - own * block - 1, -1):
            _grow(src, rows[own * block + i], weight, running, TAIL, tails, i, wide)
    if known[HEAD] != after:
        if known[HEAD] == after - 1 and known[NEXT] == after * block:  # a head that is a whole block now
            slot = (after - 1) % (blocks.shape[0] - 1)
            known[KEPT + slot] = after - 1
            for x in range(wide):
                blocks[slot, x] = running[GROWING, x]
        known[HEAD], known[NEXT] = after, after * block
        _clear(running, GROWING, wide)
    while known[NEXT] < last:
        _grow(src, rows[known[NEXT]], weight, running, GROWING, line, 0, wide)  # the line is still to be filled
        known[NEXT] += 1
    if known[LEFT] != own or known[RIGHT] != after:
        known[LEFT], known[RIGHT] = own, after
        _sum_middle(src, rows, own + 1, after, weight, block, known, blocks, wide)
    known[NEXT] += 1
    inside, middle, row = start - own * block, blocks.shape[0] - 1, rows[last]
    zero = zeros(weight)
    by = broadcast(weight)
    end = wide - lanes(zero)
    # the last vector overlaps the one before: it must be read before that changes it
    head = load(zero, running, GROWING, end) + by * load(zero, src, row, end)
    for x in range(0, end, lanes(zero)):
        prefetch(zero, src, coming, x)
        grown = load(zero, running, GROWING, x) + by * load(zero, src, row, x)
        store(running, GROWING, x, grown)
        store(line, 0, at + x, load(zero, tails, inside, x) + load(zero, blocks, middle, x) + grown)
    store(running, GROWING, end, head)
    store(line, 0, at + end, load(zero, tails, inside, end) + load(zero, blocks, middle, end) + head)


@register_jitable
def _clear(running, which, wide):
    for x in range(wide):
        running[which, x] = 0


@register_jitable
def _grow(src, row, weight, running, which, lines, to, wide):
    """Add a row to a sum, and leave that in a line too."""
    zero = zeros(weight)
    by = broadcast(weight)
    end = wide - lanes(zero)
    last = load(zero, running, which, end) + by * load(zero, src, row, end)
    for x in range(0, end, lanes(zero)):
        total = load(zero, running, which, x) + by * load(zero, src, row, x)
        store(running, which, x, total)
        store(lines, to, x, total)
    store(running, which, end, last)
    store(lines, to, end, last)


@register_jitable
def _sum_middle(src, rows, begin, end, weight, block, known, blocks, wide):
    """The sum of whole blocks begin .. end - 1 into the last line of `blocks`; those that no head has become are summed now."""
    middle = blocks.shape[0] - 1
    for b in range(begin, end):
        slot = b % middle
        if known[KEPT + slot] != b:
            known[KEPT + slot] = b
            _sum_rows(src, rows, b * block, (b + 1) * block, rows[b * block], weight, blocks, slot, 0, wide)
    zero = zeros(weight)
    for i in range(0, wide, lanes(zero)):
        x = min(i, wide - lanes(zero))
        total = zero
        for b in range(begin, end):
            total = total + load(zero, blocks, b % middle, x)
        store(blocks, middle, x, total)


@register_jitable
def _sum_along(line, windows, reaches, places, channels, wide, out, y, bias, divisor, top):
    """`wide` sums of pixels of line[0], finished and stored in a row of `out`."""
    zero = zeros(bias)
    count = min(SEGMENT, wide)
    start = 0
    while start < wide:
        start = min(start, wide - count)
        _make_windows(line, windows, reaches, start, count, channels, zero)
        for begin in range(0, count, lanes(zero)):
            x = min(begin, count - lanes(zero))
            total = zero
            for t in range(places.shape[0]):
                level, place = places[t, 0], x + places[t, 1]
                if level == 0:
                    total = total + load(zero, line, 0, start + place)
                else:
                    total = total + load(zero, windows, level - 1, place)
            store_sums(total, out, y, start + x, bias, divisor, top)
        start += count


@register_jitable
def _make_windows(line, windows, reaches, start, count, channels, zero):
    """Sums of 4, 16, ... pixels of line[0] from sample `start` on, as many as `count` results need."""
    step = channels
    for level in range(windows.shape[0]):
        smaller, row, at = (line, 0, start) if level == 0 else (windows, level - 1, 0)
        for x in range(0, count + reaches[level], lanes(zero)):
            one = load(zero, smaller, row, at + x) + load(zero, smaller, row, at + x + step)
            other = load(zero, smaller, row, at + x + 2 * step) + load(zero, smaller, row, at + x + 3 * step)
            store(windows, level, x, one + other)
        step *= 4
