"""Means and variances over a box, or standard deviations, at a cost that hardly depends on its size, without cancellation.

Whole numbers: their sums and their squares' are exact. Floats: two sets of samples are merged by their counts, means and sums of squared deviations (Chan, Golub and LeVeque 1983): what
has no spread gets a variance of exactly 0. Down the columns a window is the tail of one block of rows and the head of the
next (van Herk 1992); along the rows, windows of 1, 2, 4, 8, ... samples are merged by doubling.

Two lines, means and sums of squared deviations, are one set for each sample. Lines have room for a vector behind them; rows
of the picture and of the result are at least one vector wide, as in `line`.
"""

from numba.extending import register_jitable

from .box import sum_row
from .lanewise import fma
from .lanewise import root as square_root
from .line import copy_row, pad_line, store_sums
from .vector import broadcast, lanes, load, store, zeros


def sum_moments(
    src, samples, channels, rows, columns, lead, first, out, bias, divisor, top, root, height, width, missing, inside, edges, totals, sums,
    squares,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result, from whole numbers: means, and half a row further on
    population variances; or, with `root`, their roots, finished as `store_sums` says.

    src : (rows, samples)
    rows, columns             the source row and column behind each padded one, -1 for a column of `edges`
    lead                      padded columns before the picture's own
    height, width             of the box
    missing : (padded rows,)  1 for rows that no window counts
    inside : (1, samples)     how many columns each window counts
    edges : (2, channels)     sums down a column outside the picture: of samples, of squares
    totals : (2, samples)     sums down the columns
    sums, squares : (2, n)    the padded column sums; the row's sums
    """
    whole, zero = zeros(totals[0, 0]), zeros(inside[0, 0])
    padded = columns.size * channels
    for y in range(out.shape[0]):
        start, count = first + y, 0
        for q in range(start, start + height):
            count += 1 - missing[q]
        if y == 0:
            _sum_window(src, samples, rows, start, height, totals)
        else:
            _exchange(src, samples, rows[start + height - 1], rows[start - 1], totals)
        for x in range(0, samples, lanes(whole)):
            store(sums, 0, lead * channels + x, load(whole, totals, 0, x))
            store(squares, 0, lead * channels + x, load(whole, totals, 1, x))
        pad_line(sums, 0, columns, lead, channels, samples, edges[0])
        pad_line(squares, 0, columns, lead, channels, samples, edges[1])
        sum_row(sums, width, channels, padded)
        sum_row(squares, width, channels, padded)
        for begin in range(0, inside.shape[1], lanes(zero)):
            x = min(begin, inside.shape[1] - lanes(zero))
            n = broadcast(count * inside.dtype.type(1)) * load(zero, inside, 0, x)
            total = load(zero, sums, 1, x)
            variance = (n * load(zero, squares, 1, x) - total * total) / (n * n)
            _finish(total / n, variance, out, y, x, bias, divisor, top, root)


@register_jitable
def _finish(mean, variance, out, y, x, bias, divisor, top, root):
    if root:
        store_sums(square_root(variance), out, y, x, bias, divisor, top)
    else:
        store(out, y, x, mean)
        store(out, y, out.shape[1] // 2 + x, variance)


@register_jitable
def _sum_window(src, samples, rows, start, height, totals):
    zero = zeros(totals[0, 0])
    wide = max(samples, lanes(zero))
    for begin in range(0, wide, lanes(zero)):
        x = min(begin, wide - lanes(zero))
        total, square = zero, zero
        for q in range(start, start + height):
            value = load(zero, src, rows[q], x)
            total, square = total + value, square + value * value
        store(totals, 0, x, total)
        store(totals, 1, x, square)


@register_jitable
def _exchange(src, samples, enters, leaves, totals):
    zero = zeros(totals[0, 0])
    end = max(samples, lanes(zero)) - lanes(zero)
    # the last vector overlaps the one before: it must be read before that changes it
    coming, going = load(zero, src, enters, end), load(zero, src, leaves, end)
    total = load(zero, totals, 0, end) + coming - going
    square = load(zero, totals, 1, end) + coming * coming - going * going
    for x in range(0, end, lanes(zero)):
        coming, going = load(zero, src, enters, x), load(zero, src, leaves, x)
        store(totals, 0, x, load(zero, totals, 0, x) + coming - going)
        store(totals, 1, x, load(zero, totals, 1, x) + coming * coming - going * going)
    store(totals, 0, end, total)
    store(totals, 1, end, square)


def combine_moments(
    src, samples, channels, rows, columns, lead, first, out, bias, divisor, top, root, height, width, missing, inside, fills, cut, known,
    counts, tails, head, line,
):  # fmt: skip
    """Fill `out` from floats; arguments as in `sum_moments`, and

    fills : (2, channels)     what is outside the picture: samples, and zeros
    cut                       1 where columns outside the picture don't count
    known : (3,)              the block whose tails are held, the one whose head is, and how many of its rows that has
    counts : (height + 1,)    rows counted in each tail, and in the head
    tails : (2 * height, n)   a set for each tail of the block
    head : (4, n)             the head; a row, with zeros
    line : (6, n)             padded columns; windows; a copy of the columns
    """
    for i in range(3):
        known[i] = -1
    for x in range(head.shape[1]):
        head[3, x] = 0
    padded = columns.size * channels
    for y in range(out.shape[0]):
        count = _columns(
            src, samples, rows, missing, first + y, height, known, counts, tails, head, line, lead * channels, fills
        )
        pad_line(line, 0, columns, lead, channels, samples, fills[0])
        pad_line(line, 1, columns, lead, channels, samples, fills[1])
        if cut:
            _merge(line, 0, 1, line, 0, 0, line, 4, padded, 0)
        _windows(line, width, count, channels, padded)
        if cut:
            _cut_windows(line, columns, width, count, channels)
        zero = zeros(fills[0, 0])
        for begin in range(0, inside.shape[1], lanes(zero)):
            x = min(begin, inside.shape[1] - lanes(zero))
            n = broadcast(count * inside.dtype.type(1)) * load(zero, inside, 0, x)
            _finish(load(zero, line, 2, x), load(zero, line, 3, x) / n, out, y, x, bias, divisor, top, root)


@register_jitable
def _merge(first, a, n, second, b, m, out, to, length, offset):
    """out[to], out[to + 1] = the set of `n` samples in first[a], first[a + 1] with the one of `m` in second[b] from
    `offset` on, at places 0 to `length`."""
    zero = zeros(out[0, 0])
    one = out.dtype.type(1)
    if n == 0 or m == 0:
        for i in range(2):
            for x in range(0, length, lanes(zero)):
                store(out, to + i, x, load(zero, second, b + i, x + offset) if n == 0 else load(zero, first, a + i, x))
        return
    share = broadcast(one * m / (n + m))
    weight = broadcast(one * n * m / (n + m))
    for x in range(0, length, lanes(zero)):
        mean = load(zero, first, a, x)
        delta = load(zero, second, b, x + offset) - mean
        spread = load(zero, first, a + 1, x) + load(zero, second, b + 1, x + offset)
        store(out, to, x, fma(delta, share, mean))
        store(out, to + 1, x, fma(delta * delta, weight, spread))


@register_jitable
def _columns(src, samples, rows, missing, start, height, known, counts, tails, head, line, at, fills):
    """The set of padded rows start .. start + height - 1 into `line` from `at` on; returns how many rows count."""
    own = start // height
    inside = start - own * height
    if known[0] != own:
        known[0] = own
        n = 0
        for i in range(height - 1, inside - 1, -1):
            row = own * height + i
            copy_row(src, rows[row], rows[row], head, 2, 0, samples, fills[0])
            after = 2 * min(i + 1, height - 1)
            more = 1 - missing[row]
            _merge(tails, after, n, head, 2, more, tails, 2 * i, samples, 0)
            n += more
            counts[i] = n
    if known[1] != own + 1:
        known[1], known[2], counts[height] = own + 1, 0, 0
    while known[2] < inside:
        row = (own + 1) * height + known[2]
        copy_row(src, rows[row], rows[row], head, 2, 0, samples, fills[0])
        more = 1 - missing[row]
        _merge(head, 0, counts[height], head, 2, more, head, 0, samples, 0)
        counts[height] += more
        known[2] += 1
    tail, more = counts[inside], counts[height] if inside else 0
    _merge(tails, 2 * inside, tail, head, 0, more, line, 2, samples, 0)
    zero = zeros(fills[0, 0])
    for i in range(2):
        for x in range(0, samples, lanes(zero)):
            store(line, i, at + x, load(zero, line, 2 + i, x))
    return tail + more


@register_jitable
def _windows(line, width, count, channels, padded):
    """line[2], line[3] = windows of `width` columns of line[0], line[1], which are used up; each column is `count` samples."""
    outputs = padded - (width - 1) * channels
    size, done = 1, 0
    while True:
        if width & size:
            _merge(line, 2, done * count, line, 0, size * count, line, 2, outputs, done * channels)
            done += size
        if 2 * size > width:
            return
        _merge(
            line, 0, size * count, line, 0, size * count, line, 0, padded - (2 * size - 1) * channels, size * channels
        )
        size *= 2


@register_jitable
def _cut_windows(line, columns, width, count, channels):
    """Windows that reach beyond the picture anew, from the copy, of the columns that are on it."""
    for x in range(columns.size - width + 1):
        if columns[x] >= 0 and columns[x + width - 1] >= 0:
            continue
        for c in range(channels):
            n = 0
            mean = line[4, 0] * 0
            spread = mean
            for k in range(x, x + width):
                if columns[k] >= 0:
                    n += count
                    delta = line[4, k * channels + c] - mean
                    mean += delta * count / n
                    spread += line[5, k * channels + c] + delta * delta * (n - count) * count / n
            line[2, x * channels + c] = mean
            line[3, x * channels + c] = spread
