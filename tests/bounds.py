"""The contract's error bounds for numbers, each used by several tests, and what they are measured by."""

from __future__ import annotations

import numpy as np

# Levels: an integer result may differ by 1, and only where the exact value lies this near to a tie.
TIE_8BIT = 0.001
TIE_16BIT = 0.05
# Levels of 8 bits: how far a wide Gaussian on a coarse grid lies from the exact one, cut at 4 sigma, at most
# (stages/convolution/decimated.py).
COARSE_GRID = 0.02
# Times sum|h| max|f|: eight float32 roundings and more than a hundred float64 ones.
FLOAT32 = 1e-6
FLOAT64 = 1e-13
# float16 results are float32 results rounded once more: half a unit in the last of 11 bits, or of the smallest number.
FLOAT16_ROUNDING = 2.0**-11
FLOAT16_SMALLEST = 2.0**-25
# float32 results summed in float64 are rounded once: half a unit in the last of 24 bits.
FLOAT32_ROUNDING = 2.0**-24
FLOAT32_SMALLEST = 2.0**-150


def scale_of(weights, image, fill=0) -> float:
    """`sum|h| max|f|`, what a float's error is measured by."""
    image = np.asarray(image)
    largest = max(np.abs(image.astype(np.float64)).max(), np.abs(np.asarray(fill, float)).max())
    return float(np.abs(np.asarray(weights, dtype=np.float64)).sum() * largest)


def allowed_error(source, target, scale: float) -> float:
    """How far a result may lie from the exact value (floats), or the exact value from a tie (integers)."""
    source, target = np.dtype(source), np.dtype(target)
    narrow = source.name in ("bool", "uint8", "uint16", "float16", "float32")
    error = (FLOAT32 if narrow else FLOAT64) * scale
    if target.kind == "f":
        return error
    if source.name in ("bool", "uint8"):
        return TIE_8BIT
    return TIE_16BIT if source.name == "uint16" else error


def assert_levels(result: np.ndarray, exact: np.ndarray, near_tie: float) -> None:
    """Integers: equal to `exact` rounded half up and saturated, but for a step of 1 where it is nearly a tie."""
    low, high = (0, 1) if result.dtype.kind == "b" else (np.iinfo(result.dtype).min, np.iinfo(result.dtype).max)
    expected = np.clip(np.floor(exact + 0.5), low, high)
    difference = np.abs(result.astype(np.float64) - expected)
    assert difference.max(initial=0) <= 1
    assert np.abs(exact - np.floor(exact) - 0.5)[difference > 0].max(initial=0) <= near_tie


def assert_within(result: np.ndarray, exact: np.ndarray, source, scale: float) -> None:
    """The contract's bound for a result of an image of type `source`; `exact` are its values before rounding."""
    exact = exact.reshape(result.shape)
    error = allowed_error(source, result.dtype, scale)
    if result.dtype.kind != "f":
        assert_levels(result, exact, error)
        return
    allowed = np.full(result.shape, error)
    if result.dtype == np.float16:
        beyond = np.abs(exact) > np.finfo(np.float16).max
        result, exact = np.where(beyond, 0, result), np.where(beyond & ~np.isfinite(result), 0, exact)
        allowed += np.abs(exact) * FLOAT16_ROUNDING + FLOAT16_SMALLEST
    if result.dtype == np.float32:
        allowed += np.abs(exact) * FLOAT32_ROUNDING + FLOAT32_SMALLEST
    different = np.abs(result.astype(np.float64) - exact)
    assert (different <= allowed).all(), f"{(different / allowed).max()} times the allowed error"
