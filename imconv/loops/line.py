"""Lines: one padded row of the picture as floats, its columns sorted by stride phase so that every tap is contiguous.

A padded row of `columns.size` pixels with stride `s` is kept as `s` phases, one behind another; phase `p` holds pixels
p, p + s, p + 2 s, ... Output x, tap l reads pixel x * s + l * d: phase (l * d) % s, place x + (l * d) // s.
"""

import numpy as np
from numba.extending import register_jitable


@register_jitable
def load_line(row, line, columns, lead, channels, stride, fill, weighted):
    """Widen `row` (interleaved samples) into `line`; where `columns` is -1 stands `fill`.

    The picture's own columns begin at padded column `lead`. With `weighted`, colours are multiplied by alpha, the last
    channel; `fill` then comes multiplied.
    """
    pixels = row.size // channels
    total = columns.size
    end = min(lead + pixels, total)
    if stride == 1:
        base = lead * channels
        for i in range((end - lead) * channels):
            line[base + i] = row[i]
        for j in range(min(lead, total)):
            _load_pixel(row, line, j * channels, columns[j], channels, fill)
        for j in range(max(end, lead), total):
            _load_pixel(row, line, j * channels, columns[j], channels, fill)
    else:
        at = 0
        for phase in range(stride):
            for j in range(phase, total, stride):
                _load_pixel(row, line, at, columns[j], channels, fill)
                at += channels
    if weighted:
        _weigh(line, columns, channels, stride)


@register_jitable
def _load_pixel(row, line, at, column, channels, fill):
    for c in range(channels):
        if column >= 0:
            line[at + c] = row[column * channels + c]
        else:
            line[at + c] = fill[c]


@register_jitable
def _weigh(line, columns, channels, stride):
    at = 0
    for phase in range(stride):
        for j in range(phase, columns.size, stride):
            if columns[j] >= 0:
                alpha = line[at + channels - 1]
                for c in range(channels - 1):
                    line[at + c] *= alpha
            at += channels


@register_jitable
def store_line(sums, out, bias, divisor, top):
    """Finish a row of sums: divide, and for integers (`top` >= 0) round half up and saturate to 0..top.

    Integers: `floor((sum + bias) / divisor)`. With whole-number sums the bias `divisor // 2 + 0.5 + offset` keeps the
    quotient at least half a step away from the next integer, further than float error reaches.
    """
    zero = sums.dtype.type(0)
    if top >= zero:
        scale = sums.dtype.type(1) / divisor
        for i in range(out.size):
            value = np.floor((sums[i] + bias) * scale)
            value = value if value > zero else zero
            out[i] = value if value < top else top
    else:
        for i in range(out.size):
            out[i] = (sums[i] + bias) / divisor
