"""`Task`, a correlation to be planned, and `Algorithm`, the base class of the algorithms that can do it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from ...geometry.axis import Axis
from ...geometry.border import Border
from ...kernel.kernel import Kernel
from ...pixels.sample_types import FLOAT_TYPES, loop_type
from .exactness import Runs, exact_accumulator, float_accumulator

# Costs are picoseconds for each sample of the result on one thread: TAP for each tap (a multiply-add), PASS for everything else
# in a pass. Fitted to 6-megapixel uint8 pictures, AMD Zen 5, AVX-512, 2026-11-22. Only their ratios matter.
FLOAT_COST = 1.6  # factor for float pictures, for all algorithms but fft, which always computes in float64
MOST_TERMS = 64  # most outer products that may be worth summing
LONG_LINE = 32  # least taps of a single row or column for which separate passes can be cheaper


@dataclass(frozen=True)
class Task:
    """A correlation that an algorithm is chosen for."""

    kernel: Kernel
    rows: Axis
    columns: Axis
    source: np.dtype
    border: Border
    alpha: str
    exact: bool  # whether every sum is a whole number
    allowed: float  # largest error of a float sum, as a share of sum|h| max|f|
    largest: float  # upper bound of whole-number sums
    coarse: bool = False  # whether a Gaussian may be computed on a coarse grid

    @property
    def taps(self) -> int:
        """The taps that cost time: for integer pictures only those that are not 0."""
        if self.source.kind in "biu" and self.kernel.rank_one_factors is None:
            return int(np.count_nonzero(self.kernel.weights))
        return self.rows.taps * self.columns.taps

    @property
    def undilated(self) -> bool:
        """Whether the dilation is 1."""
        return (self.rows.dilation, self.columns.dilation) == (1, 1)

    @property
    def plain(self) -> bool:
        """Whether dilation and stride are 1."""
        return self.undilated and (self.rows.stride, self.columns.stride) == (1, 1)


class Point(Protocol):
    """Computes results from filtered values and the original samples under the anchor, both float64 (rows, columns,
    channels)."""

    def __call__(self, values: np.ndarray, originals: np.ndarray, /) -> np.ndarray: ...

    def scaled(self, factor: Fraction) -> Point:
        """The same for samples multiplied by a factor."""


@dataclass(frozen=True)
class Candidate:
    """An algorithm that can do a task, and its cost."""

    algorithm: Algorithm
    cost: float  # picoseconds per sample
    sums: tuple[int, ...]  # how many products each of its passes sums
    weights: tuple[np.ndarray, ...] | None  # None for the whole kernel, which is computed only if it is needed
    reason: str  # a sentence for `--explain`


@dataclass(frozen=True)
class Numbers:
    """The arithmetic of a plan. `weights` and `offset` are multiplied by `divisor`."""

    accumulator: str
    weights: tuple[np.ndarray, ...]
    offset: float
    divisor: int = 1
    exact: bool = False  # whether sums are whole numbers, divided once at the end
    runs: Runs = field(default_factory=Runs)  # how long float sums are cut
    decimation: tuple | None = None


@dataclass(frozen=True)
class Prepared:
    """A loop, the tables it reads, and the function that allocates its buffers for one thread."""

    loop: str  # module and function in imconv/loops
    types: dict[str, str]  # the types of tables and buffers, by their letters in the loop's declaration
    fill: np.ndarray  # the border's value for each channel
    tables: tuple
    buffers: Callable[[], tuple]


class Algorithm:
    """One way to compute a correlation. A subclass says everything about it; its objects have no state.

    The defaults are right for a loop that reads rows with their border and takes the whole kernel at once.
    """

    name: str
    only_asked_for = False  # whether it is used only if it is asked for by name
    fixed_blocks = False  # whether it computes blocks counted from the first row; bands then have the height of a block
    fused = True  # whether its loop can round and store results
    by_product = True  # whether its sums may be multiplied by 1 / divisor instead of divided
    keeps_work = True  # whether its work can be kept for the next picture: not if it holds rows of this one

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        """Its cost for a task, or None if it can't do it. `factors` are the kernel's outer products, from `factors_of`."""
        raise NotImplementedError

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        """The arithmetic for a task: whole numbers if sums are exact, else float sums cut to stay within the error bound."""
        weights = whole_weights(task, candidate)
        if not task.exact:
            accumulator, runs = float_accumulator(candidate.sums, task.source, task.allowed)
            return Numbers(accumulator, weights, float(task.kernel.offset), runs=runs)
        return exact_numbers(task, weights, exact_accumulator(task.kernel, task.source, task.border, task.alpha))

    def multiply_adds(self, plan) -> int:
        """Multiply-adds for the whole picture and all channels."""
        raise NotImplementedError

    def scratch(self, plan) -> int:
        """Bytes of buffers for each thread, as `prepare(...).buffers()` allocates them."""
        raise NotImplementedError

    def kernel_of(self, plan) -> np.ndarray:
        """The whole kernel that a plan's weights stand for, multiplied by the divisor."""
        return plan.weights[0]

    def without_detours(self, plan) -> str | None:
        """The algorithm that sums anew where results are not finite; None if this one never computes inf - inf or overflows
        where the direct sum is a number."""
        return None

    def settles(self, weights: tuple[np.ndarray, ...]) -> bool:
        """Whether its loop makes sums anew that are near a sample of their window (see flatness.py)."""
        return False

    def clamps(self, weights: tuple[np.ndarray, ...]) -> bool:
        """Whether float64 results are kept between their window's samples afterwards instead (see clamp.py)."""
        return False

    def cancels(self, plan) -> bool:
        """Whether the sum of a window whose samples are all 0 may differ from 0, by the rounding of other samples."""
        return False

    # --- rows ------------------------------------------------------------------------------------------------------

    def rows_together(self, plan) -> int:
        """Rows of the result that the loop computes at once: bands of other heights waste some."""
        return 1

    def least_height(self, plan) -> int:
        """The least height of a band: lower bands would mostly read rows that their neighbours read, too."""
        return 1

    def stripe_height(self, plan, usual: int) -> int:
        """Rows of the result that are computed at once when the picture arrives in bands; `usual` is Stage's choice."""
        return usual

    def stripes(self, plan, parts: list, originals: bool) -> list | None:
        """The stripes for parts (first, last) of the result if they need other rows than a window's, else None."""
        return None

    # --- work ------------------------------------------------------------------------------------------------------

    def grid(self, plan, weighted: bool):
        """The coarse grid that the loop reads instead of the picture; None if it reads the picture."""
        return None

    def grid_bytes(self, plan) -> int:
        """Bytes of coarse grids that are held at a time."""
        return 0

    def grid_bytes_held(self, plan, height: int) -> int:
        """Bytes of one coarse grid if the picture arrives in bands and `height` rows of the result are computed at once."""
        return 0

    def grid_rows(self, plan) -> int:
        """For how many rows of the result the coarse grid is held at a time; 0 for all."""
        return 0

    def arrays(self, plan):
        """An object whose `sums(rows, first, count, weighted)` computes raw sums with NumPy; None if a loop does."""
        return None

    def more_loops(self, plan, source: str) -> list[tuple[str, dict]]:
        """The names and types of further loops, for rows of type `source`."""
        return []

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        """The loop, its tables and its buffers; `fill` holds the border's value for each channel."""
        raise NotImplementedError


def whole_weights(task: Task, candidate: Candidate) -> tuple[np.ndarray, ...]:
    """A candidate's weights, or the whole kernel's if it has none."""
    if candidate.weights is not None:
        return candidate.weights
    numerators = task.kernel.numerators if task.exact else None
    return (task.kernel.weights if numerators is None else numerators,)


def exact_numbers(task: Task, weights: tuple[np.ndarray, ...], accumulator: str) -> Numbers:
    """The arithmetic of exact sums: weights and offset as whole numbers, with their common divisor."""
    kernel = task.kernel
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    weights = (weights[0] * (divisor // kernel.denominator), *weights[1:])
    return Numbers(accumulator, weights, float(kernel.offset * divisor), divisor, True)


def factors_of(task: Task) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows whose outer products add up to the kernel, exactly or within a tenth of the allowed error.

    An empty list if there are none, or too many to be worth it.
    """
    kernel = task.kernel
    if kernel.included is not None or kernel.shape == (1, 1):
        return []
    if 1 in kernel.shape and max(kernel.shape) < LONG_LINE:
        return []  # a short single row or column is one dense pass; a long one may be a box
    if task.exact:
        whole = kernel.integer_factors()
        return [whole] if whole else []
    if kernel.rank_one_factors is not None:
        return [kernel.rank_one_factors]
    if (whole := kernel.integer_factors()) is not None:
        return [(whole[0] / kernel.denominator, whole[1].astype(np.float64))]
    tolerance = 1e-15 if loop_type(task.source) == "float64" else task.allowed / 10
    return _outer_products(kernel.weights, tolerance * kernel.absolute_sum())


def _outer_products(weights: np.ndarray, allowed: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows whose outer products add up to the weights, but for `allowed` in sum; an empty list if that takes too many.

    Each product takes the row and the column of the largest weight that is left (cross approximation with full pivoting:
    M. Bebendorf, "Approximation of boundary element matrices", 2000). A singular value decomposition needs no fewer
    products for the kernels that are common, and its last digits are not the same on every processor.
    """
    rest, total, factors = weights.copy(), np.zeros_like(weights), list[tuple[np.ndarray, np.ndarray]]()
    for _ in range(MOST_TERMS):
        i, j = np.unravel_index(np.abs(rest).argmax(), rest.shape)
        if rest[i, j] == 0:
            return []
        column, row = rest[:, j].copy(), rest[i] / rest[i, j]
        product = np.outer(column, row)
        rest -= product
        rest[i], rest[:, j] = 0, 0
        total += product
        factors.append((column, row))
        if np.abs(weights - total).sum() <= allowed:
            return factors
    return []


def skips_zeros(plan) -> bool:
    """Whether taps of weight 0 can be left out: not for float pictures, where 0 * NaN is NaN."""
    return plan.source not in FLOAT_TYPES
