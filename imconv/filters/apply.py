"""`apply`: runs a filter over an array or a Picture, in linear light if asked, and returns the same kind of object."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..composites.linear_light import BAND, conversion_for, conversion_of
from ..composites.partial import selected
from ..engine.drive import run
from ..engine.results import check_out
from ..engine.threads import run_bands, thread_count
from ..errors import OptionError
from ..files.picture import Metadata
from ..filter import Filter
from ..pixels.alpha import check_alpha
from ..pixels.arrays import as_array, channel_axis, readable
from ..pixels.rounding import Tally

CALLER = 5  # how many calls above `run` the user's own code is: warnings name its line


def apply(filter: Filter, image, *, out=None, threads=None, tally: Tally | None = None, progress=None):
    """Filter an array or a Picture and return an array or a Picture. `tally` and `progress` are those of `drive.run`."""
    how = {"threads": threads, "tally": tally, "progress": progress}
    options = filter.options
    if options.linear:
        if filter.light_matters or options.selects:
            return _apply_in_light(filter, image, out, how)
        filter = filter.with_options(linear=False)
    if hasattr(image, "pixels"):
        if out is not None:
            raise OptionError("out goes with an array, not with a Picture")
        return image.filtered(_apply(selected(filter), image.pixels, image.has_alpha, None, how))
    if options.alpha not in (None, "separate") and options.has_alpha is None:
        check_alpha(options.alpha)
        raise OptionError("alpha needs has_alpha=True or a Picture: an array does not say which channel is alpha")
    return _apply(selected(filter), as_array(image), bool(options.has_alpha), out, how)


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
    if out is not None and not last and isinstance(out, np.ndarray) and out.ndim == image.ndim:
        out = np.moveaxis(out, axis, -1)
    result = run(plan, work, out=out, level=CALLER, **how)
    if given is not None:
        return given
    return result if last else np.ascontiguousarray(np.moveaxis(result, -1, axis))


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


def _apply_in_light(filter: Filter, image, out, how: dict):
    """Apply a filter with the option linear to an array or a Picture: decode, filter, encode."""
    threads, tally, progress = how["threads"], how["tally"], how["progress"]
    if hasattr(image, "pixels"):
        if out is not None:
            raise OptionError("out goes with an array, not with a Picture")
        conversion = conversion_of(filter, image.mode, image.pixels.dtype, image.metadata)
        array, axis = image.pixels, None
    else:
        array = as_array(image)
        axis = channel_axis(array, filter.options.channel_axis)
        channels = 1 if axis is None else array.shape[axis]
        conversion = conversion_for(filter, channels, bool(filter.options.has_alpha), array.dtype, Metadata())
    if conversion.transfer is None:
        return apply(conversion.filter, image, out=out, **how)
    workers = thread_count(threads)
    pixels = array if axis is None else np.moveaxis(array, axis, -1)
    light = _converted(conversion.decode, pixels, np.empty(pixels.shape, conversion.source), workers)
    given = image.replace(pixels=light) if hasattr(image, "pixels") else light
    light = apply(conversion.filter, given, threads=threads, progress=progress)
    light = light.pixels if hasattr(image, "pixels") else light
    count = conversion.counting(tally)
    result = np.empty(light.shape, conversion.target)
    _converted(lambda rows: conversion.encode(rows, count), light, result, workers)
    conversion.warn(count)
    if hasattr(image, "pixels"):
        return image.replace(pixels=result)
    result = result if axis in (None, array.ndim - 1) else np.ascontiguousarray(np.moveaxis(result, -1, axis))
    if out is None:
        return result
    check_out(out, result.shape, result.dtype.name)
    out[...] = result
    return out


def _converted(convert, rows: np.ndarray, out: np.ndarray, threads: int) -> np.ndarray:
    """Convert rows into `out` on threads, band by band, so that little else is in memory."""
    height = max(1, BAND // max(1, rows[:1].size))

    def work(first: int, band: np.ndarray, scratch: dict) -> None:
        band[...] = convert(rows[first : first + len(band)])

    with np.errstate(all="ignore"):  # as in every filter
        run_bands(work, 0, out, height, threads)
    return out
