"""The kernels of Gaussian and box blurs."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from ..geometry.sizes import parse_window_size
from ..kernel.gaussian import TRUNCATE, gaussian_weights
from ..kernel.kernel import Kernel
from .arguments import checked_number, parse_sigma


def gaussian_kernel(sigma, truncate=None, width: int | None = None) -> Kernel:
    """The Gaussian of `gaussian_blur` as a product of a column and a row; `width` is the picture's, for a sigma in percent."""
    reach = None if truncate is None else checked_number(truncate, "truncate", 0, 100)
    return _gaussian(parse_sigma(sigma, width), reach)


@lru_cache(maxsize=64)
def _gaussian(sigmas: tuple[float, float], truncate: float | None) -> Kernel:
    column, row = (gaussian_weights(s, TRUNCATE if truncate is None else truncate) for s in sigmas)
    return Kernel.from_factors(column, row, name="gaussian", sigma=sigmas if truncate is None else None)


def box_kernel(size) -> Kernel:
    """The box of `box_blur` as an exact Kernel."""
    return _box(parse_window_size(size))


@lru_cache(maxsize=64)
def _box(size: tuple[int, int]) -> Kernel:
    rows, columns = size
    return Kernel.from_factors([Fraction(1, rows)] * rows, [Fraction(1, columns)] * columns, name="box")
