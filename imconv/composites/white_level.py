"""`WhiteFilter`: a filter of pictures whose white is not the largest value of their type, such as 12 bits stored in 16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..engine.results import NewArrays, new_array
from ..engine.stage import AnyPlan, PlanLike
from ..errors import ImconvError
from ..filter import Filter, FilterOfFilters
from ..geometry.border import Border, fill_values, parse_border
from ..pixels.arrays import readable
from ..pixels.depth import white
from ..pixels.rounding import stretch_colours


def white_kept(filter: Filter, image_type) -> int | None:
    """The white of the picture (`Options.white`) if results have it too: if they have the picture's type and its depth."""
    options, image_type = filter.options, np.dtype(image_type)
    same = options.depth in (None, "keep") and filter.result_type(image_type) == readable(image_type)
    return options.white if same and image_type.kind == "u" else None  # floats between a chain's steps have no limit


@dataclass(frozen=True, eq=False)
class WhiteFilter(FilterOfFilters):
    """Applies a filter to samples as they are; white is the value that its option `white` gives, and the largest result."""

    filters: tuple[Filter]
    selects_itself = True

    def plan(self, shape, image_type, has_alpha: bool) -> AnyPlan:
        inner, image_type = self.filters[0], np.dtype(image_type)
        if has_alpha:
            inner = opaque_border(inner, shape[2])
        plan, top = inner.plan(shape, image_type, has_alpha), white_kept(inner, image_type)
        return plan if top is None else WhitePlan((plan,), top)


@dataclass(frozen=True, eq=False)
class WhitePlan(PlanLike):
    """The plan of a filter whose results are at most `top`."""

    plans: tuple[AnyPlan]
    top: int

    range = "clip"  # as the driver sees it; the inner plan's policy is applied here

    @property
    def inner(self) -> AnyPlan:
        return self.plans[0]

    streams = property(lambda self: self.inner.streams)
    keeps_samples = property(lambda self: self.inner.keeps_samples)

    @property
    def unrounded(self) -> bool:
        """Whether the policy depends on white, so that it is applied here, to values before rounding."""
        return self.inner.range not in ("clip", "abs")

    @property
    def extra_bytes(self) -> int:
        """As AnyPlan.extra_bytes: values before rounding."""
        return 16 if self.unrounded else self.inner.extra_bytes

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        inner, how = self.inner, {"threads": threads, "progress": progress}
        if values:
            yield from inner.make_bands(source, sink, wanted=wanted, tally=tally, values=True, **how)
            return
        if not self.unrounded:
            for band in inner.make_bands(source, sink, wanted=wanted, tally=tally, **how):
                self._limit(band, tally)
                yield band
            return
        if inner.range == "stretch":  # needs the whole result
            whole = new_array((*inner.shape, inner.channels), np.float64)
            inner.fill(source, whole, values=True, **how)
            rounded = new_array(whole.shape, self.target)
            stretch_colours(whole, rounded, self.colours, tally, self.top)
            self._limit(rounded, tally)
            first, last = wanted or (0, len(whole))
            out = sink.room(first, last - first)
            out[...] = rounded[first:last]
            yield out
            return
        row = wanted[0] if wanted else 0
        for band in inner.make_bands(source, NewArrays(inner, np.float64), wanted=wanted, values=True, **how):
            out = sink.room(row, len(band))
            self._round(band, out, tally)
            row += len(band)
            yield out

    def _limit(self, band: np.ndarray, tally) -> None:
        """Clip rounded samples to white; those at the type's own limit have been counted already."""
        if tally is not None:
            tally.add(clipped=int(np.count_nonzero((band > self.top) & (band < white(band.dtype)))))
        np.minimum(band, band.dtype.type(self.top), out=band)

    def _round(self, values: np.ndarray, out: np.ndarray, tally) -> None:
        """Apply the range policy to float64 values, and round them half up. Overwrites `values`."""
        colours, policy = values[..., : self.colours], self.inner.range
        if policy == "offset":
            colours += (self.top + 1) / 2
        np.floor(np.add(np.nan_to_num(values, copy=False), 0.5, out=values), out=values)
        outside = (values < 0) | (values > self.top)
        if tally is not None:
            tally.add(samples=values.size, clipped=int(np.count_nonzero(outside)))
        if policy == "error" and outside[..., : self.colours].any():
            beyond = colours[outside[..., : self.colours]]
            worst = beyond[np.abs(beyond).argmax()]
            raise ImconvError(
                f"results leave 0..{self.top} (one is {worst:.0f}); use range= (clip, abs, offset or stretch), or scale the kernel"
            )
        out[...] = np.clip(values, 0, self.top, out=values)

    def as_dict(self) -> dict:
        return {**self.inner.as_dict(), "white": self.top}

    def __str__(self) -> str:
        return f"white          {self.top}: results are clipped to it\n{self.inner}"


def opaque_border(filter: Filter, channels: int) -> Filter:
    """The filter with a constant border's alpha, where none is given, opaque as the picture's white says."""
    border = parse_border(filter.options.border)
    if border.mode != "constant" or filter.options.white is None:
        return filter
    values = fill_values(border, channels, filter.options.white)
    return filter.with_options(border=Border("constant", tuple(map(float, values))))
