"""The sampled Gaussian, `exp(-x^2 / (2 sigma^2))`, normalised to sum 1."""

from __future__ import annotations

import numpy as np

TRUNCATE = 4.0  # standard deviations kept on each side (scipy.ndimage's default)


def gaussian_weights(sigma: float, truncate: float = TRUNCATE) -> np.ndarray:
    """A Gaussian of standard deviation `sigma` pixels, cut off at `truncate * sigma`, rounded to whole pixels."""
    return gaussian_row(sigma, int(truncate * sigma + 0.5))


def gaussian_row(sigma: float, radius: int) -> np.ndarray:
    """The weights at -radius .. radius, with sum 1; for sigma 0 the middle weight is 1 and the others are 0."""
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    row = np.exp(-0.5 * (x / sigma) ** 2) if sigma > 0 else (x == 0).astype(np.float64)
    return row / row.sum()
