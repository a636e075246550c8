"""What a band of several filters' results becomes: their sums side by side, combined, rounded once."""

from __future__ import annotations

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...pixels.rounding import finish, rounding_bias
from ...pixels.sample_types import FLOAT_TYPES, type_range
from ..convolution.work import Run
from .formulas import DEGREES, WAYS

# Of all filters' sums of a band, which are combined before they leave the caches: 12-megapixel Sobel magnitudes on one
# thread took 12.8 ms with 1 MB, 10.9 with 2 (AMD Zen 5, 1 MB of second-level cache, 2026-11-22).
BAND_BYTES = 1 << 21
LEAST_ROWS = 8


class CombinedRun:
    """A `combination.CombinedPlan` at work on a picture, or on the part of it that begins with row `low`: as `executor.Run`."""

    def __init__(self, plan, source, threads=None, tally=None, progress=None, low=0):
        self.plan, self.tally, self.colours = plan, tally, plan.colours
        self.leader = Run(plan.leader, source, threads, progress=progress, low=low)
        self.jobs = [self.leader.job if p is plan.leader else Run(p, source, threads, low=low).job for p in plan.plans]
        self.number = None if tally is not None else plan.number
        self.most_rows = None
        if self.number:
            self._prepare_loop()

    def _prepare_loop(self) -> None:
        plan, real = self.plan, self.plan.target in FLOAT_TYPES
        kinds = {"A": plan.accumulator, "N": self.number, "O": plan.target}
        jit.ready([jit.loop("combine.combine").specialised(kinds)])
        each = len(self.jobs) * np.dtype(plan.accumulator).itemsize
        self.most_rows = max(LEAST_ROWS, BAND_BYTES // (each * plan.columns.out * plan.channels))
        whole = plan.exact and not real
        offset, top = float(plan.offset * plan.divisor), -1.0 if real else type_range(plan.target)[1]
        bias = offset if real else rounding_bias(offset, plan.divisor, whole) + 0.5 * whole
        settings = np.array([bias, plan.divisor, top], self.number)
        self.settings = int(plan.combine == "max"), int(whole), settings

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        for job in self.jobs:
            job.move(source, low)

    def release(self) -> None:
        """Hold no picture until the next one."""
        for job in self.jobs:
            job.source.release()

    def fill(self, first: int, out: np.ndarray, work=None) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        self.leader.fill(first, out, work or self.band, None if work else self.most_rows)

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, rounded."""
        plan = self.plan
        if self.number:
            self._band_by_loop(first, out, scratch)
            return
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        if plan.exact and out.dtype.kind != "f":
            np.floor(values, out=values)  # changes no quotient by an even number, rounded half up
        colours = out[..., : plan.colours]
        offset = float(plan.offset * divisor)
        finish(values, colours, plan.range, offset, divisor, self.tally, divisor > 1, divisor > 1)
        if alpha is not None:
            self._finish_alpha(alpha, out)

    def _finish_alpha(self, alpha: np.ndarray, out: np.ndarray) -> None:
        exact = self.plan.exact
        finish(alpha, out[..., -1], "clip", 0.0, self.plan.divisor, self.tally, exact, exact)

    def _band_by_loop(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """The same in a compiled loop."""
        plan, count = self.plan, len(out)
        wide = max(out.size, LARGEST_LANES)
        sums, combine = scratch.get("sums", (None, None))
        if sums is None or sums.shape[1] < wide:
            sums = np.zeros((len(self.jobs), wide), plan.accumulator)
            combine = jit.loop("combine.combine").bound(sums, *self.settings)
            scratch["sums"] = sums, combine
        for number, job in enumerate(self.jobs):
            raw = sums[number, : out.size].reshape(count, -1)
            job.loop(first, raw, scratch.setdefault(number, {}), 0.0, 1, -1.0)
        flat = out.reshape(1, -1).view(np.uint8 if out.dtype == bool else out.dtype)
        target = flat if out.size == wide else np.empty((1, wide), flat.dtype)
        combine(target)
        if target is not flat:
            flat[...] = target[:, : out.size]
        if plan.has_alpha:
            self._keep_alpha(first, out)

    def _keep_alpha(self, first: int, out: np.ndarray) -> None:
        """Alpha as it was; as `_finish_alpha` of it, but without detours where it is found as it is written."""
        plan, job = self.plan, self.jobs[0]
        if job.aligned and plan.source == plan.target and job.plan.scale == plan.divisor:
            row = first - job.source.low
            alpha = job.source.array[row : row + len(out), :, -1]
            out[..., -1] = alpha + alpha.dtype.type(0)  # no float is -0
        else:
            self._finish_alpha(job.originals(first, len(out), -1), out)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, not yet rounded."""
        plan = self.plan
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        out[..., : plan.colours] = values / divisor + float(plan.offset)
        if alpha is not None:
            out[..., plan.colours] = alpha / plan.divisor

    def _combined(self, first: int, count: int, scratch: dict) -> tuple[np.ndarray, np.ndarray | None]:
        """Combined values, multiplied by the divisor, and alpha likewise."""
        alpha = None

        def colours():
            nonlocal alpha
            for number, job in enumerate(self.jobs):
                values = job.values(first, count, scratch.setdefault(number, {}))
                if self.plan.has_alpha:
                    alpha = values[..., -1] if alpha is None else alpha
                    values = np.ascontiguousarray(values[..., :-1])
                yield values

        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, and squares beyond float64
            values = WAYS[self.plan.combine](colours())
        return values, alpha
