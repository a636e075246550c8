"""The plan and the work of bilateral means, which weigh samples by distance and by likeness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...lazy import cached_property
from .window import WindowPlan, WindowWork

LOG2_E = 1.4426950408889634  # the binary logarithm of e

LOWEST = {"float32": -126.0, "float64": -1022.0}  # binary logarithms of the smallest weights
# Value outside the picture with the border "normalized": so far from every sample that its likeness, and so its weight, is 0,
# while its square does not overflow.
FAR = {"float32": 1e18, "float64": 1e150}


class _Bilateral(WindowWork):
    loop = jit.loop("bilateral.smooth_alike")

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        plan, cast = self.plan, np.dtype(self.plan.accumulator).type
        flat = out.reshape(len(out), -1)
        target = flat if flat.shape[1] >= LARGEST_LANES else np.empty((len(out), LARGEST_LANES), out.dtype)
        target = target.view(np.uint8) if target.dtype == bool else target
        top = np.iinfo(target.dtype).max if out.dtype.kind == "u" else 1 if out.dtype == bool else -1
        call = scratch.get("call")
        if call is None:
            planes, taps = plan.planes, plan.rows.taps
            lines = np.zeros((planes * taps, plan.line_length), cast)
            buffers = lines, np.empty(taps, np.int64), np.empty((planes + 1, LARGEST_LANES), cast)
            results = np.empty((planes, plan.line_length), cast)
            call = scratch["call"] = self.loop.bound(cast(top), *plan.tables, *buffers, results)
        fill = self.source.fill.astype(cast)
        call(*self.window(first, len(out)), fill, first, target, cast(0.5))
        if target.shape[1] > flat.shape[1]:
            flat[...] = target[:, : flat.shape[1]]


@dataclass(frozen=True)
class BilateralPlan(WindowPlan):
    """How a bilateral filter with a round window is computed."""

    sigma: float = 1.0
    sigma_range: float = 1.0

    worker = _Bilateral

    @property
    def planes(self) -> int:
        """The number of channels that the loop computes together."""
        return self.channels if self.channels in (1, 3) else 4

    @property
    def scratch(self) -> int:
        """Bytes of line buffers for each thread."""
        return np.dtype(self.accumulator).itemsize * self.planes * (self.rows.taps + 1) * self.line_length

    @cached_property
    def tables(self) -> tuple:
        """The loop's tables: how far each row of the window reaches, binary logarithms of spatial weights, the factor of
        squared differences, and the smallest logarithm."""
        radius, cast = self.rows.anchor, np.dtype(self.accumulator).type
        distance = np.arange(-radius, radius + 1)
        reaches = np.array([math.isqrt(radius**2 - int(d) ** 2) for d in distance], np.int64)
        squares = distance**2 + (distance**2)[:, None]
        half = LOG2_E / 2
        spatial = (-half / (self.sigma * self.sigma) * squares).astype(cast)
        return reaches, spatial, cast(-half / (self.sigma_range * self.sigma_range)), cast(LOWEST[self.accumulator])
