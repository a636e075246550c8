"""The least or the largest sample of a window.

Of a rectangle by doubling: windows of 1, 2, 4, 8, ... rows, then of columns; two of the largest that fit, one at each
end, cover the whole. Samples are unsigned; `block` is padded and has room for a vector behind its last sample.
"""

from numba.extending import register_jitable

from .lanewise import maximum, minimum
from .vector import lanes, load, register, store

STRIP = 4  # vectors side by side whose rows are combined at a time, so that they stay in the first cache


def extreme(block, height, width, channels, largest, out, line):
    """Fill `out` (rows, samples) from `block` (rows + height - 1, samples + (width - 1) * channels), which is used up.

    height, width   of the rectangle, in pixels
    largest         1 for the largest sample, 0 for the least
    line : (1, n)   as long as a row of `block`, and room
    """
    zero = register(block[0, 0])
    samples = out.shape[1] + (width - 1) * channels
    tall = 1
    while 2 * tall <= height:
        tall *= 2
    strip = STRIP * lanes(zero)
    for x in range(0, samples, strip):
        stop = min(x + strip, samples)
        size = 1
        while size < tall:
            for y in range(out.shape[0] + height - 2 * size):
                for i in range(x, stop, lanes(zero)):
                    both = chosen(load(zero, block, y, i), load(zero, block, y + size, i), largest)
                    store(block, y, i, both)
            size *= 2
    for y in range(out.shape[0]):
        for x in range(0, samples, lanes(zero)):
            store(line, 0, x, chosen(load(zero, block, y, x), load(zero, block, y + height - tall, x), largest))
        extreme_along(line, width, channels, largest, out, y)


@register_jitable
def extreme_along(line, width, channels, largest, out, y):
    """Row y of `out`: the extreme of `width` pixels of the line, which is used up."""
    zero = register(line[0, 0])
    samples = out.shape[1] + (width - 1) * channels
    size = 1
    while 2 * size <= width:
        for x in range(0, samples - (2 * size - 1) * channels, lanes(zero)):
            store(line, 0, x, chosen(load(zero, line, 0, x), load(zero, line, 0, x + size * channels), largest))
        size *= 2
    end = (width - size) * channels
    for begin in range(0, out.shape[1], lanes(zero)):
        x = min(begin, out.shape[1] - lanes(zero))
        store(out, y, x, chosen(load(zero, line, 0, x), load(zero, line, 0, x + end), largest))


def extreme_of_taps(block, places, largest, out):
    """Fill `out` (rows, samples) with the extreme of the samples `places` behind each of `block`."""
    zero = register(block[0, 0])
    for y in range(out.shape[0]):
        for begin in range(0, out.shape[1], lanes(zero)):
            x = min(begin, out.shape[1] - lanes(zero))
            best = load(zero, block, y, x + places[0])
            for k in range(1, places.size):
                best = chosen(best, load(zero, block, y, x + places[k]), largest)
            store(out, y, x, best)


@register_jitable
def chosen(a, b, largest):
    return maximum(a, b) if largest else minimum(a, b)
