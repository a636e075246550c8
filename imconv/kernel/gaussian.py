"""The sampled Gaussian."""

from __future__ import annotations

import numpy as np

TRUNCATE = 4.0  # standard deviations kept on each side (scipy.ndimage's default)


def _gaussian_weights(sigma: float, truncate: float) -> np.ndarray:
    radius = int(truncate * sigma + 0.5)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (x / sigma) ** 2) if sigma > 0 else np.ones(1)
    return weights / weights.sum()
