"""Bilateral means: plan and work."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...lazy import cached_property
from .plan import WindowPlan
from .work import WindowWork

LOWEST = {"float32": -126.0, "float64": -1022.0}  # logarithms of the smallest weights by distance and likeness
# Outside a picture with the border "normalized": so unlike anything that it counts as nothing, squared still finite.
FAR = {"float32": 1e18, "float64": 1e150}


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

    def work(self, rows, low=0, threads=None, tally=None, progress=None) -> WindowWork:
        """As Stage.work."""
        return _Bilateral(self, rows, low, threads, tally, progress)


class _Bilateral(WindowWork):
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
