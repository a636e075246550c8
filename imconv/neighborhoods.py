"""Windows that are no kernels, at work: bilateral means, and means and variances over a box."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from . import jit
from .border import Border
from .executor import BANDS_PER_THREAD, WORTH_THREADS, checked_threads, default_threads, run_bands
from .geometry import Axis
from .lazy import cached_property
from .planner import LARGEST_LANES
from .source import Source
from .streaming import execute_rows

BAND_SECONDS = 0.02  # an interrupt is noticed between bands
LOWEST = {"float32": -126.0, "float64": -1022.0}  # logarithms of the smallest weights by distance and likeness
# Outside a picture with the border "normalized": so unlike anything that it counts as nothing, squared still finite.
FAR = {"float32": 1e18, "float64": 1e150}


@dataclass(frozen=True)
class WindowPlan:
    """How a window slides over a picture: what `Plan` is for kernels."""

    algorithm: str
    reason: str
    rows: Axis
    columns: Axis
    source_channels: int
    channels: int  # of the result
    source: str  # dtype names
    accumulator: str
    target: str
    border: Border
    cost: float  # picoseconds for a sample of the picture

    alpha = "none"
    scale = 1
    decimation = None
    rows_together = 1

    @cached_property
    def row_sources(self) -> np.ndarray:
        """The picture's row behind each padded row, -1 for none."""
        return self.rows.sources(self.border)

    @cached_property
    def column_sources(self) -> np.ndarray:
        """The picture's column behind each padded column, -1 for none."""
        return self.columns.sources(self.border)

    @property
    def shape(self) -> tuple[int, int]:
        """The result's shape without channels."""
        return self.rows.out, self.columns.out

    @property
    def samples(self) -> int:
        """Of the picture."""
        return self.rows.size * self.columns.size * self.source_channels

    @property
    def seconds(self) -> float:
        """What one thread would take, roughly."""
        return 1e-12 * self.cost * self.samples

    @property
    def line_length(self) -> int:
        """Samples of a padded row of one channel, and room for a vector."""
        return self.columns.span + LARGEST_LANES

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        return "\n".join(
            [
                f"algorithm      {self.algorithm}: {self.reason}",
                f"window         {rows.taps} x {columns.taps}, border {self.border}",
                f"sizes          {rows.size} x {columns.size} x {self.source_channels} -> {rows.out} x {columns.out} x {self.channels}",
                f"numbers        {self.source} -> {self.accumulator} -> {self.target}",
                f"memory         {self.scratch / 2**20:.1f} MB of buffers per thread",
            ]
        )


@dataclass(frozen=True)
class BilateralPlan(WindowPlan):
    """A bilateral filter over a round window."""

    sigma: float = 1.0
    sigma_range: float = 1.0

    @property
    def planes(self) -> int:
        """Channels that the loop works on together."""
        return self.channels if self.channels in (1, 3) else 4

    @property
    def scratch(self) -> int:
        """Bytes of line buffers a thread holds."""
        return np.dtype(self.accumulator).itemsize * self.planes * (self.rows.taps + 1) * self.line_length

    @cached_property
    def tables(self) -> tuple:
        """The window as the loop reads it: how far each row reaches, the logarithms of the weights, ..."""
        radius, number = self.rows.anchor, np.dtype(self.accumulator).type
        distance = np.arange(-radius, radius + 1)
        reaches = np.array([math.isqrt(radius**2 - int(d) ** 2) for d in distance], np.int64)
        squares = distance**2 + (distance**2)[:, None]
        by = math.log2(math.e) / 2
        spatial = (-by / self.sigma**2 * squares).astype(number)
        return reaches, spatial, number(-by / self.sigma_range**2), number(LOWEST[self.accumulator])

    def begin(self, source: np.ndarray, low: int, threads, progress=None) -> Work:
        """This plan at work on rows `low`, `low + 1`, ... of a picture."""
        return _Bilateral(self, source, low, threads, progress)


@dataclass(frozen=True)
class MomentsPlan(WindowPlan):
    """Means and population variances over a box: the result has the means of all channels, then the variances, float64; or
    the standard deviations, as samples."""

    counted: bool = False  # only samples on the picture
    root: bool = False

    @property
    def whole(self) -> bool:
        """Whether sums are whole numbers."""
        return self.accumulator != "merged"

    @property
    def scratch(self) -> int:
        """Bytes of line buffers a thread holds."""
        return 8 * (6 if self.whole else 2 * self.rows.taps + 10) * self.line_length * self.source_channels

    @cached_property
    def inside(self) -> np.ndarray:
        """How many columns each window counts, for every sample of a row."""
        left, right = self.columns.inside()
        count = right - left if self.counted else np.full(self.columns.out, self.columns.taps)
        samples = self.columns.size * self.source_channels
        inside = np.ones((1, max(samples, LARGEST_LANES)))
        inside[0, :samples] = np.repeat(count, self.source_channels)
        return inside

    def begin(self, source: np.ndarray, low: int, threads, progress=None) -> Work:
        """This plan at work on rows `low`, `low + 1`, ... of a picture."""
        return _Moments(self, source, low, threads, progress)


def flow(plan, bands, threads: int | None = None, progress=None):
    """The result of a WindowPlan in bands, for a picture whose rows come in bands."""
    return execute_rows(plan, bands, begin=lambda rows, low: plan.begin(rows, low, threads, progress))


class Work:
    """A WindowPlan at work on a picture, or the part of it that begins with row `low`: as `executor.Run`."""

    def __init__(self, plan, source: np.ndarray, low: int, threads=None, progress=None):
        self.plan, self.progress = plan, progress
        self.read = replace(plan, channels=plan.source_channels)
        workers = default_threads() if threads is None else checked_threads(threads)
        self.workers = workers if plan.seconds > WORTH_THREADS else 1
        self.move(source, low)
        jit.ready([self.loop.specialised({"S": self.source.type, "A": plan.accumulator, "O": plan.target})])

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.source = Source(self.read, source, low)

    def fill(self, first: int, out: np.ndarray) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        plan = self.plan
        height = -(-len(out) // (self.workers * BANDS_PER_THREAD)) if self.workers > 1 else len(out)
        height = max(height, plan.rows.taps)  # every band begins by reading a whole window
        height = max(1, min(height, int(BAND_SECONDS * plan.rows.size / plan.seconds)))
        run_bands(self.band, first, out, height, self.workers)
        if self.progress is not None:
            self.progress(first + len(out), plan.rows.out)

    def window(self, first: int, count: int) -> tuple:
        """The loops' first arguments: what they read for so many rows of the result, and how that is laid out."""
        plan = self.plan
        table, window = self.source.window(first, first + count + plan.rows.taps - 1, False)
        return window, self.source.samples, plan.source_channels, table, self.source.columns, plan.columns.before


class _Bilateral(Work):
    loop = jit.loop("bilateral.smooth_alike")

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result."""
        plan, number = self.plan, np.dtype(self.plan.accumulator).type
        flat = out.reshape(len(out), -1)
        target = flat if flat.shape[1] >= LARGEST_LANES else np.empty((len(out), LARGEST_LANES), out.dtype)
        target = target.view(np.uint8) if target.dtype == bool else target
        top = np.iinfo(target.dtype).max if out.dtype.kind == "u" else 1 if out.dtype == bool else -1
        call = scratch.get("call")
        if call is None:
            planes, taps = plan.planes, plan.rows.taps
            lines = np.zeros((planes * taps, plan.line_length), number)
            buffers = lines, np.empty(taps, np.int64), np.empty((planes + 1, LARGEST_LANES), number)
            results = np.empty((planes, plan.line_length), number)
            call = scratch["call"] = self.loop.bound(number(top), *plan.tables, *buffers, results)
        fill = self.source.fill.astype(number)
        call(*self.window(first, len(out)), fill, first, target, number(0.5))
        if target.shape[1] > flat.shape[1]:
            flat[...] = target[:, : flat.shape[1]]


class _Moments(Work):
    @property
    def loop(self):
        return jit.loop(f"moments.{'sum' if self.plan.whole else 'combine'}_moments")

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        super().move(source, low)
        self.missing = (self.plan.row_sources < 0).astype(np.int64) * self.plan.counted

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result."""
        plan = self.plan
        halves, samples = 1 if plan.root else 2, plan.columns.size * plan.source_channels
        flat = out.reshape(len(out), halves, samples)
        narrow = samples < LARGEST_LANES
        target = np.empty((len(out), halves, LARGEST_LANES), out.dtype) if narrow else flat
        top = float(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else -1.0
        call = scratch.get("call")
        if call is None:
            sizes = int(plan.root), plan.rows.taps, plan.columns.taps, self.missing, plan.inside
            call = scratch["call"] = self.loop.bound(0.5 if top > 0 else 0.0, 1.0, top, *sizes, *self._tables())
        call(*self.window(first, len(out)), first, target.reshape(len(out), -1))
        if narrow:
            flat[...] = target[..., :samples]

    def _tables(self) -> tuple:
        """The loop's last arguments: what is outside the picture, and buffers."""
        plan, fill = self.plan, self.source.fill
        height, length = plan.rows.taps, plan.line_length * plan.source_channels
        if plan.whole:
            edges = height * np.stack([fill, fill * fill]).astype(plan.accumulator)
            return edges, *(np.zeros((2, length), plan.accumulator) for _ in range(3))
        known, counts = np.empty(3, np.int64), np.empty(height + 1, np.int64)
        lines = (np.zeros((n, length)) for n in (2 * height, 4, 6))
        return np.stack([fill, np.zeros_like(fill)]), int(plan.counted), known, counts, *lines
