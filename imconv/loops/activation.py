"""Activations that are no single instruction, in float64 where the samples are float32."""

from .lanewise import exp2, fma, maximum, minimum
from .vector import broadcast, lanes, load, store, zeros


def gelu(out, coefficients, shift, end, steepness):
    """Replace the one row of `out` by `x * Phi(x)`, Phi the normal distribution; it is some whole vectors long.

    With t = |x|, x Phi(x) is `max(x, 0) - t (1 - Phi(t))`: nothing is lost of what is left of large negative values.
    1 - Phi(t) is `exp(-t^2 / 2) P((t - shift) / (t + shift))`.

    coefficients : (n,)   of P, the highest power's first
    end                   from where on t counts as this
    steepness             -log2(e) / 2
    """
    zero = zeros(shift)
    for x in range(0, out.shape[1], lanes(zero)):
        value = load(zero, out, 0, x)
        t = minimum(broadcast(end), maximum(value, zero - value))  # the second is taken where one is NaN
        u = (t - broadcast(shift)) / (t + broadcast(shift))
        total = broadcast(coefficients[0])
        for k in range(1, coefficients.size):
            total = fma(total, u, broadcast(coefficients[k]))
        left = exp2(t * t * broadcast(steepness)) * total
        store(out, 0, x, maximum(value, zero) - t * left)
