"""What is computed from one pixel: channels mixed with fractions, or a colour laid over a background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Protocol

import numpy as np

Fractions = tuple[Fraction, ...]


class Operation(Protocol):
    """What a `PointwisePlan` computes. Pixels are arrays whose last axis is the channels."""

    @property
    def channels(self) -> int:
        """Channels of the result."""

    @property
    def largest(self) -> int:
        """A number that no numerator of `whole` exceeds, in units of the picture's largest sample."""

    @property
    def denominator(self) -> int:
        """The denominator of the results of `whole`."""

    def whole(self, pixels: np.ndarray) -> np.ndarray:
        """For int64 pixels the results as int64 numerators."""

    def floats(self, pixels: np.ndarray) -> np.ndarray:
        """The results for float64 pixels, a new array."""


@dataclass(frozen=True)
class Mixing:
    """Each channel of the result is a sum of the picture's, times fractions, plus a constant.

    weights   for each channel of the result a fraction for each of the picture's
    constants for each channel of the result, in sample units
    """

    weights: tuple[Fractions, ...]
    constants: Fractions

    @property
    def channels(self) -> int:
        return len(self.weights)

    @property
    def identity(self) -> bool:
        """Whether the result is the picture."""
        size = len(self.weights)
        return self == same(size) and len(self.weights[0]) == size

    @property
    def largest(self) -> int:
        return max(sum(map(abs, row)) + abs(constant) for row, constant in self._numerators())

    def whole(self, pixels: np.ndarray) -> np.ndarray:
        out = np.empty((*pixels.shape[:-1], self.channels), np.int64)
        for channel, (row, constant) in enumerate(self._numerators()):
            out[..., channel] = constant
            for number, weight in enumerate(row):
                if weight:
                    out[..., channel] += weight * pixels[..., number]
        return out

    def floats(self, pixels: np.ndarray) -> np.ndarray:
        out = np.empty((*pixels.shape[:-1], self.channels), np.float64)
        for channel, (row, constant) in enumerate(zip(self.weights, self.constants, strict=True)):
            used = [number for number, weight in enumerate(row) if weight]
            total = np.zeros(pixels.shape[:-1])
            for number in used:
                weight = row[number]
                total += pixels[..., number] if weight == 1 else pixels[..., number] * float(weight)
            if constant:
                total += float(constant)
            out[..., channel] = total
        return out

    @property
    def denominator(self) -> int:
        return lcm(*(each.denominator for row in (*self.weights, self.constants) for each in row))

    def _numerators(self) -> list[tuple[list[int], int]]:
        over = self.denominator
        return [
            ([int(weight * over) for weight in row], int(constant * over))
            for row, constant in zip(self.weights, self.constants, strict=True)
        ]


def same(channels: int) -> Mixing:
    """The picture as it is."""
    return diagonal([Fraction(1)] * channels, [Fraction(0)] * channels)


def diagonal(factors: Sequence[Fraction], constants: Sequence[Fraction]) -> Mixing:
    """Each channel by itself: times a factor, plus a constant."""
    size = len(factors)
    rows = [tuple(factors[i] if i == j else Fraction(0) for j in range(size)) for i in range(size)]
    return Mixing(tuple(rows), tuple(constants))


@dataclass(frozen=True)
class Flattening:
    """Colours over a background, `(alpha c + (white - alpha) background) / white`; alpha, the last channel, goes.

    background  a fraction for each colour, in sample units
    """

    background: Fractions
    white: int

    @property
    def channels(self) -> int:
        return len(self.background)

    @property
    def largest(self) -> int:
        return (self.white + max(int(each) + 1 for each in self.background)) * self._over

    @property
    def denominator(self) -> int:
        return self.white * self._over

    def whole(self, pixels: np.ndarray) -> np.ndarray:
        alpha = np.clip(pixels[..., -1:], 0, self.white)
        background = np.array([int(each * self._over) for each in self.background])
        return alpha * pixels[..., :-1] * self._over + (self.white - alpha) * background

    def floats(self, pixels: np.ndarray) -> np.ndarray:
        alpha = np.clip(pixels[..., -1:], 0, self.white) / self.white
        background = np.array([float(each) for each in self.background])
        # a colour that can't be seen counts for nothing, even if it is NaN or infinite
        return np.where(alpha == 0, background, alpha * pixels[..., :-1] + (1 - alpha) * background)

    @property
    def _over(self) -> int:
        return lcm(*(each.denominator for each in self.background))
