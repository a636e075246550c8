"""Correlation with very large kernels by the fast Fourier transform, block of rows by block of rows."""

from __future__ import annotations

import math

import numpy as np

from .planner import Plan
from .source import Source

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
        last = stop + plan.rows.taps - 1
        table, window = source.window(start, last, weighted)
        fill = source.weighted_fill if weighted else source.fill
        pixels = window[:, : source.samples].reshape(len(window), -1, plan.channels)
        result = np.empty((stop - start, plan.columns.out, plan.channels))
        outside = source.columns < 0
        for channel in range(plan.channels):
            plane = pixels[table[start:last], :, channel].astype(np.float64)[:, source.columns]
            plane[:, outside] = fill[channel]
            spectrum = np.fft.rfft2(plane, self.shape)
            spectrum *= self.kernel
            sums = np.fft.irfft2(spectrum, self.shape)
            result[..., channel] = sums[: stop - start, : plan.columns.out]
        return np.rint(result, out=result) if plan.exact else result


def _good_size(least: int) -> int:
    """The smallest product of 2, 3 and 5 that is not less: what transforms are fast for."""
    best = 1 << (least - 1).bit_length()
    for fives in range(math.ceil(math.log(least + 1, 5)) + 1):
        for threes in range(math.ceil(math.log(least + 1, 3)) + 1):
            odd = 5**fives * 3**threes
            if odd < best:
                best = min(best, odd << max(0, math.ceil(math.log2(least / odd))))
    return best
