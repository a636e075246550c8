"""Which algorithms can do a correlation, and what each costs: measured, fitted, and compared by the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .accuracy import LARGEST_TRANSFORMED, loop_type
from .border import Border
from .decimation import Factor, factor
from .geometry import Axis
from .kernel import MAX_TAPS, Kernel

ALGORITHMS = ("dense", "separable", "box", "decimated", "fft")

# Picoseconds per sample on one thread: for a tap (multiply-add), and for a pass beyond them. Fitted to 6-megapixel uint8
# pictures, AMD Zen 5, AVX-512, 2026-11-22. Only ratios matter.
FLOAT_COST = 1.6  # of all but the transforms, which are float64 anyway
DENSE_PASS, DENSE_TAP = 380.0, 10.0
SEPARABLE_PASS, COLUMN_TAP, ROW_TAP = 250.0, 12.0, 14.0
BOX_PASS, FLOAT_BOX_PASS, BOX_ADDITION = 150.0, 550.0, 45.0
FFT_PASS = 47_000.0  # two float64 transforms; it pays for full kernels of about 70 x 70 and up
DECIMATED_PASS, DECIMATED_TAP, DECIMATED_STEP = 200.0, 22.0, 1200.0  # the last is shared among the pixels of a step
LONG_LINE = 32  # taps of a single row or column from which passes pay


@dataclass(frozen=True)
class Candidate:
    """An algorithm that can do the work."""

    algorithm: str
    cost: float  # picoseconds per sample
    sums: tuple[int, ...]  # how many products are summed, one sum upon another
    weights: tuple[np.ndarray, ...] | None  # None for the whole kernel, which is made only if it is used
    reason: str


def candidates(
    kernel: Kernel,
    rows: Axis,
    columns: Axis,
    source: np.dtype,
    border: Border,
    exact: bool,
    allowed: float,
    largest: float,
) -> dict[str, Candidate]:
    """What could compute a correlation with this kernel, and at what cost.

    `allowed` is the error a sum may have beside sum|h| max|f|, `largest` what no whole-number sum exceeds.
    """
    able = {}
    taps = rows.taps * columns.taps
    if source.kind in "biu" and kernel.rank_one_factors is None:
        taps = int(np.count_nonzero(kernel.weights))
    factors = _factors(kernel, source, exact, allowed)
    if factors:
        terms = len(factors) * (rows.taps + columns.taps)
        each = SEPARABLE_PASS + rows.taps * columns.stride * COLUMN_TAP + columns.taps * ROW_TAP
        cost = len(factors) * each
        what = "an outer product" if len(factors) == 1 else f"a sum of {len(factors)} outer products"
        pairs = tuple(factor for pair in factors for factor in pair)
        able["separable"] = Candidate(
            "separable",
            cost,
            (rows.taps, len(factors) * columns.taps),
            pairs,
            f"{what}: {terms} taps instead of {taps}",
        )
        column, row = factors[0]
        flat = len(factors) == 1 and (column == column[0]).all() and (row == row[0]).all()
        if flat and (rows.dilation, columns.dilation) == (1, 1):
            additions = box_additions(rows.taps, columns.taps, exact)
            cost = (BOX_PASS if exact else FLOAT_BOX_PASS) + BOX_ADDITION * additions * columns.stride
            weight = (column[:1] * row[0],)
            able["box"] = Candidate(
                "box",
                cost,
                (2 * math.isqrt(rows.taps) + 2, 2 * columns.taps.bit_length()),
                weight,
                "equal weights: running sums, whatever the size",
            )
    plain = (rows.stride, columns.stride, rows.dilation, columns.dilation) == (1, 1, 1, 1)
    same = all(axis.before == axis.anchor == axis.taps // 2 and axis.out == axis.size for axis in (rows, columns))
    if kernel.sigma is not None and plain and same and border.mode != "normalized":
        down, along = (factor(s) for s in kernel.sigma)
        if max(down.step, along.step) > 1:
            count = decimated_taps(down, along)
            reason = f"a Gaussian: {count:.0f} multiply-adds on every {down.step}. row and {along.step}. column instead of {rows.taps + columns.taps}"
            cost = DECIMATED_PASS + DECIMATED_TAP * count + DECIMATED_STEP / max(1, min(down.step, along.step))
            able["decimated"] = Candidate("decimated", cost, (), (), reason)
    reason = f"{taps} tap{'s' * (taps != 1)} in one pass" + (
        "" if len(factors) == 1 or 1 in kernel.shape else ", no outer product"
    )
    able["dense"] = Candidate("dense", taps * DENSE_TAP + DENSE_PASS, (taps,), None, reason)
    whole = kernel.included is None and rows.taps * columns.taps <= MAX_TAPS and largest < LARGEST_TRANSFORMED
    if whole and (rows.stride, columns.stride, rows.dilation, columns.dilation) == (1, 1, 1, 1):
        able["fft"] = Candidate(
            "fft",
            FFT_PASS / (FLOAT_COST if source.kind == "f" else 1),
            (),
            None,
            f"{taps} taps at once, by fast Fourier transform",
        )
    return able


def box_additions(height: int, width: int, exact: bool) -> float:
    """Additions per sample: columns by coming and going or by blocks, rows by doubling."""
    down = 2 if exact else 3 + math.isqrt(height)
    return down + width.bit_length() + width.bit_count()


def decimated_taps(down: Factor, along: Factor) -> float:
    """Multiply-adds per sample: down and along to the grid, on it, along and down from it."""
    small = down.step * along.step
    to_grid = down.before.size / down.step + along.before.size / down.step / along.step
    on_grid = (down.between.size + along.between.size) / small
    from_grid = along.after[1].shape[1] / down.step + down.after[1].shape[1]
    return to_grid + on_grid + from_grid


def _factors(kernel: Kernel, source: np.dtype, exact: bool, allowed: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows whose outer products make the kernel: exactly, or to a tenth of the allowed error. Else none."""
    if kernel.included is not None or kernel.shape == (1, 1):
        return []
    if 1 in kernel.shape and max(kernel.shape) < LONG_LINE:
        return []  # a single row or column is one pass anyway; a long one may be a box
    if exact:
        factors = kernel.integer_factors()
        return [factors] if factors else []
    if kernel.rank_one_factors is not None:
        return [kernel.rank_one_factors]
    tolerance = 1e-15 if loop_type(source) == "float64" else allowed / 10
    rest, factors = kernel.weights.copy(), []
    for column, row in kernel.factors(1e-16):
        rest -= np.outer(column, row)
        factors.append((column, row))
        if np.abs(rest).sum() <= tolerance * kernel.absolute_sum():
            return factors
    return []
