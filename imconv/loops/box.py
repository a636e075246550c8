"""Sums over a box, at a cost that hardly depends on its size.

Down the columns: whole numbers are summed as they come and go, which is exact. Floats never have anything subtracted,
so that neither a NaN nor a large neighbour's rounding outlives its window: rows are summed in blocks, counted from the
padded top, and a window is the tail of one block, whole blocks, and the head of another (van Herk 1992 does so for
maxima). Along the rows: windows of 1, 2, 4, 8, ... samples by doubling, added up to the width.
"""

from numba.extending import register_jitable

from .line import copy_row, pad_line, store_sums
from .vector import broadcast, lanes, load, store, zeros


def correlate_box(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    height, width, inner, outer, block, edge, known, totals, tails, blocks, line,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result; arguments as in `correlate_dense`, and

    height, width            of the box
    inner, outer             weights: of every sample, and of the sum
    block                    rows of a block for floats; 0 for whole numbers
    edge : (channels,)       what `fill` becomes under the column
    known : (2 + n,)         which block has its tails in `tails`, and which is in each line of `blocks`; one spare
    totals : (2, samples)    sums down the columns; for floats the head in the second line
    tails, blocks : (lines, samples)
    line : (2, n)            the padded column sums; the row's sums
    """
    for i in range(known.size):
        known[i] = -1
    count = lanes(zeros(bias))
    wide = max(samples, count)
    for y in range(out.shape[0]):
        start = (first + y) * stride_y
        if block > 0:
            _float_columns(src, rows, start, height, inner, block, known, totals, tails, blocks, wide)
        elif y == 0 or stride_y >= height:
            _sum_rows(src, rows, start, start + height, inner, totals, 0, wide)
        else:
            for k in range(stride_y):
                _exchange(src, rows[start + height - 1 - k], rows[start - 1 - k], totals, wide)
        copy_row(totals, 0, 0, line, 0, lead * channels, samples, edge)
        pad_line(line, 0, columns, lead, channels, samples, edge)
        _row_sums(line, width, channels, columns.size * channels)
        if stride_x > 1:
            for x in range(out.shape[1] // channels):
                for c in range(channels):
                    line[1, x * channels + c] = line[1, x * stride_x * channels + c]
        x = 0
        while x < out.shape[1]:
            x = min(x, out.shape[1] - count)
            store_sums(load(zeros(bias), line, 1, x) * broadcast(outer), out, y, x, bias, divisor, top)
            x += count


@register_jitable
def _sum_rows(src, rows, start, stop, weight, lines, at, wide):
    """The weighted sum of padded rows start .. stop - 1 into a line, row by row in order."""
    for x in range(wide):
        lines[at, x] = 0
    for q in range(start, stop):
        _add_row(src, rows[q], weight, lines, at, lines, at, wide)


@register_jitable
def _add_row(src, row, weight, lines, at, result, to, wide):
    """result[to] = lines[at] + weight * src[row]."""
    zero = zeros(lines[0, 0])
    x = 0
    while x + lanes(zero) <= wide:
        store(result, to, x, load(zero, lines, at, x) + broadcast(weight) * load(zero, src, row, x))
        x += lanes(zero)
    for rest in range(x, wide):  # an overlapping vector would add some samples twice
        result[to, rest] = lines[at, rest] + weight * lines.dtype.type(src[row, rest])


@register_jitable
def _exchange(src, enters, leaves, totals, wide):
    """Add one source row to whole-number sums and subtract another."""
    zero = zeros(totals[0, 0])
    x = 0
    while x + lanes(zero) <= wide:
        change = load(zero, src, enters, x) - load(zero, src, leaves, x)
        store(totals, 0, x, load(zero, totals, 0, x) + change)
        x += lanes(zero)
    for rest in range(x, wide):
        totals[0, rest] += totals.dtype.type(src[enters, rest]) - totals.dtype.type(src[leaves, rest])


@register_jitable
def _float_columns(src, rows, start, height, weight, block, known, totals, tails, blocks, wide):
    """Sums of padded rows start .. start + height - 1 into totals[0]; block <= height."""
    one = totals.dtype.type(1)
    own = start // block
    inside = start - own * block
    if known[0] != own:
        known[0] = own
        for x in range(wide):
            tails[block - 1, x] = weight * src[rows[(own + 1) * block - 1], x]
        for i in range(block - 2, inside - 1, -1):
            _add_row(src, rows[own * block + i], weight, tails, i + 1, tails, i, wide)
    after = (start + height) // block
    _sum_rows(src, rows, after * block, start + height, weight, totals, 1, wide)
    for x in range(wide):
        totals[0, x] = tails[inside, x]
    for b in range(own + 1, after):
        slot = b % blocks.shape[0]
        if known[2 + slot] != b:
            known[2 + slot] = b
            _sum_rows(src, rows, b * block, (b + 1) * block, weight, blocks, slot, wide)
        _add_row(blocks, slot, one, totals, 0, totals, 0, wide)
    _add_row(totals, 1, one, totals, 0, totals, 0, wide)


@register_jitable
def _row_sums(line, width, channels, samples):
    """line[1] = sums of `width` pixels of line[0], which is used up."""
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
