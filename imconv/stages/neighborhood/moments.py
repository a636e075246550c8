"""Means and variances over a box: plan and work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...lazy import cached_property
from .plan import WindowPlan
from .work import Work


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
