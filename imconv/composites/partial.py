"""`PartialFilter`: a filter on a part of the picture (region, channels, mask); the rest stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..engine.drive import compute
from ..engine.results import NewArrays, new_array
from ..engine.side_by_side import PassedOn
from ..engine.sources import Bands
from ..engine.stage import AnyPlan, PlanOfPlans
from ..errors import ImconvError, OptionError
from ..filter import Filter, FilterOfFilters
from ..geometry.border import Border, fill_values, parse_border
from ..geometry.grid import Grid
from ..geometry.selection import LUMA, Region, Selection, check_mask, places_of, selection_of
from ..options import Options
from ..pixels.alpha import APART
from ..pixels.arrays import readable
from ..pixels.depth import white
from ..pixels.nodata import Value, as_sample, missing
from ..pixels.rounding import finish
from ..pixels.sample_types import type_range
from .white_level import WhiteFilter, opaque_border, white_kept


@dataclass(frozen=True, eq=False)
class PartialFilter(FilterOfFilters):
    """Applies a filter to the part of the picture that its options select; other samples keep their value.

    In linear light the mask blends in linear light, too.
    """

    filters: tuple[Filter]
    selects_itself = True

    def plan(self, shape, image_type, has_alpha: bool) -> PartialPlan:
        selection, image_type = selection_of(self.options), np.dtype(image_type)
        rows, columns = shape[:2]
        channels = shape[2] if len(shape) == 3 else 1
        places = None if selection.channels is None else places_of(selection, channels, has_alpha)
        region = (selection.region or Region(columns, rows, 0, 0)).checked(rows, columns)
        blended = selection.mask is not None or selection.luma
        if selection.mask is not None:
            check_mask(selection.mask, region, rows, columns, channels - has_alpha)
        # the channels that the filter reads, and whether alpha is among them
        taken, with_alpha = channels, has_alpha
        if places is not None:
            with_alpha = has_alpha and places != (channels - 1,)
            colours = 1 if selection.luma else len([p for p in places if not (with_alpha and p == channels - 1)])
            taken = colours + with_alpha
        inner, given, top = self.filters[0], image_type, white_kept(self, image_type)
        if has_alpha:
            inner = opaque_border(inner, channels)
        if places is not None:
            inner = bordered(inner, places, channels, with_alpha, has_alpha, image_type, selection.luma)
        levelled = inner if top is None or blended else WhiteFilter((inner,))
        whole = levelled.plan((rows, columns, taken), image_type, with_alpha)
        target, scale = self.result(image_type)
        if blended:
            if selection.luma:
                given = np.dtype(
                    np.float32 if readable(image_type).itemsize <= 2 or image_type == np.float32 else np.float64
                )
            if image_type.name == target.name == "uint8":
                inner = inner.in_8_bits()
            inner = inner.with_types_fixed(image_type).retyped(
                np.float64, scale, "stretch" if whole.range == "stretch" else "clip"
            )
            policy, whole = whole.range, inner.plan((rows, columns, taken), given, with_alpha)
        else:
            policy = whole.range
        if tuple(whole.shape) != (rows, columns) or whole.channels != taken:
            raise OptionError(_other_size(self.options, tuple(whole.shape) != (rows, columns)))
        return PartialPlan(
            whole, inner, selection, region, places, channels, with_alpha, readable(image_type).name, target.name, policy,
            blended, scale, _nodata(self.options.nodata, image_type, target) if blended else None, top,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class PartialPlan(PlanOfPlans):
    """The plan of a filter on a part of a picture; all other samples come from the picture's own rows."""

    inner_plan: AnyPlan
    filter: Filter  # the filter of `inner_plan`; its results are not rounded if they are `blended`
    selection: Selection
    region: Region
    places: tuple[int, ...] | None  # the numbers of the filtered channels, None for all
    channels: int
    takes_alpha: bool  # whether the filter reads alpha beside the filtered channels
    source: str
    target: str
    policy: str  # the range policy
    blended: bool  # whether results are blended with the picture, by a mask or because of luma
    scale: Fraction  # factor from samples to the result's units
    nodata: Value | None = None  # the value of no-data samples among results that are blended
    top: int | None = None  # the largest result, where it is not the type's

    range = "clip"  # as the driver sees it; the policy is applied here

    @property
    def plans(self) -> tuple[AnyPlan]:
        return (self.inner_plan,)

    alpha = property(lambda self: self.inner_plan.alpha)
    keeps_samples = property(lambda self: not self.blended and self.inner_plan.keeps_samples)
    streams = property(lambda self: self.inner_plan.streams)
    extra_bytes = property(lambda self: self.inner_plan.extra_bytes)

    def bytes_held(self, threads: int) -> int:
        """As AnyPlan.bytes_held; the picture's own rows are held, too."""
        return 2 * self.inner_plan.bytes_held(threads)

    def make_bands(self, source, sink, *, wanted=None, threads=None, tally=None, progress=None, values=False):
        region, part, own = self.region, _PartRows(self), PassedOn(source.bands())
        top = region.y if self.selection.crop else 0  # the row of the picture that is the first of the result
        first, last = wanted or (0, self.shape[0])
        row, end = first + top, last + top
        inside = max(row, region.y), max(row, min(end, region.y + region.height))
        own.keep(row, end)
        taken = Bands(part.taken(band) for band in own)
        inner, counted = self.inner_plan, None if self.blended else tally
        if inner.range == "stretch":
            whole = new_array((*inner.shape, inner.channels), inner.target)
            compute(inner, taken, whole, threads, counted, progress)
            made = iter([whole[slice(*inside)]])
        else:
            how = {"wanted": inside, "threads": threads, "tally": counted, "progress": progress}
            made = inner.make_bands(taken, NewArrays(inner), **how)

        def passed_on(last: int) -> Iterator[np.ndarray]:
            """Yield the picture's rows before row `last`, unfiltered."""
            nonlocal row
            if last > row:
                band = sink.room(row - top, last - row)
                band[...] = part.as_result(own.take(last - row))
                row = last
                yield band

        for band in made:
            if row < inside[0]:
                yield from passed_on(min(own.high, inside[0]))
            if len(band):
                out = sink.room(row - top, len(band))
                out[...] = part.put(own.take(len(band)), band, row, tally)
                row += len(band)
                yield out
            elif row >= inside[1]:
                yield from passed_on(min(own.high, end))
        yield from passed_on(end)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return (self.region.height, self.region.width) if self.selection.crop else self.inner_plan.shape

    @property
    def grid(self) -> Grid | None:
        """As AnyPlan.grid."""
        inner = self.inner_plan.grid
        if inner is None or not self.selection.crop:
            return inner
        return Grid.along_axes((1, self.region.y), (1, self.region.x)).of(inner)

    @property
    def selection_text(self) -> str:
        """The selected part, as text for printed plans."""
        parts = [f"region {self.region}"] if self.selection.region else []
        if self.selection.channels:
            parts.append(f"channels {','.join(map(str, self.selection.channels))}")
        if self.selection.mask is not None:
            parts.append("by a mask")
        if self.selection.crop:
            parts.append("cropped")
        return ", ".join(parts)

    def as_dict(self) -> dict:
        """The figures for `--json`: the inner plan's, with the result's size and the selected part."""
        return {**self.inner_plan.as_dict(), "output": [*self.shape, self.channels], "selection": self.selection_text}

    def __str__(self) -> str:
        return f"selection      {self.selection_text}; the plan is for {self.inner_plan.channels} channels\n{self.inner_plan}"


class _PartRows:
    """Takes the filter's input out of a picture's rows, and puts its results back, for a PartialPlan."""

    def __init__(self, plan: PartialPlan):
        self.plan = plan
        self.target = np.dtype(plan.target)
        mask, region = plan.selection.mask, plan.region
        if mask is not None and mask.shape[:2] != (region.height, region.width):
            mask = mask[region.y : region.y + region.height, region.x : region.x + region.width]
        self.mask = mask

    def taken(self, band: np.ndarray) -> np.ndarray:
        """The filter's input from rows (n, columns, channels) of the picture."""
        plan = self.plan
        if plan.places is None:
            return band
        alpha = band[..., -1:] if plan.takes_alpha else band[..., :0]
        if plan.selection.luma:
            source = plan.inner_plan.source
            luma = self._luma(band).astype(source)
            return np.concatenate([luma[..., None], alpha.astype(source)], axis=2)
        places = [p for p in plan.places if not (plan.takes_alpha and p == plan.channels - 1)]
        return np.ascontiguousarray(np.concatenate([band[..., places], alpha], axis=2))

    def _luma(self, band: np.ndarray) -> np.ndarray:
        return sum(weight * band[..., place].astype(np.float64) for place, weight in enumerate(LUMA))

    def as_result(self, rows: np.ndarray) -> np.ndarray:
        """Unfiltered rows of the picture, in the result's type and width."""
        plan = self.plan
        if plan.selection.crop:
            rows = rows[:, plan.region.x : plan.region.x + plan.region.width]
        return self._converted(rows)

    def _converted(self, rows: np.ndarray) -> np.ndarray:
        plan = self.plan
        if rows.dtype == self.target and plan.scale == 1:
            return rows.copy()
        result = np.empty(rows.shape, self.target)
        finish(self._scaled(rows), result, "clip", 0.0, 1)
        return result

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        """Samples in the result's units, float64."""
        return rows.astype(np.float64) * self.plan.scale.numerator / self.plan.scale.denominator

    def put(self, originals: np.ndarray, values: np.ndarray, row: int, tally) -> np.ndarray:
        """Rows of the result from row `row` on: the filter's values in the selected part, the originals elsewhere."""
        plan, region = self.plan, self.plan.region
        columns = slice(region.x, region.x + region.width)
        values = values[:, columns]
        result = self.as_result(originals)
        inside = result if plan.selection.crop else result[:, columns]
        places = list(range(plan.channels)) if plan.places is None else list(plan.places)
        if not plan.blended:
            inside[..., places] = values[..., self._order(places)]
            return result
        originals, void = originals[:, columns], None
        if plan.nodata is not None:
            marker = as_sample(plan.nodata, values.dtype)
            assert marker is not None  # the filter's plan has checked it
            void = missing(values, marker)[..., self._order(places)]
            void[..., [p for p in range(len(places)) if plan.takes_alpha and places[p] == plan.channels - 1]] = False
        if plan.takes_alpha and plan.inner_plan.alpha in APART:
            alpha = _ranged(values[..., -1:], "clip", self.target, plan.top)
            values = np.concatenate([_ranged(values[..., :-1], plan.policy, self.target, plan.top), alpha], axis=2)
        else:
            values = _ranged(values, plan.policy, self.target, plan.top)
        scaled = self._scaled(originals)
        if plan.selection.luma:
            luma = self._luma(originals) * plan.scale.numerator / plan.scale.denominator
            values = scaled[..., :3] + (values[..., 0] - luma)[..., None]
        else:
            values = values[..., self._order(places)]
        if self.mask is not None:
            values, changed = self._blended(values, scaled[..., places], places, row)
        new = np.empty(values.shape, self.target)
        finish(values, new, "clip", 0.0, 1, tally)
        if plan.top is not None:
            np.minimum(new, self.target.type(plan.top), out=new)
        if void is not None:
            assert plan.nodata is not None
            new[void] = as_sample(plan.nodata, self.target)
        inside[..., places] = new if self.mask is None else np.where(changed, new, inside[..., places])
        return result

    def _order(self, places: list[int]) -> list[int]:
        """The numbers of the filtered channels in the filter's result."""
        alpha = self.plan.channels - 1
        if not self.plan.takes_alpha or self.plan.places is None:
            return list(range(len(places)))
        colours = iter(range(len(places)))
        return [self.plan.inner_plan.channels - 1 if p == alpha else next(colours) for p in places]

    def _blended(self, values, originals, places, row) -> tuple[np.ndarray, np.ndarray]:
        """`m * values + (1 - m) * originals`, and where m is not 0."""
        start = row - self.plan.region.y
        assert self.mask is not None
        mask = self.mask[start : start + len(values)]
        amount = mask.astype(np.float64) / white(mask.dtype)
        if amount.shape[2] > 1:  # one amount for each colour; alpha keeps its value
            amount = np.concatenate([amount, np.zeros((*amount.shape[:2], 1))], axis=2)
            amount = amount[..., places]
        with np.errstate(invalid="ignore"):
            blend = amount * values + (1 - amount) * originals
        return np.where(amount == 1, values, blend), np.broadcast_to(amount != 0, values.shape)


def _other_size(options: Options, sizes: bool) -> str:
    """Why a part of the picture can't be filtered: results of another size, or with other channels."""
    chosen = [f"{name}=" for name in ("region", "mask", "channels") if getattr(options, name) is not None]
    cause = "this filter"
    if sizes and str(options.pad).strip().lower() != "same":
        cause = f"pad={options.pad!r}"
    elif sizes and options.stride not in (1, "1"):
        cause = f"stride={options.stride!r}"
    return f"{' and '.join(chosen)} can't be combined with {cause}: the result would have {'another size' if sizes else 'other channels'}"


def _nodata(value, source: np.dtype, target: np.dtype) -> Value | None:
    """The value of no-data samples, None if no sample of the picture has it; OptionError if no result can have it."""
    if value is None or as_sample(value, readable(source)) is None:
        return None
    if as_sample(value, target) is None:
        raise OptionError(f"nodata={value} is no sample of a result of {target.name}; keep the picture's type")
    return value


def _ranged(values: np.ndarray, policy: str, target: np.dtype, top: int | None = None) -> np.ndarray:
    """Apply a range policy to values before rounding; for "stretch" they are already 0 to 1. `top`: the largest, if not the type's."""
    low, high = type_range(target)
    high = high if top is None else float(top)
    whole = target.kind != "f"
    if policy == "stretch":
        return values * (high - low) + low
    if policy == "abs":
        values = np.abs(values)
    elif policy == "offset":
        values = values + ((high + 1) / 2 if target.kind == "u" else 0.5 if target.kind == "f" else 0.0)
    if not whole:
        return values
    if policy == "error":
        with np.errstate(invalid="ignore"):
            outside = (np.floor(values + 0.5) < low) | (np.floor(values + 0.5) > high)
        if outside.any():
            raise ImconvError(f"results leave {low:.0f}..{high:.0f}; use range= (clip, abs, offset or stretch)")
    return np.clip(values, low, high)


def bordered(
    filter: Filter, places, channels: int, with_alpha: bool, has_alpha: bool, image_type, luma: bool
) -> Filter:
    """The filter with a constant border's values reduced to the channels that it reads."""
    border = parse_border(filter.options.border)
    if border.mode != "constant":
        return filter
    values = fill_values(border, channels, (filter.options.white or white(image_type)) if has_alpha else None)
    alpha = values[-1:] if with_alpha else values[:0]
    colours = (
        [sum(LUMA * values[:3])] if luma else [values[p] for p in places if not (with_alpha and p == channels - 1)]
    )
    return filter.with_options(border=Border("constant", (*map(float, colours), *alpha.tolist())))


def selected(filter: Filter) -> Filter:
    """The filter itself; or a PartialFilter of it if its options select a part of the picture, else a WhiteFilter if they state
    the picture's white."""
    if filter.selects_itself:
        return filter
    if not filter.options.selects:
        return filter if filter.options.white is None else WhiteFilter((filter,))
    return PartialFilter((filter,))
