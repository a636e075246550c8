"""How a correlation is computed: `Plan`, an immutable printable value, and the pure function that chooses it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, wraps

import numpy as np

from ...engine.buffers import LARGEST_LANES
from ...errors import KernelError, OptionError
from ...geometry.axis import Axis, effective_size
from ...geometry.border import Border
from ...kernel.kernel import Kernel
from ...lazy import cached_property
from ...pixels.rounding import HALF_UP, check_range, warn_of_rounded
from ...pixels.sample_types import FLOAT_TYPES, LARGEST_SAMPLE, PRODUCT_LIMIT, loop_type
from .costs import ALGORITHMS as ALGORITHMS
from .costs import ORDERS, Task, box_additions, box_block, box_places, candidates, decimated_taps, in_order
from .decimated import Factor, factor
from .exactness import Runs, allowed_error, exact_accumulator, exact_sums, float_accumulator, largest_sum

DENSE_ROWS, SEPARABLE_ROWS = 6, 4  # output rows the loops work on together
BOX_SEGMENT = 2048  # results along a row for which a float box makes its windows

STRIPE_BYTES = 3 << 20  # of coarse grid held at a time


@dataclass(frozen=True)
class Plan:
    """How one filter runs over one kind of picture. Print it to read it; compare it; `execute(image)` runs it."""

    algorithm: str  # one of ALGORITHMS
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
    # multiplied by `divisor`: 2-D for dense; a column and a row for each outer product for separable and box
    weights: tuple[np.ndarray, ...] = field(repr=False, compare=False)
    offset: float = 0.0  # multiplied by `divisor` too
    runs: Runs = field(default_factory=Runs)  # how long sums are cut, which keeps rounding small
    decimation: tuple[Factor, Factor] | None = None
    by_product: bool = False  # whether a product with 1 / divisor divides exactly
    scale: Fraction = Fraction(1)  # by which the kernel's weights include a change of depth
    cost: float = field(default=0.0, compare=False)  # picoseconds for a sample of the result, by `costs`
    rounding: str = HALF_UP  # or another tool's: one of rounding.ROUNDINGS
    keeps_edges: bool = False  # samples whose window leaves the picture stay as they are

    @cached_property
    def row_sources(self) -> np.ndarray:
        """The picture's row behind each padded row, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """The picture's column behind each padded column, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def shape(self) -> tuple[int, ...]:
        """The result's shape without channels."""
        return self.rows.out, self.columns.out

    @property
    def source_channels(self) -> int:
        """The picture's channels: as many as the result's."""
        return self.channels

    @property
    def fused(self) -> bool:
        """Whether the loop itself rounds and stores, so that no float copy of a band is needed."""
        plain = self.alpha in ("none", "separate") and self.range == "clip" and self.border.mode != "normalized"
        same = self.source == self.target or self.target == self.accumulator
        ours = not self.keeps_edges and (self.rounding == HALF_UP or self.target in FLOAT_TYPES)
        return plain and same and ours and self.source in (*LARGEST_SAMPLE, *FLOAT_TYPES)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with additions (for a box: additions) for the whole picture, channels counted."""
        outputs = self.rows.out * self.columns.out * self.channels
        if self.algorithm == "fft":
            return round(outputs * 5 * math.log2(max(self.rows.size * self.columns.size, 2)))
        if self.algorithm in ORDERS:
            return outputs * self.weights[0].size
        if self.algorithm == "dense":
            skips = self.source not in FLOAT_TYPES
            return outputs * (int(np.count_nonzero(self.weights[0])) if skips else self.weights[0].size)
        if self.algorithm == "box":
            return outputs * round(box_additions(self.rows.taps, self.columns.taps, self.exact))
        if self.algorithm == "decimated":
            return round(outputs * decimated_taps(*self.decimation))
        inputs = self.rows.out * self.columns.size * self.channels
        return self.terms * (inputs * self.rows.taps + outputs * self.columns.taps)

    @property
    def seconds(self) -> float:
        """What one thread would take, roughly, on the processor that the costs were measured on."""
        return 1e-12 * self.cost * self.rows.out * self.columns.out * self.channels

    @property
    def terms(self) -> int:
        """How many outer products are summed."""
        return len(self.weights) // 2

    @property
    def scratch(self) -> int:
        """Bytes of line buffers a thread holds."""
        item = np.dtype(self.accumulator).itemsize
        samples = max(self.columns.size * self.channels, LARGEST_LANES)
        if self.algorithm in ORDERS:
            return 2 * item * effective_size(self.rows.taps, self.rows.dilation) * self.columns.span
        if self.algorithm == "dense":
            return item * self.ring_lines * self.line_length
        if self.algorithm == "fft":
            return 6 * item * (self.block_rows + self.rows.taps) * self.columns.span
        if self.algorithm == "box":
            if self.exact:
                return item * (samples + 2 * self.line_length)
            block, levels = box_block(self.rows.taps), int(box_places(self.columns.taps)[:, 0].max())
            lines = 4 + block + self.rows.taps // block + 2 if block else 5
            return item * (lines * samples + 2 * self.line_length + levels * self.box_windows)
        if self.algorithm == "decimated":
            taps = self.decimation[0].after[1].shape[1]
            return item * (taps + SEPARABLE_ROWS + 2 * SEPARABLE_ROWS + 1) * samples
        return item * SEPARABLE_ROWS * self.terms * (2 if self.columns.stride > 1 else 1) * self.line_length

    @property
    def result_bytes(self) -> int:
        """Bytes of the result; with the range stretch it is kept in float64 first."""
        item = np.dtype(self.target).itemsize + (8 if self.range == "stretch" else 0)
        return self.rows.out * self.columns.out * self.channels * item

    @property
    def grid_bytes(self) -> int:
        """Bytes of the coarse grids held at a time: as reduced, and as blurred."""
        if self.algorithm != "decimated":
            return 0
        down, along = self.decimation
        stripe = min(self.stripe_rows, self.rows.out)
        rows = stripe // down.step + 2 * (down.between.size // 2) + 2 * down.after[1].shape[1]
        columns = self.columns.out // along.step + 2 * (along.between.size // 2) + 2 * along.after[1].shape[1]
        return (
            2
            * rows
            * columns
            * self.channels
            * np.dtype(self.accumulator).itemsize
            * (2 if self.alpha == "weight" else 1)
        )

    @property
    def block_rows(self) -> int:
        """Rows of the result that one Fourier transform gives."""
        return min(self.rows.out, max(256, 2 * self.rows.taps))

    @property
    def box_windows(self) -> int:
        """Windows of a level that a float box makes at a time."""
        return BOX_SEGMENT + self.columns.taps * self.channels + 2 * LARGEST_LANES

    def box_sums(self, fill: tuple[float, ...]) -> tuple[str, str]:
        """The narrowest types that hold an exact box's sums down its columns, and all of them.

        `fill` is what the border has in each channel.
        """
        largest = LARGEST_SAMPLE.get(self.source)
        if largest is None or (self.alpha == "weight" and largest > 255):
            return self.accumulator, self.accumulator  # products of samples and alpha are floats
        largest **= 2 if self.alpha == "weight" else 1
        if not all(0 <= value <= largest and value == int(value) for value in fill):
            return self.accumulator, self.accumulator
        if self.rows.taps * self.columns.taps * largest >= 2**32:
            return self.accumulator, self.accumulator
        down, all_of_it = (n * largest < 2**16 for n in (self.rows.taps, self.rows.taps * self.columns.taps))
        return "uint16" if down else "uint32", "uint16" if all_of_it else "uint32"

    @property
    def stripe_rows(self) -> int:
        """Rows of the result whose coarse grids are held at a time; 0 for all."""
        if self.algorithm != "decimated":
            return 0
        down, along = self.decimation
        row = self.columns.out // along.step * self.channels * np.dtype(self.accumulator).itemsize
        return max(1, STRIPE_BYTES // max(2 * row, 1)) * down.step

    @property
    def row_step(self) -> int:
        """How far apart the output rows are that read the same source rows: they are worked on together."""
        return math.lcm(self.rows.stride, self.rows.dilation) // self.rows.stride

    @property
    def rows_together(self) -> int:
        """Rows that the loop works on at a time: bands of any other height have some in vain."""
        loops = {"dense": DENSE_ROWS * self.row_step, "separable": SEPARABLE_ROWS * self.row_step}
        return loops.get(self.algorithm, SEPARABLE_ROWS if self.algorithm == "decimated" else 1)

    @property
    def ring_lines(self) -> int:
        """Lines that hold every padded row that DENSE_ROWS output rows read."""
        return (DENSE_ROWS - 1) * self.row_step * self.rows.stride + effective_size(self.rows.taps, self.rows.dilation)

    @property
    def line_length(self) -> int:
        """Samples of a line: the padded row, or the whole row where less is needed, and room for one vector."""
        return max(self.columns.span, self.columns.before + self.columns.size) * self.channels + LARGEST_LANES

    @property
    def combined_weights(self) -> np.ndarray:
        """The kernel that the weights make together, multiplied by `divisor`."""
        if self.algorithm in ("dense", "fft", *ORDERS):
            return self.weights[0]
        if self.algorithm == "box":
            return np.full((self.rows.taps, self.columns.taps), self.weights[0][0])
        return sum(np.outer(c, r) for c, r in zip(self.weights[0::2], self.weights[1::2], strict=True))

    def execute(self, image, out=None, threads: int | None = None) -> np.ndarray:
        """Run the plan over an array of the shape and type it was made for."""
        from .work import execute

        warn_of_rounded(image, 3)
        with np.errstate(all="ignore"):  # as in every filter
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
            "result_bytes": self.result_bytes,
            "grid_bytes": self.grid_bytes,
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
            + (f"exact: whole-number sums, divided once by {self.divisor}" if self.exact else "rounded once at the end")
            + (f", {self.rounding}" if self.rounding != HALF_UP else ""),
            f"multiply-adds  {self.multiply_adds / 1e6:,.1f} million, {self.multiply_adds / max(samples, 1):.1f} per sample",
            f"memory         {_bytes(self.result_bytes)} result"
            + (f", {_bytes(self.grid_bytes)} coarse grid" if self.grid_bytes else "")
            + f", {_bytes(self.scratch)} of buffers per thread",
        ]
        if self.alpha != "none":
            lines.insert(3, f"alpha          {self.alpha}")
        if self.scale != 1:
            lines.insert(-2, f"depth          {self.source} to {self.target}, times {self.scale} in the weights")
        return "\n".join(lines)


def _remembered(make):
    """The last plans are kept, but for kernels of many weights, of which each plan has copies."""
    kept = lru_cache(maxsize=256)(make)

    @wraps(make)
    def plan(kernel, *how, **more):
        return (make if kernel.heavy else kept)(kernel, *how, **more)

    return plan


@_remembered
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
    scale: Fraction = Fraction(1),
    algorithm: str | None = None,
    rounding: str = HALF_UP,
    keeps_edges: bool = False,
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
    scale : Fraction
        What source samples are multiplied by to be in the result's units: the weights are, so that exact sums stay so.
    algorithm : str, optional
        Take this one of ALGORITHMS, or of ORDERS; OptionError where it can't do the work. Default: the cheapest.
    rounding : str
        How results become whole numbers: "half up", or one of rounding.ROUNDINGS.
    keeps_edges : bool
        Leave samples as they are whose window reaches out of the picture.
    """
    check_range(range)
    source, target = np.dtype(source), np.dtype(target)
    if alpha == "weight" and abs(kernel.sum()) <= 1e-12 * kernel.absolute_sum():
        alpha = "keep"  # a zero-sum kernel has no brightness to weigh
    if scale != 1:
        kernel = kernel.scaled(scale)
    exact = exact_sums(kernel, source, border)
    allowed = allowed_error(kernel, source, alpha, gain, source if scale == 1 else target)
    rows, columns = axes
    largest = largest_sum(kernel, source, border, alpha) if exact else 0.0
    task = Task(kernel, rows, columns, source, border, exact, allowed, largest)
    able = candidates(task)
    if algorithm in ORDERS:
        choice, exact = in_order(task, algorithm), False
    elif algorithm is None:
        choice = min(able.values(), key=lambda candidate: candidate.cost)
    elif algorithm in able:
        choice = able[algorithm]
    else:
        raise OptionError(f"algorithm {algorithm!r} can't do this; {', '.join(able)} can")
    weights, decimation, runs = choice.weights, None, Runs()
    if weights is None:
        weights = (kernel.numerators if exact else kernel.weights,)
    divisor, offset = 1, float(kernel.offset)
    if choice.algorithm in ORDERS:
        accumulator = "float64"
    elif choice.algorithm == "fft":
        accumulator = "float64"
        divisor, weights, offset = _whole(kernel, weights, exact)
    elif choice.algorithm == "decimated":
        down, along = (factor(s) for s in kernel.sigma)
        total = kernel.sum()
        # a Gaussian's own sum is 1, but for rounding
        exact, decimation = False, (down if abs(total - 1) < 1e-9 else replace(down, gain=total), along)
        accumulator = "float64" if loop_type(source) == "float64" else "float32"
    elif exact:
        accumulator = exact_accumulator(kernel, source, border, alpha)
        divisor, weights, offset = _whole(kernel, weights, exact)
    else:
        accumulator, runs = float_accumulator(choice.sums, source, allowed)
        if choice.algorithm == "box" and runs.run:  # its loop does not cut sums
            accumulator, runs = "float64", Runs()
    if target.name == "float64":
        accumulator, runs = "float64", Runs()
    weights = tuple(w.astype(np.float64) for w in weights)
    by_product = divisor > 1 and choice.algorithm != "fft" and largest < PRODUCT_LIMIT[accumulator]
    return Plan(
        choice.algorithm, choice.reason, rows, columns, channels, source.name, target.name, accumulator, exact, divisor,
        border, alpha, range, kernel, weights, offset, runs, decimation, by_product, scale, choice.cost, rounding,
        keeps_edges,
    )  # fmt: skip


def _whole(kernel: Kernel, weights: tuple, exact: bool) -> tuple[int, tuple, float]:
    """Divisor, weights and offset: multiplied up to whole numbers where sums are exact."""
    if not exact:
        return 1, weights, float(kernel.offset)
    divisor = math.lcm(kernel.denominator, kernel.offset.denominator)
    return divisor, (weights[0] * (divisor // kernel.denominator), *weights[1:]), float(kernel.offset * divisor)


def directly(plan: Plan) -> Plan | None:
    """The plan that does the same by fewer detours, for where infinities or the largest floats can't take them.

    None where there are no detours. A sum of several outer products turns an infinity into inf - inf; a decimated
    Gaussian carries it further than the taps reach, a Fourier transform everywhere.
    """
    if plan.source not in FLOAT_TYPES or not (plan.algorithm in ("decimated", "fft") or plan.terms > 1):
        return None
    algorithm = "separable" if plan.algorithm == "decimated" else "dense"
    direct = make_plan(
        plan.kernel, (plan.rows, plan.columns), plan.channels, np.dtype(plan.source), np.dtype(plan.target), plan.border,
        alpha=plan.alpha, range=plan.range, algorithm=algorithm,
    )  # fmt: skip
    return replace(direct, accumulator="float64", runs=Runs())


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
