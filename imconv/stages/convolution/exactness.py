"""Which sums are exact in whole numbers, and how float sums are cut so that they stay within the error bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...geometry.border import Border
from ...kernel.kernel import Kernel
from ...pixels.sample_types import EXACT_LIMIT, LARGEST_SAMPLE, largest_sample, loop_type

LARGEST_TRANSFORMED = 2**40  # sums up to here come out of a float64 transform within 1/1000 of a whole number
# The contract's error bounds: next to a tie for integers (in levels), relative to sum|h| max|f| for floats.
ALLOWED_LEVELS = {"bool": 0.001, "uint8": 0.001, "uint16": 0.05}
ALLOWED_RELATIVE = 1e-6
FLOAT32_ROUNDING = 2.0**-24


def exact_sums(kernel: Kernel, source: np.dtype, border: Border) -> bool:
    """Whether every sum is a whole number. (Beyond float64's, as large 64-bit samples give, it is rounded there.)"""
    if largest_sample(source) is None or not kernel.exact:
        return False
    return border.mode != "constant" or all(v == int(v) for v in border.values if math.isfinite(v))


def largest_sum(kernel: Kernel, source: np.dtype, border: Border, alpha: str) -> float:
    """What no whole-number sum of an exact kernel exceeds, offset and rounding included."""
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    largest = float(largest_sample(source) or 0)
    if border.mode == "constant":
        largest = max([largest, *(abs(v) for v in border.values)])
    if alpha == "weight":
        largest *= largest
    total = kernel.absolute_sum() * divisor
    if border.mode == "normalized":
        total *= max(abs(kernel.sum()) * divisor, 1)  # re-weighted by total / weights inside
    return total * largest + abs(float(kernel.offset)) * divisor + divisor


def exact_accumulator(kernel: Kernel, source: np.dtype, border: Border, alpha: str) -> str:
    """The narrowest type that holds an exact kernel's sums."""
    small = source.name in LARGEST_SAMPLE and largest_sum(kernel, source, border, alpha) < EXACT_LIMIT["float32"]
    return "float32" if small else "float64"


def allowed_error(kernel: Kernel, source: np.dtype, alpha: str, gain: float, levels: np.dtype | None = None) -> float:
    """How far a float sum may be off, as a share of `sum|h| max|f|`; `gain` is how much what follows enlarges it.

    `levels` is the type whose levels the kernel's sums are in, by default the source's.
    """
    kind = loop_type(source if levels is None else levels)
    gain = max(1.0, gain)
    if kind not in ALLOWED_LEVELS:
        return (ALLOWED_RELATIVE if kind == "float32" else 1e-13) / gain
    largest = (largest_sample(source) or 1) * max(kernel.absolute_sum(), 1e-300)
    return ALLOWED_LEVELS[kind] / (largest * gain * (2 if alpha == "weight" else 1))


@dataclass(frozen=True)
class Runs:
    """How a long sum is cut: after `run` products it is set aside, after `group` products those are; 0 for never."""

    run: int = 0
    group: int = 0


def float_accumulator(sums: tuple[int, ...], source: np.dtype, allowed: float) -> tuple[str, Runs]:
    """The accumulator for sums of so many products, one upon another, and how they are cut.

    In the worst case, equal terms, a running sum of n terms is off by n / 2 roundings, in float32 each 2^-24 of
    `sum|h| max|f|`, and the weights' own rounding adds one. Cut into runs of r and groups of g products it is off by
    `(r + g / r + n / g) / 2`.
    """
    if loop_type(source) == "float64":
        return "float64", Runs()
    most = allowed / FLOAT32_ROUNDING - len(sums)
    for runs in _cuts(max(sums), most / len(sums)):
        if sum(_roundings(n, runs) for n in sums) <= most:
            return "float32", runs
    return "float64", Runs()


def _cuts(terms: int, share: float) -> Iterator[Runs]:
    """Ways to cut a sum, the cheapest first: not at all, into runs, into runs and groups; the longest runs first."""
    yield Runs()
    # r + n / r stays below twice the sum's share
    run = int(share + math.sqrt(max(share * share - terms, 0)))
    yield Runs(min(run, terms))
    for run in range(min(int(2 * share), terms), math.ceil(terms ** (1 / 3)) - 1, -1):
        yield Runs(run, run * max(1, round(math.sqrt(terms / run))))


def _roundings(terms: int, runs: Runs) -> float:
    if not runs.run or runs.run >= terms:
        return terms / 2
    outer = terms / runs.run if not runs.group else runs.group / runs.run + terms / runs.group
    return (min(runs.run, terms) + outer) / 2
