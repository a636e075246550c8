"""Measures shift consistency: how much pooling a moved picture differs from moving the pooled picture."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..filter import Filter
from ..pixels.elementary import decibels
from ..pixels.sample_types import type_range
from .apply import apply

BLOCK = 1 << 20  # samples compared at a time


@dataclass(frozen=True)
class Consistency:
    """The result of `measure`, over all shifts, rows, columns and colours."""

    shifts: int
    correlation: float  # Pearson's; 1 if both pictures agree except for brightness and contrast
    rms: float  # root mean square difference, in units of the samples
    psnr: float  # decibels, for the type's range; infinite if both pictures agree

    def as_dict(self) -> dict:
        """The figures for `--json`; None for infinite and undefined ones."""
        finite = {name: value if math.isfinite(value) else None for name, value in vars(self).items()}
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in finite.items()}


def measure(picture, dense: Filter, stride: tuple[int, int], inside: tuple[tuple[int, int], tuple[int, int]]):
    """The Consistency of pooling at a stride.

    The picture is moved by every (dy, dx) of 0 .. stride - 1 pixels except (0, 0), and pooled. The result is compared with the
    pooled original, moved by dy / stride and dx / stride of its own pixels by linear interpolation.

    Zhang calls it shift-equivariance if F(Shift(X)) equals Shift(F(X)) (2019, "Making Convolutional Networks Shift-Invariant
    Again", equation 1). He measures it in layers by cosine similarity, which about the mean is Pearson's correlation, and in
    pictures by PSNR (section 4.3).

    Parameters
    ----------
    picture : Picture
    dense : Filter
        The same pooling at stride 1, with float results. Its samples d, d + stride, ... are the result for a picture moved by
        d pixels.
    inside : (first, last), (first, last)
        The rows and columns of the dense result whose windows lie within the picture.
    """
    if stride == (1, 1):
        raise OptionError("at stride 1 there are no shifts in between; give a larger stride")
    if any((last - first) // step < 2 for (first, last), step in zip(inside, stride, strict=True)):
        raise OptionError("the picture is too small for a report: fewer than two windows lie on it alone")
    pooled = apply(dense, picture).pixels
    pooled = pooled[tuple(slice(*ends) for ends in inside)]
    pooled = pooled.reshape(*pooled.shape[:2], -1)[..., : picture.channels - picture.has_alpha]
    sums = np.zeros(7)
    for shift in itertools.product(*map(range, stride)):
        if shift != (0, 0):
            _compare(pooled, stride, shift, sums)
    count, x, y, xx, yy, xy, errors = sums
    spread = math.sqrt(max((xx - x * x / count) * (yy - y * y / count), 0.0))
    error = errors / count
    low, high = type_range(picture.pixels.dtype)
    high = picture.maximum or high
    return Consistency(
        stride[0] * stride[1] - 1,
        (xy - x * y / count) / spread if spread else math.nan,
        math.sqrt(error),
        decibels(high - low, math.sqrt(error)),
    )


def _compare(pooled: np.ndarray, stride, shift, sums: np.ndarray) -> None:
    """Add to `sums` for one shift: the number of samples, both sums, both sums of squares, the sums of products and of squared
    differences.

    Compared are the pooled moved picture and the moved pooled picture.
    """
    (down, along), (dy, dx) = stride, shift
    rows, columns = (n // step - 1 for n, step in zip(pooled.shape, stride, strict=False))
    height = max(1, BLOCK // (columns * pooled.shape[2]))
    for row in range(0, rows, height):
        part = pooled[row * down : (min(row + height, rows) + 1) * down].astype(np.float64)
        moved = part[dy::down, dx::along][:-1, :columns]
        grid = part[::down, ::along][:, : columns + 1]
        across = grid[:, :-1] * (1 - dx / along) + grid[:, 1:] * (dx / along)
        between = across[:-1] * (1 - dy / down) + across[1:] * (dy / down)
        values = moved, between, moved * moved, between * between, moved * between, (moved - between) ** 2
        sums += moved.size, *(each.sum() for each in values)
