"""Correlation without a loop: with very large kernels by the fast Fourier transform; in a given order of summation."""

from __future__ import annotations

import math

import numpy as np

from ...engine.bordered_rows import Source
from ...geometry.axis import Axis, effective_size
from .plan import Plan

# Blocks are counted from the result's first row, whatever bands are asked for: no result depends on them.


class Spectrum:
    """A plan's kernel in frequency space, and what turns blocks of the picture into blocks of sums."""

    def __init__(self, plan: Plan):
        self.plan = plan
        rows, columns = plan.rows, plan.columns
        self.height = plan.block_rows
        self.shape = (_good_size(self.height + rows.taps - 1), _good_size(columns.span))
        # correlation: the conjugate turns the kernel round
        self.kernel = np.conj(np.fft.rfft2(plan.weights[0], self.shape))

    def sums(self, source: Source, first: int, count: int, weighted: bool) -> np.ndarray:
        """Raw sums of output rows first .. first + count - 1: float64 (count, samples)."""
        plan = self.plan
        result = np.empty((count, plan.columns.out, plan.channels))
        for block in range(first // self.height, (first + count - 1) // self.height + 1):
            start = block * self.height
            stop = min(start + self.height, plan.rows.out)
            low, high = max(start, first), min(stop, first + count)
            sums = self._block(source, start, stop, weighted)
            result[low - first : high - first] = sums[low - start : high - start]
        return result.reshape(count, -1)

    def _block(self, source: Source, start: int, stop: int, weighted: bool) -> np.ndarray:
        plan = self.plan
        result = np.empty((stop - start, plan.columns.out, plan.channels))
        for channel, plane in enumerate(source.planes(start, stop + plan.rows.taps - 1, weighted)):
            spectrum = np.fft.rfft2(plane, self.shape)
            spectrum *= self.kernel
            sums = np.fft.irfft2(spectrum, self.shape)
            result[..., channel] = sums[: stop - start, : plan.columns.out]
        return np.rint(result, out=result) if plan.exact else result


class InOrder:
    """Sums in float64 whose terms are added in a given order, as another tool adds them, so that not a bit differs.

    "in order": tap by tap, row by row. "in pairs": the middle tap of a symmetric column or row, then both outermost ones,
    added before they are weighted, and so on inwards.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        weights = plan.weights[0]
        taps = list(np.ndindex(weights.shape))
        if plan.algorithm == "in pairs":
            middle = len(taps) // 2
            groups = [(taps[middle],), *zip(taps[:middle], taps[:middle:-1], strict=True)]
        else:
            groups = [(tap,) for tap in taps if weights[tap] != 0]
        self.terms = [(weights[group[0]], group) for group in groups]

    def sums(self, source: Source, first: int, count: int, weighted: bool) -> np.ndarray:
        """As Spectrum.sums."""
        rows, columns = self.plan.rows, self.plan.columns
        start = first * rows.stride
        stop = start + (count - 1) * rows.stride + effective_size(rows.taps, rows.dilation)
        total = np.zeros((count, columns.out, self.plan.channels))
        for channel, plane in enumerate(source.planes(start, stop, weighted)):
            for weight, taps in self.terms:
                met = [_under(tap, plane, rows, columns) for tap in taps]
                total[..., channel] += weight * sum(met[1:], start=met[0])
        return total.reshape(count, -1)


def _under(tap: tuple[int, int], plane: np.ndarray, rows: Axis, columns: Axis) -> np.ndarray:
    """The samples that a tap meets."""
    down, along = tap[0] * rows.dilation, tap[1] * columns.dilation
    right = along + (columns.out - 1) * columns.stride + 1
    bottom = len(plane) - effective_size(rows.taps, rows.dilation) + down + 1
    return plane[down : bottom : rows.stride, along : right : columns.stride]


def _good_size(least: int) -> int:
    """The smallest product of 2, 3 and 5 that is not less: what transforms are fast for."""
    best = 1 << (least - 1).bit_length()
    for fives in range(math.ceil(math.log(least + 1, 5)) + 1):
        for threes in range(math.ceil(math.log(least + 1, 3)) + 1):
            odd = 5**fives * 3**threes
            if odd < best:
                best = min(best, odd << max(0, math.ceil(math.log2(least / odd))))
    return best
