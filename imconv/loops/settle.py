"""Flat pictures stay flat: sums that lie very near a sample of their window are summed anew, as distances from that sample.

A sum of float products is rounded at every step: a picture of ones leaves a Gaussian as 1.0000001. Summed as
`gain * r + sum w (f - r)`, `gain` being the sum of the weights and `r` one of the samples, a flat window gives `gain * r` to the
bit. Where all weights are positive and `r` has the largest, that sum never leaves the range of the window's samples either: what
it is rounded by is less than the share of `r`. It costs half as much again, so it is taken only where it matters: where the
plain sum lies so near `gain * r` that rounding might have carried it past the samples.
"""

from numba.extending import register_jitable

from .lanewise import fma
from .line import clear_aside, set_aside, with_aside
from .vector import broadcast, load, store, zeros

# The functions below put the sums of distances into `aside[0]`. They neither take nor return vectors: they are called seldom and
# not inlined, and how a call passes vectors of many registers depends on what else LLVM compiles.


@register_jitable
def distances_of_taps(lines, slots, starts, takers, places, weights, flushes, flushing, aside, r, x, middle, place):
    """Weighted distances from the sample of line `slots[middle]` at `place`, for output row `r` of the dense loop."""
    zero = zeros(weights[0, 0])
    reference = load(zero, lines, slots[middle], x + place)
    total = zero
    clear_aside(aside)
    for j in range(slots.size):
        for t in range(starts[j], starts[j + 1]):
            if takers[t] >> r & 1:
                distance = load(zero, lines, slots[j], x + places[t]) - reference
                total = fma(broadcast(weights[t, r]), distance, total)
        if flushing and flushes[j]:
            (total,) = set_aside(aside, (r,), flushes[j], (total,))
    store(aside, 0, 0, with_aside(aside, (r,), (total,))[0])


@register_jitable
def distances_of_rows(src, slots, takers, flushes, flushing, aside, weights, r, count, x, middle):
    """The same for output row `r` of the separable loop, down the columns; of one outer product."""
    zero = zeros(weights[0, 0])
    reference = load(zero, src, slots[middle], x)
    total = zero
    clear_aside(aside)
    for j in range(count):
        if takers[j] >> r & 1:
            total = fma(broadcast(weights[j, r]), load(zero, src, slots[j], x) - reference, total)
        if flushing and flushes[j]:
            (total,) = set_aside(aside, (r,), flushes[j], (total,))
    store(aside, 0, 0, with_aside(aside, (r,), (total,))[0])


@register_jitable
def distances_along(lines, line, x, places, weights, run, group, aside, middle):
    """The same along one line; of one outer product."""
    zero = zeros(weights[0, 0])
    reference = load(zero, lines, line, x + places[middle])
    total, rows = zero, aside.shape[0] // 2
    clear_aside(aside)
    for k in range(places.size):
        total = fma(broadcast(weights[0, k]), load(zero, lines, line, x + places[k]) - reference, total)
        if run and (k + 1) % run == 0:
            ready = 1 | (1 << rows if group and (k + 1) % group == 0 else 0)
            (total,) = set_aside(aside, (0,), ready, (total,))
    store(aside, 0, 0, with_aside(aside, (0,), (total,))[0])
