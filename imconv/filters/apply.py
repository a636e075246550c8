"""`apply`: runs a filter over an array or a Picture, in linear light if asked, and returns the same kind of object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..composites.linear_light import BAND, Conversion, conversion_for, conversion_of
from ..composites.partial import selected
from ..engine.drive import run
from ..engine.results import check_out
from ..engine.stage import AnyPlan
from ..engine.threads import run_bands, thread_count
from ..errors import OptionError
from ..files.picture import Metadata, Picture
from ..filter import Filter
from ..pixels.alpha import check_alpha
from ..pixels.arrays import as_array, channel_axis, readable
from ..pixels.rounding import Tally

CALLER = 6  # how many calls above `drive.run` the user's own code is: warnings name its line


def apply(filter: Filter, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
    """Filter an array or a Picture and return an array or a Picture. `tally` and `progress` are those of `drive.run`."""
    how = {"threads": threads, "tally": tally, "progress": progress}
    is_picture = hasattr(image, "pixels")
    if is_picture and out is not None:
        raise OptionError("out goes with an array, not with a Picture")
    if filter.options.linear:
        conversion = _conversion(filter, image)
        if conversion is not None and conversion.transfer is not None:
            if is_picture:
                return _planned_filter(filter, image, conversion).run(image, **how)
            return _apply_in_light(filter, image, conversion, out, how)
        filter = filter.with_options(linear=False) if conversion is None else conversion.filter
    if is_picture:
        return image.filtered(_apply(selected(filter), image.pixels, image.has_alpha, None, how))
    options = filter.options
    if options.alpha not in (None, "separate") and options.has_alpha is None:
        check_alpha(options.alpha)
        raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
    return _apply(selected(filter), as_array(image), bool(options.has_alpha), out, how)


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
        return picture.filtered(np.broadcast_to(sample, shape))

    def bytes_beside(self, picture: Picture) -> int:
        """Memory that `run` takes beside the picture and the result: among other things both in linear light."""
        rows, columns = self.plan.shape
        samples = rows * columns * self.plan.channels
        light = (
            np.dtype(self.plan.source).itemsize * (picture.pixels.size + samples) if self.filter.options.linear else 0
        )
        return samples * self.plan.extra_bytes + light + self.plan.scratch

    def run(self, picture: Picture, *, threads=None, tally: Tally | None = None, progress=None) -> Picture:
        """The result of `apply`."""
        pixels, plan, conversion = picture.pixels, self.plan, self.conversion
        if conversion is None or conversion.transfer is None:
            pixels = pixels.astype(readable(pixels.dtype), copy=False)
            return picture.filtered(run(plan, pixels, threads=threads, tally=tally, progress=progress))
        decoded = _decoded(conversion, pixels, threads)
        light = run(plan, decoded, threads=threads, progress=progress)
        return picture.filtered(_encoded(conversion, light, threads, tally))


def plan_picture(filter: Filter, picture: Picture) -> PlannedFilter:
    """Plan a filter for a Picture. Its samples are not read: an outline of the same kind and size will do."""
    return _planned_filter(filter, picture, _conversion(filter, picture))


def _planned_filter(filter: Filter, picture: Picture, conversion: Conversion | None) -> PlannedFilter:
    if conversion is not None:
        inner, dtype = conversion.filter, conversion.source
    else:
        inner, dtype = filter.with_options(linear=False) if filter.options.linear else filter, picture.pixels.dtype
    plan = planned(selected(inner), picture.pixels.shape, dtype, picture.has_alpha)
    return PlannedFilter(filter, plan, conversion)


def _apply(filter: Filter, image: np.ndarray, has_alpha: bool, out, how: dict) -> np.ndarray:
    source = readable(image.dtype)
    axis = channel_axis(image, filter.options.channel_axis)
    if has_alpha and (axis is None or image.shape[axis] not in (2, 4)):
        raise OptionError(f"an image with alpha has 2 or 4 channels, this one has shape {image.shape}")
    work = image if axis is None else np.moveaxis(image, axis, -1)
    if source != image.dtype:
        work = work.astype(source)
    plan = planned(filter, work.shape, image.dtype, has_alpha)
    last = axis is None or axis % image.ndim == image.ndim - 1
    given = out
    if out is not None and axis is not None and not last and isinstance(out, np.ndarray) and out.ndim == image.ndim:
        out = np.moveaxis(out, axis, -1)
    result = run(plan, work, out=out, level=CALLER, **how)
    if given is not None:
        return given
    return result if last or axis is None else np.ascontiguousarray(np.moveaxis(result, -1, axis))


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


def _conversion(filter: Filter, image) -> Conversion | None:
    """How an array or a Picture is converted to linear light and back; None where the filter is not computed there."""
    if hasattr(image, "pixels"):
        return conversion_of(filter, image.mode, image.pixels.dtype, image.metadata)
    if not (filter.light_matters or filter.options.selects):
        return None
    array = as_array(image)
    axis = channel_axis(array, filter.options.channel_axis)
    channels = 1 if axis is None else array.shape[axis]
    return conversion_for(filter, channels, bool(filter.options.has_alpha), array.dtype, Metadata())


def _apply_in_light(filter: Filter, image, conversion: Conversion, out, how: dict) -> np.ndarray:
    """Apply a filter with the option linear to an array: decode, filter, encode."""
    array, threads = as_array(image), how["threads"]
    axis = channel_axis(array, filter.options.channel_axis)
    decoded = _decoded(conversion, array if axis is None else np.moveaxis(array, axis, -1), threads)
    light = apply(conversion.filter, decoded, threads=threads, progress=how["progress"])
    if out is not None:
        shape = light.shape if axis is None else np.moveaxis(light, -1, axis).shape
        check_out(out, shape, conversion.target.name)
    place = out if out is None or axis is None else np.moveaxis(out, axis, -1)
    result = _encoded(conversion, light, threads, how["tally"], place)
    if out is not None:
        return out
    return result if axis in (None, array.ndim - 1) else np.ascontiguousarray(np.moveaxis(result, -1, axis))


def _decoded(conversion: Conversion, pixels: np.ndarray, threads: int | None) -> np.ndarray:
    """Linear light of pixels, channels last."""
    return _converted(conversion.decode, pixels, np.empty(pixels.shape, conversion.source), thread_count(threads))


def _encoded(
    conversion: Conversion, light: np.ndarray, threads: int | None, tally: Tally | None, out=None
) -> np.ndarray:
    """Encode linear light as samples, channels last; a warning says how many were NaN."""
    count = conversion.counting(tally)
    out = np.empty(light.shape, conversion.target) if out is None else out
    _converted(lambda rows: conversion.encode(rows, count), light, out, thread_count(threads))
    conversion.warn(count)
    return out


def _converted(convert, rows: np.ndarray, out: np.ndarray, threads: int) -> np.ndarray:
    """Convert rows into `out` on threads, band by band, so that little else is in memory."""
    height = max(1, BAND // max(1, rows[:1].size))

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        band[...] = convert(rows[first : first + len(band)])

    with np.errstate(all="ignore"):  # as in every filter
        run_bands(work, 0, out, height, threads)
    return out
