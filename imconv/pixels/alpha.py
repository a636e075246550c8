"""Alpha: its policies, and colours recovered from alpha-weighted sums."""

from __future__ import annotations

import numpy as np

from ..errors import OptionError, nearest

ALPHAS = ("weight", "separate", "keep", "unweighted")
WEIGHTED = ("weight", "keep")  # colours are weighted by alpha
KEPT = ("keep", "unweighted")  # alpha stays as it is
APART = ("weight", "keep", "unweighted")  # alpha is not one of the channels that are filtered alike


def unweight(weighted: np.ndarray, plain, total: float, offset: float, divisor: float) -> np.ndarray:
    """Compute colours from alpha-weighted sums, with one division.

    Parameters
    ----------
    weighted : (rows, columns, channels)
        Sums of alpha * weight * colour, and last the sums of alpha * weight.
    plain : callable
        Returns unweighted colours (rows, columns, channels - 1), for places where all alpha under the kernel is 0; called
        only if there are such places.
    total : float
        The sum of the kernel's weights, so that an opaque picture has the same result as without alpha.
    offset : float
        Added to the colours.
    divisor : float
        The factor by which `total` and `offset` were multiplied.

    Returns
    -------
    float64 array (rows, columns, channels - 1):
    `(total * sum(alpha weight colour) / sum(alpha weight) + offset) / divisor`.
    """
    coverage = weighted[..., -1:].astype(np.float64)
    empty = coverage <= 0
    safe = np.where(empty, 1.0, coverage)
    colour = (weighted[..., :-1] * np.float64(total) + offset * safe) / (safe * divisor)
    if empty.any():
        np.copyto(colour, plain(), where=empty)
    return colour


def check_alpha(alpha: str) -> str:
    """`alpha` if it is one of the policies; OptionError, with the nearest right name, if not."""
    if alpha not in ALPHAS:
        raise OptionError(f"unknown alpha {alpha!r}; it is one of {', '.join(ALPHAS)}{nearest(str(alpha), ALPHAS)}")
    return alpha
