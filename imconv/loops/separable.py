"""Correlation with a sum of outer products of a column and a row: the columns first, on source rows, four rows at once."""

from numba.extending import register_jitable

from .lanewise import absolute, any_near, count_less, fma, holds_floats, where_near
from .line import add_tap, add_tap_to_takers, clear_aside, load_line, pad_line, set_aside, store_rows, with_aside
from .settle import distances_along, distances_of_rows
from .several import each
from .sizes import SEPARABLE_ROWS as ROWS
from .vector import broadcast, lanes, load, prefetch, store, zeros

NUMBERS = tuple(range(ROWS))
ALL = (1 << ROWS) - 1  # the bits of all of them
SYMMETRIC, ANTISYMMETRIC = 1, -1


def correlate_separable(
    src, samples, channels, rows, columns, lead, fill, stride_y, stride_x, first, out, bias, divisor, top,
    step, tap_rows, takers, flushes, flushing, weights, places, row_weights, folds, run, group, edges, middles, rules, slots, coming, lines, aside,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the result; arguments as in `correlate_dense`, and

    tap_rows : (n,)                 padded source rows to visit
    weights : (terms, n, ROWS)      each one's weight in each output row, for each outer product
    takers : (n,)                   which output rows (bits) take it
    places : (taps,)                where each tap of the rows begins to read
    row_weights : (terms, taps)
    folds : (terms,)                1 where the row is symmetric, -1 where it is antisymmetric
    flushing                        whether any of `flushes` is not 0
    run, group                      horizontal products summed before they, and those sums, are set aside
    edges : (terms, channels)       what `fill` becomes under the columns
    middles : (1 + ROWS,)           the tap of the rows that sums are compared with (see settle.py), and for each output row the
                                    visited row that is
    rules : (2, 3)                  of the columns and the rows: the sum of the weights; what is near, as a share, and at least;
                                    0 and 0 where nothing is summed anew
    lines : (terms * ROWS, line)    the blended rows; twice as many where the stride makes phases
    slots, coming                   scratch: source rows of this pass, and new ones of the next
    aside : (2 * ROWS, samples)     sums set aside
    """
    plain, one = weights.dtype.type(0), weights.dtype.type(1)
    last = first + out.shape[0]
    start = lead * channels if stride_x == 1 else 0
    blended = ROWS * folds.size
    top_line = 0 if stride_x == 1 else blended
    down, along = holds_floats(out) and rules[0, 1] > 0, holds_floats(out) and rules[1, 1] > 0
    block = first
    while block < last:  # a range whose step is a variable can raise
        for y in range(block, min(block + step, last)):
            for j in range(tap_rows.size):
                slots[j] = rows[min(y * stride_y + tap_rows[j], rows.size - 1)]
            for r in range(ROWS):
                tap_row = tap_rows[max(tap_rows.size - ROWS + r, 0)]
                coming[r] = rows[min((y + ROWS * step) * stride_y + tap_row, rows.size - 1)]
            for term in range(folds.size):
                blend_rows(src, slots, takers, flushes, flushing, aside, weights[term], slots.size, coming, lines, ROWS * term,
                           1, start, samples, plain, one, -one, middles, rules, down)  # fmt: skip
                for r in range(ROWS * term, ROWS * term + ROWS):
                    if stride_x == 1:
                        pad_line(lines, r, columns, lead, channels, samples, edges[term])
                    else:
                        load_line(
                            lines, r, r, lines, blended + r, columns, lead, channels, samples, stride_x, edges[term]
                        )
            blend_columns(
                lines, top_line, places, row_weights, folds, run, group, aside, out, y - first, step, bias, divisor, top,
                middles[0], rules, along,
            )  # fmt: skip
        block += ROWS * step


@register_jitable
def blend_rows(
    src, slots, takers, flushes, flushing, aside, weights, count, coming, out, y, step, start, samples,
    bias, divisor, top, middles, rules, settling,
):  # fmt: skip
    """Weighted sums of `count` source rows, finished and stored in rows y, y + step, ... of `out` from `start` on.

    `coming` source rows are fetched meanwhile: the CPU does not foresee a jump to rows further down. Sums near the rows
    `middles` are made anew by the first of the `rules`, if `settling`.
    """
    zero = zeros(weights[0, 0])
    gain, share, least = broadcast(rules[0, 0]), broadcast(rules[0, 1]), broadcast(rules[0, 2])
    opposite = zero - gain
    wide = max(samples, lanes(zero))
    for begin in range(0, wide, lanes(zero)):
        x = min(begin, wide - lanes(zero))
        totals = (zero, zero, zero, zero)
        if flushing:
            clear_aside(aside)
        for j in range(count):
            source = load(zero, src, slots[j], x)
            if j < coming.size:
                prefetch(zero, src, coming[j], x)
            if takers[j] == ALL:
                totals = add_tap(totals, NUMBERS, source, weights, j)
            else:
                totals = add_tap_to_takers(totals, NUMBERS, source, weights, j, takers[j])
            if flushing and flushes[j]:
                totals = set_aside(aside, NUMBERS, flushes[j], totals)
        if flushing:
            totals = with_aside(aside, NUMBERS, totals)
        store_rows(totals, NUMBERS, out, y, step, start + x, bias, divisor, top)
        if settling:
            for row in range(min(ROWS, (out.shape[0] - y + step - 1) // step)):
                reference = load(zero, src, slots[middles[1 + row]], x)
                total = load(zero, out, y + row * step, start + x)
                limit = fma(share, absolute(reference), least)
                distance = fma(opposite, reference, total)
                if count_less(absolute(distance), limit) > 0:
                    base = gain * reference
                    if not any_near(total, base, distance, limit):
                        continue
                    distances_of_rows(
                        src, slots, takers, flushes, flushing, aside, weights, row, count, x, middles[1 + row]
                    )
                    anew = base + load(zero, aside, 0, 0)
                    store(out, y + row * step, start + x, where_near(total, base, distance, limit, anew))


@register_jitable
def blend_columns(
    lines, top_line, places, weights, folds, run, group, aside, out, y, step, bias, divisor, top,
    compared, rules, settling,
):  # fmt: skip
    """The blended lines under the rows of taps, finished and stored in rows y, y + step, ... of `out`.

    Sums near what lies under tap `compared` are made anew by the second of the `rules`, if `settling`.
    """
    zero = zeros(bias)
    gain, share, least, offset = broadcast(rules[1, 0]), broadcast(rules[1, 1]), broadcast(rules[1, 2]), broadcast(bias)
    opposite = zero - gain
    taps = places.size
    for begin in range(0, out.shape[1], lanes(zero)):
        x = min(begin, out.shape[1] - lanes(zero))
        totals = (zero, zero, zero, zero)
        if run:
            clear_aside(aside)
        for term in range(folds.size):
            line = top_line + ROWS * term
            fold = folds[term]
            half = taps // 2 if fold else taps
            for k in range(half):
                weight = broadcast(weights[term, k])
                near, far = x + places[k], x + places[taps - 1 - k]
                if fold == SYMMETRIC:
                    totals = _add_both(totals, weight, lines, line, NUMBERS, near, far)
                elif fold == ANTISYMMETRIC:
                    totals = _add_difference(totals, weight, lines, line, NUMBERS, near, far)
                else:
                    totals = _add(totals, weight, lines, line, NUMBERS, near)
                if run and (k + 1) % run == 0:
                    ready = ALL | (ALL << ROWS if group and (k + 1) % group == 0 else 0)
                    totals = set_aside(aside, NUMBERS, ready, totals)
            if fold and taps % 2:
                totals = _add(totals, broadcast(weights[term, half]), lines, line, NUMBERS, x + places[half])
        if run:
            totals = with_aside(aside, NUMBERS, totals)
        store_rows(totals, NUMBERS, out, y, step, x, bias, divisor, top)
        if settling:
            for row in range(min(ROWS, (out.shape[0] - y + step - 1) // step)):
                reference = load(zero, lines, top_line + row, x + places[compared])
                total = load(zero, out, y + row * step, x)
                limit = fma(share, absolute(reference), least)
                distance = fma(opposite, reference, total - offset)
                if count_less(absolute(distance), limit) > 0:
                    base = gain * reference
                    if not any_near(total, base + offset, distance, limit):
                        continue
                    distances_along(lines, top_line + row, x, places, weights, run, group, aside, compared)
                    anew = base + load(zero, aside, 0, 0) + offset
                    store(out, y + row * step, x, where_near(total, base + offset, distance, limit, anew))


@each
def _add(total, weight, lines, line, row, at):
    return fma(weight, load(total, lines, line + row, at), total)


@each
def _add_both(total, weight, lines, line, row, near, far):
    return fma(weight, load(total, lines, line + row, near) + load(total, lines, line + row, far), total)


@each
def _add_difference(total, weight, lines, line, row, near, far):
    return fma(weight, load(total, lines, line + row, near) - load(total, lines, line + row, far), total)
