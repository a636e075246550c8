"""Any rank of a small window by a sorting network: pairs of samples are put in order, whole vectors of windows at once."""

from .vector import lanes, load, maximum, minimum, register, store


def select(block, places, pairs, wanted, out, held):
    """Fill `out` (rows, samples).

    block            padded samples, unsigned
    places : (n,)    how many samples behind each one the window's lie
    pairs : (m, 2)   which of the n to put in order, one after another, the lesser first
    wanted           which of them is the result then
    held : (n, 64)   scratch
    """
    zero = register(block[0, 0])
    for y in range(out.shape[0]):
        x = 0
        while x < out.shape[1]:
            x = min(x, out.shape[1] - lanes(zero))
            for k in range(places.size):
                store(held, k, 0, load(zero, block, y, x + places[k]))
            for k in range(pairs.shape[0]):
                low, high = pairs[k, 0], pairs[k, 1]
                a, b = load(zero, held, low, 0), load(zero, held, high, 0)
                store(held, low, 0, minimum(a, b))
                store(held, high, 0, maximum(a, b))
            store(out, y, x, load(zero, held, wanted, 0))
            x += lanes(zero)
