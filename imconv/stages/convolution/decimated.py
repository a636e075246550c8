"""A Gaussian of any width, at a cost that does not grow with it.

Variances of Gaussians add up. So blur a little (sigma a = 0.8 D), keep every D-th sample, blur those with what variance
is left, and interpolate with another Gaussian of sigma a: since a Gaussian of 0.8 D holds nothing to speak of beyond
the D-th sample's Nyquist frequency (e^-13 of it is folded back), the result is the Gaussian itself. The grid is counted
from the picture's first pixel, so that no result depends on where a band begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...geometry.axis import Axis
from ...geometry.border import Border

# sigma / D. Measured with the pictures that are blurred worst, for D from 2 to 31: at most 0.055 of an 8-bit level off
# the exact Gaussian, of which cutting the three Gaussians makes the most; with 1.6 it would be 0.073, with 1.4 0.114.
SMALLEST_RATIO = 2.5
SHARE = 0.8  # a / D
TRUNCATE = 4.0  # standard deviations kept of each of the three Gaussians


@dataclass(frozen=True)
class Factor:
    """How one axis is decimated."""

    sigma: float
    step: int  # D; 1 leaves the axis as it is
    gain: float = 1.0  # what the result is multiplied by

    @property
    def before(self) -> np.ndarray:
        """Weights of the blur before samples are dropped."""
        return _gaussian(self._share) if self.step > 1 else np.ones(1)

    @property
    def between(self) -> np.ndarray:
        """Weights of the blur on the grid."""
        rest = math.sqrt(self.sigma**2 - 2 * self._share**2) / self.step if self.step > 1 else self.sigma
        return _gaussian(rest)

    @property
    def after(self) -> tuple[int, np.ndarray]:
        """Interpolation: the first grid sample used, counted from the pixel's own, and weights (step, taps)."""
        if self.step == 1:
            return 0, np.full((1, 1), self.gain)
        reach = TRUNCATE * self._share / self.step
        taps = np.arange(-math.floor(reach), math.floor(reach + (self.step - 1) / self.step) + 1)
        distance = taps * self.step - np.arange(self.step)[:, None]
        weights = np.exp(-0.5 * (distance / self._share) ** 2) * (np.abs(distance) <= TRUNCATE * self._share)
        return int(taps[0]), self.gain * (weights / weights.sum(axis=1, keepdims=True))

    @property
    def _share(self) -> float:
        return SHARE * self.step

    @property
    def cost(self) -> float:
        """Multiply-adds for each pixel along this axis, were the other one left alone."""
        return (self.before.size + self.between.size) / self.step + self.after[1].shape[1]


def factor(sigma: float) -> Factor:
    """The widest step that keeps the error bound."""
    return Factor(sigma, max(1, int(sigma / SMALLEST_RATIO)))


def grid_axes(factor: Factor, size: int, out: int) -> tuple[Axis, Axis]:
    """From pixels to grid samples, and from those to smoothed ones. The interpolation of pixel p begins at smoothed sample
    `p // step`."""
    radius, margin = factor.before.size // 2, factor.between.size // 2
    start, weights = factor.after
    low = start - margin
    count = (out - 1) // factor.step + weights.shape[1] + 2 * margin
    reduce = Axis(size, 2 * radius + 1, count, radius - low * factor.step, 0, factor.step, 1, radius)
    smooth = Axis(count, 2 * margin + 1, count - 2 * margin, 0, 0, 1, 1, margin)
    return reduce, smooth


def grid_plans(plan) -> tuple:
    """Plans that make the whole grid: what reduces the picture to it, and what smooths it."""
    down, along = plan.decimation
    rows, columns = (
        grid_axes(down, plan.rows.size, plan.rows.out),
        grid_axes(along, plan.columns.size, plan.columns.out),
    )
    kind = plan.accumulator
    reduce = replace(plan, algorithm="separable", rows=rows[0], columns=columns[0], target=kind, range="clip",
                     offset=0.0, weights=(down.before, along.before))  # fmt: skip
    smooth = replace(reduce, rows=rows[1], columns=columns[1], source=kind, alpha="none", border=Border("nearest"),
                     weights=(down.between, along.between))  # fmt: skip
    return reduce, smooth


def _gaussian(sigma: float) -> np.ndarray:
    radius = int(TRUNCATE * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2) if radius else np.ones(1)
    return weights / weights.sum()
