"""Unsharp masking: what a blur took away, put back and more."""

import numpy as np

from .alpha import rounded


def add_detail(blurred, divisor, src, first, amount, threshold, top, out):
    """`f + amount * (f - b)` where `|f - b|` exceeds the threshold, else `f`, of a blur `b = blurred / divisor`.

    blurred, out : (rows, samples)   integers are rounded half up and saturated to 0..top; floats (top < 0) are stored
    src, first                       the original samples: rows `first`, `first + 1`, ... of `src`
    divisor, amount, threshold, top : float64
    """
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            original = np.float64(src[first + y, x])
            detail = original - blurred[y, x] / divisor
            value = original + (0.0 if abs(detail) <= threshold else amount * detail)  # a NaN stays
            out[y, x] = rounded(value, top)
