"""Kernels computed by formula, with the names and arguments of ImageMagick's kernels: `gaussian:0x2`, `sobel:90`, `disk:3`.

The arguments are those of A. Thyssen, ImageMagick Examples, "Morphology of Shapes" and "Convolution of Images" (2010).
Differences from ImageMagick: Gaussians are sampled (ImageMagick averages over each pixel for Blur and Comet), radius 0
means four sigma, binomials have sum 1, and an angle must be a multiple of 90 degrees (45 for 3 x 3). Rotations are
clockwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..errors import OptionError
from ..geometry.sizes import MAX_SIDE
from ..pixels.elementary import exp
from .gaussian import TRUNCATE, gaussian_row
from .number import NumberError, parse_number
from .tokens import shown
from .weights import KernelWeights

LARGEST_RADIUS = 1023  # for a square kernel: 2047 x 2047 weights
LARGEST_ROW_RADIUS = MAX_SIDE // 2
THYSSEN = "A. Thyssen, ImageMagick Examples: Convolution of Images, 2010"
SHAPES = "A. Thyssen, ImageMagick Examples: Morphology of Shapes, 2010"


class Arguments:
    """The arguments of a named kernel: the text `0x2,90` has the values 0, 2, 90."""

    def __init__(self, name: str, text: str, form: str):
        self.name, self.text, self.form = name, text, form
        parts = [part.strip() for part in text.replace("x", ",", 1).split(",")] if text else []
        try:
            self.values = [parse_number(part) for part in parts]
        except NumberError as error:
            raise OptionError(f"kernel {self.shown}: {error} is expected; write {form}") from None

    @property
    def label(self) -> str:
        """The kernel's name with its arguments, as the user wrote it."""
        return f"{self.name}:{self.text}" if self.text else self.name

    @property
    def shown(self) -> str:
        return shown(self.label)

    def fail(self, what: str):
        raise OptionError(f"kernel {self.shown}: {what}; write {self.form}")

    def get(self, index: int, default) -> Fraction:
        return self.values[index] if index < len(self.values) else Fraction(default)

    def size(self, index: int, default, most: int) -> float:
        """Argument `index` as a radius or sigma from 0 to `most`."""
        value = float(self.get(index, default))
        if not 0 <= value <= most:
            self.fail(f"{value:g} is out of range, 0 to {most}")
        return value

    def radius(self, index: int, sigma: float, most: int) -> int:
        """Argument `index` as a whole radius; 0 stands for four sigma."""
        value = self.get(index, 0)
        if value.denominator != 1 or value < 0:
            self.fail("a radius is a whole number, 0 for automatic")
        radius = int(value) or int(TRUNCATE * sigma + 0.5)
        if radius > most:
            self.fail(f"radius {radius} is larger than {most}")
        return radius


Build = Callable[[Arguments], KernelWeights]


def _gaussian(a: Arguments) -> KernelWeights:
    sigma = a.size(1, 1, LARGEST_RADIUS)
    row = gaussian_row(sigma, a.radius(0, sigma, LARGEST_RADIUS))
    return KernelWeights.from_factors(row, row, name=a.label, source=THYSSEN)


def _blur(a: Arguments) -> KernelWeights:
    sigma = a.size(1, 1, LARGEST_ROW_RADIUS)
    row = gaussian_row(sigma, a.radius(0, sigma, LARGEST_ROW_RADIUS))
    return _turned(KernelWeights(row[np.newaxis], name=a.label, source=THYSSEN), a, 2)


def _comet(a: Arguments) -> KernelWeights:
    sigma = a.size(1, 1, LARGEST_ROW_RADIUS)
    radius = a.radius(0, sigma, LARGEST_ROW_RADIUS)
    half = gaussian_row(sigma, radius)[radius:]
    return _turned(KernelWeights((half / half.sum())[np.newaxis], anchor=(0, 0), name=a.label, source=THYSSEN), a, 2)


def _balanced(weights: np.ndarray, a: Arguments) -> KernelWeights:
    """A kernel with sum 0: positive weights are scaled to sum 1, negative ones to sum -1."""
    positive, negative = weights[weights > 0].sum(), -weights[weights < 0].sum()
    if not (positive > 0 and negative > 0):
        a.fail("has no positive or no negative weights within its radius")
    weights = np.where(weights > 0, weights / positive, weights / negative)
    return KernelWeights(weights, name=a.label, source=THYSSEN)


def _dog(a: Arguments) -> KernelWeights:
    first, second = a.size(1, 1, LARGEST_RADIUS), a.size(2, Fraction(8, 5), LARGEST_RADIUS)
    radius = a.radius(0, max(first, second), LARGEST_RADIUS)
    one, other = gaussian_row(first, radius), gaussian_row(second, radius)
    return _balanced(np.outer(one, one) - np.outer(other, other), a)


def _log(a: Arguments) -> KernelWeights:
    """(1 - r^2 / (2 sigma^2)) exp(-r^2 / (2 sigma^2)), Marr and Hildreth 1980 with the opposite sign: the centre is positive."""
    sigma = a.size(1, 1, LARGEST_RADIUS)
    if sigma == 0:
        a.fail("sigma must be larger than 0")
    half = _squared_distances(a.radius(0, sigma, LARGEST_RADIUS)) / (2 * sigma * sigma)
    return _balanced((1 - half) * exp(-half), a)


def _binomial(a: Arguments) -> KernelWeights:
    """The outer product of two rows of Pascal's triangle, scaled to sum 1."""
    radius = a.radius(0, 0.25, LARGEST_RADIUS)
    exact = [Fraction(math.comb(2 * radius, k), 4**radius) for k in range(2 * radius + 1)]
    row = [float(weight) for weight in exact] if radius > 12 else exact  # float64 does not hold larger sums exactly
    return KernelWeights.from_factors(row, row, name=a.label, source=THYSSEN)


def _squared_distances(radius: int) -> np.ndarray:
    x = np.arange(-radius, radius + 1)
    return (x * x + (x * x)[:, np.newaxis]).astype(np.float64)


def _shape(default, inside: Callable[[np.ndarray, np.ndarray, float], np.ndarray]) -> Build:
    """A function that makes a shape of equal weights: the cells where `inside(x, y, radius)`; others are left out."""

    def make(a: Arguments) -> KernelWeights:
        size = a.size(0, default, LARGEST_RADIUS) or float(default)
        x = np.arange(-int(size), int(size) + 1)
        return _masked(inside(x, x[:, np.newaxis], size), a.get(1, 1), a)

    return make


def _ring(a: Arguments) -> KernelWeights:
    """Cells whose distance from the centre is above the smaller radius and at most the larger."""
    radii = sorted((a.size(0, Fraction(5, 2), LARGEST_RADIUS), a.size(1, Fraction(7, 2), LARGEST_RADIUS)))
    distances = _squared_distances(int(radii[1]))
    return _masked((distances > radii[0] ** 2) & (distances <= radii[1] ** 2), a.get(2, 1), a)


def _masked(inside: np.ndarray, scale: Fraction, a: Arguments) -> KernelWeights:
    if not inside.any():
        a.fail("has no cell at all")
    return KernelWeights(inside * float(scale), included=inside, name=a.label, source=SHAPES)


def _fixed(rows: str) -> Build:
    weights = [[int(number) for number in row.split()] for row in rows.split(";")]

    def make(a: Arguments) -> KernelWeights:
        return _turned(KernelWeights(weights, name=a.label, source=THYSSEN), a, 0)

    return make


def _freichen(a: Arguments) -> KernelWeights:
    """The isotropic gradient: sqrt(2) where Sobel has 2. Arguments: type 0, angle."""
    angle = 1 if len(a.values) == 2 else 0
    if angle and a.values[0] != 0:
        a.fail("only type 0, the isotropic gradient, is known")
    root = math.sqrt(2)
    weights = [[1.0, 0.0, -1.0], [root, 0.0, -root], [1.0, 0.0, -1.0]]
    return _turned(KernelWeights(weights, name=a.label, source=THYSSEN), a, angle)


def _turned(kernel: KernelWeights, a: Arguments, index: int) -> KernelWeights:
    """The kernel rotated clockwise by argument `index`, a multiple of 90 degrees, or of 45 for a 3 x 3 kernel."""
    angle = a.get(index, 0) % 360
    step = 45 if kernel.shape == (3, 3) else 90
    if angle % step:
        a.fail(f"the angle must be a multiple of {step} degrees")
    weights, (row, column) = kernel.weights, kernel.anchor
    for _ in range(int(angle) // 90):
        row, column = column, weights.shape[0] - 1 - row
        weights = np.rot90(weights, -1)
    if angle % 90:
        weights = turned_by_45(weights)
    return KernelWeights(weights, anchor=(row, column), name=kernel.name, source=kernel.source)


def turned_by_45(weights: np.ndarray) -> np.ndarray:
    """A 3 x 3 kernel whose outer ring is moved clockwise by one cell."""
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    turned = weights.copy()
    for before, after in zip(ring, ring[1:] + ring[:1], strict=True):
        turned[after] = weights[before]
    return turned


# name: how it is written, a description, the largest number of arguments, and the function that makes it
FORMULAS: dict[str, tuple[str, str, int, Build]] = {
    "gaussian": ("gaussian:RADIUSxSIGMA", "a sampled Gaussian with sum 1; radius 0: four sigma", 2, _gaussian),
    "blur": ("blur:RADIUSxSIGMA,ANGLE", "one row of a sampled Gaussian with sum 1", 3, _blur),
    "comet": ("comet:RADIUSxSIGMA,ANGLE", "half a row of a Gaussian with sum 1: a trail to one side", 3, _comet),
    "dog": ("dog:RADIUSxSIGMA1,SIGMA2", "the difference of two Gaussians", 3, _dog),
    "log": ("log:RADIUSxSIGMA", "the Laplacian of a Gaussian with a positive centre", 2, _log),
    "binomial": ("binomial:RADIUS", "binomial coefficients with sum 1", 1, _binomial),
    "sobel": ("sobel:ANGLE", "the Sobel gradient turned clockwise; 0: to the right", 1, _fixed("1 0 -1; 2 0 -2; 1 0 -1")),
    "prewitt": ("prewitt:ANGLE", "the Prewitt gradient turned clockwise", 1, _fixed("1 0 -1; 1 0 -1; 1 0 -1")),
    "roberts": ("roberts:ANGLE", "the difference of two neighbours, turned clockwise", 1, _fixed("0 0 0; 1 -1 0; 0 0 0")),
    "compass": ("compass:ANGLE", "Prewitt's compass gradient turned clockwise", 1, _fixed("1 1 -1; 1 -2 -1; 1 1 -1")),
    "kirsch": ("kirsch:ANGLE", "the Kirsch compass gradient turned clockwise", 1, _fixed("5 -3 -3; 5 0 -3; 5 -3 -3")),
    "freichen": ("freichen:0,ANGLE", "the Frei-Chen isotropic gradient turned clockwise", 2, _freichen),
    "diamond": ("diamond:RADIUS", "|x| + |y| up to the radius", 2, _shape(1, lambda x, y, r: abs(x) + abs(y) <= int(r))),
    "square": ("square:RADIUS", "a full square", 2, _shape(1, lambda x, y, r: (x == x) & (y == y))),
    "disk": ("disk:RADIUS", "cells up to the radius, 4.3 by default", 2, _shape("4.3", lambda x, y, r: x * x + y * y <= r * r)),
    "plus": ("plus:RADIUS", "one row and one column", 2, _shape(2, lambda x, y, r: (x == 0) | (y == 0))),
    "cross": ("cross:RADIUS", "both diagonals", 2, _shape(2, lambda x, y, r: abs(x) == abs(y))),
    "ring": ("ring:RADIUS1,RADIUS2", "cells between two distances, 2.5 and 3.5 by default", 3, _ring),
}  # fmt: skip


def make(name: str, arguments: str = "") -> KernelWeights:
    """Compute the kernel of a formula: `make("gaussian", "0x2")`. Raises OptionError for wrong arguments.

    >>> make("sobel", "90").weights[0]
    array([1., 2., 1.])
    """
    form, _, most, build = FORMULAS[name]
    given = Arguments(name, arguments.strip().lower(), form)
    if len(given.values) > most:
        given.fail(f"{len(given.values)} arguments, expected at most {most}")
    return build(given)
