"""Several filters' sums made one: their magnitude, or the largest, rounded and stored."""

from .lanewise import floor, larger, maximum, minimum, root
from .vector import broadcast, lanes, load, store, zeros


def combine(out, sums, largest, whole, settings):
    """Fill the one row of `out` with the root of the sum of squares of the rows of `sums`, or with the largest of them.

    sums : (filters, samples or more)
    largest                     1 for the largest, 0 for the root
    whole                       1 where sums are whole numbers and integers are wanted: the root, below 2^31, is rounded
                                down first, which changes no quotient by an even number, rounded half up; 0 where not
    settings : (3,)             bias, divisor and top, of the type in which everything is computed: integers become
                                `floor((value + bias) / divisor)` in 0..top; floats (top < 0) `(value + bias) / divisor`
    """
    bias, divisor, top = settings[0], settings[1], settings[2]
    zero = zeros(bias)
    share = broadcast(divisor / divisor) / broadcast(divisor)
    for begin in range(0, out.shape[1], lanes(zero)):
        x = min(begin, out.shape[1] - lanes(zero))
        total = load(zero, sums, 0, x)
        if largest:
            for k in range(1, sums.shape[0]):
                total = larger(total, load(zero, sums, k, x))
        else:
            total = total * total
            for k in range(1, sums.shape[0]):
                value = load(zero, sums, k, x)
                total = total + value * value
            total = floor(root(total)) if whole else root(total)
        if top < 0:
            store(out, 0, x, (total + broadcast(bias)) / broadcast(divisor))
        else:
            value = (total + broadcast(bias)) * share
            store(out, 0, x, minimum(maximum(value, zero), broadcast(top)))
