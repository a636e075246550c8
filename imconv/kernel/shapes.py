"""Shapes of equal weights, and distances from the middle, with the names and arguments of ImageMagick's kernels.

They are defined in A. Thyssen, ImageMagick Examples, "Morphology of Shapes" and "Distance Gradient Morphology" (2010), and equal
those of ImageMagick 7.1. A real radius counts as in `x^2 + y^2 <= radius^2`, and the kernel has `2 * int(radius) + 1` rows;
ImageMagick 6.9.11 lays such kernels out in rows that are too long. Cells outside a shape are left out of the kernel; distances
fill their square.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..geometry.sizes import MAX_SIDE
from .formula_arguments import LARGEST_RADIUS, Arguments
from .weights import MAX_TAPS, KernelWeights

SHAPES = "A. Thyssen, ImageMagick Examples: Morphology of Shapes, 2010"
DISTANCES = "A. Thyssen, ImageMagick Examples: Distance Gradient Morphology, 2010"
DISTANCE = 100  # between neighbours: ImageMagick's default
_RECTANGLE = re.compile(r"(?P<width>\d{1,6})?(?:x(?P<height>\d{1,6}))?(?:\+(?P<x>\d{1,6})\+(?P<y>\d{1,6}))?")

Build = Callable[[Arguments], KernelWeights]


def shape(default, inside: Callable[[np.ndarray, np.ndarray, float], np.ndarray], least: float = 1) -> Build:
    """A function that makes a shape: the cells where `inside(x, y, radius)`; a radius below `least` counts as the default."""

    def make(a: Arguments) -> KernelWeights:
        size = _radius(a, default, least)
        return _masked(inside(*_coordinates(int(size)), size), a.get(1, 1), a)

    return make


def ring(a: Arguments) -> KernelWeights:
    """Cells whose distance from the centre is above the smaller radius and at most the larger; one radius alone: above 0."""
    given = [a.size(index, 0, LARGEST_RADIUS) for index in (0, 1)]
    inner, outer = sorted(given if any(given) else (2.5, 3.5))
    x, y = _coordinates(int(outer))
    distances = x * x + y * y
    return _masked((distances > inner**2) & (distances <= outer**2), a.get(2, 1), a)


def distance(of: Callable[[np.ndarray, np.ndarray], np.ndarray], default: int = 1) -> Build:
    """A function that makes a kernel of distances from the middle, times a scale; `of` computes them for |x| and |y|."""

    def make(a: Arguments) -> KernelWeights:
        x, y = _coordinates(int(_radius(a, default, default)))
        weights = of(abs(x), abs(y)) * float(a.get(1, DISTANCE))
        return KernelWeights(weights.astype(np.float64), name=a.label, source=DISTANCES)

    return make


def octagonal(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Steps to a cell where steps to all eight neighbours and steps to four of them take turns."""
    return np.maximum(np.maximum(x, y), 2 * (x + y + 1) // 3)


def rectangle(a: Arguments) -> KernelWeights:
    """Equal weights, W columns and H rows; X and Y are the anchor's column and row, `(size - 1) // 2` by default."""
    found = _RECTANGLE.fullmatch(a.text)
    if found is None:
        a.fail("expected whole numbers: columns and rows, and the anchor's column and row")
    width = int(found["width"] or found["height"] or 0) or 3
    height = int(found["height"] or 0) or width
    if max(width, height) > MAX_SIDE or width * height > MAX_TAPS:
        a.fail(f"more than {MAX_SIDE} on a side or {MAX_TAPS} weights in all")
    x, y = (int(found[axis] or (size - 1) // 2) for axis, size in (("x", width), ("y", height)))
    if x >= width or y >= height:
        a.fail(f"the anchor must lie inside, from +0+0 to +{width - 1}+{height - 1}")
    return KernelWeights.from_factors(np.ones(height), np.ones(width), anchor=(y, x), name=a.label, source=SHAPES)


def unity(a: Arguments) -> KernelWeights:
    return KernelWeights([[a.get(0, 1)]], name=a.label, source=SHAPES)


def _radius(a: Arguments, default, least: float) -> float:
    size = a.size(0, default, LARGEST_RADIUS)
    return float(default) if size < least else size


def _coordinates(radius: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(-radius, radius + 1)
    return x, x[:, np.newaxis]


def _masked(inside: np.ndarray, scale: Fraction, a: Arguments) -> KernelWeights:
    if not inside.any():
        a.fail("has no cell at all")
    return KernelWeights(inside * float(scale), included=inside, name=a.label, source=SHAPES)
