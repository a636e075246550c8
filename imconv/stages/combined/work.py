"""`CombinedWork`: computes bands of several filters' sums, combines them, and rounds once."""

from __future__ import annotations

import numpy as np

from ... import jit
from ...engine.buffers import LARGEST_LANES
from ...engine.stage import Work
from ...pixels.rounding import finish, rounding_bias
from ...pixels.sample_types import FLOAT_TYPES, type_range
from .formulas import DEGREES, FORMULAS

# Size of all filters' sums of a band, which are combined while they are in the caches. 12-megapixel Sobel magnitudes on one
# thread took 12.8 ms with 1 MB and 10.9 ms with 2 MB (AMD Zen 5, 1 MB of second-level cache, 2026-11-22).
BAND_BYTES = 1 << 21
LEAST_ROWS = 8


class CombinedWork(Work):
    """The work of a `CombinedPlan`. Each plan in it has its own work; bands run on the leader's threads."""

    def __init__(self, plan, rows: np.ndarray, low: int = 0, threads=None, tally=None, progress=None):
        self.plan, self.tally = plan, tally
        self.leader = plan.leader.work(rows, low, threads, progress=progress)
        self.works = [self.leader if p is plan.leader else p.work(rows, low, threads) for p in plan.plans]
        self.combining_type = None if tally is not None else plan.combining_type
        self.most_rows = None
        if self.combining_type:
            self._prepare_loop()

    def _prepare_loop(self) -> None:
        plan, to_float = self.plan, self.plan.target in FLOAT_TYPES
        types = {"A": plan.accumulator, "N": self.combining_type, "O": plan.target}
        jit.ready([jit.loop("combine.combine").specialised(types)])
        each = len(self.works) * np.dtype(plan.accumulator).itemsize
        self.most_rows = max(LEAST_ROWS, BAND_BYTES // (each * plan.columns.out * plan.channels))
        whole = plan.exact and not to_float
        offset, top = float(plan.offset * plan.divisor), -1.0 if to_float else type_range(plan.target)[1]
        bias = offset if to_float else rounding_bias(offset, plan.divisor, whole) + 0.5 * whole
        settings = np.array([bias, plan.divisor, top], self.combining_type)
        self.settings = int(plan.combine == "max"), int(whole), settings

    def move(self, rows: np.ndarray, low: int) -> None:
        for work in self.works:
            work.move(rows, low)

    def release(self) -> None:
        for work in self.works:
            work.release()

    def fill(self, first: int, out: np.ndarray, values: bool = False) -> None:
        self.leader.fill(
            first, out, work=self.values_band if values else self.band, most_rows=None if values else self.most_rows
        )

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        plan = self.plan
        if self.combining_type:
            self._band_by_loop(first, out, scratch)
            return
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        if plan.exact and out.dtype.kind != "f" and plan.combine not in DEGREES:
            np.floor(
                values, out=values
            )  # does not change the result: the divisor is even, and quotients are rounded half up
        if plan.combine in DEGREES:
            values[_stored(values, out.dtype) >= 360] = 0  # which an angle just below 360 would be rounded to
        colours = out[..., : plan.colours]
        offset = float(plan.offset * divisor)
        finish(values, colours, plan.range, offset, divisor, self.tally, divisor > 1, divisor > 1)
        if alpha is not None:
            self._finish_alpha(alpha, out)

    def _finish_alpha(self, alpha: np.ndarray, out: np.ndarray) -> None:
        exact = self.plan.exact
        finish(alpha, out[..., -1], "clip", 0.0, self.plan.divisor, self.tally, exact, exact)

    def _band_by_loop(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As `band`, in a compiled loop."""
        plan, count = self.plan, len(out)
        wide = max(out.size, LARGEST_LANES)
        sums, combine = scratch.get("sums", (None, None))
        if sums is None or sums.shape[1] < wide:
            sums = np.zeros((len(self.works), wide), plan.accumulator)
            combine = jit.loop("combine.combine").bound(sums, *self.settings)
            scratch["sums"] = sums, combine
        for index, work in enumerate(self.works):
            raw = sums[index, : out.size].reshape(count, -1)
            work.sums.loop(first, raw, scratch.setdefault(index, {}), 0.0, 1, -1.0)
        flat = out.reshape(1, -1).view(np.uint8 if out.dtype == bool else out.dtype)
        target = flat if out.size == wide else np.empty((1, wide), flat.dtype)
        combine(target)
        if target is not flat:
            flat[...] = target[:, : out.size]
        if plan.has_alpha:
            self._keep_alpha(first, out)

    def _keep_alpha(self, first: int, out: np.ndarray) -> None:
        """Store the picture's own alpha; copied directly if source and result have the same type, units and places."""
        plan, first_work = self.plan, self.works[0]
        if first_work.aligned and plan.source == plan.target and first_work.plan.scale == plan.divisor:
            row = first - first_work.source.low
            alpha = first_work.source.array[row : row + len(out), :, -1]
            out[..., -1] = alpha + alpha.dtype.type(0)  # turns -0 into 0
        else:
            self._finish_alpha(first_work.originals(first, len(out), -1), out)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """As Work's `values_band`."""
        plan = self.plan
        values, alpha = self._combined(first, len(out), scratch)
        divisor = 1 if plan.combine in DEGREES else plan.divisor
        out[..., : plan.colours] = values / divisor + float(plan.offset)
        if alpha is not None:
            out[..., plan.colours] = alpha / plan.divisor

    def _combined(self, first: int, count: int, scratch: dict) -> tuple[np.ndarray, np.ndarray | None]:
        """Combined values and alpha of these rows, both multiplied by the divisor. Alpha is None if the picture has none."""
        alpha = None

        def colours():
            nonlocal alpha
            for index, work in enumerate(self.works):
                values = work.values(first, count, scratch.setdefault(index, {}))
                if self.plan.has_alpha:
                    alpha = values[..., -1] if alpha is None else alpha
                    values = np.ascontiguousarray(values[..., :-1])
                yield values

        with np.errstate(invalid="ignore", over="ignore"):  # inf - inf, and squares beyond float64
            values = FORMULAS[self.plan.combine](colours())
        return values, alpha


def _stored(values: np.ndarray, target: np.dtype) -> np.ndarray:
    """Values as a type stores them, before it saturates."""
    return values.astype(target) if target.kind == "f" else np.floor(values + 0.5)
