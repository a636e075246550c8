"""A correlation to be planned, and what an algorithm is that could do it."""

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

# Costs are picoseconds for a sample of the result on one thread: for a tap (multiply-add), and for a pass beyond them. Fitted
# to 6-megapixel uint8 pictures, AMD Zen 5, AVX-512, 2026-11-22. Only ratios matter.
FLOAT_COST = 1.6  # times as much for float pictures, for all algorithms but the transform, which is float64 anyway
MOST_TERMS = 64  # outer products worth summing
LONG_LINE = 32  # taps of a single row or column from which separate passes can pay


@dataclass(frozen=True)
class Task:
    """A correlation: what an algorithm must be able to do."""

    kernel: Kernel
    rows: Axis
    columns: Axis
    source: np.dtype
    border: Border
    alpha: str
    exact: bool  # whether every sum is a whole number
    allowed: float  # the error a float sum may have, as a share of sum|h| max|f|
    largest: float  # upper bound of whole-number sums

    @property
    def taps(self) -> int:
        """Taps that count: in an integer picture, those that are not 0."""
        if self.source.kind in "biu" and self.kernel.rank_one_factors is None:
            return int(np.count_nonzero(self.kernel.weights))
        return self.rows.taps * self.columns.taps

    @property
    def undilated(self) -> bool:
        """Whether taps lie side by side."""
        return (self.rows.dilation, self.columns.dilation) == (1, 1)

    @property
    def plain(self) -> bool:
        """Whether taps and results lie side by side."""
        return self.undilated and (self.rows.stride, self.columns.stride) == (1, 1)


class Point(Protocol):
    """What becomes of filtered values and the original samples under the anchor, both float64 (rows, columns, channels)."""

    def __call__(self, values: np.ndarray, originals: np.ndarray, /) -> np.ndarray: ...

    def scaled(self, factor: Fraction) -> Point:
        """The same for samples multiplied by a factor."""


@dataclass(frozen=True)
class Candidate:
    """An algorithm that can do the work."""

    algorithm: Algorithm
    cost: float  # picoseconds per sample
    sums: tuple[int, ...]  # how many products are summed, one sum upon another
    weights: tuple[np.ndarray, ...] | None  # None for the whole kernel, which is made only if it is used
    reason: str


@dataclass(frozen=True)
class Numbers:
    """What a plan computes with. `weights` and `offset` are multiplied by `divisor`."""

    accumulator: str
    weights: tuple[np.ndarray, ...]
    offset: float
    divisor: int = 1
    exact: bool = False  # whole-number sums, divided once
    runs: Runs = field(default_factory=Runs)  # how long float sums are cut
    decimation: tuple | None = None


@dataclass(frozen=True)
class Prepared:
    """A loop, the tables it takes, and what makes its buffers for one thread."""

    loop: str  # module and function in imconv/loops
    kinds: dict[str, str]  # types of its own, by the capitals of its declaration
    fill: np.ndarray  # the border's value in each channel
    tables: tuple
    buffers: Callable[[], tuple]


class Algorithm:
    """One way in which a correlation can be done. An algorithm has no state; a subclass says everything about its way.

    The defaults are those of a compiled loop that reads rows with their border and works on the whole kernel at once.
    """

    name: str
    only_asked_for = False  # whether it is considered only where it is asked for
    fixed_blocks = False  # whether results come in blocks counted from the first row, by which bands are best cut
    fused = True  # whether its loop can round and store by itself
    by_product = True  # whether its sums may be divided by a product
    keeps_work = True  # whether its work holds nothing of the picture, so that it can be kept for the next one

    def candidate(self, task: Task, factors: list) -> Candidate | None:
        """Whether it can do the task, and at what cost; `factors` are the kernel's outer products, from `factors_of`."""
        raise NotImplementedError

    def numbers(self, task: Task, candidate: Candidate) -> Numbers:
        """The arithmetic for a task: whole numbers where sums are exact, else sums short enough for the error bound."""
        weights = whole_weights(task, candidate)
        if not task.exact:
            accumulator, runs = float_accumulator(candidate.sums, task.source, task.allowed)
            return Numbers(accumulator, weights, float(task.kernel.offset), runs=runs)
        return exact_numbers(task, weights, exact_accumulator(task.kernel, task.source, task.border, task.alpha))

    def multiply_adds(self, plan) -> int:
        """Multiplications with additions for the whole picture, channels counted."""
        raise NotImplementedError

    def scratch(self, plan) -> int:
        """Bytes of buffers a thread holds: what `prepare(...).buffers()` makes."""
        raise NotImplementedError

    def kernel_of(self, plan) -> np.ndarray:
        """The kernel that the plan's weights make together, multiplied by the divisor."""
        return plan.weights[0]

    def without_detours(self, plan) -> str | None:
        """The algorithm to take where infinities or the largest floats can't take this one's detours; None if it has none."""
        return None

    def cancels(self, plan) -> bool:
        """Whether sums of samples that are all 0 may be not quite 0."""
        return False

    # --- rows ------------------------------------------------------------------------------------------------------

    def rows_together(self, plan) -> int:
        """Rows that the loop works on at a time: bands of any other height have some in vain."""
        return 1

    def least_height(self, plan) -> int:
        """The height of a band below which too much is read that other bands have read as well."""
        return 1

    def stripe_height(self, plan, usual: int) -> int:
        """Rows of the result to compute at a time from a picture that comes in bands."""
        return usual

    def stripes(self, plan, parts: list, originals: bool) -> list | None:
        """The stripes for these parts of the result (first, last), where it reads more than a window's rows; else None."""
        return None

    # --- work ------------------------------------------------------------------------------------------------------

    def grid(self, plan, weighted: bool):
        """The coarse grid that the loop reads instead of the picture, where there is one."""
        return None

    def grid_bytes(self, plan) -> int:
        """Bytes of coarse grids held at a time."""
        return 0

    def grid_bytes_held(self, plan, height: int) -> int:
        """Bytes of one coarse grid for making `height` rows of the result at a time from a picture that comes in bands."""
        return 0

    def grid_rows(self, plan) -> int:
        """Rows of the result whose coarse grids are held at a time; 0 for all."""
        return 0

    def arrays(self, plan):
        """What sums whole arrays instead of a loop: `sums(rows, first, count, weighted)`; None where a loop does."""
        return None

    def more_loops(self, plan, source: str) -> list[tuple[str, dict]]:
        """Loops beside the main one, each with the types it is called with, for rows of type `source`."""
        return []

    def prepare(self, plan, fill: np.ndarray) -> Prepared:
        """The loop, its tables and its buffers; `fill` is the border's value in each channel."""
        raise NotImplementedError


def whole_weights(task: Task, candidate: Candidate) -> tuple[np.ndarray, ...]:
    """A candidate's weights; the whole kernel's where it has none of its own."""
    if candidate.weights is not None:
        return candidate.weights
    numerators = task.kernel.numerators if task.exact else None
    return (task.kernel.weights if numerators is None else numerators,)


def exact_numbers(task: Task, weights: tuple[np.ndarray, ...], accumulator: str) -> Numbers:
    """Weights and offset multiplied up to whole numbers, and their divisor."""
    kernel = task.kernel
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    weights = (weights[0] * (divisor // kernel.denominator), *weights[1:])
    return Numbers(accumulator, weights, float(kernel.offset * divisor), divisor, True)


def factors_of(task: Task) -> list[tuple[np.ndarray, np.ndarray]]:
    """Columns and rows whose outer products make the kernel: exactly, or to a tenth of the allowed error. Else none."""
    kernel = task.kernel
    if kernel.included is not None or kernel.shape == (1, 1):
        return []
    if 1 in kernel.shape and max(kernel.shape) < LONG_LINE:
        return []  # a single row or column is one pass anyway; a long one may be a box
    if task.exact:
        whole = kernel.integer_factors()
        return [whole] if whole else []
    if kernel.rank_one_factors is not None:
        return [kernel.rank_one_factors]
    tolerance = 1e-15 if loop_type(task.source) == "float64" else task.allowed / 10
    rest, factors = kernel.weights.copy(), list[tuple[np.ndarray, np.ndarray]]()
    for column, row in kernel.factors(1e-16)[:MOST_TERMS]:
        rest -= np.outer(column, row)
        factors.append((column, row))
        if np.abs(rest).sum() <= tolerance * kernel.absolute_sum():
            return factors
    return []


def skips_zeros(plan) -> bool:
    """Whether taps of weight 0 can be left out: in float pictures 0 * NaN counts."""
    return plan.source not in FLOAT_TYPES
