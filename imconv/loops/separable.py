"""Correlation with a sum of outer products of a column and a row: the columns first, on source rows, four rows at once."""

from numba.extending import register_jitable

from .lanewise import absolute, any_near, fma, where_near
from .line import clear_aside, load_line, pad_line, set_aside, store_sums, with_aside
from .settle import distances_along, distances_of_rows
from .sizes import SEPARABLE_ROWS as ROWS
from .vector import broadcast, lanes, load, prefetch, zeros

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
    block = first
    while block < last:  # a range whose step is a variable can raise
        for y in range(block, min(block + step, last)):
            for j in range(tap_rows.size):
                slots[j] = rows[min(y * stride_y + tap_rows[j], rows.size - 1)]
            for r in range(ROWS):
                tap_row = tap_rows[max(tap_rows.size - ROWS + r, 0)]
                coming[r] = rows[min((y + ROWS * step) * stride_y + tap_row, rows.size - 1)]
            for term in range(folds.size):
                blend_rows(src, slots, takers, flushes, flushing, aside, weights, term, slots.size, coming, lines, ROWS * term,
                           1, start, samples, plain, one, -one, middles, rules)  # fmt: skip
                for r in range(ROWS * term, ROWS * term + ROWS):
                    if stride_x == 1:
                        pad_line(lines, r, columns, lead, channels, samples, edges[term])
                    else:
                        load_line(
                            lines, r, r, lines, blended + r, columns, lead, channels, samples, stride_x, edges[term]
                        )
            blend_columns(
                lines, top_line, places, row_weights, folds, run, group, aside, out, y - first, step, bias, divisor, top,
                middles[0], rules,
            )  # fmt: skip
        block += ROWS * step


@register_jitable
def blend_rows(
    src, slots, takers, flushes, flushing, aside, weights, term, count, coming, out, y, step, start, samples,
    bias, divisor, top, middles, rules,
):  # fmt: skip
    """Weighted sums of `count` source rows, finished and stored in rows y, y + step, ... of `out` from `start` on.

    `coming` source rows are fetched meanwhile: the CPU does not foresee a jump to rows further down. Sums near the rows
    `middles` are made anew by the first of the `rules`.
    """
    zero = zeros(weights[0, 0, 0])
    wide = max(samples, lanes(zero))
    x = 0
    while x < wide:
        x = min(x, wide - lanes(zero))
        a, b, c, d = zero, zero, zero, zero
        if flushing:
            clear_aside(aside)
        for j in range(count):
            source = load(zero, src, slots[j], x)
            if j < coming.size:
                prefetch(zero, src, coming[j], x)
            taken = takers[j]
            if taken == ALL:
                a = fma(broadcast(weights[term, j, 0]), source, a)
                b = fma(broadcast(weights[term, j, 1]), source, b)
                c = fma(broadcast(weights[term, j, 2]), source, c)
                d = fma(broadcast(weights[term, j, 3]), source, d)
            else:
                if taken & 1:
                    a = fma(broadcast(weights[term, j, 0]), source, a)
                if taken & 2:
                    b = fma(broadcast(weights[term, j, 1]), source, b)
                if taken & 4:
                    c = fma(broadcast(weights[term, j, 2]), source, c)
                if taken & 8:
                    d = fma(broadcast(weights[term, j, 3]), source, d)
            if flushing and flushes[j]:
                a = set_aside(aside, 0, flushes[j], a)
                b = set_aside(aside, 1, flushes[j], b)
                c = set_aside(aside, 2, flushes[j], c)
                d = set_aside(aside, 3, flushes[j], d)
        if flushing:
            a, b = with_aside(aside, 0, a), with_aside(aside, 1, b)
            c, d = with_aside(aside, 2, c), with_aside(aside, 3, d)
        if rules[0, 1] > 0:
            a = _settled_down(a, src, slots, takers, flushes, flushing, aside, weights, 0, count, x, middles, rules)
            b = _settled_down(b, src, slots, takers, flushes, flushing, aside, weights, 1, count, x, middles, rules)
            c = _settled_down(c, src, slots, takers, flushes, flushing, aside, weights, 2, count, x, middles, rules)
            d = _settled_down(d, src, slots, takers, flushes, flushing, aside, weights, 3, count, x, middles, rules)
        store_sums(a, out, y, start + x, bias, divisor, top)
        if y + step < out.shape[0]:
            store_sums(b, out, y + step, start + x, bias, divisor, top)
        if y + 2 * step < out.shape[0]:
            store_sums(c, out, y + 2 * step, start + x, bias, divisor, top)
        if y + 3 * step < out.shape[0]:
            store_sums(d, out, y + 3 * step, start + x, bias, divisor, top)
        x += lanes(zero)


@register_jitable
def blend_columns(
    lines, top_line, places, weights, folds, run, group, aside, out, y, step, bias, divisor, top, compared, rules
):
    """The blended lines under the rows of taps, finished and stored in rows y, y + step, ... of `out`.

    Sums near what lies under tap `compared` are made anew by the second of the `rules`.
    """
    zero = zeros(bias)
    taps = places.size
    x = 0
    while x < out.shape[1]:
        x = min(x, out.shape[1] - lanes(zero))
        a, b, c, d = zero, zero, zero, zero
        if run:
            clear_aside(aside)
        for term in range(folds.size):
            line = top_line + ROWS * term
            fold = folds[term]
            half = taps // 2 if fold else taps
            for k in range(half):
                weight = broadcast(weights[term, k])
                near = x + places[k]
                if fold == SYMMETRIC:
                    far = x + places[taps - 1 - k]
                    a = fma(weight, load(zero, lines, line, near) + load(zero, lines, line, far), a)
                    b = fma(weight, load(zero, lines, line + 1, near) + load(zero, lines, line + 1, far), b)
                    c = fma(weight, load(zero, lines, line + 2, near) + load(zero, lines, line + 2, far), c)
                    d = fma(weight, load(zero, lines, line + 3, near) + load(zero, lines, line + 3, far), d)
                elif fold == ANTISYMMETRIC:
                    far = x + places[taps - 1 - k]
                    a = fma(weight, load(zero, lines, line, near) - load(zero, lines, line, far), a)
                    b = fma(weight, load(zero, lines, line + 1, near) - load(zero, lines, line + 1, far), b)
                    c = fma(weight, load(zero, lines, line + 2, near) - load(zero, lines, line + 2, far), c)
                    d = fma(weight, load(zero, lines, line + 3, near) - load(zero, lines, line + 3, far), d)
                else:
                    a = fma(weight, load(zero, lines, line, near), a)
                    b = fma(weight, load(zero, lines, line + 1, near), b)
                    c = fma(weight, load(zero, lines, line + 2, near), c)
                    d = fma(weight, load(zero, lines, line + 3, near), d)
                if run and (k + 1) % run == 0:
                    ready = ALL | (ALL << ROWS if group and (k + 1) % group == 0 else 0)
                    a, b = set_aside(aside, 0, ready, a), set_aside(aside, 1, ready, b)
                    c, d = set_aside(aside, 2, ready, c), set_aside(aside, 3, ready, d)
            if fold and taps % 2:
                weight = broadcast(weights[term, half])
                middle = x + places[half]
                a = fma(weight, load(zero, lines, line, middle), a)
                b = fma(weight, load(zero, lines, line + 1, middle), b)
                c = fma(weight, load(zero, lines, line + 2, middle), c)
                d = fma(weight, load(zero, lines, line + 3, middle), d)
        if run:
            a, b = with_aside(aside, 0, a), with_aside(aside, 1, b)
            c, d = with_aside(aside, 2, c), with_aside(aside, 3, d)
        if rules[1, 1] > 0:
            a = _settled_along(a, lines, top_line, x, places, weights, run, group, aside, compared, rules)
            b = _settled_along(b, lines, top_line + 1, x, places, weights, run, group, aside, compared, rules)
            c = _settled_along(c, lines, top_line + 2, x, places, weights, run, group, aside, compared, rules)
            d = _settled_along(d, lines, top_line + 3, x, places, weights, run, group, aside, compared, rules)
        store_sums(a, out, y, x, bias, divisor, top)
        if y + step < out.shape[0]:
            store_sums(b, out, y + step, x, bias, divisor, top)
        if y + 2 * step < out.shape[0]:
            store_sums(c, out, y + 2 * step, x, bias, divisor, top)
        if y + 3 * step < out.shape[0]:
            store_sums(d, out, y + 3 * step, x, bias, divisor, top)
        x += lanes(zero)


@register_jitable
def _settled_down(total, src, slots, takers, flushes, flushing, aside, weights, r, count, x, middles, rules):
    """A sum down the columns for output row `r`, made anew where it is near the sample it is compared with."""
    reference = load(total, src, slots[middles[1 + r]], x)
    base = broadcast(rules[0, 0]) * reference
    limit = fma(broadcast(rules[0, 1]), absolute(reference), broadcast(rules[0, 2]))
    if any_near(total, base, limit):
        distances_of_rows(src, slots, takers, flushes, flushing, aside, weights, r, count, x, middles[1 + r])
        total = where_near(total, base, limit, base + load(total, aside, 0, 0))
    return total


@register_jitable
def _settled_along(total, lines, line, x, places, weights, run, group, aside, compared, rules):
    """The same along a line."""
    reference = load(total, lines, line, x + places[compared])
    base = broadcast(rules[1, 0]) * reference
    limit = fma(broadcast(rules[1, 1]), absolute(reference), broadcast(rules[1, 2]))
    if any_near(total, base, limit):
        distances_along(lines, line, x, places, weights, run, group, aside, compared)
        total = where_near(total, base, limit, base + load(total, aside, 0, 0))
    return total
