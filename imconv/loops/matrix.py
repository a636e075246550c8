"""A matrix times a vector: what a fully connected layer is. Each weight is read once, so memory sets the pace."""

from .lanewise import across, fma
from .vector import lanes, load, sixteen

ROWS = 4


def multiply(weights, values, bias, out):
    """Fill `out` with `weights @ values + bias`.

    weights : (rows, n)
    values : (1, n)
    bias, out : (rows,)

    Sixteen sums run along each row, whatever the processor, and are added up by halves; the rest of it comes behind them.
    """
    last = out.size - 1
    zero = sixteen(bias[0])
    whole = weights.shape[1] - weights.shape[1] % lanes(zero)
    for first in range(0, out.size, ROWS):
        second, third, fourth = min(first + 1, last), min(first + 2, last), min(first + 3, last)
        a, b, c, d = zero, zero, zero, zero
        for x in range(0, whole, 16):
            value = load(zero, values, 0, x)
            a = fma(load(zero, weights, first, x), value, a)
            b = fma(load(zero, weights, second, x), value, b)
            c = fma(load(zero, weights, third, x), value, c)
            d = fma(load(zero, weights, fourth, x), value, d)
        one, two, three, four = across(a), across(b), across(c), across(d)
        for x in range(whole, weights.shape[1]):
            value = values[0, x]
            one += weights[first, x] * value
            two += weights[second, x] * value
            three += weights[third, x] * value
            four += weights[fourth, x] * value
        out[first] = one + bias[first]
        out[second] = two + bias[second]
        out[third] = three + bias[third]
        out[fourth] = four + bias[fourth]
