"""Which algorithms can do a correlation, and what each costs: measured, fitted, and compared by the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...geometry.axis import Axis
from ...geometry.border import Border
from ...kernel.kernel import MAX_TAPS, Kernel
from ...pixels.sample_types import loop_type
from .decimated import Factor, factor
from .exactness import LARGEST_TRANSFORMED

ALGORITHMS = ("dense", "separable", "box", "decimated", "fft")
ORDERS = ("in order", "in pairs")  # never chosen, only asked for: sums term by term, as another tool adds them

# Picoseconds per sample on one thread: for a tap (multiply-add), and for a pass beyond them. Fitted to 6-megapixel uint8
# pictures, AMD Zen 5, AVX-512, 2026-11-22. Only ratios matter.
FLOAT_COST = 1.6  # of all but the transforms, which are float64 anyway
DENSE_PASS, DENSE_TAP = 380.0, 10.0
SEPARABLE_PASS, COLUMN_TAP, ROW_TAP = 250.0, 12.0, 14.0
BOX_PASS, BOX_ADDITION = 30.0, 38.0
BOX_OF_WORDS = 1.55  # times as much for 16 bits; 2026-11-23
FLOAT_BOX_PASS, FLOAT_BOX_ADDITION = 220.0, 28.0  # 2026-11-23
RUNNING_SUMS = 6  # additions per sample, some of them shuffles
ARRAY_TAP = 1_000.0  # numpy adds whole arrays
FFT_PASS = 47_000.0  # two float64 transforms; it pays for full kernels of about 70 x 70 and up
DECIMATED_PASS, DECIMATED_TAP, DECIMATED_STEP = 200.0, 22.0, 1450.0  # the last is shared among the pixels of a step
ROWS_AT_ONCE, PIXELS_AT_ONCE = 8, 8  # of a float box
MOST_TERMS = 64  # outer products worth summing
LONG_LINE = 32  # taps of a single row or column from which passes pay


@dataclass(frozen=True)
class Candidate:
    """An algorithm that can do the work."""

    algorithm: str
    cost: float  # picoseconds per sample
    sums: tuple[int, ...]  # how many products are summed, one sum upon another
    weights: tuple[np.ndarray, ...] | None  # None for the whole kernel, which is made only if it is used
    reason: str


@dataclass(frozen=True)
class Task:
    """A correlation: what an algorithm must be able to do."""

    kernel: Kernel
    rows: Axis
    columns: Axis
    source: np.dtype
    border: Border
    exact: bool
    allowed: float  # the error a sum may have beside sum|h| max|f|
    largest: float  # what no whole-number sum exceeds

    @property
    def taps(self) -> int:
        """Taps that count: in an integer picture, those that are not 0."""
        if self.source.kind in "biu" and self.kernel.rank_one_factors is None:
            return int(np.count_nonzero(self.kernel.weights))
        return self.rows.taps * self.columns.taps

    @property
    def undilated(self) -> bool:
        return (self.rows.dilation, self.columns.dilation) == (1, 1)

    @property
    def plain(self) -> bool:
        return self.undilated and (self.rows.stride, self.columns.stride) == (1, 1)


def candidates(task: Task) -> dict[str, Candidate]:
    """What could do it, and at what cost."""
    factors = _factors(task.kernel, task.source, task.exact, task.allowed)
    able = [_dense(task, factors), _separable(task, factors), _box(task, factors), _decimated(task), _fft(task)]
    return {candidate.algorithm: candidate for candidate in able if candidate is not None}


def _dense(task: Task, factors: list) -> Candidate:
    reason = f"{task.taps} tap{'s' * (task.taps != 1)} in one pass"
    if len(factors) != 1 and 1 not in task.kernel.shape:
        reason += ", no outer product"
    return Candidate("dense", task.taps * DENSE_TAP + DENSE_PASS, (task.taps,), None, reason)


def _separable(task: Task, factors: list) -> Candidate | None:
    if not factors:
        return None
    rows, columns, count = task.rows, task.columns, len(factors)
    cost = count * (SEPARABLE_PASS + rows.taps * columns.stride * COLUMN_TAP + columns.taps * ROW_TAP)
    what = "an outer product" if count == 1 else f"a sum of {count} outer products"
    reason = f"{what}: {count * (rows.taps + columns.taps)} taps instead of {task.taps}"
    weights = tuple(factor for pair in factors for factor in pair)
    return Candidate("separable", cost, (rows.taps, count * columns.taps), weights, reason)


def _box(task: Task, factors: list) -> Candidate | None:
    if len(factors) != 1 or not task.undilated:
        return None
    column, row = factors[0]
    if (column != column[0]).any() or (row != row[0]).any():
        return None
    height, width = column.size, row.size
    additions = box_additions(height, width, task.exact)
    each, addition = (BOX_PASS, BOX_ADDITION) if task.exact else (FLOAT_BOX_PASS, FLOAT_BOX_ADDITION)
    cost = each + addition * additions * task.columns.stride
    cost *= BOX_OF_WORDS if task.exact and task.source.itemsize == 2 else 1
    # roundings, doubled: blocks, their sum and the whole's; two a level of windows, and three of their sum, the small ones first
    levels = int(box_places(width)[:, 0].max())
    sums = (6 if box_block(height) else height, 4 * levels + 6 if levels else width)
    return Candidate("box", cost, sums, (column[:1] * row[0],), "equal weights: running sums, whatever the size")


def _decimated(task: Task) -> Candidate | None:
    axes = (task.rows, task.columns)
    centred = all(axis.before == axis.anchor == axis.taps // 2 and axis.out == axis.size for axis in axes)
    if task.kernel.sigma is None or not task.plain or not centred or task.border.mode == "normalized":
        return None
    down, along = (factor(sigma) for sigma in task.kernel.sigma)
    if max(down.step, along.step) == 1:
        return None
    taps = decimated_taps(down, along)
    cost = DECIMATED_PASS + DECIMATED_TAP * taps + DECIMATED_STEP / min(down.step, along.step)
    grid = f"every {down.step}th row and {along.step}th column"
    reason = f"a Gaussian on {grid}: {taps:.0f} taps instead of {task.rows.taps + task.columns.taps}"
    return Candidate("decimated", cost, (), (), reason)


def _fft(task: Task) -> Candidate | None:
    fits = task.rows.taps * task.columns.taps <= MAX_TAPS and task.largest < LARGEST_TRANSFORMED
    if task.kernel.included is not None or not task.plain or not fits:
        return None
    cost = FFT_PASS / (FLOAT_COST if task.source.kind == "f" else 1)
    return Candidate("fft", cost, (), None, f"{task.taps} taps at once, by fast Fourier transform")


def in_order(task: Task, order: str) -> Candidate:
    """One of ORDERS."""
    return Candidate(order, task.taps * ARRAY_TAP, (task.taps,), None, f"{task.taps} taps, added as another tool does")


def box_additions(height: int, width: int, exact: bool) -> float:
    """Additions per sample: columns by coming and going or by blocks, rows by running sums or by larger and larger windows."""
    if exact:
        return 2 + min(width.bit_length() + width.bit_count(), RUNNING_SUMS)
    block, places = box_block(height), box_places(width)
    down = 4 + 2 * height / block**2 if block else height
    return down + 3 * int(places[:, 0].max()) + len(places)


def box_block(height: int) -> int:
    """Rows summed into one block by a float box; 0 where its rows are summed one by one."""
    return math.isqrt(2 * height) if height > ROWS_AT_ONCE else 0


@lru_cache(maxsize=64)
def box_places(width: int) -> np.ndarray:
    """Windows that make up a float box's width: their levels, windows of 4^level pixels, the small ones first, and
    where they begin, (n, 2)."""
    if width <= PIXELS_AT_ONCE:
        return np.array([(0, k) for k in range(width)])
    found, at = [], 0
    for level in range((width.bit_length() + 1) // 2):
        for _ in range(width // 4**level % 4 if 4 ** (level + 1) <= width else width // 4**level):
            found.append((level, at))
            at += 4**level
    return np.array(found)


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
    for column, row in kernel.factors(1e-16)[:MOST_TERMS]:
        rest -= np.outer(column, row)
        factors.append((column, row))
        if np.abs(rest).sum() <= tolerance * kernel.absolute_sum():
            return factors
    return []
