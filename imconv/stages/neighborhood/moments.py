"""The plan and the work of means and population variances over a box.

Whole numbers are summed exactly, floats merged as counts, means and squared deviations: a window of equal samples has a variance
of exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...engine.results import NewArrays
from ...engine.sources import Bands
from ...geometry.axis import same_size_axes
from ...geometry.border import Border
from ...lazy import cached_property
from ...pixels.sample_types import EXACT_LIMIT, LARGEST_SAMPLE
from .window import WindowPlan, WindowWork

SUMMING, MERGING = 1_500, 12_000  # picoseconds for each sample, AMD Zen 5, one core, 2026-11-22


class _Moments(WindowWork):
    def __init__(self, plan, *how):
        self.loop = jit.loop(f"moments.{'sum' if plan.whole else 'combine'}_moments")
        super().__init__(plan, *how)

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        plan = self.plan
        halves, samples = 1 if plan.root else 2, plan.columns.size * plan.source_channels
        flat = out.reshape(len(out), halves, samples)
        narrow = samples < LARGEST_LANES
        target = np.empty((len(out), halves, LARGEST_LANES), out.dtype) if narrow else flat
        top = float(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else -1.0
        call = scratch.get("call")
        if call is None:
            sizes = int(plan.root), plan.rows.taps, plan.columns.taps, plan.missing, plan.inside
            call = scratch["call"] = self.loop.bound(0.5 if top > 0 else 0.0, 1.0, top, *sizes, *self._tables())
        call(*self.window(first, len(out)), first, target.reshape(len(out), -1))
        if narrow:
            flat[...] = target[..., :samples]

    def _tables(self) -> tuple:
        """The loop's last arguments: sums or values outside the picture, and buffers."""
        plan, fill = self.plan, self.source.fill
        height, length = plan.rows.taps, plan.line_length * plan.source_channels
        if plan.whole:
            edges = height * np.stack([fill, fill * fill]).astype(plan.accumulator)
            return edges, *(np.zeros((2, length), plan.accumulator) for _ in range(3))
        known, counts = np.empty(3, np.int64), np.empty(height + 1, np.int64)
        lines = (np.zeros((n, length)) for n in (2 * height, 4, 6))
        return np.stack([fill, np.zeros_like(fill)]), int(plan.inside_only), known, counts, *lines


@dataclass(frozen=True)
class MomentsPlan(WindowPlan):
    """How means and population variances over a box are computed.

    The result has the means of all channels, then their variances, float64; with `root`, standard deviations as samples.
    """

    inside_only: bool = False  # whether windows leave out samples outside the picture
    root: bool = False

    worker = _Moments

    @property
    def whole(self) -> bool:
        """Whether sums are whole numbers."""
        return self.accumulator != "merged"

    @property
    def scratch(self) -> int:
        """Bytes of line buffers for each thread."""
        return 8 * (6 if self.whole else 2 * self.rows.taps + 10) * self.line_length * self.source_channels

    @cached_property
    def missing(self) -> np.ndarray:
        """1 for padded rows that windows leave out, else 0."""
        return (self.row_sources < 0).astype(np.int64) * self.inside_only

    @cached_property
    def inside(self) -> np.ndarray:
        """How many columns each window counts, for every sample of a result's row."""
        left, right = self.columns.inside()
        count = right - left if self.inside_only else np.full(self.columns.out, self.columns.taps)
        samples = self.columns.size * self.source_channels
        inside = np.ones((1, max(samples, LARGEST_LANES)))
        inside[0, :samples] = np.repeat(count, self.source_channels)
        return inside


def moments_plan(
    shape, channels: int, source: str, border: Border, size: tuple[int, int], root: str | None = None
) -> MomentsPlan:
    """The plan for pictures of type `source`; they are converted to float64 if their exact sums would be too large.

    With `root`, a type, the plan is for standard deviations of this type.
    """
    sums = _sum_type(source, size, border)
    rows, columns = same_size_axes(shape, size)
    if sums is None:
        source = source if source in ("float32", "float64") else "float64"
    return MomentsPlan(
        "moments",
        "counts, means and squared deviations merged" if sums is None else "whole-number sums of samples and of squares",
        rows, columns, channels, channels if root else 2 * channels, source, sums or "merged", root or "float64", border,
        SUMMING if sums else MERGING, border.mode == "normalized", root is not None,
    )  # fmt: skip


def _sum_type(source: str, size: tuple[int, int], border: Border) -> str | None:
    """The type that holds whole-number sums, if they and `n sum f^2 - (sum f)^2` are exact; else None."""
    largest = LARGEST_SAMPLE.get(source)
    values = border.values if border.mode == "constant" else ()
    if largest is None or any(not 0 <= value <= largest or value != int(value) for value in values):
        return None
    squares = size[0] * size[1] * largest**2
    if size[0] * size[1] * squares >= EXACT_LIMIT["float64"]:
        return None
    return "uint32" if squares < 2**32 else "float64"


def moments(plan: MomentsPlan, rows: Iterator[np.ndarray], threads, wanted=None) -> Iterator[np.ndarray]:
    """Yield bands (rows, 2, columns, channels) of means and variances, float64, from bands (rows, columns, channels).

    Only rows `wanted` are computed.
    """
    floats = Bands(band.astype(plan.source, copy=False) for band in rows)
    for band in plan.make_bands(floats, NewArrays(plan), wanted=wanted, threads=threads):
        yield band.reshape(len(band), 2, plan.columns.out, plan.source_channels)
