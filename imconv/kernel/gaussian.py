"""The sampled Gaussian, `exp(-x^2 / (2 sigma^2))`, normalised to sum 1."""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np

DIGITS = 96  # binary places of the smallest weight, which is then rounded to 53
LEAST_EXPONENT = 1100  # smaller numbers than 2^-1074 are 0 in float64
TRUNCATE = 4.0  # standard deviations kept on each side (scipy.ndimage's default)


def gaussian_weights(sigma: float, truncate: float = TRUNCATE) -> np.ndarray:
    """A Gaussian of standard deviation `sigma` pixels, cut off at `truncate * sigma`, rounded to whole pixels."""
    return gaussian_row(sigma, int(truncate * sigma + 0.5))


def gaussian_row(sigma: float, radius: int) -> np.ndarray:
    """The weights at -radius .. radius, with sum 1; for sigma 0 the middle weight is 1 and the others are 0.

    Each weight is rounded correctly, and so the same on every processor: exponentials and sum are whole numbers with `places`
    binary places. With q = exp(-1 / (2 sigma^2)), the weight at x is q^(x^2), which is the weight at x - 1 times q^(2 x - 1).
    """
    if sigma == 0 or radius == 0:
        return (np.arange(-radius, radius + 1) == 0).astype(np.float64)
    places = DIGITS + 2 * radius.bit_length() + round(min(radius * radius / sigma / sigma, LEAST_EXPONENT))
    digits = Context(prec=places // 3)  # decimal ones
    q = digits.exp(digits.divide(Decimal(-1), digits.multiply(2, digits.power(Decimal(sigma), 2))))
    ratio = int(digits.multiply(q, 1 << places))
    half, square, weight = [], ratio * ratio >> places, 1 << places
    for _ in range(radius):
        weight = weight * ratio >> places
        ratio = ratio * square >> places
        half.append(weight)
    total = (1 << places) + 2 * sum(half)
    side = [weight / total for weight in half]
    return np.array([*reversed(side), (1 << places) / total, *side])
