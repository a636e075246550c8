"""Rows of a PNG file: filtered and unfiltered, and samples of a few bits turned into bytes.

All arithmetic is on bytes, modulo 256, so that a vector register holds as many as it can. `back` is the distance to the
same sample of the pixel on the left, in bytes: 1 for less than 8 bits a pixel. Indices are unsigned where they are
differences: Numba then looks for no negative ones, and LLVM can vectorise.
"""

import numpy as np
from numba.extending import register_jitable

from .several import each

NONE, SUB, UP, AVERAGE, PAETH, ADAPTIVE = range(6)
LANES = 64  # bytes handled at once by `unfilter_rows`


@register_jitable
def _mean(a, b):
    """`(a + b) // 2` without a ninth bit."""
    return np.uint8((a & b) + ((a ^ b) >> 1))


@register_jitable
def _choose(condition, yes, no):
    """`yes if condition else no` without a branch, which would keep LLVM from vectorising."""
    return np.uint8(no ^ ((yes ^ no) & np.uint8(0 - np.uint8(condition))))


@register_jitable
def _distance(a, b):
    return np.uint8(_choose(a > b, a, b) - _choose(a > b, b, a))


@register_jitable
def _paeth(a, b, c):
    """Whichever of left, above and above left is nearest to a + b - c; the first of those equally near.

    The distances are |b - c|, |a - c| and |a + b - 2 c|. Where a and b are on the same side of c the last is the sum of
    the others and never the least, else it is their difference: no distance needs a ninth bit.
    """
    left, above = _distance(b, c), _distance(a, c)
    both = _choose((a < c) == (b < c), np.uint8(255), _distance(left, above))
    return _choose((left <= above) & (left <= both), a, _choose(above <= both, b, c))


@register_jitable
def _size(value):
    """What a byte, taken as -128 .. 127, adds to the sum that a row's filter is chosen by."""
    negative = np.uint8(0 - value)
    return _choose(value < negative, value, negative)


def filter_rows(src, first, back, choice, out):
    """Filter rows `first`, `first + 1`, ... of a picture, or of a band of it that begins with the row above.

    src : (rows, n)        bytes as they are stored: 16-bit samples big-endian, several small samples in one
    choice                 NONE .. PAETH, or ADAPTIVE: for each row the one with the least sum of sizes
    out : (rows, 1 + n)    the filter's number, and the row

    Row 0 has none above it: there SUB stands for what would use it, NONE for UP.
    """
    for i in range(out.shape[0]):
        row = first + i
        kind = choice
        if row == 0 and choice > SUB:
            kind = NONE if choice == UP else SUB
        elif choice == ADAPTIVE:
            kind = _least(src, row, back)
        out[i, 0] = kind
        _filter_row(src, row, back, kind, out, i)


@register_jitable
def _least(src, row, back):
    """The filter with the least sum of sizes, the first of those with equal ones."""
    sums = (np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0))
    size, nothing = np.uint64(src.shape[1]), np.uint8(0)
    gap = np.uint64(back)
    for x in range(min(gap, size)):
        b = src[row - 1, x]
        sums = _add_size(sums, src[row, x], (nothing, nothing, b, np.uint8(b >> 1), b))
    for x in range(gap, size):
        a, b, c = src[row, x - gap], src[row - 1, x], src[row - 1, x - gap]
        sums = _add_size(sums, src[row, x], (nothing, a, b, _mean(a, b), _paeth(a, b, c)))
    kind = NONE
    for other in range(SUB, ADAPTIVE):
        if sums[other] < sums[kind]:
            kind = other
    return kind


@each
def _add_size(total, value, guess):
    return np.uint32(total + _size(np.uint8(value - guess)))


@register_jitable
def _filter_row(src, row, back, kind, out, to):
    size = np.uint64(src.shape[1])
    gap = min(np.uint64(back), size)
    one = np.uint64(1)
    if kind == NONE:
        for x in range(size):
            out[to, x + one] = src[row, x]
    elif kind == SUB:
        for x in range(gap):
            out[to, x + one] = src[row, x]
        for x in range(gap, size):
            out[to, x + one] = src[row, x] - src[row, x - gap]
    elif kind == UP:
        for x in range(size):
            out[to, x + one] = src[row, x] - src[row - 1, x]
    elif kind == AVERAGE:
        for x in range(gap):
            out[to, x + one] = src[row, x] - (src[row - 1, x] >> 1)
        for x in range(gap, size):
            out[to, x + one] = src[row, x] - _mean(src[row, x - gap], src[row - 1, x])
    else:
        for x in range(gap):
            out[to, x + one] = src[row, x] - src[row - 1, x]
        for x in range(gap, size):
            out[to, x + one] = src[row, x] - _paeth(src[row, x - gap], src[row - 1, x], src[row - 1, x - gap])


def unfilter_rows(src, back, first, out, steps, kinds):
    """Undo the filters of rows `first`, `first + 1`, ... of `out`; the row before them is there already.

    src : (rows, 1 + n)         each row's filter (0 to 4), and the filtered row
    out : (height, n)           bytes as they are stored
    steps : (2 + n, 2 LANES)    } scratch, for pixels of several rows side by side and for what applies to each
    kinds : (5, LANES)          }
    """
    size = np.uint64(out.shape[1])
    one = np.uint64(1)
    i = 0
    while i < src.shape[0]:
        row = first + i
        if src[i, 0] == NONE:
            for x in range(size):
                out[row, x] = src[i, x + one]
            i += 1
        elif src[i, 0] == UP and row > 0:
            for x in range(size):
                out[row, x] = src[i, x + one] + out[row - 1, x]
            i += 1
        else:
            count = 1
            for k in range(1, min(LANES // back, src.shape[0] - i)):
                if src[i + k, 0] != NONE and src[i + k, 0] != UP:
                    count = k + 1
            _unfilter_group(src, i, count, back, row, out, steps, kinds)
            i += count


@register_jitable
def _unfilter_group(src, first, count, back, row, out, steps, kinds):
    """Undo the filters of `count` rows at once, each a pixel behind the one above it, so that this has just been done.

    A line of `steps` holds a pixel of each row side by side: left of it is the line before, above it the same, a pixel
    to the left. Before a row begins its pixels are 0, as PNG wants what is left of the picture. The lane left of the
    first row's holds the row above, a step early. The first two lines are the steps before.
    """
    width = out.shape[1] // back
    for lane in range(LANES):
        for kind in range(4):
            kinds[kind, lane] = 0
    for r in range(count):
        if src[first + r, 0] != NONE:
            for lane in range(r * back, (r + 1) * back):
                kinds[src[first + r, 0] - 1, lane] = 255
    for lane in range(2 * LANES):
        steps[0, lane] = steps[1, lane] = 0
    if row > 0:
        for c in range(back):
            steps[1, LANES - back + c] = out[row - 1, c]
    start, total = 0, width + count - 1
    while start < total:
        n = min(steps.shape[0] - 2, total - start)
        for r in range(count):
            begin, end = min(max(0, r - start), n), min(n, width + r - start)
            for s in range(begin):
                for lane in range(r * back, (r + 1) * back):
                    steps[2 + s, LANES + lane] = 0
            _spread(
                src, first + r, 1 + (start + begin - r) * back, steps, 2 + begin, LANES + r * back, end - begin, back
            )
        if row > 0:
            _spread(out, row - 1, (start + 1) * back, steps, 2, LANES - back, min(n, width - 1 - start), back)
        else:
            for s in range(n):
                for lane in range(LANES - back, LANES):
                    steps[2 + s, lane] = 0
        _run(steps, n, back, kinds)
        for r in range(count):
            begin, end = min(max(0, r - start), n), min(n, width + r - start)
            _collect(steps, 2 + begin, LANES + r * back, out, row + r, (start + begin - r) * back, end - begin, back)
        for lane in range(2 * LANES):
            steps[0, lane] = steps[n, lane]
            steps[1, lane] = steps[n + 1, lane]
        start += n


@register_jitable
def _run(steps, n, back, kinds):
    """Undo the filters of `n` lines, the third and the following. The last row of `kinds` takes the guesses: were they
    added at once, LLVM would have to prove that no lane reads what another has written."""
    gap = np.uint64(back)
    wide = np.uint64(LANES)
    for s in range(n):
        for lane in range(wide):
            a = steps[s + 1, wide + lane]
            b = steps[s + 1, wide + lane - gap]
            c = steps[s, wide + lane - gap]
            guess = (
                a & kinds[0, lane]
                | b & kinds[1, lane]
                | _mean(a, b) & kinds[2, lane]
                | _paeth(a, b, c) & kinds[3, lane]
            )
            kinds[4, lane] = guess
        for lane in range(wide):
            steps[s + 2, wide + lane] += kinds[4, lane]


@register_jitable
def _spread(src, row, at, steps, line, lane, count, back):
    """Pixels of a row, one below another: a channel at a time, which makes one short loop for all kinds of pixels."""
    at, line, lane, size = np.uint64(at), np.uint64(line), np.uint64(lane), np.uint64(back)
    if back == 1:
        for x in range(np.uint64(max(count, 0))):
            steps[line + x, lane] = src[row, at + x]
        return
    for c in range(size):
        for x in range(np.uint64(max(count, 0))):
            steps[line + x, lane + c] = src[row, at + x * size + c]


@register_jitable
def _collect(steps, line, lane, out, row, at, count, back):
    """The reverse of `_spread`."""
    at, line, lane, size = np.uint64(at), np.uint64(line), np.uint64(lane), np.uint64(back)
    if back == 1:
        for x in range(np.uint64(max(count, 0))):
            out[row, at + x] = steps[line + x, lane]
        return
    for c in range(size):
        for x in range(np.uint64(max(count, 0))):
            out[row, at + x * size + c] = steps[line + x, lane + c]


def look_up(src, start, bits, table, first, out, largest):
    """Samples of 1, 2, 4 or 8 bits replaced by rows of a table: levels, levels with alpha, or a palette's colours.

    src : (rows, n)            packed samples, the first in the highest bits, from row `start` on
    table : (256, channels)
    out : (height, samples)    filled from row `first` on, as many rows as are left in `src`
    largest : (1,)             raised to the largest sample met
    """
    channels = table.shape[1]
    width = out.shape[1] // channels
    mask = (1 << bits) - 1
    top = largest[0]
    for i in range(src.shape[0] - start):
        for x in range(width):
            at = x * bits
            value = (src[start + i, at >> 3] >> (8 - bits - (at & 7))) & mask
            top = max(top, value)
            for c in range(channels):
                out[first + i, x * channels + c] = table[value, c]
    largest[0] = top


def add_alpha(src, start, key, first, out):
    """Pixels with an alpha channel added: 0 where all samples are those of `key`, else the largest value.

    src : (rows, samples)    from row `start` on
    out : (height, more)     filled from row `first` on
    """
    channels = key.size
    opaque = np.iinfo(out.dtype).max
    for i in range(src.shape[0] - start):
        for x in range(src.shape[1] // channels):
            different = 0
            for c in range(channels):
                value = src[start + i, x * channels + c]
                different |= value ^ key[c]
                out[first + i, x * (channels + 1) + c] = value
            out[first + i, x * (channels + 1) + channels] = opaque if different else 0
