"""`Reads`: the samples along one axis of a layer's input on which each of its outputs depends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..geometry.axis import Axis

f32 = np.float32


@dataclass(frozen=True)
class Reads:
    """The samples that outputs read: `cycle[i]` for output i; after a cycle all lie `len(cycle) * jump` samples further.

    Samples before the first and behind the last one are padding, or don't exist.

    >>> sliding(3, before=1, stride=2, dilation=1).of(2)
    range(3, 6)
    """

    cycle: tuple[range, ...]
    jump: Fraction

    def of(self, output: int) -> range:
        """The samples that an output reads."""
        turn, place = divmod(output, len(self.cycle))
        shift, one = math.floor(turn * len(self.cycle) * self.jump), self.cycle[place]
        return range(one.start + shift, one.stop + shift, one.step)


def sliding(taps: int, before: int, stride: int, dilation: int) -> Reads:
    """A window that slides; `before` is the padding in front."""
    return Reads((range(-before, dilation * (taps - 1) - before + 1, dilation),), Fraction(stride))


def of_axis(axis: Axis) -> Reads:
    """The window of an axis."""
    return sliding(axis.taps, axis.before, axis.stride, axis.dilation)


def divided(size: int, count: int) -> Reads:
    """Windows that divide `size` samples into `count` parts, as torch places them; they may overlap."""
    common = math.gcd(size, count)
    parts = range(count // common)
    return Reads(tuple(range(i * size // count, -(-(i + 1) * size // count)) for i in parts), Fraction(size, count))


def transposed(taps: int, pad: int, stride: int, dilation: int) -> Reads:
    """A transposed convolution: output o depends on the samples i with o = i stride - pad + k dilation, for the taps k.

    >>> [list(one) for one in transposed(3, 1, 2, 1).cycle]
    [[0], [0, 1]]
    """
    cycle, step = [], dilation // math.gcd(stride, dilation)
    for output in range(stride):
        found = sorted(
            tap_read // stride for k in range(taps) if (tap_read := output + pad - k * dilation) % stride == 0
        )
        cycle.append(range(found[0], found[-1] + 1, step) if found else range(0))
    return Reads(tuple(cycle), Fraction(1, stride))


def repeated(factor: int) -> Reads:
    """Every sample, `factor` times."""
    return Reads((range(1),) * factor, Fraction(1, factor))


def nearest(old: int, new: int, factor: float | None) -> Reads:
    """Upsampling from `old` to `new` samples by repeating them; see `nearest_samples`."""
    step = _step(old, new, factor)
    samples = nearest_samples(old, new, factor).tolist()
    count = min(step.denominator, new)
    if any(n != min(math.floor(i * step), old - 1) for i, n in enumerate(samples)):
        count = new  # rounding in float32 breaks the cycle
    return Reads(tuple(range(n, n + 1) for n in samples[:count]), step)


def bilinear(old: int, new: int, factor: float | None, corners: bool) -> Reads:
    """Bilinear upsampling from `old` to `new` samples; see `bilinear_samples`."""
    step = _step(old, new, factor)
    if corners:
        step = Fraction(old - 1, new - 1) if new > 1 else Fraction(0)
    cycle = []
    for i in range(min(step.denominator, new)):
        place = i * step if corners else (i + Fraction(1, 2)) * step - Fraction(1, 2)
        cycle.append(range(math.floor(place), math.ceil(place) + 1))
    return Reads(tuple(cycle), step)


def _step(old: int, new: int, factor: float | None) -> Fraction:
    """How far apart new samples lie on the old ones."""
    return Fraction(old, new) if factor is None or old == new else 1 / Fraction(repr(factor))


def nearest_samples(old: int, new: int, factor: float | None) -> np.ndarray:
    """The old sample that each new one repeats.

    As torch's interpolate, in float32, whose rounding sometimes leads to the sample beside the exact one. With a factor, new
    samples lie 1 / factor apart, although `new` was rounded down; if it was rounded down to `old`, nothing changes.
    """
    step = f32(old) / f32(new) if factor is None or old == new else f32(1 / factor)
    return np.minimum((np.arange(new, dtype=f32) * step).astype(np.int64), old - 1)


def bilinear_samples(
    old: int, new: int, factor: float | None, corners: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two old samples between which each new one lies, and the share of the second, float32. As torch's interpolate.

    With `corners` the first and the last sample keep their places; else the picture's edges do.
    """
    if corners:
        place = np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0.0)
    else:
        step = old / new if factor is None or old == new else 1 / factor
        place = np.maximum((np.arange(new) + 0.5) * step - 0.5, 0)
    low = np.minimum(place.astype(np.int64), old - 1)
    return low, np.minimum(low + 1, old - 1), (place - low).astype(f32)
