"""What a band of several filters' results becomes: their sums side by side, combined, rounded once."""

from __future__ import annotations

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Work
from ...pixels.rounding import finish, rounding_bias
from ...pixels.sample_types import FLOAT_TYPES, type_range
from .formulas import DEGREES, WAYS

# Of all filters' sums of a band, which are combined before they leave the caches: 12-megapixel Sobel magnitudes on one
# thread took 12.8 ms with 1 MB, 10.9 with 2 (AMD Zen 5, 1 MB of second-level cache, 2026-11-22).
BAND_BYTES = 1 << 21
LEAST_ROWS = 8


class CombinedWork(Work):
    """A `plan.CombinedPlan` at work: as `stage.Work`. Each plan has work of its own; the leader's threads take the bands."""

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        self.stage = self.plan = plan
        self.tally = tally
        self.leader = plan.leader.work(rows, low, threads, progress=progress)
        self.works = [self.leader if p is plan.leader else p.work(rows, low, threads) for p in plan.plans]
        self.number = None if tally is not None else plan.number
        self.most_rows = None
        if self.number:
            self._prepare_loop()

    def _prepare_loop(self) -> None:
        plan, real = self.plan, self.plan.target in FLOAT_TYPES
        kinds = {"A": plan.accumulator, "N": self.number, "O": plan.target}
        jit.ready([jit.loop("combine.combine").specialised(kinds)])
        each = len(self.works) * np.dtype(plan.accumulator).itemsize
        self.most_rows = max(LEAST_ROWS, BAND_BYTES // (each * plan.columns.out * plan.channels))
        whole = plan.exact and not real
        offset, top = float(plan.offset * plan.divisor), -1.0 if real else type_range(plan.target)[1]
        bias = offset if real else rounding_bias(offset, plan.divisor, whole) + 0.5 * whole
        settings = np.array([bias, plan.divisor, top], self.number)
        self.settings = int(plan.combine == "max"), int(whole), settings

    def move(self, rows: np.ndarray, low: int) -> None:
        """As Work.move."""
        for work in self.works:
            work.move(rows, low)

    def release(self) -> None:
        """As Work.release."""
        for work in self.works:
            work.release()

    def fill(self, first: int, out: np.ndarray, values: bool = False) -> None:
        """As Work.fill."""
        self.leader.fill(
            first, out, work=self.values_band if values else self.band, most=None if values else self.most_rows
        )

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
            sums = np.zeros((len(self.works), wide), plan.accumulator)
            combine = jit.loop("combine.combine").bound(sums, *self.settings)
            scratch["sums"] = sums, combine
        for number, work in enumerate(self.works):
            raw = sums[number, : out.size].reshape(count, -1)
            work.sums.loop(first, raw, scratch.setdefault(number, {}), 0.0, 1, -1.0)
        flat = out.reshape(1, -1).view(np.uint8 if out.dtype == bool else out.dtype)
        target = flat if out.size == wide else np.empty((1, wide), flat.dtype)
        combine(target)
        if target is not flat:
            flat[...] = target[:, : out.size]
        if plan.has_alpha:
            self._keep_alpha(first, out)

    def _keep_alpha(self, first: int, out: np.ndarray) -> None:
        """Alpha as it was; as `_finish_alpha` of it, but without detours where it is found as it is written."""
        plan, first_work = self.plan, self.works[0]
        if first_work.aligned and plan.source == plan.target and first_work.plan.scale == plan.divisor:
            row = first - first_work.source.low
            alpha = first_work.source.array[row : row + len(out), :, -1]
            out[..., -1] = alpha + alpha.dtype.type(0)  # no float is -0
        else:
            self._finish_alpha(first_work.originals(first, len(out), -1), out)

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
            for number, work in enumerate(self.works):
                values = work.values(first, count, scratch.setdefault(number, {}))
                if self.plan.has_alpha:
                    alpha = values[..., -1] if alpha is None else alpha
                    values = np.ascontiguousarray(values[..., :-1])
                yield values

        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, and squares beyond float64
            values = WAYS[self.plan.combine](colours())
        return values, alpha
