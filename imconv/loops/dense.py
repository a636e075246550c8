"""Correlation with any 2-D kernel: six output rows at once share every source vector they load."""

from numba.extending import register_jitable

from .lanewise import absolute, any_near, fma, where_near
from .line import clear_aside, load_line, set_aside, store_sums, with_aside
from .settle import distances_of_taps
from .sizes import DENSE_ROWS as ROWS
from .vector import broadcast, lanes, load, zeros


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
    x = 0
    while x < out.shape[1]:
        x = min(x, out.shape[1] - lanes(zero))
        a, b, c, d, e, f = zero, zero, zero, zero, zero, zero
        if flushing:
            clear_aside(aside)
        for j in range(slots.size):
            slot = slots[j]
            if whole[j]:
                for t in range(starts[j], starts[j + 1]):
                    source = load(zero, ring, slot, x + places[t])
                    a = fma(broadcast(weights[t, 0]), source, a)
                    b = fma(broadcast(weights[t, 1]), source, b)
                    c = fma(broadcast(weights[t, 2]), source, c)
                    d = fma(broadcast(weights[t, 3]), source, d)
                    e = fma(broadcast(weights[t, 4]), source, e)
                    f = fma(broadcast(weights[t, 5]), source, f)
            else:
                for t in range(starts[j], starts[j + 1]):
                    source = load(zero, ring, slot, x + places[t])
                    if takers[t] & 1:
                        a = fma(broadcast(weights[t, 0]), source, a)
                    if takers[t] & 2:
                        b = fma(broadcast(weights[t, 1]), source, b)
                    if takers[t] & 4:
                        c = fma(broadcast(weights[t, 2]), source, c)
                    if takers[t] & 8:
                        d = fma(broadcast(weights[t, 3]), source, d)
                    if takers[t] & 16:
                        e = fma(broadcast(weights[t, 4]), source, e)
                    if takers[t] & 32:
                        f = fma(broadcast(weights[t, 5]), source, f)
            if flushing and flushes[j]:
                a = set_aside(aside, 0, flushes[j], a)
                b = set_aside(aside, 1, flushes[j], b)
                c = set_aside(aside, 2, flushes[j], c)
                d = set_aside(aside, 3, flushes[j], d)
                e = set_aside(aside, 4, flushes[j], e)
                f = set_aside(aside, 5, flushes[j], f)
        if flushing:
            a, b = with_aside(aside, 0, a), with_aside(aside, 1, b)
            c, d = with_aside(aside, 2, c), with_aside(aside, 3, d)
            e, f = with_aside(aside, 4, e), with_aside(aside, 5, f)
        if rule[1] > 0:
            a = _settled_row(
                a, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 0, x, middles, rule
            )
            b = _settled_row(
                b, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 1, x, middles, rule
            )
            c = _settled_row(
                c, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 2, x, middles, rule
            )
            d = _settled_row(
                d, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 3, x, middles, rule
            )
            e = _settled_row(
                e, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 4, x, middles, rule
            )
            f = _settled_row(
                f, ring, slots, starts, takers, places, weights, flushes, flushing, aside, 5, x, middles, rule
            )
        store_sums(a, out, y, x, bias, divisor, top)
        if y + step < out.shape[0]:
            store_sums(b, out, y + step, x, bias, divisor, top)
        if y + 2 * step < out.shape[0]:
            store_sums(c, out, y + 2 * step, x, bias, divisor, top)
        if y + 3 * step < out.shape[0]:
            store_sums(d, out, y + 3 * step, x, bias, divisor, top)
        if y + 4 * step < out.shape[0]:
            store_sums(e, out, y + 4 * step, x, bias, divisor, top)
        if y + 5 * step < out.shape[0]:
            store_sums(f, out, y + 5 * step, x, bias, divisor, top)
        x += lanes(zero)


@register_jitable
def _settled_row(
    total, ring, slots, starts, takers, places, weights, flushes, flushing, aside, r, x, middles, rule
):  # fmt: skip
    """A sum of output row `r`, made anew where it is near the sample it is compared with."""
    middle = middles[1 + r]
    reference = load(total, ring, slots[middle], x + middles[0])
    base = broadcast(rule[0]) * reference
    limit = fma(broadcast(rule[1]), absolute(reference), broadcast(rule[2]))
    if any_near(total, base, limit):
        distances_of_taps(
            ring, slots, starts, takers, places, weights, flushes, flushing, aside, r, x, middle, middles[0]
        )
        total = where_near(total, base, limit, base + load(total, aside, 0, 0))
    return total
