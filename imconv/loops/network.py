"""Any rank of small windows by a sorting network (`stages/ranking/sorting_network.py`): lines of samples, each hundreds of
windows long, are put in order pair by pair."""

from numba.extending import register_jitable

from .lanewise import maximum, minimum
from .vector import lanes, load, register, store

LOAD, EXCHANGE, LESSER, LARGER, STORE = range(5)


def select(block, steps, tall, reach, length, out, lines):
    """Fill `out` (rows, samples), a vector wide or wider.

    block            padded samples, unsigned
    steps : (n, 5)   what to do, in the lines that begin at two places with those at two others; LOAD reads a row of the
                     block, counted from the window's first, STORE writes a row of those found together
    tall             how many rows are found together
    reach            samples that a window has behind its first one in a row
    length           samples of a line, a multiple of four vectors
    lines : (1, n)   scratch: as many lines as the steps hold, and room for one more
    """
    zero = register(block[0, 0])
    wide = min(length - reach, out.shape[1])
    stop = min(length, (wide + reach + 4 * lanes(zero) - 1) // (4 * lanes(zero)) * (4 * lanes(zero)))
    y = 0
    while y < out.shape[0]:
        x = 0
        while x < out.shape[1]:
            x = min(x, out.shape[1] - wide)
            for k in range(steps.shape[0]):
                kind, low, high, a, b = steps[k, 0], steps[k, 1], steps[k, 2], steps[k, 3], steps[k, 4]
                if kind == EXCHANGE:
                    for i in range(0, stop, 4 * lanes(zero)):
                        for j in range(i, i + 4 * lanes(zero), lanes(zero)):
                            _exchange(zero, lines, low + j, high + j, a + j, b + j)
                elif kind == LESSER:
                    for i in range(0, stop, 4 * lanes(zero)):
                        for j in range(i, i + 4 * lanes(zero), lanes(zero)):
                            store(lines, 0, low + j, minimum(load(zero, lines, 0, a + j), load(zero, lines, 0, b + j)))
                elif kind == LARGER:
                    for i in range(0, stop, 4 * lanes(zero)):
                        for j in range(i, i + 4 * lanes(zero), lanes(zero)):
                            store(lines, 0, low + j, maximum(load(zero, lines, 0, a + j), load(zero, lines, 0, b + j)))
                elif kind == LOAD:
                    row = min(y + a, block.shape[0] - 1)
                    for i in range(0, wide + reach, lanes(zero)):
                        store(lines, 0, low + i, load(zero, block, row, x + i))
                elif y + a < out.shape[0]:
                    for begin in range(0, wide, lanes(zero)):
                        i = min(begin, wide - lanes(zero))
                        store(out, y + a, x + i, load(zero, lines, 0, low + i))
            x += wide
        y += tall


@register_jitable
def _exchange(zero, lines, low, high, a, b):
    one, other = load(zero, lines, 0, a), load(zero, lines, 0, b)
    store(lines, 0, low, minimum(one, other))
    store(lines, 0, high, maximum(one, other))
