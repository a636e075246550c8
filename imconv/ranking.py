"""Order statistics: `RankFilter`, what median, minimum, maximum and percentiles come down to, and a plan of it at work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from . import jit
from .border import parse_border
from .correlation import result_of
from .errors import OptionError
from .executor import Crew, whole
from .filter import Filter, bands_of, readable
from .footprint import Footprint
from .geometry import make_axes
from .options import DEFAULTS, NO_IGNORING, Options, checked_offset
from .planner import check_alpha
from .rank_bands import RankJob
from .rank_plan import RankPlan, make_rank_plan
from .rounding import Tally, finish
from .streaming import execute_rows


@dataclass(frozen=True)
class RankFilter(Filter):
    """The sample of a window that so many percent of the others come before (`rank_plan.rank_of`).

    Ranks go through every monotone curve: with the option linear the same sample wins, and nothing need be decoded.
    """

    footprint: Footprint
    percentile: float
    options: Options = DEFAULTS
    algorithm: str | None = None
    scale: Fraction | None = None  # instead of the one that the depth asks for

    def plan(self, shape, image_type, has_alpha: bool) -> RankPlan:
        """As Filter.plan."""
        options, footprint = self.options, self.footprint
        if options.alpha is not None:
            check_alpha(options.alpha)
        if options.nan == "ignore":
            raise OptionError(NO_IGNORING)
        target, scale = self._result(image_type)
        return make_rank_plan(
            footprint,
            self.percentile,
            make_axes(shape[:2], footprint.shape, footprint.anchor, options.pad, options.stride, options.dilation),
            shape[2] if len(shape) == 3 else 1,
            readable(np.dtype(image_type)),
            target,
            parse_border(options.border),
            alpha=(options.alpha or "separate") if has_alpha else "none",
            range=options.range,
            scale=scale,
            offset=checked_offset(options.offset),
            algorithm=self.algorithm,
        )

    def result_type(self, image_type) -> np.dtype:
        """As Filter.result_type."""
        return self._result(image_type)[0]

    def factor(self, image_type) -> Fraction:
        """As LinearFilter.factor."""
        return self._result(image_type)[1]

    def _result(self, image_type) -> tuple[np.dtype, Fraction]:
        target, scale = result_of(self.options, image_type)
        return target, scale if self.scale is None else self.scale

    def conversion(self, mode, image_type, metadata=None):
        """None: linear light has the same ranks."""
        return None

    def in_light(self, light) -> RankFilter:
        """As Filter.in_light."""
        return replace(self, options=light.options(self.options))

    def with_options(self, **changes) -> RankFilter:
        """As Filter.with_options."""
        return replace(self, options=replace(self.options, **changes))

    def retyped(self, dtype, scale=Fraction(1), range="clip") -> RankFilter:
        """As Filter.retyped."""
        return replace(self.with_options(dtype=dtype, depth=None, range=range), scale=scale)

    def apply(self, image, **how):
        """As Filter.apply; the option linear matters only where results are blended with the picture."""
        if self.options.linear and not self.options.selects:
            return self.with_options(linear=False).apply(image, **how)
        return super().apply(image, **how)

    def run(self, plan: RankPlan, image, *, out=None, threads=None, tally=None, progress=None) -> np.ndarray:
        """As Filter.run."""
        return whole(RankRun, plan, as_channels(plan, image), image, out, threads, tally, progress)

    def in_bands(self, plan: RankPlan, bands, *, threads=None, tally=None, progress=None, rows=None):
        """As Filter.in_bands."""

        def execute(source, count):
            return execute_rows(
                plan, source, rows, begin=lambda held, low: RankRun(plan, held, threads, count, progress, low)
            )

        yield from bands_of(plan, bands, tally, execute)


def as_channels(plan, image: np.ndarray) -> np.ndarray:
    """A picture as (rows, columns, channels), of the type that is planned for."""
    image = image if image.ndim == 3 else image[..., None]
    if image.shape != (plan.rows.size, plan.columns.size, plan.channels):
        wanted = f"{plan.rows.size} x {plan.columns.size} x {plan.channels}"
        raise OptionError(f"the plan is for {wanted}, the image has shape {image.shape}")
    return image.astype(plan.source, copy=False)


class RankRun:
    """A plan at work on a picture, or on the part of it that begins with row `low`: rows of the result from top to
    bottom, bands of them on threads."""

    def __init__(self, plan: RankPlan, source, threads=None, tally: Tally | None = None, progress=None, low: int = 0):
        self.plan, self.tally, self.colours = plan, tally, plan.colours
        self.job = RankJob(plan, source, low)
        self.crew = Crew(plan, threads, progress)
        jit.ready(self.job.needed())

    def move(self, source: np.ndarray, low: int) -> None:
        """Go on with another part of the picture."""
        self.job.move(source, low)

    def release(self) -> None:
        """Hold no picture until the next one."""
        self.job.release()

    def fill(self, first: int, out: np.ndarray, work=None) -> None:
        """Compute rows first, first + 1, ... of the result into `out`."""
        height = self.crew.height(len(out))
        if not (self.job.direct and self.plan.plain):
            height = min(height, self.plan.band_rows)
        self.crew.run(work or self.band, first, out, max(1, height))

    def band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, as they are stored."""
        plan = self.plan
        if plan.plain and out.dtype == self.job.type:
            self._samples(first, out, scratch)
            if self.tally is not None:
                self.tally.add(samples=out.size)
            return
        values = self._values(first, len(out), scratch)
        divisor, offset = plan.scale.denominator, float(plan.offset)
        for part, policy, more in (
            (slice(0, plan.colours), plan.range, offset),
            (slice(plan.colours, None), "clip", 0.0),
        ):
            if values[..., part].size:
                exact = self.job.type.kind != "f" and more == int(more)
                sums = values[..., part] * plan.scale.numerator
                finish(sums, out[..., part], policy, more * divisor, divisor, self.tally, exact)

    def values_band(self, first: int, out: np.ndarray, scratch: dict) -> None:
        """Rows of the result, not yet rounded."""
        plan = self.plan
        out[...] = self._values(first, len(out), scratch) * plan.scale.numerator / plan.scale.denominator
        out[..., : plan.colours] += float(plan.offset)

    def _values(self, first: int, count: int, scratch: dict) -> np.ndarray:
        samples = np.empty((count, self.plan.columns.out, self.plan.channels), self.job.type)
        self._samples(first, samples, scratch)
        return samples.astype(np.float64)

    def _samples(self, first: int, out: np.ndarray, scratch: dict) -> None:
        self.job.samples(first, out, scratch)
        if self.plan.alpha == "keep":
            out[..., -1] = self.job.originals(first, len(out))[..., -1]
