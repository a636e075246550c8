"""Lines: one padded row of the picture as floats, its columns sorted by stride phase so that every tap is contiguous.

A padded row of `columns.size` pixels with stride `s` is kept as `s` phases, one behind another; phase `p` holds pixels
p, p + s, p + 2 s, ... Output x, tap l reads pixel x * s + l * d: phase (l * d) % s, place x + (l * d) // s.
Rows of the picture and of the result are at least one vector wide (narrower ones come padded), so that the last
vector of a row can end where the row ends; lines have room for one vector more.
"""

from numba.extending import register_jitable

from .lanewise import evens, floor, fma, maximum, minimum, where_less
from .several import each
from .vector import broadcast, four, lanes, load, prefetch, short_zeros, store, zeros


@register_jitable
def load_line(src, row, coming, lines, slot, columns, lead, channels, samples, stride, fill):
    """Widen row `row` of `src` into line `slot`; where `columns` is -1 stands `fill`, a value for each channel.

    The picture's own columns begin at padded column `lead` and are `samples` samples. Row `coming` is fetched meanwhile.
    """
    total = columns.size
    if stride == 1:
        copy_row(src, row, coming, lines, slot, lead * channels, samples, fill)
        pad_line(lines, slot, columns, lead, channels, samples, fill)
        return
    at = 0
    inside, beyond = min(lead, total), min(lead + samples // channels, total)
    for phase in range(stride):
        j = phase
        while j < inside:
            copy_pixel(src, row, lines, slot, at, columns[j], channels, fill)
            at += channels
            j += stride
        count = max(0, (beyond - j + stride - 1) // stride)
        start = (j - lead) * channels
        _take_pixels(src, row, start, lines, slot, at, count, stride, channels, samples)
        at += count * channels
        j += count * stride
        while j < total:
            copy_pixel(src, row, lines, slot, at, columns[j], channels, fill)
            at += channels
            j += stride


@register_jitable
def _take_pixels(src, row, start, lines, slot, at, count, stride, channels, samples):
    """Every `stride`-th pixel of the row from sample `start` on, `count` of them, into a line from `at` on."""
    i = 0
    if channels == 1 and stride == 2:
        like = short_zeros(lines[0, 0])
        while start + 2 * (i + lanes(like)) <= samples:
            both = start + 2 * i
            store(lines, slot, at + i, evens(load(like, src, row, both), load(like, src, row, both + lanes(like))))
            i += lanes(like)
    elif 1 < channels <= 4:  # a pixel and what follows it, which the next pixel is written over
        pixel = four(lines[0, 0])
        while i < count - 1:
            store(lines, slot, at + i * channels, load(pixel, src, row, start + i * stride * channels))
            i += 1
    while i < count:
        for c in range(channels):
            lines[slot, at + i * channels + c] = src[row, start + i * stride * channels + c]
        i += 1


@register_jitable
def copy_row(src, row, coming, lines, slot, start, samples, like):
    """Copy a row as floats of the type of `like` into a line from `start` on; what follows it in the line is lost."""
    zero = zeros(like[0])
    wide = max(samples, lanes(zero))
    for begin in range(0, wide, lanes(zero)):
        x = min(begin, wide - lanes(zero))
        prefetch(zero, src, coming, x)
        store(lines, slot, start + x, load(zero, src, row, x))


@register_jitable
def pad_line(lines, slot, columns, lead, channels, samples, fill):
    """Fill the margins of a line from its own middle: the picture's pixels, from padded column `lead` on."""
    _pad(lines, slot, columns, 0, min(lead, columns.size), lead, channels, fill)
    _pad(lines, slot, columns, lead + samples // channels, columns.size, lead, channels, fill)


@register_jitable
def _pad(lines, slot, columns, begin, end, lead, channels, fill):
    j = begin
    if channels == 1:
        while j < end:
            column = columns[j]
            lines[slot, j] = lines[slot, lead + column] if column >= 0 else fill[0]
            j += 1
    elif channels <= 4:  # a pixel and what follows it, which the next pixel is written over
        pixel = four(lines[0, 0])
        while j < end - 1:
            if columns[j] >= 0:
                store(lines, slot, j * channels, load(pixel, lines, slot, (lead + columns[j]) * channels))
            else:
                copy_pixel(lines, slot, lines, slot, j * channels, -1, channels, fill)
            j += 1
    while j < end:
        copy_pixel(lines, slot, lines, slot, j * channels, lead + columns[j] if columns[j] >= 0 else -1, channels, fill)
        j += 1


@register_jitable
def copy_pixel(src, row, lines, slot, at, column, channels, fill):
    """Pixel `column` of a row, or `fill` where that is -1, into a line from `at` on."""
    for c in range(channels):
        if column >= 0:
            lines[slot, at + c] = src[row, column * channels + c]
        else:
            lines[slot, at + c] = fill[c]


@each
def add_tap(total, row, source, weights, tap):
    """Add a vector to the sums of all output rows, each with its own weight."""
    return fma(broadcast(weights[tap, row]), source, total)


@each
def add_tap_to_takers(total, row, source, weights, tap, takers):
    """The same for those output rows that `takers` has bits for."""
    return fma(broadcast(weights[tap, row]), source, total) if takers >> row & 1 else total


@register_jitable
def clear_aside(aside):
    """Begin new sums: `aside` (2 * rows, samples) holds each output row's finished runs, and below them its finished groups."""
    for r in range(aside.shape[0]):
        store(aside, r, 0, zeros(aside[0, 0]))


@each
def set_aside(aside, r, ready, total):
    """Put row r's running sum with its finished runs if that is `ready` (bit r), and begin a new one, which is returned.

    Where its group is ready too (bit r + rows), the finished runs go to the groups.
    """
    rows = aside.shape[0] // 2
    if not ready >> r & 1:
        return total
    run = load(total, aside, r, 0) + total
    zero = zeros(aside[0, 0])
    if ready >> (r + rows) & 1:
        store(aside, r + rows, 0, load(total, aside, r + rows, 0) + run)
        store(aside, r, 0, zero)
    else:
        store(aside, r, 0, run)
    return zero


@each
def with_aside(aside, r, total):
    """Row r's whole sum."""
    return load(total, aside, r + aside.shape[0] // 2, 0) + (load(total, aside, r, 0) + total)


@register_jitable
def store_sums(sums, out, y, x, bias, divisor, top):
    """Finish a vector of sums and write it: divide, and for integers (`top` >= 0) round half up and saturate to 0..top.

    Integers: `floor((sum + bias) / divisor)`, for a divisor of 1 with the bias `0.5 + offset`, else with whole-number
    sums and the whole bias `divisor // 2 + offset`. A divisor below 1 is its own reciprocal, where a product is exact:
    `floor(sum * divisor + bias)`. What is below 0 saturates, so truncation is as good as floor.
    """
    if top >= 0:
        zero = zeros(bias)
        if divisor <= 1:
            value = fma(sums, broadcast(divisor), broadcast(bias))
        else:
            value = _quotient(maximum(sums + broadcast(bias), zero), divisor)
        store(out, y, x, minimum(maximum(value, zero), broadcast(top)))
    elif bias == 0 and divisor == 1:
        store(out, y, x, sums)
    else:
        store(out, y, x, (sums + broadcast(bias)) / broadcast(divisor))


@each
def store_rows(sums, row, out, y, step, x, bias, divisor, top):
    """As `store_sums`, rows y, y + step, ... of `out`, of those that it has."""
    if y + row * step < out.shape[0]:
        store_sums(sums, out, y + row * step, x, bias, divisor, top)


@register_jitable
def _quotient(value, divisor):
    """`floor(value / divisor)` of whole numbers from 0 to 2^24 (float64: 2^53), exactly.

    The product with the reciprocal may be off by one; the remainder, which fma gives exactly, tells.
    """
    by = broadcast(divisor)
    one = by / by
    zero = by - by
    quotient = floor(value * (one / by))
    remainder = fma(zero - quotient, by, value)
    quotient = where_less(remainder, zero, quotient - one, quotient)
    return where_less(remainder, by, quotient, quotient + one)
