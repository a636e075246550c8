"""How a correlation is computed: `Plan`, an immutable printable value, and the pure function that chooses it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .border import Border
from .errors import KernelError, OptionError, nearest
from .geometry import Axis
from .kernel import Kernel

RANGES = ("clip", "abs", "offset", "stretch", "error")
ALPHAS = ("weight", "separate", "keep")

# pixel types the loops read as they are, with the largest sample; anything else goes through float64
LARGEST_SAMPLE = {"bool": 1, "uint8": 255, "uint16": 65535}
LOOP_TYPES = {"uint8", "uint16", "float32", "float64"}

# Whole-number sums below these keep `floor((sum + bias) / divisor)` exact in spite of two roundings: with t bits of
# fraction, |sum + bias| / divisor must be nearer than 0.5 / divisor to the true quotient, hence 2^(t - 2), halved again.
EXACT_LIMIT = {"float32": 2**21, "float64": 2**50}

# The contract's error bounds: next to a tie for integers (in levels), relative to sum|h| max|f| for floats.
ALLOWED_ERROR = {"bool": 0.001, "uint8": 0.001, "uint16": 0.05}
ALLOWED_RELATIVE = 1e-6
FLOAT32_ROUNDING = 2.0**-24

# A kernel counts as separable where its distance from an outer product is this small beside sum|h|.
RANK_TOLERANCE = {"uint8": 1e-7, "uint16": 1e-8, "float32": 1e-8, "float64": 1e-15}

# Cost of a pass in multiply-adds per sample beyond its taps: zeroing and storing the line of sums.
PASS_COST = 1


@dataclass(frozen=True)
class Plan:
    """How one filter runs over one kind of picture. Print it to read it; compare it; `execute(image)` runs it."""

    algorithm: str  # "dense" or "separable"
    reason: str
    rows: Axis
    columns: Axis
    channels: int
    source: str  # dtype names
    target: str
    accumulator: str
    exact: bool  # whole-number sums, divided once
    divisor: int
    border: Border
    alpha: str  # "none", or one of ALPHAS
    range: str
    kernel: Kernel = field(repr=False)
    # multiplied by `divisor`: 2-D for dense; column and row for separable
    weights: tuple[np.ndarray, ...] = field(repr=False, compare=False)
    offset: float = 0.0  # multiplied by `divisor` too

    @property
    def shape(self) -> tuple[int, ...]:
        """The result's shape without channels."""
        return self.rows.out, self.columns.out

    @property
    def fused(self) -> bool:
        """Whether the loop itself rounds and stores, so that no float copy of a band is needed."""
        plain = self.alpha in ("none", "separate") and self.range == "clip" and self.border.mode != "normalized"
        return (
            plain
            and (self.source == self.target or self.target == self.accumulator)
            and self.source in LOOP_TYPES | {"bool"}
        )

    @property
    def multiply_adds(self) -> int:
        """Multiplications with additions for the whole picture, channels counted."""
        outputs = self.rows.out * self.columns.out * self.channels
        if self.algorithm == "dense":
            return outputs * self.weights[0].size
        column, row = self.weights
        return self.rows.out * self.columns.size * self.channels * column.size + outputs * row.size

    @property
    def scratch(self) -> int:
        """Bytes of line buffers a thread holds."""
        item = np.dtype(self.accumulator).itemsize
        line = self.columns.span * self.channels
        out = self.columns.out * self.channels
        if self.algorithm == "dense":
            return item * (self.ring_lines * line + out)
        return item * (self.columns.size * self.channels + line + out)

    @property
    def ring_lines(self) -> int:
        """Lines a dense loop keeps: one for each padded row its window spans."""
        return (self.rows.taps - 1) * self.rows.dilation + 1

    def execute(self, image, out=None, threads: int | None = None) -> np.ndarray:
        """Run the plan over an array of the shape and type it was made for."""
        from .executor import execute

        return execute(self, image, out=out, threads=threads)

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
            "scratch_bytes_per_thread": self.scratch,
        }

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        samples = rows.out * columns.out * self.channels
        lines = [
            f"algorithm      {self.algorithm}: {self.reason}",
            f"kernel         {rows.taps} x {columns.taps}, anchor {rows.anchor},{columns.anchor}, border {self.border}",
            f"sizes          {rows.size} x {columns.size} x {self.channels} -> {rows.out} x {columns.out} x {self.channels}"
            + (f", stride {rows.stride},{columns.stride}" if (rows.stride, columns.stride) != (1, 1) else "")
            + (f", dilation {rows.dilation},{columns.dilation}" if (rows.dilation, columns.dilation) != (1, 1) else ""),
            f"numbers        {self.source} -> {self.accumulator} -> {self.target}, "
            + (
                f"exact: whole-number sums, divided once by {self.divisor}" if self.exact else "rounded once at the end"
            ),
            f"multiply-adds  {self.multiply_adds / 1e6:,.1f} million, {self.multiply_adds / max(samples, 1):.1f} per sample",
            f"memory         {_bytes(self.scratch)} of line buffers per thread",
        ]
        if self.alpha != "none":
            lines.insert(3, f"alpha          {self.alpha}")
        return "\n".join(lines)


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
    gain: float = 1.0,
) -> Plan:
    """The plan for correlating a picture with `kernel`: a pure function of its arguments.

    Parameters
    ----------
    kernel : Kernel
        Already turned, if it is to be a convolution.
    axes : (Axis, Axis)
        From `geometry.make_axes`.
    source, target : dtype
        Of the picture and the result.
    alpha : "none", "weight", "separate" or "keep"
        What the last channel is and does.
    gain : float
        How much what follows the sums enlarges their error.
    """
    check_range(range)
    source, target = np.dtype(source), np.dtype(target)
    if alpha == "weight" and abs(kernel.sum()) <= 1e-12 * kernel.absolute_sum():
        alpha = "keep"  # a zero-sum kernel has no brightness to weigh
    loop_type = source.name if source.name in LARGEST_SAMPLE or source.name in LOOP_TYPES else "float64"
    exact = _exact_sums(kernel, source, border, alpha)
    accumulator = _accumulator(kernel, loop_type, exact, alpha, border, gain)
    rows, columns = axes
    factors = _factors(kernel, loop_type, exact)
    dense_taps = rows.taps * columns.taps
    if factors is None and loop_type not in ("float32", "float64"):
        dense_taps = int(np.count_nonzero(kernel.weights))
    separable_cost = math.inf
    if factors is not None and kernel.included is None:
        separable_cost = rows.taps * columns.stride + columns.taps + PASS_COST
    if separable_cost < dense_taps:
        algorithm = "separable"
        reason = f"an outer product: {rows.taps} + {columns.taps} taps instead of {dense_taps}"
        weights = factors
    else:
        algorithm = "dense"
        if factors is None:
            reason = f"not an outer product, {dense_taps} taps"
        else:
            reason = f"{dense_taps} tap{'s' * (dense_taps != 1)}: two passes would cost more"
        weights = (kernel.weights,)
    divisor, offset = 1, float(kernel.offset)
    if exact:
        divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
        scale = divisor // kernel.denominator
        offset = float(kernel.offset * divisor)
        if algorithm == "dense":
            weights = ((kernel.numerators * scale).astype(np.float64),)
        else:
            column, row = kernel.integer_factors()
            weights = ((column * scale).astype(np.float64), row.astype(np.float64))
    return Plan(algorithm, reason, rows, columns, channels, source.name, target.name, accumulator, exact, divisor, border,
                alpha, range, kernel, weights, offset)  # fmt: skip


def _exact_sums(kernel: Kernel, source: np.dtype, border: Border, alpha: str) -> bool:
    """Whether every sum is a whole number that float64 holds with room for the one division."""
    largest = _largest(source)
    if largest is None or not kernel.exact:
        return False
    if border.mode == "constant" and not all(v == int(v) for v in border.values if v == v):
        return False
    return _bound(kernel, largest, border, alpha) < EXACT_LIMIT["float64"]


def _largest(dtype: np.dtype) -> int | None:
    if dtype.name in LARGEST_SAMPLE:
        return LARGEST_SAMPLE[dtype.name]
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return max(-int(info.min), int(info.max))
    return None


def _bound(kernel: Kernel, largest: float, border: Border, alpha: str) -> float:
    """What no whole-number sum exceeds, offset and rounding included."""
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    if border.mode == "constant":
        largest = max([largest, *(abs(v) for v in border.values)])
    if alpha == "weight":
        largest *= largest
    total = round(kernel.absolute_sum() * kernel.denominator) * (divisor // kernel.denominator)
    if border.mode == "normalized":
        total *= max(abs(round(kernel.sum() * kernel.denominator)), 1)  # re-weighted by total / weights inside
    return total * largest + abs(float(kernel.offset)) * divisor + divisor


def _accumulator(kernel: Kernel, loop_type: str, exact: bool, alpha: str, border: Border, gain: float) -> str:
    """float32 where its sums stay within the contract's bounds, float64 elsewhere.

    A sum of n rounded terms is off by at most about `2 sqrt(n)` roundings (six standard deviations of a running sum
    whose size grows evenly), each 2^-24 of `sum|h| max|f|`.
    """
    if loop_type == "float64":
        return "float64"
    if exact:
        return (
            "float32"
            if _bound(kernel, LARGEST_SAMPLE[loop_type], border, alpha) < EXACT_LIMIT["float32"]
            else "float64"
        )
    taps = kernel.shape[0] * kernel.shape[1] if kernel.rank_one_factors is None else sum(kernel.shape)
    relative = 2 * math.sqrt(taps) * FLOAT32_ROUNDING * max(1.0, gain)
    if loop_type == "float32":
        return "float32" if relative < ALLOWED_RELATIVE else "float64"
    largest = LARGEST_SAMPLE[loop_type] * (2 if alpha == "weight" else 1)
    return "float32" if relative * kernel.absolute_sum() * largest < ALLOWED_ERROR[loop_type] else "float64"


def _factors(kernel: Kernel, loop_type: str, exact: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """Column and row of a kernel of numerical rank 1, else None."""
    if exact:
        return kernel.integer_factors()
    if kernel.rank_one_factors is not None:
        return kernel.rank_one_factors
    if min(kernel.shape) == 1:
        return None
    factors = kernel.factors()
    if not factors:
        return None
    column, row = factors[0]
    residual = np.abs(kernel.weights - np.outer(column, row)).sum()
    return (column, row) if residual <= RANK_TOLERANCE.get(loop_type, 1e-15) * kernel.absolute_sum() else None


def check_range(range: str) -> str:
    """`range` if it is one of the policies; OptionError, with the nearest right name, if not."""
    if range not in RANGES:
        raise OptionError(f"unknown range {range!r}; ranges are {', '.join(RANGES)}{nearest(str(range), RANGES)}")
    return range


def check_alpha(alpha: str) -> str:
    """`alpha` if it is one of the policies; OptionError, with the nearest right name, if not."""
    if alpha not in ALPHAS:
        raise OptionError(f"unknown alpha {alpha!r}; it is one of {', '.join(ALPHAS)}{nearest(str(alpha), ALPHAS)}")
    return alpha


def check_normalized(plan: Plan, inside: np.ndarray) -> None:
    """Raise KernelError where a window at the edge has no positive weight left to divide by."""
    if not (inside > 0).all():
        raise KernelError(
            "border normalized needs weights whose sum stays positive at the picture's edges; choose another border"
        )


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
