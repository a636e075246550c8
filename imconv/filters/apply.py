"""`apply`: runs a filter over an array or a Picture, in linear light if asked, and returns the same kind of object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from ..composites.linear_light import BAND, Conversion, conversion_for, conversion_of
from ..composites.partial import selected
from ..composites.white_level import white_kept
from ..engine.drive import run
from ..engine.results import check_out
from ..engine.stage import AnyPlan
from ..engine.threads import run_bands, thread_count
from ..errors import OptionError
from ..files.picture import Metadata, Picture
from ..filter import Filter
from ..pixels.alpha import check_alpha
from ..pixels.arrays import AUTO, channel_axis, given, is_masked_array, readable
from ..pixels.rounding import Tally

if TYPE_CHECKING:
    from ..composites.nodata import MaskedPlan

CALLER = 6  # how many calls above `drive.run` the user's own code is: warnings name its line


def apply(filter: Filter, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
    """Filter an array, a masked array, a PIL image or a Picture; return an array, a masked array, an array or a Picture.

    `tally` and `progress` are those of `drive.run`.
    """
    is_picture, masked = isinstance(image, Picture), None
    if is_picture:
        filter = _with_white(filter, image)
    filter = _without_nodata(filter, image.metadata.nodata if is_picture else None, is_picture)
    options = filter.options
    if is_picture:
        if out is not None:
            raise OptionError("out goes with an array, not with a Picture")
        array, has_alpha = image.pixels, image.has_alpha
    else:
        array, states_alpha, masked = given(image)
        has_alpha = bool(states_alpha if options.has_alpha is None else options.has_alpha)
        if options.alpha not in (None, "separate") and options.has_alpha is states_alpha is None:
            check_alpha(options.alpha)
            raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
        if masked is not None and out is not None:
            raise OptionError("out takes no mask, which the result of a masked array has; leave it out")
    planes = is_picture and array.ndim == 3 and options.channel_axis == AUTO
    axis = 2 if planes else channel_axis(array, options.channel_axis)
    if has_alpha and (axis is None or array.shape[axis] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {array.shape}")
    moved = None if axis is None or axis % 3 == 2 else axis % 3  # the channels' axis if it is not the last
    pixels = array if moved is None else np.moveaxis(array, moved, -1)
    if masked is not None:
        from ..composites.nodata import leaving_masked

        filter = leaving_masked(filter, masked if moved is None else np.moveaxis(masked, moved, -1), has_alpha)
    conversion = None
    if options.linear and is_picture:
        conversion = conversion_of(filter, image.mode, array.dtype, image.metadata)
    elif options.linear and (filter.light_matters or options.selects):
        channels = 1 if axis is None else array.shape[axis]
        conversion = conversion_for(filter, channels, has_alpha, array.dtype, Metadata())
    plan = _plan(filter, conversion, pixels, has_alpha)
    place = out
    if out is not None and moved is not None:
        shape = list(plan.shape)
        shape.insert(moved, plan.channels)
        check_out(out, tuple(shape), filter.result_type(array.dtype).name)
        place = np.moveaxis(out, moved, -1)
    result = _computed(plan, conversion, pixels, place, threads=threads, tally=tally, progress=progress)
    if out is not None:
        return out
    if is_masked_array(image):
        mask = False if masked is None else cast("MaskedPlan", plan).masked(result, pixels)
        result = np.ma.array(result, mask=mask, fill_value=image.fill_value if result.dtype == image.dtype else None)
    if moved is not None:
        result = np.moveaxis(result, -1, moved).copy()
    return _as_picture(image, filter, plan, result) if is_picture else result


def _as_picture(image: Picture, filter: Filter, plan: AnyPlan, result: np.ndarray) -> Picture:
    """A plan's result as a picture."""
    white = white_kept(filter, image.pixels.dtype)
    return image.filtered(result, white).placed(plan.grid, rescaled=filter.factor(image.pixels.dtype) != 1)


def _with_white(filter: Filter, picture: Picture) -> Filter:
    """The filter itself, or one that knows the picture's white where that is not the type's."""
    return filter if picture.maximum is None else filter.with_options(white=picture.maximum)


def _without_nodata(filter: Filter, stated: str | None, is_picture: bool) -> Filter:
    """The filter itself, or one that leaves no-data samples or NaN out if its options say so; `stated` is the file's value."""
    if filter.options.nodata is None and filter.options.nan != "ignore":
        return filter
    from ..composites.nodata import leaving_out  # few need it, and all would wait for what it imports

    return leaving_out(filter, stated, is_picture)


def _plan(filter: Filter, conversion: Conversion | None, pixels: np.ndarray, has_alpha: bool) -> AnyPlan:
    """The plan for pixels, channels last, or for their linear light if there is a conversion."""
    if conversion is not None:
        return planned(selected(conversion.filter), pixels.shape, conversion.source, has_alpha)
    straight = filter.with_options(linear=False) if filter.options.linear else filter
    return planned(selected(straight), pixels.shape, pixels.dtype, has_alpha)


def _computed(plan: AnyPlan, conversion: Conversion | None, pixels: np.ndarray, out=None, *, threads, tally, progress):
    """The result of a plan for pixels, channels last: decoded before and encoded after, if there is a conversion."""
    if conversion is None or conversion.transfer is None:
        source = readable(pixels.dtype)
        pixels = pixels if pixels.dtype == source else pixels.astype(source)
        return run(plan, pixels, out=out, threads=threads, tally=tally, progress=progress, level=CALLER)
    decoded = np.empty(pixels.shape, conversion.source)
    _converted(conversion.decode, pixels, decoded, thread_count(threads))
    light = run(plan, decoded, threads=threads, progress=progress)
    if out is not None:
        check_out(out, light.shape, conversion.target.name)
    return _encoded(conversion, light, threads, tally, out)


@dataclass(frozen=True, eq=False)
class PlannedFilter:
    """A filter planned for one Picture."""

    filter: Filter
    plan: AnyPlan
    conversion: Conversion | None  # around the plan, where the filter works in linear light

    def outline(self, picture: Picture) -> Picture:
        """A Picture of the result's kind and size, which takes no memory."""
        plan = self.plan
        shape = (*plan.shape, plan.channels) if picture.pixels.ndim == 3 or plan.channels > 1 else plan.shape
        sample = np.zeros((), self.filter.result_type(picture.pixels.dtype))
        return _as_picture(picture, self.filter, plan, np.broadcast_to(sample, shape))

    def bytes_beside(self, picture: Picture) -> int:
        """Memory that `run` takes beside the picture and the result: among other things both in linear light."""
        rows, columns = self.plan.shape
        samples = rows * columns * self.plan.channels
        light = picture.pixels.size + samples if self.filter.options.linear else 0
        return samples * self.plan.extra_bytes + light * np.dtype(self.plan.source).itemsize + self.plan.scratch

    def run(self, picture: Picture, *, threads=None, tally: Tally | None = None, progress=None) -> Picture:
        """The result of `apply`."""
        how = {"threads": threads, "tally": tally, "progress": progress}
        result = _computed(self.plan, self.conversion, picture.pixels, **how)
        return _as_picture(picture, self.filter, self.plan, result)


def plan_picture(filter: Filter, picture: Picture) -> PlannedFilter:
    """Plan a filter for a Picture. Its samples are not read: an outline of the same kind and size will do."""
    filter = _without_nodata(_with_white(filter, picture), picture.metadata.nodata, is_picture=True)
    conversion = conversion_of(filter, picture.mode, picture.pixels.dtype, picture.metadata)
    return PlannedFilter(filter, _plan(filter, conversion, picture.pixels, picture.has_alpha), conversion)


def planned(filter: Filter, shape: tuple[int, ...], image_type: np.dtype, has_alpha: bool):
    """The filter's plan for pictures of this shape and type, cached if the filter can be compared and hashed."""
    try:
        heavy = getattr(getattr(filter, "kernel", None), "heavy", False)
        known = not heavy and type(filter).__eq__ is not object.__eq__ and hash(filter) is not None
    except TypeError:  # its fields hold lists or arrays
        known = False
    return (_planned if known else type(filter).plan)(filter, shape, image_type, has_alpha)


@lru_cache(maxsize=64)
def _planned(filter, shape, image_type, has_alpha):
    return filter.plan(shape, image_type, has_alpha)


def _encoded(conversion: Conversion, light: np.ndarray, threads: int | None, tally: Tally | None, out) -> np.ndarray:
    """Encode linear light as samples, channels last; a warning says how many were NaN."""
    count = conversion.counting(tally)
    out = np.empty(light.shape, conversion.target) if out is None else out
    _converted(lambda rows: conversion.encode(rows, count), light, out, thread_count(threads))
    conversion.warn(count)
    return out


def _converted(convert, rows: np.ndarray, out: np.ndarray, threads: int) -> None:
    """Convert rows into `out` on threads, band by band, so that little else is in memory."""
    height = max(1, BAND // max(1, rows[:1].size))

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        band[...] = convert(rows[first : first + len(band)])

    with np.errstate(all="ignore"):  # as in every filter
        run_bands(work, 0, out, height, threads)
