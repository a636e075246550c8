"""Decides which sums are exact in whole numbers, and how float sums are cut to stay within the error bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...geometry.border import Border
from ...kernel.kernel import Kernel
from ...pixels.alpha import WEIGHTED
from ...pixels.sample_types import EXACT_LIMIT, LARGEST_SAMPLE, largest_sample, loop_type

LARGEST_TRANSFORMED = 2**40  # a float64 Fourier transform returns whole-number sums up to here within 1/1000
# Error bounds. For integer results: by how many levels a sum may differ (the result differs only within that distance of a
# tie). For float results: a share of sum|h| max|f|.
ALLOWED_LEVELS = {"bool": 0.001, "uint8": 0.001, "uint16": 0.05}
ALLOWED_RELATIVE = 1e-6
FLOAT32_ROUNDING = 2.0**-24


def exact_sums(kernel: Kernel, source: np.dtype, border: Border) -> bool:
    """Whether every sum is a whole number. (Sums too large for float64, of large 64-bit samples, are rounded.)"""
    if largest_sample(source) is None or not kernel.exact:
        return False
    return border.mode != "constant" or all(v == int(v) for v in border.values if math.isfinite(v))


def largest_sum(kernel: Kernel, source: np.dtype, border: Border, alpha: str) -> float:
    """An upper bound of an exact kernel's whole-number sums, including the offset and the number added for rounding."""
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    largest = float(largest_sample(source) or 0)
    if border.mode == "constant":
        largest = max([largest, *(abs(v) for v in border.values)])
    if alpha in WEIGHTED:
        largest *= largest
    total = kernel.absolute_sum() * divisor
    if border.mode == "normalized":
        total *= max(
            abs(kernel.sum()) * divisor, 1
        )  # sums are multiplied by the total weight before they are divided by the weights inside
    return total * largest + abs(float(kernel.offset)) * divisor + divisor


def exact_accumulator(kernel: Kernel, source: np.dtype, border: Border, alpha: str) -> str:
    """The narrowest float type that holds an exact kernel's sums exactly."""
    small = source.name in LARGEST_SAMPLE and largest_sum(kernel, source, border, alpha) < EXACT_LIMIT["float32"]
    return "float32" if small else "float64"


def allowed_error(
    kernel: Kernel, source: np.dtype, alpha: str, error_gain: float, levels: np.dtype | None = None
) -> float:
    """The allowed error of a float sum, as a share of `sum|h| max|f|`.

    Steps after the sum enlarge its error by the factor `error_gain`. `levels` is the type in whose units the sums are, by
    default the source's.
    """
    unit_type = loop_type(source if levels is None else levels)
    error_gain = max(1.0, error_gain)
    if unit_type not in ALLOWED_LEVELS:
        return (ALLOWED_RELATIVE if unit_type == "float32" else 1e-13) / error_gain
    largest = (largest_sample(source) or 1) * max(kernel.absolute_sum(), 1e-300)
    return ALLOWED_LEVELS[unit_type] / (largest * error_gain * (2 if alpha in WEIGHTED else 1))


@dataclass(frozen=True)
class Runs:
    """How a long sum is cut to keep rounding errors small; 0 means never.

    After `run` products the running sum is added to a second sum, and after `group` products that one to a third.
    """

    run: int = 0
    group: int = 0


def float_accumulator(sums: tuple[int, ...], source: np.dtype, allowed: float) -> tuple[str, Runs]:
    """The accumulator type, and how sums are cut, for passes that sum `sums` products one after another.

    In the worst case (equal terms) the error of a running sum of n terms is n / 2 roundings; in float32 a rounding is 2^-24
    of `sum|h| max|f|`. Rounding the weights adds one. A sum cut into runs of r and groups of g products has an error of
    `(r + g / r + n / g) / 2` roundings.
    """
    if loop_type(source) == "float64":
        return "float64", Runs()
    allowed_roundings = allowed / FLOAT32_ROUNDING - len(sums)
    for runs in _cuts(max(sums), allowed_roundings / len(sums)):
        if sum(roundings(n, runs) for n in sums) <= allowed_roundings:
            return "float32", runs
    return "float64", Runs()


def _cuts(terms: int, share: float) -> Iterator[Runs]:
    """Yield ways to cut a sum of `terms`, cheapest first: not at all, into runs, into runs and groups with long runs first.

    `share` is the number of roundings it may have.
    """
    yield Runs()
    # the longest run r with (r + n / r) / 2 <= share
    run = int(share + math.sqrt(max(share * share - terms, 0)))
    yield Runs(min(run, terms))
    for run in range(min(int(2 * share), terms), math.ceil(terms ** (1 / 3)) - 1, -1):
        yield Runs(run, run * max(1, round(math.sqrt(terms / run))))


def roundings(terms: int, runs: Runs) -> float:
    """The error of a sum that is cut, in roundings."""
    if not runs.run or runs.run >= terms:
        return terms / 2
    outer = terms / runs.run if not runs.group else runs.group / runs.run + terms / runs.group
    return (min(runs.run, terms) + outer) / 2
