"""Correlation with any 2-D kernel: six output rows at once share every source vector they load."""

from numba.extending import register_jitable

from .lanewise import absolute, any_near, count_less, fma, holds_floats, where_near
from .line import add_tap, add_tap_to_takers, clear_aside, load_line, set_aside, store_rows, with_aside
from .settle import distances_of_taps
from .sizes import DENSE_ROWS as ROWS
from .vector import broadcast, lanes, load, store, zeros

NUMBERS = tuple(range(ROWS))


def correlate_dense(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    step, reuse, tap_rows, flushes, flushing, starts, whole, takers, places, weights, middles, rule, ring, held, slots, aside,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result.

    src : (rows, pitch)          source rows, interleaved; `samples` of each count
    rows, columns : (span,)      the source row or column behind each padded one; columns may be -1, for `fill`
    lead                         the padded column at which the source's own begin
    step                         distance of the output rows worked on together
    tap_rows : (n,)              padded source rows to visit, counted from the first output row's
    starts : (n + 1,)            which taps belong to each
    whole : (n,)                 whether all of them are for all ROWS output rows
    takers, places : (taps,)     for which output rows (bits) a tap is, and where in the line it begins to read
    weights : (taps, ROWS)       its weight for each
    middles : (1 + ROWS,)        where in a line the tap begins to read that sums are compared with (see settle.py), and for each
                                 output row its visit
    rule : (3,)                  the sum of the weights; what is near, as a share, and at least; 0 and 0 for never
    flushes : (n,)               output rows (bits) whose running sums are to be set aside, which keeps rounding small
    flushing                     whether any are
    reuse                        whether the ring has a line for every padded row of the window, or one for each visit
    ring, held : (lines, line)   lines kept from one output row to the next, and which padded row each holds
    aside : (2 * ROWS, samples)  sums set aside
    """
    for i in range(held.size):
        held[i] = -1
    last = first + out.shape[0]
    block = first
    while block < last:  # a range whose step is a variable can raise
        for y in range(block, min(block + step, last)):
            for j in range(tap_rows.size):
                padded = min(y * stride_y + tap_rows[j], rows.size - 1)
                slot = padded % held.size if reuse else j
                slots[j] = slot
                if held[slot] != padded:
                    held[slot] = padded
                    coming = rows[min(padded + ROWS * step * stride_y, rows.size - 1)]
                    load_line(src, rows[padded], coming, ring, slot, columns, lead, channels, samples, stride_x, fill)
            _correlate_rows(
                ring, slots, starts, whole, takers, places, weights, flushes, flushing, aside,
                out, y - first, step, bias, divisor, top, middles, rule,
            )  # fmt: skip
        block += ROWS * step


@register_jitable
def _correlate_rows(
    ring, slots, starts, whole, takers, places, weights, flushes, flushing, aside, out, y, step, bias, divisor, top,
    middles, rule,
):  # fmt: skip
    """Rows y, y + step, ... of `out` from the lines in `slots`."""
    zero = zeros(bias)
    gain, share, least, offset = broadcast(rule[0]), broadcast(rule[1]), broadcast(rule[2]), broadcast(bias)
    opposite = zero - gain
    for begin in range(0, out.shape[1], lanes(zero)):
        x = min(begin, out.shape[1] - lanes(zero))
        totals = (zero, zero, zero, zero, zero, zero)
        if flushing:
            clear_aside(aside)
        for j in range(slots.size):
            if whole[j]:
                for t in range(starts[j], starts[j + 1]):
                    source = load(zero, ring, slots[j], x + places[t])
                    totals = add_tap(totals, NUMBERS, source, weights, t)
            else:
                for t in range(starts[j], starts[j + 1]):
                    source = load(zero, ring, slots[j], x + places[t])
                    totals = add_tap_to_takers(totals, NUMBERS, source, weights, t, takers[t])
            if flushing and flushes[j]:
                totals = set_aside(aside, NUMBERS, flushes[j], totals)
        if flushing:
            totals = with_aside(aside, NUMBERS, totals)
        store_rows(totals, NUMBERS, out, y, step, x, bias, divisor, top)
        if holds_floats(out) and rule[1] > 0:
            for row in range(min(ROWS, (out.shape[0] - y + step - 1) // step)):
                middle = middles[1 + row]
                reference = load(zero, ring, slots[middle], x + middles[0])
                total = load(zero, out, y + row * step, x)
                limit = fma(share, absolute(reference), least)
                distance = fma(opposite, reference, total - offset)
                if count_less(absolute(distance), limit) > 0:
                    base = gain * reference
                    if not any_near(total, base + offset, distance, limit):
                        continue
                    distances_of_taps(ring, slots, starts, takers, places, weights, flushes, flushing, aside, row, x,
                                      middle, middles[0])  # fmt: skip
                    anew = base + load(zero, aside, 0, 0) + offset
                    store(out, y + row * step, x, where_near(total, base + offset, distance, limit, anew))
