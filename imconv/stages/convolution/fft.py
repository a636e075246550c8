"""The fft algorithm: correlation with very large kernels by the fast Fourier transform."""

from __future__ import annotations

import math

import numpy as np

from ...kernel.weights import MAX_TAPS
from .exactness import LARGEST_TRANSFORMED
from .task import FLOAT_COST, Algorithm, Candidate, Numbers, Task, exact_numbers, whole_weights

PASS = 47_000.0  # cost of two float64 transforms, measured as in task.py; less than dense from about 70 x 70 taps


class FourierTransform(Algorithm):
    """Transforms blocks of rows. Blocks are counted from the result's first row, so that no result depends on bands."""

    name = "fft"
    fixed_blocks = True
    by_product = False

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        fits = task.rows.taps * task.columns.taps <= MAX_TAPS and task.largest < LARGEST_TRANSFORMED
        if task.kernel.included is not None or not task.plain or not fits:
            return None
        cost = PASS / (FLOAT_COST if task.source.kind == "f" else 1)
        return Candidate(self, cost, (), None, f"{task.taps} taps at once, by fast Fourier transform")

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        """As Algorithm.numbers. Transforms are float64, and exact sums are rounded to whole numbers."""
        weights = whole_weights(task, candidate)
        if task.exact:
            return exact_numbers(task, weights, "float64")
        return Numbers("float64", weights, float(task.kernel.offset))

    def clamps(self, weights: tuple[np.ndarray, ...]) -> bool:
        return True

    def multiply_adds(self, plan) -> int:
        return round(plan.samples * 5 * math.log2(max(plan.rows.size * plan.columns.size, 2)))

    def scratch(self, plan) -> int:
        return 6 * 8 * (block_rows(plan) + plan.rows.taps) * plan.columns.span

    def without_detours(self, plan) -> str:
        """As Algorithm.without_detours: a transform spreads an infinity over the whole block."""
        return "dense"

    def cancels(self, plan) -> bool:
        return True

    def stripe_height(self, plan, usual: int) -> int:
        """As Algorithm.stripe_height: the rows of one transform."""
        return block_rows(plan)

    def arrays(self, plan):
        return Spectrum(plan)


class Spectrum:
    """The Fourier transform of a plan's kernel; computes blocks of sums from blocks of the picture."""

    def __init__(self, plan):
        self.plan = plan
        rows, columns = plan.rows, plan.columns
        self.height = block_rows(plan)
        self.shape = (_good_size(self.height + rows.taps - 1), _good_size(columns.span))
        # the conjugate rotates the kernel: correlation instead of convolution
        self.kernel = np.conj(np.fft.rfft2(plan.weights[0], self.shape))

    def sums(self, source, first: int, count: int, weighted: bool) -> np.ndarray:
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

    def _block(self, source, start: int, stop: int, weighted: bool) -> np.ndarray:
        plan = self.plan
        result = np.empty((stop - start, plan.columns.out, plan.channels))
        for channel, plane in enumerate(source.planes(start, stop + plan.rows.taps - 1, weighted)):
            spectrum = np.fft.rfft2(plane, self.shape)
            spectrum *= self.kernel
            sums = np.fft.irfft2(spectrum, self.shape)
            result[..., channel] = sums[: stop - start, : plan.columns.out]
        return np.rint(result, out=result) if plan.exact else result


def block_rows(plan) -> int:
    """Rows of the result that one transform computes."""
    return min(plan.rows.out, max(256, 2 * plan.rows.taps))


def _good_size(least: int) -> int:
    """The smallest product of powers of 2, 3 and 5 that is at least `least`: transforms of such sizes are fast."""
    best = 1 << (least - 1).bit_length()
    for fives in range(math.ceil(math.log(least + 1, 5)) + 1):
        for threes in range(math.ceil(math.log(least + 1, 3)) + 1):
            odd = 5**fives * 3**threes
            if odd < best:
                best = min(best, odd << max(0, math.ceil(math.log2(least / odd))))
    return best
