"""`Plan`: how a correlation is computed, and `make_plan`, the pure function that chooses the cheapest algorithm."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, wraps

import numpy as np

from ...engine.stage import Stage
from ...errors import OptionError
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...geometry.grid import Grid
from ...kernel.kernel import Kernel
from ...lazy import cached_property
from ...pixels.alpha import KEPT, WEIGHTED
from ...pixels.rounding import HALF_UP, check_range
from ...pixels.sample_types import FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT, loop_type
from ...units import human_bytes
from .algorithms import BY_NAME, ORDERS, candidates
from .exactness import Runs, allowed_error, exact_sums, largest_sum
from .task import Algorithm, Point, Task
from .work import ConvolutionWork


@dataclass(frozen=True)
class Plan(Stage):
    """How one filter runs over one kind of picture. Print it to read it; compare it; `execute(image)` runs it."""

    algorithm: str  # one of `algorithms.BY_NAME`
    reason: str
    rows: Axis
    columns: Axis
    channels: int
    source: str  # dtype names
    target: str
    accumulator: str
    exact: bool  # whether sums are whole numbers, divided once at the end
    divisor: int
    border: Border
    alpha: str  # "none", or one of alpha.ALPHAS
    range: str
    kernel: Kernel = field(repr=False)
    # multiplied by `divisor`; their form depends on the algorithm and is described at its class
    weights: tuple[np.ndarray, ...] = field(repr=False, compare=False)
    offset: float = 0.0  # multiplied by `divisor` too
    runs: Runs = field(default_factory=Runs)  # how long sums are cut, to keep rounding errors small
    decimation: tuple | None = None  # how rows and columns are decimated: decimated.Factor
    by_product: bool = False  # whether multiplying by 1 / divisor has the same result as dividing
    scale: Fraction = Fraction(1)  # factor of a change of depth; the kernel's weights include it
    cost: float = field(default=0.0, compare=False)  # picoseconds for a sample of the result
    rounding: str = HALF_UP  # or another tool's: one of rounding.ROUNDINGS
    keeps_edges: bool = False  # whether samples whose window leaves the picture keep their value
    point: Point | None = field(default=None, repr=False)  # computes the final values from the sums; see `make_plan`
    pools: bool = False  # whether results stand for their whole window

    worker = ConvolutionWork

    @property
    def how(self) -> Algorithm:
        """The algorithm as an object, which is asked for everything that depends on it."""
        return BY_NAME[self.algorithm]

    @property
    def grid(self) -> Grid | None:
        """As AnyPlan.grid."""
        return self.grid_of_windows if self.pools else super().grid

    @property
    def samples(self) -> int:
        """The number of samples of the result."""
        return self.rows.out * self.columns.out * self.channels

    @property
    def fused(self) -> bool:
        """Whether the loop itself rounds and stores results, so that no float copy of a band is needed."""
        plain = self.alpha in ("none", "separate") and self.range == "clip" and self.border.mode != "normalized"
        same = self.source == self.target or self.target == self.accumulator
        ours = not self.compares and (self.rounding == HALF_UP or self.target in FLOAT_TYPES)
        return plain and same and ours and self.source in (*LARGEST_SAMPLE, *FLOAT_TYPES)

    @property
    def settles(self) -> bool:
        """Whether sums near a sample are made anew: where the result is not rounded from wider ones (see flatness.py)."""
        return not self.exact and self.accumulator == self.target and self.how.settles(self.weights)

    @property
    def compares(self) -> bool:
        return self.point is not None or self.keeps_edges

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread, on the processor that the costs were measured on."""
        return 1e-12 * self.cost * self.samples

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds (for a box: additions) for the whole picture and all channels."""
        return self.how.multiply_adds(self)

    scratch = property(lambda self: self.how.scratch(self))
    grid_bytes = property(lambda self: self.how.grid_bytes(self))
    rows_together = property(lambda self: self.how.rows_together(self))
    keeps_work = property(lambda self: self.how.keeps_work)
    combined_weights = property(lambda self: self.how.kernel_of(self))

    @cached_property
    def direct(self) -> Plan | None:
        """A plan for the same filter that sums taps directly, for results that are not finite.

        Intermediate values of some algorithms overflow, or are inf - inf, where the direct sum is a number. None if the
        algorithm has no such values.
        """
        algorithm = self.how.without_detours(self) if self.source in FLOAT_TYPES else None
        if algorithm is None:
            return None
        plan = make_plan(
            self.kernel, (self.rows, self.columns), self.channels, np.dtype(self.source), np.dtype(self.target), self.border,
            alpha=self.alpha, range=self.range, algorithm=algorithm,
        )  # fmt: skip
        return replace(plan, accumulator="float64", runs=Runs())

    # --- rows, when the picture comes in bands ---------------------------------------------------------------------

    @property
    def stripe_height(self) -> int:
        return self.how.stripe_height(self, super().stripe_height)

    def stripes_of(self, parts: list[tuple[int, int]]) -> list:
        special = self.how.stripes(self, parts, self.compares or self.alpha in KEPT)
        return super().stripes_of(parts) if special is None else special

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held, including coarse grids."""
        height = max(part.last - part.first for part in self.stripes())
        weightings = 2 if self.alpha in WEIGHTED else 1
        return super().bytes_held(threads) + weightings * self.how.grid_bytes_held(self, height)

    # --- as text and JSON --------------------------------------------------------------------------------------------------

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        return {
            "algorithm": self.algorithm,
            "reason": self.reason,
            "input": [self.rows.size, self.columns.size, self.channels],
            "output": [*self.shape, self.channels],
            "types": [self.source, self.accumulator, self.target],
            "exact": self.exact,
            "multiply_adds": self.multiply_adds,
            "result_bytes": self.result_bytes,
            "grid_bytes": self.grid_bytes,
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        lines = [
            f"algorithm      {self.algorithm}: {self.reason}",
            f"kernel         {rows.taps} x {columns.taps}, anchor {rows.anchor},{columns.anchor}, border {self.border}",
            f"sizes          {self.sizes}",
            f"numbers        {self.source} -> {self.accumulator} -> {self.target}, "
            + (f"exact: whole-number sums, divided once by {self.divisor}" if self.exact else "rounded once at the end")
            + (f", {self.rounding}" if self.rounding != HALF_UP else ""),
            f"multiply-adds  {self.multiply_adds / 1e6:,.1f} million, {self.multiply_adds / max(self.samples, 1):.1f} per sample",
            f"memory         {human_bytes(self.result_bytes)} result"
            + (f", {human_bytes(self.grid_bytes)} coarse grid" if self.grid_bytes else "")
            + f", {human_bytes(self.scratch)} of buffers per thread",
        ]
        if self.alpha != "none":
            lines.insert(3, f"alpha          {self.alpha}")
        if self.scale != 1:
            lines.insert(-2, f"depth          {self.source} to {self.target}, times {self.scale} in the weights")
        return "\n".join(lines)


def _cached(make):
    """Cache the last plans, except for kernels with many weights, which each plan copies."""
    kept = lru_cache(maxsize=256)(make)

    @wraps(make)
    def plan(kernel, *how, **more):
        return (make if kernel.heavy else kept)(kernel, *how, **more)

    return plan


@_cached
def make_plan(
    kernel: Kernel,
    axes: tuple[Axis, Axis],
    channels: int,
    source: np.dtype,
    target: np.dtype,
    border: Border,
    *,
    alpha: str = "none",
    range: str = "clip",
    error_gain: float = 1.0,
    scale: Fraction = Fraction(1),
    algorithm: str | None = None,
    rounding: str = HALF_UP,
    keeps_edges: bool = False,
    point: Point | None = None,
) -> Plan:
    """The plan for correlating a picture with `kernel`: a pure function of its arguments.

    Parameters
    ----------
    kernel : Kernel
        Already rotated for a convolution.
    axes : (Axis, Axis)
        From `axis.make_axes`.
    source, target : dtype
        The types of picture and result.
    alpha : "none", or one of alpha.ALPHAS
        Whether the last channel is alpha, and what is done with it.
    error_gain : float
        The factor by which steps after the sums enlarge their error.
    scale : Fraction
        The factor from source samples to the result's units. The weights are multiplied by it, so that exact sums stay
        exact.
    algorithm : str, optional
        The algorithm to use; OptionError if it can't do the task. Default: the cheapest.
    rounding : str
        How results are rounded: "half up", or one of rounding.ROUNDINGS.
    keeps_edges : bool
        Whether samples whose window leaves the picture keep their value.
    point : callable, optional
        A function of the filtered values and the original samples under the anchor, both float64 (rows, columns,
        channels); what it returns is rounded instead. Its `scaled(factor)` is the same function for samples multiplied by
        a factor.
    """
    check_range(range)
    source, target = np.dtype(source), np.dtype(target)
    if alpha in WEIGHTED and abs(kernel.sum()) <= 1e-12 * kernel.absolute_sum():
        alpha = "unweighted"  # a kernel with sum 0 has no weighted mean
    if scale != 1:
        kernel = kernel.scaled(scale)
        point = point and point.scaled(scale)
    exact = exact_sums(kernel, source, border)
    allowed = allowed_error(kernel, source, alpha, error_gain, source if scale == 1 else target)
    rows, columns = axes
    largest = largest_sum(kernel, source, border, alpha) if exact else 0.0
    levels = ("bool", "uint8")
    coarse = kernel.coarse or (loop_type(source) in levels and target.name in levels and error_gain <= 1)
    task = Task(kernel, rows, columns, source, border, alpha, exact, allowed, largest, coarse)
    if algorithm in ORDERS:
        choice = BY_NAME[algorithm].candidate(task, [])
        assert choice is not None  # taps can be added in any order
    else:
        able = candidates(task)
        if algorithm is not None and algorithm not in able:
            raise OptionError(f"algorithm {algorithm!r} can't do this; {', '.join(able)} can")
        choice = able[algorithm] if algorithm else min(able.values(), key=lambda candidate: candidate.cost)
    how = choice.algorithm
    numbers = how.numbers(task, choice)
    accumulator, runs = numbers.accumulator, numbers.runs
    rounded = target.name == "float32" and not numbers.exact and not how.settles(numbers.weights)
    if target.name == "float64" or rounded:  # float64 sums are rounded once to float32: flat pictures stay flat
        accumulator, runs = "float64", Runs()
    weights = tuple(w.astype(np.float64) for w in numbers.weights)
    by_product = numbers.divisor > 1 and how.by_product and largest < PRODUCT_LIMIT[accumulator]
    return Plan(
        how.name, choice.reason, rows, columns, channels, source.name, target.name, accumulator, numbers.exact, numbers.divisor,
        border, alpha, range, kernel, weights, numbers.offset, runs, numbers.decimation, by_product, scale, choice.cost, rounding,
        keeps_edges, point,
    )  # fmt: skip
