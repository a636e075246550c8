"""A coarse grid brought back to every pixel: along the rows first, for the few rows there are, then down the columns."""

from numba.extending import register_jitable

from .lanewise import fma
from .separable import ROWS, blend_rows
from .vector import broadcast, lanes, load, store, zeros


def interpolate(
    grid, channels, row_factor, row_origin, column_factor, first, out, bias, divisor, top,
    down, along, rules, phases, lines, held, slots, takers, weights,
):  # fmt: skip
    """Fill `out`, rows `first`, `first + 1`, ... of the picture, from a grid with one sample for `factor` pixels.

    grid : (rows, samples)           interleaved; grid row `row_origin` + i is the first that pixel row i * row_factor needs
    down, along : (factor, taps)     weights for each place between two grid samples
    rules : (1, 3)                   zeros: no sum is made anew (see settle.py)
    phases : (factor, samples)       one grid row interpolated, sorted by place
    lines, held : (n, line), (n,)    interpolated grid rows, and which grid row each one is
    slots, takers, weights           scratch for `blend_rows`
    """
    for i in range(held.size):
        held[i] = -1
    last = first + out.shape[0]
    taps = down.shape[1]
    for y in range(first, last, ROWS):
        low = row_origin + y // row_factor
        count = row_origin + (y + ROWS - 1) // row_factor + taps - low
        for j in range(count):
            row = min(low + j, grid.shape[0] - 1)
            slot = row % held.size
            slots[j] = slot
            if held[slot] != row:
                held[slot] = row
                _widen(grid, row, channels, column_factor, along, phases, lines, slot, out.shape[1])
            takers[j] = 0
            for r in range(ROWS):
                tap = low + j - row_origin - (y + r) // row_factor
                if 0 <= tap < taps:
                    takers[j] |= 1 << r
                    weights[0, j, r] = down[(y + r) % row_factor, tap]
        # sums are short: nothing is set aside
        blend_rows(lines, slots, takers, slots, 0, phases, weights[0], count, slots[:0], out, y - first, 1, 0, out.shape[1],
                   bias, divisor, top, slots, rules, False)  # fmt: skip


@register_jitable
def _widen(grid, row, channels, factor, along, phases, lines, slot, samples):
    """Interpolate one grid row along the columns into a line."""
    if factor == 1:
        for x in range(samples):
            lines[slot, x] = grid[row, x]
        return
    zero = zeros(along[0, 0])
    coarse = (samples // channels + factor - 1) // factor * channels
    for phase in range(factor):
        for x in range(0, coarse, lanes(zero)):
            total = zero
            for t in range(along.shape[1]):
                total = fma(broadcast(along[phase, t]), load(zero, grid, row, x + t * channels), total)
            store(phases, phase, x, total)
    pixels = samples // channels
    for phase in range(factor):
        at = phase * channels
        if channels == 1:
            for x in range((pixels - phase + factor - 1) // factor):
                lines[slot, at + x * factor] = phases[phase, x]
        else:
            for x in range((pixels - phase + factor - 1) // factor):
                for c in range(channels):
                    lines[slot, at + x * factor * channels + c] = phases[phase, x * channels + c]
