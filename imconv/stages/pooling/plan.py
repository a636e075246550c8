"""`PoolPlan`: how pooling is computed, and `make_pool_plan`, the pure function that makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ...engine.stage import Stage
from ...geometry.axis import Axis
from ...geometry.border import Border
from ...pixels.alpha import KEPT, WEIGHTED
from ...pixels.rounding import check_range
from ...pixels.sample_types import FLOAT_TYPES, LARGEST_SAMPLE, largest_sample, loop_type
from ...units import human_bytes
from .condition import Condition
from .work import PoolWork

OPERATIONS = ("max", "min", "avg", "sum", "count", "stdev", "median", "range", "l2")
LINEAR = ("avg", "sum")  # colours are weighted by alpha
EXTREMES = ("max", "min", "range")
ORDERED = ("max", "min", "median")  # results are samples: alpha is pooled like a colour
NO_BORDER = Border("constant")  # a plan must have a border, but cells outside the picture are not read

# Rough costs in nanoseconds on one thread, AMD EPYC, 2026-11-22: ROW_COST and COLUMN_COST for each row and each column of a
# sample's window in loops, CELL_COST for each sample of a window in NumPy.
ROW_COST, COLUMN_COST, CELL_COST = 0.15, 1.0, 12.0
WINDOW_BYTES = 4 << 20  # most bytes of gathered windows, or of floats, in memory at a time


@dataclass(frozen=True)
class PoolAlgorithm:
    """One way to pool windows."""

    name: str
    reason: str
    by_axis: bool = True  # whether a loop reduces the rows of a window first, then its columns
    gathers: bool = False  # whether the samples of windows are copied to memory


SUMS = PoolAlgorithm("sums", "rows of a window added up, then its columns")
COMPARISONS = PoolAlgorithm("extremes", "rows of a window compared, then its columns")
WINDOWS = PoolAlgorithm("windows", "windows gathered and sorted", by_axis=False, gathers=True)
DEVIATIONS = PoolAlgorithm("deviations", "tap by tap, deviations from the windows' means squared", by_axis=False)
ALGORITHMS = {each.name: each for each in (SUMS, COMPARISONS, WINDOWS, DEVIATIONS)}


@dataclass(frozen=True)
class PoolPlan(Stage):
    """How pictures of one shape and type are pooled."""

    operation: str  # one of OPERATIONS
    algorithm: str  # one of ALGORITHMS
    rows: Axis
    columns: Axis
    channels: int
    source: str  # dtype names
    target: str
    alpha: str  # "none", or one of alpha.ALPHAS
    range: str
    scale: Fraction = Fraction(1)  # factor from samples to the result's units
    offset: Fraction = Fraction(0)
    include_pad: bool = True  # whether an average counts padding
    opaque: int | None = None  # alpha of padding, where it is not the type's largest value
    where: Condition | None = None  # of the operation `count`
    border: Border = field(default=NO_BORDER, repr=False)

    worker = PoolWork

    @property
    def how(self) -> PoolAlgorithm:
        """The algorithm as an object."""
        return ALGORITHMS[self.algorithm]

    reason = property(lambda self: self.how.reason)
    grid = property(lambda self: self.grid_of_windows)

    @property
    def taps(self) -> int:
        """The number of samples in a window."""
        return self.rows.taps * self.columns.taps

    @property
    def type(self) -> np.dtype:
        """The type in which samples are pooled."""
        return np.dtype(loop_type(np.dtype(self.source)))

    @property
    def whole(self) -> bool:
        """Whether samples are whole numbers; sums are then exact, and are divided once."""
        return np.dtype(self.source).kind in "biu"

    @property
    def weighs(self) -> bool:
        """Whether colours are weighted by alpha."""
        return self.alpha in WEIGHTED and self.operation in LINEAR

    @property
    def averages_alpha(self) -> bool:
        """Whether alpha is averaged, however colours are pooled: there is no sample that it could be kept from."""
        return self.alpha in KEPT or (self.alpha == "weight" and self.operation not in (*ORDERED, *LINEAR))

    @property
    def colours(self) -> int:
        """Channels without alpha, or all if alpha is pooled like a colour."""
        return self.channels - (self.weighs or self.averages_alpha)

    @property
    def unscaled(self) -> bool:
        """Whether results are only rounded: no scale, offset or range policy."""
        return (self.scale, self.offset, self.range) == (1, 0, "clip") and self.colours == self.channels

    @property
    def plain(self) -> bool:
        """Whether the loop itself rounds and stores results."""
        kept = self.source == self.target and self.source in (*LARGEST_SAMPLE, *FLOAT_TYPES)
        return self.unscaled and kept and self.operation in ("max", "min", *LINEAR)

    @property
    def multiply_adds(self) -> int:
        """Comparisons or additions for the whole picture, of rows and of columns."""
        samples = self.rows.out * self.channels
        if self.how.by_axis:
            return samples * (self.columns.size * self.rows.taps + self.columns.out * self.columns.taps)
        return samples * self.columns.out * self.taps

    @property
    def seconds(self) -> float:
        """Estimated seconds of one thread."""
        samples = self.rows.out * self.channels
        if self.how.by_axis:
            across = self.columns.out * self.columns.taps * (COLUMN_COST if self.columns.stride > 1 else ROW_COST)
            return 1e-9 * samples * (self.columns.size * self.rows.taps * ROW_COST + across)
        return 1e-9 * samples * self.columns.out * self.taps * CELL_COST

    @property
    def band_rows(self) -> int:
        """Rows of the result computed at once, limited by the memory of floats or gathered windows."""
        gathered = self.taps if self.how.gathers else 6
        return max(1, WINDOW_BYTES // (8 * gathered * self.columns.out * self.channels))

    @property
    def scratch(self) -> int:
        """Bytes of buffers for each thread."""
        lines = 16 * (self.columns.size + self.columns.out) * self.channels
        return lines + (0 if self.plain else 2 * max(WINDOW_BYTES, 8 * self.columns.out * self.channels))

    def as_dict(self) -> dict:
        """The plan's figures for `--json`."""
        return {
            "algorithm": self.algorithm,
            "reason": self.reason,
            "operation": self.operation,
            "input": [self.rows.size, self.columns.size, self.channels],
            "output": [*self.shape, self.channels],
            "types": [self.source, self.target],
            "exact": self.whole,
            "multiply_adds": self.multiply_adds,
            "result_bytes": self.result_bytes,
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        more = [
            f", {name} {values[0]},{values[1]}"
            for name, values, usual in (
                ("stride", (rows.stride, columns.stride), (0, 0)),
                ("padding", (rows.before, columns.before), (0, 0)),
                ("dilation", (rows.dilation, columns.dilation), (1, 1)),
            )
            if values != usual
        ]
        counted = f" where {self.where}" if self.where is not None else ""
        padded = (rows.before, columns.before) != (0, 0)
        counted += ", padding not counted" if self.operation == "avg" and padded and not self.include_pad else ""
        samples = max(rows.out * columns.out * self.channels, 1)
        lines = [
            f"algorithm      {self.algorithm}: {self.reason}",
            f"pooling        {self.operation}{counted}, {rows.taps} x {columns.taps}{''.join(more)}",
            f"sizes          {rows.size} x {columns.size} x {self.channels} -> {rows.out} x {columns.out} x {self.channels}",
            f"numbers        {self.source} -> {self.target}, "
            + ("exact: whole numbers, divided once" if self.whole else "rounded once at the end"),
            f"additions      {self.multiply_adds / 1e6:,.1f} million, {self.multiply_adds / samples:.1f} per sample",
            f"memory         {human_bytes(self.result_bytes)} result, {human_bytes(self.scratch)} of buffers per thread",
        ]
        if self.alpha != "none":
            how = "colours weighted by it" if self.weighs else "averaged" if self.averages_alpha else "as the colours"
            lines.insert(3, f"alpha          {self.alpha}: {how}")
        if self.scale != 1 and self.operation != "count":
            lines.insert(-2, f"depth          {self.source} to {self.target}, times {self.scale}")
        return "\n".join(lines)


def make_pool_plan(
    operation: str, axes: tuple[Axis, Axis], channels: int, source: np.dtype, target: np.dtype, **more
) -> PoolPlan:
    """The plan for pooling: a pure function of its arguments, those of `PoolPlan`."""
    check_range(more.get("range", "clip"))
    rows, columns = axes
    algorithm = SUMS
    if operation in EXTREMES:
        algorithm = COMPARISONS
    elif operation == "median":
        algorithm = WINDOWS
    elif operation == "stdev" and not _exact_variance(rows.taps * columns.taps, source):
        algorithm = DEVIATIONS
    return PoolPlan(operation, algorithm.name, rows, columns, channels, source.name, target.name, **more)


def _exact_variance(taps: int, source: np.dtype) -> bool:
    """Whether `n sum x^2 - (sum x)^2` is a whole number that float64 holds exactly."""
    largest = largest_sample(source)
    return largest is not None and (taps * largest) ** 2 < 2**53
