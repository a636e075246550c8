"""Lines: one padded row of the picture as floats, its columns sorted by stride phase so that every tap is contiguous.

A padded row of `columns.size` pixels with stride `s` is kept as `s` phases, one behind another; phase `p` holds pixels
p, p + s, p + 2 s, ... Output x, tap l reads pixel x * s + l * d: phase (l * d) % s, place x + (l * d) // s.
Rows of the picture and of the result are at least LANES samples wide (narrower ones come padded), so that the last
vector of a row can end where the row ends; lines have room for one vector more.
"""

from numba.extending import register_jitable

from .vector import LANES, broadcast, load, maximum, minimum, store, zeros


@register_jitable
def load_line(src, row, lines, slot, columns, lead, channels, samples, stride, fill):
    """Widen row `row` of `src` into line `slot`; where `columns` is -1 stands `fill`, a value for each channel.

    The picture's own columns begin at padded column `lead` and are `samples` samples.
    """
    total = columns.size
    if stride == 1:
        copy_row(src, row, lines, slot, lead * channels, samples, fill)
        for j in range(min(lead, total)):
            _load_pixel(src, row, lines, slot, j * channels, columns[j], channels, fill)
        for j in range(lead + samples // channels, total):
            _load_pixel(src, row, lines, slot, j * channels, columns[j], channels, fill)
        return
    at = 0
    for phase in range(stride):
        for j in range(phase, total, stride):
            _load_pixel(src, row, lines, slot, at, columns[j], channels, fill)
            at += channels


@register_jitable
def copy_row(src, row, lines, slot, start, samples, like):
    """Copy a row as floats of the type of `like` into a line from `start` on; what follows it in the line is lost."""
    zero = zeros(like[0])
    wide = max(samples, LANES)
    x = 0
    while x < wide:
        x = min(x, wide - LANES)
        store(lines, slot, start + x, load(zero, src, row, x))
        x += LANES


@register_jitable
def pad_line(lines, slot, columns, lead, channels, samples, fill):
    """Fill the margins of a line from its own middle, as `load_line` would have."""
    for j in range(min(lead, columns.size)):
        _copy_pixel(lines, slot, j, columns[j], lead, channels, fill)
    for j in range(lead + samples // channels, columns.size):
        _copy_pixel(lines, slot, j, columns[j], lead, channels, fill)


@register_jitable
def _load_pixel(src, row, lines, slot, at, column, channels, fill):
    for c in range(channels):
        if column >= 0:
            lines[slot, at + c] = src[row, column * channels + c]
        else:
            lines[slot, at + c] = fill[c]


@register_jitable
def _copy_pixel(lines, slot, j, column, lead, channels, fill):
    for c in range(channels):
        if column >= 0:
            lines[slot, j * channels + c] = lines[slot, (lead + column) * channels + c]
        else:
            lines[slot, j * channels + c] = fill[c]


@register_jitable
def clear_aside(aside):
    """Begin new sums: `aside` (8, LANES) holds each output row's finished runs, and below them its finished groups."""
    for r in range(aside.shape[0]):
        store(aside, r, 0, zeros(aside[0, 0]))


@register_jitable
def set_aside(aside, r, ready, total):
    """Put row r's running sum with its finished runs; where its group is finished too (bit r + 4), those with the groups."""
    run = load(total, aside, r, 0) + total
    if ready >> (r + 4) & 1:
        store(aside, r + 4, 0, load(total, aside, r + 4, 0) + run)
        store(aside, r, 0, zeros(aside[0, 0]))
    else:
        store(aside, r, 0, run)


@register_jitable
def with_aside(aside, r, total):
    """Row r's whole sum."""
    return load(total, aside, r + 4, 0) + (load(total, aside, r, 0) + total)


@register_jitable
def store_sums(sums, out, y, x, bias, divisor, top):
    """Finish a vector of sums and write it: divide, and for integers (`top` >= 0) round half up and saturate to 0..top.

    Integers: `floor((sum + bias) / divisor)`. With whole-number sums the bias `divisor // 2 + 0.5 + offset` keeps the
    quotient at least half a step away from the next integer, further than float error reaches. What is below 0
    saturates, so truncation is as good as floor.
    """
    if top >= 0:
        one = broadcast(divisor) / broadcast(divisor)
        value = (sums + broadcast(bias)) * (one / broadcast(divisor))
        store(out, y, x, minimum(maximum(value, zeros(bias)), broadcast(top)))
    elif bias == 0 and divisor == 1:
        store(out, y, x, sums)
    else:
        store(out, y, x, (sums + broadcast(bias)) / broadcast(divisor))
