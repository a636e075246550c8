"""Any rank of any window, bit by bit: a result has a bit if no more samples than its rank are less than the number so far
with that bit. Every lane searches for itself, so that time depends on nothing but the window."""

from .lanewise import where_less
from .vector import filled, lanes, load, register, store


def bisect(block, places, bits, ranks, kinds, first, out):
    """Fill `out` (rows, samples), rows `first`, `first + 1`, ... of the result.

    block              padded samples, unsigned, whose lanes hold the window's count too
    places : (n,)      how many samples behind each one the window's lie
    bits               that samples have
    ranks : (k, m)     how many samples of the window come before the wanted one; m 1, or the result's samples
    kinds : (rows,)    which row of `ranks` holds for a row of the result
    """
    zero = register(block[0, 0])
    one = filled(zero, 1)
    for y in range(out.shape[0]):
        kind = kinds[first + y]
        for begin in range(0, out.shape[1], lanes(zero)):
            x = min(begin, out.shape[1] - lanes(zero))
            rank = load(zero, ranks, kind, x) if ranks.shape[1] > 1 else filled(zero, ranks[kind, 0])
            result = zero
            for bit in range(bits - 1, -1, -1):
                trial = result | filled(zero, 1 << bit)
                before = zero
                for k in range(places.size):
                    before = before + where_less(load(zero, block, y, x + places[k]), trial, one, zero)
                result = where_less(rank, before, result, trial)
            store(out, y, x, result)
