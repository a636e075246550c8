"""Correlation with any 2-D kernel: four output rows at once share every source vector they load."""

from numba.extending import register_jitable

from .line import load_line, store_sums
from .vector import LANES, broadcast, fma, load, zeros

ROWS = 4


def correlate_dense(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    step, tap_rows, flushes, shared, shared_places, shared_weights, single, single_places, single_weights,
    ring, held, slots,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result.

    src : (rows, pitch)          source rows, interleaved; `samples` of each count
    rows, columns : (span,)      the source row or column behind each padded one; columns may be -1, for `fill`
    lead                         the padded column at which the source's own begin
    step                         distance of the output rows worked on together
    tap_rows : (n,)              padded source rows to visit, counted from the first output row's
    shared : (n + 1,)            which shared taps belong to each: a place in the line, and a weight for each output row
    single : (n, ROWS + 1)       which taps are for one output row alone
    flushes : (n,)               output rows (bits) whose sums are complete enough to be set aside, which keeps sums
                                 short and rounding small
    ring, held : (lines, line)   lines kept from one output row to the next, and which padded row each holds
    """
    for i in range(held.size):
        held[i] = -1
    last = first + out.shape[0]
    for block in range(first, last, ROWS * step):
        for y in range(block, min(block + step, last)):
            for j in range(tap_rows.size):
                padded = min(y * stride_y + tap_rows[j], rows.size - 1)
                slot = padded % held.size
                slots[j] = slot
                if held[slot] != padded:
                    held[slot] = padded
                    load_line(src, rows[padded], ring, slot, columns, lead, channels, samples, stride_x, fill)
            x = 0
            while x < out.shape[1]:
                x = min(x, out.shape[1] - LANES)
                _tile(ring, slots, shared, shared_places, shared_weights, single, single_places, single_weights,
                      flushes, out, y - first, step, x, bias, divisor, top)  # fmt: skip
                x += LANES


@register_jitable
def _tile(
    ring, slots, shared, shared_places, shared_weights, single, single_places, single_weights,
    flushes, out, y, step, x, bias, divisor, top,
):  # fmt: skip
    zero = zeros(bias)
    a, b, c, d = zero, zero, zero, zero
    sum_a, sum_b, sum_c, sum_d = zero, zero, zero, zero
    for j in range(slots.size):
        slot = slots[j]
        for t in range(shared[j], shared[j + 1]):
            source = load(zero, ring, slot, x + shared_places[t])
            a = fma(broadcast(shared_weights[t, 0]), source, a)
            b = fma(broadcast(shared_weights[t, 1]), source, b)
            c = fma(broadcast(shared_weights[t, 2]), source, c)
            d = fma(broadcast(shared_weights[t, 3]), source, d)
        if single[j, 0] < single[j, ROWS]:
            for t in range(single[j, 0], single[j, 1]):
                a = fma(broadcast(single_weights[t]), load(zero, ring, slot, x + single_places[t]), a)
            for t in range(single[j, 1], single[j, 2]):
                b = fma(broadcast(single_weights[t]), load(zero, ring, slot, x + single_places[t]), b)
            for t in range(single[j, 2], single[j, 3]):
                c = fma(broadcast(single_weights[t]), load(zero, ring, slot, x + single_places[t]), c)
            for t in range(single[j, 3], single[j, 4]):
                d = fma(broadcast(single_weights[t]), load(zero, ring, slot, x + single_places[t]), d)
        ready = flushes[j]
        if ready:
            if ready & 1:
                sum_a, a = sum_a + a, zero
            if ready & 2:
                sum_b, b = sum_b + b, zero
            if ready & 4:
                sum_c, c = sum_c + c, zero
            if ready & 8:
                sum_d, d = sum_d + d, zero
    store_sums(sum_a + a, out, y, x, bias, divisor, top)
    if y + step < out.shape[0]:
        store_sums(sum_b + b, out, y + step, x, bias, divisor, top)
    if y + 2 * step < out.shape[0]:
        store_sums(sum_c + c, out, y + 2 * step, x, bias, divisor, top)
    if y + 3 * step < out.shape[0]:
        store_sums(sum_d + d, out, y + 3 * step, x, bias, divisor, top)
