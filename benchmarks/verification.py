"""Does a rival compute the same? Its answer is held against imconv's before anything is timed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BAND = 256  # rows compared at a time: no picture-sized float64 temporaries


@dataclass(frozen=True)
class Verdict:
    """What was found. `error` is in levels for integers and relative to the largest sample for floats."""

    passed: bool
    error: float | None
    problem: str = ""


def verify(found: np.ndarray, expected: np.ndarray, tolerance: float | None, margin: int = 0) -> Verdict:
    """Compare a rival's result with imconv's.

    Parameters
    ----------
    tolerance : float or None
        The largest accepted error; None for a filter that is another one by design, whose error is only reported.
    margin : int
        Rows and columns at each side that are not compared.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return Verdict(False, None, f"gave {found.dtype} {found.shape} for {expected.dtype} {expected.shape}")
    error = largest_error(found, expected, margin)
    if tolerance is None or error <= tolerance:
        return Verdict(True, error)
    return Verdict(False, error, f"off by {error:.3g}, accepted {tolerance:.3g}")


def largest_error(found: np.ndarray, expected: np.ndarray, margin: int = 0) -> float:
    """The largest absolute difference; for floats divided by the largest expected sample. NaN counts as infinite."""
    inside = slice(margin, -margin or None)
    found, expected = found[inside, inside], expected[inside, inside]
    worst = 0.0
    for first in range(0, found.shape[0], BAND):
        band = slice(first, first + BAND)
        difference = np.abs(found[band].astype(np.float64) - expected[band])
        worst = max(worst, float(difference.max(initial=0.0)))
        if np.isnan(difference).any():
            return float("inf")
    if expected.dtype.kind == "f":
        worst /= max(float(np.abs(expected).max(initial=0.0)), np.finfo(np.float32).tiny)
    return worst
