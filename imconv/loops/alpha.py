"""Colour weighted by alpha: multiplied in before a filter, divided out after it."""

import numpy as np
from numba.extending import register_jitable


@register_jitable
def rounded(value, top):
    """A float64 rounded half up and saturated to 0..top; as it is where `top` is negative."""
    return value if top < 0 else min(max(np.floor(value + 0.5), 0.0), top)


def weigh(src, rows, channels, out):
    """`out[i] = src[rows[i]]` with colours multiplied by alpha, the last channel. src, out : (rows, samples)."""
    for i in range(rows.size):
        row = rows[i]
        for pixel in range(src.shape[1] // channels):
            at = pixel * channels
            alpha = out.dtype.type(src[row, at + channels - 1])
            for c in range(channels - 1):
                out[i, at + c] = out.dtype.type(src[row, at + c]) * alpha
            out[i, at + channels - 1] = alpha


def unweigh(sums, channels, total, offset, divisor, top, out, empty):
    """Finish alpha-weighted sums: `(total * colour / alpha + offset) / divisor`, and `alpha / divisor`.

    sums, out : (rows, samples)   integers are rounded half up and saturated to 0..top; floats (top < 0) are stored
    total                         the sum of the kernel's weights; total, offset and divisor are float64
    empty : (rows,)               set to 1 where a pixel has no weight left: its colours are not written
    """
    for y in range(sums.shape[0]):
        empty[y] = 0
        for pixel in range(sums.shape[1] // channels):
            at = pixel * channels
            last = at + channels - 1
            alpha = np.float64(sums[y, last])
            share = alpha * divisor
            if alpha > 0:
                for c in range(at, last):
                    out[y, c] = rounded((sums[y, c] * total + offset * alpha) / share, top)
            else:
                empty[y] = 1
            out[y, last] = rounded(alpha / divisor, top)


def fill_empty(sums, plain, channels, offset, divisor, top, out):
    """Colours of the pixels that `unweigh` left: `(plain + offset) / divisor`, from sums without weights."""
    for y in range(sums.shape[0]):
        for pixel in range(sums.shape[1] // channels):
            at = pixel * channels
            last = at + channels - 1
            if not sums[y, last] > 0:
                for c in range(at, last):
                    out[y, c] = rounded((np.float64(plain[y, c]) + offset) / divisor, top)
