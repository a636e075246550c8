"""Flat pictures stay flat, and means stay between the samples they are means of, though float sums are rounded at every step.

Two ways lead there. A float32 result whose sum is float64 is rounded once, which carries no mean past a float32 sample. Where the
sum has the result's own type, loops make sums anew that lie very near a sample of their window (`loops/settle.py`). This module
holds their rules.
"""

from __future__ import annotations

import math

import numpy as np

from .exactness import Runs, roundings

NEVER = (0.0, 0.0, 0.0)


def middle_of(weights: np.ndarray) -> int:
    """The tap of the largest weight: sums are compared with the sample under it. Of several equal ones the middle one."""
    size = np.abs(weights).ravel()
    largest = np.flatnonzero(size == size.max())
    return int(largest[largest.size // 2])


def rule_of(weights: np.ndarray, accumulator: str, runs: Runs) -> tuple[float, float, float]:
    """A rule for `loops/settle.py`: the sum of the weights; the distance that is near, as a share of the sample, and at least.

    A sum of n products, cut into `runs`, is off by at most `roundings(n, runs) + 2` roundings of `sum|h| max|f|`, so that a
    flat window's sum lies within that share. Where the weights are positive and sum to 1, and the sample's own has the share
    p of them, a sum beyond the window's samples lies within `1 + 1 / p` times that. Twice as much is near.
    """
    size = float(np.abs(weights).sum())
    if size == 0:
        return NEVER
    rounding = float(np.finfo(accumulator).eps) / 2
    share = np.abs(weights).max() / size
    gain = gain_of(weights)
    means = bool((weights >= 0).all()) and gain in (0.5, 1.0, 2.0)  # 0.5 and 2: halves of a mean, see separable.py
    near = 2 * rounding * (roundings(weights.size, runs) + 2) * size * (1 + (1 / share if means else 0))
    return gain, near, float(np.finfo(accumulator).tiny)


def gain_of(weights: np.ndarray) -> float:
    """The sum of weights, or the multiple of 1/2 that it is but for the weights' own rounding."""
    total = math.fsum(weights.ravel())
    near = round(2 * total) / 2
    return near if abs(total - near) <= weights.size * 2.0**-52 * float(np.abs(weights).sum()) else total
