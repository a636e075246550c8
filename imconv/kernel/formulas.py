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

from ..errors import KernelError
from ..pixels.elementary import exp
from .formula_arguments import LARGEST_RADIUS, LARGEST_ROW_RADIUS, Arguments
from .gaussian import gaussian_row
from .rotations import expanded, turned
from .shapes import distance, octagonal, rectangle, ring, shape, unity
from .weights import KernelWeights

THYSSEN = "A. Thyssen, ImageMagick Examples: Convolution of Images, 2010"
FREI_CHEN = "W. Frei and C. Chen 1977, as in A. Thyssen, ImageMagick Examples: Convolution of Images, 2010"


Build = Callable[[Arguments], KernelWeights | list[KernelWeights]]


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
    return _balanced(_sampled(first, radius) - _sampled(second, radius), a)


def _sampled(sigma: float, radius: int) -> np.ndarray:
    """The values of the continuous Gaussian of integral 1, which a small radius cuts off; for sigma 0 only the middle, 1."""
    if sigma == 0:
        return (_squared_distances(radius) == 0).astype(np.float64)
    sigma_squared = sigma * sigma
    return exp(-_squared_distances(radius) / (2 * sigma_squared)) / (2 * math.pi * sigma_squared)


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


def _fixed(rows: str) -> Build:
    weights = [[int(number) for number in row.split()] for row in rows.split(";")]

    def make(a: Arguments) -> KernelWeights:
        return _turned(KernelWeights(weights, name=a.label, source=THYSSEN), a, 0)

    return make


_ROOT = math.sqrt(2)
_BY_ROOT = [[[1, 0, -1], [_ROOT, 0, -_ROOT], [1, 0, -1]], [[1, _ROOT, 1], [0, 0, 0], [1, _ROOT, 1]],
            [[_ROOT, -1, 0], [-1, 0, 1], [0, 1, -_ROOT]], [[0, 1, -_ROOT], [-1, 0, 1], [_ROOT, -1, 0]]]  # fmt: skip
# type: the weights
_FREI_CHEN: dict[int, np.ndarray] = {
    0: np.array(_BY_ROOT[0]),
    1: np.array(_BY_ROOT[0]) / _ROOT,
    2: np.array([[1, _ROOT, 0], [_ROOT, 0, -_ROOT], [0, -_ROOT, -1]]) / _ROOT,
    **{number: np.array(weights) / _ROOT for number, weights in enumerate(_BY_ROOT, 11)},
    15: np.array([[0, -1, 0], [1, 0, 1], [0, -1, 0]]) / 2,
    16: np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]]) / 2,
    17: np.array([[1, -2, 1], [-2, 4, -2], [-1, -2, 1]]) / 6,
    18: np.array([[-2, 1, -2], [1, 4, 1], [-2, 1, -2]]) / 6,
    19: np.ones((3, 3)) / 3,
}
_BASIS = 10  # the type that stands for 11 to 19


def _freichen(a: Arguments) -> list[KernelWeights]:
    """Type 0 is the isotropic gradient, sqrt(2) where Sobel has 2; 11 to 19 are ImageMagick's basis of 3 x 3 windows.

    The numbers are those of ImageMagick 6.9.11 and 7.1. In Frei and Chen's own, orthonormal, basis 11 to 14 are half as
    large, and the last rows of 12 and the lower left corner of 17 have the opposite sign. One argument beyond 30 is an angle.
    """
    values = a.values
    angle = len(values) == 1 and abs(values[0]) > 30
    number = Fraction(0) if angle or not values else values[0]
    if number != _BASIS and number not in _FREI_CHEN:
        a.fail(f"there is no type {number}; types are 0, 1, 2, 10 (all of 11 to 19) and 11 to 19")
    types = list(range(11, 20)) if number == _BASIS else [int(number)]
    if number == _BASIS and len(values) > 1:
        a.fail("type 10 is nine kernels, which can't be turned together")
    labels = [f"{a.name}:{each}" if number == _BASIS else a.label for each in types]
    kernels = [KernelWeights(_FREI_CHEN[t], name=n, source=FREI_CHEN) for t, n in zip(types, labels, strict=True)]
    return kernels if number == _BASIS else [_turned(kernels[0], a, 0 if angle else 1)]


def _turned(kernel: KernelWeights, a: Arguments, index: int) -> KernelWeights:
    """The kernel turned clockwise by argument `index`, a multiple of 90 degrees, or of 45 for a 3 x 3 kernel."""
    angle = a.get(index, 0) % 360
    step = 45 if kernel.shape == (3, 3) else 90
    if angle % step:
        a.fail(f"the angle must be a multiple of {step} degrees")
    return turned(kernel, int(angle)).replace(name=kernel.name)


# name: how it is written, a description, the largest number of arguments, and the function that makes one kernel or several
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
    "freichen": ("freichen:TYPE,ANGLE", "Frei and Chen's kernels by ImageMagick's numbers 0 to 2 and 11 to 19, turned; 0: the isotropic gradient", 2, _freichen),
    "unity": ("unity:SCALE", "one weight, 1 by default", 1, unity),
    "rectangle": ("rectangle:WxH+X+Y", "a full rectangle, W columns and H rows; its anchor's column and row", 1, rectangle),
    "diamond": ("diamond:RADIUS,SCALE", "|x| + |y| up to the radius", 2, shape(1, lambda x, y, r: abs(x) + abs(y) <= int(r))),
    "square": ("square:RADIUS,SCALE", "a full square", 2, shape(1, lambda x, y, r: (x == x) & (y == y))),
    "octagon": ("octagon:RADIUS,SCALE", "a square whose corners are cut off", 2, shape(2, lambda x, y, r: abs(x) + abs(y) <= int(r) + int(r) // 2)),
    "disk": ("disk:RADIUS,SCALE", "cells up to the radius, 4.3 by default", 2, shape("4.3", lambda x, y, r: x * x + y * y <= r * r, 0.4)),
    "plus": ("plus:RADIUS,SCALE", "one row and one column", 2, shape(2, lambda x, y, r: (x == 0) | (y == 0))),
    "cross": ("cross:RADIUS,SCALE", "both diagonals", 2, shape(2, lambda x, y, r: abs(x) == abs(y))),
    "ring": ("ring:RADIUS1,RADIUS2,SCALE", "cells between two distances, 2.5 and 3.5 by default", 3, ring),
    "chebyshev": ("chebyshev:RADIUS,SCALE", "distances in steps to all eight neighbours, 100 each by default", 2, distance(np.maximum)),
    "manhattan": ("manhattan:RADIUS,SCALE", "distances in steps along rows and columns, 100 each by default", 2, distance(np.add)),
    "octagonal": ("octagonal:RADIUS,SCALE", "distances in steps to eight and four neighbours in turns, 100 each by default", 2, distance(octagonal, 2)),
    "euclidean": ("euclidean:RADIUS,SCALE", "distances as the crow flies, 100 between neighbours by default", 2, distance(lambda x, y: np.sqrt(x * x + y * y))),
}  # fmt: skip


def make(name: str, arguments: str = "", sign: str = "") -> list[KernelWeights]:
    """Compute the kernels of a formula: `make("gaussian", "0x2")` is one, `make("sobel", "0", "@")` has eight rotations.

    Raises OptionError for wrong arguments, KernelError for kernels that can't be turned so.

    >>> make("sobel", "90")[0].weights[0]
    array([1., 2., 1.])
    """
    form, _, most, build = FORMULAS[name]
    given = Arguments(name, arguments.strip().lower(), form)
    if build is not rectangle and len(given.values) > most:
        given.fail(f"{len(given.values)} arguments, expected at most {most}")
    made = build(given)
    kernels = made if isinstance(made, list) else [made]
    if not sign:
        return kernels
    if len(kernels) > 1:
        given.fail(f"these are {len(kernels)} kernels, which {sign} can't turn together")
    try:
        return expanded(kernels[0], sign)
    except KernelError as error:
        raise KernelError(f"kernel {given.shown}: {error}") from None
