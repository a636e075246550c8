"""The kernels of Gaussian and box blurs."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from ..errors import OptionError
from ..geometry.sizes import parse_window_size
from ..kernel.gaussian import TRUNCATE, gaussian_weights
from ..kernel.kernel import Kernel
from .arguments import checked_number, parse_sigma


def gaussian_kernel(sigma, truncate=None, width: int | None = None, fast: bool = False) -> Kernel:
    """The Gaussian of `gaussian_blur` as a product of a column and a row; `width` is the picture's, for a sigma in percent.

    `fast` allows a coarse grid for every type, not only for 8 bits; it does not go with a `truncate` of one's own.
    """
    reach = None if truncate is None else checked_number(truncate, "truncate", 0, 100)
    if fast and reach is not None:
        raise OptionError("fast= takes a Gaussian cut at 4 sigma: leave out truncate= or fast=")
    return _gaussian(parse_sigma(sigma, width), reach, fast)


@lru_cache(maxsize=64)
def _gaussian(sigmas: tuple[float, float], truncate: float | None, fast: bool) -> Kernel:
    column, row = (gaussian_weights(s, TRUNCATE if truncate is None else truncate) for s in sigmas)
    return Kernel.from_factors(column, row, name="gaussian", sigma=sigmas if truncate is None else None, coarse=fast)


def box_kernel(size) -> Kernel:
    """The box of `box_blur` as an exact Kernel."""
    return _box(parse_window_size(size))


@lru_cache(maxsize=64)
def _box(size: tuple[int, int]) -> Kernel:
    rows, columns = size
    return Kernel.from_factors([Fraction(1, rows)] * rows, [Fraction(1, columns)] * columns, name="box")
